"""REFI-QDA projects, for NVivo, ATLAS.ti, MAXQDA, QualCoder and others, out and in.

    A.qdpx = project.qde            the codebook, the coder as the only user, the texts with the units marked
             sources/6f35….txt      one a trace, or one for a hundred units drawn by themselves (`shown_text.py`)

    <PlainTextSelection startPosition="512" endPosition="547" name="Wait, that …"><Coding creatingUser="6f35…">
      <CodeRef targetGUID="9b1c…"/></Coding></PlainTextSelection>          one row per Coding, in the order of coding

Every unit to be coded is a selection with the code "UNIT · code this", so that each program shows where units begin and
end. Coders select the unit, or any part of it, and give it its code, the primary one first; the mark stays.

The text is in the project, so every row carries its quote. The standard counts Unicode code points; where the names of a
project's selections fit another way of counting (UTF-16, line ends of one or two characters), that one is used. In texts of
a packet a coding belongs to each unit that it covers by half, or of which it is a part.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from operator import itemgetter
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...codebook import Codebook
from ...codebook.qdc import ORIGIN, Node, as_models, code_tree, guid, shown_id, shown_name
from ...errors import InputError
from ...files.archive import Allowance, Archive, legal, local, names_in, parse_xml, read_bytes, zipped
from ...files.records import BadRow, write_text
from ..anchor import CountedText, Refused
from ..packet import Packet
from ..raw_coding import CodingRowError, CodingsFile, RawCoding, numbered
from ..shown_text import CodedText, MarkedSpan, ShownText, shown_texts
from . import CodingsReader, Columns, Tool

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

UNIT = "UNIT"
"""The code of the marks; it says nothing of a unit but that it is one."""

_GREY = "#BBBBBB"
_OTHER = ("PictureSelection", "PDFSelection", "AudioSelection", "VideoSelection", "TranscriptSelection")


def tool() -> Tool:
    return Tool({"qdpx": _write}, {"qdpx": CodingsReader(_sniff, _read, _columns)})


def _write(packet: Packet, coder: str, out: Path) -> list[Path]:
    """Write ``OUT/CODER.qdpx``."""
    texts = list(shown_texts(packet, coder))
    path = out / f"{coder}.qdpx"
    entries = [("project.qde", _project(packet, coder, texts).encode())]
    entries += [(f"sources/{_text_guid(packet, each)}.txt", each.text.encode()) for each in texts]
    write_text(path, zipped(entries))
    return [path]


def _unit_mark(book: Codebook) -> Node:
    about = "Marks where a unit begins and ends. Leave it, and give the unit its code."
    return Node(guid(book.id, "unit"), shown_name(UNIT, "code this"), about, _GREY, True)


def _project(packet: Packet, coder: str, texts: list[ShownText]) -> str:
    from pyrefiqda import models
    from xsdata.formats.dataclass.serializers.config import SerializerConfig
    from xsdata_pydantic.bindings import XmlSerializer

    book = packet.codebook
    user = guid(packet.manifest.packet_id, "coder", coder)
    codes = as_models([_unit_mark(book), *code_tree(book, none=True)], models.ProjectCodeType)
    project = models.Project(
        name=legal(f"{book.ref} {coder}"),
        origin=ORIGIN,
        creating_user_guid=user,
        users=models.UsersType(user=[models.UserType(guid=user, name=legal(coder))]),
        code_book=models.ProjectCodeBookType(codes=models.ProjectCodesType(code=codes)),
        sources=models.SourcesType(text_source=list(_sources(packet, user, texts))) if texts else None,
        description=legal(f"codebook: {book.stamp}\npacket: {packet.manifest.packet_id}"),
    )
    config = SerializerConfig(xml_declaration=True, encoding="UTF-8")
    text: str = XmlSerializer(config=config).render(project, ns_map={None: "urn:QDA-XML:project:1.0"})
    return text


def _sources(packet: Packet, user: str, texts: list[ShownText]) -> Iterator[Any]:
    from pyrefiqda import models

    mark = models.CodeRefType(target_guid=_unit_mark(packet.codebook).guid)
    for shown in texts:
        source = _text_guid(packet, shown)
        selections = []
        for each in shown.marks:
            coding = guid(source, each.unit_id, UNIT)
            selection = models.PlainTextSelectionType(
                guid=guid(source, each.unit_id),
                name=shown.text[each.start : each.end],
                start_position=each.start,
                end_position=each.end,
                creating_user=user,
                coding=[models.CodingType(guid=coding, creating_user=user, code_ref=mark)],
            )
            selections.append(selection)
        yield models.TextSourceType(
            guid=source,
            name=shown.name,
            plain_text_path=f"internal://{source}.txt",
            creating_user=user,
            plain_text_selection=selections,
        )


def _text_guid(packet: Packet, shown: ShownText) -> str:
    return guid(packet.manifest.packet_id, "text", shown.name)


def _sniff(file: CodingsFile) -> float:
    suffix = file.path.suffix.lower()
    if file.rows or suffix not in (".qdpx", ".zip"):
        return 0.0
    return float(suffix == ".qdpx" or any(n.lower().endswith(".qde") for n in names_in(file.path)))


def _columns(file: CodingsFile) -> Columns:
    found = Counter(local(element.tag) for element in _Project(file.path).root.iter())
    return Columns([], [f"{name} ({found[name]})" for name in _OTHER if found[name]])


def _read(file: CodingsFile) -> Iterator[RawCoding | BadRow]:
    project = _Project(file.path)
    return numbered(row for source in project.sources() for row in project.codings(source))


class _Project:
    """The XML of a project and the texts beside it."""

    def __init__(self, path: Path) -> None:
        self.where = str(path)
        self.archive = Archive(read_bytes(path, "export texts only, no media"), self.where)
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
        selections = _children(source, "PlainTextSelection")
        codings = [coding for each in selections for coding in _children(each, "Coding")]
        if not codings:
            return
        name = source.get("name") or ""
        try:
            text = self._text(source)
        except CodingRowError as error:
            yield from (BadRow(0, f"{name}: {error}", "") for _ in codings)
            return
        timed: list[tuple[str, MarkedSpan]] = []
        for each in selections:
            try:
                timed += self._spans(each, text)
            except CodingRowError as error:
                yield BadRow(0, f"{name}: {error}", "")
        marks, spans = _marks_and_codings(timed)
        yield from CodedText(name, text.text, marks, self.allowance).rows(spans)

    def _spans(self, selection: Element, text: CountedText) -> list[tuple[str, MarkedSpan]]:
        """All codings of one selection and when they were made. Raises `CodingRowError` if it has no place."""
        offsets = [selection.get(which, "") for which in ("startPosition", "endPosition")]
        try:
            start, end = map(int, offsets)
        except ValueError:
            raise CodingRowError(
                f"startPosition {offsets[0][:20]!r}, endPosition {offsets[1][:20]!r}"
            ) from None
        place = text.anchored(start, end, name := selection.get("name") or "")
        if isinstance(place, Refused):
            raise CodingRowError(f"{place.why}: {name[:60]!r}" if name else place.why)
        self.allowance.spend(place.end - place.start + (len(text.text) // 100 if place.cause else 0))
        memo = self._memo(selection)
        found = []
        for coding in _children(selection, "Coding"):
            target = next((ref.get("targetGUID") for ref in _children(coding, "CodeRef")), None)
            by, when = (
                coding.get(name) or selection.get(name) or "" for name in ("creatingUser", "creationDateTime")
            )
            user = self.users.get(_key(by) or self.owner, "")
            notes = "\n".join(filter(None, (memo, self._memo(coding))))
            found.append(
                (when, MarkedSpan(*place[:2], user, self.codes.get(_key(target)), notes, place.cause))
            )
        return found

    def _memo(self, element: Element) -> str:
        parts = [child.text or "" for child in _children(element, "Description")]
        for ref in _children(element, "NoteRef"):
            note = self.notes.get(_key(ref.get("targetGUID")))
            if note is not None:
                with suppress(CodingRowError):
                    parts.append(self._text(note).text)
                    self.allowance.spend(len(parts[-1]))
        return "\n".join(part.strip() for part in parts if part.strip())

    def _text(self, element: Element) -> CountedText:
        """A plain text in the project. Raises `CodingRowError` if there is none. Nothing outside of the archive is ever opened."""
        for child in _children(element, "PlainTextContent"):
            return self._counted(child.text or "", element)
        path = element.get("plainTextPath") or ""
        name = path.removeprefix("internal://").rpartition("/")[2].lower()
        if not path.startswith("internal://") or name not in self.files:
            raise CodingRowError(f"its text, {path[:100]!r}, is not in the project")
        data = self.archive.read(self.files[name])
        encoding = "utf-16" if data[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
        try:
            return self._counted(data.decode(encoding), element)
        except UnicodeDecodeError as error:
            raise CodingRowError(f"its text, {path[:100]!r}, is not UTF-8 (byte {error.start + 1})") from None

    @staticmethod
    def _counted(text: str, element: Element) -> CountedText:
        names = [
            (child.get("startPosition", ""), child.get("endPosition", ""), child.get("name") or "")
            for child in _children(element, "PlainTextSelection")
        ]
        return CountedText(text, [(int(a), int(b), name) for a, b, name in names if _whole(a) and _whole(b)])

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


def _marks_and_codings(timed: list[tuple[str, MarkedSpan]]) -> tuple[list[MarkedSpan], list[MarkedSpan]]:
    """The units' marks, and the codings in the order in which they were made, if that is said of all of them."""
    marks = [span for _, span in timed if span.code == UNIT]
    codings = [each for each in timed if each[1].code != UNIT]
    if all(when for when, _ in codings):
        codings.sort(key=itemgetter(0))
    return marks, [span for _, span in codings]


def _children(element: Element, tag: str) -> list[Element]:
    return [child for child in element if local(child.tag) == tag]


def _key(guid: str | None) -> str:
    """GUIDs are compared without braces and case."""
    return (guid or "").strip("{}").lower()


def _whole(text: str) -> bool:
    return text.isascii() and text.isdigit() and len(text) < 16
