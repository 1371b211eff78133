"""A draft of a codebook's next version: the file as it is, comments kept, with what is left to do written into it.

    # DRAFT of schoen@1.1.0, begun from 1.0.0. …
    version: 1.1.0
    codes:
    - id: IA-MT
      # TODO no rule decides between IA-MT and OA-SR: 9 of 80 disagreements (11 %)
      #   “So that option fails.”  A: IA-MT, B: OA-SR  (trace-3)
      rules: …
    migrations:
    - version: 1.0.0
      renamed: {}   # {OLD: NEW} …

ruamel.yaml edits the file and keeps its comments, quotes and order (both shipped books keep every line). Where the draft would
not say what it should (an anchored version, a book in one line), the book is written anew, without its comments.
"""

from __future__ import annotations

import io
import re
import sys
import textwrap
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ..errors import CodebookError, InputError, first_fault
from ..files.json_text import parse_json
from ..files.records import need_file
from ..formatting import shown
from .check import load_checked
from .codebook import NONE, Codebook, Migration, find_codebook, parse_codebook, released, version_order

QUOTES = 3
"""Examples that a note gives."""

LENGTH = 200
"""Characters of a quoted unit."""

NOTED = 20
"""Pairs of codes that get a note; rarer ones are only counted."""


class _Read(BaseModel):
    # Part of a larger file of our own making: what else it holds is not for us.
    model_config = ConfigDict(frozen=True, extra="ignore")


class NotedCoding(_Read):
    """What a coder gave, primary code first."""

    coder: str
    codes: list[str]


class NotedUnit(_Read):
    """A unit on which coders differ."""

    trace_id: str
    text: str
    said: list[NotedCoding]


class NotedPair(_Read):
    """Two codes that coders confuse. ``undecided``: the rule that is missing, in words; empty where there is one."""

    codes: tuple[str, str]
    count: int = Field(ge=0)
    share: float = Field(ge=0, le=1)
    undecided: str = ""
    units: list[NotedUnit] = []


class NotedDisagreements(_Read):
    """``disagreements.json``, as far as a draft needs it."""

    codebook: str
    n_disagreements: int = Field(ge=0)
    pairs: list[NotedPair]


def read_disagreements(path: str | Path, book: Codebook) -> NotedDisagreements:
    """What ``pcode disagreements`` wrote: the JSON file, or the directory that holds it.

    Raises `InputError` if it is not that, `CodebookError` if it was made under another codebook than ``book``.
    """
    file = Path(path) / "disagreements.json" if Path(path).is_dir() else Path(path)
    hint = "make it with: pcode disagreements RUN… -o DIR"
    need_file(file, hint)
    try:
        found = NotedDisagreements.model_validate(parse_json(file.read_bytes()))
    except ValueError as error:
        why = first_fault(error) if isinstance(error, ValidationError) else str(error)
        raise InputError(f"{file}: not a file of disagreements: {why}", hint) from None
    if found.codebook != book.stamp:
        raise CodebookError(
            f"{file} is of {found.codebook}, and the draft begins from {book.stamp}",
            "begin from the codebook that the codings were made under",
        )
    for code in {code for pair in found.pairs for code in pair.codes} - {*book.code_ids, NONE}:
        raise InputError(f"{file}: {book.ref} has no code {code!r}", hint)
    return found


@dataclass(frozen=True)
class Draft:
    """``text`` of the new file, which is ``book``. ``noted``: pairs of codes for which a rule is to be written."""

    text: str
    book: Codebook
    noted: tuple[tuple[str, str], ...]
    comments_kept: bool


def draft_for(ref: str | Path, version: str, out: str | Path, noted: str | Path | None = None) -> Draft:
    """Draft the next version of the codebook ``ref``, to be written to the new file ``out``.

    ``version``: a version, ``minor`` or ``major``. ``noted``: what ``pcode disagreements -o`` wrote.

    Raises `CodebookError` if the book has errors, ``out`` exists or is named for another version, or ``noted`` is of
    another codebook; `InputError` if ``noted`` cannot be read.
    """
    book = load_checked(ref)
    if version in ("minor", "major"):
        version = next_version(book.version, version)
    refuse_taken(Path(out), book.id, version)
    found = None if noted is None else read_disagreements(noted, book)
    return draft(find_codebook(ref).read_text(encoding="utf-8-sig"), version, found)


def among_released(path: str | Path) -> bool:
    """Whether a file lies where released codebooks do, and where a bare id means the newest version."""
    return Path(path).resolve() in {file.resolve() for file in released()}


def refuse_taken(path: Path, book_id: str, version: str) -> None:
    """Refuse a file that is there, or whose name says another version."""
    if among_released(path):
        raise CodebookError(
            f"{path} is released, and a released codebook never changes", "choose a later version"
        )
    if path.exists():
        raise CodebookError(
            f"{path} is there already", "choose another file with -o, or delete this one first"
        )
    if path.suffix not in (".yaml", ".yml"):
        raise CodebookError(f"{path}: a codebook is a .yaml file", f"-o {book_id}/{version}.yaml")
    if re.fullmatch(r"\d+\.\d+\.\d+", path.stem) and path.stem != version:
        raise CodebookError(
            f"{path} is named for another version than {version}", f"-o {path.with_stem(version)}"
        )


def next_version(version: str, part: str) -> str:
    """The version after this one; ``part``: ``minor`` or ``major``.

    >>> next_version("1.2.3", "minor"), next_version("1.2.3", "major")
    ('1.3.0', '2.0.0')
    """
    major, minor, _ = map(int, version.split("."))
    return f"{major + 1}.0.0" if part == "major" else f"{major}.{minor + 1}.0"


def draft(source: str, version: str, found: NotedDisagreements | None = None) -> Draft:
    """The text of a codebook made that of version ``version``, with an empty migration from its own version.

    Raises `CodebookError` if ``source`` is no codebook or ``version`` is not later than its own.
    """
    book = parse_codebook(source)
    if not re.fullmatch(r"\d{1,9}\.\d{1,9}\.\d{1,9}", version):
        raise CodebookError(f"{version!r} is no version", "three numbers: --to 1.1.0")
    if version_order(version) <= version_order(book.version):
        raise CodebookError(f"{version} is not later than {book.ref}", "raise the version")
    pairs = [pair for pair in found.pairs if pair.undecided][:NOTED] if found else []
    head = _head(book, version, found)
    notes = [(pair, _note(pair, found.n_disagreements)) for pair in pairs if found]
    migrations = [*book.migrations, Migration(version=book.version)]
    wanted = book.model_copy(update={"version": version, "migrations": migrations})
    text, kept = _edited(source, version, head, notes), True
    if text is None or not _means(text, wanted):
        text, kept = _written_anew(wanted, head, [line for _, lines in notes for line in lines]), False
    return Draft(text, parse_codebook(text), tuple(pair.codes for pair in pairs), kept)


def _edited(
    source: str, version: str, head: list[str], notes: Sequence[tuple[NotedPair, list[str]]]
) -> str | None:
    """The source with these changes made in it; nothing where it is not laid out for that."""
    from ruamel.yaml import YAML

    editor = YAML()
    editor.preserve_quotes, editor.width = True, sys.maxsize
    text = source.removeprefix("\ufeff").replace("\r\n", "\n").replace("\r", "\n")
    book, end = _editable(editor, text.rstrip() + "\n"), text[len(text.rstrip()) :]
    if book is None:
        return None
    offset = 0 if book["codes"].fa.flow_style() else book["codes"].lc.col
    editor.indent(mapping=2, sequence=2 + offset, offset=offset)
    for pair, lines in notes:
        _write_note(book, next(code for code in pair.codes if code != NONE), lines)
    entry = textwrap.indent(f"- version: {book['version']}\n{_MAP}", " " * offset)
    if "migrations" in book:
        _insert_first(book["migrations"], editor.load(entry)[0])
        end = end[1:]
    else:
        end = f"\nmigrations:\n{entry}{end}"
    book["version"] = version
    written = io.StringIO()
    editor.dump(book, written)
    return "".join(f"{line}\n" for line in head) + written.getvalue() + end


def _editable(editor: Any, text: str) -> Any:
    """The book with its comments; ``None`` if it is in one line, or another field refers to its version."""
    from ruamel.yaml.comments import CommentedMap
    from ruamel.yaml.error import YAMLError
    from ruamel.yaml.scalarstring import ScalarString

    try:
        book = editor.load(text)
    except (YAMLError, ValueError):
        return None
    if not isinstance(book, CommentedMap) or book.fa.flow_style():
        return None
    version = book["version"]
    return None if isinstance(version, ScalarString) and version.yaml_anchor() else book


def _insert_first(migrations: Any, entry: Any) -> None:
    if migrations and migrations.fa.flow_style():
        entry = type(entry)(entry)  # without its comments
        entry.fa.set_flow_style()
    else:
        migrations.fa.set_block_style()
    migrations.insert(0, entry)


def _write_note(book: Any, code_id: str, lines: list[str]) -> None:
    """Before the rules of the code, if they begin a line; else before the code; else before all codes."""
    number, code = next((n, code) for n, code in enumerate(book["codes"]) if code["id"] == code_id)
    where: Any = code
    key: Any = "rules"
    if book["codes"].fa.flow_style():
        where, key = book, "codes"
    elif code.fa.flow_style() or "rules" not in code:
        where, key = book["codes"], number
    text = "\n".join(line.removeprefix("# ").removeprefix("#") for line in lines)
    where.yaml_set_comment_before_after_key(key, before=text, indent=where.lc.col)


_MAP = """\
  renamed: {}   # {OLD: NEW}: the same code under another name
  merged: {}    # {OLD: INTO}: OLD is gone, its units belong to INTO
  split: {}     # {OLD: [NEW, NEW]}: units coded OLD have to be coded again
  retired: []   # [OLD]: gone, its units have to be coded again
"""


def _head(book: Codebook, version: str, found: NotedDisagreements | None) -> list[str]:
    lines = [
        f"DRAFT of {book.id}@{version}, begun from {book.stamp}. Change definitions and rules, and fill in the",
        f"migration from {book.version}: a code not named there keeps name and meaning. Then see pcode codebook diff,",
        "mend what pcode codebook check says, and take these lines and every TODO out.",
    ]
    if found is not None:
        lines.append(f"Confused by the coders, of {found.n_disagreements} disagreements:")
        lines += [_listed(pair) for pair in found.pairs[:NOTED]]
        if len(found.pairs) > NOTED:
            lines.append(f"  and {len(found.pairs) - NOTED} rarer pairs")
    return [f"# {_plain(line)}" if line[0] != " " else f"#  {_plain(line)}" for line in lines] + [""]


def _listed(pair: NotedPair) -> str:
    state = f"TODO {pair.undecided}" if pair.undecided else "there is a rule, and it did not settle it"
    return f"  {' – '.join(pair.codes)}: {pair.count} ({shown(pair.share, 'percent')}), {state}"


def _note(pair: NotedPair, total: int) -> list[str]:
    lines = [
        f"# TODO {_plain(pair.undecided)}: {pair.count} of {total} disagreements ({shown(pair.share, 'percent')})"
    ]
    for unit in _chosen(pair.units):
        said = ", ".join(f"{one.coder}: {'; '.join(one.codes) or NONE}" for one in unit.said)
        text = _plain(unit.text)
        short = text if len(text) <= LENGTH else text[:LENGTH] + "…"
        lines.append(f"#   “{short}”  {_plain(said)}  ({_plain(unit.trace_id)})")
    if NONE not in pair.codes:
        lines.append(f"#   to write, under 'rules':  - {{against: {pair.codes[1]}, rule: …}}")
    return lines


def _chosen(units: Iterable[NotedUnit]) -> list[NotedUnit]:
    """The first unit of each trace, then others."""
    first: dict[str, NotedUnit] = {}
    later = [unit for unit in units if first.setdefault(unit.trace_id, unit) is not unit]
    return [*first.values(), *later][:QUOTES]


_UNPRINTABLE = re.compile(
    "[^\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
"""What a YAML comment cannot hold: other characters are either forbidden or end the line."""


def _plain(text: str) -> str:
    """One line that may stand in a comment."""
    return _UNPRINTABLE.sub("\ufffd", " ".join(text.split()))


def _means(text: str, wanted: Codebook) -> bool:
    """Whether the text says what it should: the same book, with the new version and one migration more."""
    try:
        found = parse_codebook(text)
    except CodebookError:
        return False
    by_version = {step.version: step for step in wanted.migrations}
    return (
        found.model_copy(update={"migrations": []}) == wanted.model_copy(update={"migrations": []})
        and len(found.migrations) == len(by_version)
        and {step.version: step for step in found.migrations} == by_version
    )


def _written_anew(wanted: Codebook, head: list[str], notes: list[str]) -> str:
    import yaml

    value = wanted.model_dump(mode="json", exclude_defaults=True)
    value["migrations"][-1] |= {"renamed": {}, "merged": {}, "split": {}, "retired": []}
    body = yaml.safe_dump(value, sort_keys=False, allow_unicode=True, width=100)
    return "\n".join([*head[:-1], *notes, "", body])
