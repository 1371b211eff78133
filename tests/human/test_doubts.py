"""Units in doubt: which memos note one, what was decided, and the page of the manual that quotes them."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pedagogy_r1.codebook import load_codebook
from pedagogy_r1.codebook.manual import manual
from pedagogy_r1.errors import CodebookError, InputError, RunError
from pedagogy_r1.human.corpus import copy_corpus
from pedagogy_r1.human.doubts import UNDECIDED, doubt, units_in_doubt
from pedagogy_r1.runs.run import CoderRun
from tests.conftest import WHOLE
from tests.web_browser import chromium, violations

BOOK = load_codebook("schoen@1.1.0")


@pytest.fixture(scope="module")
def dev(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("doubts") / "dev"
    copy_corpus("teaching", out, "dev")
    return out


@pytest.mark.parametrize(
    ("given", "memo", "between"),
    [
        ("KA-RO", "doubt OA-ME/KA-RO: answers a question", {"OA-ME", "KA-RO"}),
        ("UT-NF", "UT-NF or IA-PL", {"UT-NF", "IA-PL"}),
        ("KA-RO", "OA-ME?", {"KA-RO", "OA-ME"}),
        ("KA-RO", "Doubtful, could be OA-ME", {"KA-RO", "OA-ME"}),
        ("KA-RO", "see the rule for OA-ME", set()),
        ("KA-RO", "KA-RO? yes", set()),
        ("KA-RO", "XKA-RO/OA-ME-2", set()),
        ("KA-RO", "a doubt", set()),
        (None, "OA-ME?", set()),
    ],
)
def test_what_notes_a_doubt(given: str | None, memo: str, between: set[str]) -> None:
    assert doubt(BOOK, (given,) if given else None, memo) == between


@given(st.text(), st.sampled_from(BOOK.code_ids))
def test_any_memo_can_be_read(memo: str, code: str) -> None:
    found = doubt(BOOK, (code,), memo)
    assert len(found) != 1
    assert found <= set(BOOK.code_ids)


def test_every_doubt_and_every_difference_of_the_corpus_is_there(dev: Path) -> None:
    units = [
        unit for group in units_in_doubt(BOOK, [dev / "coders", dev / "adjudicated"]) for unit in group.units
    ]
    text = {unit.id: unit.text for unit in CoderRun(dev / "coders").units()}
    first: dict[str, set[tuple[str, ...]]] = {}
    noted = set()
    for coding in CoderRun(dev / "coders").codings():
        first.setdefault(coding.unit_id, set()).add(coding.codes or ())
        if coding.rationale:
            noted.add(coding.unit_id)
    expected = noted | {unit for unit, codes in first.items() if len(codes) > 1}
    assert noted
    assert sorted(unit.text for unit in units) == sorted(text[unit] for unit in expected)
    reasons = {c.unit_id: c for c in CoderRun(dev / "adjudicated").codings()}
    decided = sorted("; ".join(reasons[unit].codes or ()) for unit in expected)
    assert sorted(unit.decided for unit in units) == decided
    assert all((unit.reason and len(unit.codes) > 1) or unit.decided.count(";") for unit in units)


def test_without_an_adjudicator_what_differs_is_not_decided(dev: Path) -> None:
    units = [unit for group in units_in_doubt(BOOK, [dev / "coders"]) for unit in group.units]
    for unit in units:
        same = len({said.codes for said in unit.said}) == 1
        assert (unit.decided == UNDECIDED) != same
        assert (unit.reason == "all 3 coders gave it") == same


def test_the_manual_quotes_them_in_every_format(dev: Path) -> None:
    groups = units_in_doubt(BOOK, [dev / "coders", dev / "adjudicated"])
    unit = groups[0].units[0]
    for format in ("md", "html"):
        text = str(manual(BOOK, format, groups))
        assert "Units in doubt, and how they were decided" in text
        assert text.count('id="doubt-1"') == 1
        assert "#doubt-1" in text
    assert "Units in doubt" not in str(manual(BOOK, "md"))
    docx = pytest.importorskip("docx")

    data = manual(BOOK, "docx", groups)
    assert isinstance(data, bytes)
    cells = "\n".join(
        c.text for t in docx.Document(io.BytesIO(data)).tables for row in t.rows for c in row.cells
    )
    assert unit.text in cells
    assert unit.reason in cells


def test_the_page_is_within_landmarks_and_axe_finds_nothing(dev: Path, tmp_path: Path) -> None:
    page = tmp_path / "manual.html"
    groups = units_in_doubt(BOOK, [dev / "coders", dev / "adjudicated"])
    page.write_text(str(manual(BOOK, "html", groups if WHOLE else groups[:3])))
    with chromium() as browser:
        for scheme in ("light", "dark"):
            opened = browser.new_page(color_scheme=scheme)
            opened.goto(page.as_uri())
            assert violations(opened, least=("minor", "moderate", "serious", "critical")) == []
        landmarks = [
            opened.get_by_role(role).count() for role in ("banner", "navigation", "main", "contentinfo")
        ]
        assert landmarks == [1, 1, 1, 1]
        headings = opened.get_by_role("heading", level=2).all_inner_texts()
        assert [opened.get_by_role("region", name=name, exact=True).count() for name in headings] == [
            1
        ] * len(headings)


def test_runs_that_do_not_go_together_are_refused(dev: Path, tmp_path: Path) -> None:
    with pytest.raises(CodebookError, match=r"was coded under schoen@1\.1\.0"):
        units_in_doubt(load_codebook("schoen@1.0.0"), [dev / "coders"])
    with pytest.raises(InputError, match="C1 is in two of the runs"):
        units_in_doubt(BOOK, [dev / "coders", dev / "coders"])
    with pytest.raises(InputError, match="no coder"):
        units_in_doubt(BOOK, [dev / "adjudicated"])
    with pytest.raises(RunError):
        units_in_doubt(BOOK, [tmp_path])
