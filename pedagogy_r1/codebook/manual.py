"""The coder's manual: what a human coder is trained with, as Markdown, as a web page, or as a Word file.

    pcode codebook manual schoen -o schoen.docx

The Word file has one page a code, a contents list with links, and version and digest on every page. What the manual says is in
`manual_contents.py`.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..errors import CodebookError, did_you_mean
from ..files.markdown import markdown_text
from ..formatting import on_page
from .codebook import Code, Codebook, TrainingPage
from .manual_contents import TRAINING, Block, Contents, code_sections, contents
from .manual_doubts import ABOUT, HEAD, TITLE, DoubtGroup, doubts_markdown

FORMATS = ("md", "html", "docx")


def manual(book: Codebook, format: str = "md", doubts: Sequence[DoubtGroup] = ()) -> str | bytes:
    """The manual as text (``md``, ``html``) or as the bytes of a Word file (``docx``); ``doubts``: with a page of these units."""
    formats: dict[str, Callable[[Contents], str | bytes]] = {"md": _markdown, "html": _html, "docx": _docx}
    make = formats.get(format)
    if make is None:
        raise CodebookError(f"a manual cannot be made as {format!r}", did_you_mean(format, list(formats)))
    return make(contents(book, doubts))


def format_of(path: str | Path | None) -> str:
    """The format that a file name's suffix asks for; Markdown where there is no file."""
    if path is None:
        return "md"
    suffix = Path(path).suffix.lower().removeprefix(".")
    suffix = {"markdown": "md", "htm": "html"}.get(suffix, suffix)
    if suffix not in FORMATS:
        raise CodebookError(
            f"{path}: cannot tell the format from the suffix",
            "end it in .md, .html or .docx, or give --format",
        )
    return suffix


def _markdown(c: Contents) -> str:
    return re.sub(r"\n{3,}", "\n\n", _rendered("manual.md.j2", c, md=markdown_text))


def _html(c: Contents) -> str:
    return _rendered("manual.html.j2", c, linked=_linked(c.book))


def _rendered(name: str, c: Contents, **filters: Callable[[str], str]) -> str:
    import jinja2

    environment = jinja2.Environment(
        autoescape=name.endswith(".html.j2"),
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=name.endswith(".md.j2"),
        finalize=on_page,
    )
    environment.filters |= filters
    template = environment.from_string(Path(__file__).with_name(name).read_text(encoding="utf-8"))
    return template.render(
        c=c,
        book=c.book,
        TRAINING=TRAINING,
        DOUBTS=(TITLE, ABOUT, HEAD),
        doubt_lines=doubts_markdown,
        sections=code_sections,
        anchor=lambda code: f"code-{code.id}",
    )


def _linked(book: Codebook) -> Callable[[str], str]:
    """A filter that turns names of codes within escaped text into links."""
    from markupsafe import Markup, escape

    names = "|".join(re.escape(code_id) for code_id in sorted(book.code_ids, key=len, reverse=True))
    # A name such as "Read" is a word too; only an arrow before it makes it a code.
    pattern = re.compile(rf"(→ )({names})(?![\w-])")

    def linked(text: str) -> Markup:
        return Markup(pattern.sub(r'\1<a class="code" href="#code-\2">\2</a>', str(escape(text))))  # noqa: S704 - escaped just before

    return linked


# --- Word ---------------------------------------------------------------------------------------------------------


def _docx(c: Contents) -> bytes:
    """The bytes of a .docx file."""
    import docx

    page: Any = docx.Document()
    _setup(page, c)
    page.add_heading(c.book.title, 0)
    page.add_paragraph("A manual for coders")
    _table(page, None, c.facts, (3.5, 12.5))
    _contents_list(page, c)
    page.add_page_break()
    _bookmark(page.add_heading("How to code", 1), "how")
    for block in c.about:
        _block(page, block)
    page.add_heading("For every unit", 2)
    _list(page, c.how)
    _bookmark(page.add_heading("The codes at a glance", 1), "glance")
    rows = [(code.id, code.name, code.short) for chapter in c.chapters for code in chapter.codes]
    _table(page, ("code", "name", "in short"), rows, (2.2, 4.3, 9.5))
    if c.looks:
        _bookmark(page.add_heading("What it looks like", 1), "looks")
        _table(page, ("it looks like", "code"), c.looks, (13.8, 2.2))
    for chapter in c.chapters:
        for number, code in enumerate(chapter.codes):
            page.add_page_break()
            if number == 0:
                page.add_heading(f"{chapter.family.id} · {chapter.family.name}", 1)
                if chapter.family.about:
                    page.add_paragraph(chapter.family.about)
            _code(page, code)
    if c.book.training:
        page.add_page_break()
        _bookmark(page.add_heading("Training pages", 1), "training")
        page.add_paragraph(TRAINING)
        for trace in c.book.training:
            _training_page(page, trace)
    if c.doubts:
        page.add_page_break()
        _doubts(page, c.doubts)
    page.add_page_break()
    _bookmark(page.add_heading("Sources", 1), "sources")
    for block in c.source:
        _block(page, block)
    buffer = io.BytesIO()
    page.save(buffer)
    return buffer.getvalue()


def _contents_list(page: Any, c: Contents) -> None:
    page.add_heading("Contents", 1)
    _link_to(page, "how", "How to code")
    _link_to(page, "glance", "The codes at a glance")
    if c.looks:
        _link_to(page, "looks", "What it looks like")
    for chapter in c.chapters:
        page.add_paragraph(f"{chapter.family.id} · {chapter.family.name}").paragraph_format.space_after = 0
        for code in chapter.codes:
            _link_to(page, _mark(code), f"{code.id} · {code.name}", indent=True)
    if c.book.training:
        _link_to(page, "training", "Training pages")
    if c.doubts:
        _link_to(page, "doubts", TITLE)
    _link_to(page, "sources", "Sources")


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
    for title, head, rows in code_sections(code):
        page.add_heading(title, 3)
        if head:
            _table(page, head, rows, (2.2, 13.8) if len(head) == 2 else (7.6, 2.2, 6.2))
        else:
            _list(page, [text for (text,) in rows])
    if code.source:
        paragraph = page.add_paragraph()
        paragraph.add_run("Source. ").bold = True
        paragraph.add_run(code.source)


def _training_page(page: Any, trace: TrainingPage) -> None:
    page.add_heading(f"{trace.domain} · {trace.title}", 2)
    if trace.item:
        page.add_paragraph(trace.item)
    rows = [(str(number), unit.text, unit.code, unit.why) for number, unit in enumerate(trace.units, 1)]
    _table(page, ("", "unit", "code", "because"), rows, (1.0, 6.8, 2.2, 6.0))


def _doubts(page: Any, groups: Sequence[DoubtGroup]) -> None:
    _bookmark(page.add_heading(TITLE, 1), "doubts")
    page.add_paragraph(ABOUT)
    for group in groups:
        page.add_heading(group.heading, 2)
        rows = [
            (
                "\n".join(filter(None, (unit.before, f"→ {unit.text}", unit.behind, f"({unit.where})"))),
                "\n".join(one.text() for one in unit.said),
                unit.decided,
                unit.reason,
            )
            for unit in group.units
        ]
        _table(page, HEAD, rows, (6.8, 3.8, 1.9, 3.5))


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
    paragraph._p.insert(1, _element("w:bookmarkStart", id=number, name=name))  # noqa: SLF001 - python-docx has no public way
    paragraph._p.append(_element("w:bookmarkEnd", id=number))  # noqa: SLF001 - python-docx has no public way


def _link_to(page: Any, name: str, text: str, indent: bool = False) -> None:
    from docx.shared import Cm

    paragraph = page.add_paragraph()
    paragraph.paragraph_format.space_after = 0
    paragraph.paragraph_format.left_indent = Cm(0.8 if indent else 0)
    link = _element("w:hyperlink", anchor=name)
    link.append(paragraph.add_run(text)._r)  # noqa: SLF001 - python-docx has no public way
    paragraph._p.append(link)  # noqa: SLF001 - python-docx has no public way


def _field(paragraph: Any, code: str) -> None:
    field = _element("w:fldSimple", instr=code)
    field.append(paragraph.add_run("1")._r)  # noqa: SLF001 - python-docx has no public way
    paragraph._p.append(field)  # noqa: SLF001 - python-docx has no public way


def _mark(code: Code) -> str:
    # Word allows letters, digits and underscores, 40 at most.
    return "code_" + "".join(char if char.isalnum() else "_" for char in code.id)
