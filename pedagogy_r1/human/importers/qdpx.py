"""REFI-QDA projects of NVivo, ATLAS.ti, MAXQDA, QualCoder and others.

    <PlainTextSelection startPosition="512" endPosition="547" name="Wait, that …"><Coding creatingUser="6f35…">
      <CodeRef targetGUID="9b1c…"/></Coding></PlainTextSelection>          one row per Coding, in the order of coding

The text is in the project, so every row carries its quote. The standard counts Unicode code points; where the names of a
project's selections fit another way of counting (UTF-16, line ends of one or two characters), that one is used. In texts of
a packet the units are marked, and a coding belongs to each unit that it covers by half, or of which it is a part.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING

from ...codebook.qdc import shown_id
from ...errors import InputError
from ...files.archive import Allowance, Archive, local, names_in, parse_xml, read_bytes
from ...files.records import BadRow
from ..offset_units import Text
from ..packets.qdpx import UNIT
from . import Columns, Importer, RawCoding, Table
from ._landing import Landing, Span

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

_OTHER = ("PictureSelection", "PDFSelection", "AudioSelection", "VideoSelection", "TranscriptSelection")


class _Qdpx:
    def sniff(self, table: Table) -> float:
        path = table.path
        if table.rows or path.suffix.lower() not in (".qdpx", ".zip"):
            return 0.0
        known = path.suffix.lower() == ".qdpx" or any(n.lower().endswith(".qde") for n in names_in(path))
        return 1.0 if known else 0.0

    def columns(self, table: Table) -> Columns:
        found = Counter(local(element.tag) for element in _Project(table).root.iter())
        return Columns([], [f"{name} ({found[name]})" for name in _OTHER if found[name]])

    def read(self, table: Table) -> Iterator[RawCoding | BadRow]:
        project = _Project(table)
        row = 0
        for source in project.sources():
            for found in project.codings(source):
                row += 1
                if isinstance(found, BadRow):
                    yield found._replace(line=row)
                else:
                    yield found._replace(row=row)


class _Project:
    """The XML of a project and the texts beside it."""

    def __init__(self, table: Table) -> None:
        self.where = str(table.path)
        self.archive = _archive(table)
        self.allowance = Allowance(self.where)
        names = sorted((n for n in self.archive.names if n.lower().endswith(".qde")), key=len)
        if not names:
            raise InputError(f"{self.where}: no .qde file in it", "export the project as REFI-QDA again")
        self.root = parse_xml(self.archive.read(names[0]), f"{self.where}: {names[0]}")
        if local(self.root.tag) != "Project":
            raise InputError(
                f"{self.where}: the root is <{local(self.root.tag)}>", "export a REFI-QDA project"
            )
        self.files = {name.rpartition("/")[2].lower(): name for name in self.archive.names}
        self.users = {k: (u.get("name") or u.get("id") or "") for k, u in self._by_guid("User").items()}
        self.codes = {k: shown_id(code.get("name") or "") for k, code in self._by_guid("Code").items()}
        self.notes = self._by_guid("Note")
        self.owner = _key(self.root.get("creatingUserGUID"))

    def sources(self) -> list[Element]:
        """Texts, and the plain texts of PDFs."""
        return [*self._by_guid("TextSource").values(), *self._by_guid("Representation").values()]

    def codings(self, source: Element) -> Iterator[RawCoding | BadRow]:
        """The rows of one text; what is wrong with a row is said in its place."""
        selections = [child for child in source if local(child.tag) == "PlainTextSelection"]
        if not any(local(child.tag) == "Coding" for each in selections for child in each):
            return
        name = source.get("name") or ""
        text = self._text(source)
        if isinstance(text, str):
            for each in selections:
                yield from (_bad(f"{name}: {text}") for child in each if local(child.tag) == "Coding")
            return
        marks: list[Span] = []
        timed: list[tuple[str, Span]] = []
        for each in selections:
            placed = self._spans(each, text)
            if isinstance(placed, str):
                yield _bad(f"{name}: {placed}")
                continue
            marks += [span for _, span in placed if span.code == UNIT]
            timed += [(when, span) for when, span in placed if span.code != UNIT]
        if all(when for when, _ in timed):
            timed.sort(key=lambda pair: pair[0])
        landing = Landing(name, text.text, marks, self.allowance)
        yield from landing.rows([span for _, span in timed])

    def _spans(self, selection: Element, text: Text) -> list[tuple[str, Span]] | str:
        """All codings of one selection and when they were made, or why it has no place."""
        quote = selection.get("name") or ""
        try:
            start, end = (int(selection.get(which, "")) for which in ("startPosition", "endPosition"))
        except ValueError:
            return f"startPosition {selection.get('startPosition', '')[:20]!r}, endPosition {selection.get('endPosition', '')[:20]!r}"
        place = text.place(start, end, quote)
        if place is None:
            return f"{start}–{end} lies outside the text ({len(text.text)} characters)"
        self.allowance.spend(place[1] - place[0])
        memo = self._memo(selection)
        found = []
        for coding in selection:
            if local(coding.tag) != "Coding":
                continue
            target = next((c.get("targetGUID") for c in coding if local(c.tag) == "CodeRef"), None)
            by = _key(coding.get("creatingUser") or selection.get("creatingUser")) or self.owner
            when = coding.get("creationDateTime") or selection.get("creationDateTime") or ""
            notes = "\n".join(part for part in (memo, self._memo(coding)) if part)
            code = self.codes.get(_key(target))
            found.append((when, Span(*place, self.users.get(by, ""), code, notes)))
        return found

    def _memo(self, element: Element) -> str:
        parts = [child.text or "" for child in element if local(child.tag) == "Description"]
        for child in element:
            note = self.notes.get(_key(child.get("targetGUID"))) if local(child.tag) == "NoteRef" else None
            if note is not None:
                content = self._text(note)
                parts.append(content.text if isinstance(content, Text) else "")
                self.allowance.spend(len(parts[-1]))
        return "\n".join(part.strip() for part in parts if part.strip())

    def _text(self, element: Element) -> Text | str:
        """A plain text in the project, or why there is none. Nothing outside of the archive is ever opened."""
        for child in element:
            if local(child.tag) == "PlainTextContent":
                return self._counted(child.text or "", element)
        path = element.get("plainTextPath") or ""
        name = path.removeprefix("internal://").rpartition("/")[2].lower()
        if not path.startswith("internal://") or name not in self.files:
            return f"its text, {path[:100]!r}, is not in the project"
        data = self.archive.read(self.files[name])
        encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
        try:
            return self._counted(data.decode(encoding), element)
        except UnicodeDecodeError as error:
            return f"its text, {path[:100]!r}, is not UTF-8 (byte {error.start + 1})"

    @staticmethod
    def _counted(text: str, element: Element) -> Text:
        names = [
            (child.get("startPosition", ""), child.get("endPosition", ""), child.get("name") or "")
            for child in element
            if local(child.tag) == "PlainTextSelection"
        ]
        return Text(text, [(int(a), int(b), name) for a, b, name in names if _whole(a) and _whole(b)])

    def _by_guid(self, tag: str) -> dict[str, Element]:
        found: dict[str, Element] = {}
        for element in self.root.iter():
            if local(element.tag) != tag:
                continue
            key = _key(element.get("guid"))
            if key in found:
                names = [repr((each.get("name") or "")[:60]) for each in (found[key], element)]
                raise InputError(
                    f"{self.where}: {tag} {names[0]} and {tag} {names[1]} have the same GUID, {key or '(none)'}",
                    "export the project again from the program that made it",
                )
            found[key] = element
        return found


def _archive(table: Table) -> Archive:
    return Archive(read_bytes(table.path, "export texts only, no media"), str(table.path))


def _key(guid: str | None) -> str:
    """GUIDs are compared without braces and case."""
    return (guid or "").strip("{}").lower()


def _whole(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 16


def _bad(why: str) -> BadRow:
    return BadRow(0, why, "")


def importer() -> Importer:
    """The importer of REFI-QDA projects."""
    return _Qdpx()
