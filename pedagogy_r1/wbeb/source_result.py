"""What a source made of its files: items, and a reason for every record that became none. And what sources have in common.

    cj_eval_train.jsonl: 725 records → 638 items, 87 left out (from gpqa, not from cj_eval: 87), 0 bad

``records`` is counted by the source in its own unit (a question, an essay, an exchange, a student). Every record is an item, or
several (a student's windows), or stands in ``skipped``: nothing is lost without a word.
"""

from __future__ import annotations

import io
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, NamedTuple

from ..errors import ArgumentError, InputError
from ..files.records import BadRow, Row, dump, need_file, read_rows
from ..files.table_rows import csv_rows
from .answers.named_options import LETTERS
from .item import Item

MOST_OPTIONS = 10
ENOUGH_PROMPTS = 5
"""Prompts from which on essays can be split 80/20 by them."""


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


class LeftOut(NamedTuple):
    """What a record is that is sound and no item; ``kind`` is the reason it is counted under."""

    kind: str


@dataclass(frozen=True)
class SourceResult:
    """The items of one source's files. ``used``: records that became items; ``notes``: what a reader must know of them."""

    items: tuple[Item, ...]
    skipped: tuple[Skipped, ...]
    used: int
    notes: tuple[str, ...] = ()

    @property
    def records(self) -> int:
        return self.used + len(self.skipped)

    @property
    def bad(self) -> tuple[Skipped, ...]:
        return tuple(s for s in self.skipped if s.bad)

    @property
    def left_out(self) -> dict[str, int]:
        """How many were left out on purpose, by kind, most frequent first."""
        return dict(Counter(s.kind for s in self.skipped if not s.bad).most_common())


@dataclass
class Gathering:
    """Collects what a source finds, and refuses an id met twice."""

    items: list[Item] = field(default_factory=list)
    skipped: list[Skipped] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    used: int = 0
    _met: dict[str, str] = field(default_factory=dict)

    def rows(
        self, path: Path, needed: Sequence[str] = (), rows: Iterable[Row | BadRow] | None = None
    ) -> Iterator[Row]:
        """Rows of ``path`` (as `read_rows` takes them, unless given); unreadable ones are listed as bad.

        Raises `InputError` naming the ``needed`` columns that it lacks: then it is another kind of file, and no row is read.
        """
        first = True
        for row in read_rows(path) if rows is None else rows:
            if isinstance(row, BadRow):
                self.bad(path, row.line, row.why, row.raw)
                continue
            if first:
                _need_columns(path, row.data, needed)
            first = False
            yield row

    def take(self, path: Path, line: int, made: Item | LeftOut | str, raw: str = "") -> None:
        """One record and its item, why it is left out, or what is wrong with it."""
        if isinstance(made, str):
            self.bad(path, line, made, raw)
        elif isinstance(made, LeftOut):
            self.leave(path, line, made.kind, raw=raw)
        else:
            self.keep(path, line, made, raw=raw)

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
        self.skipped.append(Skipped(str(path), line, "bad", why, True, raw))

    def leave(self, path: Path, line: int, kind: str, why: str = "", raw: str = "") -> None:
        """The record is sound and no item; ``kind`` is the reason it is counted under."""
        self.skipped.append(Skipped(str(path), line, kind, why or kind, False, raw))

    def done(self) -> SourceResult:
        return SourceResult(tuple(self.items), tuple(self.skipped), self.used, tuple(self.notes))


def _need_columns(path: Path, there: Mapping[str, Any], needed: Sequence[str]) -> None:
    missing = [name for name in needed if name not in there]
    if missing:
        raise InputError(
            f"{path}:1: no column {', '.join(missing)} (there are: {', '.join(sorted(there)) or 'none'})",
            "is this the right file for the source? docs/wbeb.md says what each one reads",
        )


def text(value: Any) -> str:
    """A cell as text without space around it; numbers as they print, anything nested as nothing."""
    if isinstance(value, str):
        return value.strip()
    return str(value) if isinstance(value, (int, float)) and not isinstance(value, bool) else ""


def texts(data: Mapping[str, Any]) -> dict[str, str]:
    """All cells of a row as `text`."""
    return {name: text(value) for name, value in data.items()}


def whole(cell: str) -> int | None:
    """``"4"`` and ``"4.0"`` → 4; anything else → ``None``."""
    try:
        number = float(cell)
    except ValueError:
        return None
    return int(number) if number.is_integer() else None


# ---------------------------------------------------------------------------------- questions with options


def choice_item(
    name: str,
    stem: Any,
    options: Sequence[Any],
    answer: Any,
    *,
    domain: str,
    source: str,
    lang: str,
    metadata: Mapping[str, Any],
) -> Item | str:
    """The item of a question, or what is wrong with it. ``answer`` is a letter; the item is its own question family."""
    stem, choices, letter = text(stem), [text(option) for option in options], text(answer).upper()
    if not stem:
        return "the question is empty"
    why = _wrong_options(choices)
    if why:
        return why
    if len(letter) != 1 or letter not in LETTERS[: len(choices)]:
        return f"the answer {answer!r} is none of {LETTERS[0]} to {LETTERS[len(choices) - 1]}"
    right = choices[LETTERS.index(letter)]
    same = [a for a, option in zip(LETTERS, choices, strict=False) if option == right]
    if len(same) > 1:
        return f"options {' and '.join(same)} are the same, and the answer is one of them"
    return Item(
        id=name,
        domain=domain,
        source=source,
        parts={"stem": stem},
        options=tuple(choices),
        answer=letter,
        group=name,
        lang=lang,
        metadata={name: value for name, value in metadata.items() if value not in (None, "", [])},
    )


def _wrong_options(choices: Sequence[str]) -> str | None:
    if len(choices) < 2:
        return f"{len(choices)} options"
    if len(choices) > MOST_OPTIONS:
        return f"{len(choices)} options, more than {MOST_OPTIONS}"
    return None if all(choices) else f"option {LETTERS[choices.index('')]} is empty"


_KEPT = ("subject", "difficulty", "year", "tag", "category", "subdomain", "age_group", "secondary_category")


def read_openlearnlm(files: Sequence[Path], *, name: str, domain: str, others: bool) -> SourceResult:
    """Items of OpenLearnLM's files; records whose ``metadata.source`` is another than ``name`` are left out unless ``others``.

    {"item_id": "cj_eval_0085", "question": "Which group …", "options": ["Reptiles - Tortoises", …], "answer": "D",
     "metadata": {"source": "cj_eval", "subject": "Junior High School Biology", "question_type": "multiple_choice", …}}
    """
    found = Gathering()
    for path in files:
        for row in found.rows(path):
            found.take(path, row.line, _openlearnlm(row.data, name, domain, others), dump(row.data))
    return found.done()


def _openlearnlm(data: Mapping[str, Any], name: str, domain: str, others: bool) -> Item | LeftOut | str:
    about = data.get("metadata") or {}
    if not isinstance(about, dict):
        return "metadata is no object"
    origin, kind = text(about.get("source")) or name, text(about.get("question_type"))
    if origin != name and not others:
        return LeftOut(f"from {origin}, not from {name}")
    if kind not in ("", "multiple_choice"):
        return LeftOut(f"question type {kind}")
    number = text(data.get("item_id"))
    if not number:
        return "no item_id"
    if not isinstance(data.get("options"), list):
        return "options is no list"
    question = (number, data.get("question"), data["options"], data.get("answer"))
    lang = text(about.get("language")) or "en"
    kept = {field: about.get(field) for field in _KEPT} | {"origin": origin if origin != name else None}
    return choice_item(*question, domain=domain, source=name, lang=lang, metadata=kept)


# -------------------------------------------------------------------------------------------------- essays


def decode(data: bytes) -> tuple[str, str]:
    """The text and its encoding: UTF-8 where it is that, else Windows-1252 (ASAP: 0x92 in ``don\\x92t`` is ’), else Latin-1.

    Latin-1 takes the five bytes that 1252 leaves undefined.
    """
    for encoding in ("utf-8-sig", "cp1252"):
        try:
            return data.decode(encoding), encoding.removesuffix("-sig")
        except UnicodeDecodeError:
            continue
    return data.decode("latin-1"), "latin-1"


def essay_rows(path: Path, needed: Sequence[str], found: Gathering) -> Iterator[Row]:
    """Rows of a table; CSV and TSV in any of three encodings (a note says which), the other kinds as `read_rows` takes them."""
    delimiter = {".tsv": "\t", ".csv": ",", ".txt": "\t"}.get(path.suffix.lower())
    if delimiter is None:
        return found.rows(path, needed)
    need_file(path)
    decoded, encoding = decode(path.read_bytes())
    if encoding != "utf-8":
        found.notes.append(f"{path.name}: read as {encoding}, since it is not UTF-8")
    return found.rows(path, needed, csv_rows(path, io.StringIO(decoded, newline=""), delimiter))


def group_essays(found: Gathering, group: str) -> SourceResult:
    """By prompt, so that a prompt is new in test; by essay where there are too few prompts to split.

    ``group``: ``prompt``, ``essay``, or ``auto``.
    """
    if group not in ("auto", "prompt", "essay"):
        raise ArgumentError(f"group={group}", "prompt, essay or auto")
    prompts = {item.group for item in found.items}
    if group == "essay" or (group == "auto" and len(prompts) < ENOUGH_PROMPTS):
        found.items = [item.model_copy(update={"group": item.id}) for item in found.items]
        if group == "auto" and prompts:
            many = "one prompt" if len(prompts) == 1 else f"{len(prompts)} prompts"
            found.notes.append(
                f"{many}: too few to split by, so each essay is a group of its own; the prompts are known from train"
            )
    return found.done()
