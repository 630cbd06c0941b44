import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from tiny_run import make_run

from data.errors import InputError
from data.files import ROOT
from data.records import Example, Prediction, read_rows
from eval.durations import duration
from train import score as score_command
from train import shards
from train.progress import Progress
from train.shard_files import find_shards, read_shard
from train.shards import Job, collect_rejects, open_job, rows_left, score_shard

pyarrow = pytest.importorskip("pyarrow")


def make_rows(first: int, last: int) -> list[dict[str, object]]:
    made = []
    for number in range(first, last):
        text = f"Rovia said on day {number} that the radar is a threat."
        made.append(
            {
                "id": f"d{number}:1:rovia",
                "doc_id": f"d{number}",
                "sent_id": number,
                "text": text,
                "actor": "rovia",
                "mention": "Rovia",
                "start": 0,
                "end": 5,
            }
        )
    return made


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_run(tmp_path_factory.mktemp("runs") / "tiny")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Two shards of 25 rows, one of them with an empty line at its end."""
    import pyarrow.parquet

    folder = tmp_path / "in"
    folder.mkdir()
    (folder / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in make_rows(0, 25)) + "\n", encoding="utf-8")
    pyarrow.parquet.write_table(pyarrow.Table.from_pylist(make_rows(25, 50)), folder / "b.parquet")
    return folder


@pytest.fixture
def small_chunks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shards, "CHUNK", 10)


def score(run: Path, folder: Path, output: Path, advance: Callable[[int], None] = lambda rows: None) -> Job:
    job = open_job(run, None, "torch", output, batch_size=8, threads=1)
    for shard in find_shards(folder):
        score_shard(job, shard, advance)
    return job


def test_every_row_of_every_format_is_scored_once_and_in_order(run: Path, folder: Path, tmp_path: Path, small_chunks: None) -> None:
    output = tmp_path / "out"
    job = score(run, folder, output)
    ids = [row.id for name in ("a", "b") for row in read_rows(output / f"{name}.jsonl", Prediction)]
    assert ids == [row["id"] for row in make_rows(0, 50)]
    (alone,) = job.opened.probabilities([Example.model_validate(make_rows(30, 31)[0])])
    row = read_rows(output / "b.jsonl", Prediction)[5]
    assert [row.probs.against, row.probs.neutral, row.probs.favor] == pytest.approx(list(alone), abs=1e-5)
    assert collect_rejects(output) == 0 and not (output / "rejects.jsonl").exists()


@pytest.mark.parametrize("stop_after", [10, 20, 35])
def test_a_killed_job_goes_on_without_redoing_or_losing_a_row(
    run: Path, folder: Path, tmp_path: Path, small_chunks: None, stop_after: int
) -> None:
    class KilledError(Exception):
        pass

    done: list[int] = []

    def stop(rows: int) -> None:
        done.append(rows)
        if sum(done) >= stop_after:
            raise KilledError

    whole, output = tmp_path / "whole", tmp_path / "out"
    score(run, folder, whole)
    with pytest.raises(KilledError):
        score(run, folder, output, stop)
    part = next(output.glob(".*.part"), None)
    if part:
        with part.open("ab") as file:  # what a kill between two writes leaves
            file.write(b'{"id": "half a li')
    killed_at = sum(done)
    assert sum(rows_left(shard, output) for shard in find_shards(folder)) == 51 - killed_at
    score(run, folder, output, lambda rows: done.append(rows))
    assert sum(done) == 51  # the empty line counts as read
    for name in ("a.jsonl", "b.jsonl"):
        assert (output / name).read_bytes() == (whole / name).read_bytes()
    assert not list(output.glob(".*.part"))


def test_bad_rows_and_corrupt_shards_are_named_and_the_rest_is_scored(run: Path, folder: Path, tmp_path: Path) -> None:
    good = json.dumps(make_rows(0, 1)[0])
    wrong = json.dumps(make_rows(1, 2)[0] | {"start": 3})
    (folder / "a.jsonl").write_bytes(f"{good}\nnot json\n[1]\n{wrong}\n".encode() + b"\xff\xfe\n")
    (folder / "c.parquet").write_bytes(b"PAR1 this is no parquet PAR1")
    output = tmp_path / "out"
    score(run, folder, output)
    assert collect_rejects(output) == 5
    rejects = [json.loads(line) for line in (output / "rejects.jsonl").read_text(encoding="utf-8").splitlines()]
    assert [(each["shard"], each["row"]) for each in rejects] == [*[("a.jsonl", row) for row in (2, 3, 4, 5)], ("c.parquet", 1)]
    assert "expected the mention 'Rovia'" in rejects[2]["fault"]
    assert len(read_rows(output / "a.jsonl", Prediction)) == 1 and len(read_rows(output / "b.jsonl", Prediction)) == 25


def test_a_shard_of_a_type_that_python_lacks_is_rejected_by_name(tmp_path: Path) -> None:
    import pyarrow.parquet

    days = pyarrow.array([10**12], pyarrow.int64()).cast(pyarrow.timestamp("s"))  # the year 33,658
    pyarrow.parquet.write_table(pyarrow.table({"id": days}), tmp_path / "far.parquet")
    assert [(number, str(fault)[:15]) for number, fault in read_shard(tmp_path / "far.parquet")] == [(1, "cannot be read:")]


def test_the_command_says_in_its_exit_code_that_rows_were_rejected(run: Path, folder: Path, tmp_path: Path) -> None:
    command = [
        sys.executable,
        str(ROOT / "train" / "score.py"),
        "--run",
        str(run),
        "--input",
        str(folder),
        "--output",
        str(tmp_path / "out"),
    ]
    with (folder / "a.jsonl").open("a", encoding="utf-8") as file:
        file.write("{}\n")
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    assert (done.returncode, done.stdout) == (2, "")
    assert "rejects.jsonl: 1 rows or shards" in done.stderr and "Traceback" not in done.stderr
    assert "rows/s" in done.stderr


def test_results_of_another_model_are_not_mixed(run: Path, folder: Path, tmp_path: Path) -> None:
    score(run, folder, tmp_path / "out")
    with pytest.raises(InputError, match=r"another job \(differs in config_hash, model_sha256"):
        open_job(make_run(tmp_path / "tiny", "pair"), None, "torch", tmp_path / "out", batch_size=8, threads=1)


def test_a_shard_that_changed_halfway_is_refused(run: Path, folder: Path, tmp_path: Path, small_chunks: None) -> None:
    def stop(rows: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        score(run, folder, tmp_path / "out", stop)
    with (folder / "a.jsonl").open("a", encoding="utf-8") as file:
        file.write("{}\n")
    with pytest.raises(InputError, match=r"a.jsonl: .* has changed since"):
        score(run, folder, tmp_path / "out")


def test_another_input_of_the_same_name_is_not_taken_for_scored(run: Path, folder: Path, tmp_path: Path) -> None:
    output, other = tmp_path / "out", tmp_path / "day2"
    score(run, folder, output)
    before = (output / "a.jsonl").read_bytes()
    score(run, folder.rename(tmp_path / "moved"), output)  # the same shards elsewhere
    other.mkdir()
    content = (tmp_path / "moved" / "a.jsonl").read_text(encoding="utf-8")
    (other / "a.jsonl").write_text(content.replace("day 1 ", "day 7 "), encoding="utf-8")
    for refuse in (lambda: score(run, other, output), lambda: rows_left(other / "a.jsonl", output)):
        with pytest.raises(InputError, match=r"day2/a.jsonl: .*out holds predictions of another file of this name"):
            refuse()
    (output / ".a.state").unlink()
    with pytest.raises(InputError, match=r"out/a.jsonl: nothing says that it is of"):
        score(run, other, output)
    assert (output / "a.jsonl").read_bytes() == before


def test_folders_without_usable_shards(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no such folder"):
        find_shards(tmp_path / "none")
    (tmp_path / "a.json").write_text("{}")
    with pytest.raises(InputError, match=r"did you mean '\.jsonl'"):
        find_shards(tmp_path)
    (tmp_path / "a.jsonl").write_text("{}")
    (tmp_path / "a.parquet").write_text("")
    with pytest.raises(InputError, match="same name"):
        find_shards(tmp_path)


def test_two_commands_do_not_share_an_output_folder(run: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = tmp_path / "out"
    code = "import sys, time; sys.path[0] = sys.argv[2]\nfrom pathlib import Path\nfrom train.run_lock import holding\n"
    code += "with holding(Path(sys.argv[1])): print('held', flush=True); time.sleep(60)"
    holder = subprocess.Popen([sys.executable, "-c", code, str(output), str(ROOT)], stdout=subprocess.PIPE, text=True)
    monkeypatch.setattr(sys, "argv", ["score.py", "--run", str(run), "--input", str(folder), "--output", str(output)])
    try:
        assert holder.stdout is not None and holder.stdout.readline() == "held\n"
        with pytest.raises(InputError, match=r"out: in use by process \d+ .* or give --output"):
            score_command.main()
    finally:
        holder.kill()
        holder.wait()
    assert not list(output.glob("*.jsonl"))


@pytest.mark.parametrize("option", ["--threads=-1", "--workers=0", "--batch-size=0"])
def test_numbers_out_of_range_are_refused(monkeypatch: pytest.MonkeyPatch, option: str) -> None:
    monkeypatch.setattr(sys, "argv", ["score.py", "--run", "r", "--input", "i", "--output", "o", option])
    with pytest.raises(InputError, match=rf"{option.split('=')[0]}: expected \d or more"):
        score_command.parse()


@pytest.mark.parametrize("name", ["in", "link"])
def test_the_folder_of_the_shards_is_no_output_folder(
    run: Path, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (tmp_path / "link").symlink_to(folder)
    monkeypatch.setattr(sys, "argv", ["score.py", "--run", str(run), "--input", str(folder), "--output", str(tmp_path / name)])
    with pytest.raises(InputError, match=rf"--output .*{name}: is the folder of --input; .* give another folder"):
        score_command.main()
    assert sorted(path.name for path in folder.iterdir()) == ["a.jsonl", "b.parquet"]


def test_endings_of_shards_may_be_in_capitals(run: Path, folder: Path, tmp_path: Path) -> None:
    (folder / "a.jsonl").rename(folder / "a.JSONL")
    (folder / "b.parquet").rename(folder / "b.Parquet")
    assert [rows_left(shard, tmp_path) for shard in find_shards(folder)] == [26, 25]
    score(run, folder, tmp_path / "out")
    assert [len(read_rows(tmp_path / "out" / name, Prediction)) for name in ("a.jsonl", "b.jsonl")] == [25, 25]


def test_a_byte_order_mark_is_no_part_of_the_first_row(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_bytes(b'\xef\xbb\xbf{"id": 1}\n{"id": 2}\n')
    assert list(read_shard(tmp_path / "a.jsonl")) == [(1, {"id": 1}), (2, {"id": 2})]


def test_rejects_of_an_earlier_time_go_when_there_are_none(tmp_path: Path) -> None:
    (tmp_path / ".a.rejects").write_text('{"shard": "a.jsonl"}\n')
    assert collect_rejects(tmp_path) == 1 and (tmp_path / "rejects.jsonl").is_file()
    (tmp_path / ".a.rejects").write_text("")
    assert collect_rejects(tmp_path) == 0 and not (tmp_path / "rejects.jsonl").exists()


def test_progress_tells_rate_and_time_left() -> None:
    progress = Progress(1000)
    progress.rows = 250
    assert progress.describe(10.0) == "250 of 1,000 rows, 25 rows/s, 30 s left"
    assert duration(3725) == "1 h 02 min"


@pytest.mark.ray
def test_ray_gives_the_rows_of_the_local_engine(run: Path, folder: Path, tmp_path: Path) -> None:
    pytest.importorskip("ray")
    score(run, folder, tmp_path / "local")
    command = [sys.executable, str(ROOT / "train" / "score.py"), "--run", str(run), "--input", str(folder)]
    command += ["--output", str(tmp_path / "ray"), "--engine", "ray", "--workers", "2", "--backend", "torch", "--batch-size", "8"]
    done = subprocess.run(command, capture_output=True, text=True, check=False, cwd="/")
    assert done.returncode == 0, done.stderr
    for name in ("a.jsonl", "b.jsonl"):
        assert (tmp_path / "ray" / name).read_bytes() == (tmp_path / "local" / name).read_bytes()
