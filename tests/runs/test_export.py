"""The tidy table: its columns are a contract, spreadsheets run nothing in it, and it imports again unchanged."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pandas as pd
import pytest
from click.testing import Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pedagogy_r1.codebook import load_codebook, parse_codebook
from pedagogy_r1.errors import InputError, PedagogyError
from pedagogy_r1.human.import_codings import import_codings
from pedagogy_r1.provenance import now
from pedagogy_r1.runs.export import COLUMNS, export_runs, records
from pedagogy_r1.runs.run import CoderInfo, CoderRun, Coding, Manifest
from pedagogy_r1.runs.run_writer import RunWriter
from pedagogy_r1.trace import Trace
from pedagogy_r1.unit import unitize

from ..make_runs import change_record, of_an_earlier_version

Pcode = Callable[..., Result]

CONTRACT = [
    "trace_id",
    "item",
    "domain",
    "condition",
    "model",
    "unit_id",
    "unit_index",
    "start",
    "end",
    "text",
    "tokens",
    "coder",
    "run_id",
    "rank",
    "code",
    "missing_reason",
    "evidence",
    "confidence",
    "rationale",
]
SUFFIXES = [".csv", ".xlsx", ".parquet", ".jsonl"]

TRACES = [
    Trace(
        id="-1", item="i", domain="SK", condition="cop", model="=cmd|' /C calc'!A0", correct=True,
        reasoning="=1+1\n\n-3 + 4 = 1.\n\n'@x'\n\n\u200bZero, \"quoted\" 🙂\tand a tab.\n\n'=a",
    ),
    Trace(id="t2", reasoning="Plain one.\n\nPlain two."),
]  # fmt: skip


def write_run(
    folder: Path,
    traces: list[Trace],
    code: Callable[[int], dict[str, Any] | None],
    coders: tuple[str, ...] = ("@A", "B"),
    codebook: str | Path = "schoen@1.0.0",
) -> CoderRun:
    """A run whose n-th coding is ``code(n)``; ``None`` leaves it out."""
    book = load_codebook(codebook)
    manifest = Manifest(
        run_id="r-1", fingerprint=str(folder), status="running", started=now(), coder="test", scheme="paragraph@1",
        codebook={"id": book.id, "version": book.version, "digest": book.digest}, coders=[CoderInfo(name=name, kind="machine") for name in coders],
    )  # fmt: skip
    writer = RunWriter(folder, manifest, book)
    number = 0
    for trace in traces:
        units, codings = unitize(trace, "paragraph@1"), []
        for unit in units:
            for coder in coders:
                fields = code(number)
                number += 1
                if fields is not None:
                    fields = {k: v for k, v in fields.items() if k != "evidence" or v in unit.text}
                    codings.append(
                        Coding(unit_id=unit.id, coder=coder, codebook=book.stamp, run_id="r-1", **fields)
                    )
        writer.write(trace, units, codings)
    writer.finish("complete")
    writer.close()
    return CoderRun(folder)


KINDS: list[dict[str, Any] | None] = [
    {"codes": ["TR-SP", "IA-SQ"], "evidence": "=1", "confidence": 0.25, "rationale": "-because,\nyes "},
    {"codes": None, "missing_reason": "timeout"},
    {"codes": []},
    {"codes": ["OA-ME"], "overlap": 0.5, "carried_from": "0.9.0", "stage": "learned"},
    None,
    {"codes": ["UT-NF"], "rationale": "'=x"},
]


@pytest.fixture
def run(tmp_path: Path) -> CoderRun:
    return write_run(tmp_path / "run", TRACES, lambda n: KINDS[n % len(KINDS)])


def test_columns_in_the_order_of_the_contract(run: CoderRun, tmp_path: Path) -> None:
    assert list(COLUMNS)[: len(CONTRACT)] == CONTRACT
    for suffix in SUFFIXES:
        export_runs([run.folder], tmp_path / f"out{suffix}")
    assert next(csv.reader((tmp_path / "out.csv").open())) == list(COLUMNS)
    assert list(pd.read_parquet(tmp_path / "out.parquet")) == list(COLUMNS)
    assert list(json.loads((tmp_path / "out.jsonl").read_text().splitlines()[0])) == list(COLUMNS)
    assert list(pd.read_excel(tmp_path / "out.xlsx")) == list(COLUMNS)


def test_one_row_per_unit_coder_and_code(run: CoderRun, tmp_path: Path) -> None:
    assert export_runs([run.folder], tmp_path / "out.jsonl") == sum(1 for _ in records(run))
    rows = [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()]
    first, second, missing, none, one, absent, *_ = rows
    assert [(row["coder"], row["rank"], row["code"], row["missing_reason"]) for row in (first, second, missing, none, one, absent)] == [
        ("@A", 1, "TR-SP", None), ("@A", 2, "IA-SQ", None), ("B", 1, None, "timeout"),
        ("@A", 1, None, None), ("B", 1, "OA-ME", None), ("@A", 1, None, "not coded"),
    ]  # fmt: skip
    assert (first["trace_id"], first["item"], first["correct"], first["confidence"], first["unit_index"]) == (
        "-1",
        "i",
        True,
        0.25,
        0,
    )
    assert (one["overlap"], one["carried_from"], one["stage"]) == (0.5, "0.9.0", "learned")
    units = {unit.id: unit for unit in run.units()}
    for row in rows:
        unit = units[row["unit_id"]]
        assert (row["text"], row["start"], row["end"], row["tokens"]) == (
            unit.text,
            unit.start,
            unit.end,
            unit.tokens,
        )
    assert {(row["unit_id"], row["coder"]) for row in rows} == {
        (unit, coder) for unit in units for coder in ("@A", "B")
    }


def test_no_cell_is_a_formula(run: CoderRun, tmp_path: Path) -> None:
    for suffix in (".csv", ".xlsx"):
        export_runs([run.folder], tmp_path / f"out{suffix}")
    with (tmp_path / "out.csv").open(newline="") as file:
        cells = [cell for row in csv.reader(file) for cell in row]
    assert not [cell for cell in cells if cell.startswith(("=", "+", "-", "@", "\t", "\r"))]
    assert {"'=1+1", "'-3 + 4 = 1.", "''@x'", "''=a", "'-1", "'@A"} <= set(cells)
    sheet = openpyxl.load_workbook(tmp_path / "out.xlsx").worksheets[0]
    assert "f" not in {cell.data_type for row in sheet for cell in row}
    assert "'=1+1" in {cell.value for row in sheet for cell in row}


def same(run: CoderRun) -> list[dict[str, Any]]:
    return [coding.model_dump(exclude={"run_id"}) for coding in run.codings()]


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_was_exported_imports_as_it_was(
    suffix: str, run: CoderRun, tmp_path: Path, pcode: Pcode
) -> None:
    out = tmp_path / f"out{suffix}"
    assert pcode("export", run.folder, "-o", out).exit_code == 0
    done = pcode(
        "import",
        out,
        "--traces",
        run.folder / "traces.jsonl",
        "-o",
        tmp_path / "again",
        "--codebook",
        "schoen@1.0.0",
    )
    assert done.exit_code == 0, done.stderr
    again = CoderRun(tmp_path / "again")
    assert same(again) == same(run)
    assert again.manifest.coders == run.manifest.coders, "a machine stays one"
    assert list(again.units()) == list(run.units())
    assert again.manifest.scheme == "paragraph@1"
    assert "not coded" in done.stderr


def test_units_given_by_spans_come_back_with_the_run_that_holds_them(tmp_path: Path) -> None:
    trace = Trace(id="t", reasoning="One two three.")
    (tmp_path / "t.jsonl").write_text(trace.model_dump_json(exclude_defaults=True) + "\n")
    (tmp_path / "a.csv").write_text(
        "trace_id,start,end,quote,coder,code\nt,0,3,One,A,KA-RO\nt,4,7,two,A,\nt,2,7,e two,B,none\n"
    )
    import_codings(
        [tmp_path / "a.csv"], tmp_path / "t.jsonl", tmp_path / "a", codebook="schoen@1.0.0", units="own"
    )
    export_runs([tmp_path / "a"], tmp_path / "out.csv")
    import_codings(
        [tmp_path / "out.csv"], None, tmp_path / "b", codebook="schoen@1.0.0", units=tmp_path / "a"
    )
    assert same(CoderRun(tmp_path / "b")) == same(CoderRun(tmp_path / "a"))
    with pytest.raises(PedagogyError, match="none of the 3 unit_ids"):
        import_codings([tmp_path / "out.csv"], tmp_path / "t.jsonl", tmp_path / "c", codebook="schoen@1.0.0")


def test_several_runs_in_one_table(run: CoderRun, tmp_path: Path) -> None:
    other = write_run(tmp_path / "other", TRACES, lambda n: {"codes": ["KA-RO"]}, ("C",))
    total = export_runs([run.folder, other.folder], tmp_path / "out.csv")
    assert set(pd.read_csv(tmp_path / "out.csv")["coder"]) == {"'@A", "B", "C"}
    assert total == sum(1 for r in (run, other) for _ in records(r))


def test_what_a_sheet_cannot_hold_is_an_error_that_says_where_to_go(tmp_path: Path) -> None:
    long = write_run(
        tmp_path / "long", [Trace(id="t", reasoning="a" * 40_000)], lambda n: {"codes": ["KA-RO"]}
    )
    with pytest.raises(InputError) as error:
        export_runs([long.folder], tmp_path / "out.xlsx")
    assert "text of unit u" in error.value.message
    assert "40,000 characters" in error.value.message
    assert ".parquet" in error.value.hint
    assert not (tmp_path / "out.xlsx").exists()
    assert export_runs([long.folder], tmp_path / "out.parquet") == 2


def test_control_characters_do_not_break_a_sheet(tmp_path: Path) -> None:
    run = write_run(
        tmp_path / "bell", [Trace(id="t", reasoning="a\x07b \x0bc.")], lambda n: {"codes": ["KA-RO"]}
    )
    export_runs([run.folder], tmp_path / "out.xlsx")
    assert pd.read_excel(tmp_path / "out.xlsx")["text"][0] == "a\ufffdb \ufffdc."
    import_codings(
        [tmp_path / "out.xlsx"],
        run.folder / "traces.jsonl",
        tmp_path / "again",
        codebook="schoen@1.0.0",
        kind="machine",
    )
    assert same(CoderRun(tmp_path / "again")) == same(run)


@pytest.mark.parametrize("status", ["running", "interrupted", "stopped"])
def test_a_run_that_is_not_complete_is_a_prefix_and_says_so(
    status: str, tmp_path: Path, pcode: Pcode
) -> None:
    run = write_run(tmp_path / "run", TRACES, lambda n: KINDS[n % len(KINDS)])
    whole = list(records(run))
    first = [row for row in whole if row["trace_id"] == "-1"]
    change_record(run.folder / "run.json", status=status, stopped_why="why", bytes={}, sha256={})
    if status == "running":  # killed: what lies behind the checkpoint is there in part, the last line torn
        units = [unit for unit in run.units() if unit.trace_id == "-1"]
        made = {(row["unit_id"], row["coder"]) for row in first if row["missing_reason"] != "not coded"}
        counts = {
            "traces": 1,
            "units": len(units),
            "tokens": 0,
            "coded": len(made) - 1,
            "missing: timeout": 1,
        }
        line = json.dumps({"done": 1, "bytes": {}, "counts": counts})
        (run.folder / "checkpoint.jsonl").write_text(line + "\n" + line[:9])
        path = run.folder / "codings.jsonl"
        lines = path.read_text().splitlines(keepends=True)
        path.write_text("".join(lines[: len(made)]) + lines[len(made)][:9])
    expected, traces = (first, 1) if status == "running" else (whole, 2)
    refused = pcode("export", run.folder, "-o", tmp_path / "out.jsonl")
    assert (refused.exit_code, "a biased sample" in refused.stderr) == (2, True)
    assert not (tmp_path / "out.jsonl").exists()
    done = pcode("export", run.folder, "-o", tmp_path / "out.jsonl", "--partial")
    assert done.exit_code == 1, done.stderr
    assert (
        f"{run.folder} is {status} (why): only a prefix of its traces is here, the first {traces}"
        in done.stderr
    )
    expected = [row | {"run_status": status} for row in expected]
    assert [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()] == expected


@pytest.mark.parametrize("name", ["codings.jsonl", "new.csv", "../run/traces.jsonl"])
def test_nothing_is_written_into_a_run(name: str, run: CoderRun, tmp_path: Path, pcode: Pcode) -> None:
    before = {path.name: path.read_bytes() for path in run.folder.iterdir()}
    done = pcode("export", run.folder, "-o", run.folder / name)
    said = "lies in a run directory" if name == "new.csv" else "would be replaced"
    assert (done.exit_code, said in done.stderr) == (2, True)
    assert {path.name: path.read_bytes() for path in run.folder.iterdir()} == before
    other = write_run(tmp_path / "x.csv", TRACES, lambda n: None)
    done = pcode("export", other.folder, "-o", other.folder)
    assert (done.exit_code, "is a directory" in done.stderr) == (2, True)


@pytest.mark.parametrize(
    ("out", "words"), [("out.txt", "cannot tell the format"), ("out", "cannot tell the format")]
)
def test_unknown_suffixes(out: str, words: str, run: CoderRun, tmp_path: Path, pcode: Pcode) -> None:
    done = pcode("export", run.folder, "-o", tmp_path / out)
    assert (done.exit_code, words in done.stderr) == (2, True)


def test_a_run_whose_files_do_not_belong_together(run: CoderRun, tmp_path: Path) -> None:
    of_an_earlier_version(run.folder)  # which recorded no digests
    lines = (run.folder / "traces.jsonl").read_text().splitlines(keepends=True)
    (run.folder / "traces.jsonl").write_text("".join(reversed(lines)))
    with pytest.raises(PedagogyError, match="out of order"):
        export_runs([run.folder], tmp_path / "out.csv")
    assert not (tmp_path / "out.csv").exists()


SMALL = """
id: small
version: 1.0.0
title: Small
families: [{id: f, name: f}]
codes:
- {id: KA-RO, name: does, family: f, short: s, definition: d}
- {id: OA-ME, name: judges, family: f, short: s, definition: d}
"""
paragraphs = st.lists(
    st.text(st.characters(codec="utf-8") | st.sampled_from("=+-@'\t\r\n,;\""), min_size=1, max_size=12),
    min_size=1,
    max_size=4,
)
kinds = st.lists(
    st.sampled_from(KINDS[1:5]) | st.fixed_dictionaries({"codes": st.sampled_from([["KA-RO"], []]), "rationale": st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), min_size=1)}),
    min_size=1,
    max_size=6,
)  # fmt: skip


@settings(
    max_examples=100,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(texts=paragraphs, codes=kinds, suffix=st.sampled_from(SUFFIXES))
def test_any_text_survives_the_round_trip(
    texts: list[str],
    codes: list[dict[str, Any] | None],
    suffix: str,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    folder = tmp_path_factory.mktemp("trip")
    book = folder / "small.yaml"
    book.write_text(SMALL)
    run = write_run(
        folder / "run",
        [Trace(id="t", reasoning="\n\n".join(texts))],
        lambda n: codes[n % len(codes)],
        codebook=book,
    )
    before = same(run)
    export_runs([run.folder], folder / f"out{suffix}")
    if not before:
        return
    import_codings(
        [folder / f"out{suffix}"],
        run.folder / "traces.jsonl",
        folder / "again",
        codebook=book,
        scheme="paragraph@1",
    )
    assert same(CoderRun(folder / "again")) == before


def test_the_codebook_of_a_run_parses(run: CoderRun) -> None:
    assert (
        parse_codebook((run.folder / "codebook.yaml").read_bytes()).digest == run.manifest.codebook["digest"]
    )
