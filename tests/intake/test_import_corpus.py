"""A corpus in again: into other shards, into one file, and out as other programs read traces."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from pedagogy_r1.intake import import_traces, read_traces
from pedagogy_r1.trace import Trace

from ..conftest import ROOT

Pcode = Callable[..., Result]
DEMO = ROOT / "demo/traces.jsonl"


def by_id(path: Path) -> dict[str, Trace]:
    return {trace.id: trace for trace in read_traces(path)}


@pytest.fixture
def corpus(tmp_path: Path) -> Path:
    """The demonstration's traces, and one that has everything a trace can have, in five shards, of which some hold nothing."""
    hard = Trace(id="a/1", item="i/../x", question="Q 🙂?", reasoning="R\r\n\u2028 <think> 🙂", answer="", reference="4", correct=False, lang="ko", think="unclosed", metadata={"n": [1, {"k": None}], "system": "Teach."})  # fmt: skip
    source = tmp_path / "traces.jsonl"
    source.write_text(DEMO.read_text() + hard.model_dump_json() + "\n")
    import_traces([source], tmp_path / "corpus", shards=5)
    return tmp_path / "corpus"


def test_a_corpus_goes_into_other_shards_and_into_one_file(
    corpus: Path, tmp_path: Path, pcode: Pcode
) -> None:
    whole = by_id(tmp_path / "traces.jsonl")
    done = pcode("traces", "import", corpus, "-o", tmp_path / "other", "--shards", 3, "--json")
    assert done.exit_code == 0, done.output
    report = json.loads(done.stdout)
    assert (report["rows"], report["traces"], len(report["files"])) == (len(whole), len(whole), 5)
    assert by_id(tmp_path / "other") == whole
    assert pcode("traces", "import", corpus, "-o", tmp_path / "one.jsonl").exit_code == 0
    assert by_id(tmp_path / "one.jsonl") == whole
    both = pcode("traces", "import", corpus, tmp_path / "other", "-o", tmp_path / "both.jsonl")
    assert both.exit_code == 2
    assert "was used in" in both.stderr
    named = pcode("traces", "import", corpus, "-o", tmp_path / "m.jsonl", "--model", "another")
    assert {trace.model for trace in by_id(tmp_path / "m.jsonl").values()} == {"another"}, named.output


def test_a_corpus_below_a_folder_or_of_a_pattern_is_read_as_one(
    corpus: Path, tmp_path: Path, pcode: Pcode
) -> None:
    """Its record is no file of traces, and its shards are compared with it."""
    whole = by_id(tmp_path / "traces.jsonl")
    (tmp_path / "traces.jsonl").unlink()
    for files in (tmp_path, tmp_path / "corp*"):
        done = pcode("traces", "import", files, "-o", tmp_path / "out/one.jsonl")
        assert done.exit_code == 0, done.output
        assert by_id(tmp_path / "out/one.jsonl") == whole
        (tmp_path / "out/one.jsonl").unlink()
    (corpus / "traces-0003.parquet").write_bytes((corpus / "traces-0002.parquet").read_bytes())
    changed = pcode("traces", "import", tmp_path, "-o", tmp_path / "out/one.jsonl")
    assert changed.exit_code == 2
    assert "traces-0003.parquet has changed" in changed.stderr


def test_a_shard_that_is_not_what_it_was_is_said(corpus: Path, tmp_path: Path, pcode: Pcode) -> None:
    into_itself = pcode("traces", "import", corpus, "-o", corpus, "--shards", 2)
    assert "holds a corpus already" in into_itself.stderr
    shard = corpus / "traces-0003.parquet"
    shard.write_bytes((corpus / "traces-0002.parquet").read_bytes())
    for words in (["import", corpus, "-o", tmp_path / "x.jsonl"], ["export", corpus, "--to", "hf", "-o", tmp_path / "x"]):  # fmt: skip
        changed = pcode("traces", *words)
        assert changed.exit_code == 2
        assert "traces-0003.parquet has changed" in changed.stderr
    shard.unlink()
    assert "is missing" in pcode("traces", "import", corpus, "-o", tmp_path / "x.jsonl").stderr
    assert not (tmp_path / "x.jsonl").exists()


@pytest.mark.parametrize(("to", "name"), [("inspect", "x.eval"), ("hf", "x"), ("openai-messages", "x.jsonl")])
def test_a_corpus_goes_out_as_a_traces_file_does(
    to: str, name: str, corpus: Path, tmp_path: Path, pcode: Pcode
) -> None:
    done = pcode("traces", "export", corpus, "--to", to, "-o", tmp_path / "out" / name)
    assert done.exit_code == 0, done.output
    import_traces([tmp_path / "out" / name], tmp_path / "back.jsonl")
    back = [(t.question, t.reasoning, t.answer, t.reference or "") for t in read_traces(tmp_path / "back.jsonl")]  # fmt: skip
    assert back == [(t.question, t.reasoning, t.answer, t.reference or "") for t in read_traces(corpus)]


def test_a_run_over_a_corpus_names_what_to_export(corpus: Path, tmp_path: Path, pcode: Pcode) -> None:
    pcode("annotate", corpus, "-o", tmp_path / "run", "--coder", "cues")
    assert (tmp_path / "run/run.json").is_file()
    done = pcode("traces", "export", tmp_path / "run", "--to", "hf", "-o", tmp_path / "x")
    assert done.exit_code == 2
    assert "it is a run over a corpus: name the corpus" in " ".join(done.stderr.split())
