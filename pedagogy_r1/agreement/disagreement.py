"""What coders confuse, pair of codes by pair of codes: who said which, their words, and the rule that should have decided.

IA-MT – KA-RO   12 of 40 disagreements (30 %)     A: IA-MT 11, KA-RO 1   B: IA-MT 1, KA-RO 11
    rule of IA-MT against KA-RO: A step whose outcome is taken as given …
    “I could also share out the 9.0 V as 1.5 to 3.0.”   A: IA-MT (tries a split)   B: KA-RO

Units to which the coders gave the same primary code never appear. Where neither code has a rule against the other, that
rule is what the next version of the codebook has to say.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np

from ..codebook import NONE, Codebook
from ..errors import RunError, did_you_mean
from ..runs.run import CoderInfo, CoderRun, Coding, opened, require_complete
from ..runs.run_columns import coder_names
from ..trace import Trace, Unit
from .code_accuracy import ranked_units
from .comparison import ReliabilityData, reliability_data
from .profile import MISSING


@dataclass(frozen=True)
class Said:
    """What one coder gave to a unit, primary code first (empty: none applies), and why: a person's memo, a machine's rationale."""

    coder: str
    codes: tuple[str, ...]
    memo: str = ""
    evidence: str = ""

    @property
    def primary(self) -> str:
        """The first code, or ``"none"``."""
        return self.codes[0] if self.codes else NONE


@dataclass(frozen=True)
class QuotedUnit:
    """A unit on which coders differ. ``before``: the text of the unit before it in the trace, for context."""

    unit_id: str
    trace_id: str
    domain: str
    text: str
    before: str
    said: tuple[Said, ...]


@dataclass(frozen=True)
class DecidingRule:
    """The rule that ``code`` has against ``against``."""

    code: str
    against: str
    rule: str


@dataclass(frozen=True)
class ConfusedPair:
    """Two codes (in the book's order) that coders gave to the same units.

    ``count``: over pairs of coders and units; with two coders, units. ``share``: of all such disagreements.
    ``by_coder``: on these units, how often each coder gave each of the two as primary code. ``swapped``: how often both
    coders gave both codes, in another order, so that only the rank is in question.
    """

    codes: tuple[str, str]
    count: int
    share: float
    by_coder: dict[str, dict[str, int]]
    swapped: int
    rules: tuple[DecidingRule, ...]
    units: tuple[QuotedUnit, ...]

    @property
    def undecided(self) -> str:
        """What is missing, in words; empty where a rule decides."""
        first, second = self.codes
        if self.rules:
            return ""
        if NONE in self.codes:
            other = first if second == NONE else second
            return f"no rule can decide between {other} and none: say in {other} what has to be there for it to apply"
        return f"no rule decides between {first} and {second}"

    def quotes(self, most: int) -> tuple[QuotedUnit, ...]:
        """Up to ``most`` units to talk over: of each way to differ in turn, from many traces, those with memos first.

        Units on which the coders differ in the same way stand together.
        """
        ways: dict[tuple[tuple[str, str], ...], list[QuotedUnit]] = defaultdict(list)
        for unit in self.units:
            ways[tuple((one.coder, one.primary) for one in unit.said)].append(unit)
        queues = [_spread(ways[way]) for way in sorted(ways, key=lambda way: -len(ways[way]))]
        turns = sorted((turn, way) for way, queue in enumerate(queues) for turn in range(len(queue)))[:most]
        return tuple(queues[way][turn] for way, turn in sorted((way, turn) for turn, way in turns))


def _spread(units: Sequence[QuotedUnit]) -> list[QuotedUnit]:
    """First one unit of every trace, then a second of each; within a round, units that somebody gave a reason for first."""
    seen: Counter[str] = Counter()
    ranked = []
    for unit in sorted(units, key=lambda unit: not any(one.memo for one in unit.said)):
        ranked.append((seen[unit.trace_id], unit))
        seen[unit.trace_id] += 1
    return [unit for _, unit in sorted(ranked, key=lambda pair: pair[0])]


@dataclass(frozen=True)
class Disagreements:
    """All confusions of ``coders``, most frequent first.

    ``n_units``: coded by two or more of them; ``n_disagreed``: of these, with different primary codes; ``n_second``: with
    the same primary code and different second codes, which are not listed; ``n_disagreements``: over pairs of coders.
    """

    book: Codebook
    runs: tuple[str, ...]
    coders: tuple[CoderInfo, ...]
    n_units: int
    n_disagreed: int
    n_second: int
    n_disagreements: int
    pairs: tuple[ConfusedPair, ...]
    partial: tuple[str, ...] = ()
    """Of each run that is not complete, a sentence that says so."""

    def as_json(self) -> dict[str, Any]:
        """What ``pcode disagreements --json`` prints, and ``pcode codebook bump --from-disagreements`` reads."""
        return {
            "codebook": self.book.stamp,
            "runs": list(self.runs),
            "partial": list(self.partial),
            "coders": [coder.model_dump() for coder in self.coders],
            "n_units": self.n_units,
            "n_disagreed": self.n_disagreed,
            "n_second": self.n_second,
            "n_disagreements": self.n_disagreements,
            "pairs": [asdict(pair) | {"undecided": pair.undecided} for pair in self.pairs],
        }


def disagreements(
    runs: Sequence[CoderRun | str | Path],
    *,
    coders: Sequence[str] = (),
    pair: Sequence[str] = (),
    partial: bool = False,
) -> Disagreements:
    """Confusions of primary codes between ``coders``, over units that two or more of them coded.

    ``coders``: by default all people if there are two or more, else the two coders that there are. ``pair``: only this
    pair of codes. Shares remain of all disagreements. ``partial``: go on with the traces that unfinished runs have.

    Raises `CodebookError` if the runs were made under different codebooks, `RunError` if a run is not complete, a name
    is unknown, or it is unclear whose disagreements are meant.
    """
    found = opened(runs)
    unfinished = require_complete(found, partial)
    every = reliability_data(found)
    data = every.of(_chosen(every, coders))
    book = found[0].codebook
    wanted = _wanted(pair, data.categories)
    differing = _differing(data)
    units = _quoted(found, data, differing)
    counts = Counter(codes for pairs in differing.values() for codes in pairs)
    total = counts.total()
    order = sorted(counts, key=lambda codes: (-counts[codes], codes))
    return Disagreements(
        book=book,
        runs=tuple(str(run.folder) for run in found),
        coders=data.coders,
        n_units=int(((data.primary != MISSING).sum(axis=0) >= 2).sum()),
        n_disagreed=len(differing),
        n_second=_second_only(data),
        n_disagreements=total,
        pairs=tuple(
            _pair(
                book,
                (data.categories[codes[0]], data.categories[codes[1]]),
                counts[codes],
                total,
                [units[unit] for unit, pairs in differing.items() if codes in pairs],
            )
            for codes in order
            if wanted is None or wanted == codes
        ),
        partial=unfinished,
    )


Codes = tuple[int, int]
"""Two categories, the earlier of the book first."""


def _chosen(data: ReliabilityData, names: Sequence[str]) -> list[str]:
    if len(names) == 1 or len(set(names)) < len(names):
        raise RunError(
            f"--coders {','.join(names)}: name two or more, each once", "for example: --coders A,B"
        )
    if names:
        return list(names)
    everyone, people = list(data.names), [data.names[row] for row in data.rows("human")]
    if len(people) >= 2 or len(everyone) == 2:
        return people if len(people) >= 2 else everyone
    if len(everyone) < 2:
        raise RunError("one coder only: there is nobody to disagree with", "add another coder's run")
    raise RunError(
        f"{len(everyone)} coders, and fewer than two of them people: whose disagreements?",
        f"name two: --coders {everyone[0]},{everyone[1]} (known: {', '.join(everyone)})",
    )


def _wanted(pair: Sequence[str], categories: tuple[str, ...]) -> Codes | None:
    if not pair:
        return None
    for code in pair:
        if code not in categories:
            raise RunError(f"no code is named {code!r}", did_you_mean(code, list(categories)))
    if len(set(pair)) != 2:
        raise RunError(f"{','.join(pair)}: not a pair of codes", "name two codes: --pair IA-MT,KA-RO")
    first, second = sorted(categories.index(code) for code in pair)
    return first, second


def _differing(data: ReliabilityData) -> dict[int, list[Codes]]:
    """Unit → one pair of codes for each pair of coders that differ on it; units as `ranked_units` has them."""
    found: dict[int, list[Codes]] = {unit: [] for unit in ranked_units(data).tolist()}
    for a, b in combinations(data.primary, 2):
        for unit in np.flatnonzero((a != b) & (a != MISSING) & (b != MISSING)).tolist():
            low, high = sorted((int(a[unit]), int(b[unit])))
            found[unit].append((low, high))
    return found


def _second_only(data: ReliabilityData) -> int:
    """Units with one primary code and different sets of codes."""
    coded = data.primary != MISSING
    one_code, one_set = (
        values.max(axis=0) == np.where(coded, values, np.iinfo(np.int64).max).min(axis=0)
        for values in (data.primary, data.present)
    )
    return int(((coded.sum(axis=0) >= 2) & one_code & ~one_set).sum())


def _pair(
    book: Codebook, names: tuple[str, str], count: int, total: int, units: Sequence[QuotedUnit]
) -> ConfusedPair:
    """``units``: those that somebody gave the one code and somebody else the other."""
    given: Counter[tuple[str, str]] = Counter()
    swapped = 0
    for unit in units:
        said = [one for one in unit.said if one.primary in names]
        given.update((one.coder, one.primary) for one in said)
        swapped += sum(
            x.primary != y.primary and set(names) <= set(x.codes) & set(y.codes)
            for x, y in combinations(said, 2)
        )
    return ConfusedPair(
        codes=names,
        count=count,
        share=count / total,
        by_coder={
            who: {code: given[who, code] for code in names} for who in sorted({who for who, _ in given})
        },
        swapped=swapped,
        rules=tuple(deciding_rules(book, *names)),
        units=tuple(units),
    )


def deciding_rules(book: Codebook, first: str, second: str) -> Iterator[DecidingRule]:
    """The rules of either code against the other."""
    for code, other in ((first, second), (second, first)):
        if code in book.code_ids:
            yield from (
                DecidingRule(code, other, " ".join(rule.rule.split()))
                for rule in book.code(code).rules
                if rule.against == other
            )


def _quoted(runs: Sequence[CoderRun], data: ReliabilityData, wanted: Iterable[int]) -> dict[int, QuotedUnit]:
    """The units on which coders differ, with their words."""
    place = {data.unit_ids[unit]: unit for unit in wanted}
    shown: dict[int, tuple[str, str, str, str]] = {}
    said: dict[int, dict[str, Said]] = defaultdict(dict)
    for run, names in zip(runs, coder_names(runs), strict=True):
        for trace, units, codings in run.by_trace():
            shown |= {place[unit.id]: words for unit, words in _shown(trace, units) if unit.id in place}
            for coding in codings:
                if coding.unit_id in place and coding.codes is not None:
                    name = names[coding.coder]
                    said[place[coding.unit_id]][name] = _said(name, coding)
    return {
        unit: QuotedUnit(
            name, *shown[unit], tuple(said[unit][who] for who in data.names if who in said[unit])
        )
        for name, unit in place.items()
    }


def _shown(trace: Trace, units: Sequence[Unit]) -> Iterator[tuple[Unit, tuple[str, str, str, str]]]:
    """Each unit with its trace, domain, text, and the text before it."""
    before = ""
    for unit in units:
        yield unit, (trace.id, trace.domain or "", unit.text, before)
        before = unit.text


def _said(name: str, coding: Coding) -> Said:
    return Said(name, coding.codes or (), (coding.rationale or "").strip(), (coding.evidence or "").strip())
