"""What is fuzzed: everything that opens a file of somebody else's, each with the rule that no input may break.

A target writes the input to a file and reads it as the commands do. `InputError` with printable lines is the right answer to a
wrong file; any other exception, a wrong result, a file left half-written and more than five seconds are faults.
"""

import json
import shutil
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
from eval_fakes import FakeRun, write_run
from hostile import TEXTS, live_content

from data.articles import article_examples, read_article, take_apart
from data.corpus import read_splits
from data.documents import format_document, read_document, relabel
from data.errors import InputError, printable
from data.files import ROOT, read_json
from data.markup import MarkupError, format_line, parse_line
from data.mentions import MentionFinder
from data.records import Example, Prediction, read_rows
from data.registry import read_registry

SECONDS = 5.0
"""Processor time that no input of these sizes may take; a busy machine is no fault."""


class Fault(Exception):
    """An input broke the rule; the message says how."""


@dataclass(frozen=True)
class Target:
    """One reader: what it is called, how it reads a file, what correct input looks like and the pieces that matter in it."""

    name: str
    suffix: str
    read: Callable[[Path], None]
    samples: tuple[bytes, ...]
    tokens: tuple[bytes, ...] = ()
    writes: tuple[str, ...] = field(default=())


def attempt(target: Target, data: bytes, folder: Path) -> bool:
    """Give one input to a target; tell whether it was accepted.

    Raises:
        Fault: the input broke the rule.
    """
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    path = folder / f"input{target.suffix}"
    path.write_bytes(data)
    started = time.process_time()
    try:
        target.read(path)
        accepted = True
    except InputError as error:
        _check_message(error)
        accepted = False
    except Fault:
        raise
    except Exception as error:
        raise Fault(f"{type(error).__name__}: {error}") from error
    if (seconds := time.process_time() - started) > SECONDS:
        raise Fault(f"took {seconds:.1f} s of processor time")
    _check_files(folder, target.writes if accepted else ())
    return accepted


def _check_message(error: InputError) -> None:
    message = printable(str(error))
    if not message.strip():
        raise Fault("an error without a message")
    if str(error).count("\n") > 200:
        raise Fault(f"a message of {str(error).count(chr(10))} lines")


def _check_files(folder: Path, expected: tuple[str, ...]) -> None:
    """A command that refuses its input leaves nothing; one that accepts it leaves whole files."""
    found = {path.name for path in folder.rglob("*") if path.is_file()}
    if half := sorted(name for name in found if name.startswith(".")):
        raise Fault(f"left behind: {half}")
    written = found & {"report.json", "report.md", "report.html", "view.html"}
    if written != set(expected):
        raise Fault(f"wrote {sorted(written)}, expected {sorted(expected)}")


def markup(path: Path) -> None:
    """A marked line: accepted ones come back the same from `format_line`."""
    line = path.read_bytes().decode("utf-8", "replace").replace("\n", " ")
    try:
        marked = parse_line(line)
    except MarkupError as error:
        raise InputError(str(error)) from None
    for mention in marked.mentions:
        if marked.text[mention.start : mention.end] != mention.text:
            raise Fault(f"offsets of {mention}")
    if parse_line(format_line(marked)) != marked:
        raise Fault(f"{line!r} is not read back from {format_line(marked)!r}")


def document(path: Path) -> None:
    """An annotated document: accepted ones come back the same from `format_document`."""
    first = read_document(path)
    path.write_text(format_document(first.meta, relabel(first, {})), encoding="utf-8")
    again = read_document(path)
    if (again.meta, again.plain_text()) != (first.meta, first.plain_text()):
        raise Fault("the document is not read back as it was written")
    for row in first.examples():
        Example.model_validate(row.model_dump())


def rows(path: Path) -> None:
    """Example rows."""
    for row in read_rows(path, Example):
        json.dumps(row.model_dump(), ensure_ascii=False, allow_nan=False).encode()


def shard(path: Path) -> None:
    """A shard of bulk scoring: every row is scored or named in the rejects."""
    from train.shard_files import check_rows, count_rows, read_shard

    found = list(read_shard(path))
    good, bad = check_rows(path, found)
    if len(good) + len(bad) != sum(fields is not None for _, fields in found):
        raise Fault("rows are lost")
    json.dumps([*bad, *(row.model_dump() for row in good)], ensure_ascii=False, allow_nan=False).encode("utf-8", "backslashreplace")
    count_rows(path)


def config(path: Path) -> None:
    """A config: accepted ones come back the same from their resolved form."""
    from train.config import load_config

    first = load_config(path)
    path.write_text(first.to_yaml(), encoding="utf-8")
    if load_config(path) != first:
        raise Fault("the resolved config gives another config")


def article(path: Path) -> None:
    """An article, read for actors and shown: every mention lies where it says, nothing in the page is alive."""
    from data.files import write_text
    from train.article_view import render_view
    from train.reading import sum_up

    text = read_article(path)
    article = take_apart(text, "a", _finder())
    found = article_examples(article, "the shield")
    if not found:
        raise InputError("a: names no actor")
    for sentence in article.sentences:
        if article.text[sentence.start : sentence.end] != sentence.text:
            raise Fault(f"sentence {sentence.number} is not where it says")
    probabilities = np.tile([0.5, 0.2, 0.3], (len(found), 1))
    page = render_view([sum_up(article, found, probabilities, 0.6)], "run", 0.6)
    if live := live_content(page):
        raise Fault(f"alive in the page: {live}")
    write_text(path.with_name("view.html"), page)


@cache
def _finder() -> MentionFinder:
    return MentionFinder(read_registry(ROOT / "data" / "actors.yaml"))


def answers(path: Path) -> None:
    """A prediction file of another system."""
    from eval.external import answer_system, read_answers

    system = answer_system("other", read_answers(path))
    if system.probs is not None and not np.isfinite(system.probs).all():
        raise Fault("probabilities that are no numbers")


def run_folder(path: Path) -> None:
    """A run folder of which one file is the input; its first byte says which."""
    from eval.report import write_report

    data = path.read_bytes()
    path.unlink()
    folder = path.parent / "run"
    shutil.copytree(_fake_run(), folder)
    name = RUN_FILES[data[0] % len(RUN_FILES)] if data else RUN_FILES[0]
    (folder / name).write_bytes(data[1:])
    write_report(folder, resamples=20)
    read_json(folder / "report.json")
    if live := live_content((folder / "report.html").read_text(encoding="utf-8")):
        raise Fault(f"alive in the report: {live}")


RUN_FILES = (
    "config.yaml",
    "seed-1/run.json",
    "seed-1/calibration.json",
    "seed-1/log.jsonl",
    "seed-1/predictions/test.jsonl",
    "items/test.jsonl",
    "baselines/tfidf/test.jsonl",
    "behaviour.json",
)


@cache
def _fake_run() -> Path:
    import atexit
    import tempfile

    folder = Path(tempfile.mkdtemp(prefix="fuzz-run-"))
    atexit.register(shutil.rmtree, folder, ignore_errors=True)
    return write_run(folder / "run", FakeRun(seeds=(1,), documents={"test": 2}, sentences=2, baselines=("tfidf",), calibrated=True))


def _run_samples() -> tuple[bytes, ...]:
    base = _fake_run()
    calibration = b'{"temperature": 1.3, "threshold": 0.5, "target_accuracy": 0.8}'
    contents = [(base / name).read_bytes() if (base / name).is_file() else calibration for name in RUN_FILES]
    return tuple(bytes([number]) + content for number, content in enumerate(contents))


DOCUMENT = b"""---
id: doc-1
title: Arvon decides
genre: wire
target: the shield
setting: invented
origin: written
annotators: [one, two]
---
[Arvon](arvon: favor) signed, and [the Opposition](opposition: against) walked out. <!-- opposite-stances -->

[Rovia](rovia: against) said [it](rovia) would answer \\[soon\\].
"""
LINE = DOCUMENT.split(b"\n")[9]
ROW: dict[str, Any] = {
    "id": "d:1:rovia", "doc_id": "d", "sent_id": 1, "context": "", "text": "Rovia said no.", "actor": "rovia",
    "mention": "Rovia", "start": 0, "end": 5, "stance": "against", "target": None,
}  # fmt: skip
PREDICTION: dict[str, Any] = {
    "id": "d:1:rovia", "doc_id": "d", "actor": "rovia", "gold": None, "pred": "against",
    "probs": {"against": 0.5, "neutral": 0.25, "favor": 0.25},
}  # fmt: skip
REGISTRY = b"- {id: rovia, name: Rovia, kind: state, aliases: [Rovia, Rovians]}\n- {id: putin, name: P, kind: person, parent: rovia}\n"
CONFIG = b"name: x\nseeds: [1, 2]\ndata: {documents: 0.5}\nmodel:\n  kind: span\ntrainer:\n  learning_rate: 1.0e-4\n"
CSV = b'id,pred,against,neutral,favor\na,favor,0.1,0.1,0.8\n"b",against,0.9,0.05,0.05\n'
ARTICLE = (
    "Moscow rejects radar plan\nBy Jane Doe\n12 March 2008\n\nRussia rejected the radar on Monday. “We will never accept it,” said "
    "President Vladimir Putin. He called Poland naive.\n\nThe United States said it would build the base. " + TEXTS[0] + " said Russia.\n"
).encode()
YAML_TOKENS = (
    *(b": ", b"- ", b"&a ", b"*a", b"!!python/object:os.system ", b"{", b"[", b"? ", b"<<: ", b"|\n", b"\t", b"---\n"),
    *(b".nan", b".inf", b"2001-99-99"),
)
JSON_TOKENS = (
    *(b"{", b"[" * 50, b'"\\ud800"', b"NaN", b"1e999", b"9" * 5000, b"null", b"-0.0", b'"\\u0000"', b"\xff", b"\xef\xbb\xbf"),
    *(b"true", b'""'),
)
TEXT_TOKENS = (
    *(b"\x00", b"\xe2\x80\x9c", b"\xe2\x80\xae", b"\x1b[2J", b"said President ", b"the Russian Foreign Ministry "),
    *(b"He ", b"\r", b"\n\n", b"A. "),
)
MARK_TOKENS = (b"[", b"]", b"](", b"(rovia: favor)", b"\\", b"<!--", b"-->", b"[a](b: against)", b"[a](b)", b"negation, ")


@cache
def targets() -> dict[str, Target]:
    """Return all targets by their names."""
    parquet = _parquet_sample()
    hostile = tuple(text.encode() for text in TEXTS)
    found = [
        Target("markup", ".txt", markup, (LINE,), MARK_TOKENS),
        Target("document", ".md", document, (DOCUMENT,), YAML_TOKENS + MARK_TOKENS),
        Target("rows", ".jsonl", rows, (_lines(ROW),), JSON_TOKENS),
        Target("shard-jsonl", ".jsonl", shard, (_lines(ROW),), JSON_TOKENS),
        Target("shard-parquet", ".parquet", shard, (parquet,), (b"PAR1",)),
        Target("predictions", ".jsonl", lambda path: void(read_rows(path, Prediction)), (_lines(PREDICTION),), JSON_TOKENS),
        Target("answers-jsonl", ".jsonl", answers, (_lines(PREDICTION),), JSON_TOKENS),
        Target("answers-csv", ".csv", answers, (CSV,), (b",", b'"', b"\x00", b"\n", b"nan", b"1e999")),
        Target("registry", ".yaml", lambda path: void(read_registry(path)), (REGISTRY,), YAML_TOKENS),
        Target("config", ".yaml", config, (CONFIG,), (*YAML_TOKENS, b"_base_: ", b"input.yaml")),
        Target("splits", ".json", lambda path: void(read_splits(path)), (b'{"train": ["a"], "test": []}',), (*JSON_TOKENS, b"../")),
        Target("article", ".txt", article, (ARTICLE,), TEXT_TOKENS + hostile, ("view.html",)),
        Target("run-folder", ".bin", run_folder, _run_samples(), JSON_TOKENS + hostile, ("report.json", "report.md", "report.html")),
    ]
    return {target.name: target for target in found}


def void(_: object) -> None:
    """Drop a result."""


def _lines(row: dict[str, Any]) -> bytes:
    return json.dumps(row).encode() + b"\n" + json.dumps(row | {"id": "two"}).encode() + b"\n"


def _parquet_sample() -> bytes:
    import io

    import pyarrow
    import pyarrow.parquet

    buffer = io.BytesIO()
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist([ROW, ROW | {"id": "two"}]), buffer)
    return buffer.getvalue()
