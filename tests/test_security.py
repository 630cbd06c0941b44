"""What files of strangers may try, and that it comes to nothing (SECURITY.md says against whom)."""

import ast
import json
import os
import pickle
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest
import torch
from eval_fakes import FakeRun, write_run
from hostile import TEXTS, live_content
from tiny_run import ARTICLE, make_run

from data.articles import take_apart
from data.corpus import read_splits
from data.documents import read_document
from data.errors import InputError, InputFaults, printable, run_command
from data.files import ROOT, check_links, read_json, read_text, read_yaml, write_json, write_jsonl, write_text
from data.mentions import MentionFinder
from data.parsing import parse_json, parse_yaml
from data.records import Example, read_rows
from data.registry import Actor, read_registry
from eval.runs import read_config, read_run
from train.config import load_config


def finder(names: Sequence[str]) -> MentionFinder:
    """Find one actor, called Russia, among actors of these names."""
    aliases = {0: ("Russia",)}
    actors = [Actor(id=f"a{number}", name=name, kind="state", aliases=aliases.get(number, ())) for number, name in enumerate(names)]
    return MentionFinder({actor.id: actor for actor in actors})


class Payload:
    """Unpickling this leaves a file behind: the sign that foreign code ran."""

    def __init__(self, sign: Path) -> None:
        self.sign = sign

    def __reduce__(self) -> tuple[Callable[..., Any], tuple[str]]:
        return os.mkdir, (str(self.sign),)


BOMB = "a: &a [x, x, x]\n" + "\n".join(f"{new}: &{new} [*{old}, *{old}, *{old}]" for old, new in zip("abcdefgh", "bcdefghi", strict=True))


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (BOMB, r"f\.yaml:1: YAML aliases and anchors"),
        ("a: 1\nb: !!python/object/apply:os.system [ls]", r"f\.yaml:2: YAML tags .*python"),
        ("a: !!binary aGk=", "tags"),
        ("[" * 60 + "]" * 60, "nested more than 40 deep"),
        ("x: " + "y" * 200_000, "characters of YAML"),
        ("a: 1\nb: 2\na: 3", r"f\.yaml:3: .*'a' is given twice"),
        ("a: " + "9" * 5_000, "not YAML"),
        ("a: \x07", "not YAML"),
    ],
)
def test_yaml_that_makes_code_or_memory_is_refused_wherever_yaml_is_read(tmp_path: Path, text: str, message: str) -> None:
    path = tmp_path / "f.yaml"
    path.write_text(text)
    for read in (read_yaml, load_config):
        with pytest.raises(InputError, match=message):
            read(path)
    if len(text) < 100_000:
        with pytest.raises(InputError, match=message):
            read_registry(path)
    (tmp_path / "config.yaml").write_text(text)
    with pytest.raises(InputError, match=message.removeprefix(r"f\.yaml")):
        read_config(tmp_path)
    (tmp_path / "d.md").write_text(f"---\n{text}\n---\nNo.\n")
    with pytest.raises(InputError, match=r"d\.md:.*"):
        read_document(tmp_path / "d.md")


def test_plain_yaml_keeps_dates_as_text() -> None:
    assert parse_yaml("title: 2008-03-12\nn: 3\n", Path("x")) == {"title": "2008-03-12", "n": 3}


@pytest.mark.parametrize(
    "text", ["[" * 100_000, "[" * 50 + "]" * 50, '"\\ud800"', '{"\\udc00x": 1}', "NaN", "9" * 5_000, "[1e999]", '{"a": -Infinity}', ""]
)
def test_json_that_breaks_readers_or_writers_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError):
        parse_json(text)
    (tmp_path / "f.json").write_text(text)
    with pytest.raises(InputError, match=r"f\.json"):
        read_json(tmp_path / "f.json")
    (tmp_path / "f.jsonl").write_text(f"{text}\n" if text else "[]")
    with pytest.raises(InputFaults, match=r"f\.jsonl:1: "):
        read_rows(tmp_path / "f.jsonl", Example)


def test_whole_surrogate_pairs_are_characters() -> None:
    assert parse_json('"\\ud83d\\ude00"') == "😀"


def test_pipes_and_devices_are_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.json")
    for path in (tmp_path / "pipe.json", Path("/dev/zero")):
        with pytest.raises(InputError, match="pipe or device"):
            read_text(path)


def test_a_message_cannot_steer_the_terminal() -> None:
    assert printable("a\x1b[2Jb\nc\u202e") == "a\\x1b[2Jb\nc\\u202e"
    assert len(printable("x" * 10_000)) < 2_000


def test_a_file_that_cannot_be_used_is_named_in_one_line(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(SystemExit) as left:
        run_command(lambda: write_text(tmp_path / "file" / "inside", ""))
    assert left.value.code == 2 and capsys.readouterr().err.count("\n") == 1
    with pytest.raises(OSError, match="ours"):
        run_command(lambda: (_ for _ in ()).throw(OSError("ours")))


def test_tables_of_actors_do_not_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    from train.predict import print_verdicts
    from train.verdicts import Evidence, Verdict

    evidence = (Evidence(1, "Prague \x1b[2J said no.", "against", 0.9),)
    print_verdicts([Verdict("a", "Pra\x1bgue", "state", "against", 0.9, False, False, 1, 0, 0, evidence)], "\x1b]0;owned")
    assert "\x1b[2J" not in (shown := capsys.readouterr().out) and "\x1b]" not in shown and "Pra" in shown
    article = take_apart(ARTICLE + "\x1b]0;owned\x07 Russia said no.", "d", finder(["Russia"]))
    assert "owned" in article.text and not {"\x1b", "\x07"} & set(article.text)


@pytest.mark.parametrize("name", ["../evil", "a/b", "..", ".hidden", "a\nb", "", "x" * 100])
def test_split_names_cannot_lead_out_of_a_run(tmp_path: Path, name: str) -> None:
    write_json(tmp_path / "splits.json", {name: ["doc-1"]})
    with pytest.raises(InputError, match="names files"):
        read_splits(tmp_path / "splits.json")


@pytest.mark.parametrize("name", ["../evil", "a/b", "..", "a b", "x\n"])
def test_document_ids_cannot_lead_out_of_a_folder(tmp_path: Path, name: str) -> None:
    front = f"id: {json.dumps(name)}\ntitle: t\ngenre: wire\ntarget: t\nsetting: invented\norigin: written\n"
    (tmp_path / "d.md").write_text(f"---\n{front}---\nNo.\n")
    with pytest.raises(InputError, match="'id'"):
        read_document(tmp_path / "d.md")


def test_links_that_lead_out_of_a_run_are_refused_before_anything_is_written(tmp_path: Path) -> None:
    run = write_run(tmp_path / "run", FakeRun(seeds=(1,), documents={"test": 2}, sentences=2))
    (run / "again").symlink_to(run / "config.yaml")
    check_links(run)
    outside = tmp_path / "outside"
    outside.mkdir()
    (run / "extra").symlink_to(outside)
    with pytest.raises(InputError, match="extra: is a link that leads out"):
        read_run(run)


def test_scoring_follows_no_link_in_its_folders(tmp_path: Path) -> None:
    from train.shard_files import find_shards
    from train.shards import open_job, score_shard

    run, shards, output = make_run(tmp_path / "tiny"), tmp_path / "in", tmp_path / "out"
    shards.mkdir()
    secret = tmp_path / "secret"
    secret.write_text("keep me")
    (shards / "a.jsonl").symlink_to(secret)
    with pytest.raises(InputError, match="is a link"):
        find_shards(shards)
    (shards / "a.jsonl").unlink()
    (shards / "a.jsonl").write_text("{}\n")
    job = open_job(run, None, "torch", output, batch_size=8, threads=1)
    (output / ".a.part").symlink_to(secret)
    with pytest.raises(InputError, match="leads out"):
        open_job(run, None, "torch", output, batch_size=8, threads=1)
    with pytest.raises(OSError):  # laid there after the check
        score_shard(job, shards / "a.jsonl")
    assert secret.read_text() == "keep me"


def test_a_saved_model_that_asks_for_code_is_refused_and_none_runs(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from train.loading import open_run

    sign = tmp_path / "code-ran"
    monkeypatch.setattr("builtins.input", lambda prompt="": pytest.fail("the user was asked whether to run foreign code"))
    run = make_run(tmp_path / "tiny")
    model = run / "seed-1" / "model"
    plain = json.loads((model / "config.json").read_text())
    (model / "modeling_evil.py").write_text(f"import os\nos.mkdir({str(sign)!r})\n")
    open_run(run)
    changes: list[tuple[dict[str, Any], str]] = [
        ({"auto_map": {"AutoConfig": "modeling_evil.C", "AutoModelForTokenClassification": "modeling_evil.M"}}, "auto_map: asks for code"),
        ({"attn_implementation": "evil/kernel"}, "asks for code from 'evil/kernel'"),
        ({"num_hidden_layers": 10**6}, "expected at most 500"),
        ({"vocab_size": 10**11}, "too large"),
    ]
    for change, message in changes:
        write_json(model / "config.json", plain | change)
        with pytest.raises(InputError, match=message):
            open_run(run)
    write_json(model / "config.json", plain)
    (model / "model.safetensors").unlink()
    torch.save(Payload(sign), model / "pytorch_model.bin")
    with pytest.raises(InputError, match="cannot be opened"):
        open_run(run)
    (model / "model.safetensors").write_bytes(pickle.dumps(Payload(sign)))
    with pytest.raises(InputError, match="cannot be opened"):
        open_run(run)
    assert not sign.exists()


def test_continuing_from_a_foreign_checkpoint_runs_no_code(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, corpus_folder: Path) -> None:
    """Optimizer and generator states are torch files: they are opened for weights only, which runs nothing."""
    from train.checkpoints import Carried, newest_first, seal
    from train.config import build_parser, parse_config
    from train.faults import explained
    from train.transformer import train

    loads: list[object] = []
    load = torch.load
    monkeypatch.setattr(torch, "load", lambda *args, **given: (loads.append(given.get("weights_only")), load(*args, **given))[1])
    sign = tmp_path / "code-ran"
    config, _ = parse_config(build_parser(""), ["--config", "smoke.yaml", "--trainer.num_train_epochs", "2"])
    documents = [read_document(path) for path in sorted((corpus_folder / "corpus").glob("*.md"))]
    rows = [row for document in documents for row in document.examples(0)]
    train(config, [rows], rows[:9], 1, tmp_path / "checkpoints")
    first, last = newest_first(tmp_path / "checkpoints")[::-1]
    shutil.rmtree(last)
    torn = [*first.glob("*.pt*"), *first.glob("*.bin")]
    assert "optimizer.pt" in {path.name for path in torn}
    for path in torn:
        torch.save(Payload(sign), path)
    seal(first, Carried())  # whoever forges the files forges their hashes too
    with pytest.raises(InputError, match="asks for code"), explained(config, tmp_path):
        train(config, [rows], rows[:9], 1, tmp_path / "checkpoints")
    assert not sign.exists() and loads and all(each is True for each in loads)


@pytest.fixture(scope="module")
def hostile_run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run in which every text that a stranger may choose tries to become part of the page."""
    run = write_run(tmp_path_factory.mktemp("runs") / "hostile", FakeRun(seeds=(1, 2), documents={"test": 4, "dev": 3}, sentences=3))
    nasty = iter(TEXTS * 1000)
    renamed: dict[str, str] = {}
    for path in (run / "items").glob("*.jsonl"):
        items = [json.loads(line) for line in path.read_text().splitlines()]
        for number, item in enumerate(items):
            text = next(nasty)
            renamed[item["id"]] = f"{number}{path.stem}{text}"
            actor = renamed.setdefault(item["actor"], next(nasty))
            item |= {"id": renamed[item["id"]], "actor": actor, "doc_id": renamed.setdefault(item["doc_id"], item["doc_id"] + text)}
            item |= {
                "genre": text,
                "title": text,
                "phenomena": [text],
                "text": item["mention"] + text,
                "start": 0,
                "end": len(item["mention"]),
            }
        write_jsonl(path, items)
    for path in [*run.glob("seed-*/predictions/*.jsonl"), *run.glob("baselines/*/*.jsonl")]:
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        write_jsonl(path, [row | {key: renamed[row[key]] for key in ("id", "actor", "doc_id")} for row in rows])
    (run / "baselines" / "majority").rename(run / "baselines" / "<img src=x onerror=alert(1)>")
    write_json(run / "behaviour.json", {text: text for text in TEXTS})
    manifest = {"kind": TEXTS[0], "hardware": {"cpu": TEXTS[1]}, "versions": {TEXTS[2]: TEXTS[3]}, "git_commit": TEXTS[4]}
    for path in run.glob("seed-*/run.json"):
        write_json(path, json.loads(path.read_text()) | manifest | {"config_hash": TEXTS[5], "data_fingerprint": TEXTS[6]})
    name = json.dumps(TEXTS[1])
    (run / "config.yaml").write_text(f"name: {name}\nseeds: [1, 2]\nmodel: {{{json.dumps(TEXTS[0])}: {name}}}\n")
    return run


def test_hostile_texts_stay_text_in_report_comparison_and_index(hostile_run: Path, tmp_path: Path) -> None:
    from eval.compare import compare_paths
    from eval.index import write_index
    from eval.report import write_report

    write_report(hostile_run, resamples=20)
    ids = [json.loads(line)["id"] for line in (hostile_run / "items" / "test.jsonl").read_text().splitlines()]
    write_jsonl(tmp_path / "<b>other.jsonl", [{"id": each, "pred": "favor"} for each in ids])
    compare_paths([hostile_run, tmp_path / "<b>other.jsonl"], tmp_path / "compared", splits=("test",), intersect=False, seed=1)
    pages = [hostile_run / "report.html", tmp_path / "compared" / "compare.html", write_index(hostile_run.parent)]
    for path in pages:
        page = path.read_text(encoding="utf-8")
        assert live_content(page) == [], path.name
        assert path.name == "index.html" or "{{ 7 * 7 }}" in page
        assert "Content-Security-Policy" in page and "default-src 'none'" in page.replace("&#39;", "'")
    for path in (hostile_run / "report.md", tmp_path / "compared" / "compare.md"):
        assert live_content(path.read_text(encoding="utf-8")) == [], path.name


def test_hostile_texts_stay_text_in_the_article_view(tmp_path: Path) -> None:
    from train.article_view import render_view
    from train.reading import load

    reader = load(make_run(tmp_path / "tiny"))
    object.__setattr__(reader, "finder", finder(TEXTS))
    page = render_view([reader.read(ARTICLE + "\n".join(f"Russia said {text}." for text in TEXTS), TEXTS[1])], TEXTS[0], 0.5)
    assert live_content(page) == [] and "&lt;script&gt;alert(1)" in page


def test_the_check_of_pages_sees_what_it_looks_for() -> None:
    for text in TEXTS[:6]:
        assert live_content(f"<p>{text}</p><script>ours</script>"), text


def test_the_app_listens_on_this_machine_only(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from types import SimpleNamespace

    from train import app

    launched: dict[str, Any] = {}
    page = SimpleNamespace(launch=lambda **given: launched.update(given))
    monkeypatch.setattr(app, "import_gradio", lambda: None)
    monkeypatch.setattr(app, "build_page", lambda gradio, runs: page)
    make_run(tmp_path / "base")
    monkeypatch.setattr("sys.argv", ["app.py", "--runs", str(tmp_path)])
    app.main()
    assert (launched["server_name"], launched["share"]) == ("127.0.0.1", False)
    assert not {"allowed_paths", "auth", "root_path"} & launched.keys()


def test_no_source_opens_a_model_without_refusing_foreign_code() -> None:
    """`from_pretrained` asks the user, and waits, unless it is told not to."""
    for path in sorted((ROOT / "train").glob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "from_pretrained":
                given = {keyword.arg: keyword.value for keyword in node.keywords}
                trust = given.get("trust_remote_code")
                assert isinstance(trust, ast.Constant) and trust.value is False, f"{path}:{node.lineno}"
