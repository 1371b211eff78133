"""Tables: no row is swallowed, no sheet is passed over without a word, and nothing we write is run by a spreadsheet."""

from __future__ import annotations

import ast
import csv
import io
import zipfile
from datetime import date, datetime, time, timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pedagogy_r1.errors import InputError
from pedagogy_r1.files.records import BadRow, Row, read_rows
from pedagogy_r1.files.spreadsheet import address, neutralise, restore
from pedagogy_r1.files.table_rows import TableHead, csv_rows, put_rows
from tests.conftest import ROOT


def known(names: Any) -> bool:
    return "unit_id" in names


def take(path: Path) -> tuple[list[Row | BadRow], list[str]]:
    head = TableHead(known)
    return list(read_rows(path, head)), head.notes


def test_an_unclosed_quote_swallows_nothing(tmp_path: Path) -> None:
    """50 of 100 codings were lost, with exit 0."""
    lines = ["unit_id,coder,code,memo", *(f"u{n},A,KA-RO," for n in range(100))]
    lines[50] += '"never closed'
    path = tmp_path / "t.csv"
    path.write_text("\n".join(lines) + "\n")
    with pytest.raises(InputError, match=r"t\.csv:51: a quote that opens in line 51 is not closed"):
        list(read_rows(path))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
@pytest.mark.parametrize(
    ("row", "opened", "why"),
    [
        ('u1,A,"x', 2, "is not closed"),
        ('u1,"a\nb","never', 3, "is not closed"),
        ('u1,A,"x"\nu2,A,"y\nu3,A,"z"', 3, "opens in line 3 closes in line 4 in the middle of a cell"),
        ('u1,A,"x" y', 2, "closes in the middle of a cell"),
    ],
)
def test_the_line_where_the_quote_opened_is_named(
    row: str, opened: int, why: str, end: str, tmp_path: Path
) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(f"unit_id,coder,code\n{row}\n".replace("\n", end).encode())
    with pytest.raises(InputError, match=rf"t\.csv:{opened}: .*{why}"):
        list(read_rows(path))


@pytest.mark.parametrize("end", ["\n", "\r\n", "\r"])
def test_line_ends_of_every_system(end: str, tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_bytes(end.join(["unit_id,code", "u1,KA-RO", "", "u2,none"]).encode())
    assert list(read_rows(path)) == [
        Row(2, {"unit_id": "u1", "code": "KA-RO"}),
        Row(4, {"unit_id": "u2", "code": "none"}),
    ]


@pytest.mark.parametrize("first", ["sep=;", '"sep=;"', "SEP=;", "sep=|", "sep=\t"])
def test_a_first_line_that_names_the_delimiter(first: str, tmp_path: Path) -> None:
    sign = first.strip('"')[-1]
    path = tmp_path / "t.csv"
    path.write_text(f"{first}\r\nunit_id{sign}code\r\nu1{sign}a, b\r\n", newline="")
    assert list(read_rows(path)) == [Row(3, {"unit_id": "u1", "code": "a, b"})]


@pytest.mark.parametrize("sign", [",", ";", "\t"])
def test_title_rows_above_the_header(sign: str, tmp_path: Path) -> None:
    text = f"Interview study, wave 2\n\nCoder: A{sign}\nunit_id{sign}code\nu1{sign}KA-RO\n"
    (tmp_path / "t.csv").write_text(text)
    rows, notes = take(tmp_path / "t.csv")
    assert rows == [Row(5, {"unit_id": "u1", "code": "KA-RO"})]
    assert notes == [f"{tmp_path / 't.csv'}: the header is row 4; 2 rows above it are not read"]


@given(st.lists(st.lists(st.text(), min_size=2, max_size=4), min_size=1, max_size=5))
def test_what_is_written_comes_back_and_runs_nothing(table: list[list[str]]) -> None:
    """Any text, carriage returns and quotes among them, cell by cell; blank rows are no rows."""
    head = [f"c{n}" for n in range(4)]
    out = io.StringIO()
    assert put_rows(out, [head, *table]) == len(table)
    rows = list(csv_rows(Path("t.csv"), io.StringIO(out.getvalue(), newline=""), ","))
    back = [[restore(cell or "") for cell in row.data.values()] for row in rows if isinstance(row, Row)]
    assert back == [
        row + [""] * (4 - len(row)) for row in table if any(neutralise(cell).strip() for cell in row)
    ]
    for cells in csv.reader(io.StringIO(out.getvalue(), newline="")):
        assert not any(cell.startswith(("=", "+", "-", "@", "\t", "\r", "\n")) for cell in cells)


def test_numbers_stay_numbers_and_headers_are_cells() -> None:
    out = io.StringIO()
    put_rows(out, [["=cmd|' /C calc'!A0", "n"], [-0.5, True], [None, "-0.5"]])
    assert out.getvalue() == "'=cmd|' /C calc'!A0,n\n-0.5,true\n,'-0.5\n"


def test_one_place_writes_csv() -> None:
    found = []
    for path in sorted((ROOT / "pedagogy_r1").rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            name = (
                node.attr
                if isinstance(node, ast.Attribute)
                else node.id
                if isinstance(node, ast.Name)
                else ""
            )
            base = (
                node.value.id if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) else ""
            )
            if name in ("to_csv", "DictWriter", "write_csv_rows") or (name == "writer" and base == "csv"):
                found.append(path.relative_to(ROOT / "pedagogy_r1").as_posix())
    assert set(found) == {"files/table_rows.py"}


# --- workbooks


def book(path: Path, **sheets: list[list[Any]]) -> openpyxl.Workbook:
    made = openpyxl.Workbook()
    made.remove(made.active)
    for name, rows in sheets.items():
        sheet = made.create_sheet(name)
        for row in rows:
            sheet.append(row)
    made.save(path)
    return made


HEAD = ["unit_id", "coder", "code"]


def test_every_sheet_with_the_header_is_read(tmp_path: Path) -> None:
    path = tmp_path / "t.xlsx"
    book(
        path,
        notes=[["how we coded"], ["2026"]],
        A=[HEAD, ["u1", "A", "x"]],
        B=[["wave 2"], HEAD, ["u1", "B", "y"]],
    )
    rows, notes = take(path)
    assert [(row.sheet, row.line, row.data["coder"]) for row in rows if isinstance(row, Row)] == [
        ("A", 2, "A"),
        ("B", 3, "B"),
    ]
    assert notes == [
        f"{path}[B]: the header is row 2; 1 rows above it are not read",
        f"{path}: sheets not read: 'notes'",
    ]


def test_a_hidden_first_sheet_is_not_read_instead_of_the_visible_one(tmp_path: Path) -> None:
    path = tmp_path / "t.xlsx"
    made = book(path, old=[HEAD, ["u1", "A", "old"]], new=[HEAD, ["u1", "A", "new"]])
    made["old"].sheet_state = "hidden"
    made.save(path)
    rows, notes = take(path)
    assert [row.data["code"] for row in rows if isinstance(row, Row)] == ["new"]
    assert notes == [f"{path}: sheets not read: 'old', which is hidden and has a header that is known"]


def test_two_sheets_without_a_known_header_are_not_guessed_between(tmp_path: Path) -> None:
    book(tmp_path / "t.xlsx", a=[["x"], [1]], b=[["x"], [2]])
    with pytest.raises(InputError, match=r"which of its sheets is meant\? \('a', 'b'\)"):
        list(read_rows(tmp_path / "t.xlsx"))


def test_sheets_without_a_known_header_are_shown_beside_what_is_needed(tmp_path: Path) -> None:
    book(tmp_path / "t.xlsx", a=[["Trace", None, "Quote"], [1, 2, 3]], b=[["x"], [2]])
    head = TableHead(lambda names: "unit_id" in names, "needed: unit_id")
    with pytest.raises(
        InputError, match=r"no sheet has a header that is known \('a': Trace, Quote; 'b': x\)"
    ) as error:
        list(read_rows(tmp_path / "t.xlsx", head))
    assert error.value.hint == "needed: unit_id"


def test_merged_cells_are_named_and_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "t.xlsx"
    made = book(path, s=[["title", None, None], HEAD, ["u1", "A", "x"], ["u2", "A", None], ["u3", "A", "y"]])
    made["s"].merge_cells("A1:C1")
    made["s"].merge_cells("C3:C4")
    made.save(path)
    rows, _ = take(path)
    assert [type(row) for row in rows] == [Row, BadRow, Row]
    assert isinstance(rows[1], BadRow)
    assert rows[1].line == 4
    assert rows[1].why == "cell C4 lies in the merged cells C3:C4: unmerge them, and fill in each"


def test_a_formula_without_a_value_is_named(tmp_path: Path) -> None:
    path = tmp_path / "t.xlsx"
    book(path, s=[HEAD, ["u1", "A", "=UPPER(D2)"], ["u2", "A", "x"]])
    rows, _ = take(path)
    assert isinstance(rows[0], BadRow)
    assert "cell C2 is a formula without a value (=UPPER(D2))" in rows[0].why
    assert isinstance(rows[1], Row)


def test_hidden_rows_are_said(tmp_path: Path) -> None:
    path = tmp_path / "t.xlsx"
    made = book(path, s=[HEAD, ["u1", "A", "x"], ["u2", "A", "y"]])
    made["s"].row_dimensions[3].hidden = True
    made.save(path)
    rows, notes = take(path)
    assert len(rows) == 2
    assert notes == [f"{path}[s]: 1 hidden rows are read like the others"]


def test_a_wrong_dimension_cuts_nothing(tmp_path: Path) -> None:
    path = tmp_path / "t.xlsx"
    book(path, s=[HEAD, ["u1", "A", "x"], ["u2", "A", "y"]])
    with zipfile.ZipFile(path) as file:
        parts = {name: file.read(name) for name in file.namelist()}
    sheet = "xl/worksheets/sheet1.xml"
    parts[sheet] = parts[sheet].replace(b'ref="A1:C3"', b'ref="A1:B2"')
    with zipfile.ZipFile(path, "w") as file:
        for name, data in parts.items():
            file.writestr(name, data)
    assert [row.data["code"] for row in take(path)[0] if isinstance(row, Row)] == ["x", "y"]


def test_a_bomb_is_refused_before_it_is_opened(tmp_path: Path) -> None:
    path = tmp_path / "t.xlsx"
    book(path, s=[HEAD])
    with zipfile.ZipFile(path, "a", zipfile.ZIP_DEFLATED) as file, file.open("xl/bomb.xml", "w") as entry:
        for _ in range(210):
            entry.write(b" " * 2**20)
    assert path.stat().st_size < 2**20
    with pytest.raises(InputError, match=r"xl/bomb\.xml unpacks to more than 200 MiB"):
        take(path)


def test_a_document_type_in_a_workbook_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "t.xlsx"
    book(path, s=[HEAD])
    with zipfile.ZipFile(path, "a") as file:
        file.writestr("xl/evil.xml", '<?xml version="1.0"?><!DOCTYPE x [<!ENTITY a "b">]><x/>')
    with pytest.raises(InputError, match="document type declaration"):
        take(path)


@pytest.mark.parametrize(
    ("inside", "why"), [("EncryptedPackage", "is password-protected"), ("Workbook", "Excel 97")]
)
def test_a_workbook_with_a_password_is_said_to_have_one(inside: str, why: str, tmp_path: Path) -> None:
    path = tmp_path / "t.xlsx"
    path.write_bytes(
        b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + b"\0" * 500 + inside.encode("utf-16-le") + b"\0" * 500
    )
    with pytest.raises(InputError, match=why):
        take(path)


# --- OpenDocument: as LibreOffice 7.4 writes it, less its styles

ODS = """<?xml version="1.0" encoding="UTF-8"?>
<office:document-content xmlns:office="urn:oasis:names:tc:opendocument:xmlns:office:1.0"
 xmlns:style="urn:oasis:names:tc:opendocument:xmlns:style:1.0" xmlns:text="urn:oasis:names:tc:opendocument:xmlns:text:1.0"
 xmlns:table="urn:oasis:names:tc:opendocument:xmlns:table:1.0"
 xmlns:calcext="urn:org:documentfoundation:names:experimental:calc:xmlns:calcext:1.0">
<office:automatic-styles>
<style:style style:name="ta1" style:family="table"><style:table-properties table:display="true"/></style:style>
<style:style style:name="ta2" style:family="table"><style:table-properties table:display="false"/></style:style>
</office:automatic-styles><office:body><office:spreadsheet>{}</office:spreadsheet></office:body></office:document-content>"""


def ods(path: Path, *tables: str) -> Path:
    with zipfile.ZipFile(path, "w") as file:
        file.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        file.writestr("content.xml", ODS.format("".join(tables)))
    return path


def table(name: str, *rows: str, style: str = "ta1") -> str:
    inside = "".join(row if row.startswith("<") else line(*row.split("|")) for row in rows)
    return f'<table:table table:name="{name}" table:style-name="{style}">{inside}</table:table>'


def line(*cells: str) -> str:
    made = "".join(
        f"<table:table-cell office:value-type='string'><text:p>{cell}</text:p></table:table-cell>"
        if cell
        else "<table:table-cell/>"
        for cell in cells
    )
    return (
        f'<table:table-row>{made}<table:table-cell table:number-columns-repeated="16000"/></table:table-row>'
    )


def test_ods_is_read_like_xlsx(tmp_path: Path) -> None:
    rows = [
        "Study 2",
        '<table:table-row table:number-rows-repeated="2"><table:table-cell/></table:table-row>',
        "unit_id|coder|code|memo",
        "u1|A|KA-RO|two<text:s text:c='2'/>spaces<text:line-break/>and <text:span>a line</text:span>",
        "<table:table-row table:number-rows-repeated='2'><table:table-cell office:value-type='float' office:value='7'>"
        "<text:p>7</text:p></table:table-cell><table:table-cell table:number-columns-repeated='2' "
        "office:value-type='string'><text:p>x</text:p></table:table-cell></table:table-row>",
        "<table:table-row table:number-rows-repeated='1048560'><table:table-cell table:number-columns-repeated='16384'/></table:table-row>",
    ]
    path = ods(tmp_path / "t.ods", table("old", "unit_id|code", "u1|no", style="ta2"), table("A", *rows))
    found, notes = take(path)
    assert [row.line for row in found] == [5, 6, 7]
    assert [row.data for row in found if isinstance(row, Row)] == [
        {"unit_id": "u1", "coder": "A", "code": "KA-RO", "memo": "two  spaces\nand a line"},
        {"unit_id": "7", "coder": "x", "code": "x", "memo": None},
        {"unit_id": "7", "coder": "x", "code": "x", "memo": None},
    ]
    assert notes == [
        f"{path}[A]: the header is row 4; 1 rows above it are not read",
        f"{path}: sheets not read: 'old', which is hidden and has a header that is known",
    ]


@pytest.mark.parametrize(
    ("value", "form", "kind", "stored", "shown"),
    [
        (12_300_000_000, "0.00E+00", "float", "value='12300000000'", "1.23E+10"),
        (123456789012345, "General", "float", "value='123456789012345'", "1.23456789012345E+14"),
        (3.14159265, "0.00", "float", "value='3.14159265'", "3,14"),
        (-0.000001, "General", "float", "value='-1E-06'", "-1E-06"),
        (1234567.5, "#,##0", "float", "value='1234567.5'", "1.234.568"),
        (0.5, "0%", "percentage", "value='0.5'", "50%"),
        (1, "0%", "percentage", "value='1'", "100%"),
        (9.9, "0.00 EUR", "currency", "currency='EUR' office:value='9.9'", "9,90 EUR"),
        (date(2026, 1, 2), "dd.mm.yy", "date", "date-value='2026-01-02'", "02.01.26"),
        (datetime(2026, 1, 2, 10, 30), "yyyy-mm-dd h:mm", "date", "date-value='2026-01-02T10:30:00'", "2026-01-02 10:30"),
        (time(9, 5), "h:mm AM/PM", "time", "time-value='PT09H05M00S'", "9:05 AM"),
        (timedelta(hours=9, minutes=5), "[h]:mm", "time", "time-value='PT09H05M00S'", "9:05"),
        (timedelta(hours=36), "[h]:mm", "time", "time-value='PT36H00M00S'", "36:00"),
        (True, "General", "boolean", "boolean-value='true'", "WAHR"),
        ("1.23E+10", "@", "string", "", "1.23E+10"),
        ("#N/A", "General", "string", "string-value='' calcext:value-type='error'", "#N/A"),
    ],
)  # fmt: skip
def test_an_ods_cell_is_read_as_stored_and_not_as_shown(
    value: Any, form: str, kind: str, stored: str, shown: str, tmp_path: Path
) -> None:
    """Issue 11, ``.ods`` works: the same sheet as XLSX and as ODS is the same rows; shown are rounded numbers, and words of a country."""
    made = book(tmp_path / "t.xlsx", A=[HEAD, ["u1", "A", value]])
    made["A"]["C2"].number_format = form
    made.save(tmp_path / "t.xlsx")
    cell = (
        f"<table:table-cell office:value-type='{kind}' office:{stored}>"
        if stored
        else "<table:table-cell office:value-type='string'>"
    )
    row = line("u1", "A").replace(
        "<table:table-cell table:",
        f"{cell}<text:p>{shown}</text:p></table:table-cell><table:table-cell table:",
    )
    (there,), _ = take(tmp_path / "t.xlsx")
    (here,), _ = take(ods(tmp_path / "t.ods", table("A", "|".join(HEAD), row)))
    assert here == there
    assert isinstance(here, Row)
    assert here.data["code"] == shown or kind != "string"


@pytest.mark.parametrize(
    ("kind", "stored", "read"),
    [
        ("float", "value='many'", "many"),
        ("float", f"value='{'9' * 5000}'", "9" * 5000),
        ("date", "date-value='soon'", "soon"),
        ("date", "date-value='-0044-03-15'", "-0044-03-15"),
        ("time", "time-value='P1Y'", "P1Y"),
        ("time", f"time-value='PT{'9' * 40}H'", f"PT{'9' * 40}H"),
        ("float", "value=''", "shown"),
        ("string", "string-value='hidden'", "shown"),
        ("", "value='7'", "shown"),
    ],
)
def test_a_value_of_ods_that_is_not_what_it_says_is_kept_as_it_stands(
    kind: str, stored: str, read: str, tmp_path: Path
) -> None:
    row = f"<table:table-row><table:table-cell><text:p>u1</text:p></table:table-cell><table:table-cell office:value-type='{kind}' office:{stored}><text:p>shown</text:p></table:table-cell></table:table-row>"
    (found,), _ = take(ods(tmp_path / "t.ods", table("A", "unit_id|code", row)))
    assert isinstance(found, Row)
    assert found.data["code"] == read


def test_merged_and_uncomputed_cells_of_ods(tmp_path: Path) -> None:
    rows = [
        "unit_id|code",
        "<table:table-row><table:table-cell><text:p>u1</text:p></table:table-cell>"
        "<table:table-cell table:number-rows-spanned='2'><text:p>x</text:p></table:table-cell></table:table-row>",
        "<table:table-row><table:table-cell><text:p>u2</text:p></table:table-cell><table:covered-table-cell/></table:table-row>",
        "<table:table-row><table:table-cell><text:p>u3</text:p></table:table-cell>"
        "<table:table-cell table:formula='of:=UPPER([.A1])'/></table:table-row>",
    ]
    found, _ = take(ods(tmp_path / "t.ods", table("A", *rows)))
    assert [type(row) for row in found] == [Row, BadRow, BadRow]
    assert [row.why.partition(":")[0] for row in found if isinstance(row, BadRow)] == [
        "cell B3 lies in the merged cells B2",
        "cell B4 is a formula without a value (of",
    ]


def test_an_ods_that_says_a_text_a_million_times_is_refused(tmp_path: Path) -> None:
    row = (
        "<table:table-row table:number-rows-repeated='1048000'><table:table-cell table:number-columns-repeated='16000'>"
        "<text:p>x</text:p></table:table-cell></table:table-row>"
    )
    with pytest.raises(InputError, match="many times"):
        take(ods(tmp_path / "t.ods", table("A", "unit_id|code", row)))


@given(st.integers(1, 20_000))
def test_addresses_are_openpyxls(column: int) -> None:
    if column <= 18_278:
        assert address(3, column) == f"{openpyxl.utils.get_column_letter(column)}3"
