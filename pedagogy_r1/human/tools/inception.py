"""INCEpTION: documents in which every unit is an annotation to fill in, the layer for them, and what it exports.

    A.inception.layer.json     Settings → Layers → Import: the layer "Unit" with its code lists
    A.inception/001 ….xmi      Documents → Import, format "UIMA CAS XMI (XML 1.0)"
    A.inception/TypeSystem.xml what the documents are made of, for other UIMA programs

    anna.zip = anna.xmi + TypeSystem.xml            one document of one annotator: the coder is "anna"
    project.zip: annotation/001 t90c….xmi/anna.zip  a whole project, one such archive for each document and annotator

Each annotation has the unit's id, so nothing depends on offsets. With ``json``: documents as UIMA CAS JSON. The texts are
those of `shown_text.py`; every unit, and every other line, is a sentence, that is a line on the screen.

An annotation that a coder added has no unit's id: it is of the unit that it overlaps most. In other projects the custom
span layers are read that have a feature "code", "label" or "value".
"""

from __future__ import annotations

import io
import json as json_
import warnings
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

from ...codebook import NONE, Codebook
from ...errors import InputError, PluginError
from ...files.archive import Allowance, Archive, check_xml, names_in, read_bytes
from ...files.records import BadRow, Row, write_json, write_text
from ..packet import FIRST, FLAG, MEMO, RANKS, Packet, code_line, ranks
from ..raw_coding import CodingsFile, RawCoding, numbered
from ..shown_text import CodablePlace, ShownText, codable_places, share, shown_texts
from . import CodingsReader, Tool

if TYPE_CHECKING:
    from cassis import Cas, TypeSystem

UNIT = "webanno.custom.PcodeUnit"
UNIT_ID = "unit_id"
SENTENCE = "de.tudarmstadt.ukp.dkpro.core.api.segmentation.type.Sentence"

_LAYER: dict[str, Any] = json_.loads("""{
    "name": "webanno.custom.PcodeUnit", "uiName": "Unit", "type": "span", "description": "", "enabled": true,
    "built_in": false, "readonly": false, "attach_type": null, "attach_feature": null, "allow_stacking": false,
    "cross_sentence": true, "show_hover": true, "anchoring_mode": "CHARACTERS", "overlap_mode": "NO_OVERLAP",
    "validation_mode": "NEVER", "lock_to_token_offset": false, "multiple_tokens": true,
    "linked_list_behavior": false, "traits": null}""")
_FEATURE: dict[str, Any] = json_.loads("""{
    "name": "", "uiName": "", "type": "uima.cas.String", "tag_set": null, "description": "", "enabled": true,
    "visible": false, "include_in_hover": false, "required": false, "remember": false,
    "hideUnconstraintFeature": false, "multi_value_mode": "none", "link_mode": "none", "link_type_name": null,
    "link_type_role_feature_name": null, "link_type_target_feature_name": null, "traits": null,
    "curatable": true}""")
"""A layer and a feature as INCEpTION exports and imports them."""

_TYPES = "typesystem.xml"
_NOBODY = {"INITIAL_CAS", "TypeSystem"}
_ANY = ("code", "label", "value")
"""Features of other projects' layers that are taken for the code, in this order."""


def tool() -> Tool:
    return Tool({"inception": _write}, {"inception": CodingsReader(_sniff, _read)})


def _write(packet: Packet, coder: str, out: Path, *, json: bool = False) -> list[Path]:
    """Write ``OUT/CODER.inception.layer.json`` and the documents. Raises `PluginError` if dkpro-cassis is missing."""
    system = _type_system(packet.codebook)
    layer, folder = out / f"{coder}.inception.layer.json", out / f"{coder}.inception"
    write_json(layer, [_layer(packet.codebook)])
    files = {folder / "TypeSystem.xml": system.to_xml()}
    for shown in shown_texts(packet, coder):
        cas = _cas(system, packet, shown)
        name = f"{shown.name.replace(' ', '_')}.{'json' if json else 'xmi'}"
        files[folder / name] = cas.to_json() if json else cas.to_xmi()
    for path, text in files.items():
        write_text(path, text)
    return [layer, *files]


def need_cassis() -> Any:
    try:
        import cassis
    except ImportError:
        raise PluginError(
            "INCEpTION's format needs dkpro-cassis", "pip install 'pedagogy-r1[inception]'"
        ) from None
    return cassis


def _type_system(book: Codebook) -> TypeSystem:
    """Sentences and units, as the documents have them."""
    system: TypeSystem = need_cassis().TypeSystem()
    sentence = system.create_type(SENTENCE)
    system.create_feature(sentence, "id", "uima.cas.String")
    unit = system.create_type(UNIT, description="A unit to be coded")
    for name in [*ranks(book), MEMO, UNIT_ID]:
        system.create_feature(unit, name, "uima.cas.String")
    system.create_feature(unit, FLAG, "uima.cas.Boolean")
    return system


def _cas(system: TypeSystem, packet: Packet, shown: ShownText) -> Cas:
    cas: Cas = need_cassis().Cas(typesystem=system, sofa_string=shown.text, sofa_mime="text/plain")
    about = cas.get_document_annotation()
    about.begin, about.end, about.language = 0, len(shown.text), packet.codebook.lang
    sentence, unit = system.get_type(SENTENCE), system.get_type(UNIT)
    for start, end in _lines(shown):
        cas.add(sentence(begin=start, end=end))
    for mark in shown.marks:
        cas.add(unit(begin=mark.start, end=mark.end, **{UNIT_ID: mark.unit_id, FLAG: False}))
    return cas


def _lines(shown: ShownText) -> Iterator[tuple[int, int]]:
    """Units, and the lines between them without the white space at their ends."""
    at = 0
    for start, end in [*((mark.start, mark.end) for mark in shown.marks), (len(shown.text), len(shown.text))]:
        for line in shown.text[at:start].splitlines(keepends=True):
            if inside := line.strip():
                begin = at + line.index(inside)
                yield begin, begin + len(inside)
            at += len(line)
        if start < end:
            yield start, end
        at = max(at, end)


def _layer(book: Codebook) -> dict[str, Any]:
    features = [_feature(name, tag_set=_tags(book, second=n > 0)) for n, name in enumerate(ranks(book))]
    features += [_feature(MEMO), _feature(FLAG, type="uima.cas.Boolean"), _feature(UNIT_ID)]
    return _LAYER | {
        "description": f"A unit to be coded with {book.ref}",
        "features": [feature | {"rank": rank} for rank, feature in enumerate(features)],
    }


def _feature(name: str, **more: Any) -> dict[str, Any]:
    return _FEATURE | {
        "name": name,
        "uiName": name.replace("_", " "),
        **more,
        "visible": "tag_set" in more or name == FLAG,
        "include_in_hover": name == MEMO,
        "curatable": name != UNIT_ID,
    }


def _tags(book: Codebook, *, second: bool) -> dict[str, Any]:
    tags = [{"tag_name": code.id, "tag_description": code_line(code)} for code in book.codes]
    if not second:
        tags.append({"tag_name": NONE, "tag_description": "no code applies"})
    return {
        "name": f"{book.ref}{' second' if second else ''}",
        "description": book.title,
        "language": book.lang,
        "tags": tags,
        "create_tag": False,
    }


class _Document(NamedTuple):
    """One annotator's annotations of one document: ``data`` is XML or JSON, ``types`` its type system, if any."""

    where: str
    coder: str
    name: str
    data: bytes
    types: bytes | None


def _sniff(file: CodingsFile) -> float:
    suffix = file.path.suffix.lower()
    if suffix == ".json":
        first = file.rows[0] if file.rows else None
        return float(isinstance(first, Row) and "%FEATURE_STRUCTURES" in first.data)
    if suffix == ".xmi":
        return 1.0
    names = [name.lower() for name in names_in(file.path)] if suffix == ".zip" else []
    ours = any(
        n.endswith((".xmi", _TYPES)) or n.startswith(("exportedproject", "annotation/")) for n in names
    )
    return 0.9 if ours else 0.0


def _read(file: CodingsFile) -> Iterator[RawCoding | BadRow]:
    allowance = Allowance(str(file.path))
    return numbered(row for document in _documents(file.path) for row in _codings(document, allowance))


def _documents(path: Path) -> Iterator[_Document]:
    data = read_bytes(path, "export the documents one by one")
    if path.suffix.lower() == ".zip":
        yield from _unpacked(Archive(data, str(path)), str(path), path.stem, inner=True)
        return
    beside = path.with_name("TypeSystem.xml")
    types = read_bytes(beside, "export again") if path.suffix.lower() == ".xmi" and beside.is_file() else None
    yield _Document(str(path), _coder(path.stem), path.stem, data, types)


def _unpacked(archive: Archive, where: str, name: str, *, inner: bool) -> Iterator[_Document]:
    """The documents of an archive, and of the archives in it."""
    system = _types_in(archive)
    for each in sorted(archive.names):
        place = PurePosixPath(each)
        kind, top = place.suffix.lower(), place.parts[0]
        document = place.parent.name if len(place.parts) > 1 else name
        if top in ("source", "curation", "curation_ser", "annotation_ser", "log") or place.stem in _NOBODY:
            continue
        if kind == ".xmi" or (kind == ".json" and top == "annotation"):
            yield _Document(f"{where}: {each}", _coder(place.stem), document, archive.read(each), system)
        elif inner and kind == ".zip":
            nested = Archive(archive.read(each), f"{where}: {each}")
            yield from _unpacked(nested, f"{where}: {each}", document, inner=False)


def _types_in(archive: Archive) -> bytes | None:
    name = next((n for n in archive.names if n.lower().rpartition("/")[2] == _TYPES), None)
    return archive.read(name) if name else None


def _coder(stem: str) -> str:
    """An annotator's name; a document exported by itself is named for the document, and says nothing."""
    return "" if stem[:3].isdigit() and stem[3:4] in ("_", " ") else stem


class _Annotation(NamedTuple):
    """An annotation: half-open code points, if they are numbers; what was filled in; whether it is of our layer."""

    start: Any
    end: Any
    values: dict[str, Any]
    ours: bool

    def text(self, name: str) -> str:
        value = self.values.get(name)
        return value.strip() if isinstance(value, str) else ""

    @property
    def unit_id(self) -> str:
        return self.text(UNIT_ID) if self.ours else ""

    def row(self, coder: str, unit_id: str, quote: str, *, whole: bool) -> RawCoding:
        """A row of a unit with all codes, the primary one first."""
        cell = "; ".join(filter(None, map(self.text, RANKS))) or None
        memo, flag = self.text(MEMO) or None, self.values.get(FLAG) is True
        return RawCoding(0, coder, cell, unit_id, quote=quote, memo=memo, whole=whole, flag=flag)


class _CodedDocument:
    """A document's text, and the annotations of all its custom layers in their order. Raises whatever cassis stumbles over."""

    def __init__(self, document: _Document) -> None:
        cas = _load(document)
        if not isinstance(cas.sofa_string, str):
            raise ValueError("no text in it")
        self.document, self.text = document, cas.sofa_string
        found = [
            _Annotation(
                fs.begin, fs.end, {f.name: fs.get(f.name) for f in layer.all_features}, layer.name == UNIT
            )
            for layer in cas.typesystem.get_types()
            if layer.name.startswith("webanno.custom.")
            for fs in cas.select(layer.name)
        ]
        self.annotations = sorted(found, key=lambda one: (one.start or 0, one.end or 0))
        self._units = [one for one in self.annotations if one.unit_id]
        self._codable = next(iter(codable_places(self.text)), CodablePlace(0, 0, document.name))

    def rows(self, allowance: Allowance) -> Iterator[RawCoding | BadRow]:
        """The rows of all annotations that say anything."""
        for one in self.annotations:
            if None in (one.start, one.end) or not 0 <= one.start < one.end <= len(self.text):
                yield self._bad(f"an annotation at {one.start}–{one.end} is not in the text")
                continue
            searched = 0 if one.text(UNIT_ID) else 10 * len(self._units)
            allowance.spend(one.end - one.start + searched)
            if row := self._row(one):
                yield row

    def _row(self, one: _Annotation) -> RawCoding | BadRow | None:
        coder, quote = self.document.coder, self.text[one.start : one.end]
        if one.unit_id:
            return one.row(coder, one.unit_id, quote, whole=True)
        if one.ours and self._units:
            # The coder added it. Where its unit was filled in too, the import says so.
            shares = [share(one.start, one.end, unit.start or 0, unit.end or 0) for unit in self._units]
            if not max(shares):
                return self._bad(f"{quote[:60]!r} lies in no unit")
            unit = self._units[shares.index(max(shares))]
            return one.row(coder, unit.unit_id, self.text[unit.start : unit.end], whole=False)
        code = next((one.text(name) for name in (FIRST, *_ANY) if one.text(name)), "")
        if not code:
            return None
        codable = self._codable
        if one.start < codable.start or codable.unit_id:
            return self._bad(f"{quote[:60]!r} is nothing that was to be coded")
        start, end = str(one.start - codable.start), str(one.end - codable.start)
        return RawCoding(0, coder, code, "", codable.trace, start, end, quote, one.text(MEMO) or None)

    def _bad(self, why: str) -> BadRow:
        return BadRow(0, f"{self.document.where}: {why}", "")


def _codings(document: _Document, allowance: Allowance) -> Iterator[RawCoding | BadRow]:
    try:
        coded = _CodedDocument(document)
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001 - cassis raises whatever its parsing stumbles over
        why = f"no CAS that can be read: {type(error).__name__}: {str(error)[:200]}"
        yield BadRow(0, f"{document.where}: {why}", "")
        return
    yield from coded.rows(allowance)


def _load(document: _Document) -> Cas:
    """The CAS. Anything that is not XML without entities, or JSON, is refused before cassis sees it."""
    cassis = need_cassis()
    with warnings.catch_warnings():
        # Of types that the type system does not know, and offsets inside a character: both are checked by the caller.
        warnings.simplefilter("ignore")
        if document.data.lstrip()[:1] == b"{":
            json_.loads(document.data)
            return cassis.load_cas_from_json(io.BytesIO(document.data), lenient=True)
        check_xml(document.data, document.where)
        if document.types is None:
            raise ValueError("no TypeSystem.xml beside it")
        check_xml(document.types, f"{document.where}: TypeSystem.xml")
        system = cassis.load_typesystem(io.BytesIO(document.types))
        return cassis.load_cas_from_xmi(io.BytesIO(document.data), typesystem=system, lenient=True)
