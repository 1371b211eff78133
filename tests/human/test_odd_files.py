"""Malformed and odd files over all importers: each is read whole, or what is wrong is named; nothing is lost or changed unseen.

Three codings by A of the first units of a trace, KA-RO, IA-SQ and none, in every format that is read and in every way in which
such files go wrong. What may come of a file: ``same`` (the three codings, nothing to say), ``said`` (the three, and a remark
that matches), ``named`` (a row that is named, the others as they are), ``refused`` (an error that says why; no run).
"""

from __future__ import annotations

import io
import json
import re
import zipfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import openpyxl
import pyarrow
import pyarrow.parquet
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pedagogy_r1.errors import PedagogyError
from pedagogy_r1.human.import_codings import import_codings
from pedagogy_r1.intake.trace_importer import import_traces

from ..files.test_table_rows import ods, table
from .test_import import T1, TRACES, coded, place
from .test_qdpx import project

__all__ = ["place"]

IDS = [unit.id for unit in T1[:3]]
CODES = ["KA-RO", "IA-SQ", "none"]
EXPECTED = {(T1[0].text, "A"): ("KA-RO",), (T1[1].text, "A"): ("IA-SQ",), (T1[2].text, "A"): ()}
LONG = "unit_id,coder,code\n" + "".join(f"{i},A,{c}\n" for i, c in zip(IDS, CODES, strict=True))
OBJECTS = [{"unit_id": i, "coder": "A", "code": c} for i, c in zip(IDS, CODES, strict=True)]


class Odd(NamedTuple):
    """A file: its name, its bytes (or what writes it), what comes of it, and what is said."""

    name: str
    made: bytes | str | Callable[[Path], Any]
    outcome: str
    why: str = ""
    how: dict[str, Any] = {}
    lost: tuple[int, ...] = ()
    """Which of the three codings are named and left out."""


def lines(change: Callable[[list[str]], list[str]], end: str = "\n") -> str:
    return end.join(change(LONG.split("\n")))


def at(n: int, text: str) -> str:
    """The table with another line n (0: the header)."""
    found = LONG.split("\n")
    found[n] = text
    return "\n".join(found)


def cell(n: int, old: str, new: str) -> str:
    return at(n, LONG.split("\n")[n].replace(old, new))


U1, U2, U3 = IDS
FRAME = [["unit_id", "coder", "code"], *([i, "A", c] for i, c in zip(IDS, CODES, strict=True))]


def csvs() -> list[Odd]:
    same = {
        "plain": LONG,
        "mark": "\ufeff" + LONG,
        "crlf": LONG.replace("\n", "\r\n"),
        "mac": LONG.replace("\n", "\r"),
        "no end": LONG.rstrip("\n"),
        "blank lines": LONG.replace("\n", "\n\n"),
        "blank cells below": LONG + ",,\n,,\n",
        "spaces below": LONG + " , , \n",
        "semicolons": LONG.replace(",", ";"),
        "tabs": LONG.replace(",", "\t"),
        "sep": "sep=;\n" + LONG.replace(",", ";"),
        "sep quoted": '"sep=;"\r\n' + LONG.replace(",", ";").replace("\n", "\r\n"),
        "sep comma": "sep=,\n" + LONG,
        "sep pipe": "sep=|\n" + LONG.replace(",", "|"),
        "sep mac": ("sep=;\n" + LONG.replace(",", ";")).replace("\n", "\r"),
        "all quoted": "\n".join(",".join(f'"{c}"' for c in line.split(",")) for line in LONG.split("\n")[:4]),
        "header upper": LONG.replace("unit_id,coder,code", "Unit ID,Coder,CODE"),
        "header spaces": LONG.replace("unit_id,coder,code", " unit_id , coder , code "),
        "cells padded": LONG.replace(",A,", ", A ,"),
        "codes lower": LONG.replace("KA-RO", "ka-ro"),
        "none upper": LONG.replace("none", "NONE"),
        "further column": LONG.replace("code\n", "code,extra\n", 1),
        "unnamed column": LONG.replace("code\n", "code,\n", 1),
        "memo with line end": lines(lambda ls: [ls[0] + ",memo", ls[1] + ',"a\nb"', *ls[2:]]),
        "memo with quotes": lines(lambda ls: [ls[0] + ",memo", ls[1] + ',"say ""x"""', *ls[2:]]),
        "memo with a quote inside": lines(lambda ls: [ls[0] + ",memo", ls[1] + ',5" tall', *ls[2:]]),
        "memo like a formula": lines(lambda ls: [ls[0] + ",memo", ls[1] + ",'=1+1", *ls[2:]]),
        "invisible in the name": LONG.replace("A,KA", "A\u200b,KA"),
        "NUL in the name": LONG.replace("A,KA", "A\x00,KA"),
        "nbsp in the name": LONG.replace("A,KA", "\u00a0A,KA"),
    }  # fmt: skip
    said = {
        "invisible in the name": "invisible characters",
        "NUL in the name": "invisible characters",
        "further column": "",
    }
    found = [Odd(f"{n}.csv", t, "said" if said.get(n) else "same", said.get(n, "")) for n, t in same.items()]
    titled = {
        "a title": "Study\n" + LONG,
        "titles": "Study;2026\n\nCoder: A\n" + LONG.replace(",", ";"),
        "title tabs": "x\n" + LONG.replace(",", "\t"),
    }
    found += [Odd(f"{n}.csv", t, "said", "rows above it are not read") for n, t in titled.items()]
    refused = {
        "unclosed": (at(2, f'{U2},A,"IA-SQ'), ":3: a quote that opens in line 3 is not closed"),
        "unclosed first": (at(1, f'"{U1},A,KA-RO'), ":2: a quote that opens in line 2"),
        "unclosed header": (at(0, 'unit_id,coder,"code'), ":1: a quote that opens in line 1"),
        "closed by the next": (at(1, f'{U1},A,"KA-RO').replace(f"{U3},A,none", f'{U3},A,"none"'), "in the middle of a cell"),
        "text behind a quote": (at(1, f'{U1},A,"KA-RO" x'), ":2: .*in the middle of a cell"),
        "unclosed mac": (at(2, f'{U2},A,"IA-SQ').replace("\n", "\r"), ":3: "),
        "empty": ("", "no header row"),
        "only a mark": ("\ufeff", "no header row"),
        "only blank lines": ("\n\n\n", "no header row"),
        "only a header": ("unit_id,coder,code\n", "no rows"),
        "column twice": (LONG.replace("coder,code", "code,code"), "'code' appears twice"),
        "column twice in case": (LONG.replace("coder,code\n", "coder,code,Coder\n"), "differ only in case"),
        "no code": (LONG.replace(",code\n", ",cods\n"), ""),
        "other columns": ("a,b\n1,2\n", "no layout of codings that is known"),
        "utf-16": (LONG.encode("utf-16"), "not UTF-8"),
        "latin": (LONG.replace("none", "né").encode("latin-1"), "not UTF-8"),
        "a png": (b"\x89PNG\r\n\x1a\n" + bytes(40), "not UTF-8"),
        "two kinds": (lines(lambda ls: [ls[0] + ",kind", ls[1] + ",human", ls[2] + ",machine", ls[3] + ","]), "coder A is machine, and human"),
        "no kind": (lines(lambda ls: [ls[0] + ",kind", ls[1] + ",robot", *ls[2:]]), "neither human nor machine"),
        "another codebook": (lines(lambda ls: [ls[0] + ",codebook", *(each + ",schoen@1.0.0" for each in ls[1:4])]), "coded with schoen@1.0.0"),
        "other units": (LONG.replace("\nu", "\nv"), "none of the 3 unit_ids"),
    }  # fmt: skip
    found += [Odd(f"{n}.csv", t, "refused", why) for n, (t, why) in refused.items()]
    named: dict[str, tuple[str, str, tuple[int, ...]]] = {
        "cells too many": (at(2, f"{U2},A,IA-SQ,and,more"), "5 cells under 3 columns", (1,)),
        "no coder": (cell(2, ",A,", ",,"), "no coder", (1,)),
        "invisible coder": (cell(2, ",A,", ",\u200b,"), "no coder", (1,)),
        "unknown code": (cell(2, "IA-SQ", "IA-SO"), "unknown code 'IA-SO'", (1,)),
        "code and none": (cell(2, "IA-SQ", "IA-SQ; none"), 'a code and "none"', (1,)),
        "code twice": (cell(2, "IA-SQ", "IA-SQ; IA-SQ"), "given twice", (1,)),
        "three codes": (cell(2, "IA-SQ", "IA-SQ; KA-RO; OA-ME"), "3 codes", (1,)),
        "unit of nobody": (cell(2, U2, "u00000000000000000000"), "is no unit of", (1,)),
        "no unit": (cell(2, U2, ""), "no unit_id", (1,)),
        "formula error": (cell(2, "IA-SQ", "#REF!"), "unknown code '#REF!'", (1,)),
        "a date": (cell(2, "IA-SQ", "2026-01-02 00:00:00"), "unknown code", (1,)),
        "a formula as code": (cell(2, "IA-SQ", '=HYPERLINK("x")'), "unknown code", (1,)),
        "short row": (at(2, U2), "no coder", (1,)),
        "drifted": (lines(lambda ls: [ls[0] + ",text", ls[1] + ",", ls[2] + ",quite another text", ls[3] + ","]), "the text was changed", (1,)),
        "very long cell": (cell(2, "IA-SQ", "x" * 200_000), "unknown code", (1,)),
        "the same unit twice": (LONG + f"{U1},A,KA-RO\n", "given twice", (0,)),
        "none and a code": (LONG + f"{U3},A,KA-RO\n", 'a code and "none"', (2,)),
    }  # fmt: skip
    found += [Odd(f"{n}.csv", t, "named", why, {}, lost) for n, (t, why, lost) in named.items()]
    return found


def spans_and_wide() -> list[Odd]:
    def row(
        n: int, start: object = None, end: object = None, quote: str | None = None, trace: str = "t1"
    ) -> str:
        unit = T1[n]
        text = (unit.text if quote is None else quote).replace('"', '""')
        return f'{trace},{unit.start if start is None else start},{unit.end if end is None else end},"{text}",A,{CODES[n]}'

    def spans(n: int, **other: Any) -> str:
        return "\n".join(
            ["trace_id,start,end,quote,coder,code", *(row(k, **(other if k == n else {})) for k in range(3))]
        )

    own = {"scheme": "sentence@1"}
    a, b = T1[1].start, T1[1].end
    found = [
        Odd("s.csv", spans(0), "same", "", own),
        Odd("s float.csv", spans(1, start=f"{a}.0", end=f"{b}.0"), "same", "", own),
        Odd("s utf16.csv", spans(1, start=a + 1, end=b + 1), "said", "UTF-16", own),
        Odd("s bytes.csv", spans(1, start=a + 3, end=b + 3), "said", "bytes", own),
        Odd("s from 1.csv", spans(1, start=a + 8, end=b + 8), "said", "think", own),
        Odd("s spaces.csv", spans(1, quote="  " + T1[1].text.replace(" ", "  ")), "same", "", own),
        Odd("s zero width.csv", spans(1, quote=T1[1].text[:5] + "\u200b" + T1[1].text[5:]), "same", "", own),
    ]  # fmt: skip
    faults: dict[str, tuple[dict[str, Any], str]] = {
        "far": ({"start": 9000, "end": 9020, "quote": "never said"}, "the quote is not in the trace"),
        "negative": ({"start": -1}, "is no offset"),
        "word": ({"start": "two"}, "is no offset"),
        "half": ({"start": "2.5"}, "is no offset"),
        "huge": ({"start": "9" * 30}, "is no offset"),
        "no quote": ({"quote": ""}, "the quote is empty"),
        "reversed": ({"start": b, "end": a, "quote": "xyz"}, "not in the trace"),
        "no trace": ({"trace": "t9"}, "has no trace 't9'"),
        "empty trace": ({"trace": ""}, "no trace_id"),
        "half a unit": (
            {"start": a, "end": a + 4, "quote": T1[1].text[:4]},
            "no unit of sentence@1 lies exactly",
        ),
    }
    found += [Odd(f"s {n}.csv", spans(1, **o), "named", why, own, (1,)) for n, (o, why) in faults.items()]
    wide = "unit_id,A\n" + "".join(f"{i},{c}\n" for i, c in zip(IDS, CODES, strict=True))
    found += [
        Odd("w.csv", wide, "same"),
        Odd("w memo.csv", wide.replace("A\n", "A,A memo\n", 1), "same"),
        Odd("w titled.csv", "wave 2,\n" + wide, "said", "above it are not read"),
        Odd("w unknown.csv", wide.replace("IA-SQ", "yes"), "named", "unknown code", {}, (1,)),
        Odd("w twice.csv", wide + f"{U1},KA-RO\n", "named", "was in row", {}, (0,)),
        Odd("w empty name.csv", wide.replace(",A", ",", 1), "refused", ""),
    ]
    return found


def objects() -> list[Odd]:
    def with_(n: int, **more: Any) -> list[Any]:
        return [o | more if k == n else o for k, o in enumerate(OBJECTS)]

    def jsonl(values: list[Any]) -> str:
        return "".join(json.dumps(v) + "\n" for v in values)

    twice = json.dumps(OBJECTS[1])[:-1] + ', "code": "KA-RO"}'
    found = [
        Odd("o.json", json.dumps(OBJECTS), "same"),
        Odd("o.jsonl", jsonl(OBJECTS), "same"),
        Odd("o.ndjson", jsonl(OBJECTS), "same"),
        Odd("mark.jsonl", "\ufeff" + jsonl(OBJECTS), "same"),
        Odd("mark.json", "\ufeff" + json.dumps(OBJECTS), "same"),
        Odd("utf16.json", json.dumps(OBJECTS).encode("utf-16"), "same"),
        Odd("crlf.jsonl", jsonl(OBJECTS).replace("\n", "\r\n"), "same"),
        Odd("lines.json", jsonl(OBJECTS), "same"),
        Odd("blank.jsonl", "\n\n" + jsonl(OBJECTS) + "\n\n", "same"),
        Odd("list of codes.jsonl", jsonl(with_(1, code=["IA-SQ"])), "same"),
        Odd("surrogate memo.jsonl", jsonl(with_(1, memo="a\ud800b")), "said", "halves of characters"),
        Odd("twice.jsonl", jsonl(OBJECTS[:1]) + twice + "\n" + jsonl(OBJECTS[2:]), "named", "'code' stands twice", {}, (1,)),
        Odd("twice.json", f"[{json.dumps(OBJECTS[0])},{twice},{json.dumps(OBJECTS[2])}]", "named", "'code' stands twice", {}, (1,)),
        Odd("nan.jsonl", jsonl(with_(1, code=float("nan"))), "named", "unknown code", {}, (1,)),
        Odd("number.jsonl", jsonl(with_(1, code=7)), "named", "unknown code", {}, (1,)),
        Odd("object.jsonl", jsonl(with_(1, code={"a": 1})), "named", "", {}, (1,)),
        Odd("null coder.jsonl", jsonl(with_(1, coder=None)), "named", "no coder", {}, (1,)),
        Odd("a list.jsonl", jsonl([OBJECTS[0], [1, 2], OBJECTS[2]]), "named", "expected a JSON object", {}, (1,)),
        Odd("torn.jsonl", jsonl(OBJECTS[:2]) + json.dumps(OBJECTS[2])[:-5], "named", "bad JSON", {}, (2,)),
        Odd("torn.json", json.dumps(OBJECTS)[:-12], "named", "nothing behind element 2", {}, (2,)),
        Odd("behind.json", json.dumps(OBJECTS) + "x", "named", "Extra data"),
        Odd("bad byte.jsonl", jsonl(OBJECTS[:2]).encode() + b'{"unit_id": "\xff"}\n', "named", "not UTF-8", {}, (2,)),
        Odd("deep.jsonl", jsonl(OBJECTS[:2]) + "[" * 100_000 + "\n", "named", "nested too deeply", {}, (2,)),
        Odd("digits.jsonl", jsonl(OBJECTS[:2]) + '{"a": ' + "9" * 5000 + "}\n", "named", "", {}, (2,)),
        Odd("empty.json", "", "refused", "no rows"),
        Odd("empty.jsonl", "", "refused", "no rows"),
        Odd("none.json", "[]", "refused", "no rows"),
        Odd("null.json", "null", "refused", ""),
        Odd("html.json", "<html>Sign in</html>", "refused", ""),
        Odd("a string.json", '"x"', "refused", ""),
    ]  # fmt: skip
    whole = pyarrow.Table.from_pylist(OBJECTS)

    def parquet(path: Path) -> None:
        pyarrow.parquet.write_table(whole, path)

    def torn(path: Path) -> None:
        parquet(path)
        path.write_bytes(path.read_bytes()[:-20])

    return [
        *found,
        Odd("p.parquet", parquet, "same"),
        Odd("torn.parquet", torn, "refused", "Parquet"),
        Odd("csv.parquet", LONG, "refused", "Parquet"),
        Odd("empty.parquet", b"", "refused", "Parquet"),
    ]


def workbook(change: Callable[[Any], object] = lambda book: None) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        book = openpyxl.Workbook()
        book.active.title = "codes"
        for line in FRAME:
            book.active.append(line)
        change(book)
        book.save(path)

    return make


def repacked(change: Callable[[dict[str, bytes]], object]) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        workbook()(path)
        with zipfile.ZipFile(path) as file:
            parts = {name: file.read(name) for name in file.namelist()}
        change(parts)
        with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as file:
            for name, data in parts.items():
                file.writestr(name, data)

    return make


SHEET = "xl/worksheets/sheet1.xml"


def workbooks() -> list[Odd]:
    def note_in_front(book: Any) -> None:
        book.create_sheet("read me", 0).append(["how we coded"])

    def hidden_in_front(book: Any) -> None:
        sheet = book.create_sheet("old", 0)
        for line in ([*FRAME[0]], [U1, "A", "OA-ME"]):
            sheet.append(line)
        sheet.sheet_state = "hidden"

    def set_(address: str, value: object) -> Callable[[Any], None]:
        return lambda book: book["codes"].__setitem__(address, value)

    def second(book: Any) -> None:
        sheet = book.create_sheet("more")
        sheet.append(FRAME[0])
        sheet.append(FRAME[3])
        book["codes"].delete_rows(4)

    def rows_hidden(book: Any) -> None:
        book["codes"].row_dimensions[3].hidden = True

    def zip_of(*entries: tuple[str, bytes]) -> bytes:
        made = io.BytesIO()
        with zipfile.ZipFile(made, "w") as file:
            for name, data in entries:
                file.writestr(name, data)
        return made.getvalue()

    rows = ["|".join(line) for line in FRAME]
    return [
        Odd("x.xlsx", workbook(), "same"),
        Odd("x.xlsm", workbook(), "same"),
        Odd("empty sheet.xlsx", workbook(lambda b: b.create_sheet("empty", 0)), "same"),
        Odd("numbers.xlsx", workbook(lambda b: b["codes"].append([None, None, None])), "same"),
        Odd("two.xlsx", workbook(second), "same"),
        Odd("note.xlsx", workbook(note_in_front), "said", "sheets not read: 'read me'"),
        Odd("hidden.xlsx", workbook(hidden_in_front), "said", "'old', which is hidden"),
        Odd("hidden row.xlsx", workbook(rows_hidden), "said", "hidden rows"),
        Odd("title.xlsx", workbook(lambda b: b["codes"].insert_rows(1) or set_("A1", "Study")(b)), "said", "above it"),
        Odd("merged title.xlsx", workbook(lambda b: (b["codes"].insert_rows(1), set_("A1", "x")(b), b["codes"].merge_cells("A1:C1"))), "said", "above it"),
        Odd("merged.xlsx", workbook(lambda b: b["codes"].merge_cells("C2:C3")), "named", "C3 lies in the merged cells C2:C3", {}, (1,)),
        Odd("merged bomb.xlsx", workbook(lambda b: b["codes"].merged_cells.add("A1:XFD1048576")), "refused", "more than 1,000,000 cells are merged"),
        Odd("merged names.xlsx", workbook(lambda b: b["codes"].merge_cells("B2:B4")), "named", "merged cells B2:B4", {}, (1, 2)),
        Odd("formula.xlsx", workbook(set_("C3", "=UPPER(A1)")), "named", "C3 is a formula without a value", {}, (1,)),
        Odd("error.xlsx", workbook(set_("C3", "#N/A")), "named", "unknown code '#N/A'", {}, (1,)),
        Odd("number.xlsx", workbook(set_("C3", 3.5)), "named", "unknown code '3.5'", {}, (1,)),
        Odd("truth.xlsx", workbook(set_("C3", True)), "named", "unknown code 'true'", {}, (1,)),
        Odd("far.xlsx", workbook(set_("XFD3", "x")), "named", "cells under 3 columns", {}, (1,)),
        Odd("no header.xlsx", workbook(lambda b: b["codes"].delete_rows(1)), "refused", ""),
        Odd("all hidden.xlsx", workbook(lambda b: (note_in_front(b), setattr(b["codes"], "sheet_state", "hidden"))), "refused", ""),
        Odd("nothing.xlsx", lambda p: openpyxl.Workbook().save(p), "refused", "no header row"),
        Odd("dimension.xlsx", repacked(lambda p: p.update({SHEET: p[SHEET].replace(b'"A1:C4"', b'"A1:A1"')})), "same"),
        Odd("torn xml.xlsx", repacked(lambda p: p.update({SHEET: p[SHEET][:400]})), "refused", "damaged XLSX"),
        Odd("no sheet.xlsx", repacked(lambda p: p.pop(SHEET)), "refused", ""),
        Odd("no book.xlsx", repacked(lambda p: p.pop("xl/workbook.xml")), "refused", "not a readable XLSX"),
        Odd("entities.xlsx", repacked(lambda p: p.update({SHEET: b'<!DOCTYPE a [<!ENTITY b "c">]><a/>'})), "refused", "document type"),
        Odd("bomb.xlsx", repacked(lambda p: p.update({SHEET: b" " * (201 * 2**20)})), "refused", "more than 200 MiB"),
        Odd("outside.xlsx", repacked(lambda p: p.update({"../evil": b"x"})), "refused", "points outside"),
        Odd("csv.xlsx", LONG, "refused", "not a zip archive"),
        Odd("empty.xlsx", b"", "refused", "not a zip archive"),
        Odd("half.xlsx", lambda p: (workbook()(p), p.write_bytes(p.read_bytes()[:900])), "refused", "not a zip archive"),
        Odd("old.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(600), "refused", "Excel 97"),
        Odd("secret.xlsx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + "EncryptedPackage".encode("utf-16-le"), "refused", "password-protected"),
        Odd("o.ods", lambda p: ods(p, table("s", *rows)), "same"),
        Odd("title.ods", lambda p: ods(p, table("s", "Study", *rows)), "said", "above it"),
        Odd("two.ods", lambda p: ods(p, table("s", *rows[:3]), table("t", rows[0], rows[3])), "same"),
        Odd("hidden.ods", lambda p: ods(p, table("old", *rows, style="ta2"), table("s", *rows)), "said", "hidden"),
        Odd("empty.ods", lambda p: ods(p), "refused", "no header row"),
        Odd("no content.ods", zip_of(("mimetype", b"x")), "refused", "no entry 'content.xml'"),
        Odd("torn.ods", zip_of(("content.xml", b"<a><b>")), "refused", "not well-formed"),
        Odd("entities.ods", zip_of(("content.xml", b'<!DOCTYPE a [<!ENTITY b "c">]><a/>')), "refused", "document type"),
        Odd("secret.ods", zip_of(("META-INF/manifest.xml", b"<manifest:encryption-data/>")), "refused", "password-protected"),
        Odd("zeros.ods", bytes(400), "refused", "not a zip archive"),
    ]  # fmt: skip


def tools() -> list[Odd]:
    def studio(change: Callable[[list[Any]], object] = lambda tasks: None) -> str:
        tasks: list[Any] = []
        for unit, code in zip(T1, CODES, strict=False):
            result = {"from_name": "primary_code", "type": "choices", "value": {"choices": [code]}}
            data = {"unit_id": unit.id, "unit": unit.text, "coder": "A"}
            tasks.append({"data": data, "annotations": [{"completed_by": 1, "result": [result]}]})
        change(tasks)
        return json.dumps(tasks)

    def made(tasks: list[Any]) -> Any:
        return tasks[1]["annotations"][0]

    def prodigy(**more: Any) -> str:
        rows = [
            {
                "text": u.text,
                "unit": u.text,
                "unit_id": u.id,
                "coder": "A",
                "accept": [c],
                "answer": "accept",
                "_input_hash": 1,
            }
            | (more if n == 1 else {})
            for n, (u, c) in enumerate(zip(T1, CODES, strict=False))
        ]
        return "".join(json.dumps(row) + "\n" for row in rows)

    def doccano(**more: Any) -> str:
        rows = [
            {
                "id": n,
                "text": u.text,
                "unit": u.text,
                "unit_id": u.id,
                "coder": "A",
                "label": [c],
                "Comments": [],
            }
            | (more if n == 1 else {})
            for n, (u, c) in enumerate(zip(T1, CODES, strict=False))
        ]
        return "".join(json.dumps(row) + "\n" for row in rows)

    def sheet(**more: Any) -> str:
        rows = [
            {"unit_id": u.id, "unit": u.text, "coder": "A", "primary_code": c, "annotator": 1}
            | (more if n == 1 else {})
            for n, (u, c) in enumerate(zip(T1, CODES, strict=False))
        ]
        return json.dumps(rows)

    one: tuple[int, ...] = (1,)
    return [
        Odd("ls.json", studio(), "same"),
        Odd("ls two people.json", studio(lambda t: made(t).update(completed_by=2)), "refused", "'1' \\(2 rows\\), '2'"),
        Odd("ls email.json", studio(lambda t: [x["annotations"][0].update(completed_by={"id": 1, "email": "a@b"}) for x in t]), "same"),
        Odd("ls two of one.json", studio(lambda t: t[1]["annotations"].append(made(t))), "named", "2 annotations of one task", {}, one),
        Odd("ls no data.json", studio(lambda t: t[1].pop("data")), "named", "the task has no data", {}, one),
        Odd("ls value.json", studio(lambda t: made(t)["result"][0].update(value=3)), "named", "is no object", {}, one),
        Odd("ls result.json", studio(lambda t: made(t).update(result="x")), "named", "result is no list of objects", {}, one),
        Odd("ls annotations.json", studio(lambda t: t[1].update(annotations=5)), "named", "no list of objects", {}, one),
        Odd("ls choices.json", studio(lambda t: made(t)["result"][0]["value"].update(choices=["IA-SQ", "KA-RO"])), "named", "primary_code is", {}, one),
        Odd("ls ids.json", studio(lambda t: t[1]["data"].update(unit_id=7)), "named", "unit_id is no text", {}, one),
        Odd("ls.csv", "unit_id,unit,coder,primary_code,annotator\n" + "".join(f"{i},,A,{c},{n}\n" for n, (i, c) in enumerate(zip(IDS, CODES, strict=True))), "refused", "3 annotators under one coder"),
        Odd("min.json", sheet(), "same"),
        Odd("min two.json", sheet(annotator=2), "refused", "2 annotators"),
        Odd("min list.json", sheet(primary_code=["IA-SQ", {"a": 1}]), "named", "primary_code is no text", {}, one),
        Odd("min gap.json", sheet(primary_code=None, second_code="IA-SQ"), "named", "primary_code is empty", {}, one),
        Odd("p.jsonl", prodigy(), "same"),
        Odd("p two.jsonl", prodigy(_annotator_id="b").replace('"_input_hash": 1}', '"_input_hash": 1, "_annotator_id": "a"}', 1), "refused", "2 annotators"),
        Odd("p answer.jsonl", prodigy(answer="perhaps"), "named", "answer is str", {}, one),
        Odd("p accept.jsonl", prodigy(accept=[1]), "named", "accept is no list of texts", {}, one),
        Odd("p two codes.jsonl", prodigy(accept=["IA-SQ", "KA-RO"]), "named", "two first codes", {}, one),
        Odd("p no unit.jsonl", prodigy(unit_id=None), "named", "neither unit_id", {}, one),
        Odd("d.jsonl", doccano(), "same"),
        Odd("d two.jsonl", doccano(username="b").replace('"Comments": []}', '"Comments": [], "username": "a"}', 1), "refused", "2 annotators"),
        Odd("d label.jsonl", doccano(label=5), "named", "label is no list of texts", {}, one),
        Odd("d ranks.jsonl", doccano(label=["2nd IA-SQ"]), "named", "no code at place 1", {}, one),
        Odd("d drifted.jsonl", doccano(unit="other"), "named", "the text was changed", {}, one),
        Odd("no zip.qdpx", LONG, "refused", "not a zip archive"),
        Odd("empty.qdpx", b"", "refused", "not a zip archive"),
        Odd("no qde.qdpx", _zipped(("x.txt", b"x")), "refused", "no .qde file"),
        Odd("torn.qdpx", _zipped(("project.qde", project()[:200])), "refused", "not well-formed"),
        Odd("entities.qdpx", _zipped(("project.qde", b'<!DOCTYPE a [<!ENTITY b "c">]><Project/>')), "refused", "document type"),
        Odd("other root.qdpx", _zipped(("project.qde", b"<CodeBook/>")), "refused", "the root is <CodeBook>"),
        Odd("no text.qdpx", _zipped(("project.qde", project())), "refused", "is not in the project", {"units": "own"}),
        Odd("outside.qdpx", _zipped(("project.qde", project(path="file:///etc/passwd"))), "refused", "is not in the project", {"units": "own"}),
        Odd("no zip.zip", b"PK\x03\x04", "refused", "cannot tell the format"),
        Odd("no cas.zip", _zipped(("annotation/x/a.xmi", b"<x/>"), ("TypeSystem.xml", b"<x/>")), "refused", "no CAS that can be read", {"units": "own"}),
        Odd("torn.xmi", b"<xmi:XMI", "refused", "", {"units": "own"}),
        Odd("picture.png", b"\x89PNG", "refused", "cannot tell the format"),
        Odd("codes.txt", LONG, "refused", "cannot tell the format"),
        Odd("log.jsonl", '{"desk": 1, "packet": "x"}\n', "refused", ""),
    ]  # fmt: skip


def _zipped(*entries: tuple[str, bytes]) -> bytes:
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w") as file:
        for name, data in entries:
            file.writestr(name, data)
    return made.getvalue()


ODD = [*csvs(), *spans_and_wide(), *objects(), *workbooks(), *tools()]


def test_how_many_there_are() -> None:
    """The numbers of benchmarks/README.md."""
    assert len({odd.name for odd in ODD}) == len(ODD)
    assert len(ODD) >= 130, Counter(odd.outcome for odd in ODD)


def put(folder: Path, odd: Odd) -> Path:
    path = folder / odd.name
    if callable(odd.made):
        odd.made(path)
    else:
        path.write_bytes(
            odd.made if isinstance(odd.made, bytes) else odd.made.encode("utf-8", "surrogatepass")
        )
    return path


@pytest.mark.parametrize("odd", ODD, ids=[odd.name for odd in ODD])
def test_an_odd_file_is_read_whole_or_what_is_wrong_is_named(odd: Odd, place: Path) -> None:
    path = put(place, odd)
    out, how = place / "run", {"codebook": place / "tiny.yaml", **odd.how}
    traces = place / "traces.jsonl"
    if odd.outcome in ("refused", "named"):
        with pytest.raises(PedagogyError) as refused:
            import_codings([path], traces, out, **how)
        assert re.search(odd.why, refused.value.message, re.DOTALL), refused.value.message
        assert odd.name in refused.value.message
        assert not out.exists()
    if odd.outcome == "refused":
        return
    report = import_codings([path], traces, out, on_error="skip", **how)
    lost = {key for n, key in enumerate(EXPECTED) if n in odd.lost}
    assert coded(place) == {key: codes for key, codes in EXPECTED.items() if key not in lost}
    outcomes = report.kept + report.not_coded + report.outside + report.practice + len(report.problems)
    assert report.rows == outcomes
    assert bool(report.problems) == (odd.outcome == "named")
    said = "\n".join([*report.remarks, *report.moved, *(what for what, n in report.counts.items() if n)])
    if odd.outcome == "said":
        assert re.search(odd.why, said)
    elif odd.outcome == "same":
        assert said in ("", "invisible characters or spaces taken off the coder's name")


# --- traces

TEXT = "Okay, so 2 + 2 is 4."
ROWS = [
    {"id": "a", "reasoning": TEXT, "answer": "4"},
    {"id": "b", "reasoning": 'Wait, "no".\nYes;', "answer": "5"},
]


def trace_csv(sign: str = ",") -> str:
    body = f'a{sign}"{TEXT}"{sign}4\nb{sign}"Wait, ""no"".\nYes;"{sign}5\n'
    return sign.join(["id", "reasoning", "answer"]) + "\n" + body


def trace_book(*fronts: list[Any]) -> Callable[[Path], None]:
    def make(path: Path) -> None:
        book = openpyxl.Workbook()
        for line in [*fronts, list(ROWS[0]), *(list(row.values()) for row in ROWS)]:
            book.active.append(line)
        book.save(path)

    return make


TRACE_FILES = [
    Odd("t.csv", trace_csv(), "same"),
    Odd("t semicolon.csv", trace_csv(";"), "same"),
    Odd("t tab.csv", trace_csv("\t"), "same"),
    Odd("t.tsv", trace_csv("\t"), "same"),
    Odd("t sep.csv", "sep=;\n" + trace_csv(";"), "same"),
    Odd("t title.csv", "Our traces\n\n" + trace_csv(), "said", "above it are not read"),
    Odd("t unclosed.csv", trace_csv().replace('Yes;"', "Yes;"), "refused", ":3: a quote that opens in line 3 is not closed"),
    Odd("t wide.csv", trace_csv() + "c,x,6,7\n", "refused", "4 cells under 3 columns"),
    Odd("t twice.csv", trace_csv().replace("\nb,", "\na,"), "refused", "id 'a' was used"),
    Odd("t latin.csv", trace_csv().replace("Okay", "Olé").encode("latin-1"), "refused", "not UTF-8"),
    Odd("t empty.csv", "", "refused", "no header row"),
    Odd("t.xlsx", trace_book(), "same"),
    Odd("t title.xlsx", trace_book(["Our traces"]), "said", "above it are not read"),
    Odd("t csv.xlsx", trace_csv(), "refused", "not a zip archive"),
    Odd("t.ods", lambda p: ods(p, table("s", "id|reasoning|answer", f"a|{TEXT}|4", 'b|Wait, "no".<text:line-break/>Yes;|5')), "same"),
    Odd("t.json", json.dumps(ROWS), "same"),
    Odd("t.jsonl", "".join(json.dumps(row) + "\n" for row in ROWS), "same"),
    Odd("t twice.jsonl", '{"id": "a", "reasoning": "x", "reasoning": "y"}\n', "refused", "'reasoning' stands twice"),
    Odd("t torn.json", json.dumps(ROWS)[:-3], "refused", "nothing behind element 1"),
    Odd("t list.jsonl", "[1]\n", "refused", "expected a JSON object"),
    Odd("t no text.jsonl", '{"id": "a"}\n', "refused", ""),
    Odd("t.parquet", lambda p: pyarrow.parquet.write_table(pyarrow.Table.from_pylist(ROWS), p), "same"),
    Odd("t.txt", TEXT, "refused", "cannot tell the format"),
]  # fmt: skip


@pytest.mark.parametrize("odd", TRACE_FILES, ids=[odd.name for odd in TRACE_FILES])
def test_an_odd_file_of_traces(odd: Odd, tmp_path: Path) -> None:
    path, out = put(tmp_path, odd), tmp_path / "out.jsonl"
    if odd.outcome == "refused":
        with pytest.raises(PedagogyError, match=re.compile(odd.why, re.DOTALL)) as refused:
            import_traces([path], out)
        assert odd.name in refused.value.message
        assert not out.exists()
        return
    report = import_traces([path], out)
    found = [json.loads(each) for each in out.read_text().splitlines()]
    assert [{name: row[name] for name in ROWS[0]} for row in found] == ROWS
    notes = [note for note in report.notes if not note.startswith("no question")]
    assert bool(re.search(odd.why, " ".join(notes))) if odd.why else not notes


# --- and besides, anything


@pytest.fixture(scope="module")
def good(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[str, bytes]]:
    folder = tmp_path_factory.mktemp("good")
    return [(odd.name, put(folder, odd).read_bytes()) for odd in ODD if odd.outcome == "same"]


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_a_sound_file_with_any_damage_is_no_traceback(
    data: st.DataObject, good: list[tuple[str, bytes]], place: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    """Bytes taken out, put in, changed; all rows are accounted for, and no code is one that nobody gave."""
    name, whole = data.draw(st.sampled_from(good))
    changed = bytearray(whole)
    for _ in range(data.draw(st.integers(1, 3))):
        start = data.draw(st.integers(0, len(changed)))
        piece = data.draw(
            st.binary(max_size=4) | st.sampled_from([b'"', b",", b"\n", b"\r", b"\x00", b";", b"\xff", b"\\"])
        )
        changed[start : start + data.draw(st.integers(0, 8))] = piece
    folder = tmp_path_factory.mktemp("fuzz")
    (folder / name).write_bytes(changed)
    try:
        report = import_codings(
            [folder / name],
            place / "traces.jsonl",
            folder / "run",
            codebook=place / "tiny.yaml",
            on_error="skip",
            scheme="sentence@1",
        )
    except PedagogyError:
        return
    assert report.rows == report.kept + report.not_coded + report.outside + report.practice + len(
        report.problems
    )
    assert {trace.id for trace in TRACES} >= {trace.id for trace in report.run.traces()}
