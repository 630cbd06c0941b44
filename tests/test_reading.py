import csv
import json
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from tiny_run import ARTICLE, make_run

from data.articles import article_examples, take_apart
from data.errors import InputError
from data.files import ROOT
from data.mentions import MentionFinder
from data.records import STANCE_ID, Example, Prediction, read_rows
from data.registry import Actor, Registry, read_registry
from train.article_view import headings, paragraphs, render_view, timeline
from train.collection import agreements, matrix, to_csv, to_json
from train.loading import open_run
from train.predict import collect_articles, find_inputs
from train.reading import ArticleReader, Reading, load, sum_up
from train.verdicts import judge


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("runs") / "tiny")


@pytest.fixture(scope="module")
def reader(run: Path) -> ArticleReader:
    return load(run)


REGISTRY: Registry = {
    actor.id: actor
    for actor in (
        Actor(id="rovia", name="Rovia", kind="state", aliases=("Rovia",)),
        Actor(id="belmora", name="Belmora", kind="state", aliases=("Belmora",)),
    )
}


def read_as(text: str, doc_id: str, **stances: str) -> Reading:
    """Read a text with a model that gives each actor its stance with 0.9."""
    article = take_apart(text, doc_id, MentionFinder(REGISTRY))
    rows = article_examples(article, "the shield")
    probs = np.full((len(rows), 3), 0.05)
    for index, row in enumerate(rows):
        probs[index, STANCE_ID[stances[row.actor]]] = 0.9
    return sum_up(article, rows, probs, 0.5)


def example(sent_id: int) -> Example:
    return Example(id=f"d:{sent_id}:a", doc_id="d", sent_id=sent_id, text=f"A {sent_id}", actor="a", mention="A", start=0, end=1)


@pytest.mark.parametrize(
    ("probs", "stance", "confidence", "mixed"),
    [
        ([[0.1, 0.8, 0.1], [0.2, 0.1, 0.7]], "favor", 0.7, False),
        ([[0.9, 0.1, 0.0], [0.0, 0.4, 0.6]], "against", 0.9 * 0.9 / 1.5, True),
        ([[0.1, 0.8, 0.1], [0.4, 0.5, 0.1]], "neutral", (0.8 * 0.5) ** 0.5, False),
    ],
)
def test_the_weightier_side_decides(probs: list[list[float]], stance: str, confidence: float, mixed: bool) -> None:
    verdict = judge([example(1), example(2)], np.array(probs), 0.65, name="A", kind="state")
    assert (verdict.stance, verdict.mixed) == (stance, mixed)
    assert verdict.confidence == pytest.approx(confidence)
    assert verdict.unsure == (confidence < 0.65)
    assert all(each.stance == stance for each in verdict.evidence)


def test_a_reading_holds_every_mention_at_its_place(reader: ArticleReader) -> None:
    reading = reader.read(ARTICLE, "a")
    assert all(reading.article.text[m.start : m.end] == m.text for m in reading.mentions)
    assert {("He", "vladimir-putin"), ("it", "united-states"), ("American", "united-states")} <= {
        (m.text, m.actor) for m in reading.mentions
    }
    assert reading.article.date == "2008-03-12"
    assert reading.by_actor["russia"].sentences == len({m.sentence for m in reading.mentions if m.actor == "russia"})
    assert not any(m.text == "Jane Doe" for m in reading.mentions)


def test_the_first_mention_is_scored_as_training_saw_it(reader: ArticleReader) -> None:
    reading = reader.read(ARTICLE, "a")
    np.testing.assert_allclose(reading.probs, reader.run.probabilities(list(reading.rows)), atol=1e-6)


def test_many_articles_give_what_each_gives_alone(reader: ArticleReader) -> None:
    texts = {"a": ARTICLE, "b": "Washington and Moscow met. Russia said it would not agree."}
    for together, alone in zip(reader.read_many(texts), (reader.read(text, name) for name, text in texts.items()), strict=True):
        np.testing.assert_allclose(together.probs, alone.probs, atol=1e-5)
        assert [verdict.stance for verdict in together.verdicts] == [verdict.stance for verdict in alone.verdicts]


def test_calibration_changes_confidence_and_not_the_stance(run: Path) -> None:
    opened = open_run(run)
    rows = [example(1)]
    raw, calibrated = opened.scorer.score(rows), opened.probabilities(rows)
    assert raw.argmax() == calibrated.argmax()
    assert calibrated.max() < raw.max()  # temperature 1.3 softens


def test_no_known_actor_is_said(reader: ArticleReader) -> None:
    with pytest.raises(InputError, match="names no actor"):
        reader.read("It rained all day.")


def test_articles_without_an_actor_are_left_out_and_named(reader: ArticleReader, capsys: pytest.CaptureFixture[str]) -> None:
    (reading,) = reader.read_many({"a": "It rained.", "b": "Russia objects.", "c": "It snowed."})
    assert reading.article.doc_id == "b"
    assert capsys.readouterr().err == "note: a, c: name no actor of data/actors.yaml; left out\n"
    with pytest.raises(InputError, match=r"^a, c: name no actor of data/actors.yaml; add aliases"):
        reader.read_many({"a": "It rained.", "c": "It snowed."})


def test_matrix_agreement_and_tables() -> None:
    first = read_as("Rovia met Belmora.", "x", rovia="against", belmora="favor")
    second = read_as("Belmora met Rovia.", "y", rovia="favor", belmora="favor")
    third = read_as("Rovia slept.", "z", rovia="neutral")
    standings = matrix([first, second, third])
    assert [each.actor for each in standings] == ["rovia", "belmora"]
    assert standings[1].cells[2] is None
    (agreement,) = agreements(standings).values()
    assert (agreement.documents, agreement.value) == (2, 0.5)
    fields = to_json([first, second, third], "r")
    assert fields["matrix"][0]["stances"] == {"x": "against", "y": "favor", "z": "neutral"}
    json.dumps(fields, allow_nan=False)


def test_csv_runs_no_formula() -> None:
    reading = read_as('=HYPERLINK("x") said Rovia.', "-x", rovia="favor")
    (row,) = list(csv.DictReader(to_csv([reading]).splitlines()))
    assert row["doc_id"] == "'-x"
    assert row["evidence"].startswith("'=")
    assert (row["stance"], row["favor"], row["confidence"]) == ("favor", "1", "0.9000")


def test_the_view_shows_the_whole_text_and_escapes_it() -> None:
    text = "Rovia <script>alert(1)</script> & Belmora met.\nBelmora left."
    reading = read_as(text, "x", rovia="against", belmora="favor")
    shown = "\n".join("".join(segment.text for segment in each.segments) for each in paragraphs(reading))
    assert shown == text
    page = render_view([reading], "run & co", 0.95)
    assert "<script>alert" not in page
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; " in page
    assert 'class="against name unsure"' in page
    assert "default-src &#39;none&#39;" in page
    assert "http://" not in page.replace("http://www.w3.org", "") and "https://" not in page


def test_a_time_line_needs_two_dates() -> None:
    readings = [read_as("Rovia met Belmora.", f"2008-0{month}-31", rovia="against", belmora="favor") for month in (1, 3)]
    assert timeline(readings[:1], matrix(readings[:1])) is None
    drawn = timeline(readings, matrix(readings))
    assert drawn is not None and drawn.count("time-mark against") == 2 and "2008-03-31" in drawn
    assert render_view(readings, "r", 0.0).count('id="doc-') == 2
    apart = [read_as("Rovia slept.", "2008-01-31", rovia="neutral"), read_as("Belmora slept.", "2008-03-31", belmora="neutral")]
    assert timeline(apart, matrix(apart)) is None


def test_articles_of_one_date_are_told_apart() -> None:
    readings = [read_as("Rovia slept.", name, rovia="neutral") for name in ("x-2008-01-31", "y-2008-01-31", "2008-02-01", "z")]
    assert headings(readings) == ["2008-01-31 · x-2008-01-31", "2008-01-31 · y-2008-01-31", "2008-02-01", "z"]
    assert all(f">{heading}</a>" in render_view(readings, "r", 0.0) for heading in headings(readings))


def test_the_view_says_where_names_come_from_and_what_is_shown() -> None:
    reading = read_as("Rovia slept.\nRovia left.\nRovia sang.\nRovia ate.\nBelmora slept.", "x", rovia="favor", belmora="neutral")
    page = render_view([reading], "r", 0.0, "mine/actors.yaml")
    assert "Names come from mine/actors.yaml;" in page
    assert "<summary>the 3 clearest of 4 sentences</summary>" in page and "<summary>its only sentence</summary>" in page


def test_standard_input_in_another_encoding_is_refused_like_a_file() -> None:
    command = [sys.executable, ROOT / "train/predict.py", "--run", "nowhere", "--input", "-"]
    done = subprocess.run(command, input="Prague said “no”.".encode("cp1252"), capture_output=True, check=False)
    assert (done.returncode, len(done.stderr.splitlines())) == (2, 1)
    assert b"standard input: not UTF-8" in done.stderr and b"iconv" in done.stderr


def predict(*arguments: object, stdin: str = "") -> subprocess.CompletedProcess[str]:
    command = [sys.executable, str(ROOT / "train" / "predict.py"), *map(str, arguments)]
    return subprocess.run(command, input=stdin, capture_output=True, text=True, check=False, cwd="/")


def test_the_command_writes_every_format(run: Path, tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text(ARTICLE, encoding="utf-8")
    done = predict(
        "--run", run, "--input", tmp_path / "a.txt", "-", "--output", tmp_path / "p.jsonl", "--html", tmp_path / "p.html", stdin=ARTICLE
    )
    assert done.returncode == 0, done.stderr
    assert "Russia" in done.stdout
    rows = read_rows(tmp_path / "p.jsonl", Prediction)
    assert {row.doc_id for row in rows} == {"a", "stdin"}
    assert "2 articles" in (tmp_path / "p.html").read_text(encoding="utf-8")


def test_what_is_to_be_labelled_is_read_with_its_own_actors(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The walk-through of docs/labelling.md, with a run of another corpus that finds mentions too."""
    from data import label_studio
    from train import predict as command

    corpus, predictions = tmp_path / "toll", tmp_path / "predictions.json"
    shutil.copytree(ROOT / "docs" / "example", corpus)
    run, articles = make_run(tmp_path / "tiny", detect_actors=True), sorted((corpus / "articles").iterdir())[:3]
    arguments = ["--run", run, "--input", *articles, "--corpus", corpus, "--output", predictions]
    monkeypatch.setattr(sys, "argv", ["predict.py", *map(str, arguments)])
    command.main()
    documents = json.loads(predictions.read_text(encoding="utf-8"))["documents"]
    actors = {actor["actor"]: actor["kind"] for document in documents for actor in document["actors"]}
    assert {"bargemen", "besk"} <= actors.keys() and "unknown" in actors.values()
    arguments = ["export", "--corpus", corpus, "--predictions", predictions, "--output", tmp_path / "to-label"]
    monkeypatch.setattr(sys, "argv", ["label_studio.py", *map(str, arguments)])
    label_studio.main()
    assert len(json.loads((tmp_path / "to-label" / "tasks.json").read_text(encoding="utf-8"))) == len(documents) == 3
    unknown = {actor for actor, kind in actors.items() if kind == "unknown"}
    assert unknown <= read_registry(tmp_path / "to-label" / "new-actors.yaml").keys()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--input", "no.txt"), "no.txt: no such file"),
        (("--input", "a.jsonl", "b.txt"), "one file of rows"),
        (("--input", "a.txt", "--output", "x.cvs"), "did you mean '.csv'"),
        (("--input", "a.jsonl", "--html", "x.html"), "--html is for articles"),
        (("--input", "rows.jsonl", "--corpus", "data"), "--corpus is for articles"),
    ],
)
def test_wrong_input_is_refused_in_one_line(arguments: tuple[str, ...], message: str, monkeypatch: pytest.MonkeyPatch) -> None:
    from train import predict as command

    monkeypatch.setattr(sys, "argv", ["predict.py", "--run", "nowhere", *arguments])
    with pytest.raises(InputError, match=message):
        command.main()


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("--input", "rows.jsonl", "--output", "./rows.jsonl"), "--output rows.jsonl: would overwrite --input"),
        (("--input", "in.txt", "--html", "in.txt"), "--html in.txt: would overwrite --input"),
        (("--input", ".", "--html", "in.txt"), "--html in.txt: would overwrite --input"),
        (("--input", "in.txt", "--output", "o.json", "--html", "o.json"), "--html o.json: would overwrite --output"),
        (("--input", "in.txt", "--output", "folder.json"), "--output folder.json: is a folder"),
    ],
)
def test_no_file_is_written_over(arguments: tuple[str, ...], message: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from train import predict as command

    (tmp_path / "in.txt").write_text("Russia objects.", encoding="utf-8")
    (tmp_path / "folder.json").mkdir()
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "argv", ["predict.py", "--run", "nowhere", *arguments])
    with pytest.raises(InputError, match=message):
        command.main()


def test_a_file_given_twice_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.txt").write_text("Russia objects.", encoding="utf-8")
    monkeypatch.chdir(tmp_path)
    assert list(collect_articles(find_inputs(["a.txt", "./a.txt", str(tmp_path / "a.txt"), "."]))) == ["a"]


def test_runs_that_cannot_be_opened(tmp_path: Path, run: Path) -> None:
    with pytest.raises(InputError, match="not a run folder"):
        load(tmp_path)
    with pytest.raises(InputError, match="no finished seed 9"):
        load(run, seed=9)
    other = make_run(tmp_path / "other")
    (other / "seed-1" / "model" / "config.json").unlink()
    with pytest.raises(InputError, match="another version"):
        load(other)


def test_help_does_not_load_torch() -> None:
    code = (
        "import sys, runpy\nsys.argv = ['predict', '--help']\n"
        f"try: runpy.run_path({str(ROOT / 'train' / 'predict.py')!r}, run_name='__main__')\n"
        "except SystemExit: print('torch' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=ROOT)
    assert done.stdout.strip().endswith("False")


def test_stock_transformers_give_our_figures(run: Path) -> None:
    """The few lines of docs/articles.md, which use nothing of this project, against our reading."""
    from transformers import AutoModelForTokenClassification, AutoTokenizer

    folder = run / "seed-1" / "model"
    tokenizer, model = AutoTokenizer.from_pretrained(folder), AutoModelForTokenClassification.from_pretrained(folder)
    inputs = tokenizer(
        "<actor>Moscow</actor> called the plan a threat and urged <actor>Prague</actor> to think again.", return_tensors="pt"
    )
    tokens, (start, end) = inputs["input_ids"][0].tolist(), tokenizer.convert_tokens_to_ids(["<actor>", "</actor>"])
    read = [range(i, tokens.index(end, i)) for i, token in enumerate(tokens) if token == start]
    logits = model(**inputs).logits[0]
    stock = np.stack([logits[list(positions)].mean(0).softmax(-1).detach().numpy() for positions in read])

    text = "Moscow called the plan a threat and urged Prague to think again."
    rows = [
        Example(id=f"d:1:{name}", doc_id="d", sent_id=1, text=text, actor=name, mention=name, start=start, end=start + 6)
        for name, start in (("Moscow", 0), ("Prague", text.index("Prague")))
    ]
    np.testing.assert_allclose(open_run(run).scorer.score(rows), stock, atol=1e-5)
