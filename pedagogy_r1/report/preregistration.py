"""What is settled before the data are looked at: codebook, sample, comparisons, level; sealed, with its date.

    {"seal": "sha256:4be1…", "registered": "2026-11-29T10:02:11+00:00", "codebook": {"id": "schoen", "version": "1.1.0", "digest": …},
     "contrasts": ["condition:cop:generic"], "family": ["IA-SQ", "OA-ME"], "correction": "family", "level": 0.95, "units": 400, …}

The seal is the digest that a paper names, or a registry keeps: whoever writes the file anew has another one. ``pcode report`` says
beside its results which comparisons were registered and what was done otherwise (`sections/registered.py`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from pydantic import Field

from ..codebook import Codebook, load_codebook
from ..codebook.codebook import SNAPSHOT
from ..errors import CodebookError, InputError, RunError, did_you_mean
from ..files.records import Row, read_rows, write_text
from ..files.seal import PACKET, SealedRecord, has_seal, write_sealed
from ..formatting import counted, level_words
from ..human.packet import Packet, drawn_in_words
from ..job import locked, read_record
from ..limits import LEVEL
from ..provenance import file_digest, now, versions
from .column_contrast import parse_comparisons

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


def planned(
    *,
    contrasts: Sequence[str],
    codebook: str | Path | None = None,
    family: Sequence[str] = (),
    coders: Sequence[str] = (),
    n_units: int | None = None,
    n_traces: int | None = None,
    packet: str | Path | None = None,
    sample_plan: str | Path | None = None,
    hypotheses: str | Path | None = None,
    title: str = "",
    **settled: Any,
) -> Preregistration:
    """What is to be registered, filled in from the packet that was drawn; ``settled``: correction, level, coder.

    A comparison, a code or a coder that is given again is registered once.
    Raises `CodebookError`, `InputError` or `RunError` for what does not fit.
    """
    drawn = Packet(packet) if packet else None
    book = drawn.codebook if drawn and not codebook else load_codebook(codebook or "schoen")
    check_codes(book, tuple(family))
    sample: dict[str, Any] = {}
    if drawn:
        if drawn.codebook.digest != book.digest:
            raise CodebookError(
                f"{drawn.folder} was drawn for {drawn.codebook.stamp}, and {book.stamp} would be registered",
                f"name its codebook: --codebook {drawn.folder / SNAPSHOT}",
            )
        m = drawn.manifest
        sample = {**m.drawn, "seed": m.seed, "packet": file_digest(drawn.folder / PACKET)}
        coders = coders or m.coders
        n_units, n_traces = n_units or m.counts.get("units"), n_traces or m.counts.get("traces")
    return Preregistration(
        registered=now(),
        title=title or book.title,
        codebook={"id": book.id, "version": book.version, "digest": book.digest},
        contrasts=tuple(one.given for one in parse_comparisons(contrasts)),
        family=tuple(dict.fromkeys(family)) or None,
        coders=tuple(dict.fromkeys(coders)),
        units=n_units,
        traces=n_traces,
        sample=sample,
        plan=_plan(Path(sample_plan), n_units) if sample_plan else {},
        hypotheses=_text(Path(hypotheses)) if hypotheses else "",
        versions=versions(),
        **settled,
    )


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise InputError(f"{path}: not a text in UTF-8", "save it as one") from None


def _plan(path: Path, units: int | None) -> dict[str, Any]:
    """The row of a plan that is nearest to the number of units that is planned; without one, its first."""
    path = path / "plan.csv" if path.is_dir() else path
    rows = [row.data for row in read_rows(path) if isinstance(row, Row)]
    if not rows or not all(str(row.get("n_units", "")).isdecimal() for row in rows):
        raise InputError(
            f"{path}: no plan of how many units are needed", "write one with: pcode sample --plan -o"
        )
    return dict(min(rows, key=lambda row: abs(int(row["n_units"]) - (units or 0))))


def check_codes(book: Codebook, family: tuple[str, ...] | None) -> None:
    """Raise `CodebookError` for a code of the family that the codebook has not."""
    for code in family or ():
        if code not in book.code_ids:
            raise CodebookError(f"{book.ref} has no code {code!r}", did_you_mean(code, list(book.code_ids)))


def write_registered(record: Preregistration, out: Path) -> Registered:
    """Write ``OUT/preregistration.json`` and ``.md``. Raises `InputError` where one is there: it is never written anew.

    Where only the record is there, whoever wrote it was killed before the text: the text is written of the record, whatever is asked for.
    """
    path, text = out / JSON, out / MARKDOWN
    with locked(out):
        if text.exists() and not path.exists():
            raise InputError(f"{text} is there, and {JSON}, which it tells of, is not", _LOST)
        if begun := path.exists() and not text.exists():
            found = read_registered(path)
        elif path.exists():
            raise InputError(f"{path} is there already: {_ANEW[0]}", _ANEW[1])
        else:
            write_sealed(path, record.model_dump(mode="json"))
            found = read_registered(path)
        write_text(text, "\n".join(_markdown(found)) + "\n")
    if begun and _settled(found.record) != _settled(record):
        raise InputError(
            f"{path} of {found.record.registered} says something else: {_ANEW[0]}. {text}, which was missing, is written of it",
            _ANEW[1],
        )
    return found


_LOST = "restore it from a copy; a registration of its own goes into another folder (-o)"
_ANEW = (
    "what was registered is not written anew",
    "a plan that changed is a registration of its own: name another folder with -o; the report says what deviates",
)


def _settled(record: Preregistration) -> dict[str, Any]:
    """What a registration settles, whenever, by whatever versions and in whatever order it was written."""
    said = record.model_dump(mode="json", exclude={"registered", "versions", "seal", "sha256"})
    return said | {
        "contrasts": {one.same_as for one in parse_comparisons(record.contrasts)},
        "family": set(record.family or ()),
        "coders": set(record.coders),
    }


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
    yield from drawn_in_words(r.sample)
    if r.plan:
        words = "; ".join(
            f"{name.replace('_', ' ')} {value}" for name, value in r.plan.items() if value not in (None, "")
        )
        yield f"by `pcode sample --plan`: {words}"
