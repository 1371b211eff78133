"""What differs between two codebooks, by code and field.

schoen@1.0.0 → schoen@1.1.0
IA-PL → IA-PN  renamed
TR-SP
  short  - Something does not fit.
         + Something does not fit and halts routine.
  hits   + SK: Wait, that contradicts the graph.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, Literal

from .codebook import Code, Codebook, Family, migration_map

LONG = 200
"""Characters; longer texts are compared by sentence when shown."""


@dataclass(frozen=True)
class FieldChange:
    """A field and what left (``old``) and came (``new``): whole values, or entries of a list."""

    field: str
    old: tuple[Any, ...]
    new: tuple[Any, ...]


@dataclass(frozen=True)
class CodebookChange:
    """A part of the book (``book``, ``family ID`` or ``code ID``), what happened to it, and its fields that differ."""

    part: str
    kind: Literal["added", "removed", "changed", "renamed"]
    renamed_to: str | None = None
    fields: tuple[FieldChange, ...] = ()


@dataclass(frozen=True)
class CodebookDiff:
    """All changes from one codebook to another; none if both have the same content."""

    old: str
    new: str
    changes: tuple[CodebookChange, ...]

    def as_json(self) -> dict[str, Any]:
        """A JSON object with the same parts."""
        return asdict(self)

    def text(self) -> str:
        """Readable lines, ``-`` before what left and ``+`` before what came."""
        lines = [f"{self.old} → {self.new}"]
        for change in self.changes:
            renamed = f" → {change.renamed_to}" if change.renamed_to else ""
            lines.append(f"{change.part}{renamed}" + ("" if change.kind == "changed" else f"  {change.kind}"))
            lines += [line for field in change.fields for line in _field_lines(field)]
        return "\n".join(lines if self.changes else [*lines, "no difference"])


def diff(old: Codebook, new: Codebook) -> CodebookDiff:
    """Compare by id. A renaming that ``new`` says of ``old``'s version counts as the same code."""
    changes = [
        *_changed("book", _head(old), _head(new)),
        *_parts("family", {f.id: f for f in old.families}, {f.id: f for f in new.families}, {}),
        *_parts("code", {c.id: c for c in old.codes}, {c.id: c for c in new.codes}, _renamings(old, new)),
    ]
    return CodebookDiff(old.ref, new.ref, tuple(changes))


def _head(book: Codebook) -> dict[str, Any]:
    head = book.model_dump(mode="json", exclude={"families", "codes"})
    # The order of codes is content too: forms and figures follow it.
    return {**head, "order of codes": ", ".join(book.code_ids)}


def _renamings(old: Codebook, new: Codebook) -> dict[str, str]:
    """Where the way leads through several versions, renamings are followed to the end."""
    found: dict[str, str] = {}
    if old.id != new.id or old.version not in {step.version for step in new.migrations}:
        return found
    steps = migration_map(new, old.version).steps
    for code in old.code_ids:
        name = code
        for step in steps:
            name = step.renamed.get(name, name)
        if name != code and name in new.code_ids:
            found[code] = name
    return found


def _parts(
    kind: str, old: dict[str, Any], new: dict[str, Any], renamed: dict[str, str]
) -> Iterator[CodebookChange]:
    for name, part in old.items():
        target = renamed.get(name, name)
        if target in new:
            before, after = _plain(part), _plain(new[target])
            yield from _changed(f"{kind} {name}", before, after, target if target != name else None)
        else:
            yield CodebookChange(f"{kind} {name}", "removed")
    for name in new:
        if name not in old and name not in renamed.values():
            yield CodebookChange(f"{kind} {name}", "added")


def _plain(part: Code | Family) -> dict[str, Any]:
    return part.model_dump(mode="json", exclude={"id"})


def _changed(
    part: str, old: dict[str, Any], new: dict[str, Any], renamed_to: str | None = None
) -> Iterator[CodebookChange]:
    fields = tuple(
        change for field in new if (change := _field(field, old.get(field), new[field])) is not None
    )
    if fields or renamed_to:
        yield CodebookChange(part, "renamed" if renamed_to else "changed", renamed_to, fields)


def _field(field: str, old: Any, new: Any) -> FieldChange | None:
    if old == new:
        return None
    if isinstance(old, list) and isinstance(new, list):
        left, came = [v for v in old if v not in new], [v for v in new if v not in old]
        if left or came:
            return FieldChange(field, tuple(left), tuple(came))
        return FieldChange(f"{field} (order)", tuple(old), tuple(new))
    return FieldChange(field, () if old is None else (old,), () if new is None else (new,))


def _field_lines(field: FieldChange) -> list[str]:
    old, new = [_shown(value) for value in field.old], [_shown(value) for value in field.new]
    if max(map(len, old + new), default=0) > LONG:
        # Of a long text, only the sentences that differ.
        before, after = _sentences(old), _sentences(new)
        old, new = [t for t in before if t not in after], [t for t in after if t not in before]
    lines = [f"  {field.field}  - {text}" for text in old] + [f"  {field.field}  + {text}" for text in new]
    return lines or [f"  {field.field}  only the order or the layout differs"]


def _sentences(texts: list[str]) -> list[str]:
    return [sentence for text in texts for sentence in re.split(r"(?<=[.?!:]) ", text)]


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return " · ".join(
            f"{key}: {' '.join(str(v).split())}" for key, v in value.items() if v not in (None, "", [], {})
        )
    return " ".join(str(value).split())
