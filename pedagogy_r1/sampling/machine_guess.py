"""What a machine run thinks of every unit: the code it gave, and how likely each code is, as far as the run tells.

    codes IA-SQ, confidence .70, rationale "IA-SQ 0.70, OA-ME 0.20"     IA-SQ .70, OA-ME .20, the other codes share .10
    codes IA-SQ, confidence .70                                        IA-SQ .70, the other codes share .30

Shares are dealt out as the run gives the codes elsewhere. The second line is all that most runs say; the learned coder writes the
first (`coding.learned`), and only from such a run it is known where a code that was *not* given is likely all the same. Codes are
primary ones, as in every corrected share.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ..codebook import NONE, Codebook
from ..errors import RunError
from ..estimate import Flags, Floats, Ints
from ..provenance import digest
from ..runs.run import CoderRun, Coding, require_codebook, require_complete
from ..runs.unit_coding import read_odds

_ROUNDED = 0.0051
"""A rationale's probabilities have two digits."""


@dataclass(frozen=True)
class MachineGuess:
    """``said``: (units,) place in ``codes`` of the primary code, -1 where the run left the unit open; ``p``: (units, codes), rows sum
    to 1; ``item``: (units,) number of the unit's item, or of its trace where that is of none. ``row``: unit id → row."""

    run: Path
    run_id: str
    digest: str
    codes: tuple[str, ...]
    row: Mapping[str, int]
    said: Ints
    p: Floats
    item: Ints

    @property
    def coded(self) -> Flags:
        """(units,)"""
        return np.asarray(self.said >= 0)

    def rows(self, unit_ids: Sequence[str]) -> Ints:
        """Their rows. Raises `RunError` for units that the run does not hold, which could then not be drawn in proportion to anything."""
        lost = [unit for unit in unit_ids if unit not in self.row]
        if lost:
            raise RunError(
                f"{self.run} has not coded {len(lost):,} of the {len(unit_ids):,} units that could be drawn, first {lost[0]!r}",
                f"take its units: --units {self.run}, which draws from what it coded alone (without traces that were locked); or code "
                "these traces with it first, for a share can only be corrected where the machine coded everything",
            )
        return np.array([self.row[unit] for unit in unit_ids], dtype=np.int64)


def machine_guess(run: str | Path, book: Codebook) -> MachineGuess:
    """Read a run of one machine coder, under ``book``. Raises `CodebookError` for another codebook, `RunError` for several coders,
    people's runs, and where a coding has no confidence."""
    opened = CoderRun(run, locked="always")
    require_complete([opened], None)
    require_codebook(opened, book)
    machines = [c.name for c in opened.manifest.coders if c.kind == "machine"]
    if len(machines) != 1:
        found = f"{len(machines)} machine coders ({', '.join(machines)})" if machines else "no machine coder"
        raise RunError(
            f"{run} holds {found}, and units are drawn by the confidences of one",
            "make one coder of several with pcode panel" if machines else "give a machine's run",
        )
    codings = [c for c in opened.codings() if c.coder == machines[0]]
    _check_confidences(opened, codings)
    primary = [coding.primary for coding in codings]
    codes = book.code_ids if book.exhaustive and NONE not in primary else (*book.code_ids, NONE)
    place = {code: k for k, code in enumerate(codes)}
    said = np.array([-1 if code is None else place[code] for code in primary], dtype=np.int64)
    return MachineGuess(
        opened.folder,
        opened.manifest.run_id,
        digest(
            [(c.unit_id, code, c.confidence, c.rationale) for c, code in zip(codings, primary, strict=True)]
        ),
        codes,
        {coding.unit_id: row for row, coding in enumerate(codings)},
        said,
        _probabilities(codings, said, place),
        _items(opened, [coding.unit_id for coding in codings]),
    )


def _check_confidences(run: CoderRun, codings: Sequence[Coding]) -> None:
    given = [coding for coding in codings if coding.codes is not None]
    without = sum(coding.confidence is None for coding in given)
    if not given:
        raise RunError(f"{run.folder} coded no unit", "give a run that did")
    if without:
        raise RunError(
            f"{run.folder}: {without:,} of {len(given):,} codings have no confidence, and nothing else says where the machine may err",
            "take a run that says how sure it is: pcode annotate --coder learned:…, a language model's, or pcode panel; "
            "without one, draw with equal probabilities or --enrich",
        )


def _probabilities(codings: Sequence[Coding], said: Ints, place: Mapping[str, int]) -> Floats:
    """(units, codes)"""
    p = np.zeros((len(said), len(place)))
    for row, (coding, code) in enumerate(zip(codings, said.tolist(), strict=True)):
        if code >= 0:
            p[row, code] = coding.confidence
            for other, odds in _named(coding, place).items():
                p[row, place[other]] = odds
    return dealt_out(p, said)


def dealt_out(p: Floats, said: Ints) -> Floats:
    """(units, codes) with rows that sum to 1: what is left goes to the codes of which ``p`` says nothing (0), as ``said`` has them."""
    counts = np.bincount(said[said >= 0], minlength=p.shape[1]) + 0.5
    known = (p > 0) | (np.arange(p.shape[1]) == said[:, None])
    rest = np.where(known, 0.0, counts / counts.sum())
    total = rest.sum(axis=1, keepdims=True)
    left = np.maximum(1 - p.sum(axis=1, keepdims=True), 0.0)
    filled = p + left * np.divide(rest, total, out=np.zeros_like(rest), where=total > 0)
    return np.asarray(filled / filled.sum(axis=1, keepdims=True))


def _named(coding: Coding, place: Mapping[str, int]) -> dict[str, float]:
    """The probabilities of other codes that a rationale lists, and nothing else: its first is the code given, with its confidence."""
    pairs = read_odds(coding.rationale)
    named = {code for code, _ in pairs}
    if not pairs or len(named) < len(pairs) or not named <= place.keys():
        return {}
    (first, sure), *others = pairs
    if first != coding.primary or abs(sure - (coding.confidence or 0.0)) > _ROUNDED:
        return {}
    room = 1 - (coding.confidence or 0.0) + _ROUNDED * len(others)
    return dict(others) if sum(odds for _, odds in others) <= room else {}


def _items(run: CoderRun, unit_ids: Sequence[str]) -> Ints:
    """(units,) an item's number within its domain; a trace of none is one of its own."""
    item_of = {t.id: (t.domain, t.item) if t.item else ("", "", t.id) for t in run.traces()}
    trace_of = {unit.id: unit.trace_id for unit in run.units()}
    number: dict[object, int] = {}
    found = [number.setdefault(item_of[trace_of[unit]], len(number)) for unit in unit_ids]
    return np.array(found, dtype=np.int64)
