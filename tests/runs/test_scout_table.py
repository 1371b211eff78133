"""Codings in the columns of inspect_scout's results: a row a unit and coder."""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet
import pytest
from click.testing import Result

from pedagogy_r1.runs.export import export_runs

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


READ = """
import json, sys
from pathlib import Path
import pyarrow.parquet
from inspect_ai.model import ChatMessageAssistant
from inspect_scout import scan_results_df
from inspect_scout._recorder.summary import Summary
from inspect_scout._scanner.result import Reference, Result, ResultReport
from inspect_scout._scanspec import ScannerSpec, ScanSpec
folder = Path(sys.argv[1])
spec = ScanSpec(scan_id="x", scan_name="x", packages={}, scanners={"codings": ScannerSpec(name="codings")})
(folder / "_scan.json").write_text(spec.model_dump_json())
(folder / "_summary.json").write_text(Summary(complete=True, scanners=["codings"]).model_dump_json())
table = scan_results_df(str(folder)).scanners["codings"]
for cell in table["message_references"]:
    [Reference.model_validate(one) for one in json.loads(cell)]
own = ResultReport(input_type="message", input_ids=["a"], input=ChatMessageAssistant(content="x"), result=Result(value="A"),
                   validation=None, error=None, events=[], model_usage={}).to_df_columns()
print(json.dumps({"own": list(own), "values": table["value"].fillna("").tolist()}))
"""


def test_inspect_scout_itself_opens_the_table(tmp_path: Path) -> None:
    python = os.environ.get("PEDAGOGY_INSPECT_PYTHON")
    if not python:
        pytest.skip("PEDAGOGY_INSPECT_PYTHON names no Python with inspect_scout")
    run = make_run(tmp_path / "run", {"X": ["A", ("B", "C"), None, ()], "Y": ["A", "B", "B", "A"]})
    scan = tmp_path / "scan_id=x"
    scan.mkdir()
    export_runs([run], scan / "codings.parquet", for_="scout")
    done = subprocess.run([python, "-c", READ, scan], capture_output=True, text=True, check=True)
    found = json.loads(done.stdout)
    assert sorted(found["values"]) == ["", "A", "A", "A", "B", "B", "B", "none"]
    ours = pyarrow.parquet.read_schema(scan / "codings.parquet").names
    at = ours.index("input_type")
    assert ours[at : at + len(found["own"])] == found["own"]
