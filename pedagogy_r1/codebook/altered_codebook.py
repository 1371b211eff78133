"""A codebook changed on purpose, to see whether a coder reads it: its order, its labels, its definitions, an exclusion.

    swapped(book, "TR-SP", "KA-RO")     TR-SP, surprise or puzzlement: what stood under KA-RO      and the other way round

What refers to a code goes with it: rules, near misses, looks, training pages, and its id within a text where that looks like an id
(TR-SP, C1, not Plan, which may be the word). Examples stay as they are: they are quotations.

A book made so has a version of its own (0.0.…), which no migration knows: codings made under it cannot be carried to the book.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from .codebook import Codebook

_ID_LIKE = re.compile(r"[A-Z]{2,}|.*[-_.\d].*")
_TEXTS = frozenset(
    {"about", "short", "definition", "include", "exclude", "rule", "why", "note", "looks", "more"}
)
_REFERENCES = frozenset({"against", "code", "fallback"})


def reordered(book: Codebook, order: Sequence[str], number: int | None = None) -> Codebook:
    """The codes in another order, and the families in that of their first codes.

    ``number``: the last part of the version; without one it is the book's own, for a prompt that is to name it.
    """
    codes = sorted(book.codes, key=lambda code: order.index(code.id))
    first = [code.family for code in codes]
    known = [family for family in book.families if family.id in first]
    families = sorted(known, key=lambda family: first.index(family.id))
    return _as(book, number, codes=codes, families=families)


def generic_labels(book: Codebook) -> dict[str, str]:
    """C1, C2 … for the ids, in the book's order."""
    return {code: f"C{number}" for number, code in enumerate(book.code_ids, 1)}


def relabelled(book: Codebook, labels: Mapping[str, str], number: int) -> Codebook:
    """Labels that say nothing for the ids and names of the codes."""
    changed = _with_ids(book, labels)
    for code in changed["codes"]:
        code["name"] = code["id"]
    return _as(book, number, **changed)


def swapped(book: Codebook, one: str, other: str, number: int) -> Codebook:
    """All that two codes mean, changed between them; id, name, colour, number and place in the order stay with the label."""
    changed = _with_ids(book, {one: other, other: one})
    changed["codes"].sort(key=lambda code: book.code_ids.index(code["id"]))
    for code in changed["codes"]:
        label = book.code(code["id"])
        code |= {"name": label.name, "color": label.color, "value": label.value}
    return _as(book, number, **changed)


def with_exclusion(book: Codebook, code: str, word: str, other: str, number: int) -> Codebook:
    """One exclusion more: a unit of ``code`` that contains ``word`` is ``other``."""
    text = f'A unit that contains the word "{word}": code it {other}.'
    codes = [
        one.model_copy(update={"exclude": [*one.exclude, text]}) if one.id == code else one
        for one in book.codes
    ]
    return _as(book, number, codes=codes)


def _as(book: Codebook, number: int | None, **changed: Any) -> Codebook:
    """Read anew, so that nothing of the old one is kept (its digest); what became of earlier versions is not its affair."""
    dumped = {name: _plain(value) for name, value in changed.items()}
    named = {} if number is None else {"version": f"0.0.{number}", "migrations": []}
    return Codebook.model_validate(book.model_dump(mode="json") | dumped | named)


def _plain(value: Any) -> Any:
    return [one.model_dump(mode="json") if hasattr(one, "model_dump") else one for one in value] if isinstance(value, list) else value  # fmt: skip


def _with_ids(book: Codebook, new: Mapping[str, str]) -> dict[str, Any]:
    """What the book says of its codes, with other ids."""
    parts = ("about", "families", "codes", "looks", "training", "fallback")
    held = book.model_dump(mode="json", include=set(parts))
    for code in held["codes"]:
        code["id"] = new.get(code["id"], code["id"])
    changed: dict[str, Any] = {name: _walk(name, value, new, _replacing(new)) for name, value in held.items()}
    return changed


def _replacing(new: Mapping[str, str]) -> Callable[[str], str]:
    ids = sorted(filter(_ID_LIKE.fullmatch, new), key=len, reverse=True)
    if not ids:
        return lambda text: text
    found = re.compile(rf"(?<![\w.-])(?:{'|'.join(map(re.escape, ids))})(?![\w-]|\.\w)")
    return lambda text: found.sub(lambda match: new[match[0]], text)


def _walk(key: str, value: Any, new: Mapping[str, str], replace: Callable[[str], str]) -> Any:
    if isinstance(value, dict):
        return {name: _walk(name, inner, new, replace) for name, inner in value.items()}
    if isinstance(value, list):
        return [_walk(key, inner, new, replace) for inner in value]
    if not isinstance(value, str):
        return value
    if key in _REFERENCES:
        return new.get(value, value)
    return replace(value) if key in _TEXTS else value
