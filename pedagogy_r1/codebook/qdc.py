"""A codebook as REFI-QDA codebook (`.qdc`), for NVivo, ATLAS.ti, MAXQDA, QualCoder and others, and back.

    families and codes  →  <Code isCodable="false" name="IA · Reflection-in-action">
                             <Code isCodable="true" name="IA-SQ · self-questioning" color="#88CCEE">
    the book's own facts →  <Set name="schoen@1.0.0"> with all codes

GUIDs come from the ids, so that the same code has the same one in every file. Not in it is what serves the rule-based
coder: cues, features, ``unless`` and ``fallback``; nor are migrations. `description.py` has the texts.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import CodebookError, InputError
from ..files.archive import legal, local, parse_xml
from .codebook import NONE, Codebook
from .description import book_facts, describe_book, describe_code
from .outline import MARK, Outline, description_of, split_name

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

ORIGIN = "pedagogy_r1"
_SPACE = uuid.UUID("6d3f0c52-7c0e-5b5b-9b55-6f6a2f6d1e10")


class Node(NamedTuple):
    """A code or a family as programs for qualitative analysis know it."""

    guid: str
    name: str
    description: str
    color: str | None
    codable: bool
    children: tuple[Node, ...] = ()


class Imported(NamedTuple):
    """A codebook out of a `.qdc`, and what of the file is not in it."""

    book: Codebook
    remarks: tuple[str, ...]


def guid(*parts: str) -> str:
    """The GUID of something that has a stable name.

    >>> guid("schoen", "code", "IA-SQ") == guid("schoen", "code", "IA-SQ")
    True
    """
    return str(uuid.uuid5(_SPACE, "\0".join(parts)))


def shown_name(id: str, name: str) -> str:
    """``IA-SQ · self-questioning``."""
    return legal(f"{id}{MARK}{name}")


def shown_id(name: str) -> str:
    """The id in a name that `shown_name` made; any other name as it is, trimmed.

    >>> shown_id("IA-SQ · self-questioning"), shown_id("My theme")
    ('IA-SQ', 'My theme')
    """
    ours = split_name(name)
    return ours[0] if ours else name.strip()


def code_tree(book: Codebook, *, none: bool = False) -> tuple[Node, ...]:
    """Families with their codes; ``none``: and "none", for coders who find that no code applies."""
    families = [
        Node(
            guid(book.id, "family", family.id),
            shown_name(family.id, family.name),
            legal(family.about.strip()),
            None,
            False,
            tuple(
                Node(
                    guid(book.id, "code", code.id),
                    shown_name(code.id, code.name),
                    describe_code(code),
                    code.color,
                    True,
                )
                for code in book.codes
                if code.family == family.id
            ),
        )
        for family in book.families
    ]
    if none:
        no_code = shown_name(NONE, "no code applies")
        families.append(
            Node(guid(book.id, "code", NONE), no_code, "No code of the book applies.", None, True)
        )
    return tuple(families)


def as_models(nodes: Sequence[Node], model: Any) -> list[Any]:
    """Nodes as pyrefiqda's codes, of a codebook (``CodebookCodeType``) or of a project (``ProjectCodeType``)."""
    return [
        model(
            guid=node.guid,
            name=node.name,
            is_codable=node.codable,
            color=node.color,
            description=node.description or None,
            code=as_models(node.children, model),
        )
        for node in nodes
    ]


def to_qdc(book: Codebook) -> str:
    """The XML of the codebook."""
    from pyrefiqda import models
    from xsdata.formats.dataclass.serializers.config import SerializerConfig
    from xsdata_pydantic.bindings import XmlSerializer

    members = [models.MemberCodeType(guid=guid(book.id, "code", code.id)) for code in book.codes]
    facts = models.CodebookSetType(
        guid=guid(book.id, "book"), name=book.ref, description=describe_book(book), member_code=members
    )
    root = models.CodeBook(
        codes=models.CodebookCodesType(code=as_models(code_tree(book), models.CodebookCodeType)),
        sets=models.CodebookSetsType(set=[facts]),
        origin=ORIGIN,
    )
    serializer = XmlSerializer(config=SerializerConfig(xml_declaration=True, encoding="UTF-8", indent="  "))
    text: str = serializer.render(root, ns_map={None: "urn:QDA-XML:codebook:1.0"})
    return text


def from_qdc(
    data: bytes,
    where: str,
    *,
    id: str | None = None,
    version: str | None = None,
    title: str | None = None,
) -> Imported:
    """A codebook out of a `.qdc`, this project's or another program's. Raises `CodebookError`.

    Codes at the top that hold others are families; whatever lies deeper belongs to the family at the top.
    """
    try:
        root = parse_xml(data, where)
    except InputError as error:
        raise CodebookError(error.message, error.hint) from None
    if local(root.tag) != "CodeBook":
        raise CodebookError(f"{where}: the root is <{local(root.tag)}>, not <CodeBook>", "give a .qdc file")
    _refuse_double(root, where)
    facts = _facts(root)
    given = {"id": id, "version": version, "title": title}
    facts |= {name: value for name, value in given.items() if value is not None}
    if "id" not in facts:
        raise CodebookError(f"{where}: the file does not say the codebook's id", "give one with --id")
    facts.setdefault("version", "1.0.0")
    facts.setdefault("title", facts["id"])
    outline = Outline()
    for codes in root:
        if local(codes.tag) == "Codes":
            outline.read(codes)
    if not outline.codes:
        raise CodebookError(f"{where}: no codes", "export the codebook again")
    try:
        book = Codebook.model_validate(facts | {"families": outline.families, "codes": outline.codes})
    except ValueError as error:
        raise CodebookError(
            f"{where}: {_first(error)}", "mend it, or give --id, --version, --title"
        ) from None
    return Imported(book, tuple(outline.remarks()))


def _facts(root: Element) -> dict[str, Any]:
    for sets in root:
        if local(sets.tag) != "Sets":
            continue
        for each in sets:
            if found := book_facts(description_of(each)):
                return found
    return {}


def _refuse_double(root: Element, where: str) -> None:
    seen: dict[str, str] = {}
    for element in root.iter():
        if local(element.tag) not in ("Code", "Set"):
            continue
        name, each = element.get("name") or "", (element.get("guid") or "").strip("{}").lower()
        if each and each in seen:
            raise CodebookError(
                f"{where}: {seen[each][:60]!r} and {name[:60]!r} have the same GUID, {each}",
                "export the codebook again from the program that made it",
            )
        seen[each] = name


def _first(error: ValueError) -> str:
    from pydantic import ValidationError

    if not isinstance(error, ValidationError):
        return str(error)
    first = error.errors()[0]
    return f"{'.'.join(str(part) for part in first['loc'])}: {first['msg']}"
