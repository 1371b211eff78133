"""Human codings in: both layouts, every format, every complaint at once, and no row lost."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pyarrow
import pyarrow.parquet
import pytest
from click.testing import Result
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pedagogy_r1.codebook import parse_codebook
from pedagogy_r1.errors import InputError, PedagogyError
from pedagogy_r1.human.import_codings import import_codings
from pedagogy_r1.human.read_codings import CodingsReport
from pedagogy_r1.runs.run import CoderRun
from pedagogy_r1.trace import Trace
from pedagogy_r1.unit import unitize

Pcode = Callable[..., Result]
Row = dict[str, Any]

TRACES = [
    Trace(id="t1", reasoning="Okay 🙂. What is asked? I compute 2+2.\nWait, is it 5? No, 4."),
    Trace(id="t2", reasoning="=2+2 is 4. So 4.", answer="The answer is clearly 4."),
    Trace(id="t3", reasoning="Nobody coded this."),
]
UNITS = {trace.id: unitize(trace) for trace in TRACES}
T1 = UNITS["t1"]
BOOK = """
id: tiny
version: 1.0.0
title: Tiny
exhaustive: false
families: [{id: f, name: f}]
codes:
- {id: IA-SQ, name: asks, family: f, short: s, definition: d}
- {id: KA-RO, name: does, family: f, short: s, definition: d}
- {id: OA-ME, name: judges, family: f, short: s, definition: d}
"""


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "tiny.yaml").write_text(BOOK)
    (tmp_path / "traces.jsonl").write_text(
        "".join(trace.model_dump_json(exclude_defaults=True) + "\n" for trace in TRACES)
    )
    return tmp_path


def by_unit(index: int, coder: str, code: object, **more: object) -> Row:
    return {"unit_id": T1[index].id, "coder": coder, "code": code, **more}


def by_span(start: int, end: int, coder: str, code: object, trace: Trace = TRACES[0], **more: object) -> Row:
    return {
        "trace_id": trace.id,
        "start": start,
        "end": end,
        "quote": trace.reasoning[start:end],
        "coder": coder,
        "code": code,
        **more,
    }


def write(path: Path, rows: list[Row]) -> Path:
    columns = list(dict.fromkeys(name for row in rows for name in row))
    cells = [columns, *([row.get(name) for name in columns] for row in rows)]
    if path.suffix == ".xlsx":
        book = openpyxl.Workbook()
        for line in cells:
            book.active.append(line)
        book.save(path)
    elif path.suffix == ".parquet":
        pyarrow.parquet.write_table(
            pyarrow.Table.from_pylist([{n: row.get(n) for n in columns} for row in rows]), path
        )
    elif path.suffix == ".jsonl":
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    else:
        with path.open("w", newline="") as file:
            csv.writer(file, delimiter="\t" if path.suffix == ".tsv" else ",").writerows(cells)
    return path


def take(place: Path, *files: Path, **how: Any) -> CodingsReport:
    return import_codings(files, place / "traces.jsonl", place / "run", codebook=place / "tiny.yaml", **how)


def coded(place: Path) -> dict[tuple[str, str], tuple[str, ...] | None]:
    """(text of the unit, coder) → codes."""
    run = CoderRun(place / "run")
    text = {unit.id: unit.text for unit in run.units()}
    return {(text[coding.unit_id], coding.coder): coding.codes for coding in run.codings()}


@pytest.mark.parametrize("suffix", [".csv", ".tsv", ".xlsx", ".jsonl", ".parquet"])
@pytest.mark.parametrize("layout", ["by unit", "by span", "wide"])
def test_every_layout_in_every_format(layout: str, suffix: str, place: Path) -> None:
    if layout == "wide":
        rows: list[Row] = [
            {"unit_id": T1[0].id, "text": T1[0].text, "A": "KA-RO", "B": None, "A memo": "sure"},
            {"unit_id": T1[1].id, "text": T1[1].text, "A": "ia-sq; OA-ME", "B": "none", "A memo": None},
        ]
    else:
        maker = (
            by_unit if layout == "by unit" else lambda n, *a, **k: by_span(T1[n].start, T1[n].end, *a, **k)
        )
        rows = [
            maker(0, "A", "KA-RO", memo="sure"),
            maker(1, "A", "ia-sq", memo=None),
            maker(1, "A", "OA-ME", memo=None),
            maker(0, "B", None, memo=None),
            maker(1, "B", "none", memo=None),
        ]
    report = take(
        place, write(place / f"in{suffix}", rows), **({"units": "own"} if layout == "by span" else {})
    )
    assert coded(place) == {
        (T1[0].text, "A"): ("KA-RO",), (T1[0].text, "B"): None, (T1[1].text, "A"): ("IA-SQ", "OA-ME"), (T1[1].text, "B"): (),
    }  # fmt: skip
    run = CoderRun(place / "run")
    first, missing, *_ = run.codings()
    assert (first.rationale, first.evidence, missing.missing_reason) == ("sure", None, "empty cell")
    assert [(coder.name, coder.kind) for coder in run.manifest.coders] == [("A", "human"), ("B", "human")]
    assert run.manifest.coder == ("import:wide" if layout == "wide" else "import:long")
    assert len(list(run.units())) == (2 if layout == "by span" else len(T1))
    assert (report.traces, report.traces_left_out, report.rows, report.kept) == (
        1,
        2,
        len(rows) if layout != "wide" else 4,
        report.rows,
    )


def test_spans_of_two_files_become_the_units(place: Path) -> None:
    a = write(place / "a.csv", [by_span(0, 7, "A", "KA-RO"), by_span(8, 22, "A", "IA-SQ")])
    b = write(place / "b.csv", [by_span(8, 22, "B", "IA-SQ"), by_span(0, 22, "B", "KA-RO")])
    report = take(place, a, b, units="own")
    assert (report.shared, report.alone) == (1, {"A": 1, "B": 1})
    assert [(unit.start, unit.end, unit.index) for unit in CoderRun(place / "run").units()] == [
        (0, 7, 0),
        (0, 22, 1),
        (8, 22, 2),
    ]


def test_projection_takes_the_largest_overlap_and_keeps_it(place: Path) -> None:
    whole = T1[1].end  # covers the first two sentences; the third is cut in two
    third = T1[2]
    rows = [
        by_span(0, whole, "A", "KA-RO"),
        by_span(third.start, third.start + 2, "A", "OA-ME"),
        by_span(third.start + 2, third.end, "A", "IA-SQ"),
    ]
    report = take(place, write(place / "a.csv", rows), project="sentence@1")
    run = CoderRun(place / "run")
    codings = list(run.codings())
    assert [coding.primary for coding in codings] == ["KA-RO", "KA-RO", "IA-SQ", None, None]
    assert [coding.overlap for coding in codings] == [
        1,
        1,
        pytest.approx(1 - 2 / len(third.text), abs=1e-6),
        None,
        None,
    ]
    assert {coding.missing_reason for coding in codings[3:]} == {"no span overlaps"}
    assert report.landless == {"A": 1}


@pytest.mark.parametrize("least", [0.0, 0.5, 0.51, 1.0])
def test_a_span_must_cover_the_share_that_overlap_asks_for(least: float, place: Path) -> None:
    """The first unit is covered whole, half of the second (by its longest span), and two characters of the third."""
    second, third = T1[1], T1[2]
    assert len(second.text) % 2 == 0
    middle = second.start + len(second.text) // 2
    rows = [
        by_span(T1[0].start, middle, "A", "KA-RO", memo="why"),
        by_span(middle + 1, middle + 3, "A", "IA-SQ"),
        by_span(third.start, third.start + 2, "A", "OA-ME"),
    ]
    report = take(place, write(place / "a.csv", rows), project="sentence@1", overlap=least)
    run = CoderRun(place / "run")
    shares = [1, 0.5, 2 / len(third.text)]
    codings = list(run.codings())
    kept = [share >= least for share in shares]
    expected = [code if own else None for code, own in zip(("KA-RO", "KA-RO", "OA-ME"), kept, strict=True)]
    assert [coding.primary for coding in codings[:3]] == expected
    assert [coding.overlap for coding in codings[:3]] == [pytest.approx(share, abs=1e-6) for share in shares]
    why = f"a span covers less than {least:g} of the unit"
    lost = [coding for coding in codings[:3] if coding.codes is None]
    assert [coding.missing_reason for coding in lost] == [why] * kept.count(False)
    assert [coding.rationale for coding in lost] == [None] * kept.count(False)
    assert report.counts.get(f"{why}, which is missing", 0) == kept.count(False)
    assert report.landless == {"A": 1 + (not kept[2])}
    assert run.manifest.parameters["overlap"] == least


def test_overlap_is_of_projection_alone(place: Path, pcode: Pcode) -> None:
    file = write(place / "a.csv", [by_span(0, 7, "A", "KA-RO")])
    words = ("import", file, "--traces", place / "traces.jsonl", "--codebook", place / "tiny.yaml")
    result = pcode(*words, "-o", place / "run", "--units", "own", "--overlap", 0.5)
    assert result.exit_code == 2
    assert "--overlap is of spans that are laid on units" in result.stderr
    result = pcode(*words, "-o", place / "run", "--project", "sentence@1", "--overlap", 0.5)
    assert result.exit_code == 0, result.output
    assert pcode(*words, "-o", place / "b", "--project", "sentence@1", "--overlap", 50).exit_code == 2


def test_on_a_tie_the_earlier_span_wins(place: Path) -> None:
    unit = T1[0]
    middle = unit.start + len(unit.text) // 2
    assert len(unit.text) % 2 == 1
    rows = [by_span(middle, unit.end - 1, "A", "IA-SQ"), by_span(unit.start, middle, "A", "KA-RO")]
    take(place, write(place / "a.csv", rows), project="sentence@1")
    assert coded(place)[(unit.text, "A")] == ("KA-RO",)


def test_units_of_an_existing_run(place: Path) -> None:
    take(
        place,
        write(place / "a.csv", [by_span(0, 7, "A", "KA-RO"), by_span(3, 22, "A", "IA-SQ")]),
        units="own",
    )
    first = CoderRun(place / "run")
    ids = [unit.id for unit in first.units()]
    b = write(place / "b.csv", [{"unit_id": ids[1], "coder": "B", "code": "IA-SQ"}])
    c = write(place / "c.csv", [by_span(3, 22, "B", "IA-SQ")])
    for name, file in (("run-b", b), ("run-c", c)):
        import_codings([file], None, place / name, codebook=place / "tiny.yaml", units=place / "run")
        run = CoderRun(place / name)
        assert [unit.id for unit in run.units()] == ids
        assert [(coding.unit_id, coding.codes) for coding in run.codings()] == [(ids[1], ("IA-SQ",))]
        assert run.manifest.scheme == first.manifest.scheme
    with pytest.raises(InputError, match="no unit of given@"):
        import_codings(
            [write(place / "d.csv", [by_span(2, 22, "B", "IA-SQ")])],
            None,
            place / "d",
            codebook=place / "tiny.yaml",
            units=place / "run",
        )


@pytest.mark.parametrize("scheme", ["sentence@1", "paragraph@1"])
def test_the_scheme_of_unit_ids_is_found(scheme: str, place: Path) -> None:
    rows = [{"unit_id": unit.id, "coder": "A", "code": "KA-RO"} for unit in unitize(TRACES[0], scheme)]
    assert take(place, write(place / "a.csv", rows)).scheme == scheme


def test_offsets_that_moved_are_said_with_the_cause(place: Path, pcode: Pcode) -> None:
    row = by_span(T1[1].start, T1[1].end, "A", "IA-SQ")
    row |= {"start": row["start"] + 1, "end": row["end"] + 1}
    path = write(place / "a.csv", [row])
    done = pcode(
        "import",
        path,
        "--traces",
        place / "traces.jsonl",
        "-o",
        place / "run",
        "--codebook",
        place / "tiny.yaml",
        "--units",
        "own",
    )
    assert done.exit_code == 0, done.stderr
    assert f"1 spans moved (UTF-16 code units): {path}:2\n" in done.stderr
    assert "2 traces that nobody coded are left out" in done.stderr
    assert next(CoderRun(place / "run").units()).text == T1[1].text


def test_two_spans_that_fall_together_are_not_two_codes_of_one(place: Path) -> None:
    row = by_span(T1[1].start, T1[1].end, "A", "IA-SQ")
    moved = row | {"start": row["start"] + 3, "end": row["end"] + 3, "code": "KA-RO"}
    with pytest.raises(InputError, match=r"a\.csv:3 \(A\): lies where row 2 lies"):
        take(place, write(place / "a.csv", [row, moved]), units="own")


def test_spans_in_the_answer_are_counted_and_left_out(place: Path) -> None:
    trace = TRACES[1]
    behind = len(trace.reasoning) + len("</think>")
    rows = [
        by_span(0, 5, "A", "KA-RO", trace),
        by_span(0, 5, "A", "KA-RO", trace)
        | {"start": behind, "end": behind + 24, "quote": "The answer is clearly 4."},
    ]
    report = take(place, write(place / "a.csv", rows), units="own")
    assert (report.kept, report.outside, report.rows) == (1, 1, 2)
    assert report.places == {"outside": [f"{place / 'a.csv'}:3"]}


def test_a_neutralised_quote_is_recognised(place: Path) -> None:
    row = by_span(0, 10, "A", "KA-RO", TRACES[1])
    report = take(place, write(place / "a.csv", [row | {"quote": "'" + row["quote"]}]), units="own")
    assert (report.kept, report.moved.total()) == (1, 0)


WRONG: list[tuple[list[Row], str]] = [
    ([by_unit(0, "A", "IA-SO")], "unknown code 'IA-SO'; did you mean IA-SQ?"),
    ([by_unit(0, "A", "KA-RO") | {"unit_id": "u404"}], "'u404' is no unit"),
    ([by_unit(0, "A", "KA-RO") | {"unit_id": None}], "no unit_id"),
    ([by_unit(0, None, "KA-RO")], "no coder"),
    ([by_unit(1, "A", "KA-RO"), by_unit(1, "A", "ka-ro")], "KA-RO is given twice"),
    (
        [by_unit(2, "A", "KA-RO"), by_unit(2, "A", "IA-SQ"), by_unit(2, "A", "OA-ME")],
        "3 codes (KA-RO, IA-SQ, OA-ME) for one unit; tiny@1.0.0 allows 2",
    ),
    ([by_unit(3, "A", "KA-RO"), by_unit(3, "A", None)], "a code and an empty cell"),
    ([by_unit(3, "B", "none"), by_unit(3, "B", "IA-SQ")], 'a code and "none"'),
    ([by_unit(4, "B", None), by_unit(4, "B", None)], "an empty cell twice"),
    ([by_unit(4, "A", "KA-RO", text="Quite another text.")], "the text was changed"),
]


def test_all_problems_are_named_at_once_and_no_run_is_written(place: Path, pcode: Pcode) -> None:
    rows = [by_unit(0, "C", "KA-RO"), *(row for wrong, _ in WRONG for row in wrong)]
    path = write(place / "in.csv", rows)
    words = [
        "import",
        path,
        "--traces",
        place / "traces.jsonl",
        "-o",
        place / "run",
        "--codebook",
        place / "tiny.yaml",
    ]
    done = pcode(*words)
    assert done.exit_code == 2
    assert f"{len(rows) - 1} of {len(rows)} codings cannot be imported" in done.stderr
    line = 3
    for wrong, why in WRONG:
        mine = [
            text
            for text in done.stderr.splitlines()
            for n in range(line, line + len(wrong))
            if f"{path}:{n}" in text
        ]
        assert len(mine) == len(wrong), "each row is named, those too that are left out with another"
        assert any(why in text for text in mine), (why, mine)
        line += len(wrong)
    assert not (place / "run").exists()
    assert len((place / "run.problems.jsonl").read_text().splitlines()) == len(rows) - 1
    done = pcode(*words, "--on-error", "skip", "--json")
    assert done.exit_code == 1
    report = json.loads(done.stdout)
    assert (report["rows"], report["kept"], len(report["problems"])) == (len(rows), 1, len(rows) - 1)
    assert coded(place) == {(T1[0].text, "C"): ("KA-RO",)}


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"trace_id": "t9"}, "has no trace 't9'; did you mean"),
        ({"trace_id": None}, "no trace_id"),
        ({"quote": "She never said that."}, "the quote is not in the trace: 'She never said that.'"),
        ({"quote": None}, "the quote is empty"),
        ({"start": "x"}, "start 'x' is no offset"),
        ({"end": "-1"}, "end '-1' is no offset"),
        ({"end": "1.5"}, "end '1.5' is no offset"),
        ({"code": "IA SQ"}, "did you mean IA-SQ?"),
        ({"coder": " "}, "no coder"),
    ],
)
def test_wrong_spans(change: Row, why: str, place: Path) -> None:
    path = write(place / "in.csv", [by_span(0, 7, "A", "KA-RO"), by_span(8, 22, "A", "KA-RO") | change])
    with pytest.raises(InputError) as error:
        take(place, path, units="own")
    assert f"{path}:3" in error.value.message
    assert why in error.value.message


def test_a_long_list_of_problems_is_cut_and_complete_in_the_file_aside(place: Path) -> None:
    with pytest.raises(InputError) as error:
        take(
            place, write(place / "in.csv", [by_unit(0, "A", f"X{n}") | {"coder": f"c{n}"} for n in range(80)])
        )
    assert "… and 30 more" in error.value.message
    assert len((place / "run.problems.jsonl").read_text().splitlines()) == 80


def test_one_coder_in_two_files_is_a_second_coding(place: Path) -> None:
    a, b = (
        write(place / "a.csv", [by_unit(0, "A", "KA-RO")]),
        write(place / "b.csv", [by_unit(0, "A", "IA-SQ")]),
    )
    with pytest.raises(InputError, match=r"b\.csv:2 \(A\): A coded this unit in .*a\.csv:2 already"):
        take(place, a, b)


def test_a_unit_twice_in_a_wide_table(place: Path) -> None:
    rows = [{"unit_id": T1[0].id, "A": "KA-RO"}, {"unit_id": T1[0].id, "A": "IA-SQ"}]
    with pytest.raises(InputError, match="the unit was in row 2 already"):
        take(place, write(place / "a.csv", rows))


def test_none_in_an_exhaustive_codebook_is_taken_and_said(place: Path) -> None:
    (place / "tiny.yaml").write_text(BOOK.replace("exhaustive: false\n", ""))
    report = take(place, write(place / "a.csv", [by_unit(0, "A", "None")]))
    assert report.counts["none in an exhaustive codebook"] == 1
    assert coded(place) == {(T1[0].text, "A"): ()}


def test_remarks_name_their_rows(place: Path, pcode: Pcode) -> None:
    (place / "tiny.yaml").write_text(BOOK.replace("exhaustive: false\n", ""))
    units = [by_unit(at, f"c{n}", None if n else "none") for at in (0, 1) for n in range(8)]
    path = write(place / "a.csv", units)
    words = [
        "import",
        path,
        "--traces",
        place / "traces.jsonl",
        "-o",
        place / "run",
        "--codebook",
        place / "tiny.yaml",
    ]
    done = pcode(*words, "--json")
    assert done.exit_code == 0, done.stderr
    empty = [f"{path}:{row}" for row in range(2, 18) if row not in (2, 10)]
    assert f"14 × empty cells: {', '.join(empty[:10])} and 4 more\n" in done.stderr
    assert f"2 × none in an exhaustive codebook: {path}:2, {path}:10\n" in done.stderr
    assert json.loads(done.stdout)["places"] == {
        "empty cells": empty,
        "none in an exhaustive codebook": [f"{path}:2", f"{path}:10"],
    }


def test_a_table_with_semicolons(place: Path) -> None:
    path = place / "a.csv"
    path.write_text(f'unit_id;coder;code\n{T1[0].id};A;KA-RO\n{T1[1].id};A;"IA-SQ; OA-ME"\n')
    take(place, path)
    assert coded(place) == {(T1[0].text, "A"): ("KA-RO",), (T1[1].text, "A"): ("IA-SQ", "OA-ME")}


def test_a_table_without_rows(place: Path) -> None:
    (place / "a.csv").write_text("unit_id,coder,code\n")
    with pytest.raises(InputError, match=r"a\.csv: no rows"):
        take(place, place / "a.csv")


STAMP = parse_codebook(BOOK.encode()).stamp


@pytest.mark.parametrize(
    ("said", "hint"),
    [
        ("tiny@0.9.0", "pcode codebook migrate RUN --to tiny@1.0.0"),
        ("other@1.0.0#abc", "--codebook other@1.0.0"),
        (STAMP[:-1] + "g", "has changed since"),
        (None, ""),
        ("tiny", ""),
        ("tiny@1.0.0", ""),
        (STAMP, ""),
    ],
)
def test_the_codebook_of_a_row_is_that_of_the_command(said: str | None, hint: str, place: Path) -> None:
    path = write(place / "a.csv", [by_unit(0, "A", "KA-RO"), by_unit(1, "A", "KA-RO", codebook=said)])
    if not hint:
        assert take(place, path).codings == 2
        return
    with pytest.raises(InputError) as error:
        take(place, path)
    assert f"{path}:3: coded with {said}, and --codebook is tiny@1.0.0" in error.value.message
    assert hint in error.value.hint
    assert not (place / "run").exists()


def exported(index: int, coder: str, kind: str | None) -> Row:
    return by_unit(index, coder, "KA-RO", run_id="r", rank=1, missing_reason=None, kind=kind)


def test_the_kinds_of_coders_come_from_an_export(place: Path) -> None:
    path = write(
        place / "a.csv",
        [exported(0, "cues", "machine"), exported(1, "cues", None), exported(0, "A", "human")],
    )
    other = write(place / "b.csv", [by_unit(0, "B", "KA-RO")])
    take(place, path, other)
    manifest = CoderRun(place / "run").manifest
    assert {coder.name: coder.kind for coder in manifest.coders} == {
        "cues": "machine",
        "A": "human",
        "B": "human",
    }


@pytest.mark.parametrize(
    ("rows", "how", "why"),
    [
        (
            [exported(0, "A", "human"), exported(1, "A", "machine")],
            {},
            r"a\.csv:3: coder A is machine, and human in .*a\.csv:2",
        ),
        ([exported(0, "A", "robot")], {}, r"a\.csv:2: kind 'robot' is neither"),
        (
            [exported(0, "A", "machine")],
            {"kind": "human"},
            r"a\.csv:2: coder A is machine, and --kind says human",
        ),
    ],
)
def test_kinds_that_contradict_each_other(rows: list[Row], how: Row, why: str, place: Path) -> None:
    with pytest.raises(InputError, match=why):
        take(place, write(place / "a.csv", rows), **how)
    assert not (place / "run").exists()


@pytest.mark.parametrize(
    ("rows", "how", "message"),
    [
        ([by_span(0, 7, "A", "KA-RO")], {}, "what shall be the units"),
        ([by_unit(0, "A", "KA-RO")], {"units": "own"}, "--units own needs spans"),
        ([by_unit(0, "A", "KA-RO")], {"project": "sentence@1"}, "--project needs spans"),
        ([by_unit(0, "A", "KA-RO") | {"unit_id": "u0"}], {}, "none of the 1 unit_ids"),
        ([{"unit": "u0", "koder": "A", "code": "KA-RO"}], {}, "no layout of codings"),
        ([by_unit(0, "A", "KA-RO")], {"format": "lang"}, "did you mean long"),
        ([by_unit(0, "A", "KA-RO") | {"Coder": "A"}], {}, "differ only in case"),
        ([by_span(0, 7, "A", "KA-RO")], {"scheme": "sentenc@1"}, "did you mean sentence@1"),
    ],
)
def test_wrong_uses(rows: list[Row], how: Row, message: str, place: Path) -> None:
    with pytest.raises(PedagogyError) as error:
        take(place, write(place / "in.csv", rows), **how)
    assert message in str(error.value)
    assert not (place / "run").exists()


def test_two_kinds_of_units_at_once(place: Path) -> None:
    with pytest.raises(ValueError, match="exclude each other"):
        take(
            place,
            write(place / "in.csv", [by_unit(0, "A", "KA-RO")]),
            units="own",
            project="sentence@1",
        )
    assert not (place / "run").exists()


def test_columns_that_are_not_read_are_named(place: Path, pcode: Pcode) -> None:
    a = write(place / "a.csv", [by_unit(0, "A", "KA-RO", mood="fine")])
    b = write(place / "b.csv", [{"unit_id": T1[0].id, "B": "KA-RO", "notes": "x"}])
    done = pcode(
        "import",
        a,
        b,
        "--traces",
        place / "traces.jsonl",
        "-o",
        place / "run",
        "--codebook",
        place / "tiny.yaml",
    )
    assert done.exit_code == 0, done.stderr
    assert f"{a}: long; not read: mood" in done.stderr
    assert f"{b}: wide (coders: B); not read: notes" in done.stderr


def test_the_same_import_again_changes_nothing_and_another_is_refused(place: Path) -> None:
    path = write(place / "a.csv", [by_unit(0, "A", "KA-RO")])
    take(place, path)
    before = (place / "run" / "codings.jsonl").read_bytes(), (place / "run" / "run.json").read_bytes()
    take(place, path)
    assert before == (
        (place / "run" / "codings.jsonl").read_bytes(),
        (place / "run" / "run.json").read_bytes(),
    )
    with pytest.raises(PedagogyError, match="holds another run") as error:
        take(place, write(place / "a.csv", [by_unit(0, "A", "IA-SQ")]))
    assert f"{path} has changed since" in error.value.message
    with pytest.raises(PedagogyError, match=r"files: .*a\.csv there, .*b\.csv now") as error:
        take(place, write(place / "b.csv", [by_unit(0, "A", "IA-SQ")]))
    assert "sha256" not in str(error.value)


# ── fuzz ──────────────────────────────────────────────────────────────────────────────────────────────

FUZZ = settings(
    max_examples=120,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
LONG = ["unit_id", "coder", "code", "memo"]
SPAN = ["trace_id", "start", "end", "quote", "coder", "code"]
WIDE = ["unit_id", "A", "B", "text"]
cell = st.sampled_from(
    ["", "A", "B", "KA-RO", "ia-sq", "IA-SQ; OA-ME", "none", "t1", "t2", "0", "7", "22", "-1", "1e3", "Okay 🙂.", *(unit.id for unit in T1), *(unit.text for unit in T1)]
)  # fmt: skip
cell |= st.text(st.characters(codec="utf-8"), max_size=6)


def _survive(place: Path, path: Path, **how: Any) -> None:
    """No error but ours; and what is neither kept nor explained would be lost."""
    out = place / "fuzzed"
    if out.exists():
        for file in out.iterdir():
            file.unlink()
    try:
        report = import_codings(
            [path], place / "traces.jsonl", out, codebook=place / "tiny.yaml", on_error="skip", **how
        )
    except PedagogyError:
        return
    assert report.rows == report.kept + report.not_coded + report.outside + len(report.problems)
    codings = list(CoderRun(out).codings())
    assert report.codings == len(codings)
    keys = [(coding.unit_id, coding.coder) for coding in codings]
    assert len(keys) == len(set(keys))


@FUZZ
@given(
    table=st.lists(st.lists(cell, min_size=4, max_size=6), max_size=8),
    columns=st.sampled_from([LONG, SPAN, WIDE]),
    suffix=st.sampled_from([".csv", ".tsv"]),
    how=st.sampled_from([{}, {"units": "own"}, {"project": "sentence@1"}, {"scheme": "sentence@1"}]),
)
def test_random_tables(
    table: list[list[str]], columns: list[str], suffix: str, how: Row, place: Path
) -> None:
    buffer = io.StringIO(newline="")
    csv.writer(buffer, delimiter="\t" if suffix == ".tsv" else ",").writerows(
        [columns, *(row[: len(columns)] for row in table)]
    )
    path = place / f"in{suffix}"
    path.write_text(buffer.getvalue(), newline="")
    _survive(place, path, **how)


leaf = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(st.characters(codec=None), max_size=5)
    | cell
)


@FUZZ
@given(
    rows=st.lists(st.dictionaries(st.sampled_from([*LONG, *SPAN, *WIDE, "rank", "run_id", "missing_reason", "confidence", "evidence"]),
                                  leaf | st.lists(leaf, max_size=2) | st.dictionaries(cell, leaf, max_size=1)), max_size=6),
    how=st.sampled_from([{}, {"units": "own"}, {"project": "sentence@1"}, {"format": "long"}, {"format": "wide"}]),
)  # fmt: skip
def test_random_objects(rows: list[Row], how: Row, place: Path) -> None:
    path = place / "in.jsonl"
    path.write_text("".join(json.dumps(row) + "\n" for row in rows))
    _survive(place, path, **how)


@FUZZ
@given(
    data=st.binary(max_size=300),
    suffix=st.sampled_from([".csv", ".tsv", ".xlsx", ".jsonl", ".json", ".parquet", ""]),
)
def test_random_bytes(data: bytes, suffix: str, place: Path) -> None:
    path = place / f"in{suffix}"
    path.write_bytes(data)
    _survive(place, path, units="own")


@FUZZ
@given(
    suffix=st.sampled_from([".csv", ".xlsx", ".parquet", ".jsonl"]),
    at=st.floats(0, 1),
    junk=st.binary(min_size=1, max_size=6),
    cut=st.integers(0, 30),
)
def test_good_files_damaged(suffix: str, at: float, junk: bytes, cut: int, place: Path) -> None:
    path = write(
        place / f"in{suffix}",
        [
            by_unit(0, "A", "KA-RO", memo="m"),
            by_unit(1, "A", "IA-SQ", memo=None),
            by_unit(1, "B", None, memo=None),
        ],
    )
    data = path.read_bytes()
    here = int(at * len(data))
    path.write_bytes(data[:here] + junk + data[here + cut :])
    _survive(place, path)
