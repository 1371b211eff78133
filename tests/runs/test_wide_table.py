"""A row a unit, a column a coder: what R's irr reads; missing and not asked are told apart."""

from __future__ import annotations

import csv
from collections.abc import Callable
from pathlib import Path

import krippendorff
import openpyxl
import pandas as pd
import pytest
from click.testing import Result

from pedagogy_r1.agreement.agreement_report import agree
from pedagogy_r1.errors import InputError, PedagogyError
from pedagogy_r1.runs.export import export_runs
from pedagogy_r1.runs.run import CoderRun

from ..make_runs import BOOK, book, make_run

Pcode = Callable[..., Result]


@pytest.fixture
def runs(tmp_path: Path) -> list[CoderRun]:
    """Two people on eight units, a third on the last four of them and four more."""
    first = {
        "P": ["A", "B", ("C", "A"), (), None, "A", "B", "C"],
        "Q": ["A", "C", "C", (), "A", "B", "B", "C"],
    }
    return [
        make_run(tmp_path / "first", first),
        make_run(tmp_path / "second", {"text": ["B", None, "A", (), "C", "A", "A", "B"]}, offset=4),
    ]


def rows(path: Path) -> list[dict[str, str]]:
    return list(csv.DictReader(path.open()))


def test_a_row_a_unit_and_a_column_a_coder(runs: list[CoderRun], tmp_path: Path) -> None:
    out = tmp_path / "wide.csv"
    assert export_runs(runs, out, wide=True) == 12
    found = rows(out)
    assert list(found[0]) == [
        *("unit_id", "trace_id", "item", "domain", "condition", "model", "correct", "unit_index", "text"),
        *("run_status", "P", "Q", "text_", "missing_P", "missing_Q", "missing_text"),
    ]
    assert [row["text"] for row in found] == [f"Sentence {n}." for n in range(12)]
    assert [row["P"] for row in found] == ["A", "B", "C", "none", "NA", "A", "B", "C", "", "", "", ""]
    assert [row["text_"] for row in found] == ["", "", "", "", "B", "NA", "A", "none", "C", "A", "A", "B"]
    assert {row["run_status"] for row in found} == {"complete"}


def test_missing_and_not_asked_are_told_apart(runs: list[CoderRun], tmp_path: Path) -> None:
    for suffix in (".csv", ".parquet", ".jsonl", ".xlsx"):
        export_runs(runs, tmp_path / f"wide{suffix}", wide=True)
    read: dict[str, pd.DataFrame] = {
        "csv": pd.read_csv(tmp_path / "wide.csv", keep_default_na=False),
        "parquet": pd.read_parquet(tmp_path / "wide.parquet"),
        "jsonl": pd.read_json(tmp_path / "wide.jsonl", lines=True),
        "xlsx": pd.read_excel(tmp_path / "wide.xlsx", keep_default_na=False),
    }
    for name, table in read.items():
        why = table["missing_P"].fillna("").tolist()
        assert why == ["", "", "", "", "not sure", "", "", "", *["not asked"] * 4], name
        cells = table["P"].tolist()
        if name in ("csv", "xlsx"):
            assert (cells[4], cells[8]) == ("NA", "")
        else:
            assert pd.isna(cells[4])
            assert pd.isna(cells[8])


@pytest.mark.parametrize("suffix", [".csv", ".parquet"])
def test_other_software_finds_the_same_alpha(suffix: str, runs: list[CoderRun], tmp_path: Path) -> None:
    out = tmp_path / f"wide{suffix}"
    export_runs(runs, out, wide=True)
    table = pd.read_csv(out) if suffix == ".csv" else pd.read_parquet(out)
    codes = ["A", "B", "C", "none"]
    values = [
        [codes.index(v) if isinstance(v, str) else float("nan") for v in table[c]]
        for c in ("P", "Q", "text_")
    ]
    theirs = krippendorff.alpha(
        reliability_data=values, level_of_measurement="nominal", value_domain=[0, 1, 2, 3]
    )
    every = next(c for c in agree(runs, replicates=0).comparisons if len(c.coders) == 3)
    assert every.result.value == pytest.approx(theirs, abs=1e-12)


def test_a_coder_who_coded_units_twice_is_two(runs: list[CoderRun], tmp_path: Path) -> None:
    again = make_run(tmp_path / "again", {"P": ["B"] * 4})
    export_runs([runs[0], again], tmp_path / "wide.csv", wide=True)
    found = rows(tmp_path / "wide.csv")
    assert len(found) == 8
    assert [row["P@again"] for row in found] == ["B"] * 4 + [""] * 4
    assert [row["P@first"] for row in found][:2] == ["A", "B"]


def test_a_code_that_reads_as_missing_is_refused_in_sheets(tmp_path: Path) -> None:
    run = make_run(tmp_path / "na", {"P": ["NA", None]}, codebook=book(BOOK.replace("id: A,", "id: NA,")))
    with pytest.raises(InputError, match="which R reads as missing"):
        export_runs([run], tmp_path / "wide.csv", wide=True)
    export_runs([run], tmp_path / "wide.parquet", wide=True)
    assert pd.read_parquet(tmp_path / "wide.parquet")["P"].fillna("-").tolist() == ["NA", "-"]


def test_wide_says_what_a_cell_holds_and_excludes_networks(
    runs: list[CoderRun], tmp_path: Path, pcode: Pcode
) -> None:
    result = pcode("export", runs[0].folder, "--wide", "-o", tmp_path / "w.csv")
    assert result.exit_code == 0, result.output
    assert "second codes are not in this table" in result.stderr
    assert pcode("export", runs[0].folder, "--wide", "--for", "ena", "-o", tmp_path / "w.csv").exit_code == 2
    where = pcode("export", runs[0].folder, "--wide", "--where", "id=t1", "-o", tmp_path / "w.csv")
    assert where.exit_code == 0, where.output
    assert {row["where"] for row in rows(tmp_path / "w.csv")} == {
        "only the traces with id=t1 are taken: 1 of 2"
    }


def test_runs_under_two_codebooks_are_refused(runs: list[CoderRun], tmp_path: Path) -> None:
    other = make_run(tmp_path / "o", {"P": ["A"]}, codebook=book(BOOK.replace("1.0.0", "1.1.0")))
    for order in ([runs[0], other], [other, runs[0]]):
        with pytest.raises(PedagogyError) as error:
            export_runs(order, tmp_path / "wide.csv", wide=True)
        assert f"migrate {runs[0].folder} --to {other.codebook.ref} -o" in error.value.hint


def test_one_version_with_two_texts_is_not_a_case_for_migrate(runs: list[CoderRun], tmp_path: Path) -> None:
    other = make_run(
        tmp_path / "o", {"P": ["A"]}, codebook=book(BOOK.replace("title: three codes", "title: another"))
    )
    assert (other.codebook.ref, other.codebook.digest) != (runs[0].codebook.ref, runs[0].codebook.digest)
    with pytest.raises(PedagogyError) as error:
        export_runs([runs[0], other], tmp_path / "wide.csv", wide=True)
    assert "migrate" not in error.value.hint
    assert "under one of them" in error.value.hint


def test_a_coder_named_where_keeps_the_codes(tmp_path: Path, pcode: Pcode) -> None:
    """The column ``where`` says to which traces the table is restricted."""
    run = make_run(tmp_path / "run", {"where": ["A", "B"], "P": ["C", "C"]}).folder
    assert pcode("export", run, "--wide", "--where", "domain=SK", "-o", tmp_path / "w.csv").exit_code == 0
    found = rows(tmp_path / "w.csv")
    assert [row["where_"] for row in found] == ["A", "B"]
    assert {row["where"] for row in found} == {"only the traces with domain=SK are taken: 1 of 1"}


@pytest.mark.parametrize("suffix", ["csv", "xlsx"])
def test_a_coder_named_as_a_formula_runs_nothing(suffix: str, tmp_path: Path) -> None:
    run = make_run(tmp_path / "run", {'=HYPERLINK("x")': ["A"], "Q\x0b": ["B"]})
    export_runs([run], tmp_path / f"w.{suffix}", wide=True)
    path = tmp_path / f"w.{suffix}"
    if suffix == "csv":
        head = list(rows(path)[0])
    else:
        cells = openpyxl.load_workbook(path).worksheets[0][1]
        assert {cell.data_type for cell in cells} == {"s"}
        head = [cell.value for cell in cells]
    assert '\'=HYPERLINK("x")' in head
