"""A coder's texts for INCEpTION: documents in which every unit is an annotation to fill in, and the layer for them.

    A.inception.layer.json     Settings → Layers → Import: the layer "Unit" with its code lists
    A.inception/001 ….xmi      Documents → Import, format "UIMA CAS XMI (XML 1.0)"
    A.inception/TypeSystem.xml what the documents are made of, for other UIMA programs

Each annotation has the unit's id, so nothing depends on offsets. With ``json``: documents as UIMA CAS JSON. The texts are
those of `../shown.py`; every unit, and every other line, is a sentence, that is a line on the screen.
"""

from __future__ import annotations

import json as json_
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ...codebook import NONE, Codebook
from ...errors import PluginError
from ...files.records import atomic
from ..packet import Packet
from ..shown_text import ShownText, shown_texts
from ._view import FLAG, MEMO, in_short, ranks

if TYPE_CHECKING:
    from cassis import Cas, TypeSystem

UNIT = "webanno.custom.PcodeUnit"
UNIT_ID = "unit_id"
SENTENCE = "de.tudarmstadt.ukp.dkpro.core.api.segmentation.type.Sentence"


def packet(packet: Packet, coder: str, out: Path, *, json: bool = False) -> list[Path]:
    """Write ``OUT/CODER.inception.layer.json`` and the documents. Raises `PluginError` if dkpro-cassis is missing."""
    system = type_system(packet.codebook)
    layer, folder = out / f"{coder}.inception.layer.json", out / f"{coder}.inception"
    with atomic(layer) as file:
        file.write(json_.dumps([_layer(packet.codebook)], ensure_ascii=False, indent=1) + "\n")
    types = folder / "TypeSystem.xml"
    with atomic(types) as file:
        file.write(system.to_xml())
    written = [layer, types]
    for shown in shown_texts(packet, coder):
        cas = _cas(system, packet, shown)
        path = folder / f"{shown.name.replace(' ', '_')}.{'json' if json else 'xmi'}"
        with atomic(path) as file:
            file.write(cas.to_json() if json else cas.to_xmi())
        written.append(path)
    return written


def need_cassis() -> Any:
    """The package cassis."""
    try:
        import cassis
    except ImportError:
        raise PluginError(
            "INCEpTION's format needs dkpro-cassis", "pip install 'pedagogy-r1[inception]'"
        ) from None
    return cassis


def type_system(book: Codebook) -> TypeSystem:
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
    """The layer as INCEpTION exports and imports it."""
    features = [_feature(name, tags=_tags(book, second=n > 0)) for n, name in enumerate(ranks(book))]
    features += [_feature(MEMO), _feature(FLAG, "uima.cas.Boolean"), _feature(UNIT_ID)]
    return {
        "name": UNIT,
        "uiName": "Unit",
        "type": "span",
        "description": f"A unit to be coded with {book.ref}",
        "enabled": True,
        "built_in": False,
        "readonly": False,
        "attach_type": None,
        "attach_feature": None,
        "allow_stacking": False,
        "cross_sentence": True,
        "show_hover": True,
        "anchoring_mode": "CHARACTERS",
        "overlap_mode": "NO_OVERLAP",
        "validation_mode": "NEVER",
        "lock_to_token_offset": False,
        "multiple_tokens": True,
        "linked_list_behavior": False,
        "traits": None,
        "features": [feature | {"rank": rank} for rank, feature in enumerate(features)],
    }


def _feature(
    name: str, type: str = "uima.cas.String", *, tags: dict[str, Any] | None = None
) -> dict[str, Any]:
    return {
        "name": name,
        "uiName": name.replace("_", " "),
        "type": type,
        "tag_set": tags,
        "description": "",
        "enabled": True,
        "visible": tags is not None or name == FLAG,
        "include_in_hover": name == MEMO,
        "required": False,
        "remember": False,
        "hideUnconstraintFeature": False,
        "multi_value_mode": "none",
        "link_mode": "none",
        "link_type_name": None,
        "link_type_role_feature_name": None,
        "link_type_target_feature_name": None,
        "traits": None,
        "curatable": name != UNIT_ID,
    }


def _tags(book: Codebook, *, second: bool) -> dict[str, Any]:
    tags = [{"tag_name": code.id, "tag_description": in_short(code)} for code in book.codes]
    if not second:
        tags.append({"tag_name": NONE, "tag_description": "no code applies"})
    return {
        "name": f"{book.ref}{' second' if second else ''}",
        "description": book.title,
        "language": book.lang,
        "tags": tags,
        "create_tag": False,
    }
