"""What INCEpTION exports: annotated documents as UIMA CAS, in XML (XMI) or JSON, or an archive of them.

    anna.zip = anna.xmi + TypeSystem.xml            one document of one annotator: the coder is "anna"
    project.zip: annotation/001 t90c….xmi/anna.zip  a whole project, one such archive for each document and annotator

Units of a packet carry their ids. An annotation that a coder added has none: it is of the unit that it overlaps most. In
other projects the custom span layers are read that have a feature "code", "label" or "value".
"""

from __future__ import annotations

import io
import json
import warnings
from collections.abc import Iterator
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any, NamedTuple

from ...errors import InputError
from ...files.archive import Allowance, Archive, check_xml, names_in, read_bytes
from ...files.records import BadRow, Row
from ..packets._view import FIRST, FLAG, MEMO
from ..packets.inception import UNIT, UNIT_ID, need_cassis
from ..shown_text import Stretch, share, stretches
from . import Columns, Importer, RawCoding, Table

if TYPE_CHECKING:
    from cassis import Cas

_JSON = "%FEATURE_STRUCTURES"
_TYPES = "typesystem.xml"
_NOBODY = {"INITIAL_CAS", "TypeSystem"}
_ANY = ("code", "label", "value")
"""Features of other projects' layers that are taken for the code, in this order."""


class _Document(NamedTuple):
    """One annotator's annotations of one document: ``data`` is XML or JSON, ``types`` its type system, if any."""

    where: str
    coder: str
    name: str
    data: bytes
    types: bytes | None


class _Inception:
    def sniff(self, table: Table) -> float:
        suffix = table.path.suffix.lower()
        if suffix == ".json":
            return 1.0 if _cas_rows(table) else 0.0
        if suffix == ".xmi":
            return 1.0
        if suffix != ".zip":
            return 0.0
        names = [name.lower() for name in names_in(table.path)]
        ours = any(
            n.endswith((".xmi", _TYPES)) or n.startswith(("exportedproject", "annotation/")) for n in names
        )
        return 0.9 if ours else 0.0

    def columns(self, table: Table) -> Columns:
        return Columns([], [])

    def read(self, table: Table) -> Iterator[RawCoding | BadRow]:
        row, allowance = 0, Allowance(str(table.path))
        for document in _documents(table):
            for found in _codings(document, allowance):
                row += 1
                yield found._replace(line=row) if isinstance(found, BadRow) else found._replace(row=row)


def _documents(table: Table) -> Iterator[_Document]:
    path = table.path
    if path.suffix.lower() == ".zip":
        yield from _unpacked(_archive(table), str(path), path.stem, inner=True)
        return
    data = read_bytes(path, "export the documents one by one")
    beside = path.with_name("TypeSystem.xml")
    types = read_bytes(beside, "export again") if path.suffix.lower() == ".xmi" and beside.is_file() else None
    yield _Document(str(path), _coder(path.stem), path.stem, data, types)


def _unpacked(archive: Archive, where: str, name: str, *, inner: bool) -> Iterator[_Document]:
    """The documents of an archive, and of the archives in it."""
    types = next((n for n in archive.names if n.lower().rpartition("/")[2] == _TYPES), None)
    system = archive.read(types) if types else None
    for each in sorted(archive.names):
        place = PurePosixPath(each)
        document = place.parent.name if len(place.parts) > 1 else name
        is_cas = place.suffix.lower() == ".xmi"
        if place.parts[0] in ("source", "curation", "curation_ser", "annotation_ser", "log"):
            continue
        if is_cas or (place.suffix.lower() == ".json" and place.parts[0] == "annotation"):
            if place.stem not in _NOBODY:
                yield _Document(f"{where}: {each}", _coder(place.stem), document, archive.read(each), system)
        elif inner and place.suffix.lower() == ".zip" and place.stem not in _NOBODY:
            nested = Archive(archive.read(each), f"{where}: {each}")
            yield from _unpacked(nested, f"{where}: {each}", document, inner=False)


def _codings(document: _Document, allowance: Allowance) -> Iterator[RawCoding | BadRow]:
    try:
        cas = _load(document)
        text = cas.sofa_string
        if not isinstance(text, str):
            raise ValueError("no text in it")
        layers = [t for t in cas.typesystem.get_types() if t.name.startswith("webanno.custom.")]
        found = [
            (
                _Filled(fs.begin, fs.end, {f.name: fs.get(f.name) for f in layer.all_features}),
                layer.name == UNIT,
            )
            for layer in layers
            for fs in cas.select(layer.name)
        ]
    except InputError:
        raise
    except Exception as error:  # noqa: BLE001 - cassis raises whatever its parsing stumbles over
        yield BadRow(
            0, f"{document.where}: no CAS that can be read: {type(error).__name__}: {str(error)[:200]}", ""
        )
        return
    rows = sorted((each for each in found), key=lambda pair: (pair[0].start or 0, pair[0].end or 0))
    known = stretches(text)
    units = [one for one, ours in rows if ours and one.text(UNIT_ID)]
    for one, ours in rows:
        if one.start is None or one.end is None or not 0 <= one.start < one.end <= len(text):
            why = f"{document.where}: an annotation at {one.start}–{one.end} is not in the text"
            yield BadRow(0, why, "")
            continue
        allowance.spend(one.end - one.start + (0 if one.text(UNIT_ID) else 10 * len(units)))
        if ours and one.text(UNIT_ID):
            yield _unit_row(one, one.text(UNIT_ID), document, text[one.start : one.end])
        elif ours and units:
            yield _added(one, units, document, text)
        elif code := next((one.text(name) for name in (FIRST, *_ANY) if one.text(name)), ""):
            yield _span_row(one, code, document, text, known)


class _Filled(NamedTuple):
    """An annotation: half-open code points, and what was filled in."""

    start: int | None
    end: int | None
    values: dict[str, Any]

    def text(self, name: str) -> str:
        value = self.values.get(name)
        return value.strip() if isinstance(value, str) else ""

    def cell(self) -> str | None:
        """All codes, the primary one first."""
        names = [n for n in self.values if n.endswith("_code") or n.startswith("code_")]
        order = sorted(names, key=lambda n: (n != FIRST, n != "second_code", n != "third_code", len(n), n))
        return "; ".join(text for name in order if (text := self.text(name))) or None


def _unit_row(one: _Filled, unit_id: str, document: _Document, quote: str) -> RawCoding:
    memo = one.text(MEMO) or None
    flag = one.values.get(FLAG) is True
    return RawCoding(0, document.coder, one.cell(), unit_id, quote=quote, memo=memo, whole=True, flag=flag)


def _added(one: _Filled, units: list[_Filled], document: _Document, text: str) -> RawCoding | BadRow:
    """An annotation without a unit's id. Where its unit was filled in too, the judging says so."""
    start, end = one.start or 0, one.end or 0
    best = max(units, key=lambda unit: share(start, end, unit.start or 0, unit.end or 0))
    if not share(start, end, best.start or 0, best.end or 0):
        return BadRow(0, f"{document.where}: {text[start:end][:60]!r} lies in no unit", "")
    return _unit_row(one, best.text(UNIT_ID), document, text[best.start : best.end])._replace(whole=False)


def _span_row(
    one: _Filled, code: str, document: _Document, text: str, known: list[Stretch]
) -> RawCoding | BadRow:
    start, end = one.start or 0, one.end or 0
    stretch = known[0] if known else Stretch(0, len(text), trace=document.name)
    if start < stretch.start or stretch.unit_id:
        return BadRow(0, f"{document.where}: {text[start:end][:60]!r} is nothing that was to be coded", "")
    return RawCoding(
        0,
        document.coder,
        code,
        trace_id=stretch.trace,
        start=str(start - stretch.start),
        end=str(end - stretch.start),
        quote=text[start:end],
        memo=one.text(MEMO) or None,
    )


def _load(document: _Document) -> Cas:
    """The CAS. Anything that is not XML without entities, or JSON, is refused before cassis sees it."""
    cassis = need_cassis()
    with warnings.catch_warnings():
        # Of types that the type system does not know, and offsets inside a character: both are checked by the caller.
        warnings.simplefilter("ignore")
        if document.data.lstrip()[:1] == b"{":
            json.loads(document.data)
            return cassis.load_cas_from_json(io.BytesIO(document.data), lenient=True)
        check_xml(document.data, document.where)
        if document.types is None:
            raise ValueError("no TypeSystem.xml beside it")
        check_xml(document.types, f"{document.where}: TypeSystem.xml")
        system = cassis.load_typesystem(io.BytesIO(document.types))
        return cassis.load_cas_from_xmi(io.BytesIO(document.data), typesystem=system, lenient=True)


def _cas_rows(table: Table) -> bool:
    first = table.rows[0] if table.rows else None
    return isinstance(first, Row) and _JSON in first.data


def _coder(stem: str) -> str:
    """An annotator's name; a document exported by itself is named for the document, and says nothing."""
    return "" if stem[:3].isdigit() and stem[3:4] in ("_", " ") else stem


def _archive(table: Table) -> Archive:
    return Archive(read_bytes(table.path, "export the documents one by one"), str(table.path))


def importer() -> Importer:
    """The importer of INCEpTION's exports."""
    return _Inception()
