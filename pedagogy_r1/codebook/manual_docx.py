"""The coder's manual as a Word file: one page a code, a contents list with links, version and digest on every page."""

from __future__ import annotations

import io
from typing import TYPE_CHECKING, Any

from .prose import Block

if TYPE_CHECKING:
    from .codebook import Code
    from .manual import Contents


def document(c: Contents) -> bytes:
    """The bytes of a .docx file."""
    import docx

    page: Any = docx.Document()
    _setup(page, c)
    page.add_heading(c.book.title, 0)
    page.add_paragraph("A manual for coders")
    _table(page, None, c.facts, (3.5, 12.5))
    page.add_heading("Contents", 1)
    _linked(page, "how", "How to code")
    _linked(page, "glance", "The codes at a glance")
    for chapter in c.chapters:
        page.add_paragraph(f"{chapter.family.id} · {chapter.family.name}").paragraph_format.space_after = 0
        for code in chapter.codes:
            _linked(page, _mark(code), f"{code.id} · {code.name}", indent=True)
    _linked(page, "sources", "Sources")
    page.add_page_break()
    _bookmark(page.add_heading("How to code", 1), "how")
    for block in c.about:
        _block(page, block)
    page.add_heading("For every unit", 2)
    _list(page, c.how)
    _bookmark(page.add_heading("The codes at a glance", 1), "glance")
    rows = [(code.id, code.name, code.short) for chapter in c.chapters for code in chapter.codes]
    _table(page, ("code", "name", "in short"), rows, (2.2, 4.3, 9.5))
    for chapter in c.chapters:
        for number, code in enumerate(chapter.codes):
            page.add_page_break()
            if number == 0:
                page.add_heading(f"{chapter.family.id} · {chapter.family.name}", 1)
                if chapter.family.about:
                    page.add_paragraph(chapter.family.about)
            _code(page, code)
    page.add_page_break()
    _bookmark(page.add_heading("Sources", 1), "sources")
    for block in c.source:
        _block(page, block)
    buffer = io.BytesIO()
    page.save(buffer)
    return buffer.getvalue()


def _setup(page: Any, c: Contents) -> None:
    from docx.shared import Cm, Pt

    section = page.sections[0]
    section.page_width, section.page_height = Cm(21), Cm(29.7)
    section.left_margin = section.right_margin = Cm(2.5)
    section.top_margin = section.bottom_margin = Cm(2.2)
    page.styles["Normal"].font.name = "Calibri"
    page.styles["Normal"].font.size = Pt(10.5)
    page.core_properties.title = c.book.title
    page.core_properties.subject = c.book.ref
    page.core_properties.author = ""
    footer = section.footer.paragraphs[0]
    footer.text = c.footer + " · "
    _field(footer, "PAGE")
    for run in footer.runs:
        run.font.size = Pt(7.5)


def _code(page: Any, code: Code) -> None:
    from docx.shared import RGBColor

    heading = page.add_heading("", 2)
    if code.color:
        heading.add_run("■ ").font.color.rgb = RGBColor.from_string(code.color[1:].upper())
    heading.add_run(f"{code.id} · {code.name}")
    _bookmark(heading, _mark(code))
    page.add_paragraph().add_run(code.short).italic = True
    page.add_paragraph(code.definition)
    for title, texts in (("It belongs here", code.include), ("It does not belong here", code.exclude)):
        if texts:
            page.add_heading(title, 3)
            _list(page, texts)
    if code.rules:
        page.add_heading("How to tell it from its neighbours", 3)
        _table(page, ("or", "decide"), [(rule.against, rule.rule) for rule in code.rules], (2.2, 13.8))
    if code.hits:
        page.add_heading("Hits", 3)
        _list(
            page,
            [f"{hit.domain}: “{hit.text}”" + (f" ({hit.note})" if hit.note else "") for hit in code.hits],
        )
    if code.near_misses:
        page.add_heading("Near misses", 3)
        rows = [(f"{miss.domain}: “{miss.text}”", miss.code, miss.why) for miss in code.near_misses]
        _table(page, ("looks like it", "is", "because"), rows, (7.6, 2.2, 6.2))
    if code.source:
        paragraph = page.add_paragraph()
        paragraph.add_run("Source. ").bold = True
        paragraph.add_run(code.source)


def _block(page: Any, block: Block) -> None:
    if block.kind == "heading":
        page.add_heading(block.texts[0], 2)
    elif block.kind == "paragraph":
        page.add_paragraph(block.texts[0])
    elif block.kind == "points":
        _list(page, block.texts)
    else:
        # Word would number a second list on from the first, so the numbers are written out.
        for number, text in enumerate(block.texts, 1):
            page.add_paragraph(f"{number}. {text}").paragraph_format.space_after = 0


def _list(page: Any, texts: Any) -> None:
    for text in texts:
        page.add_paragraph(text, style="List Bullet").paragraph_format.space_after = 0


def _table(page: Any, head: tuple[str, ...] | None, rows: Any, widths: tuple[float, ...]) -> None:
    from docx.shared import Cm

    table = page.add_table(rows=0, cols=len(widths), style="Table Grid")
    table.autofit = False
    for row in ([head] if head else []) + list(rows):
        cells = table.add_row().cells
        for cell, text, width in zip(cells, row, widths, strict=True):
            cell.width = Cm(width)
            run = cell.paragraphs[0].add_run(text)
            run.bold = row is head or (head is None and text is row[0])
    page.add_paragraph().paragraph_format.space_after = 0


# python-docx has no bookmarks, inner links or fields; these write the WordprocessingML elements.


def _element(tag: str, **attributes: str) -> Any:
    from docx.oxml import OxmlElement
    from docx.oxml.ns import qn

    element = OxmlElement(tag)
    for name, value in attributes.items():
        element.set(qn(f"w:{name}"), value)
    return element


def _bookmark(paragraph: Any, name: str) -> None:
    number = str(len(paragraph.part.element.xpath("//w:bookmarkStart")) + 1)
    paragraph._p.insert(1, _element("w:bookmarkStart", id=number, name=name))
    paragraph._p.append(_element("w:bookmarkEnd", id=number))


def _linked(page: Any, name: str, text: str, indent: bool = False) -> None:
    from docx.shared import Cm

    paragraph = page.add_paragraph()
    paragraph.paragraph_format.space_after = 0
    paragraph.paragraph_format.left_indent = Cm(0.8 if indent else 0)
    link = _element("w:hyperlink", anchor=name)
    link.append(paragraph.add_run(text)._r)
    paragraph._p.append(link)


def _field(paragraph: Any, code: str) -> None:
    field = _element("w:fldSimple", instr=code)
    field.append(paragraph.add_run("1")._r)
    paragraph._p.append(field)


def _mark(code: Code) -> str:
    # Word allows letters, digits and underscores, 40 at most.
    return "code_" + "".join(char if char.isalnum() else "_" for char in code.id)
