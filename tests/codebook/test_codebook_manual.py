"""The coder's manual, opened in each of its three formats."""

from __future__ import annotations

import io
from html.parser import HTMLParser
from typing import Any

import pytest

from pedagogy_r1.codebook import Codebook, load_codebook, parse_codebook, released
from pedagogy_r1.codebook.manual import format_of, manual
from pedagogy_r1.codebook.manual_contents import Block, blocks
from pedagogy_r1.errors import CodebookError

BOOKS = [load_codebook(path) for path in released()]
HOSTILE = "<script>alert(1)</script> | a *b* [c](d)"


class Page(HTMLParser):
    """Text, anchors and tags of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.ids: list[str] = []
        self.links: list[str] = []
        self.tags: list[str] = []
        self.open: list[str] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        if tag not in ("meta",):
            self.open.append(tag)
        found = dict(attrs)
        self.ids += [found["id"]] if found.get("id") else []  # type: ignore[list-item]
        self.links += [found["href"]] if found.get("href") else []  # type: ignore[list-item]
        assert not {"src", "onclick"} & set(found)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())


def word_text(data: bytes) -> tuple[Any, str]:
    import docx

    document = docx.Document(io.BytesIO(data))
    parts = [p.text for p in document.paragraphs]
    parts += [cell.text for table in document.tables for row in table.rows for cell in row.cells]
    return document, " ".join(" ".join(parts).split())


def plain(book: Codebook, format: str) -> str:
    found = manual(book, format)
    if isinstance(found, bytes):
        return word_text(found)[1]
    return Page(found).text if format == "html" else " ".join(found.replace("\\", "").split())


@pytest.mark.parametrize("format", ["md", "html", "docx"])
@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.ref)
def test_everything_a_coder_needs_is_there_and_nothing_of_the_machine(book: Codebook, format: str) -> None:
    text = plain(book, format)
    for code in book.codes:
        shown = [code.name, code.short, code.definition, *code.include, *code.exclude, code.source]
        shown += [hit.text for hit in code.hits] + [rule.rule for rule in code.rules]
        shown += [part for miss in code.near_misses for part in (miss.text, miss.why)]
        for part in shown:
            assert " ".join(part.split()) in text, (code.id, part)
        for cue in code.cues:
            pattern = cue if isinstance(cue, str) else cue.cue
            assert "|" not in pattern or pattern not in text
    for look in book.looks:
        assert " ".join(look.looks.split()) in text, look.looks
    for page in book.training:
        for part in (
            page.title,
            page.item,
            *(unit.text for unit in page.units),
            *(unit.why for unit in page.units),
        ):
            assert " ".join(part.split()) in text, part
    assert ("What it looks like" in text, "Training pages" in text) == (bool(book.looks), bool(book.training))
    assert "→ " in text
    assert "They are not shown here" in text
    assert book.ref in text
    assert book.digest in text


@pytest.mark.parametrize("book", BOOKS, ids=lambda book: book.ref)
def test_html_is_self_contained_and_its_links_lead_somewhere(book: Codebook) -> None:
    page = Page(str(manual(book, "html")))
    assert page.open == []
    assert not {"script", "link", "img", "iframe"} & set(page.tags)
    assert {f"code-{code.id}" for code in book.codes} <= set(page.ids)
    assert len(set(page.ids)) == len(page.ids)
    assert {link for link in page.links if link.removeprefix("#") not in page.ids} == set()


def test_html_links_the_decision_order_to_the_codes() -> None:
    assert '→ <a class="code" href="#code-TR-SP">TR-SP</a>' in str(manual(load_codebook("schoen"), "html"))


def test_word_has_a_page_a_code_links_and_a_footer() -> None:
    book = load_codebook("schoen")
    data = manual(book, "docx")
    assert isinstance(data, bytes)
    document, _ = word_text(data)
    headings = [p.text for p in document.paragraphs if p.style.name == "Heading 2"]
    assert [f"■ {code.id} · {code.name}" for code in book.codes] == [h for h in headings if h.startswith("■")]
    xml = document.element.xml
    assert xml.count('w:type="page"') >= len(book.codes)
    for mark in ("code_TR_SP", "how", "sources"):
        assert f'w:name="{mark}"' in xml
        assert f'w:anchor="{mark}"' in xml
    footer = document.sections[0].footer.paragraphs[0].text
    assert book.ref in footer
    assert book.digest in footer


def hostile() -> Codebook:
    plain_book = load_codebook("schoenfeld").model_dump(mode="json")
    plain_book["about"] = f"{HOSTILE}\n\n1. {HOSTILE} → Read"
    plain_book["codes"][0] |= {"definition": HOSTILE, "name": HOSTILE}
    plain_book["codes"][0]["hits"][0]["text"] = HOSTILE
    return Codebook.model_validate(plain_book)


def test_markup_in_a_book_stays_text() -> None:
    page = Page(str(manual(hostile(), "html")))
    assert "script" not in page.tags
    assert HOSTILE in page.text
    markdown = str(manual(hostile(), "md"))
    assert "<script" not in markdown.replace("\\<script", "")
    rows = [line for line in markdown.splitlines() if line.startswith("| [Read]")]
    assert rows[0].replace("\\|", "").count("|") == 4
    assert HOSTILE in plain(hostile(), "docx")


def test_a_book_with_the_least_a_book_can_have() -> None:
    book = parse_codebook(
        "{id: x, version: 1.0.0, title: t, exhaustive: false, max_codes: 1, families: [{id: F, name: f}],"
        " codes: [{id: A, name: a, family: F, short: s, definition: d}]}"
    )
    for format in ("md", "html", "docx"):
        text = plain(book, format)
        assert "'none'" in text
        assert "exactly one code" in text


def test_blocks_of_a_text() -> None:
    text = "First\nline.\n\n## Head\n\n## Head with\ntext below\n\n1. one\n   more\n2) two\n\n- a\n* b"
    assert blocks(text) == [
        Block("paragraph", ("First line.",)),
        Block("heading", ("Head",)),
        Block("heading", ("Head with",)),
        Block("paragraph", ("text below",)),
        Block("steps", ("one more", "two")),
        Block("points", ("a", "b")),
    ]
    assert blocks(" \n") == []


def test_the_format_comes_from_the_suffix() -> None:
    assert [format_of(name) for name in (None, "a.MD", "a.htm", "a.html", "a.docx")] == [
        "md",
        "md",
        "html",
        "html",
        "docx",
    ]
    with pytest.raises(CodebookError, match="suffix"):
        format_of("a.pdf")
    with pytest.raises(CodebookError, match="cannot be made as 'pdf'"):
        manual(BOOKS[0], "pdf")
