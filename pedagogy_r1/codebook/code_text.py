"""Codes and codebooks as one text each, for programs that have a single field for it, and back.

    Something does not fit and halts routine.        short

    The sentence registers that …                    definition

    Include:
    - A contradiction found between two things …

    Examples:
    - SK: Wait, that contradicts the graph.
      Note: …

A text that another program made has no such parts: all of it is the definition, its first sentence the short one.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from typing import Any

from ..files.archive import legal
from .codebook import Code, Codebook

_HEADS = ("Include", "Exclude", "Rules", "Examples", "Near misses", "Value", "Source")
_HEAD = re.compile(rf"(?:^|\n\n)({'|'.join(_HEADS)}):\n(?=\S)", re.MULTILINE)
_RULE = re.compile(r"against ([A-Za-z][A-Za-z0-9_.-]{0,31}): (.+)", re.DOTALL)
_HIT = re.compile(r"([^:\n]*): (.+?)(?:\nNote: (.+))?", re.DOTALL)
_MISS = re.compile(r"([^:\n]*) → ([A-Za-z][A-Za-z0-9_.-]{0,31}): (.+?)\nWhy: (.+)", re.DOTALL)
_FACTS = ("codebook", "title", "lang", "unit", "level", "max_codes", "exhaustive", "overlap", "domains")


def describe_code(code: Code) -> str:
    """What a person needs to know of a code."""
    parts = [code.short.strip(), code.definition.strip()]
    lists = {
        "Include": code.include,
        "Exclude": code.exclude,
        "Rules": [f"against {rule.against}: {rule.rule}" for rule in code.rules],
        "Examples": [f"{hit.domain}: {hit.text}{_more('Note', hit.note)}" for hit in code.hits],
        "Near misses": [f"{m.domain} → {m.code}: {m.text}{_more('Why', m.why)}" for m in code.near_misses],
    }
    parts += [f"{head}:\n" + "\n".join(map(_item, items)) for head, items in lists.items() if items]
    if code.value is not None:
        parts.append(f"Value:\n{code.value!r}")
    if code.source.strip():
        parts.append(f"Source:\n{code.source.strip()}")
    return legal("\n\n".join(parts))


def code_fields(text: str, name: str) -> tuple[dict[str, Any], bool]:
    """The fields of a code that `describe_code` wrote into ``text``, and whether there was any text."""
    text = _lines(text)
    pieces = _HEAD.split(text)
    short, _, definition = pieces[0].strip().partition("\n\n")
    if not definition.strip():
        short, definition = _first_sentence(short), short
    fields: dict[str, Any] = {"short": short.strip() or name, "definition": definition.strip() or name}
    for head, body in zip(pieces[1::2], pieces[2::2], strict=True):
        try:
            fields |= _SECTION[head](body.strip("\n"))
        except ValueError:
            # Changed in the other program: what cannot be told apart stays, as text.
            fields["definition"] += f"\n\n{head}:\n{body.strip()}"
    return fields, bool(text.strip())


def describe_book(book: Codebook) -> str:
    """The facts of a codebook, a line each, and what it says about itself."""
    facts = {
        "codebook": book.ref,
        "title": " ".join(book.title.split()),
        "lang": book.lang,
        "unit": book.unit,
        "level": book.level,
        "max_codes": str(book.max_codes),
        "exhaustive": str(book.exhaustive).lower(),
        "overlap": "true" if book.overlap else "",
        "domains": ", ".join(book.domains),
    }
    head = "\n".join(f"{name}: {value}" for name, value in facts.items() if value)
    source = f"Source:\n{book.source.strip()}" if book.source.strip() else ""
    return legal("\n\n".join(part for part in (head, book.about.strip(), source) if part))


def book_facts(text: str) -> dict[str, Any]:
    """What `describe_book` wrote; nothing if it did not."""
    head, _, rest = _lines(text).partition("\n\n")
    pairs = [line.partition(": ")[::2] for line in head.splitlines()]
    found: dict[str, Any] = {name: value for name, value in pairs if name in _FACTS}
    if not re.fullmatch(r"[^@\s]+@\S+", found.get("codebook", "")):
        return {}
    found["id"], _, found["version"] = found.pop("codebook").partition("@")
    if "domains" in found:
        found["domains"] = [name.strip() for name in found["domains"].split(",") if name.strip()]
    about, _, source = rest.rpartition("Source:\n") if "Source:\n" in rest else (rest, "", "")
    return found | {
        name: part.strip() for name, part in (("about", about), ("source", source)) if part.strip()
    }


def _more(word: str, text: str) -> str:
    return f"\n{word}: {text.strip()}" if text.strip() else ""


def _item(text: str) -> str:
    return "- " + text.strip().replace("\n", "\n  ")


def _items(body: str) -> list[str]:
    """The entries of a list; `ValueError` if it is none."""
    found: list[list[str]] = []
    for line in body.split("\n"):
        if line.startswith("- "):
            found.append([line[2:]])
        elif line.startswith("  ") and found:
            found[-1].append(line[2:])
        elif line.strip() or not found:
            raise ValueError(line)
        else:
            found[-1].append("")
    return ["\n".join(lines).strip() for lines in found]


def _parsed(pattern: re.Pattern[str], names: Iterable[str], body: str) -> list[dict[str, str]]:
    found = [pattern.fullmatch(item) for item in _items(body)]
    if not all(found):
        raise ValueError(body)
    return [
        {name: part for name, part in zip(names, one.groups(), strict=True) if part is not None}
        for one in found
        if one
    ]


_SECTION: dict[str, Callable[[str], dict[str, Any]]] = {
    "Include": lambda body: {"include": _items(body)},
    "Exclude": lambda body: {"exclude": _items(body)},
    "Rules": lambda body: {"rules": _parsed(_RULE, ("against", "rule"), body)},
    "Examples": lambda body: {"hits": _parsed(_HIT, ("domain", "text", "note"), body)},
    "Near misses": lambda body: {"near_misses": _parsed(_MISS, ("domain", "code", "text", "why"), body)},
    "Value": lambda body: {"value": float(body)},
    "Source": lambda body: {"source": body.strip()},
}


def _first_sentence(text: str) -> str:
    found = re.match(r".{1,160}?[.!?。](?=\s|$)", " ".join(text.split()))
    return found[0] if found else " ".join(text.split())[:160]


def _lines(text: str) -> str:
    return text.replace("\r\n", "\n").replace("\r", "\n").strip()
