"""Runs carried to a later version of their codebook."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from pedagogy_r1.agreement import agree
from pedagogy_r1.coding.migrate import migrate_run
from pedagogy_r1.errors import CodebookError

from .runs import BOOK, make_run

NEXT = (
    BOOK.replace("1.0.0", "2.0.0")
    .replace("{id: A, name: a,", "{id: A2, name: a,")
    .replace(
        "{id: C, name: c,", "{id: C1, name: c1, family: F, short: c, definition: c}\n  - {id: C2, name: c,"
    )
    + "migrations:\n- {version: 1.0.0, renamed: {A: A2}, split: {C: [C1, C2]}}\n"
)


def test_a_run_is_carried_and_what_cannot_be_is_listed(tmp_path: Path, pcode) -> None:  # type: ignore[no-untyped-def]
    old = make_run(tmp_path / "old", {"x": ["A", "B", "C", None, ()], "y": ["A", ("B", "A"), "B", "A", ()]})
    file = tmp_path / "2.0.0.yaml"
    file.write_text(NEXT)
    before = (old.folder / "codings.jsonl").read_bytes()
    moved = migrate_run(old, file, tmp_path / "new")
    assert [(r.unit.text, r.coder, r.codes, r.reason) for r in moved.recode] == [
        ("Sentence 2.", "x", ("C",), "C was split into C1, C2 after 1.0.0")
    ]
    codings = {(c.unit_id, c.coder): c for c in moved.run.codings()}
    by_coder = {name: [c for (_, coder), c in codings.items() if coder == name] for name in "xy"}
    assert [c.codes for c in by_coder["x"]] == [("A2",), ("B",), None, None, ()]
    assert [c.missing_reason for c in by_coder["x"]][2:4] == [
        "recode: C was split into C1, C2 after 1.0.0",
        "not sure",
    ]
    assert [c.codes for c in by_coder["y"]] == [("A2",), ("B", "A2"), ("B",), ("A2",), ()]
    assert all(
        c.carried_from == old.codebook.stamp and c.codebook == moved.run.codebook.stamp
        for c in codings.values()
    )
    assert (moved.same, moved.changed) == (5, 4)
    assert (old.folder / "codings.jsonl").read_bytes() == before
    assert agree([moved.run], replicates=10).codebook.startswith("abc@2.0.0#")
    again = migrate_run(old, file, tmp_path / "new")
    assert len(again.recode) == 1

    result = pcode("codebook", "migrate", old.folder, "--to", file, "-o", tmp_path / "by-command", "--json")
    assert result.exit_code == 1  # done, with something left to recode
    assert json.loads(result.stdout)["recode"][0]["coder"] == "x"


def test_another_codebook_is_refused(tmp_path: Path) -> None:
    old = make_run(tmp_path / "old", {"x": ["A", "B"]})
    file = tmp_path / "other.yaml"
    file.write_text(NEXT.replace("id: abc", "id: other"))
    with pytest.raises(CodebookError, match=r"coded with abc@1\.0\.0, not with other"):
        migrate_run(old, file, tmp_path / "new")
    file.write_text(NEXT.replace("version: 1.0.0", "version: 1.5.0"))
    with pytest.raises(CodebookError, match=r"no migration from version 1\.0\.0"):
        migrate_run(old, file, tmp_path / "new")
