"""Corpora: the same codes as of one file, the same bytes by any engine, and what is killed goes on where it was."""

from __future__ import annotations

import json
import random
import shutil
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import psutil
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pedagogy_r1.agreement import agree
from pedagogy_r1.agreement.corpus_agreement import agree_on
from pedagogy_r1.chat import Usage
from pedagogy_r1.chat._in_process import ChatJobs
from pedagogy_r1.chat._local import Weights, completion_body
from pedagogy_r1.chat.hf import HfEngine
from pedagogy_r1.cli.main import cli
from pedagogy_r1.coding.annotate import annotate
from pedagogy_r1.coding.annotate_corpus import annotate_corpus, plan_corpus, prepare_corpus
from pedagogy_r1.errors import ArgumentError, InputError, PedagogyError, RunError
from pedagogy_r1.intake import import_traces, read_traces
from pedagogy_r1.intake.corpus import CORPUS, CorpusWriter, TraceCorpus, shard_of
from pedagogy_r1.runs.codings_table import frame_of
from pedagogy_r1.runs.corpus_tally import tallied
from pedagogy_r1.runs.gathering import by_shards
from pedagogy_r1.runs.run import CoderRun
from pedagogy_r1.runs.run_columns import read_columns
from pedagogy_r1.shards.shard_record import progress_of
from pedagogy_r1.stats.code_frequency import frequency
from pedagogy_r1.supplement.shared_run import write_shared
from pedagogy_r1.trace import Trace
from pedagogy_r1.web.index import Index
from pedagogy_r1.web.trace_view import open_trace

from ..batch_server import BatchServer
from ..conftest import ROOT
from ..fake_openai import BLOCK, FakeOpenAI, code_unit

DEMO = ROOT / "demo" / "traces.jsonl"


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The demo's traces in four shards."""
    out = tmp_path_factory.mktemp("corpus") / "corpus"
    import_traces([DEMO], out, shards=4)
    return out


@pytest.fixture(scope="module")
def coded(corpus: Path) -> Path:
    """Coded by cues."""
    out = corpus.parent / "run"
    annotate_corpus(corpus, out, coder="cues")
    return out


def files(run: Path) -> dict[str, bytes]:
    """All that a run holds but its record, which says when it was made."""
    return {
        p.name: p.read_bytes() for p in run.iterdir() if p.is_file() and p.name not in ("run.json", ".lock")
    }


def test_a_corpus_holds_the_traces_of_the_file_an_item_in_one_shard(corpus: Path) -> None:
    found, given = TraceCorpus(corpus), {trace.id: trace for trace in read_traces(DEMO)}
    assert {trace.id: trace for trace in found} == given
    assert found.total == len(given) == sum(found.shard(n).total for n in range(found.shards))
    for number in range(4):
        assert all(shard_of(trace, 4) == number for trace in found.shard(number))
    assert found.langs == {"en"}


def test_the_run_over_a_corpus_says_what_the_run_over_the_file_says(coded: Path, tmp_path: Path) -> None:
    flat = annotate(DEMO, tmp_path / "flat", coder="cues")
    run = CoderRun(coded)
    assert sorted(map(repr, run.units())) == sorted(map(repr, flat.units()))
    said = [
        sorted((c.unit_id, c.codes, c.evidence, c.rationale) for c in one.codings()) for one in (run, flat)
    ]
    assert said[0] == said[1]
    assert run.manifest.counts == flat.manifest.counts
    assert run.manifest.usage == flat.manifest.usage
    assert len(list(run.by_trace())) == flat.manifest.counts["traces"]
    report = agree([run, annotate(DEMO, tmp_path / "other", coder="learned", path="schoen")], replicates=0)
    beside = agree([flat, tmp_path / "other"], replicates=0)
    assert report.comparisons[0].result.value == beside.comparisons[0].result.value
    assert report.n_disagreed == beside.n_disagreed
    texts = {unit.id: (unit.trace_id, unit.text) for unit in flat.units()}
    assert {texts[u.unit_id] for u in report.disagreed} == {(u.trace_id, u.text) for u in report.disagreed}


def test_the_read_page_opens_a_run_over_a_corpus(coded: Path) -> None:
    index = Index([CoderRun(coded)])
    index.start()
    index.wait_texts()
    assert {row.id: open_trace(index, row).trace for row in index.rows} == {
        t.id: t for t in read_traces(DEMO)
    }


@pytest.mark.parametrize("texts", [True, False])
def test_a_run_over_a_corpus_is_given_away_as_one_of_a_file(coded: Path, tmp_path: Path, texts: bool) -> None:
    write_shared(CoderRun(coded), tmp_path / "run", texts=texts)
    given = CoderRun(tmp_path / "run")
    assert [c.codes for c in given.codings()] == [c.codes for c in CoderRun(coded).codings()]
    assert any(trace.reasoning for trace in given.traces()) is texts


def test_a_study_is_read_from_anywhere(
    corpus: Path, coded: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(corpus, tmp_path / "study" / "corpus")
    monkeypatch.chdir(tmp_path / "study")
    annotate_corpus("corpus", "runs/cues", coder="cues")
    monkeypatch.chdir(tmp_path)
    assert list(CoderRun("study/runs/cues").traces()) == list(CoderRun(coded).traces())


def test_two_processes_write_the_same_bytes_as_one(corpus: Path, coded: Path, tmp_path: Path) -> None:
    annotate_corpus(corpus, tmp_path / "two", coder="cues", workers=2)
    assert files(tmp_path / "two") == files(coded)
    assert not (tmp_path / "two" / ".work").exists()


def test_what_lies_in_the_folder_for_work_is_left_there(corpus: Path, coded: Path, tmp_path: Path) -> None:
    work = tmp_path / "scratch"
    work.mkdir()
    (work / "thesis.txt").write_text("mine")
    annotate_corpus(corpus, tmp_path / "run", coder="cues", work=work)
    assert [path.name for path in work.iterdir()] == ["thesis.txt"]
    assert files(tmp_path / "run") == files(coded)


def test_a_shard_that_was_changed_is_coded_again_and_no_other(
    corpus: Path, coded: Path, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    shutil.copytree(coded, run)
    at = {p.name: p.stat().st_mtime_ns for p in run.iterdir()}
    (run / "codings-0002.parquet").write_bytes(b"x" + (run / "codings-0002.parquet").read_bytes()[1:])
    with pytest.raises(RunError, match="codings-0002"):
        list(CoderRun(run).codings())
    annotate_corpus(corpus, run, coder="cues")
    assert files(run) == files(coded)
    assert (run / "codings-0001.parquet").stat().st_mtime_ns == at["codings-0001.parquet"]


def test_a_killed_driver_goes_on_with_the_shards_that_are_not_done(tmp_path: Path, coded: Path) -> None:
    rows = [json.loads(line) for line in DEMO.read_text().splitlines()]
    many = tmp_path / "many.jsonl"
    with many.open("w") as file:
        for k in range(8):
            for row in rows:
                file.write(json.dumps(row | {"id": f"{row['id']}-{k}", "item": f"{row['item']}-{k}"}) + "\n")
    import_traces([many], tmp_path / "corpus", shards=6)
    command = ["annotate", str(tmp_path / "corpus"), "--coder", "cues", "--workers", "2", "-o"]
    process = subprocess.Popen(
        [sys.executable, "-m", "pedagogy_r1", *command, str(tmp_path / "run")], cwd=ROOT
    )
    run = tmp_path / "run"
    until = time.monotonic() + 90
    while not list(run.glob("shard-*.json")) and time.monotonic() < until:
        time.sleep(0.05)
    at_work = progress_of(run)
    assert at_work is not None
    assert at_work.status == "running"
    workers = psutil.Process(process.pid).children(recursive=True)
    process.send_signal(signal.SIGKILL)
    process.wait()
    assert workers
    assert psutil.wait_procs(workers, timeout=30)[1] == []
    before = {p.name: p.stat().st_mtime_ns for p in run.glob("shard-*.json")}
    assert before
    assert CoderRun(run).manifest.status == "running"
    so_far = progress_of(run)
    assert so_far is not None
    assert so_far.said().startswith(f"killed: {len(before)} of 6 shards are done")
    assert so_far.said().endswith("the command that started it goes on with the others")
    cli.main([*command, str(run)], standalone_mode=False)
    assert {name: (run / name).stat().st_mtime_ns for name in before} == before
    assert CoderRun(run).manifest.status == "complete"
    annotate_corpus(tmp_path / "corpus", tmp_path / "whole", coder="cues")
    assert files(run) == files(tmp_path / "whole")


def test_the_user_ends_a_run_of_one_process_not_a_shard(tmp_path: Path) -> None:
    with CorpusWriter(tmp_path / "corpus", 64) as corpus:
        for k in range(60):
            for trace in read_traces(DEMO):
                corpus.put(trace.model_copy(update={"id": f"{trace.id}-{k}", "item": f"{trace.item}-{k}"}))
    command = ["annotate", str(tmp_path / "corpus"), "--coder", "cues", "-o", str(tmp_path / "run")]
    process = subprocess.Popen([sys.executable, "-m", "pedagogy_r1", *command], cwd=ROOT)
    until = time.monotonic() + 90
    while not list((tmp_path / "run").glob("shard-*.json")) and time.monotonic() < until:
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert process.wait() == 130
    run = CoderRun(tmp_path / "run")
    assert run.manifest.status == "interrupted"
    assert run.shards
    assert 0 < len(run.shards.numbers) < 64
    assert run.manifest.counts["traces"] == len(list(run.traces())) > 0


def test_replies_of_a_language_model_lie_in_a_ledger_a_shard_and_are_not_paid_twice(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    with FakeOpenAI() as server:
        how: dict[str, Any] = {
            "coder": "llm",
            "model": "openai:fake",
            "base_url": server.url,
            "codebook": "schoen@1.0.0",
        }
        run = annotate_corpus(corpus, tmp_path / "run", **how)
        assert run.manifest.status == "complete"
        asked = len(server.calls)
        assert run.manifest.usage["requests"] == asked > 0
        planned = plan_corpus(prepare_corpus(corpus, tmp_path / "run", **how))
        assert (planned["shards"], planned["shards_done"]) == (4, 4)
        assert planned["requests"] == planned["answered_already"] == asked
        ledgers = sorted(p.name for p in (tmp_path / "run").glob("ledger-*.jsonl"))
        assert len(ledgers) == sum(1 for n in range(4) if TraceCorpus(corpus).shard(n).total)
        annotate_corpus(corpus, tmp_path / "run", **how)
        assert len(server.calls) == asked
        whole = files(tmp_path / "run")
        for name in ("codings-0000.parquet", "shard-0001.json"):
            (tmp_path / "run" / name).unlink()
        assert plan_corpus(prepare_corpus(corpus, tmp_path / "run", **how))["shards_done"] == 3
        annotate_corpus(corpus, tmp_path / "run", **how)
        assert len(server.calls) == asked
        assert files(tmp_path / "run") == whole


def test_what_a_language_model_did_not_code_is_asked_again_and_nothing_else(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    down = True
    with FakeOpenAI(fault=lambda call: "bad_code" if down and len(call.units[0]) % 2 else None) as server:
        how: dict[str, Any] = {
            "coder": "llm",
            "model": "openai:fake",
            "base_url": server.url,
            "permute": True,
            "repeats": 2,
        }
        how |= {"codebook": "schoen@1.0.0", "retry_missing": True}
        run = annotate_corpus(corpus, tmp_path / "run", **how)
        assert run.manifest.failed
        assert run.manifest.usage["code_order"]["says"]
        down, asked = False, len(server.calls)
        run = annotate_corpus(corpus, tmp_path / "run", restart=True, **how)
        assert not run.manifest.failed
        assert 0 < len(server.calls) - asked < asked


def test_requests_a_minute_are_shared_out_over_the_workers(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two processes together keep the limit of the run, whichever shards they have."""
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    with FakeOpenAI() as server:
        how: dict[str, Any] = {"model": "openai:fake", "base_url": server.url, "codebook": "schoen@1.0.0"}
        how |= {"window": 3}
        run = annotate_corpus(
            corpus, tmp_path / "run", coder="llm", workers=2, requests_per_minute=2400, **how
        )
        came = list(zip(server.calls, server.times, strict=True))
    assert run.shards is not None
    largest = max(run.shards.numbers, key=lambda number: run.of_shard(number).manifest.counts["units"])
    own = {unit.text for unit in run.of_shard(largest).units()}
    times = [at for call, at in came if own.issuperset(call.units)]
    assert len(times) > 20
    # A process has half of the limit, and one shard at a time. A few of these requests may be another shard's, in the same words.
    assert times[-1] - times[0] >= 0.8 * (len(times) - 1) * 60 / 1200


def test_a_plan_counts_the_batches_of_each_shard(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A shard's requests are in batches of their own, however few they are."""
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    how: dict[str, Any] = {"coder": "llm", "model": "openai:fake", "codebook": "schoen@1.0.0", "batch": True}
    with BatchServer(FakeOpenAI()) as server:
        how |= {"base_url": server.url}
        planned = plan_corpus(prepare_corpus(corpus, tmp_path / "run", **how))
        annotate_corpus(corpus, tmp_path / "run", **how)
        assert planned["batches"] == len(server.made) > 1
        assert plan_corpus(prepare_corpus(corpus, tmp_path / "run", **how))["batches"] == 0


def test_a_limit_is_kept_from_shard_to_shard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Shards of a request or two each: each would send its first at once."""
    monkeypatch.setenv("OPENAI_API_KEY", "none")
    import_traces([DEMO], tmp_path / "corpus", shards=20)
    with FakeOpenAI() as server:
        how: dict[str, Any] = {"model": "openai:fake", "base_url": server.url, "codebook": "schoen@1.0.0"}
        how |= {"coder": "llm", "window": 100, "requests_per_minute": 100}
        run = annotate_corpus(tmp_path / "corpus", tmp_path / "run", **how)
        times = list(server.times)
    assert len(times) == run.manifest.usage["requests"] == 14
    assert times[-1] - times[0] >= 0.9 * (len(times) - 1) * 60 / 100


def test_a_model_in_process_is_loaded_once_for_all_shards(
    corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    loaded, closed = list[int](), list[int]()

    def run(self: HfEngine, jobs: ChatJobs) -> None:
        if self._model is None:
            self._model = object()
            loaded.append(1)
        for job in jobs.take(16):
            asked = job.request.frame.schema
            assert asked is not None
            ((_, data),) = BLOCK.findall(job.request.text)
            units = json.loads(data)["units"]
            said = json.dumps({"codings": [code_unit(unit, ["KA-RO", "TR-SP"], two=True) for unit in units]})
            jobs.answer(job, completion_body(job.request, "tiny", said, "stop", Usage(1000, 0, 10)))

    monkeypatch.setattr(HfEngine, "run", run)
    monkeypatch.setattr(HfEngine, "close", lambda self: closed.append(1))
    monkeypatch.setattr("pedagogy_r1.chat.hf.find_model", lambda name, lora: Weights(name, None))
    coded = annotate_corpus(corpus, tmp_path / "run", coder="llm", model="hf:tiny", codebook="schoen@1.0.0")
    assert len(loaded) == len(closed) == 1
    assert coded.manifest.counts["coded"] == coded.manifest.counts["units"] > 0


def test_shards_of_another_run_are_not_taken_for_its_own(corpus: Path, coded: Path, tmp_path: Path) -> None:
    run = tmp_path / "run"
    shutil.copytree(coded, run)
    (run / "run.json").unlink()
    with pytest.raises(RunError, match="holds another run: shard 0 is of cues-"):
        annotate_corpus(corpus, run, coder="cues", codebook="schoen@1.0.0")
    (tmp_path / "new").mkdir()
    (tmp_path / "new" / "thesis.txt").write_text("mine")
    with pytest.raises(RunError, match=r"thesis\.txt"):
        annotate_corpus(corpus, tmp_path / "new", coder="cues")


def test_what_is_not_for_a_corpus_is_refused_in_words(corpus: Path, coded: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match="holds a corpus already"):
        import_traces([DEMO], corpus, shards=4)
    (tmp_path / "mine.txt").write_text("mine")
    with pytest.raises(RunError, match="other files"):
        import_traces([DEMO], tmp_path, shards=4)
    with pytest.raises(ArgumentError, match="--units is not for a corpus"):
        annotate_corpus(corpus, tmp_path / "run", units=coded)
    with pytest.raises(ArgumentError, match="--max-tokens-total is not for a corpus"):
        annotate_corpus(corpus, tmp_path / "run", coder="llm", model="openai:x", max_tokens_total=1000)
    with pytest.raises(RunError, match="holds another run"):
        annotate_corpus(corpus, coded, coder="cues", codebook="schoen@1.0.0")
    with pytest.raises(InputError, match="no corpus"):
        TraceCorpus(tmp_path)


def test_other_traces_than_were_coded_are_noticed(corpus: Path, coded: Path, tmp_path: Path) -> None:
    moved = tmp_path / "corpus"
    shutil.copytree(corpus, moved)
    annotate_corpus(moved, tmp_path / "run", coder="cues")
    shard = moved / "traces-0001.parquet"
    shard.write_bytes(shard.read_bytes()[:-1] + b"x")
    with pytest.raises(RunError, match=r"traces-0001\.parquet has changed"):
        list(CoderRun(tmp_path / "run").traces())
    shutil.rmtree(moved)
    import_traces([DEMO], moved, shards=3)
    with pytest.raises(RunError, match="is not the corpus"):
        list(CoderRun(tmp_path / "run").traces())


def read_whole(folder: Path, corpus: bool) -> None:
    """Everything in a corpus, or in a run over one."""
    if corpus:
        list(TraceCorpus(folder))
    else:
        list(CoderRun(folder).units()), list(CoderRun(folder).codings()), tallied([CoderRun(folder)])


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_damaged_corpus_or_run_is_refused_never_read_wrongly(
    data: st.DataObject, corpus: Path, coded: Path, tmp_path: Path
) -> None:
    folder = tmp_path / "copy"
    shutil.rmtree(folder, ignore_errors=True)
    source = data.draw(st.sampled_from([corpus, coded]))
    shutil.copytree(source, folder)
    path = data.draw(
        st.sampled_from(sorted(p for p in folder.iterdir() if p.suffix in (".json", ".parquet")))
    )
    bytes_ = bytearray(path.read_bytes())
    at = data.draw(st.integers(0, len(bytes_) - 1))
    bytes_[at] ^= data.draw(st.integers(1, 255))
    path.write_bytes(bytes(bytes_[: data.draw(st.sampled_from([len(bytes_), at]))]))
    with pytest.raises(PedagogyError):
        read_whole(folder, source == corpus)


def test_a_killed_import_leaves_no_corpus_and_the_same_command_makes_it(tmp_path: Path) -> None:
    traces = [Trace(id=f"t{n}", reasoning="wait " * 2000) for n in range(40)]
    with suppress(KeyboardInterrupt), CorpusWriter(tmp_path / "c", 3) as writer:
        for trace in traces:
            writer.put(trace)
        raise KeyboardInterrupt
    assert not (tmp_path / "c" / CORPUS).exists()
    with CorpusWriter(tmp_path / "c", 3) as writer:
        for trace in random.Random(1).sample(traces, len(traces)):
            writer.put(trace)
    assert sorted(t.id for t in TraceCorpus(tmp_path / "c")) == sorted(t.id for t in traces)


def test_what_shards_add_up_to_is_what_all_codings_together_say(
    coded: Path, corpus: Path, tmp_path: Path
) -> None:
    other = annotate_corpus(corpus, tmp_path / "learned", coder="learned", path="schoen")
    runs = [CoderRun(coded), other]
    gathered, added = agree(runs), agree_on(tallied(runs))
    for one, two in zip(gathered.comparisons, added.comparisons, strict=True):
        for name in ("value", "low", "high", "observed", "expected"):
            assert getattr(one.result, name) == pytest.approx(getattr(two.result, name), rel=1e-12)
        assert [c.result.value for c in one.per_code] == pytest.approx(
            [c.result.value for c in two.per_code], rel=1e-12
        )
    assert added.n_disagreed == gathered.n_disagreed
    alone = frequency(tallied(runs[:1]))
    beside = {one.code: one.share for one in frequency(frame_of(read_columns(runs[:1])))}
    for one in alone:
        assert (one.share.value, one.share.low) == pytest.approx(
            (beside[one.code].value, beside[one.code].low), rel=1e-12
        )
    assert not by_shards(runs)
