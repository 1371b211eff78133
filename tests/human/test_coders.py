"""Whose codings an import makes them: two people are never one coder, one person is never two, and a machine stays a machine."""

from __future__ import annotations

import csv
import json
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from click.testing import Result
from hypothesis import given
from hypothesis import strategies as st

from pedagogy_r1.agreement import agree
from pedagogy_r1.errors import InputError
from pedagogy_r1.formatting import plain_coder
from pedagogy_r1.human.import_codings import import_codings
from pedagogy_r1.human.raw_coding import account
from pedagogy_r1.runs.migrate import migrate_run
from pedagogy_r1.runs.run import CoderRun
from pedagogy_r1.runs.run_columns import read_columns

from .test_import import BOOK, T1, by_span, by_unit, coded, place, take, write

__all__ = ["place"]
Pcode = Callable[..., Result]


def label_studio(unit: Any, code: str, by: object, coder: str | None = "A") -> dict[str, Any]:
    result = {"from_name": "primary_code", "type": "choices", "value": {"choices": [code]}}
    data = {"unit_id": unit.id, "unit": unit.text, **({"coder": coder} if coder else {})}
    return {"id": unit.index, "data": data, "annotations": [{"completed_by": by, "result": [result]}]}


def json_min(unit: Any, code: str, by: object, coder: str | None = "A") -> dict[str, Any]:
    return {"unit_id": unit.id, "unit": unit.text, "coder": coder, "primary_code": code, "annotator": by}


def prodigy(unit: Any, code: str, by: object, coder: str | None = "A") -> dict[str, Any]:
    own = {"text": unit.text, "unit": unit.text, "unit_id": unit.id, "accept": [code], "answer": "accept"}
    return {**own, "coder": coder or "", "_annotator_id": by, "_input_hash": 1, "_task_hash": 1}


def doccano(unit: Any, code: str, by: object, coder: str | None = "A") -> dict[str, Any]:
    own = {"id": unit.index, "text": unit.text, "unit": unit.text, "unit_id": unit.id, "label": [code]}
    return {**own, "coder": coder or "", "username": by}


def export(path: Path, make: Callable[..., dict[str, Any]], *by: object, coder: str | None = "A") -> Path:
    records = [make(unit, "KA-RO", who, coder) for unit, who in zip(T1, by, strict=False)]
    if path.suffix == ".csv":
        return write(path, records)
    path.write_text(json.dumps(records))
    return path


EXPORTS = [
    ("ls.json", label_studio, 1, 2),
    ("ls2.json", label_studio, {"id": 1, "email": "anna@x"}, {"id": 2, "email": "bert@x"}),
    ("min.json", json_min, 1, 2),
    ("min2.json", json_min, "anna@x", "bert@x"),
    ("min.csv", json_min, "anna@x", "bert@x"),
    ("p.json", prodigy, "set-anna", "set-bert"),
    ("d.json", doccano, "anna", "bert"),
]


@pytest.mark.parametrize(("name", "make", "one", "other"), EXPORTS, ids=[each[0] for each in EXPORTS])
def test_two_people_in_one_export_are_not_one_coder(
    name: str, make: Any, one: object, other: object, place: Path
) -> None:
    file = export(place / name, make, one, other)
    with pytest.raises(InputError) as refused:
        take(place, file)
    for who in (one, other):
        assert repr(account(who)) in refused.value.message
    assert "--split-by-annotator" in (refused.value.hint or "")
    assert not (place / "run").exists()
    with pytest.raises(InputError, match="2 annotators under one coder"):
        take(place, export(place / name, make, one, other, coder=None), coder="A")
    report = take(place, file, split_by_annotator=True)
    assert report.coders == [account(one), account(other)]
    assert coded(place) == {(T1[0].text, account(one)): ("KA-RO",), (T1[1].text, account(other)): ("KA-RO",)}


@pytest.mark.parametrize(("name", "make", "one", "other"), EXPORTS, ids=[each[0] for each in EXPORTS])
def test_one_person_in_an_export_is_one(
    name: str, make: Any, one: object, other: object, place: Path
) -> None:
    assert take(place, export(place / name, make, one, one)).coders == ["A"]


def test_the_time_of_a_session_is_nobody(place: Path) -> None:
    file = export(place / "p.json", prodigy, "set-2026-01-01_10-00-00", "2026-01-02_11-30-00")
    assert take(place, file).coders == ["A"]
    shutil.rmtree(place / "run")
    assert "no annotator is named" in str(
        take(
            place, export(place / "p.json", prodigy, None, "x"), split_by_annotator=True, on_error="skip"
        ).problems[0]
    )


def test_one_coder_a_sheet(place: Path) -> None:
    """The second was gone."""
    book = openpyxl.Workbook()
    book.active.title = "anna"
    for name, code in (("anna", "KA-RO"), ("bert", "IA-SQ")):
        sheet = book[name] if name in book.sheetnames else book.create_sheet(name)
        for row in (["unit_id", "code"], [T1[0].id, code], [T1[1].id, code]):
            sheet.append(row)
    book.save(place / "t.xlsx")
    report = take(place, place / "t.xlsx")
    assert report.coders == ["anna", "bert"]
    assert report.codings == 4
    shutil.rmtree(place / "run")
    book["bert"]["B3"] = "no code"
    book.save(place / "t.xlsx")
    (problem,) = take(place, place / "t.xlsx", on_error="skip").problems
    assert str(problem).startswith(f"{place / 't.xlsx'}[bert]:3 (bert): unknown code")


def test_sheets_of_one_coder_who_is_named_are_that_coders(place: Path) -> None:
    """They were two coders, week1 and week2, and nothing said so."""
    book = openpyxl.Workbook()
    book.active.title = "week1"
    book.create_sheet("week2")
    for name, unit in (("week1", T1[0]), ("week2", T1[1])):
        for row in (["unit_id", "code"], [unit.id, "KA-RO"]):
            book[name].append(row)
    book.save(place / "t.xlsx")
    report = take(place, place / "t.xlsx", coder="anna")
    assert (report.coders, report.codings) == (["anna"], 2)
    shutil.rmtree(place / "run")
    report = take(place, place / "t.xlsx")
    assert report.coders == ["week1", "week2"]
    assert f"{place / 't.xlsx'}: a sheet is the coder's whose name it has: week1, week2" in report.remarks


# --- kinds


@pytest.mark.parametrize("suffix", [".csv", ".xlsx", ".jsonl"])
def test_a_column_kind_is_honoured_row_by_row(suffix: str, place: Path) -> None:
    rows = [by_unit(0, "A", "KA-RO", kind="human"), by_unit(0, "gpt", "IA-SQ", kind="Machine")]
    report = take(place, write(place / f"t{suffix}", rows))
    assert {c.name: c.kind for c in report.run.manifest.coders} == {"A": "human", "gpt": "machine"}


def test_kind_by_name(place: Path, pcode: Pcode) -> None:
    rows = [by_unit(0, "A", "KA-RO"), by_unit(0, "gpt=4", "IA-SQ")]
    file = write(place / "t.csv", rows)
    how = ("--traces", place / "traces.jsonl", "--codebook", place / "tiny.yaml", "-o", place / "run")
    assert pcode("import", file, *how, "--kind", "gpt=4=machine").exit_code == 0
    assert {c.name: c.kind for c in CoderRun(place / "run").manifest.coders} == {
        "A": "human",
        "gpt=4": "machine",
    }
    for wrong in (
        ["gpt=machine"],
        ["A=robot"],
        ["=machine"],
        ["machine", "A=human"],
        ["A=human", "A=machine"],
        ["human", "machine"],
    ):
        asked = [word for kind in wrong for word in ("--kind", kind)]
        result = pcode("import", file, *how, *asked)
        assert result.exit_code == 2, wrong
    assert (
        "no coder of the files is named 'gpt'" in pcode("import", file, *how, "--kind", "gpt=machine").stderr
    )


def test_a_kind_in_the_file_and_another_in_the_command(place: Path) -> None:
    file = write(place / "t.csv", [by_unit(0, "A", "KA-RO", kind="human")])
    with pytest.raises(InputError, match="coder A is human, and --kind says machine"):
        take(place, file, kind={"A": "machine"})


def test_people_and_a_machine_on_own_spans(place: Path, pcode: Pcode) -> None:
    """There was no path: kinds of one file, and a machine that codes the people's spans with their codebook."""
    spans = [by_span(0, 7, "A", "KA-RO"), by_span(8, 25, "A", "IA-SQ"), by_span(0, 7, "gpt", "KA-RO")]
    file = write(
        place / "t.csv", [row | {"kind": "machine" if row["coder"] == "gpt" else "human"} for row in spans]
    )
    take(place, file, units="own")
    result = pcode(
        "annotate", place / "traces.jsonl", "--units", place / "run", "-o", place / "cues", "--coder", "cues"
    )
    assert result.exit_code == 0, result.stderr
    assert CoderRun(place / "cues").codebook.id == "tiny"
    kinds = {
        (" – ".join(pair.coders), pair.kind)
        for pair in agree([place / "run", place / "cues"], replicates=0).comparisons
    }
    assert {("A – gpt", "human-machine"), ("A – cues", "human-machine")} <= kinds


NEXT = (
    BOOK.replace("1.0.0", "2.0.0").replace(
        "{id: OA-ME,", "{id: OA-M1, name: m, family: f, short: s, definition: d}\n- {id: OA-M2,"
    )
    + "migrations:\n- {version: 1.0.0, split: {OA-ME: [OA-M1, OA-M2]}}\n"
)


@pytest.mark.parametrize("own", [True, False])
def test_what_was_recoded_counts_as_coded(own: bool, place: Path) -> None:
    """migrate → recode → import → agreement."""
    ends = [(unit.start, unit.end) for unit in T1]
    rows = [by_span(*ends[n], who, "OA-ME" if n < 2 else "KA-RO") for n in range(3) for who in "AB"]
    take(place, write(place / "t.csv", rows), **({"units": "own"} if own else {"scheme": "sentence@1"}))
    (place / "2.yaml").write_text(NEXT)
    migrate_run(place / "run", place / "2.yaml", place / "moved")
    with (place / "moved/recode.csv").open(newline="") as file:
        table = list(csv.DictReader(file))
    assert {row["kind"] for row in table} == {"human"}
    with (place / "moved/recode.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, list(table[0]))
        writer.writeheader()
        writer.writerows(row | {"code": "OA-M1"} for row in table)
    import_codings([place / "moved/recode.csv"], None, place / "again", units=place / "moved")
    columns = read_columns([CoderRun(place / "moved"), CoderRun(place / "again")])
    assert [coder.name for coder in columns.coders] == ["A", "B"]
    assert [sum(found.values()) for found in columns.missing()] == [0, 0]
    assert len(columns.codings) == 6
    report = agree([place / "moved", place / "again"], replicates=0)
    assert report.comparisons[0].as_json()["alpha"] == 1
    assert report.comparisons[0].as_json()["n_units"] == 3


# --- names


@pytest.mark.parametrize("other", ["A\u200b", "\ufeffA", "A\u00a0", "A\x00", "A\u202e", "A\u2060 "])
@pytest.mark.parametrize("suffix", [".csv", ".jsonl"])
def test_what_nobody_sees_makes_no_second_person(other: str, suffix: str, place: Path) -> None:
    report = take(place, write(place / f"t{suffix}", [by_unit(0, "A", "KA-RO"), by_unit(1, other, "IA-SQ")]))
    assert report.coders == ["A"]
    assert report.codings == 2


def test_a_name_of_nothing_that_is_seen_is_nobody(place: Path) -> None:
    (problem,) = take(
        place,
        write(place / "t.jsonl", [by_unit(0, "A", "KA-RO"), by_unit(1, "\u200b", "IA-SQ")]),
        on_error="skip",
    ).problems
    assert "no coder" in str(problem)


def test_names_that_differ_in_case_alone_are_said(place: Path) -> None:
    report = take(place, write(place / "t.csv", [by_unit(0, "Anna", "KA-RO"), by_unit(1, "anna", "IA-SQ")]))
    assert report.remarks == ["coders 'Anna' and 'anna' differ in case alone, and are two"]


@given(st.text())
def test_a_plain_name_is_plain(name: str) -> None:
    assert plain_coder(plain_coder(name)) == plain_coder(name)
    plain_coder(name).encode()


@pytest.mark.parametrize("other", ["A\u200b", " A ", "A\u00a0", "\u202eA\u202c"])
def test_what_nobody_sees_makes_no_second_person_on_the_command_line(
    other: str, place: Path, pcode: Pcode
) -> None:
    rows = [by_unit(n, name, code) for n in range(2) for name, code in (("A", "KA-RO"), ("B", "IA-SQ"))]
    for row in rows:
        row["coder"] += "\u2060"
    file = write(place / "t.jsonl", rows)
    how = ("--traces", place / "traces.jsonl", "-o", place / "run", "--codebook", place / "tiny.yaml")
    result = pcode("import", file, *how, "--kind", f"{other}=machine")
    assert result.exit_code == 0, result.output
    kinds = {coder.name: coder.kind for coder in CoderRun(place / "run").manifest.coders}
    assert kinds == {"A": "machine", "B": "human"}
    chosen = pcode("agreement", place / "run", "--coders", f"{other},B\u200b", "--replicates", 0, "--json")
    assert json.loads(chosen.stdout)["comparisons"][0]["coders"] == ["A", "B"]
    packet = pcode(
        "sample", place / "traces.jsonl", "-o", place / "packet", "--fraction", 1, "--coders", other
    )
    assert packet.exit_code == 0, packet.output
    assert (place / "packet/A/order.jsonl").is_file()
