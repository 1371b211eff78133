"""Codings in the columns of inspect_scout's results: a row a unit and coder."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet
from click.testing import Result

from ..make_runs import make_run

Pcode = Callable[..., Result]


def test_codings_go_out_as_scan_results(tmp_path: Path, pcode: Pcode) -> None:
    run = make_run(tmp_path / "run", {"X": ["A", ("B", "C"), None, ()], "Y": ["A", "B", "B", "A"]})
    out = tmp_path / "scan.parquet"
    done = pcode("export", run.folder, "--for", "scout", "-o", out)
    assert done.exit_code == 0, done.output
    rows = pyarrow.parquet.read_table(out).to_pylist()
    own = [row for row in rows if row["scanner_name"] == "X"]
    assert [(row["value"], row["value_type"]) for row in own] == [
        ("A", "string"),
        ("B", "string"),
        (None, "null"),
        ("none", "string"),
    ]
    assert [bool(row["scan_error"]) for row in own] == [False, False, True, False]
    assert len({row["uuid"] for row in rows}) == len(rows) == 8
    (trace,) = {row["transcript_id"] for row in rows}
    (text,) = [t.reasoning for t in run.traces() if t.id == trace]
    for row in rows:
        about = json.loads(row["metadata"])
        assert text[about["start"] : about["end"]] == row["answer"]
        assert json.loads(row["message_references"])[0]["id"] == trace
    assert json.loads(own[1]["metadata"])["codes"] == ["B", "C"]
