"""``check_codebook``: every planted problem is found in one pass, on its line, and nothing makes it crash."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import Result
from hypothesis import HealthCheck, assume, example, given, settings
from hypothesis import strategies as st

from pedagogy_r1.codebook import find_codebook, load_codebook, parse_codebook
from pedagogy_r1.codebook.check import check_codebook
from pedagogy_r1.codebook.manual import manual
from pedagogy_r1.codebook.yaml_lines import CodebookProblem
from pedagogy_r1.errors import CodebookError

from ..conftest import WHOLE

BROKEN = """\
id: broken
version: 1.0
title: Everything wrong at once
unit: sentences
max_codes: 9
fallback: NOPE
domains: [SK, PK, SK]
surprise: 1
families:
- {id: F, name: One}
- {id: F, name: Two}
- {id: G, name: Empty}
codes:
- id: A
  name: first
  family: F
  short: one
  short: uno
  definition: The first.
  include: [x]
  exclude: [y]
  source: s
  color: "#FFFFFF"
  rules:
  - {against: B, rule: r, unless: ["^ wait"]}
  - {against: B, rule: again}
  - {against: A, rule: itself}
  hits:
  - {domain: SK, text: "Wait, no."}
  - {domain: XX, text: "Unknown domain."}
  - {domain: PK, text: "The very same."}
  - {domain: PK, text: "Perhaps it says maybe."}
  near_misses:
  - {domain: SK, text: "t1", code: BB, why: w}
  - {domain: SK, text: "t2", code: A, why: w}
  - {domain: SK, text: "The other's own.", code: C, why: w}
  cues:
  - "^ .. $"
  - "no"
  - {cue: "no", weight: 2}
  - {cue: "fine", weight: -1}
  - 7
- id: A
  name: First
  family: H
  short: two
  definition: The second.
- id: B
  name: second
  family: F
  definition: Without a short.
  color: "#ffffff"
  hits:
  - {domain: SK, text: "the  very same."}
  - {domain: SK, text: "The other's own."}
  cues: ["maybe"]
- id: none
  name: reserved
  family: F
  short: three
  definition: The third.
migrations:
- {version: 0.9.0, renamed: {Z: A, Y: A}, merged: {X: Q}, split: {W: [B]}}
- {version: 0.9.0}
- {version: 1.2.0, retired: [B]}
"""

ERRORS = [
    (2, "version", "should be text"),
    (4, "unit", "'sentences' is no scheme"),
    (5, "max_codes", "there are only 4 codes"),
    (6, "fallback", "there is no code 'NOPE'"),
    (7, "domains[2]", "the domain 'SK' is already listed in line 7"),
    (8, "surprise", "there is no field 'surprise'"),
    (11, "families[F].id", "the family id 'F' is already taken in line 10"),
    (18, "codes[A].short", "the key 'short' is there twice"),
    (27, "codes[A].rules[2].against", "A points at itself"),
    (29, "codes[A].hits[0]", "its own rule in line 25 ('^ wait') makes it B"),
    (30, "codes[A].hits[1].domain", "there is no domain 'XX'"),
    (34, "codes[A].near_misses[0].code", "there is no code 'BB'; did you mean B?"),
    (35, "codes[A].near_misses[1].code", "A points at itself"),
    (36, "codes[A].near_misses[2]", "said to belong to C, but it is a hit of B in line 55"),
    (36, "codes[A].near_misses[2].code", "there is no code 'C'"),
    (38, "codes[A].cues[0]", "cue '^ .. $' has no word that must be there"),
    (41, "codes[A].cues[3].weight", "greater than 0"),
    (42, "codes[A].cues[4]", "should be text"),
    (43, "codes[A].id", "the code id 'A' is already taken in line 14"),
    (44, "codes[A].name", "the code name 'First' is already taken in line 15"),
    (45, "codes[A].family", "there is no family 'H'"),
    (48, "codes[B]", "the field 'short' is missing"),
    (54, "codes[B].hits[0]", "B has the same hit as A in line 31"),
    (57, "codes[none]", "cannot be named 'none'"),
    (63, "migrations[0].renamed.Y", "both renamed to A"),
    (63, "migrations[0].merged.X", "there is no code 'Q'"),
    (63, "migrations[0].split.W", "split into fewer than two codes"),
    (65, "migrations[2].retired[0]", "B is migrated away, but it is still a code"),
    (64, "migrations[1].version", "a second migration from 0.9.0 (first in line 63)"),
    (65, "migrations[2].version", "migrates from 1.2.0, which is not earlier"),
]

WARNINGS = [
    (12, "families[G]", "no code belongs to the family 'G'"),
    (26, "codes[A].rules[1].against", "a second rule against B (first in line 25)"),
    (32, "codes[A].hits[3]", "no cue of A fires on its own hit, while cues of B do"),
    (40, "codes[A].cues[2].cue", "the cue 'no' is already in line 39"),
    (43, "codes[A]", "A has 0 hits; coders need at least 3"),
    (43, "codes[A]", "A has 0 near misses; coders need at least 2"),
    (43, "codes[A]", "A has no hit in SK, PK, SK"),
    (43, "codes[A]", "A has no 'include'"),
    (48, "codes[B]", "B has no 'source'"),
    (48, "codes[B]", "B has no hit in PK"),
    (52, "codes[B].color", "the color #ffffff is already used in line 23"),
    (57, "codes[none]", "none has no cue"),
]


@pytest.fixture(scope="module")
def broken() -> list[CodebookProblem]:
    return check_codebook(BROKEN)


@pytest.mark.parametrize(("line", "where", "what"), ERRORS)
def test_every_planted_error_is_found(
    broken: list[CodebookProblem], line: int, where: str, what: str
) -> None:
    assert [
        p for p in broken if (p.line, p.where, p.severity) == (line, where, "error") and what in p.what
    ], broken


@pytest.mark.parametrize(("line", "where", "what"), WARNINGS)
def test_every_planted_warning_is_found(
    broken: list[CodebookProblem], line: int, where: str, what: str
) -> None:
    assert [p for p in broken if (p.line, p.where, p.severity) == (line, where, "warning") and what in p.what]


def test_nothing_else_is_an_error(broken: list[CodebookProblem]) -> None:
    planted = [(line, where) for line, where, _ in ERRORS]
    assert [p for p in broken if p.severity == "error" and (p.line, p.where) not in planted] == []
    assert broken == sorted(broken)


@pytest.mark.parametrize(
    ("text", "line", "what"),
    [
        ("", 1, "empty"),
        ("id: a\nversion: [1\ntitle: b\n", 3, "not valid YAML"),
        ("id: a\n\tversion: 1\n", 2, "not valid YAML"),
        ("id: a\ntitle: \x00\n", 2, "is not allowed"),
        ("id: a\n--- \nid: b\n", 2, "not valid YAML"),
        ("a: &x [*x]", 1, ""),
        ("id: !!int ''\n", 1, "not valid YAML"),
        ("id: *nowhere\n", 1, "not valid YAML"),
        ("just text", 1, "valid dictionary"),
        ("- a\n- b\n", 1, "valid dictionary"),
    ],
)
def test_what_is_no_codebook_at_all(text: str, line: int, what: str) -> None:
    assert any(p.line == line and what in p.what for p in check_codebook(text)), check_codebook(text)
    with pytest.raises(CodebookError):
        parse_codebook(text)


def test_bytes_that_are_not_utf8() -> None:
    (problem,) = check_codebook(b"id: a\ntitle: \xff\n")
    assert (problem.line, problem.what) == (2, "not UTF-8 (byte 14)")


def test_a_released_file_must_be_named_for_its_version(tmp_path: Path) -> None:
    text = find_codebook("schoen@1.0.0").read_text(encoding="utf-8")
    path = tmp_path / "schoen" / "1.2.0.yaml"
    path.parent.mkdir()
    path.write_text(text, encoding="utf-8")
    (problem,) = check_codebook(path)
    assert problem.what == "the file is named 1.2.0 but its version is 1.0.0"
    path = path.rename(tmp_path / "mine.yaml")
    assert check_codebook(str(path)) == []


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(CodebookError, match="No such file"):
        check_codebook(tmp_path / "no.yaml")


PAGES = """
id: tiny
version: 1.0.0
title: Two codes
domains: [SK]
families: [{id: F, name: Both}]
codes:
- {id: A, name: first, family: F, short: one, definition: The first.}
- {id: B, name: second, family: F, short: two, definition: The second.}
looks:
- {looks: a bare yes, code: A}
- {looks: a bare no, code: AA}
- {looks: a bare yes, code: B}
training:
- domain: SX
  title: A page
  units:
  - {text: Yes., code: A, why: bare}
  - {text: No., code: C, why: bare}
"""


def test_the_table_and_the_training_pages_name_codes_and_domains_of_the_book() -> None:
    found = [(p.line, p.what) for p in check_codebook(PAGES) if p.severity == "error"]
    assert found == [
        (12, "there is no code 'AA'; did you mean A?"),
        (13, "this look is already in line 11; a coder would find two answers"),
        (15, "there is no domain 'SX'; did you mean SK?"),
        (19, "there is no code 'C'; known: A, B"),
    ]


def test_a_language_spacy_does_not_know() -> None:
    text = find_codebook("schoenfeld").read_text(encoding="utf-8").replace("lang: en", "lang: qq")
    (problem,) = check_codebook(text)
    assert problem.where == "lang"
    assert "spaCy has no language 'qq'" in problem.what


def test_a_chain_of_migrations_may_pass_through_codes_that_are_gone() -> None:
    head = "id: x\nversion: 2.0.0\ntitle: t\nfamilies: [{id: F, name: f}]\ncodes:\n"
    codes = "- {id: C, name: c, family: F, short: s, definition: d}\n"
    good = "migrations:\n- {version: 1.0.0, renamed: {A: B}}\n- {version: 1.5.0, renamed: {B: C}}\n"
    assert [p for p in check_codebook(head + codes + good) if p.severity == "error"] == []
    lost = good.replace("{B: C}", "{D: C}")
    (problem,) = [p for p in check_codebook(head + codes + lost) if p.severity == "error"]
    assert (problem.line, problem.where) == (8, "migrations[0].renamed.A")


# --- nothing crashes ------------------------------------------------------------------------------------------------

SCHOENFELD = find_codebook("schoenfeld").read_text(encoding="utf-8")
VALUES: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8) | st.dates(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=6,
)


def survives(text: str) -> None:
    """``check`` reports, ``parse`` parses or says why not, and they agree on what can be used."""
    problems = check_codebook(text)
    try:
        parse_codebook(text)
    except CodebookError:
        assert any(p.severity == "error" for p in problems)
    assert all(p.line >= 1 and p.what and p.where for p in problems)


@given(st.text(max_size=60) | st.text(alphabet="ab:-[]{}&*!?|>'\"%#\n ,1.", max_size=40))
@example("!!bool x")
@example("!!timestamp x")
@example("? [a]\n: b")
@example("? {a: b}\n: c")
@example("<<: 1")
@example("1e400: 2")
@example("a: 0o9999999999")
@settings(max_examples=150, deadline=None)
def test_any_text_is_survived(text: str) -> None:
    assume(not text.endswith((".yaml", ".yml")))  # a path; hypothesis also draws the strings of our own code
    survives(text)


@given(st.data())
@settings(max_examples=40 if WHOLE else 12, deadline=None, suppress_health_check=[HealthCheck.too_slow])
def test_a_book_with_a_part_replaced_is_survived(data: st.DataObject) -> None:
    book = yaml.safe_load(SCHOENFELD)
    here = book
    while True:  # walk down to some part and put something else there
        keys = list(here) if isinstance(here, dict) else list(range(len(here)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(here[key], dict | list) or not here[key] or data.draw(st.booleans()):
            break
        here = here[key]
    here[key] = data.draw(VALUES)
    survives(yaml.safe_dump(book, allow_unicode=True))


@given(st.integers(0, len(SCHOENFELD) - 1), st.integers(0, 40), st.text(max_size=4))
@settings(max_examples=30 if WHOLE else 12, deadline=None)
def test_a_book_with_characters_replaced_is_survived(start: int, length: int, text: str) -> None:
    survives(SCHOENFELD[:start] + text + SCHOENFELD[start + length :])


def scaled(level: str, *values: str) -> str:
    """A book of that level; an empty value is none."""
    codes = "".join(
        f"- {{id: C{n}, name: n{n}, family: F, short: s, definition: d{', value: ' + value if value else ''}}}\n"
        for n, value in enumerate(values)
    )
    return f"id: scale\nversion: 1.0.0\ntitle: t\nlevel: {level}\nfamilies:\n- {{id: F, name: f}}\ncodes:\n{codes}"


@pytest.mark.parametrize(
    ("level", "values", "line", "severity", "words"),
    [
        ("interval", ("1", ""), 9, "error", "the level is interval, but C1 has no value; give every code a 'value'"),
        ("interval", ("1", "null"), 9, "error", "the level is interval, but C1 has no value"),
        ("ratio", ("", "2"), 8, "error", "the level is ratio, but C0 has no value"),
        ("ratio", ("0", "-0.5"), 9, "error", "the level is ratio, but -0.5 is below zero"),
        ("interval", ("1", ".nan"), 9, "error", "finite number"),
        ("interval", ("1", "1.0e200"), 9, "error", "has a square that no computer holds"),
        ("ratio", ("1.0e-200", "1"), 8, "error", "has a square that no computer holds"),
        ("interval", ("1", "high"), 9, "error", "valid number"),
        ("interval", ("1", "1"), 9, "warning", "two codes of the value 1 (first in line 8): confusing them"),
        ("ordinal", ("1", ""), 8, "warning", "the level is ordinal, at which a value means nothing"),
        ("nominal", ("", "3"), 9, "warning", "the level is nominal, at which a value means nothing"),
    ],
)  # fmt: skip
def test_values_fit_the_level(
    level: str, values: tuple[str, str], line: int, severity: str, words: str
) -> None:
    found = [p for p in check_codebook(scaled(level, *values)) if "value" in p.what or "number" in p.what]
    assert [(p.line, p.severity) for p in found] == [(line, severity)]
    assert words in found[0].what


@pytest.mark.parametrize(
    ("level", "values"),
    [("interval", ("-1", "2.5")), ("ratio", ("0", "1")), ("ordinal", ("", "")), ("nominal", ("", ""))],
)
def test_a_scale_that_fits_is_not_complained_of(level: str, values: tuple[str, str]) -> None:
    assert not [p for p in check_codebook(scaled(level, *values)) if "value" in p.what]
    numbers = tuple(float(value) for value in values) if level in ("interval", "ratio") else ()
    assert parse_codebook(scaled(level, *values)).scale == numbers


@pytest.mark.parametrize(
    ("level", "values", "words"),
    [
        ("ordinal", ("", ""), "ordinal, lowest first: C0 < C1"),
        ("interval", ("-1", "2.5"), "interval: C0 = -1, C1 = 2.5"),
    ],
)
def test_show_and_manual_say_order_and_values(
    tmp_path: Path, pcode: Callable[..., Result], level: str, values: tuple[str, str], words: str
) -> None:
    """A coder of an ordinal book could not see in its manual which code is the higher one."""
    path = tmp_path / "mine.yaml"
    path.write_text(scaled(level, *values), encoding="utf-8")
    assert words in pcode("codebook", "show", path).stdout
    assert words in str(manual(parse_codebook(path.read_text(encoding="utf-8")))).replace("\\", "")
    assert "nominal" not in str(manual(load_codebook("schoen")))[:1500]


@pytest.mark.parametrize(
    ("level", "values", "words"),
    [("interval", ("1", ""), "C1 has no value"), ("ratio", ("1", "-2"), "C1 has the value -2, below zero")],
)
def test_no_alpha_is_made_on_a_broken_scale(level: str, values: tuple[str, str], words: str) -> None:
    with pytest.raises(CodebookError, match=words):
        _ = parse_codebook(scaled(level, *values)).scale
