"""Quotations of a code: all of them, with context and coder, and nothing in them breaks a format."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import docx
import pytest
from click.testing import Result
from hypothesis import example, given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from pedagogy_r1.errors import CodebookError, InputError, RunError
from pedagogy_r1.files.archive import legal
from pedagogy_r1.files.markdown import markdown_text
from pedagogy_r1.files.spreadsheet import restore
from pedagogy_r1.formatting import visible
from pedagogy_r1.report.quotation_sheet import COLUMNS, FORMATS, place, said, write_quotations
from pedagogy_r1.runs.quotations import Given, Quotation, Quotations, _quotation, quotations
from pedagogy_r1.runs.run import CoderRun
from pedagogy_r1.trace import Trace, Unit

from ..make_runs import BOOK, book, make_run

Pcode = Callable[..., Result]


@pytest.fixture
def runs(tmp_path: Path) -> list[CoderRun]:
    """Two people and a machine on eight units of two traces."""
    people = {
        "P": ["A", "B", ("C", "A"), (), None, "A", "B", "C"],
        "Q": ["A", "C", "C", (), "A", "B", "B", "C"],
    }
    machine = {"M": [("B", "A"), "B", "A", "A", "B", "B", "B", "C"]}
    return [make_run(tmp_path / "people", people), make_run(tmp_path / "m", machine, machines=("M",))]


def seen(found: Quotations) -> dict[str, list[tuple[str, tuple[str, ...]]]]:
    return {q.text: [(one.coder, one.codes) for one in q.said] for q in found.quotations}


def test_every_quotation_of_a_code_with_its_coders_of_all_runs(runs: list[CoderRun]) -> None:
    found = quotations(runs, "A")
    assert seen(found) == {
        "Sentence 0.": [("P", ("A",)), ("Q", ("A",)), ("M", ("B", "A"))],
        "Sentence 2.": [("P", ("C", "A")), ("M", ("A",))],
        "Sentence 3.": [("M", ("A",))],
        "Sentence 4.": [("Q", ("A",))],
        "Sentence 5.": [("P", ("A",))],
    }
    assert list(seen(found)) == [f"Sentence {n}." for n in (0, 2, 3, 4, 5)], "as in the traces"
    context = {q.text: (q.before, q.after) for q in found.quotations}
    assert context["Sentence 0."] == ("", "Sentence 1.")
    assert context["Sentence 3."] == ("Sentence 2.", ""), "the next unit is another trace's"
    assert found.n_traces == 2


def test_none_is_quoted_too_and_coders_are_chosen(runs: list[CoderRun]) -> None:
    assert seen(quotations(runs, "none")) == {"Sentence 3.": [("P", ("none",)), ("Q", ("none",))]}
    assert set(seen(quotations(runs, "A", coders=["Q"]))) == {"Sentence 0.", "Sentence 4."}
    with pytest.raises(RunError, match="no coder is named 'Z'"):
        quotations(runs, "A", coders=["Z"])
    with pytest.raises(CodebookError, match="has no code 'D'"):
        quotations(runs, "D")


def test_units_that_overlap_are_not_each_others_context() -> None:
    trace = Trace(id="t", reasoning="one two three four")
    units = [
        Unit(
            id=f"u{a}{b}",
            trace_id="t",
            scheme="given@x",
            index=n,
            start=a,
            end=b,
            text=trace.reasoning[a:b],
            tokens=1,
        )
        for n, (a, b) in enumerate([(0, 3), (0, 7), (4, 13), (8, 13), (14, 18)])
    ]
    found = [(q.before, q.text, q.after) for q in (_quotation(trace, units, u) for u in units)]
    assert found[2] == ("one", "two three", "four")
    assert found[3] == ("one two", "three", "four")


def test_the_command_writes_all_formats(runs: list[CoderRun], tmp_path: Path, pcode: Pcode) -> None:
    folders = [run.folder for run in runs]
    for suffix in FORMATS:
        out = tmp_path / f"quotes{suffix}"
        result = pcode("quotes", *folders, "--code", "A", "-o", out, "--where", "id=t0", "--coder", "P,M")
        assert result.exit_code == 0, result.output
        assert "3 quotations of A" in result.stdout
        assert "only the traces with id=t0 are taken: 1 of 2" in result.stderr
        if suffix == ".docx":
            text = "\n".join(p.text for p in docx.Document(str(out)).paragraphs)
        else:
            text = out.read_text()
        assert "only the traces with id=t0 are taken: 1 of 2" in text.replace("\\", "")
        assert "Sentence 2." in text
        assert "Sentence 5." not in text
    assert pcode("quotes", *folders, "--code", "A", "-o", tmp_path / "q.pdf").exit_code == 2
    assert pcode("quotes", *folders, "--code", "A", "-o", folders[0] / "q.md").exit_code == 2
    assert "did you mean" in pcode("quotes", *folders, "--code", "a", "-o", tmp_path / "q.md").stderr


def test_a_code_that_nobody_gave_is_a_sheet_that_says_so(runs: list[CoderRun], tmp_path: Path) -> None:
    found = quotations(runs[1:], "none")
    for suffix in FORMATS:
        assert write_quotations(found, tmp_path / f"none{suffix}").is_file()
    words = "None of the coders (M) said of a unit that no code applies in 2 traces"
    assert words in (tmp_path / "none.md").read_text()


def test_the_command_says_that_there_is_nothing_to_quote(tmp_path: Path, pcode: Pcode) -> None:
    every = book(BOOK.replace("exhaustive: false", "exhaustive: true"))
    run = make_run(tmp_path / "r", {"P": ["A", "B"] * 4, "Q": ["A"] * 8}, codebook=every).folder
    for code, coder, words in (
        ("none", "P", "none of the coders (P) said of a unit that no code applies in 2 traces; under abc@1.0.0 every unit has a code"),
        ("B", "Q", "none of the coders (Q) gave B in 2 traces; pcode report says how often each code was given; or drop --coder"),
    ):  # fmt: skip
        told = pcode("quotes", run, "--code", code, "--coder", coder, "-o", tmp_path / "q.csv")
        assert told.exit_code == 0
        assert f"nothing to quote: {words}" in told.stderr
        assert f"0 quotations of {code}" in told.stdout
    assert "nothing to quote" not in pcode("quotes", run, "--code", "B", "-o", tmp_path / "q.csv").stderr


def test_the_number_of_the_sheet_is_the_tables_index_from_1(tmp_path: Path, pcode: Pcode) -> None:
    run = make_run(tmp_path / "r", {"P": ["A", "A", "B", "A"]}).folder
    for suffix in ("md", "csv"):
        assert pcode("quotes", run, "--code", "B", "-o", tmp_path / f"q.{suffix}").exit_code == 0
    (row,) = csv.DictReader((tmp_path / "q.csv").read_text().splitlines())
    assert row["unit_index"] == "2"
    assert "t0, unit 3" in (tmp_path / "q.md").read_text()


def sheet(text: str) -> Quotations:
    """One quotation in which every text from outside is ``text``."""
    trace = Trace(id=text or "t", reasoning=text, domain=text, condition=text, model=text)
    unit = Unit(
        id="u", trace_id=trace.id, scheme="given@x", index=0, start=0, end=len(text), text=text, tokens=1
    )
    given_ = (Given(text or "P", "human", "run", ("A", "B"), text, text), Given("M", "machine", text, ("A",)))
    return Quotations(
        "A", book(), (text or "P", "M"), 1, (Quotation(trace, unit, text, text, given_),), (text,)
    )


PLAIN = sheet("plain")
ANYTHING = st.text(
    st.one_of(
        st.characters(codec=None, exclude_categories=["Cs"]),
        st.sampled_from("\n\r\t\0\x1b<>&\"'`*_#|-=+[]()!:\\~^@{}$1. \u2028\ufeff\u202e"),
    ),
    min_size=1,
    max_size=40,
).filter(
    lambda text: text.strip() != "" and legal(text).strip() != "" and " ".join(legal(text).split()) != ""
)
NASTY = (
    "</blockquote><script>alert(1)</script>", "- [ ] x", "1. one", "# head", "---", "===", "> q", "    code", "```\nx\n```",
    "| a | b |\n|---|---|", "![i](http://x/y.png)", "<!-- x", "&lt;", "]]>", "=cmd|' /C calc'!A0", "\x00\x08",
    "http://x.org www.x.org a@b.org", "a\\", "$x$ **b** __c__ ~~d~~ ^e^", "\r\n\r\n# x", "10) x", "+ x", "{{ 7*7 }}", "_x000D_",
)  # fmt: skip


def nasty(test: Any) -> Any:
    for text in NASTY:
        test = example(text)(test)
    return given(ANYTHING)(test)


class Outline(HTMLParser):
    """Tags in order, and the text of each element of interest."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.texts: list[str] = []
        self.feed(page)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(f"{tag} {sorted(name for name, _ in attrs)}")
        self.texts.append("")

    def handle_endtag(self, tag: str) -> None:
        self.tags.append(f"/{tag}")

    def handle_data(self, data: str) -> None:
        if self.texts:
            self.texts[-1] += data

    def handle_comment(self, data: str) -> None:
        self.tags.append(f"comment {data}")


@nasty
def test_nothing_breaks_the_web_page(text: str) -> None:
    plain, found = Outline(str(FORMATS[".html"](PLAIN))), Outline(str(FORMATS[".html"](sheet(text))))
    assert found.tags == plain.tags
    quote = found.tags.index("blockquote ['dir']")
    number = sum(not tag.startswith("/") for tag in found.tags[:quote])
    assert found.texts[number].rstrip("\n") == visible(legal(text)).rstrip("\n")


def blocks(text: str) -> tuple[list[str], list[str]]:
    """Block tokens of Markdown with GitHub's tables, and what each inline part shows as plain text, or what it became."""
    tokens = MarkdownIt("commonmark").enable(["table", "strikethrough"]).parse(text)
    inline = [
        "".join(c.content if c.type in ("text", "text_special") else f"<{c.type}>" for c in t.children or ())
        for t in tokens
        if t.type == "inline"
    ]
    return [t.type for t in tokens], inline


@nasty
def test_nothing_breaks_markdown(text: str) -> None:
    plain, found = blocks(str(FORMATS[".md"](PLAIN))), blocks(str(FORMATS[".md"](sheet(text))))
    assert found[0] == plain[0]
    shown = [" ".join(part.replace("plain", legal(text)).split()) for part in plain[1]]
    assert [" ".join(part.split()) for part in found[1]] == shown


@nasty
def test_nothing_breaks_the_table(text: str) -> None:
    head, *rows = csv.reader(io.StringIO(str(FORMATS[".csv"](sheet(text))), newline=""))
    assert head == [*COLUMNS, "partial"]
    assert len(rows) == 2
    assert all(len(row) == len(head) for row in rows)
    cell = dict(zip(head, rows[0], strict=True))["text"]
    assert restore(cell) == text
    assert cell[0] not in "=+-@\t\r\n"


@settings(max_examples=25)
@nasty
def test_nothing_breaks_the_word_file(text: str) -> None:
    data = FORMATS[".docx"](sheet(text))
    assert isinstance(data, bytes)
    assert zipfile.ZipFile(io.BytesIO(data)).testzip() is None
    page = docx.Document(io.BytesIO(data))
    styles = [p.style.name for p in page.paragraphs if p.style]
    assert styles[-6:] == ["Heading 2", "Normal", "Quote", "Normal", "List Bullet", "List Bullet"]
    shown = legal(text).replace("\r\n", "\n").replace("\r", "\n")
    assert page.paragraphs[-4].text in (shown, legal(text).replace("\r", "\n"))
    assert len(page.paragraphs) == len(docx.Document(io.BytesIO(FORMATS[".docx"](PLAIN))).paragraphs)  # type: ignore[arg-type]


def test_a_sheet_cannot_lie_in_a_run(runs: list[CoderRun]) -> None:
    with pytest.raises(InputError, match="lies in a run directory"):
        write_quotations(quotations(runs, "A"), runs[0].folder / "q.md")


def test_place_and_coder_are_said() -> None:
    (one,) = PLAIN.quotations
    assert place(one) == "plain, unit 1 · plain · plain · plain"
    assert said(one.said[0]) == "plain (human): A, B"
    assert markdown_text("1. x\n2. y") == "1\\. x 2. y"
