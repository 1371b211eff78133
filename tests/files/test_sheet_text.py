"""What XML has no place for is marked in a sheet, and stops no export."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import openpyxl
import pytest
from click.testing import Result

from pedagogy_r1.files.spreadsheet import sheet_text

SIGNS = ["\x00", "\x0b", "\x1f", "\ufffe", "\uffff"]


@pytest.mark.parametrize("sign", [*SIGNS, "\ud800"])
def test_a_sheet_has_a_mark_for_what_xml_cannot_hold(sign: str, tmp_path: Path) -> None:
    book = openpyxl.Workbook(write_only=True)
    book.create_sheet().append([sheet_text(f"a{sign}b")])
    book.save(tmp_path / "s.xlsx")
    assert openpyxl.load_workbook(tmp_path / "s.xlsx").active["A1"].value == "a\ufffdb"


def test_traces_with_such_signs_are_exported_and_sent_out(
    tmp_path: Path, pcode: Callable[..., Result]
) -> None:
    traces = tmp_path / "t.jsonl"
    said = [
        {"id": f"t{n}{sign}", "reasoning": f"So it{sign} is. Wait, is it?"} for n, sign in enumerate(SIGNS)
    ]
    traces.write_text("".join(json.dumps(trace) + "\n" for trace in said))
    for words in (
        ["annotate", traces, "-o", tmp_path / "run"],
        ["export", tmp_path / "run", "-o", tmp_path / "x.xlsx"],
        ["sample", traces, "--fraction", 1, "--coders", "A,B", "-o", tmp_path / "packet"],
        ["packet", "write", tmp_path / "packet", "--format", "xlsx,qdpx,inception,label-studio"],
    ):
        result = pcode(*words)
        assert result.exit_code == 0, (words, result.output, result.exception)
