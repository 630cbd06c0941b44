"""Behaviour cases: what a suite may hold, how predictions on it are judged, and where the result is shown."""

from collections.abc import Callable
from functools import partial
from pathlib import Path

import numpy as np
import pytest
from eval_fakes import FakeRun, write_run

from data.errors import InputError
from data.files import write_json, write_jsonl, write_text
from data.records import STANCE_ID
from eval.behaviour.cases import NAMES, SUITES, BehaviourRow, Suite, find_suite, read_suite
from eval.behaviour.judge import Behaviour, behaviour_deltas, behaviour_section, judge, read_behaviour
from eval.compare import compare_paths
from eval.report import summary, write_report

CASES = """
target: the toll
capability: negation
about: A not turns the stance.
cases:
- MFT: "[Ann](a: favor) wants the toll, [Bob](b: against) fights it."
- DIR: ["[Ann](a: favor) pays the toll.", "[Ann](a: against) will not pay the toll, [Bob](b: neutral) says."]
- INV: ["[Ann](a: neutral) saw the toll.", "The toll was seen by [Ann](a: neutral).", "It was [Ann](a: neutral) who saw the toll."]
"""
SMALL = partial(FakeRun, seeds=(1, 2), documents={"test": 4}, baselines=(), calibrated=False)
LISTS = "town: [Arl, Brin, Cole, Dorn]\nriver: [Esk, Forth, Ger, Ham]\nthree: [Ivo, Jan, Kai]\n"


def suite(folder: Path, cases: str = CASES) -> Suite:
    write_text(folder / NAMES, LISTS)
    write_text(folder / "negation.yaml", cases)
    return read_suite(folder)


def one_case(folder: Path, case: str) -> Suite:
    return suite(folder, f"target: the toll\ncapability: c\nabout: x\ncases:\n- {case}\n")


def answered(rows: tuple[BehaviourRow, ...], changed: dict[str, str] | None = None) -> Behaviour:
    """The gold labels as predictions of one seed, some of them changed."""
    changed = changed or {}
    return Behaviour(rows, np.array([[STANCE_ID[changed.get(row.id, row.stance or "")] for row in rows]]))


def passed(behaviour: Behaviour) -> list[bool]:
    return [bool(outcome.passed[0]) for outcome in judge(behaviour)]


def test_gold_answers_pass_every_check(tmp_path: Path) -> None:
    rows = suite(tmp_path).rows
    assert [(outcome.check, outcome.case) for outcome in judge(answered(rows))] == [
        ("MFT", "negation-01"),
        ("DIR", "negation-02"),
        ("INV", "negation-03"),
        ("INV", "negation-03"),
    ]
    assert passed(answered(rows)) == [True, True, True, True]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"negation-01:0:b": "neutral"}, [False, True, True, True]),
        ({"negation-02:1:a": "favor"}, [True, False, True, True]),
        ({"negation-02:1:a": "neutral"}, [True, True, True, True]),
        ({"negation-02:1:b": "favor"}, [True, True, True, True]),
        ({"negation-02:0:a": "against"}, [True, False, True, True]),
        ({"negation-03:2:a": "favor"}, [True, True, True, False]),
        ({f"negation-03:{variant}:a": "favor" for variant in range(3)}, [True, True, True, True]),
    ],
)
def test_each_kind_fails_on_its_own_fault_only(tmp_path: Path, changed: dict[str, str], expected: list[bool]) -> None:
    assert passed(answered(suite(tmp_path).rows, changed)) == expected


def test_a_template_is_filled_with_different_names_and_the_original_may_have_a_list_of_its_own(tmp_path: Path) -> None:
    rows = one_case(tmp_path, 'INV: "[{1}](a: favor) told [{2}](b: neutral) about the toll."\n  names: [town, river]').rows
    texts = list(dict.fromkeys(row.text for row in rows))
    assert texts[0] == "Arl told Dorn about the toll."
    assert texts[1:] == [f"{a} told {b} about the toll." for a, b in (("Forth", "Esk"), ("Ger", "Forth"), ("Ham", "Ger"), ("Esk", "Ham"))]
    assert {row.variant for row in rows} == set(range(7))


@pytest.mark.parametrize(
    ("case", "message"),
    [
        ('MFT: "Nobody here."', "without a labelled actor"),
        ('INV: ["[Ann](a: favor) pays.", "[Ann](a: against) pays not."]', "must be the same"),
        ('DIR: ["[Ann](a: favor) pays.", "[Ann](a: favor) still pays."]', "no actor of this DIR case"),
        ('INV: "[{1}](a: favor) pays."\n  names: twon', "no list 'twon' (did you mean 'town'?)"),
        ('INV: "[{1}](a: favor) pays."\n  names: town', "expected a list of 7 names or more"),
        ('INV: "[{1}](a: favor) pays."\n  names: [river, river]', "expected a list of 7 names or more"),
        ('INV: "[{1}](a: favor) met [{2}](b: favor)."\n  names: three', "several slots hold the same name (Ivo, Ivo)"),
        ('MFT: "[Ann](a: favr) pays."', "case 1"),
        ('MFT: "[Ann](a: favor) pays."\n  INV: ["[Ann](a: favor) pays."]', "expected one of"),
    ],
)
def test_a_faulty_case_is_named(tmp_path: Path, case: str, message: str) -> None:
    with pytest.raises(InputError) as fault:
        one_case(tmp_path, case)
    assert str(fault.value).startswith(f"{tmp_path / 'negation.yaml'}: case 1: ")
    assert message in str(fault.value)


def test_a_suite_is_found_by_its_target_and_never_put_to_another(tmp_path: Path) -> None:
    suite(tmp_path)
    assert find_suite("auto", ["the ferry", None]) is None
    assert find_suite("none", ["the missile shield"]) is None
    found = find_suite("auto", ["the missile shield"])
    assert found is not None
    assert found.folder == SUITES / "missile-shield"
    with pytest.raises(InputError, match="about 'the toll', the data about the ferry"):
        find_suite(str(tmp_path), ["the ferry"])


def test_the_shipped_suite_covers_what_it_promises() -> None:
    shipped = read_suite(SUITES / "missile-shield")
    capabilities = {row.capability for row in shipped.rows}
    assert {"name swap", "invented names", "negation", "denial", "attribution", "active and passive", "concession"} <= capabilities
    assert {"threatened party", "site", "bargaining", "countermeasures", "owner as modifier", "cancellation"} <= capabilities
    assert len({row.case for row in shipped.rows}) >= 150
    assert len({row.id for row in shipped.rows}) == len(shipped.rows)
    assert passed(answered(shipped.rows)) == [True] * len(judge(answered(shipped.rows)))


def run_with_suite(folder: Path, rows: tuple[BehaviourRow, ...], changed: dict[str, str], name: str) -> Path:
    run = write_run(folder / name, SMALL(name))
    write_jsonl(run / "behaviour.jsonl", (row.model_dump() for row in rows))
    for seed in (1, 2):
        answers = {row.id: changed.get(row.id, row.stance or "") if seed == 2 else row.stance for row in rows}
        write_jsonl(
            run / f"seed-{seed}" / "predictions" / "behaviour.jsonl",
            (
                {
                    "id": row.id, "doc_id": row.doc_id, "actor": row.actor, "gold": row.stance, "pred": answers[row.id],
                    "probs": {stance: float(stance == answers[row.id]) for stance in STANCE_ID},
                }
                for row in rows
            ),
        )  # fmt: skip
    return run


def test_report_and_comparison_show_the_pass_rates(tmp_path: Path) -> None:
    rows = suite(tmp_path / "suite").rows
    good = run_with_suite(tmp_path, rows, {}, "good")
    bad = run_with_suite(tmp_path, rows, {"negation-01:0:a": "against"}, "bad")
    report = write_report(bad, resamples=100)
    (mft,) = (row for row in report["behaviour"]["totals"] if row["check"] == "MFT")
    assert (mft["n"], mft["rate"]["mean"], mft["rate"]["seeds"]) == (1, 0.5, [1.0, 0.0])
    (failure,) = report["behaviour"]["failures"]
    assert (failure["seeds"], failure["text"]) == (1, "Ann wants the toll, Bob fights it.")
    assert failure["actors"][0] == {"mention": "Ann", "gold": "favor", "pred": "against", "before": None}
    assert "behaviour checks passed: MFT 50.0% of 1" in summary(report)
    for page in ("report.md", "report.html"):
        assert "Ann wants the toll" in (bad / page).read_text(encoding="utf-8")
    comparison, folder = compare_paths([good, bad], tmp_path / "out")
    (row,) = (row for row in comparison["behaviour"] if row["check"] == "MFT")
    assert (row["rate_a"], row["rate_b"], row["delta"], row["fixed"], row["broken"]) == (1.0, 0.5, -0.5, 0, 1)
    for page in ("compare.md", "compare.html"):
        assert "negation" in (folder / page).read_text(encoding="utf-8")


def test_a_run_without_cases_and_one_with_others_are_compared_all_the_same(tmp_path: Path) -> None:
    rows = suite(tmp_path / "suite").rows
    none = write_run(tmp_path / "none", SMALL("none"))
    some = run_with_suite(tmp_path, rows, {}, "some")
    fewer = run_with_suite(tmp_path, rows[:2], {}, "fewer")
    assert write_report(none, resamples=100)["behaviour"] is None
    comparison, _ = compare_paths([none, some, fewer], tmp_path / "out")
    assert comparison["behaviour"] == []
    assert any("different behaviour cases" in note for note in comparison["notes"])


def test_predictions_of_other_cases_are_refused(tmp_path: Path) -> None:
    rows = suite(tmp_path / "suite").rows
    run = run_with_suite(tmp_path, rows, {}, "run")
    write_jsonl(run / "behaviour.jsonl", (row.model_dump() for row in rows[:2]))
    with pytest.raises(InputError, match=r"seed-1/predictions/behaviour\.jsonl: its ids are not those"):
        write_report(run, resamples=100)
    assert not (run / "report.json").exists()


@pytest.mark.parametrize(
    ("kept", "changes", "message"),
    [
        (lambda row: row.variant > 0, {}, r"negation-02:1:a: case 'negation-02' has no original"),
        (lambda row: row.case == "negation-03" and (row.variant > 0 or row.actor != "a"), {}, "no original"),
        (lambda row: True, {"stance": None}, "negation-01:0:a: expected a stance"),
    ],
)
def test_rows_that_cannot_be_judged_are_refused(
    tmp_path: Path, kept: Callable[[BehaviourRow], bool], changes: dict[str, None], message: str
) -> None:
    rows = [row.model_dump() | changes for row in suite(tmp_path / "suite").rows if kept(row)]
    write_jsonl(tmp_path / "behaviour.jsonl", rows)
    with pytest.raises(InputError, match=rf"behaviour.jsonl: .*{message}"):
        read_behaviour(tmp_path, [])


@pytest.mark.parametrize("values", ["", "[]", "[1, 2]", "Arl"])
def test_a_list_of_names_holds_names(tmp_path: Path, values: str) -> None:
    suite(tmp_path)
    write_text(tmp_path / NAMES, f"{LISTS}states: {values}\n")
    with pytest.raises(InputError, match=r"names.yaml: states: expected a list of names"):
        read_suite(tmp_path)


def test_deltas_need_no_seeds_in_common(tmp_path: Path) -> None:
    rows = suite(tmp_path).rows
    two = Behaviour(rows, np.repeat(answered(rows).pred, 2, axis=0))
    assert [row["delta"] for row in behaviour_deltas("a", answered(rows), "b", two)] == [0.0, 0.0, 0.0]
    assert behaviour_section(None) is None
    write_json(tmp_path / "section.json", behaviour_section(two))
