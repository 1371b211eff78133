"""The next version of a codebook: drafted from the file and the disagreements, filled in, coded with, compared."""

from __future__ import annotations

import json
from pathlib import Path

import krippendorff
import numpy as np
import pytest

from pedagogy_r1.agreement import disagreements, drift
from pedagogy_r1.codebook import find_codebook, load_codebook, parse_codebook
from pedagogy_r1.codebook.bump import NotedDisagreements, draft, draft_for, next_version, read_disagreements
from pedagogy_r1.codebook.check import check_codebook
from pedagogy_r1.codebook.codebook import migration_map
from pedagogy_r1.errors import CodebookError, InputError
from pedagogy_r1.runs.migrate import migrate_run

from ..make_runs import BOOK, make_run

BLOCK = """\
# A book with remarks.
id: abc  # its name
version: "1.1.0"
title: three codes
about: |
  Text with
  migrations: none
families:
- {id: F, name: f}
codes:
# -------- A
- id: A   # the first
  name: a
  family: F
  short: a
  definition: >-
    A long
    definition.
  rules:
  # as agreed in May
  - {against: B, rule: first come}
- id: B
  name: b
  family: F
  short: b
  definition: b
"""


def noted(*texts: str, codes: tuple[str, str] = ("A", "B"), stamp: str = "") -> NotedDisagreements:
    units = [
        {
            "trace_id": f"t{i}",
            "text": text,
            "said": [{"coder": "x", "codes": ["A"]}, {"coder": "y", "codes": []}],
        }
        for i, text in enumerate(texts)
    ]
    pair = {
        "codes": codes,
        "count": 7,
        "share": 0.7,
        "undecided": "no rule decides between A and B",
        "units": units,
    }
    return NotedDisagreements.model_validate({"codebook": stamp, "n_disagreements": 10, "pairs": [pair]})


def test_the_shipped_book_keeps_every_line(tmp_path: Path) -> None:
    source = find_codebook("schoen@1.0.0").read_text(encoding="utf-8")
    out = tmp_path / "schoen" / "1.1.0.yaml"
    made = draft_for("schoen@1.0.0", "minor", out)
    assert made.comments_kept
    lines = made.text.splitlines()
    start = lines.index(
        "# Ten codes for reflective practice in a model's reasoning about teaching. A released file never changes:"
    )
    kept = lines[start : start + len(source.splitlines())]
    assert kept == source.replace("version: 1.0.0", "version: 1.1.0", 1).splitlines()
    old, new = load_codebook("schoen@1.0.0"), parse_codebook(made.text)
    assert new.model_copy(update={"version": "1.0.0", "migrations": []}) == old
    assert [step.version for step in new.migrations] == ["1.0.0"]
    out.parent.mkdir()
    out.write_text(made.text, encoding="utf-8")
    assert check_codebook(out) == []


@pytest.mark.parametrize(
    "tail",
    [
        "",
        "migrations: []\n",
        "migrations: []  # none so far\n# the end\n",
        "migrations:\n# from the pilot\n- version: 1.0.0\n  renamed: {Q: A}  # was Q\n\n# the end\n",
        "migrations:\n  - version: 1.0.0\n    renamed: {Q: A}\nlang: ko\n",
        "migrations: [{version: 1.0.0, renamed: {Q: A}}]\n",
        "migrations: [\n  {version: 1.0.0, renamed: {Q: A}}  # was Q\n]\n",
        "lang: en",
        "lang: en\n...\n",
        "source: |\n  Some\n  text\n\n\n",
    ],
)
def test_wherever_the_migrations_stand(tail: str) -> None:
    source = BLOCK + tail
    made = draft(source, "1.2.0", noted("One.", "Two."))
    old, new = parse_codebook(source), parse_codebook(made.text)
    assert made.comments_kept
    for words in ("# A book with remarks.", "# its name", "# the first", "# as agreed in May"):
        assert words in made.text
    for remark in ("# none so far", "# the end", "# was Q", "# from the pilot"):
        assert (remark in made.text) == (remark in source)
    assert new.model_copy(update={"version": "1.1.0", "migrations": old.migrations}) == old
    assert {step.version for step in new.migrations} == {"1.1.0", *(step.version for step in old.migrations)}
    assert migration_map(new, "1.1.0").fate("A") == ("A", "")
    assert not [p for p in check_codebook(made.text.encode()) if p.severity == "error"]
    before = made.text.split("  rules:")[0].splitlines()
    assert before[-4].startswith("  # TODO no rule decides between A and B: 7 of 10 disagreements (70 %)")
    assert before[-3] == "  #   “One.”  x: A, y: none  (t0)"


@pytest.mark.parametrize(
    "source",
    [
        BOOK.replace("\n", "\r\n"),
        "\ufeff" + BOOK,
        "---\n" + BOOK,
        BOOK.replace("codes:", "codes: # here\n\n"),
    ],
)
def test_codes_in_one_line_get_their_notes_above(source: str) -> None:
    made = draft(source, "2.0.0", noted("One."))
    lines = made.text.splitlines()
    place = next(i for i, line in enumerate(lines) if "{id: A," in line)
    assert [line.lstrip()[:6] for line in lines[place - 3 : place]] == ["# TODO", "#   “O", "#   to"]
    assert made.comments_kept
    assert made.book.version == "2.0.0"


@pytest.mark.parametrize("how", ["json", "anchor"])
def test_a_layout_that_cannot_be_edited_is_written_anew(how: str) -> None:
    book = parse_codebook(BOOK)
    source = json.dumps(book.model_dump(mode="json"))
    if how == "anchor":  # the version is an alias of what stands elsewhere: editing it would change the other
        source = (
            BOOK.replace("version: 1.0.0", "version: &v 1.0.0")
            + "migrations: [{version: 0.9.0}]\nsource: *v\n"
        )
    made = draft(source, "1.1.0", noted("One."))
    assert not made.comments_kept
    assert made.text.startswith("# DRAFT of abc@1.1.0")
    assert "# TODO no rule decides between A and B" in made.text
    assert made.book.codes == book.codes
    assert made.book.migrations[-1].version == "1.0.0"


@pytest.mark.parametrize(
    "text",
    [
        "two\nlines",
        "a\u2028b\u2029c\x85d",
        "\x00\x07\x1b[31m",
        "\ud800 lone",
        "\ufeffbom \ufffe",
        "a: [b, {c",
        "# - x\tz",
        "😀 한국어 \\(x\\)",
    ],
)
def test_any_text_can_be_quoted_in_a_comment(text: str) -> None:
    made = draft(BLOCK, "1.2.0", noted(text, codes=("B", "none")))
    assert made.comments_kept
    assert made.book.code("B") == parse_codebook(BLOCK).code("B")
    made.text.encode("utf-8")
    assert made.text.count("# TODO") == 1


def test_versions() -> None:
    assert next_version("1.2.3", "minor") == "1.3.0"
    for version in ("1.1.0", "1.0.9", "0.9.0"):
        with pytest.raises(CodebookError, match="not later than abc@1"):
            draft(BLOCK, version)
    for version in ("1.2", "v2.0.0", "1.2.0-rc1", ""):
        with pytest.raises(CodebookError, match="no version"):
            draft(BLOCK, version)


def test_nothing_is_overwritten(tmp_path: Path, pcode) -> None:  # type: ignore[no-untyped-def]
    shipped = find_codebook("schoen@1.0.0")
    before = shipped.read_bytes()
    result = pcode("codebook", "bump", "schoen@1.0.0", "--minor", "-o", shipped)
    assert result.exit_code == 2
    assert "released" in result.stderr
    assert shipped.read_bytes() == before
    out = tmp_path / "schoen" / "1.1.0.yaml"
    assert pcode("codebook", "bump", "schoen@1.0.0", "--to", "1.1.0", "-o", out).exit_code == 0
    out.write_text("work")
    assert "is there already" in pcode("codebook", "bump", "schoen@1.0.0", "--minor", "-o", out).stderr
    assert out.read_text() == "work"
    for name, words in (("1.5.0.yaml", "named for another version"), ("new.txt", "a .yaml file")):
        result = pcode("codebook", "bump", "schoen@1.0.0", "--minor", "-o", tmp_path / name)
        assert words in result.stderr
        assert not (tmp_path / name).exists()
    assert pcode("codebook", "bump", "schoen@1.0.0", "-o", tmp_path / "x.yaml").exit_code == 2
    assert (
        pcode(
            "codebook", "bump", "schoen@1.0.0", "--minor", "--to", "3.0.0", "-o", tmp_path / "x.yaml"
        ).exit_code
        == 2
    )


def test_disagreements_of_another_book_are_refused(tmp_path: Path) -> None:
    book = parse_codebook(BLOCK)
    file = tmp_path / "disagreements.json"
    with pytest.raises(InputError, match="no such file"):
        read_disagreements(tmp_path, book)
    file.write_text('{"codebook": 3}')
    with pytest.raises(InputError, match="not a file of disagreements"):
        read_disagreements(tmp_path, book)
    file.write_text(noted("One.", stamp="abc@1.0.0#0").model_dump_json())
    with pytest.raises(CodebookError, match=r"is of abc@1\.0\.0#0, and the draft begins from abc@1\.1\.0"):
        read_disagreements(tmp_path, book)
    file.write_text(noted("One.", codes=("A", "Z"), stamp=book.stamp).model_dump_json())
    with pytest.raises(InputError, match="no code 'Z'"):
        read_disagreements(file, book)


def reference(values: list[list[str | None]]) -> float:
    names = sorted({value for row in values for value in row if value})
    data = [[np.nan if value is None else names.index(value) for value in row] for row in values]
    return float(krippendorff.alpha(reliability_data=data, level_of_measurement="nominal"))


FOUR = BOOK + "  - {id: D, name: d, family: F, short: d, definition: d}\n"


def test_a_whole_cycle(tmp_path: Path, pcode) -> None:  # type: ignore[no-untyped-def]
    """Code, disagree, bump, fill in (A renamed, C merged into B, D split), code again, compare on the same units."""
    rng = np.random.default_rng(8)
    truth = rng.choice(list("ABCD"), 240)
    first = tmp_path / "1.0.0.yaml"
    first.write_text(FOUR)

    def coded(names: list[str], truth: np.ndarray, skill: float) -> dict[str, list[str | None]]:
        return {
            coder: [str(t) if rng.random() < skill else str(rng.choice(names)) for t in truth]
            for coder in "xy"
        }

    old_codes = coded(list("ABCD"), truth, 0.6)
    old_codes["x"][3] = None
    old = make_run(tmp_path / "old", old_codes, codebook=load_codebook(first))
    done = pcode("disagreements", old.folder, "-o", tmp_path / "sheet")
    assert done.exit_code == 0, done.stderr

    out = tmp_path / "abc" / "2.0.0.yaml"
    done = pcode("codebook", "bump", first, "--major", "--from-disagreements", tmp_path / "sheet", "-o", out)
    assert done.exit_code == 0, done.stderr
    text = out.read_text(encoding="utf-8")
    counts = {pair.codes: pair.count for pair in disagreements([old]).pairs}
    assert len(counts) == 6
    total = sum(counts.values())
    for (a, b), count in counts.items():
        assert f"# TODO no rule decides between {a} and {b}: {count} of {total} disagreements" in text
    assert pcode("codebook", "check", out).exit_code == 0

    text = (
        text.replace("{id: A, name: a,", "{id: A2, name: a,")
        .replace("  - {id: C, name: c, family: F, short: c, definition: c}\n", "")
        .replace(
            "{id: D, name: d,",
            "{id: D1, name: d1, family: F, short: d, definition: d}\n  - {id: D2, name: d2,",
        )
        .replace("renamed: {}", "renamed: {A: A2}")
        .replace("merged: {}", "merged: {C: B}")
        .replace("split: {}", "split: {D: [D1, D2]}")
    )
    out.write_text(text, encoding="utf-8")
    assert pcode("codebook", "check", out).exit_code == 0
    book = load_codebook(out)
    names = ["A2", "B", "D1", "D2"]
    fate = {"A": "A2", "B": "B", "C": "B", "D": "D1"}
    new_codes = coded(names, np.array([fate[t] for t in truth]), 0.9)
    new = make_run(tmp_path / "new", new_codes, codebook=book)

    shown = pcode("agreement", new.folder, "--before", old.folder, "--replicates", 200, "--json", "-")
    assert shown.exit_code == 0, shown.stderr
    data = json.loads(shown.stdout)
    both = [i for i in range(240) if None not in (old_codes["x"][i], old_codes["y"][i])]
    before = reference([[old_codes[c][i] for i in both] for c in "xy"])
    after = reference([[new_codes[c][i] for i in both] for c in "xy"])
    plain = data["drift"]
    assert (plain["n"], plain["clusters"]) == (239, 60)
    assert plain["first"] == pytest.approx(before, abs=1e-12)
    assert plain["second"] == pytest.approx(after, abs=1e-12)
    assert plain["value"] == pytest.approx(after - before, abs=1e-12)
    assert plain["low"] > 0

    kept = [i for i in both if "D" not in (old_codes["x"][i], old_codes["y"][i])]
    carried = data["drift_carried"]
    assert carried["n"] == len(kept)
    assert carried["first"] == pytest.approx(
        reference([[fate[str(old_codes[c][i])] for i in kept] for c in "xy"]), abs=1e-12
    )
    assert carried["second"] == pytest.approx(
        reference([[new_codes[c][i] for i in kept] for c in "xy"]), abs=1e-12
    )
    assert carried["low"] < carried["value"] < carried["high"]
    assert data["not_made_again"] == 0

    shown = pcode("agreement", new.folder, "--before", old.folder, "--replicates", 50)
    assert "the earlier codes carried by the migration map: α before" in shown.stdout
    wrong = pcode("agreement", old.folder, "--before", new.folder)
    assert wrong.exit_code == 2
    assert "is later than abc@1.0.0" in wrong.stderr


def test_what_merging_alone_does_and_who_is_compared(tmp_path: Path, pcode) -> None:  # type: ignore[no-untyped-def]
    """Nobody codes again: the runs are carried over, and the report says that all of the gain is the map's."""
    rng = np.random.default_rng(9)
    values = {name: rng.choice(["A", "B", "C"], 80).tolist() for name in "xyz"}
    values["y"] = [x if rng.random() < 0.7 else y for x, y in zip(values["x"], values["y"], strict=True)]
    old = make_run(tmp_path / "old", values, machines=["z"])
    book = tmp_path / "2.0.0.yaml"
    book.write_text(
        BOOK.replace("1.0.0", "2.0.0").replace(
            "  - {id: C, name: c, family: F, short: c, definition: c}\n", ""
        )
        + "migrations: [{version: 1.0.0, merged: {C: B}}]\n"
    )
    new = migrate_run(old, book, tmp_path / "new").run
    people = drift([old], [new], coders=["x", "y"], replicates=100)
    assert people.first == pytest.approx(reference([values["x"], values["y"]]), abs=1e-12)
    assert people.value is not None
    assert people.value != 0
    assert people.first != drift([old], [new], replicates=0).first  # the machine's pairs count there
    by_map = drift([old], [new], coders=["x", "y"], carried=True, replicates=100)
    assert by_map.value == 0
    assert by_map.interval is None  # nothing varies, which is no evidence of how far it could
    assert by_map.warnings == ("no interval: it stays the same whichever of the traces is left out",)
    shown = pcode("agreement", new.folder, "--before", old.folder, "--coders", "x,y", "--replicates", 50)
    assert shown.exit_code == 0, shown.stderr
    assert "240 codings were carried to the new version and not made again" in shown.stdout
    other = make_run(tmp_path / "other", values, codebook=parse_codebook(BOOK.replace("id: abc", "id: xyz")))
    with pytest.raises(CodebookError, match="versions of one codebook"):
        drift([other], [new])
