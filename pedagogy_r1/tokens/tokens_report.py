"""The token report: for all traces and for each group, noise, repetition, underthinking, efficiency.

    report = token_report(traces, by="condition")
    report.groups[0].underthinking.score.value

Codings come as plain mappings (`Coded`), from whatever run they were made in.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from typing import Any, Literal, NamedTuple

from ..codebook import Codebook
from ..errors import InputError
from ..estimate import Estimate, Resampling, clustered, quotient
from ..provenance import now, versions
from ..runs.where import in_order, label_of
from ..trace import Trace, Unit
from ..wbeb.answers.stated_value import RULE
from .measured import SEGMENTER, Measured, UnitRow, measure, measure_units
from .noise import (
    PAPER,
    Codes,
    NoiseFamilies,
    NoiseShare,
    NoiseTokens,
    noise_families,
    noise_share,
    trace_correlation,
    unit_correlation,
)
from .response_thoughts import TWO_JUDGES, Thought, any_judged
from .solutions import BY_NAME, BY_WORDS, Efficiency, efficiency
from .tokenizer import SpacyTokenizer, Tokenizer
from .underthinking import Underthinking, WrongToRight, wrong_to_right, xi_ut, xi_wut
from .word_repetition import SELF_N, STEM_N, Repetition

Cluster = Literal["trace", "item"]
_CLUSTERS = {"trace": "trace_id", "item": "item"}
_CARRIED = ("item", "domain", "model", "condition")
"""Fields of the trace that a `Measured` has as well."""
ADDED_UP = (
    "the tallies of the shards, which have the tokens under each code in each trace: repetition is not held against noise, unit by unit "
    "or trace by trace, and there is no table of units"
)
DIFFERENT = (
    "Noise and ξ_UT are different quantities: noise is the share of all coded tokens that carry nothing forward; "
    "ξ_UT is the share of a wrong response that follows its first correct thought. Never add or compare them."
)


@dataclass(frozen=True)
class Coded:
    """One trace's units and one coder's codes by unit id; a unit that is not among them is missing."""

    trace: Trace
    units: Sequence[Unit]
    codes: Mapping[str, Codes]


@dataclass(frozen=True)
class CoderNoise:
    """What one coder's codings say of the traces."""

    coder: str
    codebook: str
    families: NoiseFamilies
    rows: tuple[NoiseTokens, ...]
    units: tuple[UnitRow, ...] | None
    """``None`` of a run over a corpus that was added up (`corpus_noise`): its units are not held."""


@dataclass(frozen=True)
class RepetitionShare:
    """Repetition of several traces: words of all of them, with intervals; ``tail_loops``: traces that end in a loop."""

    stem_repetition: Estimate
    self_repetition: Estimate
    loop_share: Estimate
    compression: Estimate
    tail_loops: int


@dataclass(frozen=True)
class GroupNoise:
    """One coder's noise in one group, and ρ of repetition with it, over units and over traces."""

    coder: str
    share: NoiseShare
    correlation: dict[str, Estimate]


@dataclass(frozen=True)
class TokenGroup:
    """All traces (``name`` is None), or those of one value of ``by``."""

    name: str | None
    traces: int
    reasoning: int
    answer: int
    repetition: RepetitionShare
    noise: tuple[GroupNoise, ...]
    underthinking: Underthinking
    underthinking_weighted: Underthinking
    wrong_to_right: WrongToRight
    efficiency: Efficiency
    left_out: dict[str, int]
    """Traces that ξ_UT could not take, by reason."""


@dataclass(frozen=True)
class TokenReport:
    """What ``pcode tokens`` prints and writes."""

    tokenizer: str
    by: str | None
    groups: tuple[TokenGroup, ...]
    correct_by: dict[str, int]
    judge: str
    segmenter: str
    cluster: str
    how: Resampling
    measured: tuple[Measured, ...] = field(repr=False)
    coders: tuple[CoderNoise, ...] = field(repr=False)
    partial: tuple[str, ...] = ()
    """Of each coder's run that is not complete, a sentence that says so."""

    @property
    def added_up(self) -> bool:
        """Whether noise comes from tallies, and not from units."""
        return any(coder.units is None for coder in self.coders)

    def as_json(self) -> dict[str, Any]:
        """The object that ``--json`` prints and ``--json-out`` writes."""
        return {
            "tokenizer": self.tokenizer,
            "by": self.by,
            "partial": list(self.partial),
            "correct_by": self.correct_by,
            "groups": [asdict(group) for group in self.groups],
            "method": {
                "noise": "share of coded tokens, by a unit's primary code",
                **({"noise_from": ADDED_UP} if self.added_up else {}),
                "noise_families": [
                    {
                        "coder": c.coder,
                        "codebook": c.codebook,
                        "strict": sorted(c.families.strict),
                        "nonreflective": sorted(c.families.strict | c.families.routine),
                    }
                    for c in self.coders
                ],
                "noise_in_the_paper": PAPER,
                "repetition": f"words (spaCy, case ignored): stem {STEM_N}-grams, self {SELF_N}-grams; compression by zlib",
                "judge": self.judge,
                "segmenter": self.segmenter,
                "cluster": self.cluster,
                **asdict(self.how),
                "note": DIFFERENT,
            },
            "versions": versions(),
            "made": now(),
        }


def measure_traces(
    traces: Iterable[Trace],
    tokenizer: Tokenizer | None = None,
    thoughts: Mapping[str, Sequence[Thought]] | None = None,
    progress: Callable[[int], None] | None = None,
) -> Iterator[Measured]:
    """Measure each trace; thoughts of traces that do not exist are an error, raised at the end."""
    tokenizer = tokenizer or SpacyTokenizer()
    judged = thoughts is not None and any_judged(thoughts)
    unused = set(thoughts or ())
    for number, trace in enumerate(traces, 1):
        unused.discard(trace.id)
        yield measure(trace, tokenizer, given=thoughts, judged=judged)
        if progress:
            progress(number)
    if unused:
        raise InputError(
            f"the thoughts file has thoughts of {len(unused)} traces that are not here: {sorted(unused)[0]} …",
            "give the traces file that it was made from",
        )


def measure_coder(
    coder: str,
    coded: Iterable[Coded],
    book: Codebook,
    measured: Mapping[str, Measured],
    *,
    strict: Sequence[str] = ("UT",),
    routine: Sequence[str] = ("KA",),
) -> CoderNoise:
    """Noise of one coder. A coded trace that is not among the measured ones, or has another text, is an error; so are units
    that overlap, whose tokens would count twice."""
    families = noise_families(book, strict, routine)
    rows: list[NoiseTokens] = []
    units: list[UnitRow] = []
    for one in coded:
        trace = measured.get(one.trace.id)
        if trace is None or trace.text_digest != hash(one.trace.reasoning):
            what = "is not" if trace is None else "has another reasoning"
            raise InputError(
                f"trace {one.trace.id}, coded by {coder}, {what} in the traces file",
                "give the traces file that was coded",
            )
        _must_divide(one, coder)
        row, own = measure_units(trace, one.units, one.codes, coder, families)
        rows.append(row)
        units += own
    return CoderNoise(coder, book.stamp, families, tuple(rows), tuple(units))


def _must_divide(one: Coded, coder: str) -> None:
    units = sorted(one.units, key=lambda unit: (unit.start, unit.end))
    for first, second in pairwise(units):
        if second.start < first.end:
            raise InputError(
                f"trace {one.trace.id}: units {first.start}–{first.end} and {second.start}–{second.end}, coded by {coder}, overlap: they "
                "do not divide the text, and its tokens would count twice",
                "merge or shorten one of them, or leave the coder's run out",
            )


def token_report(
    measured: Sequence[Measured],
    coders: Sequence[CoderNoise] = (),
    *,
    tokenizer: str,
    by: str | None = None,
    values: Mapping[str, str | None] | None = None,
    cluster: Cluster = "trace",
    how: Resampling | None = None,
    judge: str | None = None,
    segmenter: str = SEGMENTER,
    partial: tuple[str, ...] = (),
) -> TokenReport:
    """All of it, for all traces and for each value of ``by``: a field of the traces, of which ``values`` has that of each trace
    (`runs.where.values_of`); not needed for what every `Measured` holds, as its condition, or ``correct`` as judged. ``cluster``: what noise and repetition resample.
    ``partial``: what `require_complete` says of the coders' runs.

    Underthinking and efficiency resample items always, since responses to one item are what they average over.
    """
    chosen: dict[str | None, list[Measured]] = {None: list(measured)}
    if by:
        of_trace = {m.trace_id: _value(m, by, values) for m in measured}
        missing = f"no {label_of(by)}"
        for value in [*in_order(of_trace.values()), *([None] if None in of_trace.values() else [])]:
            name = missing if value is None else value
            chosen.setdefault(name, []).extend(m for m in measured if of_trace[m.trace_id] == value)
    how, judge = how or Resampling(), judge or RULE
    groups = (_group(name, own, coders, cluster, how, judge, segmenter) for name, own in chosen.items())
    return TokenReport(
        tokenizer,
        by,
        tuple(groups),
        dict(Counter(m.correct_by for m in measured)),
        judge,
        segmenter,
        cluster,
        how,
        tuple(measured),
        tuple(coders),
        partial,
    )


def judge_name(thoughts: Mapping[str, Sequence[Thought]] | None, source: str = "") -> str:
    """What a report says of who judged thoughts."""
    return f"{TWO_JUDGES} ({source})" if thoughts and any_judged(thoughts) else RULE


def _value(measured: Measured, by: str, values: Mapping[str, str | None] | None) -> str | None:
    if by == "correct":
        return {True: "right", False: "wrong", None: "not known"}[measured.correct]
    if values is not None:
        return values[measured.trace_id]
    if by not in _CARRIED:
        raise ValueError(f"of {by!r} no values are given: those of the traces, by runs.where.values_of")
    found: str | None = getattr(measured, by)
    return found


class _Draws(NamedTuple):
    """What is resampled in a group: ``cluster`` of each of its traces, by id; ``over``: what a cluster is, in words."""

    cluster: Mapping[str, str]
    over: str
    how: Resampling

    def names(self, rows: Sequence[Measured | NoiseTokens | UnitRow]) -> list[str]:
        """The cluster of each row."""
        return [self.cluster[row.trace_id] for row in rows]

    def over_units(self, shares: list[float], units: Sequence[UnitRow]) -> Estimate:
        noise = [bool(u.strict) for u in units]
        return unit_correlation(shares, noise, self.names(units), self.how, over=self.over)

    def over_traces(self, known: Sequence[tuple[float, NoiseTokens]]) -> Estimate:
        values, rows = [value for value, _ in known], [row for _, row in known]
        noise = [row.strict / row.coded for row in rows]
        return trace_correlation(values, noise, self.names(rows), self.how, over=self.over)


def _group(
    name: str | None,
    measured: Sequence[Measured],
    coders: Sequence[CoderNoise],
    cluster: Cluster,
    how: Resampling,
    judge: str,
    segmenter: str,
) -> TokenGroup:
    responses = [m.response for m in measured if m.response is not None]
    named = any(m.named for m in measured)
    draws = _Draws({m.trace_id: getattr(m, _CLUSTERS[cluster]) for m in measured}, f"{cluster}s", how)
    own = {m.trace_id: m.repetition for m in measured}
    return TokenGroup(
        name,
        len(measured),
        sum(m.reasoning for m in measured),
        sum(m.answer for m in measured),
        _repetition(measured, draws),
        tuple(_noise(coder, own, draws) for coder in coders),
        xi_ut(responses, judge=judge, segmenter=segmenter, how=how),
        xi_wut(responses, judge=judge, segmenter=segmenter, how=how),
        wrong_to_right(responses, how),
        efficiency([m.solutions for m in measured], how, distinct=BY_NAME if named else BY_WORDS),
        dict(Counter(m.why_not for m in measured if m.why_not)),
    )


def _repetition(measured: Sequence[Measured], draws: _Draws) -> RepetitionShare:
    def pooled(name: str, weighted: bool = True) -> Estimate:
        rows = [m for m in measured if getattr(m.repetition, name) is not None]
        reasons = Counter(m.repetition.why.get(name, "") for m in measured)
        why = reasons.most_common(1)[0][0] if reasons else "no trace"
        size = [float(m.repetition.words) if weighted else 1.0 for m in rows]
        part = [getattr(m.repetition, name) * s for m, s in zip(rows, size, strict=True)]
        return clustered(
            [part, size],
            draws.names(rows),
            quotient,
            draws.how,
            over=draws.over,
            why=why,
            scale="share" if weighted else "plain",
        )

    return RepetitionShare(
        pooled("stem_repetition"),
        pooled("self_repetition"),
        pooled("loop_share"),
        pooled("compression", weighted=False),
        sum(m.repetition.tail_loop is not None for m in measured),
    )


_MEASURES = {
    "stem_repetition": "stem repetition",
    "self_repetition": "self-repetition",
    "compression": "compression",
}


def _noise(coder: CoderNoise, repetition: Mapping[str, Repetition], draws: _Draws) -> GroupNoise:
    rows = [row for row in coder.rows if row.trace_id in draws.cluster]
    share = noise_share(rows, coder.families, draws.how, clusters=draws.names(rows), over=draws.over)
    if coder.families.why_no_strict or coder.units is None:
        return GroupNoise(coder.coder, share, {})
    units = [u for u in coder.units if u.trace_id in draws.cluster and u.strict is not None]
    found = {
        "units: stem repetition": draws.over_units([u.stem for u in units], units),
        "units: self-repetition": draws.over_units([u.earlier for u in units], units),
    }
    for name, shown in _MEASURES.items():
        found[f"traces: {shown}"] = draws.over_traces(_with_measure(name, rows, repetition))
    return GroupNoise(coder.coder, share, found)


def _with_measure(
    name: str, rows: Sequence[NoiseTokens], repetition: Mapping[str, Repetition]
) -> list[tuple[float, NoiseTokens]]:
    """The traces with coded units that have this measure, each with it."""
    values = [(getattr(repetition[row.trace_id], name), row) for row in rows if row.coded]
    return [(value, row) for value, row in values if value is not None]
