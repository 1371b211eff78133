"""A codebook as REFI-QDA codebook (`.qdc`), for NVivo, ATLAS.ti, MAXQDA, QualCoder and others, and back.

    families and codes  →  <Code isCodable="false" name="IA · Reflection-in-action">
                             <Code isCodable="true" name="IA-SQ · self-questioning" color="#88CCEE">
    the book's own facts →  <Set name="schoen@1.0.0"> with all codes

GUIDs come from the ids, so that the same code has the same one in every file. Not in it is what serves the rule-based
coder: cues, features, ``unless``, ``fallback`` and ``cues_trust``; nor are migrations, the table of looks and the training pages, which the manual
has. `code_text.py` has the texts.

What another program made is read as families and codes, too:

    Reflection                    family Reflection, and a code of that name if it can be given to a text
      Surprise!                   code Surprise, "Surprise!"
        Very odd                  code Very-odd, in the family at the top
    Loose                         code Loose, in the family ALL

A name that begins with an id, as ours do ("IA-SQ · self-questioning"), keeps it; for others one is made of the name.
"""

from __future__ import annotations

import re
import uuid
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from pydantic import ValidationError

from ..errors import CodebookError, InputError
from ..files.archive import legal, local, parse_xml
from .code_text import book_facts, code_fields, describe_book, describe_code
from .codebook import NONE, Codebook, first_violation

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

MARK = " · "
"""Between id and name in the name that a program shows."""
ORIGIN = "pedagogy_r1"
_SPACE = uuid.UUID("6d3f0c52-7c0e-5b5b-9b55-6f6a2f6d1e10")
_ID = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,31}")
_COLOR = re.compile(r"#([0-9a-fA-F]{6}|[0-9a-fA-F]{3})")


class Node(NamedTuple):
    """A code or a family as programs for qualitative analysis know it."""

    guid: str
    name: str
    description: str
    color: str | None
    codable: bool
    children: tuple[Node, ...] = ()


class ImportedCodebook(NamedTuple):
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


def split_name(shown: str) -> tuple[str, str] | None:
    """Id and name, of a name made of both.

    >>> split_name("IA-SQ · self-questioning"), split_name("My theme")
    (('IA-SQ', 'self-questioning'), None)
    """
    id, mark, name = (part.strip() for part in shown.partition(MARK))
    return (id, name) if mark and name and _ID.fullmatch(id) else None


def shown_id(name: str) -> str:
    """The id in a name that `shown_name` made; any other name as it is, trimmed.

    >>> shown_id("IA-SQ · self-questioning"), shown_id("My theme")
    ('IA-SQ', 'My theme')
    """
    return (split_name(name) or (name.strip(),))[0]


def code_tree(book: Codebook, *, none: bool = False) -> tuple[Node, ...]:
    """Families with their codes; ``none``: and "none", for coders who find that no code applies."""
    tree = []
    for family in book.families:
        own = [code for code in book.codes if code.family == family.id]
        codes = tuple(_node(book, code.id, code.name, describe_code(code), code.color) for code in own)
        name, about = shown_name(family.id, family.name), legal(family.about.strip())
        tree.append(Node(guid(book.id, "family", family.id), name, about, None, False, codes))
    if none:
        tree.append(_node(book, NONE, "no code applies", "No code of the book applies."))
    return tuple(tree)


def _node(book: Codebook, id: str, name: str, description: str, color: str | None = None) -> Node:
    return Node(guid(book.id, "code", id), shown_name(id, name), description, color, True)


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
) -> ImportedCodebook:
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
    for name, value in {"id": id, "version": version, "title": title}.items():
        facts |= {} if value is None else {name: value}
    if "id" not in facts:
        raise CodebookError(f"{where}: the file does not say the codebook's id", "give one with --id")
    facts.setdefault("version", "1.0.0")
    facts.setdefault("title", facts["id"])
    tree = _CodeTree()
    for codes in root:
        if local(codes.tag) == "Codes":
            tree.read(codes)
    if not tree.codes:
        raise CodebookError(f"{where}: no codes", "export the codebook again")
    try:
        book = Codebook.model_validate(facts | {"families": tree.families, "codes": tree.codes})
    except ValidationError as error:
        hint = "mend it, or give --id, --version, --title"
        raise CodebookError(f"{where}: {first_violation(error)}", hint) from None
    return ImportedCodebook(book, tuple(tree.remarks()))


def _facts(root: Element) -> dict[str, Any]:
    sets = (each for element in root if local(element.tag) == "Sets" for each in element)
    return next((found for each in sets if (found := book_facts(_description(each)))), {})


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


class _CodeTree:
    """Families and codes as they are found in another program's tree."""

    def __init__(self) -> None:
        self.families: list[dict[str, Any]] = []
        self.codes: list[dict[str, Any]] = []
        self._taken: dict[str, set[str]] = {"family": set(), "code": set()}
        self._said: dict[str, list[str]] = {}

    def read(self, codes: Element) -> None:
        """Take up the element with the codes."""
        loose: list[Element] = []
        for top in codes:
            if local(top.tag) != "Code":
                continue
            if any(local(child.tag) == "Code" for child in top) or top.get("isCodable") == "false":
                self._family(top)
            else:
                loose.append(top)
        if loose:
            family = self._new_id("family", "ALL")
            self.families.append({"id": family, "name": "Codes"})
            for code in loose:
                self._code(code, family)

    def remarks(self) -> list[str]:
        """What is worth saying, in words."""
        return [
            f"{what}: {', '.join(names[:5])}{' …' if len(names) > 5 else ''}"
            for what, names in self._said.items()
        ]

    def _family(self, top: Element) -> None:
        id, name = self._names("family", top)
        self.families.append({"id": id, "name": name, "about": _description(top)})
        if top.get("isCodable") != "false":
            self._code(top, id)
        waiting = [(child, 1) for child in reversed(top)]
        while waiting:
            each, depth = waiting.pop()
            if local(each.tag) != "Code":
                continue
            if each.get("isCodable") == "false":
                self._say("levels between family and code that are left out", each)
            else:
                self._code(each, id)
            if depth > 1:
                self._say("codes below codes, now directly in their family", each)
            waiting += [(child, depth + 1) for child in reversed(each)]

    def _code(self, element: Element, family: str) -> None:
        id, name = self._names("code", element)
        fields, read = code_fields(_description(element), name)
        if not read:
            self._say("codes without a description (the name stands for it)", element)
        color = (element.get("color") or "").strip()
        if color and not _COLOR.fullmatch(color):
            self._say("colours that are none", element)
            color = ""
        if len(color) == 4:
            color = "#" + "".join(2 * digit for digit in color[1:])
        self.codes.append({"id": id, "name": name, "family": family, "color": color or None} | fields)

    def _names(self, kind: str, element: Element) -> tuple[str, str]:
        shown = (element.get("name") or "").strip()
        ours = split_name(shown)
        if ours and ours[0].lower() not in self._taken[kind]:
            self._taken[kind].add(ours[0].lower())
            return ours
        made = self._new_id(kind, re.sub(r"[^A-Za-z0-9]+", "-", shown).strip("-")[:28])
        if made != shown:
            self._say(f"ids made up for a {kind}", element, made)
        return made, shown or made

    def _new_id(self, kind: str, wish: str) -> str:
        """``wish``, or with a number behind it if it is taken; a letter and a number if it can be no id."""
        taken = self._taken[kind]
        sound = _ID.fullmatch(wish) and wish.lower() != NONE
        stem, number = (f"{wish}-", 2) if sound else (kind[0].upper(), 1)
        id = wish if sound else f"{stem}{number}"
        while id.lower() in taken:
            id, number = f"{stem}{number}", number + 1
        taken.add(id.lower())
        return id

    def _say(self, what: str, element: Element, more: str = "") -> None:
        name = repr((element.get("name") or "")[:60])
        self._said.setdefault(what, []).append(f"{name} → {more}" if more else name)


def _description(element: Element) -> str:
    """The text of an element's description."""
    return next((child.text or "" for child in element if local(child.tag) == "Description"), "").strip()
