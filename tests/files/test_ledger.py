"""An append-only file under faults: a full disk, a power cut, lines that are none."""

from __future__ import annotations

import contextlib
import json
import os
import zlib
from pathlib import Path

import pytest

from pedagogy_r1.errors import DiskError, LedgerWarning, RunError
from pedagogy_r1.files.ledger import Ledger
from pedagogy_r1.files.records import atomic, whole_text, write_text

from ..full_disk import room_for


def line(number: int, body: str) -> bytes:
    """An object's line as a ledger writes it, worked out by hand."""
    told = f'{body[:-1]},"sum":"{number}-'.encode()
    return told + b'%08x"}\n' % zlib.crc32(told)


@pytest.mark.parametrize("room", range(0, 90, 7))
def test_a_full_disk_leaves_whole_lines_and_nothing_is_glued(tmp_path: Path, room: int) -> None:
    path = tmp_path / "l.jsonl"
    ledger, kept = Ledger(path), []
    with room_for(room):
        for number in range(20):
            with contextlib.suppress(DiskError):
                ledger.append({"n": number, "memo": "x" * 10}, sync=True)
                kept.append(number)
        with pytest.raises(DiskError, match=r"l\.jsonl was not written"):
            ledger.append("x" * 100)
        assert path.read_bytes() == b"".join(
            line(at, f'{{"n":{n},"memo":"xxxxxxxxxx"}}') for at, n in enumerate(kept, 1)
        )
    assert len(kept) < 20
    ledger.append({"n": 99})
    ledger.close()
    again = Ledger(path)
    assert [value["n"] for _, value in again] == [*kept, 99]
    again.close()


def test_a_ledger_that_cannot_take_a_part_back_takes_nothing_more(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l.jsonl")
    ledger.append({"n": 1})
    handle = ledger._file
    ledger._file = os.open(tmp_path / "l.jsonl", os.O_RDONLY)  # can neither be written nor be cut
    with pytest.raises(OSError, match="Bad file descriptor"):
        ledger.append({"n": 2})
    ledger._file = handle
    with pytest.raises(DiskError, match="failed in the middle of a line"):
        ledger.append({"n": 3})
    assert (tmp_path / "l.jsonl").read_bytes() == line(1, '{"n":1}')


@pytest.mark.parametrize(
    "tail", [b"\0" * 40, b'{"n":2,"me\0\0\0\0', b'{"n":2}\0\0\0\n', b"\0\0\n\0\0\0\n", b'{"n":2,"memo":"a']
)
def test_what_a_power_cut_leaves_is_cut_off_and_said(tmp_path: Path, tail: bytes) -> None:
    path = tmp_path / "l.jsonl"
    path.write_bytes(b'{"n":1}\n' + tail)
    with pytest.warns(LedgerWarning, match=f"{len(tail)} bytes behind the last whole line were cut off"):
        ledger = Ledger(path)
    ledger.append({"n": 2})
    ledger.close()
    assert path.read_bytes() == b'{"n":1}\n' + line(2, '{"n":2}')


def test_a_line_that_lacks_its_newline_alone_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "l.jsonl"
    path.write_bytes(b'{"n":1}\n{"n":2}')
    ledger = Ledger(path)
    ledger.append({"n": 3})
    assert [value["n"] for _, value in ledger] == [1, 2, 3]
    ledger.close()


def test_lines_that_are_no_json_are_left_out_and_said(tmp_path: Path) -> None:
    path = tmp_path / "l.jsonl"
    nested = b"[" * 100_000 + b"]" * 100_000
    path.write_bytes(b'{"n":1}\n{"n":2,"at{"n":3}\n' + nested + b'\n\xff\n{"n":4}\n')
    ledger = Ledger(path)
    with pytest.warns(
        LedgerWarning, match=r"3 lines \(the first is 2\) cannot be read, or not as written; left out"
    ):
        assert [(value["n"], ledger.at(offset)) for offset, value in ledger] == [(1, {"n": 1}), (4, {"n": 4})]
    ledger.close()


def test_half_a_character_does_not_make_a_line_unreadable(tmp_path: Path) -> None:
    ledger = Ledger(tmp_path / "l.jsonl")
    ledger.append({"memo": "a\ud800b"})
    assert [json.loads(raw)["memo"] for raw in (tmp_path / "l.jsonl").open("rb")] == ["a\ud800b"]
    assert [value for _, value in ledger] == [{"memo": "a\ud800b"}]
    assert whole_text("a\ud800b") == "a�b"
    ledger.close()


def test_a_whole_file_on_a_full_disk_is_the_one_before(tmp_path: Path) -> None:
    path = tmp_path / "run.json"
    write_text(path, "before")
    with room_for(100), pytest.raises(DiskError, match=r"run\.json was not written"):
        write_text(path, "x" * 1000)
    assert path.read_text() == "before"
    assert [p.name for p in tmp_path.iterdir()] == ["run.json"]


def test_a_link_stays_one_and_a_device_is_no_file_to_be_replaced(tmp_path: Path) -> None:
    (tmp_path / "real.csv").write_text("before")
    (tmp_path / "link.csv").symlink_to("real.csv")
    write_text(tmp_path / "link.csv", "after")
    assert (tmp_path / "link.csv").is_symlink()
    assert (tmp_path / "real.csv").read_text() == "after"
    (tmp_path / "null").symlink_to("/dev/null")
    write_text(tmp_path / "null", "gone")
    assert Path("/dev/null").is_char_device()
    with pytest.raises(DiskError, match="the disk is full"), atomic("/dev/full") as file:
        file.write("x")
    assert Path("/dev/full").is_char_device()


@pytest.mark.parametrize(
    ("what", "said"),
    [("deleted", "moved or deleted"), ("moved", "moved or deleted"), ("replaced", "replaced by another file"),
     ("shortened", "was changed"), ("emptied", "was changed"), ("added to", "was changed")],
)  # fmt: skip
def test_nothing_is_said_to_be_saved_in_a_file_that_is_not_there_any_more(
    tmp_path: Path, what: str, said: str
) -> None:
    """As a synchronised folder, an editor or a second checkout does it, while the file is open."""
    path = tmp_path / "l.jsonl"
    ledger = Ledger(path)
    ledger.append({"n": 1})
    ledger.append({"n": 2})
    whole = path.read_bytes()
    if what == "deleted":
        path.unlink()
    elif what == "moved":
        path.rename(tmp_path / "elsewhere")
    elif what == "replaced":
        (tmp_path / "copy").write_bytes(whole)
        (tmp_path / "copy").replace(path)
    else:
        path.write_bytes({"shortened": whole[:-9], "emptied": b"", "added to": whole * 2}[what])
    there = path.read_bytes() if path.exists() else None
    for _ in range(2):
        with pytest.raises(RunError, match=said):
            ledger.append({"n": 3}, sync=True)
        assert (path.read_bytes() if path.exists() else None) == there  # nothing is glued to it
    path.write_bytes(whole)
    ledger.close()
    assert [value for _, value in Ledger(path)] == [{"n": 1}, {"n": 2}]
