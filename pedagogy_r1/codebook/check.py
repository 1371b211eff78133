"""Finds every problem of a codebook file at once, each with its line.

    12  error    codes[IA-SQ].near_misses[1].code   there is no code 'KA-R0'; did you mean KA-RO?
    40  warning  codes[IA-SQ]                       no hit in the domain AES

An *error* makes the book unusable or contradicts itself; a *warning* leaves it hard to code from.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import ValidationError

from ..errors import CodebookError
from .checks import Concern, concerns
from .codebook import Codebook, find_codebook, load_codebook, released
from .spot import Spot, Unreadable, read, repeated_keys

Severity = Literal["error", "warning"]

SHOWN = 3
"""Errors that `load_checked` names."""


@dataclass(frozen=True, order=True)
class Problem:
    """One thing to mend: its 1-based line, the field, what is wrong, and how bad it is."""

    line: int
    where: str
    what: str
    severity: Severity = "error"

    def as_json(self) -> dict[str, Any]:
        """A JSON object with the four fields."""
        return asdict(self)


def check_codebook(source: str | bytes | Path) -> list[Problem]:
    """All problems of a codebook, by line: a path (also a string that ends in .yaml), or the YAML itself.

    A YAML error is reported alone, since what follows it cannot be read. A `CodebookError` is raised only for
    a file that is not there.
    """
    path = _path(source)
    data = _bytes(path) if path else source
    try:
        text = data.decode("utf-8-sig") if isinstance(data, bytes) else str(data)
    except UnicodeDecodeError as error:
        line = error.object.count(b"\n", 0, error.start) + 1
        return [Problem(line, "file", f"not UTF-8 (byte {error.start + 1})")]
    found = read(text)
    if isinstance(found, Unreadable):
        return [Problem(found.line, "file", found.why)]
    problems = set(_all(found.root, found.value))
    if path:
        problems |= set(_misnamed(path, found.root))
    return sorted(problems)


def load_checked(ref: str | Path) -> Codebook:
    """`load_codebook`, for making codings: a book that is not released must have no error, warnings aside.

    Raises `CodebookError` with the first errors.
    """
    book, path = load_codebook(ref), find_codebook(ref)
    if path.resolve() in {file.resolve() for file in released()}:
        return book
    errors = [problem for problem in check_codebook(path) if problem.severity == "error"]
    if errors:
        first = "; ".join(f"line {e.line}: {e.where}: {e.what}" for e in errors[:SHOWN])
        more = f"; and {len(errors) - SHOWN} more" if len(errors) > SHOWN else ""
        raise CodebookError(f"{path}: {first}{more}", f"run: pcode codebook check {path}")
    return book


def _path(source: str | bytes | Path) -> Path | None:
    if isinstance(source, Path):
        return source
    if isinstance(source, str) and "\n" not in source and source.endswith((".yaml", ".yml")):
        return Path(source)
    return None


def _bytes(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CodebookError(f"{path}: {error.strerror or 'cannot be read'}", "check the path") from None


def _all(root: Spot, value: Any) -> Iterator[Problem]:
    for key in repeated_keys(root):
        yield Problem(
            key.line or 1, key.where, f"the key {key.text!r} is there twice; YAML would keep the last one"
        )
    yield from _schema(root, value)
    for concern in concerns(root):
        yield _problem(concern)


def _problem(concern: Concern) -> Problem:
    return Problem(
        concern.spot.line, concern.spot.where or "file", concern.what, "warning" if concern.mild else "error"
    )


def _schema(root: Spot, value: Any) -> Iterator[Problem]:
    try:
        Codebook.model_validate(value)
    except ValidationError as error:
        for detail in error.errors(include_url=False, include_input=False):
            if (problem := _violation(root, detail)) is not None:
                yield problem


def _violation(root: Spot, detail: Any) -> Problem | None:
    loc, what, kind = detail["loc"], detail["msg"], detail["type"]
    spot = root.at(loc)
    if not _meant(root, loc):
        return None
    if kind == "missing":
        return Problem(spot.line, spot.where or "file", f"the field {loc[-1]!r} is missing")
    if kind == "extra_forbidden":
        return Problem(spot.line, spot.where or "file", f"there is no field {loc[-1]!r}")
    return Problem(spot.line, spot.where or "file", what[:1].lower() + what[1:])


def _meant(root: Spot, loc: Sequence[int | str]) -> bool:
    """A cue is a string or a mapping; pydantic complains against both, and only one of them was meant."""
    for branch, wants_mapping in (("str", False), ("WeightedCue", True)):
        if branch in loc and "cues" in loc:
            return root.at(loc[: loc.index(branch)]).mapping is wants_mapping
    return True


def _misnamed(path: Path, root: Spot) -> Iterator[Problem]:
    """A released file is ``ID/VERSION.yaml``; other names say nothing."""
    version, name = root.get("version"), root.get("id")
    if version is None or version.text is None or path.stem.count(".") != 2 or not path.stem[0].isdigit():
        return
    if version.text != path.stem:
        yield Problem(
            version.line, "version", f"the file is named {path.stem} but its version is {version.text}"
        )
    folder = path.resolve().parent.name
    if name is not None and name.text not in (None, folder):
        yield Problem(
            name.line, "id", f"the folder is named {folder!r} but the id is {name.text!r}", "warning"
        )
