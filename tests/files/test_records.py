"""Files of records: what is lost when something breaks (nothing that was said to be written)."""

from __future__ import annotations

import json
from pathlib import Path

import openpyxl
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from pedagogy_r1.errors import InputError
from pedagogy_r1.files.ledger import Ledger
from pedagogy_r1.files.records import BadRow, Row, atomic, read_rows, write_jsonl

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=5,
)


def test_bad_lines_are_reported_and_good_ones_kept(tmp_path: Path) -> None:
    path = tmp_path / "t.jsonl"
    path.write_bytes(b'\xef\xbb\xbf{"a": 1}\n\n{"a": \n[1]\n{"a": "\xff"}\n{"a": 2}')
    rows = list(read_rows(path))
    assert [r.line for r in rows] == [1, 3, 4, 5, 6]
    assert [r.data for r in rows if isinstance(r, Row)] == [{"a": 1}, {"a": 2}]
    why = [r.why for r in rows if isinstance(r, BadRow)]
    assert "bad JSON" in why[0]
    assert "found list" in why[1]
    assert "not UTF-8" in why[2]


def test_csv_lines_count_as_an_editor_shows_them(tmp_path: Path) -> None:
    path = tmp_path / "t.csv"
    path.write_text('a,b\n"two\nlines",x\n\n3,\n4,5,6\n', encoding="utf-8")
    rows = list(read_rows(path))
    assert rows[0] == Row(2, {"a": "two\nlines", "b": "x"})
    assert rows[1] == Row(5, {"a": "3", "b": None})
    assert isinstance(rows[2], BadRow)
    assert rows[2].line == 6


def test_the_same_table_in_every_format(tmp_path: Path) -> None:
    """Written by pandas and openpyxl, not by us."""
    frame = pd.DataFrame({"a": ["x", "–3 ≤ y", None], "n": ["1", "2", "3"]})
    frame.to_csv(tmp_path / "t.csv", index=False)
    frame.to_csv(tmp_path / "t.tsv", index=False, sep="\t")
    frame.to_excel(tmp_path / "t.xlsx", index=False)
    frame.to_parquet(tmp_path / "t.parquet")
    frame.to_json(tmp_path / "t.jsonl", orient="records", lines=True)
    frame.to_json(tmp_path / "t.json", orient="records")
    expected = [{"a": "x", "n": "1"}, {"a": "–3 ≤ y", "n": "2"}, {"a": None, "n": "3"}]
    for suffix in ("csv", "tsv", "xlsx", "parquet", "jsonl", "json"):
        rows = list(read_rows(tmp_path / f"t.{suffix}"))
        assert [r.data for r in rows if isinstance(r, Row)] == expected, suffix


def test_headers_are_checked(tmp_path: Path) -> None:
    (tmp_path / "twice.csv").write_text("a,a\n1,2\n")
    with pytest.raises(InputError, match=r"twice\.csv:1: column 'a' appears twice"):
        list(read_rows(tmp_path / "twice.csv"))
    (tmp_path / "empty.csv").write_text("")
    with pytest.raises(InputError, match="no header row"):
        list(read_rows(tmp_path / "empty.csv"))
    (tmp_path / "empty.doc").touch()
    openpyxl.Workbook().save(tmp_path / "empty.xlsx")
    with pytest.raises(InputError, match="no header row"):
        list(read_rows(tmp_path / "empty.xlsx"))
    with pytest.raises(InputError, match="cannot tell the format"):
        read_rows(tmp_path / "empty.doc")


def test_elements_of_an_array_lie_on_their_lines(tmp_path: Path) -> None:
    (tmp_path / "t.json").write_text(
        '\ufeff[\n {"a": 1},\n\n {"a":\n  2}, {"a": 3},\n 5]\n', encoding="utf-8"
    )
    *rows, bad = read_rows(tmp_path / "t.json")
    assert rows == [Row(2, {"a": 1}, 1), Row(4, {"a": 2}, 2), Row(5, {"a": 3}, 3)]
    assert bad == BadRow(6, "element 4: expected a JSON object, found int", "5")


@pytest.mark.parametrize(
    ("text", "good", "line", "why", "raw"),
    [
        ('[\n{"a": 1},\n{"b":\n  oops}, {"c": 2}]\n', 1, 4, "nothing behind element 1", '{"b":\n  oops}, {"c": 2}]'),
        ('[{"a": 1}\n{"b": 2}]', 1, 2, "Expecting ',' or ']'", '{"b": 2}]'),
        ('[{"a": 1},\n {"b": 2}', 2, 2, "Expecting ',' or ']'", ""),
        ('[{"a": 1}]\n\n{"b": 2}', 1, 3, "Extra data", '{"b": 2}'),
        ("[\n{'a': 1}]", 0, 2, "no element was read", "{'a': 1}]"),
        ('{"a":\n 1', 0, 2, "one array of objects", '{"a":\n 1'),
    ],
)  # fmt: skip
def test_what_stands_before_an_error_in_an_array_is_kept(
    text: str, good: int, line: int, why: str, raw: str, tmp_path: Path
) -> None:
    (tmp_path / "t.json").write_text(text)
    *rows, bad = read_rows(tmp_path / "t.json")
    assert [type(row) for row in rows] == [Row] * good
    assert isinstance(bad, BadRow)
    assert (bad.line, bad.raw) == (line, raw)
    assert why in bad.why


def test_an_array_that_is_not_utf8_from_somewhere_on(tmp_path: Path) -> None:
    (tmp_path / "t.json").write_bytes(b'[{"a": 1},\n{"b": "x\xff"}]')
    assert list(read_rows(tmp_path / "t.json")) == [
        Row(1, {"a": 1}, 1),
        BadRow(2, "not UTF-8 (byte 20); nothing behind element 1 was read", '{"b": "x\\xff"}]'),
    ]


def test_bad_json_in_a_line_names_its_column_only(tmp_path: Path) -> None:
    (tmp_path / "t.jsonl").write_text('{"a": 1}\n{"a": 1\n')
    (bad,) = (row for row in read_rows(tmp_path / "t.jsonl") if isinstance(row, BadRow))
    assert bad == BadRow(2, "bad JSON: Expecting ',' delimiter (column 8)", '{"a": 1')


@pytest.mark.parametrize("delimiter", [";", "\t"])
def test_a_csv_without_commas_in_its_header(delimiter: str, tmp_path: Path) -> None:
    lines = ['\ufeff"a"|b', '"1|5"|x, y', "2|"]
    text = "\n".join(lines).replace("|", delimiter) + "\n"
    (tmp_path / "t.csv").write_text(text, encoding="utf-8")
    assert list(read_rows(tmp_path / "t.csv")) == [
        Row(2, {"a": f"1{delimiter}5", "b": "x, y"}),
        Row(3, {"a": "2", "b": None}),
    ]
    (tmp_path / "t.csv").write_text("a,b;c\n1,2;3\n")
    assert list(read_rows(tmp_path / "t.csv")) == [Row(2, {"a": "1", "b;c": "2;3"})]


def test_a_directory_is_told_from_nothing_at_all(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="is a directory"):
        read_rows(tmp_path)
    with pytest.raises(InputError, match="no such file"):
        read_rows(tmp_path / "t.csv")


@given(st.binary(max_size=300), st.sampled_from(["jsonl", "json", "csv", "tsv", "xlsx", "parquet"]))
def test_any_bytes_give_rows_or_an_input_error(
    tmp_path_factory: pytest.TempPathFactory, data: bytes, suffix: str
) -> None:
    path = tmp_path_factory.mktemp("fuzz") / f"t.{suffix}"
    path.write_bytes(data)
    try:
        rows = list(read_rows(path))
    except InputError as error:
        rows, message = [], error.message
    else:
        message = str(path)
        if suffix == "jsonl":
            assert len(rows) == sum(
                1 for line in data.removeprefix(b"\xef\xbb\xbf").split(b"\n") if line.strip()
            )
    assert str(path) in message
    assert all(isinstance(row, Row | BadRow) for row in rows)


def test_atomic_leaves_the_old_file_when_writing_fails(tmp_path: Path) -> None:
    path = tmp_path / "f.txt"
    path.write_text("old")
    with pytest.raises(ValueError), atomic(path) as file:  # noqa: PT012 - the failure must come after the first write
        file.write("half")
        file.seek(-1)
    assert path.read_text() == "old"
    assert [p.name for p in tmp_path.iterdir()] == ["f.txt"]


@pytest.mark.filterwarnings("ignore::pedagogy_r1.errors.LedgerWarning")
@given(st.lists(st.builds(lambda value: {"value": value}, json_values), max_size=6), st.integers(0, 60))
def test_a_torn_last_line_is_cut_off(
    tmp_path_factory: pytest.TempPathFactory, values: list[dict[str, object]], cut: int
) -> None:
    """Cut the file anywhere: what remains is a prefix of the values, and appending goes on from there.

    An object that lacks nothing but its newline is whole: an editor takes newlines off.
    """
    path = tmp_path_factory.mktemp("ledger") / "l.jsonl"
    ledger = Ledger(path)
    offsets, ends = [], []
    for value in values:
        offsets.append(ledger.append(value))
        ends.append(ledger.size)
    assert [ledger.at(offset) for offset in offsets] == values
    ledger.close()
    whole = path.read_bytes()
    path.write_bytes(whole[: max(0, len(whole) - cut)])
    again = Ledger(path)
    kept = [value for _, value in again]
    assert kept == values[: sum(end - 1 <= len(whole) - cut for end in ends)]
    again.append({"after": 1})
    assert [value for _, value in again] == [*kept, {"after": 1}]
    again.close()


def test_write_jsonl_counts(tmp_path: Path) -> None:
    assert write_jsonl(tmp_path / "t.jsonl", iter([{"a": "é"}, {"a": 2}])) == 2
    assert [json.loads(line) for line in (tmp_path / "t.jsonl").open(encoding="utf-8")] == [
        {"a": "é"},
        {"a": 2},
    ]


@pytest.mark.parametrize("body", [b"\x80", b'[1, "\xc3\xa9\x80"]', b'[{"a": "\xed\x95\x9c\x80"}]'])
def test_a_mark_before_bytes_that_are_no_utf8(tmp_path: Path, body: bytes) -> None:
    """The decoder that knows of the mark counts from behind it; cutting there would split a character in two."""
    path = tmp_path / "a.json"
    path.write_bytes(b"\xef\xbb\xbf" + body)
    rows = list(read_rows(path))
    assert [type(row).__name__ for row in rows][-1] == "BadRow"
    assert f"byte {3 + body.index(0x80) + 1}" in rows[-1].why  # type: ignore[union-attr]
