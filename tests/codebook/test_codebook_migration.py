"""Codes made under one version, carried to a later one. The book below went 1.0.0 → 1.1.0 → 2.0.0."""

from __future__ import annotations

import pytest

from pedagogy_r1.codebook import Codebook, parse_codebook
from pedagogy_r1.codebook.codebook import carry, migration_map
from pedagogy_r1.errors import CodebookError

CODES = "".join(
    f"- {{id: {code}, name: {code}, family: F, short: s, definition: d}}\n"
    for code in ("Ask", "Doubt", "Move", "Plan1", "Plan2", "Tell")
)
BOOK = f"""
id: test
version: 2.0.0
title: The third version
exhaustive: true
families: [{{id: F, name: All}}]
codes:
{CODES}
migrations:
- version: 1.1.0
  merged: {{Wonder: Doubt, Hesitate: Doubt}}
  split: {{Plan: [Plan1, Plan2]}}
  retired: [Chat]
- version: 1.0.0
  renamed: {{Question: Ask, Puzzle: Wonder, Scheme: Plan, Gossip: Chat}}
"""


def book(**changes: object) -> Codebook:
    return parse_codebook(BOOK).model_copy(update=changes)


@pytest.mark.parametrize(
    ("since", "codes", "carried", "status"),
    [
        ("1.1.0", ("Ask",), ("Ask",), "same"),
        ("1.0.0", ("Question",), ("Ask",), "changed"),
        ("1.0.0", ("Move", "Question"), ("Move", "Ask"), "changed"),
        ("1.0.0", ("Puzzle",), ("Doubt",), "changed"),  # renamed, then merged
        ("1.1.0", ("Wonder", "Hesitate"), ("Doubt",), "changed"),  # two that became one
        ("1.1.0", ("Hesitate", "Ask", "Doubt"), ("Doubt", "Ask"), "changed"),  # keeps the earlier rank
        ("2.0.0", ("Tell",), ("Tell",), "same"),
        ("1.0.0", None, None, "same"),  # missing stays missing
    ],
)
def test_what_can_be_carried(
    since: str, codes: tuple[str, ...] | None, carried: tuple[str, ...] | None, status: str
) -> None:
    found = carry(codes, migration_map(book(), since))
    assert (found.codes, found.status, found.reason) == (carried, status, "")


@pytest.mark.parametrize(
    ("since", "codes", "reason"),
    [
        ("1.1.0", ("Plan",), "Plan was split into Plan1, Plan2 after 1.1.0"),
        ("1.0.0", ("Scheme",), "Scheme (later Plan) was split into Plan1, Plan2 after 1.1.0"),
        ("1.1.0", ("Ask", "Plan"), "Plan was split into Plan1, Plan2 after 1.1.0"),
        ("1.1.0", ("Chat",), "Chat was retired after 1.1.0"),
        (
            "1.0.0",
            ("Gossip", "Scheme"),
            "Gossip (later Chat) was retired after 1.1.0; Scheme (later Plan) was split",
        ),
        ("1.0.0", ("Nonsense",), "Nonsense is no code of test@2.0.0"),
        ("1.1.0", ("Question",), "Question is no code of test@2.0.0"),  # renamed before, so unknown in 1.1.0
        ("1.1.0", (), "no code applied, but under test@2.0.0 every unit has one"),
    ],
)
def test_what_has_to_be_recoded(since: str, codes: tuple[str, ...], reason: str) -> None:
    found = carry(codes, migration_map(book(), since))
    assert (found.codes, found.status) == (None, "recode")
    assert found.reason.startswith(reason)


def test_none_applies_stays_so_where_the_new_version_allows_it() -> None:
    assert carry((), migration_map(book(exhaustive=False), "1.1.0")).status == "same"


def test_more_codes_than_the_new_version_allows() -> None:
    found = carry(("Ask", "Move"), migration_map(book(max_codes=1), "1.1.0"))
    assert found.status == "recode"
    assert "allows 1" in found.reason
    assert carry(("Wonder", "Hesitate"), migration_map(book(max_codes=1), "1.1.0")).codes == ("Doubt",)


def test_no_way_from_an_unlisted_version() -> None:
    with pytest.raises(CodebookError, match=r"test@2.0.0 has no migration from version 1.0.5") as error:
        migration_map(book(), "1.0.5")
    assert error.value.hint == "it lists 1.0.0, 1.1.0"
    with pytest.raises(CodebookError) as error:
        migration_map(book(migrations=[]), "1.0.0")
    assert "add a 'migrations' entry" in error.value.hint


def test_the_test_book_itself_holds_up() -> None:
    from pedagogy_r1.codebook.check import check_codebook

    assert [p for p in check_codebook(BOOK) if p.severity == "error"] == []
