"""Corpora and runs over them that were put together by hand, mixed up, or worked on twice at once."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from pedagogy_r1.coding.annotate_corpus import annotate_corpus, prepare_corpus
from pedagogy_r1.errors import RunError
from pedagogy_r1.files.seal import sealed
from pedagogy_r1.intake import corpus as intake_corpus
from pedagogy_r1.intake.corpus import CORPUS, CorpusWriter, TraceCorpus
from pedagogy_r1.job import locked
from pedagogy_r1.runs.run import CoderRun
from pedagogy_r1.shards.shard_record import progress_of
from pedagogy_r1.trace import Trace

Pcode = Callable[..., Result]
SHARDS = 4


def traces(name: str = "t") -> list[Trace]:
    return [
        Trace(id=f"{name}{n}", item=f"{name}{n // 2}", reasoning="Wait, is that so? So it is 4.", answer="4")
        for n in range(24)
    ]


def write(path: Path, shards: int = SHARDS) -> Path:
    with CorpusWriter(path, shards) as writer:
        for trace in traces():
            writer.put(trace)
    return path


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write(tmp_path_factory.mktemp("c") / "corpus")


@pytest.fixture(scope="module")
def coded(corpus: Path) -> Path:
    return annotate_corpus(corpus, corpus.with_name("run")).folder


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda d: d["shards"].append(d["shards"][0]), "shard 4 is 'traces-0000.parquet'"),
        (lambda d: d["shards"][0].update(name="../o/traces-0000.parquet"), "shard 0 is '../o/traces-0000"),
        (lambda d: d["shards"].reverse(), "shard 0 is 'traces-0003.parquet'"),
        (lambda d: d.update(shards=[]), "at least 1 item"),
        (lambda d: d.update(format="corpus@9"), "corpus@1"),
        (lambda d: d["shards"][0].update(traces=-3), "greater than or equal to 0"),
        (lambda d: d["shards"][0].update(traces=1), f"traces, and {CORPUS} says 1"),
    ],
)
def test_a_corpus_that_was_put_together_by_hand(
    change: Callable[[Any], None], said: str, corpus: Path, tmp_path: Path, pcode: Pcode
) -> None:
    other = shutil.copytree(corpus, tmp_path / "corpus")
    record = json.loads((other / CORPUS).read_bytes())
    change(record)
    (other / CORPUS).write_bytes(sealed(record))
    done = pcode("annotate", other, "-o", tmp_path / "run", "--coder", "cues")
    assert done.exit_code == 2
    assert said in done.stderr


def test_a_shard_beyond_the_last_is_said_and_not_counted(coded: Path, tmp_path: Path, pcode: Pcode) -> None:
    run = shutil.copytree(coded, tmp_path / "run")
    (run / "shard-0009.json").write_bytes((run / "shard-0001.json").read_bytes())
    with pytest.raises(RunError, match=r"shard-0009\.json: the run has 4 shards, and this is none of them"):
        list(CoderRun(run).traces())
    found, whole = progress_of(run), progress_of(coded)
    assert found is not None
    assert whole is not None
    assert (found.done, found.counts) == (4, whole.counts)
    assert "of another run: shard-0009.json" in pcode("status", run).output


def test_a_shard_of_another_run_is_said_and_not_counted(
    corpus: Path, coded: Path, tmp_path: Path, pcode: Pcode
) -> None:
    run = shutil.copytree(coded, tmp_path / "run")
    other = annotate_corpus(corpus, tmp_path / "other", scheme="paragraph@1").folder
    (run / "shard-0001.json").write_bytes((other / "shard-0001.json").read_bytes())
    with pytest.raises(RunError, match=r"shard-0001\.json is of another run, cues-"):
        _ = CoderRun(run).shards
    said = pcode("status", run).output
    assert "3 of 4 shards are done" in said
    assert "of another run: shard-0001.json" in said
    (run / "shard-0001.json").unlink()
    said = pcode("status", run).output
    assert "missing: shard-0001.json: the same command makes these shards anew" in said


def test_one_run_at_a_time_in_a_folder_for_shards_at_work(corpus: Path, tmp_path: Path) -> None:
    """Whoever was done first deleted what the other was coding."""
    work = tmp_path / "work"
    here = Path(prepare_corpus(corpus, tmp_path / "run", work=work).job.work)
    with (
        locked(here),
        pytest.raises(RunError, match=r"is in use by process.*\n.*another directory with --work"),
    ):
        annotate_corpus(corpus, tmp_path / "run", work=work)
    assert here.is_dir()
    annotate_corpus(corpus, tmp_path / "run", work=work)
    assert not here.exists()


def test_one_import_at_a_time_in_a_folder(tmp_path: Path) -> None:
    with CorpusWriter(tmp_path / "c", 2) as first:
        for trace in traces():
            first.put(trace)
        with pytest.raises(RunError, match="is in use by process"), CorpusWriter(tmp_path / "c", 3):
            pass
    assert TraceCorpus(tmp_path / "c").total == 24


def test_an_import_leaves_nothing_of_one_that_was_killed(tmp_path: Path) -> None:
    (tmp_path / "c").mkdir()
    for name in ("traces-0007.parquet", ".traces-0008.parquet.part", "skipped.jsonl"):
        (tmp_path / "c" / name).write_bytes(b"half")
    there = {path.name for path in write(tmp_path / "c").iterdir()}
    assert there == {CORPUS, ".lock", *(f"traces-000{n}.parquet" for n in range(4))}


def test_metadata_counts_for_what_waits_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(intake_corpus, "_BUFFERED", 0)
    large = "x" * intake_corpus._LEAST_GROUP
    with CorpusWriter(tmp_path / "c", 1) as writer:
        for trace in traces():
            writer.put(trace.model_copy(update={"metadata": {"logprobs": large}}))
            (part,) = writer._parts
            assert not part.waiting
    assert TraceCorpus(tmp_path / "c").total == 24


def test_what_force_has_nothing_to_do_with(tmp_path: Path, pcode: Pcode) -> None:
    (tmp_path / "t.jsonl").write_text(traces()[0].model_dump_json() + "\n")
    done = pcode("traces", "import", tmp_path / "t.jsonl", "-o", tmp_path / "c", "--shards", "2", "--force")
    assert done.exit_code == 2
    assert "--force and --shards do not go together" in done.stderr
