from pathlib import Path

import numpy as np
import pytest
from conftest import document_text

from data.agreement import breakdown, disagreements, measure, pair_annotations
from data.documents import Document, read_documents
from data.errors import InputFaults


def write(folder: Path, *texts: str) -> list[Document]:
    folder.mkdir()
    for number, text in enumerate(texts):
        (folder / f"{number}.md").write_text(text, encoding="utf-8")
    return read_documents(folder)


def krippendorff_interval(first: list[int], second: list[int]) -> float:
    """Alpha by its definition for two coders without gaps: 1 - observed / expected squared difference."""
    pooled = np.array([*first, *second], dtype=float)
    observed = np.mean((np.array(first) - np.array(second)) ** 2)
    n = len(pooled)
    expected = ((pooled[:, None] - pooled[None, :]) ** 2).sum() / (n * (n - 1))
    return float(1 - observed / expected)


def test_alpha_and_kappa_against_their_definitions(tmp_path: Path) -> None:
    first = write(tmp_path / "a", document_text(1), document_text(2))
    second = write(
        tmp_path / "b",
        document_text(1),
        document_text(2).replace("rovia: against", "rovia: favor").replace("opposition: against", "opposition: neutral"),
    )
    judgements = pair_annotations(first, second)
    ids = {"against": 0, "neutral": 1, "favor": 2}
    pairs = [(ids[j.first], ids[j.second]) for j in judgements]
    result = measure(judgements)
    assert result.n == 12
    assert result.same == pytest.approx(10 / 12)
    assert result.alpha == pytest.approx(krippendorff_interval(*map(list, zip(*pairs, strict=True))))
    observed, chance = 10 / 12, (4 * 2 + 6 * 7 + 2 * 3) / 144
    assert result.kappa == pytest.approx((observed - chance) / (1 - chance))


def test_breakdown_names_groups_and_disagreements_name_lines(tmp_path: Path) -> None:
    first = write(tmp_path / "a", document_text(1))
    second = write(tmp_path / "b", document_text(1).replace("rovia: against", "rovia: favor"))
    judgements = pair_annotations(first, second)
    table = breakdown(judgements)
    assert table["phenomenon countermeasure"].same == 0
    assert table["class neutral"].same == 1
    assert table["genre wire"].n == 6
    assert [line.split("0.md:")[1] for line in disagreements(judgements)] == ["12: rovia: against / favor"]


def test_one_label_everywhere_has_no_alpha(tmp_path: Path) -> None:
    text = document_text(1).replace("against)", "neutral)").replace("favor)", "neutral)")
    result = measure(pair_annotations(write(tmp_path / "a", text), write(tmp_path / "b", text)))
    assert (result.same, result.alpha, result.kappa) == (1, None, None)


def test_annotations_of_different_texts_are_refused(tmp_path: Path) -> None:
    first = write(tmp_path / "a", document_text(1), document_text(2))
    second = write(tmp_path / "b", document_text(1).replace("at noon", "at dawn"), document_text(3))
    with pytest.raises(InputFaults) as caught:
        pair_annotations(first, second)
    text = str(caught.value)
    assert "the text differs" in text
    assert "'doc-2' is not annotated" in text
    assert "'doc-3' is not annotated" in text


def test_other_actors_are_refused_with_both_lines(tmp_path: Path) -> None:
    first = write(tmp_path / "a", document_text(1))
    second = write(tmp_path / "b", document_text(1).replace("(rovia: neutral)", "(opposition: neutral)"))
    with pytest.raises(InputFaults, match=r"b/0.md:10: the labelled actors differ from .*a/0.md:10"):
        pair_annotations(first, second)
