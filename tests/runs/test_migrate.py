"""Runs carried to a later version of their codebook."""

from __future__ import annotations

import csv
import json
from pathlib import Path

import pytest

from pedagogy_r1.agreement import agree
from pedagogy_r1.errors import CodebookError
from pedagogy_r1.runs.migrate import migrate_run
from pedagogy_r1.runs.run import CoderRun

from ..make_runs import BOOK, make_run

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


def test_what_has_to_be_recoded_is_a_table_that_can_be_imported(tmp_path: Path, pcode) -> None:  # type: ignore[no-untyped-def]
    old = make_run(tmp_path / "old", {"x": ["A", "B", "C", "C"], "y": ["A", ("C", "A"), "B", "A"]})
    book = tmp_path / "2.0.0.yaml"
    book.write_text(NEXT)
    new = migrate_run(old, book, tmp_path / "new").run.folder
    with (new / "recode.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert list(rows[0]) == [
        "unit_id",
        "trace_id",
        "start",
        "end",
        "quote",
        "coder",
        "code",
        "was",
        "reason",
        "memo",
        "kind",
    ]
    assert [(r["quote"], r["coder"], r["code"], r["was"]) for r in rows] == [
        ("Sentence 1.", "y", "", "C; A"),
        ("Sentence 2.", "x", "", "C"),
        ("Sentence 3.", "x", "", "C"),
    ]
    for row, code in zip(rows, ("C1; A2", "C2", "C1"), strict=True):
        row["code"] = code
    with (new / "recode.csv").open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    filled = (new / "recode.csv").read_bytes()
    again = pcode("codebook", "migrate", old.folder, "--to", book, "-o", new)
    assert "3 codings have to be made again" in again.stderr
    assert "recode.csv" in again.stderr
    assert (new / "recode.csv").read_bytes() == filled  # work is not overwritten

    recoded = tmp_path / "recoded"
    done = pcode("import", new / "recode.csv", "--units", new, "--codebook", book, "-o", recoded)
    assert done.exit_code == 0, done.stderr
    report = agree([new, recoded], replicates=10)
    (comparison,) = report.comparisons
    assert (report.n_units, comparison.coders) == (4, ("x", "y"))
    assert {unit.text: unit.codes for unit in report.disagreed}["Sentence 1."] == {"x": "B", "y": "C1"}
    (second,) = [c for c in CoderRun(recoded).codings() if c.coder == "y"]
    assert second.codes == ("C1", "A2")


def test_a_book_with_errors_is_refused(tmp_path: Path) -> None:
    old = make_run(tmp_path / "old", {"x": ["A", "B"]})
    file = tmp_path / "2.0.0.yaml"
    file.write_text(NEXT.replace("families: [{id: F, name: f}]", "families: [{id: F, name: f}]\nfallback: Z"))
    with pytest.raises(CodebookError, match=r"no code 'Z'(.|\n)*pcode codebook check"):
        migrate_run(old, file, tmp_path / "new")
    assert not (tmp_path / "new").exists()


def demo_codings(tmp_path: Path, pcode) -> Path:  # type: ignore[no-untyped-def]
    """The sample's codings, made under schoen@1.0.0."""
    demo, run = Path(__file__).parents[2] / "demo", tmp_path / "humans"
    files = (demo / "coder_A.csv", demo / "coder_B.csv", "--traces", demo / "traces.jsonl")
    made = pcode("import", *files, "--scheme", "sentence@1", "--codebook", "schoen@1.0.0", "-o", run)
    assert made.exit_code == 0, made.stderr
    return run


def test_codings_of_schoen_100_are_carried_to_110_and_split_codes_listed(tmp_path: Path, pcode) -> None:  # type: ignore[no-untyped-def]
    """Issue 13, §1: codes that kept their meaning are carried; what was split has to be coded again."""
    old = CoderRun(demo_codings(tmp_path, pcode))
    moved = migrate_run(old, "schoen@1.1.0", tmp_path / "new")
    split = {"IA-SQ", "IA-MT", "OA-SR", "OA-RB"}
    before = {(c.unit_id, c.coder): c.codes for c in old.codings()}
    after = {(c.unit_id, c.coder): c.codes for c in moved.run.codings()}
    assert before.keys() == after.keys()
    for key, codes in before.items():
        assert after[key] == (None if codes is None or split & set(codes) else codes), key
    assert len(moved.recode) == sum(bool(codes and split & set(codes)) for codes in before.values())
    assert {r.codes for r in moved.recode} >= {("IA-SQ",), ("OA-SR",), ("OA-RB",)}
    assert moved.changed == 0
    reasons = {r.codes: r.reason for r in moved.recode}
    assert reasons["OA-SR",] == "OA-SR was split into KA-CL, KA-RO, UT-NF after 1.0.0"


def test_codings_are_carried_to_a_book_of_the_same_version_with_other_cues(tmp_path: Path) -> None:
    """Coders read no cues: a book whose cues were repaired before its release takes the codings made under the draft."""
    old = make_run(tmp_path / "old", {"x": ["A", "B", None]})
    file = tmp_path / "1.0.0.yaml"
    file.write_text(BOOK.replace("{id: A, name: a,", "{id: A, cues: [wait], name: a,"))
    moved = migrate_run(old, file, tmp_path / "new")
    assert moved.run.codebook.digest != old.codebook.digest
    assert [c.codes for c in moved.run.codings()] == [c.codes for c in old.codings()]
    assert (moved.same, moved.changed, moved.recode) == (3, 0, [])
