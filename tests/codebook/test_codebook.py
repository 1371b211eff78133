"""The shipped codebooks, loading, comparing, and the ``pcode codebook`` commands."""

from __future__ import annotations

import json
from collections.abc import Callable
from itertools import combinations, permutations
from pathlib import Path

import pytest
from click.testing import Result
from hypothesis import example, given, settings
from hypothesis import strategies as st

from pedagogy_r1.codebook import (
    Codebook,
    load_codebook,
    parse_codebook,
    released,
)
from pedagogy_r1.codebook.check import check_codebook
from pedagogy_r1.codebook.cue import CueMatcher, matcher_patterns, parse_cue
from pedagogy_r1.codebook.diff import diff
from pedagogy_r1.errors import CodebookError

from ..conftest import ROOT

PINNED = {
    "schoen@1.0.0": "sha256:9123923a87a0d89d9f6619f84a4e2ca3fbebe943c083f0e03da6c70ba5231134",
    "schoen@1.1.0": "sha256:9ed418f9fa94c1ca65d8277c8ff95720e5eac131d6937f3e7714a1c4971faba6",
    "schoenfeld@1.0.0": "sha256:199114be11de0c2583c7cb89e95b7eb29893341b1d4f23d03e025a5513c46b4a",
}
"""A released file never changes. To change a codebook, add a file with a new version and a migration."""

TINY = """
id: tiny
version: 1.0.0
title: Two codes
families: [{id: F, name: Both}]
codes:
- {id: A, name: first, family: F, short: one, definition: The first.}
- {id: B, name: second, family: F, short: two, definition: The second.}
"""


def test_every_released_digest_is_pinned() -> None:
    assert {book.ref: book.digest for book in map(load_codebook, released())} == PINNED


@pytest.mark.parametrize("path", released(), ids=lambda p: f"{p.parent.name}@{p.stem}")
def test_a_released_book_has_no_problem(path: Path) -> None:
    assert check_codebook(path) == []


SCHOEN = {
    "schoen@1.0.0": (
        "TR-SP", "KA-RO", "IA-FR", "IA-SQ", "IA-PL", "IA-MT", "OA-SR", "OA-RB", "OA-ME", "UT-NF",
    ),
    "schoen@1.1.0": (
        "TR-SP", "KA-RO", "KA-CL", "IA-FR", "IA-SQ", "IA-CQ", "IA-PL", "IA-MT", "OA-RB", "OA-ME", "UT-NF",
    ),
}  # fmt: skip


def test_schoen_without_a_version_is_the_newest() -> None:
    """Runs, packets and codings name the version they were made under, so a new one leaves them as they are."""
    assert load_codebook("schoen").ref == "schoen@1.1.0"


@pytest.mark.parametrize("ref", SCHOEN)
def test_the_schoen_book_is_complete(ref: str) -> None:
    book = load_codebook(ref)
    assert book.code_ids == SCHOEN[ref]
    assert (book.fallback, book.max_codes, book.exhaustive, book.unit) == ("KA-RO", 2, True, "sentence@1")
    for code in book.codes:
        assert {hit.domain for hit in code.hits} == {"SK", "PK", "KT", "AES", "DM"}, code.id
        assert len(code.near_misses) >= 4, code.id
        assert len({miss.domain for miss in code.near_misses}) >= 4, code.id
        assert all((code.include, code.exclude, code.rules, code.source)), code.id
    assert len({code.color for code in book.codes}) == len(book.codes)
    assert book.code("UT-NF").features.stem_overlap
    assert book.code("UT-NF").features.self_repetition
    source = " ".join(book.source.split())
    assert "its definitions are not public" in source
    assert "Not from Schön" in book.code("UT-NF").source


def test_every_pair_of_schoen_codes_has_a_rule_and_a_near_miss_in_both_directions() -> None:
    """Issue 13, point 9: twelve pairs of 1.0.0 had no rule in either direction and no near miss."""
    book = load_codebook("schoen@1.1.0")
    told_apart = {frozenset((code.id, rule.against)) for code in book.codes for rule in code.rules}
    missed = {(code.id, miss.code) for code in book.codes for miss in code.near_misses}
    assert {frozenset(pair) for pair in combinations(book.code_ids, 2)} == told_apart
    assert set(permutations(book.code_ids, 2)) == missed


def test_the_schoen_book_has_a_training_page_of_25_units_for_each_domain() -> None:
    book = load_codebook("schoen@1.1.0")
    assert [page.domain for page in book.training] == book.domains
    assert all(len(page.units) >= 25 and page.item for page in book.training)
    assert {unit.code for page in book.training for unit in page.units} == set(book.code_ids)
    assert {look.code for look in book.looks} == set(book.code_ids)


def test_near_misses_and_rules_are_mutual_enough_to_be_found() -> None:
    """A coder in doubt between two codes opens either page, so a near miss needs a rule on one of the two."""
    for book in map(load_codebook, released()):
        told_apart = {frozenset((code.id, rule.against)) for code in book.codes for rule in code.rules}
        for code in book.codes:
            for miss in code.near_misses:
                assert frozenset((code.id, miss.code)) in told_apart, (book.ref, code.id, miss.text)


def test_the_schoenfeld_book_has_the_names_of_the_human_codings(shared: Path) -> None:
    found = set()
    for path in (shared / "data/schoenfeld").glob("*.json"):
        found |= {sentence.get("gt-class-2") for sentence in json.loads(path.read_text())["data"]}
    assert found - {None} <= set(load_codebook("schoenfeld").code_ids)
    assert load_codebook("schoenfeld").max_codes == 1


def test_no_example_was_copied_from_the_shared_traces(shared: Path) -> None:
    texts = [(shared / "data/schoenfeld_original.json").read_text()]
    texts += [path.read_text() for path in (shared / "data/reasoningflow/traces").glob("*.jsonl")]
    texts += [path.read_text() for path in (shared / "data/schoen_coded").glob("*/traces.jsonl")]
    for book in map(load_codebook, released()):
        examples = [each.text for code in book.codes for each in (*code.hits, *code.near_misses)]
        for example_ in (*examples, *(unit.text for page in book.training for unit in page.units)):
            # Interjections and headings of a few words are nobody's.
            if len(example_.split()) > 5:
                assert not any(json.dumps(example_)[1:-1] in text for text in texts), example_
                assert not any(json.dumps(example_, ensure_ascii=False)[1:-1] in text for text in texts), (
                    example_
                )


def test_loading_names_what_is_wrong(tmp_path: Path) -> None:
    with pytest.raises(CodebookError, match=r"no codebook is named 'schon'") as error:
        load_codebook("schon")
    assert "did you mean schoen" in error.value.hint
    with pytest.raises(CodebookError, match=r"no version '9\.9\.9'"):
        load_codebook("schoen@9.9.9")
    with pytest.raises(CodebookError, match="no such file"):
        load_codebook(tmp_path / "no.yaml")


def test_the_digest_is_of_content_not_of_layout() -> None:
    book = parse_codebook(TINY)
    assert (
        parse_codebook(TINY.replace("id: tiny\nversion: 1.0.0", "version: 1.0.0 # first\nid: tiny")).digest
        == book.digest
    )
    assert parse_codebook(TINY.replace("The first.", "The first!")).digest != book.digest


# --- cues -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("cue", "text", "fires"),
    [
        ("^ wait", "Wait, that is 7.", True),
        ("^ wait", "They wait.", False),
        ("let's", "Now let's see.", True),
        ("let's", "Now let’s see.", True),
        ("let 's|us see", "Let us see.", True),
        ("i 'm|am sure", "I'm sure.", True),
        ("i 'm|am sure", "I’m sure.", True),
        ("does not|n't fit", "It doesn't fit.", True),
        ("? $", "Is it 7?", True),
        ("? $", "Is it? No.", False),
        ("a .. d", "a b c d", True),
        ("a ..1 d", "a b c d", False),
        ("a # $", "It deserves a 4", True),
        ("double-check|verify", "I double-check this.", True),
        ("^ [*] [*] final answer [*] [*] $", "**Final Answer**", True),
    ],
)
def test_where_a_cue_fires(cue: str, text: str, fires: bool) -> None:
    assert CueMatcher("en").fires(cue, text) is fires


def test_cues_of_other_languages_fire() -> None:
    assert CueMatcher("ko").fires("잠깐", "잠깐 , 이상하다 .")


def test_a_cue_that_multiplies_out_is_refused() -> None:
    cue = parse_cue("a " + "[b|c-d|e-f|g-h] " * 6)
    with pytest.raises(CodebookError, match="patterns, more than"):
        matcher_patterns(cue, lambda word: word.replace("-", " - ").split())


CUE_CHARS = st.text(alphabet="ab^$|[].*#\\ '?2", max_size=30)


@given(CUE_CHARS | st.text(max_size=30))
@example("[a]")
@example(".. a")
@example("a ..0")
@example("\\")
@settings(max_examples=400, deadline=None)
def test_a_cue_parses_or_says_why_not(text: str) -> None:
    try:
        patterns = matcher_patterns(parse_cue(text), str.split)
    except CodebookError:
        return
    assert patterns
    assert all(patterns)


# --- differences ----------------------------------------------------------------------------------------------------


def test_a_book_does_not_differ_from_itself() -> None:
    book = load_codebook("schoen")
    assert diff(book, book).changes == ()
    assert "no difference" in diff(book, book).text()


def test_differences_by_code_and_field() -> None:
    old = parse_codebook(TINY)
    new = parse_codebook(
        TINY.replace("version: 1.0.0", "version: 1.1.0").replace("id: A, name: first", "id: A1, name: First")
        + "- {id: C, name: third, family: F, short: three, definition: The third.}\n"
        + "migrations: [{version: 1.0.0, renamed: {A: A1}}]\n"
    )
    found = diff(old, new)
    assert [(c.part, c.kind, c.renamed_to) for c in found.changes] == [
        ("book", "changed", None),
        ("code A", "renamed", "A1"),
        ("code C", "added", None),
    ]
    assert [(f.field, f.old, f.new) for f in found.changes[1].fields] == [("name", ("first",), ("First",))]
    assert [(c.part, c.kind) for c in diff(new, old).changes][1:] == [
        ("code A1", "removed"),
        ("code C", "removed"),
        ("code A", "added"),
    ]
    assert "  name  - first\n  name  + First" in found.text()
    assert json.loads(json.dumps(found.as_json()))["changes"][1]["renamed_to"] == "A1"


def test_lists_differ_by_entry_and_long_texts_by_sentence() -> None:
    def book(include: list[str], definition: str) -> Codebook:
        plain = parse_codebook(TINY).model_dump(mode="json")
        plain["codes"][0] |= {"include": include, "definition": definition}
        return Codebook.model_validate(plain)

    long = "Quite a long sentence that says much. " * 8
    found = diff(book(["x", "y"], long + "The end."), book(["y", "z"], long + "An end."))
    (change,) = found.changes
    assert [(f.field, f.old, f.new) for f in change.fields][1] == ("include", ("x",), ("z",))
    assert found.text().splitlines()[2:4] == ["  definition  - The end.", "  definition  + An end."]
    (reordered,) = diff(book(["x", "y"], "d"), book(["y", "x"], "d")).changes
    assert reordered.fields[0].field == "include (order)"


# --- commands -------------------------------------------------------------------------------------------------------

Pcode = Callable[..., Result]


def test_list_and_show(pcode: Pcode) -> None:
    listed = pcode("codebook", "list")
    assert listed.exit_code == 0
    assert "schoen@1.0.0" in listed.stdout
    assert "schoenfeld@1.0.0" in listed.stdout
    assert {b["ref"] for b in json.loads(pcode("codebook", "list", "--json").stdout)} >= {"schoen@1.0.0"}
    shown = pcode("codebook", "show", "schoen")
    assert shown.exit_code == 0
    assert "IA-SQ" in shown.stdout
    assert "self-questioning" in shown.stdout
    whole = json.loads(pcode("codebook", "show", "schoen", "--json").stdout)
    digest = whole.pop("digest")
    assert Codebook.model_validate(whole).digest == digest == load_codebook("schoen").digest
    wrong = pcode("codebook", "show", "schön")
    assert wrong.exit_code == 2
    assert "did you mean schoen" in wrong.stderr


def test_check_says_all_and_exits_1_only_for_errors(pcode: Pcode, tmp_path: Path) -> None:
    clean = pcode("codebook", "check", "schoen")
    assert clean.exit_code == 0
    assert "no problem" in clean.stdout
    path = tmp_path / "tiny.yaml"
    path.write_text(TINY, encoding="utf-8")
    warned = pcode("codebook", "check", path)
    assert warned.exit_code == 0
    assert "warning" in warned.stdout
    path.write_text(TINY.replace("family: F, short: two", "family: G, short: two"), encoding="utf-8")
    failed = pcode("codebook", "check", path)
    assert failed.exit_code == 1
    assert f"{path}:8: error: codes[B].family: there is no family 'G'" in failed.stdout
    report = json.loads(pcode("codebook", "check", path, "--json").stdout)
    assert report["errors"] == 1
    assert failed.stderr.startswith("1 error, ")
    path.write_text("- a\n- b\n", encoding="utf-8")
    listing = pcode("codebook", "check", path)
    assert len(listing.stdout.splitlines()) == 1, "nothing is known of a book that is a list"
    assert listing.stderr == "1 error, 0 warnings\n"
    assert any(p["line"] == 8 and p["severity"] == "error" for p in report["problems"])
    assert pcode("codebook", "check", tmp_path / "no.yaml").exit_code == 2


def test_text_that_yaml_reads_as_something_else_is_to_be_quoted(pcode: Pcode, tmp_path: Path) -> None:
    path = tmp_path / "tiny.yaml"
    path.write_text(TINY.replace("id: B,", "id: NO,"), encoding="utf-8")
    assert "codes[NO].id: should be text; put it in quotes" in pcode("codebook", "check", path).stdout


def test_the_smallest_book_of_the_docs_has_warnings_and_no_error(pcode: Pcode, tmp_path: Path) -> None:
    page = (ROOT / "docs/codebook.md").read_text(encoding="utf-8")
    path = tmp_path / "mine.yaml"
    path.write_text(
        page.split("## The smallest book")[1].split("```yaml\n")[1].split("```")[0], encoding="utf-8"
    )
    checked = pcode("codebook", "check", path)
    assert (checked.exit_code, checked.stderr.split(",")[0]) == (0, "0 errors")


def test_diff_command(pcode: Pcode) -> None:
    found = pcode("codebook", "diff", "schoen", "schoenfeld")
    assert found.exit_code == 0
    assert "code TR-SP  removed" in found.stdout
    assert "code Read  added" in found.stdout
    assert json.loads(pcode("codebook", "diff", "schoen", "schoen", "--json").stdout)["changes"] == []


def test_manual_command(pcode: Pcode, tmp_path: Path) -> None:
    assert "# Reflective practice" in pcode("codebook", "manual", "schoen").stdout
    for name, start in (("m.md", b"# "), ("m.html", b"<!doctype html>"), ("m.docx", b"PK")):
        assert pcode("codebook", "manual", "schoen", "-o", tmp_path / name).exit_code == 0
        assert (tmp_path / name).read_bytes().startswith(start)
    assert pcode("codebook", "manual", "schoen", "-o", tmp_path / "m.txt").exit_code == 2
    assert pcode("codebook", "manual", "schoen", "-o", tmp_path / "m.txt", "--format", "md").exit_code == 0


def test_a_unit_of_a_milliard_codes_is_an_error_that_names_it() -> None:
    text = (ROOT / "codebook/schoen/1.0.0.yaml").read_text().replace("max_codes: 2", "max_codes: 1000000000")
    with pytest.raises(CodebookError, match="max_codes: Input should be less than or equal to 1000"):
        parse_codebook(text)
