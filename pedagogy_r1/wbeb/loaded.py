"""What a source made of its files: items, and a reason for every record that became none.

    cj_eval_train.jsonl: 725 records → 638 items, 87 left out (from gpqa, not from cj_eval: 87), 0 bad

``records`` is counted by the source in its own unit (a question, an essay, an exchange, a student). Every record is an item, or
several (a student's windows), or stands in ``skipped``: nothing is lost without a word.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from pathlib import Path
from typing import NamedTuple, Protocol

from ..errors import InputError
from .item import Item


class Skipped(NamedTuple):
    """A record that is no item. ``bad``: the file is wrong there; else it was left out on purpose.

    ``kind`` is what it is counted under, ``why`` says it of this record.
    """

    file: str
    line: int
    kind: str
    why: str
    bad: bool
    raw: str = ""


@dataclass(frozen=True)
class Loaded:
    """The items of one source's files. ``used``: records that became items; ``notes``: what a reader must know of them."""

    items: tuple[Item, ...]
    skipped: tuple[Skipped, ...]
    used: int
    notes: tuple[str, ...] = ()

    @property
    def records(self) -> int:
        """How many records there were."""
        return self.used + len(self.skipped)

    @property
    def bad(self) -> tuple[Skipped, ...]:
        """The records that are wrong."""
        return tuple(s for s in self.skipped if s.bad)

    @property
    def left_out(self) -> dict[str, int]:
        """How many were left out on purpose, by kind, most frequent first."""
        return dict(Counter(s.kind for s in self.skipped if not s.bad).most_common())


class Source(Protocol):
    """A plugin: ``source(files, **options)``; an option is a keyword with a default whose type is the option's."""

    def __call__(self, files: list[Path]) -> Loaded:
        """Raises `InputError` for a file that is not of the format at all; a bad record is listed, not raised."""
        ...


@dataclass
class Gathering:
    """Collects what a source finds, and refuses an id met twice."""

    items: list[Item] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    used: int = 0
    _met: dict[str, str] = field(default_factory=dict)

    def keep(self, path: Path, line: int, *items: Item, raw: str = "") -> None:
        """One record and the items it became; all of them, or none where one of the ids was met before."""
        for item in items:
            if item.id in self._met:
                self.bad(path, line, f"{item.id!r} for the second time, first at {self._met[item.id]}", raw)
                return
        for item in items:
            self._met[item.id] = f"{path}:{line}"
            self.items.append(item)
        self.used += 1

    def bad(self, path: Path, line: int, why: str, raw: str = "") -> None:
        """The record is wrong."""
        self.skipped.append(Skipped(str(path), line, "bad", why, True, raw))

    def leave(self, path: Path, line: int, kind: str, why: str = "", raw: str = "") -> None:
        """The record is sound and no item; ``kind`` is the reason it is counted under."""
        self.skipped.append(Skipped(str(path), line, kind, why or kind, False, raw))

    def done(self) -> Loaded:
        """What was found."""
        return Loaded(tuple(self.items), tuple(self.skipped), self.used, tuple(self.notes))


def need_columns(path: Path, found: set[str], needed: tuple[str, ...]) -> None:
    """Raise `InputError` naming the columns that ``path`` lacks: then it is another kind of file, and no row is read."""
    missing = [name for name in needed if name not in found]
    if missing:
        raise InputError(
            f"{path}:1: no column {', '.join(missing)} (there are: {', '.join(sorted(found)) or 'none'})",
            "is this the right file for the source? docs/wbeb.md says what each one reads",
        )
