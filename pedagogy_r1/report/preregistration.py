"""What is settled before the data are looked at: codebook, sample, comparisons, level; sealed, with its date.

    {"seal": "sha256:4be1…", "registered": "2026-11-29T10:02:11+00:00", "codebook": {"id": "schoen", "version": "1.1.0", "digest": …},
     "contrasts": ["condition:cop:generic"], "family": ["IA-SQ", "OA-ME"], "correction": "family", "level": 0.95, "units": 400, …}

The seal is the digest that a paper names, or a registry keeps: whoever writes the file anew has another one. ``pcode report`` says
beside its results which comparisons were registered and what was done otherwise (`sections/registered.py`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from ..codebook import Codebook
from ..errors import CodebookError, InputError, RunError, did_you_mean
from ..files.records import write_text
from ..files.seal import SealedRecord, has_seal, write_sealed
from ..formatting import counted, level_words
from ..job import read_record
from ..limits import LEVEL

JSON, MARKDOWN = "preregistration.json", "preregistration.md"

ABOVE = 4
"""Folders above a run in which a registration is looked for."""

Correction = Literal["family", "bh", "none"]

CORRECTIONS: dict[str, tuple[str, str]] = {
    "family": ("family-wise, by permutation over the codes of each comparison", "p"),
    "bh": ("Benjamini–Hochberg's false discovery rate over the codes of each comparison", "p_bh"),
    "none": ("none", "p_single"),
}
"""How p is corrected, and in which column of the tables it stands."""


class Preregistration(SealedRecord):
    """``preregistration.json``. ``units``, ``traces``: how many people shall code; ``sample``: how they are drawn; ``plan``: of ``pcode sample --plan``, the row that was planned for."""

    preregistration: int = 1
    registered: str
    title: str
    codebook: dict[str, str]
    contrasts: tuple[str, ...] = Field(min_length=1)
    family: tuple[str, ...] | None = None
    correction: Correction = "family"
    level: float = LEVEL
    coder: str | None = None
    coders: tuple[str, ...] = ()
    units: int | None = None
    traces: int | None = None
    sample: dict[str, Any] = Field(default_factory=dict)
    plan: dict[str, Any] = Field(default_factory=dict)
    hypotheses: str = ""
    versions: dict[str, str] = Field(default_factory=dict)

    @property
    def book(self) -> str:
        """``schoen@1.1.0``"""
        return f"{self.codebook.get('id')}@{self.codebook.get('version')}"


@dataclass(frozen=True)
class Registered:
    """A registration that was read. ``source``: its file; ``digest``: its seal."""

    record: Preregistration
    source: Path
    digest: str


def read_registered(path: str | Path) -> Registered:
    """Raises `RunError` for a file that is none, or that was changed since it was registered."""
    path = Path(path)
    none = RunError(f"{path}: no such file", "write one with: pcode preregister")
    record = read_record(path, Preregistration, no_file=none)
    if not has_seal(path.read_bytes()) or record.seal is None:
        raise RunError(f"{path} has no seal: it is not what was registered", "restore it from a copy")
    return Registered(record, path, record.seal)


def find_registered(run: str | Path) -> Path | None:
    """The registration that counts for a run: the nearest ``preregistration.json`` above it."""
    place = Path(run).absolute()
    return next(
        (above / JSON for above in list(place.parents)[:ABOVE] if (above / JSON).is_file()),
        None,
    )


def check_codes(book: Codebook, family: tuple[str, ...] | None) -> None:
    """Raise `CodebookError` for a code of the family that the codebook has not."""
    for code in family or ():
        if code not in book.code_ids:
            raise CodebookError(f"{book.ref} has no code {code!r}", did_you_mean(code, list(book.code_ids)))


def write_registered(record: Preregistration, out: Path) -> Registered:
    """Write ``OUT/preregistration.json`` and ``.md``. Raises `InputError` where one is there: it is never written anew."""
    path = out / JSON
    if path.exists() or (out / MARKDOWN).exists():
        raise InputError(
            f"{path if path.exists() else out / MARKDOWN} is there already: what was registered is not written anew",
            "a plan that changed is a registration of its own: name another folder with -o; the report says what deviates",
        )
    write_sealed(path, record.model_dump(mode="json"))
    found = read_registered(path)
    write_text(out / MARKDOWN, "\n".join(_markdown(found)) + "\n")
    return found


def _markdown(found: Registered) -> Iterator[str]:
    r = found.record
    yield f"# Preregistration: {r.title}\n"
    yield f"Registered {r.registered}. Digest of `{JSON}`: `{found.digest}`.\n"
    yield "What stands here was settled before the codings were compared. *Open* is for you to fill in before you hand it to a registry.\n"
    yield "## Questions and hypotheses\n"
    yield (
        r.hypotheses.strip()
        or "*Open: what is expected of each comparison below, in which direction, and why.*"
    )
    yield "\n## Codebook\n"
    yield f"{r.book}, content digest `{r.codebook.get('digest')}`. A change of a code is another version and a deviation.\n"
    yield "## Sample\n"
    yield from (f"- {line}" for line in _sample_lines(r))
    yield "\n## Comparisons\n"
    yield from (f"- `{one}`" for one in r.contrasts)
    codes = ", ".join(r.family) if r.family else "all codes of the codebook"
    yield f"\nConfirmatory codes: {codes}. Correction: {CORRECTIONS[r.correction][0]}. Level: {level_words(r.level)}."
    yield f"Whose codings are compared: {r.coder or 'those of who coded most units, people first'}. Every other comparison is exploratory.\n"
    yield "## Left to say\n"
    yield "- *Open: which traces are excluded, and by what rule.*"
    yield "- *Open: when coding stops, and what is done if it stops early.*"
    yield "- *Open: which agreement between people is asked for before anything is compared.*"
    yield "\n## In the report\n"
    yield f"`pcode report RUN… -o report --registered {JSON}` says what was registered, what was not, and what was done otherwise."


def _sample_lines(r: Preregistration) -> Iterator[str]:
    planned = [counted(n, word) for n, word in ((r.traces, "trace"), (r.units, "unit")) if n is not None]
    yield f"planned for people: {' and '.join(planned) or '*open*'}"
    yield f"coders: {', '.join(r.coders) or '*open*'}"
    for name, value in r.sample.items():
        yield f"{name.replace('_', ' ')}: {value}"
    if r.plan:
        words = "; ".join(
            f"{name.replace('_', ' ')} {value}" for name, value in r.plan.items() if value not in (None, "")
        )
        yield f"by `pcode sample --plan`: {words}"
