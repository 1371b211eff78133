"""Traces out, and in again: the same question, reasoning and answer."""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet
import pytest
from click.testing import Result

from pedagogy_r1.errors import InputError
from pedagogy_r1.intake import import_traces, read_traces
from pedagogy_r1.intake.export_traces import export_traces
from pedagogy_r1.trace import Trace

from ..conftest import ROOT
from ..full_disk import pcode_with_room

Pcode = Callable[..., Result]
DEMO = ROOT / "demo/traces.jsonl"
HARD = [
    Trace(id="a/1", item="i/../x", question="Q 🙂?", reasoning="R\r\n\u2028 <think> 🙂", answer="A", reference="4", correct=False, lang="ko", think="field", metadata={"system": "Teach.", "n": [1, {"k": "v"}]}),
    Trace(id="a2", item="i/../x", question="Q 🙂?", reasoning="Only thought.", answer="", model="m"),
    Trace(id="a3", question="", reasoning="", answer="Only said."),
]  # fmt: skip


@pytest.mark.parametrize(
    ("to", "name"),
    [("inspect", "x.eval"), ("inspect", "x.json"), ("hf", "folder"), ("openai-messages", "x.jsonl")],
)
def test_out_and_in_again(to: str, name: str, tmp_path: Path, pcode: Pcode) -> None:
    source = tmp_path / "traces.jsonl"
    source.write_text(DEMO.read_text() + "".join(t.model_dump_json() + "\n" for t in HARD))
    done = pcode("traces", "export", source, "--to", to, "-o", tmp_path / name)
    assert done.exit_code == 0, done.output
    import_traces([tmp_path / name], tmp_path / "back.jsonl")
    before, after = list(read_traces(source)), list(read_traces(tmp_path / "back.jsonl"))
    texts = [(t.question, t.reasoning, t.answer, t.reference or "", t.correct) for t in before]
    assert [(t.question, t.reasoning, t.answer, t.reference or "", t.correct) for t in after] == texts
    ids = [t.metadata["trace_id"] if to == "inspect" else t.id for t in after]
    assert ids == [t.id for t in before]
    assert after[-3].metadata["system"] == "Teach."
    assert after[-3].metadata["n"] == [1, {"k": "v"}]


def test_samples_of_a_log_are_named_as_inspect_looks_for_them(tmp_path: Path) -> None:
    export_traces(DEMO, tmp_path / "x.eval", "inspect")
    with zipfile.ZipFile(tmp_path / "x.eval") as archive:
        header = json.loads(archive.read("header.json"))
        names = archive.namelist()
        sample = json.loads(archive.read("samples/sk-photosynthesis_epoch_2.json"))
    assert header["eval"]["dataset"]["samples"] == len(header["eval"]["dataset"]["sample_ids"])
    assert header["results"]["completed_samples"] == sum(name.startswith("samples/") for name in names)
    assert (sample["id"], sample["epoch"], sample["scores"]["correct"]["value"]) == (
        "sk-photosynthesis",
        2,
        "C",
    )
    assert [part["type"] for part in sample["messages"][-1]["content"]] == ["reasoning", "text"]


def test_a_data_card_says_what_is_in_the_table(tmp_path: Path) -> None:
    export_traces(DEMO, tmp_path / "set", "hf")
    card = (tmp_path / "set/README.md").read_text()
    table = pyarrow.parquet.read_table(tmp_path / "set/data/train.parquet")
    assert f"{table.num_rows} reasoning traces of sample-writer" in card
    assert all(f"`{name}`" in card for name in table.column_names)
    with pytest.raises(InputError, match="is there already"):
        export_traces(DEMO, tmp_path / "set", "hf")


def test_the_folder_opens_as_a_data_set(tmp_path: Path) -> None:
    """What the card says is what `load_dataset` makes of the folder: split, columns, their kinds, every value."""
    datasets = pytest.importorskip("datasets")
    source = tmp_path / "traces.jsonl"
    source.write_text(DEMO.read_text() + "".join(t.model_dump_json() + "\n" for t in HARD))
    export_traces(source, tmp_path / "set", "hf")
    card = (tmp_path / "set/README.md").read_text()
    found = datasets.load_dataset(str(tmp_path / "set"), cache_dir=str(tmp_path / "cache"))
    assert list(found) == ["train"]
    columns = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", card, re.M)
    assert [name for cell in columns for name in re.findall(r"\w+", cell)] == found["train"].column_names
    kinds = {name: feature.dtype for name, feature in found["train"].features.items()}
    assert kinds == {name: "bool" if name == "correct" else "string" for name in kinds}
    for row, trace in zip(found["train"], read_traces(source), strict=True):
        assert json.loads(row.pop("metadata")) == trace.metadata
        assert row == trace.model_dump(mode="json", exclude={"metadata"})


def test_what_cannot_be_written_is_said(tmp_path: Path, pcode: Pcode) -> None:
    done = pcode("traces", "export", DEMO, "--to", "inspect", "-o", tmp_path / "x.txt")
    assert (done.exit_code, "let the name end in .eval or .json" in done.stderr) == (2, True)
    copy = tmp_path / "x.jsonl"
    copy.write_text(DEMO.read_text())
    with pytest.raises(InputError, match="would be overwritten"):
        export_traces(copy, copy, "openai-messages")
    (tmp_path / "empty.jsonl").write_text("")
    with pytest.raises(Exception, match="holds no trace"):
        export_traces(tmp_path / "empty.jsonl", tmp_path / "y.jsonl", "openai-messages")
    assert not (tmp_path / "y.jsonl").exists()


@pytest.mark.parametrize("fault", ["a damaged line", "a full disk"])
def test_a_data_set_that_fails_leaves_nothing_and_the_same_command_goes_on(
    tmp_path: Path, pcode: Pcode, fault: str
) -> None:
    """Issue 11: OUT/data/ stayed, and was then said to be there already."""
    source, out = tmp_path / "traces.jsonl", tmp_path / "set"
    lines = DEMO.read_text()
    damaged = fault == "a damaged line"
    source.write_text(lines + "{\n" if damaged else lines)
    words = ("traces", "export", source, "--to", "hf", "-o", out)
    failed = pcode_with_room(None if damaged else 4096, *words)
    assert failed.returncode == 2, failed.stderr
    assert "Traceback" not in failed.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["traces.jsonl"]
    source.write_text(lines)
    assert pcode(*words).exit_code == 0
    assert sorted(path.name for path in out.iterdir()) == [".pcode.json", "README.md", "data"]
