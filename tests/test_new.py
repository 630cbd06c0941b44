import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from data.agreement import pair_annotations
from data.bodies import kind_of_body
from data.corpus import load_corpus
from data.documents import read_document, read_documents
from data.drafts import is_begun
from data.errors import InputError, InputFaults
from data.files import ROOT, read_text
from data.guidelines import adapt_guidelines
from data.issue import Issue, format_issue, open_finder, read_issue
from data.markup import parse_line
from data.names import count_names, propose_actors
from data.new import collect_articles, write_frame
from data.parsing import parse_yaml
from data.registry import read_registry
from data.sheets import read
from data.splits import extend_splits, make_splits
from data.validate import faults
from train.config import load_config
from train.settings import TrainerSettings

EXAMPLE = ROOT / "docs" / "example"


def new(*arguments: str | Path, cwd: Path) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "data" / "new.py"), *map(str, arguments)]
    return subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def scaffold(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the command makes of the example's articles, in a folder outside the project."""
    place = tmp_path_factory.mktemp("anywhere")
    done = new("toll", "--target", "the river toll", "--articles", EXAMPLE / "articles", "--setting", "invented", cwd=place)
    assert done.returncode == 0, done.stderr
    return place / "toll"


@pytest.fixture
def issue(scaffold: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(scaffold, tmp_path / "toll"))


def test_every_article_becomes_a_marked_document_without_labels(scaffold: Path) -> None:
    documents = read_documents(scaffold / "corpus")
    assert len(documents) == len(list((EXAMPLE / "articles").glob("*.txt")))
    for document in documents:
        source = read_text(scaffold / "articles" / f"{document.meta.id}.txt")
        assert document.plain_text().split() == source.split()
        assert (document.meta.target, document.meta.origin) == ("the river toll", "collected")
        assert not is_begun(document)
        assert document.open_lines
    walkout = read_text(scaffold / "corpus" / "union-walkout.md")
    assert "[Jana Holt](jana-holt: ?), who speaks for the union" in walkout
    assert "[Holt](jana-holt: ?) was not impressed" in walkout


def test_the_frame_is_about_the_target_and_the_config_trains_on_it(scaffold: Path) -> None:
    assert read_issue(scaffold) == Issue(target="the river toll")
    config = load_config(scaffold / "config.yaml")
    assert (config.name, Path(config.data.corpus)) == ("toll", scaffold.resolve())
    assert load_corpus(scaffold).splits == {"train": [], "dev": [], "test": []}
    assert "toward the river toll" in read_text(scaffold / "README.md")


def test_a_corpus_inside_the_project_is_named_relative_to_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    import data.new as scaffolding

    (tmp_path / "configs").mkdir()
    shutil.copy(ROOT / "configs" / "base.yaml", tmp_path / "configs")
    (tmp_path / "docs").mkdir()
    shutil.copy(ROOT / "docs" / "guidelines.md", tmp_path / "docs")
    monkeypatch.setattr(scaffolding, "ROOT", tmp_path)
    scaffolding.write_frame(tmp_path / "issues" / "toll", Issue(target="the toll"))
    config = load_config(tmp_path / "issues" / "toll" / "config.yaml")
    assert config.data.corpus == "issues/toll"
    base = load_config(ROOT / "configs" / "base.yaml")  # found two folders up
    assert config.trainer.learning_rate == base.trainer.learning_rate != TrainerSettings().learning_rate


def test_a_path_or_target_with_yamls_own_signs_is_quoted(tmp_path: Path) -> None:
    folder = tmp_path / "sp ace: x" / "toll"
    write_frame(folder, Issue(target='the "toll": all of it # so far'))
    config = load_config(folder / "config.yaml")
    assert (config.name, Path(config.data.corpus)) == ("toll", folder)
    assert read_text(folder / "config.yaml").startswith(f"# python train/run.py --config '{folder}/config.yaml'\n")
    card = read_text(folder / "README.md").split("---\n")[1]
    assert parse_yaml(card, folder)["pretty_name"] == 'Actor stance toward the "toll": all of it # so far'


def test_guidelines_ask_about_the_target_and_keep_the_shield_to_quoted_examples() -> None:
    source = read_text(ROOT / "docs" / "guidelines.md")
    text = adapt_guidelines(source, "the river toll")
    assert "attribute to this actor toward the river toll (say here" in text
    outside = text.replace("missile-shield corpus", "")
    for quote in ('"', "`"):
        outside = "".join(outside.split(quote)[::2])
    assert not [word for word in ("shield", "radar", "interceptor", "Iran", "2009", "Alaska") if word in outside]
    assert re.findall(r"^(\d+)\. ", text, re.M) == re.findall(r"^(\d+)\. ", source, re.M)
    assert text.count("(a rule of your own)") == 2


def test_the_proposed_actors_are_the_frequent_names_with_a_guess_at_their_kind() -> None:
    articles = [
        [
            "The Dredging Authority said on Monday that Norvia would pay.",
            "Norvia was not asked, Prime Minister Lena Marsh said.",
            "Marsh told the Miners' Union and the Authority to wait.",
            "In Norvia the Miners' Union laughed; French officials and France did not.",
        ]
    ]
    found = {each.actor.id: each.actor for each in propose_actors(articles, {}, limit=20)}
    assert {actor.id: actor.kind for actor in found.values()} == {
        "dredging-authority": "organisation",
        "norvia": "state",
        "lena-marsh": "person",
        "miners-union": "organisation",
        "france": "state",
    }
    assert found["dredging-authority"].aliases == ("Dredging Authority", "Authority")
    assert found["lena-marsh"].aliases == ("Lena Marsh", "Marsh")
    known = {"norvia": found["norvia"]}
    assert "norvia" not in {each.actor.id for each in propose_actors(articles, known, limit=20)}
    assert len(propose_actors(articles, {}, limit=2)) == 2


def test_names_are_counted_without_titles_owners_and_sentence_openings() -> None:
    counts = count_names(["Minister Ada Roe met Ada Roe.", "Dredgers left Norvia's Green League.", "On Friday the Green League left."])
    assert counts == {"Ada Roe": 2, "Green League": 2, "Norvia": 1}
    assert [kind_of_body(name) for name in ("Bank of Norvia", "Green Party", "Ada Roe")] == ["organisation", "party", None]


def test_correcting_the_registry_and_marking_anew(issue: Path) -> None:
    registry = issue / "actors.yaml"
    lines = [line for line in read_text(registry).splitlines() if "id: lenne," not in line]
    text = "\n".join(lines) + "\n# a remark of mine\n"
    registry.write_text(text.replace("[Arlonde]", "[Arlonde, Dell]").replace("[Radio Dell, Dell]", "[Radio Dell]"))
    begun = issue / "corpus" / "toll-poll.md"
    begun.write_text(read_text(begun).replace("(green-league: ?)", "(green-league: favor)"))
    walkout = issue / "corpus" / "union-walkout.md"
    walkout.write_text(read_text(walkout).replace("for the union, said", "for [the union](bargemens-union: ?), said"))
    before = read_text(begun)
    done = new(issue, cwd=issue.parent)
    assert done.returncode == 0, done.stderr
    assert "14 documents marked" in done.stdout
    assert read_text(begun) == before
    assert "# a remark of mine" in read_text(registry)
    texts = "".join(read_text(document.path) for document in read_documents(issue / "corpus") if document.path != begun)
    assert "(lenne:" not in texts
    assert "[Dell](radio-dell" not in texts
    assert "[Dell](arlonde: ?) confirms" in texts
    assert "for [the union](bargemens-union: ?), said" in texts
    assert load_corpus(issue).finished == []


def test_articles_are_added_later(issue: Path, tmp_path: Path) -> None:
    more = tmp_path / "more"
    more.mkdir()
    text = "Corrania gives in\nCorrania will sign, Minister Olga Stern said.\nStern had been against the toll.\n"
    (more / "Late News!.txt").write_text(text)
    done = new(issue, "--articles", more, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "[Minister Olga Stern](olga-stern: ?) said" in read_text(issue / "corpus" / "late-news.md")
    assert read_registry(issue / "actors.yaml")["olga-stern"].kind == "person"
    again = new(issue, "--articles", more, cwd=tmp_path)
    assert (again.returncode, "late-news" in again.stderr) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["fresh"], "fresh: a new corpus needs --target and --articles"),
        (["fresh", "--target", " ", "--articles", "texts"], "needs --target"),
        (["fresh", "--target", "tax " * 60, "--articles", "texts"], "--target: String should have at most 200 characters, got 240"),
        (["fresh", "--target", "the tax", "--articles", "none"], "none: no such folder"),
        (["fresh", "--target", "the tax", "--articles", "empty"], "holds no .txt file"),
        (["fresh", "--target", "the tax", "--articles", "texts"], "foreign.txt: does not read like English"),
        (["empty/../texts", "--target", "the tax", "--articles", "texts"], "is there already"),
        (["toll", "--target", "the tax"], "says 'the river toll'"),
        (["bad name", "--target", "the tax"], "name the folder with letters"),
        (["fresh", "--target", "the tax", "--articles", "texts", "--names=-5"], "--names: expected 1 or more, got -5"),
        (["fresh", "--target", "the tax", "--articles", "texts", "--names=0"], "--names: expected 1 or more, got 0"),
    ],
)
def test_wrong_input_writes_nothing(issue: Path, tmp_path: Path, arguments: list[str], message: str) -> None:
    (tmp_path / "empty").mkdir()
    (tmp_path / "texts").mkdir()
    (tmp_path / "texts" / "foreign.txt").write_text("Der Zoll auf dem Fluss wird von den Schiffern seit langem bekämpft. " * 9)
    before = sorted(path for path in tmp_path.rglob("*"))
    done = new(*arguments, cwd=tmp_path)
    assert done.returncode == 2
    assert message in done.stderr
    assert "Traceback" not in done.stderr
    assert sorted(path for path in tmp_path.rglob("*")) == before


def test_faulty_files_can_be_left_out(tmp_path: Path) -> None:
    texts = Path(shutil.copytree(EXAMPLE / "articles", tmp_path / "texts"))
    (texts / "empty.txt").write_text(" ")
    (texts / "comment.txt").write_text("Arlonde pays, said Arlonde. <!-- ad -->\n")
    refused = new("toll", "--target", "the toll", "--articles", texts, cwd=tmp_path)
    assert (refused.returncode, "empty.txt: empty" in refused.stderr) == (2, True)
    comment = new("toll", "--target", "the toll", "--articles", texts, "--skip-faulty", cwd=tmp_path)
    assert (comment.returncode, "HTML comment" in comment.stderr) == (2, True)
    assert not (tmp_path / "toll").exists()
    (texts / "comment.txt").unlink()
    assert new("toll", "--target", "the toll", "--articles", texts, "--skip-faulty", cwd=tmp_path).returncode == 0


def test_the_first_article_of_a_name_is_kept(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for folder, day in (("a", "Monday"), ("b", "Tuesday")):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "news.txt").write_text(f"Arlonde will pay the toll on {day}.\n")
    texts = collect_articles(tmp_path, skip_faulty=True)
    assert texts == {"news": "Arlonde will pay the toll on Monday.\n"}
    assert "b/news.txt: a second article of the name 'news'" in capsys.readouterr().out


def test_an_unlabelled_mark_keeps_a_document_out_of_the_splits(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(EXAMPLE, tmp_path / "toll"))
    path = folder / "corpus" / "toll-poll.md"
    path.write_text(read_text(path).replace("(green-league: favor)", "(green-league: ?)"))
    document = read_document(path)
    assert document.open_lines == (19,)
    assert [row.stance for row in document.examples()][-1] is None
    with pytest.raises(InputError, match=r"toll-poll.md:19: 1 mark is still to be labelled \(\?\)"):
        load_corpus(folder)
    documents, registry = read_documents(folder / "corpus"), read_registry(folder / "actors.yaml")
    splits = make_splits(documents, registry, seed=1)
    assert "toll-poll" not in [doc_id for ids in splits.values() for doc_id in ids]
    path.write_text(read_text(path).replace("(green-league: ?)", "(green-league: favor)"))
    extended = extend_splits(splits, read_documents(folder / "corpus"), registry)
    assert extended == splits | {"train": sorted([*splits["train"], "toll-poll"])}


def test_a_blind_sheet_labels_unlabelled_documents(scaffold: Path, tmp_path: Path) -> None:
    documents = read_documents(scaffold / "corpus")
    answers = tmp_path / "answers.txt"
    lines = [f"{d.meta.id} {s.sent_id} {'f' * len(s.labelled)}" for d in documents for s in d.sentences if s.labelled]
    answers.write_text("\n".join(lines))
    assert read(documents, [answers], "anna", tmp_path / "anna") == len(documents)
    labelled = read_documents(tmp_path / "anna")
    assert {mention.stance for d in labelled for s in d.sentences for mention in s.labelled} == {"favor"}
    assert not any(document.open_lines for document in labelled)
    with pytest.raises(InputFaults, match=r"a mark is still to be labelled \(\?\)"):
        pair_annotations(labelled, documents)


def test_a_mark_without_stance_survives_reading_and_writing() -> None:
    marked = parse_line("[Moscow](russia: ?) objects, and [it](russia) knows it.")
    assert [(mention.stance, mention.decided) for mention in marked.mentions] == [("?", None), (None, None)]


def test_an_issue_survives_writing_and_faults_are_named(tmp_path: Path) -> None:
    wanted = Issue(target="the shield: part two", nouns=("radar", "site 3"))
    path = tmp_path / "issue.yaml"
    path.write_text(format_issue(wanted))
    assert read_issue(tmp_path) == wanted
    assert {"shield", "radar", "part"} <= wanted.held
    for text, message in (("tarket: x", "tarket"), ("target: [", "not YAML"), ("target: ' '", "target"), ("- x", "target")):
        path.write_text(text)
        with pytest.raises(InputError, match=f"issue.yaml.*: .*{message}"):
            read_issue(tmp_path)
    path.unlink()
    with pytest.raises(InputError, match=r"issue.yaml: no such file"):
        read_issue(tmp_path)


def test_the_nouns_of_an_issue_tell_holders_from_adjectives() -> None:
    finder = open_finder(EXAMPLE)
    assert {"toll", "charge"} <= finder.held
    assert "toll" not in open_finder(ROOT / "data").held


def test_the_example_corpus_has_no_faults() -> None:
    assert faults(load_corpus(EXAMPLE), ROOT / "seeds") == []
