import json
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from data import imports
from data.conll import join_tokens
from data.documents import Document, read_document, read_documents
from data.errors import InputError, InputFaults
from data.layout import lines_layout, paragraphs_layout


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    def command(*arguments: object) -> None:
        monkeypatch.setattr(sys, "argv", ["imports.py", *map(str, arguments)])
        imports.main()

    return command


@pytest.fixture
def empty_corpus(corpus_folder: Path) -> Path:
    """A corpus folder with actors and no documents yet."""
    for path in (corpus_folder / "corpus").glob("*.md"):
        path.unlink()
    return corpus_folder


CONLL = """# doc_id = pipeline-day-1
# text = Belmora called it a threat; "never", said the Rovians.
Belmora\tNNP\tB-against\t_
called\tVBD\tO\t_
it\tPRP\tO\t_
a\tDT\tO\t_
threat\tNN\tO\t_
;\t:\tO\t_
"\t''\tO\t_
never\tRB\tO\t_
"\t''\tO\t_
,\t,\tO\t_
said\tVBD\tO\t_
the\tDT\tB-neutral\t_
Rovians\tNNPS\tI-neutral\t_
.\t.\tO\t_

# newpar
The\tDT\tB-favor\topposition
bloc\tNN\tI-favor\topposition
praised\tVBD\tO\t_
itself\tPRP\tB-mention\topposition
.\t.\tO\t_
"""


def conll_of(documents: list[Document]) -> str:
    """Write documents as CoNLL; a token ends at a space or at the edge of a mark."""
    lines: list[str] = []
    for document in documents:
        lines.append(f"# doc_id = {document.meta.id}")
        for sentence in document.sentences:
            edges = {edge for mention in sentence.marked.mentions for edge in (mention.start, mention.end)}
            start = 0
            for position in range(1, len(sentence.text) + 1):
                if position == len(sentence.text) or position in edges or sentence.text[position] == " ":
                    token = sentence.text[start:position].strip()
                    inside = [m for m in sentence.marked.mentions if m.start < position <= m.end]
                    first = bool(inside) and sentence.text.find(token, start) == inside[0].start
                    tag = f"{'B' if first else 'I'}-{inside[0].stance or 'mention'}" if inside else "O"
                    if token:
                        lines.append(f"{token}\t{tag}\t{inside[0].actor if inside else '_'}")
                    start = position
            lines.append("")
    return "\n".join(lines)


def test_conll_of_the_corpus_comes_back_byte_for_byte(run: Callable[..., None], corpus_folder: Path, tmp_path: Path) -> None:
    documents = read_documents(corpus_folder / "corpus")
    (tmp_path / "anna.conll").write_text(conll_of(documents), encoding="utf-8")
    run("conll", tmp_path / "anna.conll", "--corpus", corpus_folder, "--output", tmp_path / "back")
    for document in documents:
        assert (tmp_path / "back" / "agreed" / document.path.name).read_bytes() == document.path.read_bytes()


def test_conll_of_new_texts_makes_documents(run: Callable[..., None], empty_corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "anna.conll").write_text(CONLL, encoding="utf-8")
    command = ["conll", tmp_path / "anna.conll", "--corpus", empty_corpus, "--output", tmp_path / "back"]
    with pytest.raises(InputError, match=r"issue.yaml: no such file"):
        run(*command)
    run(*command, "--target", "the pipeline", "--genre", "local")
    text = (tmp_path / "back" / "agreed" / "local" / "pipeline-day-1.md").read_text()
    assert '[Belmora](state-1: against) called it a threat; "never", said [the Rovians](rovia: neutral).\n\n' in text
    assert "[The bloc](opposition: favor) praised [itself](opposition)." in text
    document = read_document(tmp_path / "back" / "agreed" / "local" / "pipeline-day-1.md")
    assert (document.meta.target, document.meta.origin, document.meta.annotators) == ("the pipeline", "collected", ("anna",))


def test_tokens_are_joined_as_english_is_written() -> None:
    tokens = ["He", "said", ":", '"', "It", "is", "n't", "(", "yet", ")", "Moscow", "'s", "plan", ".", '"']
    assert join_tokens(tokens) == "He said: \"It isn't (yet) Moscow's plan.\""


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("B-against\t_", "B-agianst\t_", "3: label 'agianst': expected against.*mean 'against'"),
        ("Belmora\tNNP\tB-against", "Belmora\tNNP\tI-against", "3: I-against follows O, expected B-against"),
        ("called\tVBD", "phoned\tVBD", "4: token 'phoned' does not come next in the text: ' called it"),
        ("B-favor\topposition", "B-favor\tunknowns", "actor 'unknowns' is not in actors.yaml"),
        ("Belmora", "Nowhere", "3: 'Nowhere' names no actor of actors.yaml: add an alias"),
        ("pipeline-day-1", "pipeline day", "1: front matter id"),
    ],
)
def test_conll_faults_name_their_line(
    run: Callable[..., None], empty_corpus: Path, tmp_path: Path, old: str, new: str, message: str
) -> None:
    (tmp_path / "anna.conll").write_text(CONLL.replace(old, new), encoding="utf-8")
    command = ["conll", tmp_path / "anna.conll", "--corpus", empty_corpus, "--target", "x", "--output", tmp_path / "back"]
    with pytest.raises(InputFaults, match=f"anna.conll:{message}" if message[0].isdigit() else message):
        run(*command)
    with pytest.raises(InputFaults, match="no sound annotation"):
        run(*command, "--skip-faulty")


def test_a_changed_text_of_a_known_document_is_refused(run: Callable[..., None], corpus_folder: Path, tmp_path: Path) -> None:
    documents = read_documents(corpus_folder / "corpus")
    text = conll_of(documents).replace("noon", "dawn", 1)
    (tmp_path / "anna.conll").write_text(text, encoding="utf-8")
    command = ["conll", tmp_path / "anna.conll", "--corpus", corpus_folder, "--output", tmp_path / "back"]
    with pytest.raises(InputFaults, match=r"token 'dawn.' does not come next in the text: ' noon.'"):
        run(*command)
    run(*command, "--skip-faulty")
    rejects = (tmp_path / "back" / "rejects.conll").read_text()
    assert rejects.startswith("# doc_id = doc-0\n")
    (tmp_path / "anna.conll").write_text(rejects.replace("dawn", "noon"), encoding="utf-8")
    run("conll", tmp_path / "anna.conll", "--corpus", corpus_folder, "--output", tmp_path / "rest")
    assert (tmp_path / "rest" / "agreed" / "doc-0.md").read_bytes() == documents[0].path.read_bytes()


def test_a_token_that_begins_with_a_hash_is_no_comment(run: Callable[..., None], empty_corpus: Path, tmp_path: Path) -> None:
    lines = ["# tags: B-favor I-favor O", "#Tariffs O", "please O", "Belmora B-favor", "", "# newpar", "Rovia B-against", "# O", "1 O"]
    (tmp_path / "a.conll").write_text("\n".join(lines))
    run("conll", tmp_path / "a.conll", "--corpus", empty_corpus, "--target", "x", "--output", tmp_path / "back")
    text = (tmp_path / "back" / "agreed" / "wire" / "a-1.md").read_text()
    assert text.endswith("---\n#Tariffs please [Belmora](state-1: favor)\n\n[Rovia](rovia: against) # 1\n")


def test_conll_text_that_markup_cannot_hold_is_refused(run: Callable[..., None], empty_corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "a.conll").write_text("# text = Rovia <!-- new -->\nRovia B-favor\n<!-- O\nnew O\n--> O\n")
    with pytest.raises(InputFaults, match=r"a.conll:1: sentence 1: 'Rovia <!-- new -->' cannot be marked up"):
        run("conll", tmp_path / "a.conll", "--corpus", empty_corpus, "--target", "x", "--output", tmp_path / "back")


def test_a_file_without_tags_is_refused(run: Callable[..., None], empty_corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "a.conll").write_text("Moscow NNP\ncalls VBZ\n")
    with pytest.raises(InputError, match=r"a.conll:1: no column holds only tags"):
        run("conll", tmp_path / "a.conll", "--corpus", empty_corpus, "--output", tmp_path / "back")


def doccano_of(document: Document, *, paragraphs: bool, entities: bool) -> str:
    """Write a document as a line of either form of doccano's export."""
    layout = (paragraphs_layout if paragraphs else lines_layout)(document)
    spans = [
        (offset + mention.start, offset + mention.end, f"{mention.actor}:{mention.stance}" if mention.stance else "mention", mention.actor)
        for sentence, (offset, _) in zip(document.sentences, layout.spans, strict=True)
        for mention in sentence.marked.mentions
    ]
    row: dict[str, object] = {"id": 7, "text": layout.text, "doc_id": document.meta.id}
    if not entities:
        return json.dumps(
            {**row, "label": [[start, end, label if ":" in label else f"{actor}:mention"] for start, end, label, actor in spans]}
        )
    ids = {span: number for number, span in enumerate(spans, 40)}
    links = [(a, b) for a in spans for b in spans if a[2] == "mention" and b[2].startswith(a[3])]
    row["entities"] = [{"id": ids[s], "label": s[2], "start_offset": s[0], "end_offset": s[1]} for s in spans]
    row["relations"] = [{"id": 1, "from_id": ids[a], "to_id": ids[b], "type": "same actor"} for a, b in links]
    return json.dumps(row)


@pytest.mark.parametrize("entities", [False, True])
@pytest.mark.parametrize("paragraphs", [False, True])
def test_doccano_of_the_corpus_comes_back_byte_for_byte(
    run: Callable[..., None], corpus_folder: Path, tmp_path: Path, entities: bool, paragraphs: bool
) -> None:
    documents = read_documents(corpus_folder / "corpus")
    lines = [doccano_of(document, paragraphs=paragraphs, entities=entities) for document in documents]
    (tmp_path / "anna.jsonl").write_text("\n".join(lines), encoding="utf-8")
    run("doccano", tmp_path / "anna.jsonl", "--corpus", corpus_folder, "--output", tmp_path / "back")
    for document in documents:
        assert (tmp_path / "back" / "agreed" / document.path.name).read_bytes() == document.path.read_bytes()


def test_doccano_of_new_texts_is_cut_into_sentences(run: Callable[..., None], empty_corpus: Path, tmp_path: Path) -> None:
    text = "Belmora says no\n\nRovia signed. Mr. Smith of Belmora left."
    start = text.index("Rovia")
    (tmp_path / "b.jsonl").write_text(json.dumps({"id": 3, "text": text, "label": [[0, 8, "against"], [start, start + 5, "favor"]]}))
    run("doccano", tmp_path / "b.jsonl", "--corpus", empty_corpus, "--target", "the pipe", "--annotator", "ben", "--output", tmp_path / "o")
    document = read_document(tmp_path / "o" / "agreed" / "wire" / "b-1.md")
    assert [sentence.text for sentence in document.sentences] == ["Belmora says no", "Rovia signed.", "Mr. Smith of Belmora left."]
    assert [sentence.paragraph for sentence in document.sentences] == [1, 2, 2]
    assert [m.actor for sentence in document.sentences for m in sentence.labelled] == ["state-1", "rovia"]


@pytest.mark.parametrize("form", ["label", "entities"])
def test_doccano_counts_the_carriage_returns_of_a_text(run: Callable[..., None], empty_corpus: Path, tmp_path: Path, form: str) -> None:
    text = "Belmora says no\r\n\r\nRovia signed.\r\nThen Belmora left."
    starts = [text.index("Rovia"), text.rindex("Belmora")]
    spans = [[starts[0], starts[0] + 5, "favor"], [starts[1], starts[1] + 7, "against"]]
    entities = [{"id": n, "start_offset": start, "end_offset": end, "label": label} for n, (start, end, label) in enumerate(spans)]
    (tmp_path / "b.jsonl").write_text(json.dumps({"text": text, form: spans if form == "label" else entities}))
    run("doccano", tmp_path / "b.jsonl", "--corpus", empty_corpus, "--target", "the pipe", "--output", tmp_path / "o")
    document = read_document(tmp_path / "o" / "agreed" / "wire" / "b-1.md")
    assert [m.text for sentence in document.sentences for m in sentence.labelled] == ["Rovia", "Belmora"]


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ('{"text": "Rovia signed."', "not JSON"),
        ('["x"]', "expected an object with a text"),
        ('{"text": "Rovia signed."}', "no labels: expected `label`"),
        ('{"text": "Rovia signed.", "label": [[0, "favor"]]}', r"label 1: .*expected \[start, end, label\]"),
        ('{"text": "Rovia signed.", "label": [[0, 99, "favor"]]}', "does not lie within one sentence"),
        ('{"text": "Rovia signed.", "label": [[0, 5, "pro"]]}', "label 'pro': expected against"),
        ('{"text": "Rovia signed.", "label": [[0, 5, "favor"], [0, 5, "against"]]}', "overlap"),
        ('{"text": "Rovia signed.", "label": [[0, 5, "mention"]]}', "which has no stance in this sentence"),
        ('{"text": "Rovia signed.", "label": [[0, 5, "favor"]], "relations": 3}', "relations: expected a list, got int"),
        ('{"text": "Rovia signed.\\n- It is <!-- new -->", "label": []}', "sentence 2: '- It is <!-- new -->' cannot be marked up"),
        ('{"text": "Rovia signed <!-- negation -->", "label": []}', "sentence 1: .* an HTML comment at its end"),
        ('{"text": "Rovia\\rsigned.", "label": []}', "sentence 1: .* cannot be marked up"),
        ('{"text": "Changed.", "doc_id": "doc-1", "label": []}', "the text differs from .*doc-1.md"),
    ],
)
def test_doccano_faults_name_their_line(run: Callable[..., None], corpus_folder: Path, tmp_path: Path, row: str, message: str) -> None:
    good = json.dumps({"text": "Rovia left.", "label": [[0, 5, "against"]]})
    (tmp_path / "anna.jsonl").write_text(f"{good}\n{row}\n", encoding="utf-8")
    command = ["doccano", tmp_path / "anna.jsonl", "--corpus", corpus_folder, "--target", "x", "--output", tmp_path / "back"]
    with pytest.raises(InputFaults, match=f"anna.jsonl:2: .*{message}"):
        run(*command)
    run(*command, "--skip-faulty")
    assert (tmp_path / "back" / "rejects.jsonl").read_text() == f"{row}\n"


def test_doccano_may_have_no_relations(run: Callable[..., None], empty_corpus: Path, tmp_path: Path) -> None:
    (tmp_path / "b.jsonl").write_text('{"text": "Rovia signed.", "label": [[0, 5, "favor"]], "relations": null}')
    run("doccano", tmp_path / "b.jsonl", "--corpus", empty_corpus, "--target", "the pipe", "--output", tmp_path / "o")
    assert "[Rovia](rovia: favor) signed." in (tmp_path / "o" / "agreed" / "wire" / "b-1.md").read_text()


def test_a_new_text_that_two_annotators_give_differently_is_refused(run: Callable[..., None], empty_corpus: Path, tmp_path: Path) -> None:
    for name, text in (("anna", "Rovia left."), ("ben", "Rovia stayed.")):
        (tmp_path / f"{name}.jsonl").write_text(json.dumps({"doc_id": "d", "text": text, "label": [[0, 5, "against"]]}))
    files = [tmp_path / "anna.jsonl", tmp_path / "ben.jsonl"]
    with pytest.raises(InputFaults, match="d: the text of 'ben' differs from that of 'anna'"):
        run("doccano", *files, "--corpus", empty_corpus, "--target", "x", "--output", tmp_path / "back")
