"""The tree of codes of any program, as families and codes.

    Reflection                    family Reflection, and a code of that name if it can be given to a text
      Surprise!                   code Surprise, "Surprise!"
        Very odd                  code Very-odd, in the family at the top
    Loose                         code Loose, in the family ALL

A name that begins with an id, as ours do ("IA-SQ · self-questioning"), keeps it; for others one is made of the name.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from ..files.archive import local
from .codebook import NONE
from .description import code_fields

if TYPE_CHECKING:
    from xml.etree.ElementTree import Element

MARK = " · "
"""Between id and name in the name that a program shows."""

_ID = re.compile(r"[A-Za-z][A-Za-z0-9_.-]{0,31}")
_COLOR = re.compile(r"#([0-9a-fA-F]{6}|[0-9a-fA-F]{3})")


def split_name(shown: str) -> tuple[str, str] | None:
    """Id and name, of a name made of both.

    >>> split_name("IA-SQ · self-questioning"), split_name("My theme")
    (('IA-SQ', 'self-questioning'), None)
    """
    id, mark, name = (part.strip() for part in shown.partition(MARK))
    return (id, name) if mark and name and _ID.fullmatch(id) else None


class Outline:
    """Families and codes as they are found."""

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
        self.families.append({"id": id, "name": name, "about": description_of(top)})
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
        fields, read = code_fields(description_of(element), name)
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


def description_of(element: Element) -> str:
    """The text of an element's description."""
    return next((child.text or "" for child in element if local(child.tag) == "Description"), "").strip()
