"""Units in doubt: those of which a coder's memo names two codes, and those to which coders gave different ones.

    C1  KA-RO   "doubt OA-ME/KA-RO: answers an IA-SQ, but with a main clause"      in doubt between KA-RO and OA-ME
    C2  KA-RO
    adjudicated KA-RO   "agreed by C1, C2, C3"

A doubt is a memo that names two codes of the codebook, or one beside the code that the coder gave behind the word "doubt" or before
a question mark ("OA-ME?"). What was decided is what the run of who adjudicated says (`adjudication.py`), with its reason; without
such a run it is what all coders gave, and where they differ nothing is decided.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from ..codebook import NONE, Codebook
from ..codebook.manual_doubts import DoubtGroup, SaidOfUnit, UnitInDoubt, doubt_groups
from ..errors import InputError
from ..runs.run import CoderRun, cut_alike, opened, require_codebook, require_complete
from ..trace import Unit
from .adjudication import ADJUDICATED, CoderView, differ, words

UNDECIDED = "not decided"


def units_in_doubt(book: Codebook, runs: Sequence[CoderRun | str | Path]) -> tuple[DoubtGroup, ...]:
    """The units in doubt of these runs, by the codes in doubt; ``runs``: of coders, and that of who adjudicated, if there is one.

    Raises `CodebookError` for runs under another codebook, `InputError` for units that are cut differently, and where there is nobody
    but who adjudicated.
    """
    found = opened(runs)
    require_complete(found, None)
    for run in found:
        require_codebook(run, book)
    if len({run.manifest.scheme for run in found}) > 1:
        raise InputError("the runs are of units of different schemes", "give runs of the same units")
    names = [coder.name for run in found for coder in run.manifest.coders]
    if twice := [name for name in names if names.count(name) > 1]:
        raise InputError(f"{twice[0]} is in two of the runs", "give one run of each coder")
    if not set(names) - {ADJUDICATED}:
        raise InputError("here is only what was decided, and no coder", "give the coders' run too")
    return doubt_groups(_units(book, found))


def _units(book: Codebook, runs: Sequence[CoderRun]) -> Iterator[UnitInDoubt]:
    units: dict[str, list[Unit]] = {}
    said: dict[str, dict[str, CoderView]] = {}
    for run in runs:
        for trace, cut, codings in run.by_trace():
            cut_alike(units, trace.id, cut, run)
            for coding in codings:
                view = CoderView(coding.codes, coding.missing_reason, coding.rationale)
                said.setdefault(coding.unit_id, {})[coding.coder] = view
    for cut in units.values():
        for i, unit in enumerate(cut):
            views = dict(said.get(unit.id, {}))
            decision = views.pop(ADJUDICATED, None)
            if codes := _codes_in_doubt(book, views):
                around = (cut[i - 1].text if i else "", cut[i + 1].text if i + 1 < len(cut) else "")
                yield _unit(unit, around, codes, views, decision)


def _codes_in_doubt(book: Codebook, views: dict[str, CoderView]) -> tuple[str, ...]:
    """The codes between which coders were in doubt or differ, in the book's order; none: nobody was."""
    coded = [view.codes or (NONE,) for view in views.values() if view.codes is not None]
    named = {code for view in views.values() for code in doubt(book, view.codes, view.memo)}
    kind = differ(views.values())
    if kind == "first":
        named |= {codes[0] for codes in coded}
    elif kind:
        named |= {code for codes in coded for code in codes}
    order = {code: number for number, code in enumerate(book.code_ids)}
    return tuple(sorted(named, key=lambda code: order.get(code, len(order))))


def doubt(book: Codebook, codes: tuple[str, ...] | None, memo: str | None) -> frozenset[str]:
    """The codes of the book between which a memo says that its coder was in doubt; none: it notes no doubt.

    ``codes``: what the coder gave.
    """
    if not memo:
        return frozenset()
    pattern, asked = _patterns(tuple(book.code_ids))
    named = set(pattern.findall(memo))
    if len(named) == 1 and codes and (re.search(r"\bdoubt", memo, re.I) or asked.search(memo)):
        named.add(codes[0])
    return frozenset(named) if len(named) > 1 else frozenset()


@cache
def _patterns(code_ids: tuple[str, ...]) -> tuple[re.Pattern[str], re.Pattern[str]]:
    names = "|".join(re.escape(code) for code in sorted(code_ids, key=len, reverse=True))
    one = rf"(?<![\w-])(?:{names})(?![\w-])"
    return re.compile(one), re.compile(rf"{one}\s*\?")


def _unit(
    unit: Unit,
    around: tuple[str, str],
    codes: tuple[str, ...],
    views: dict[str, CoderView],
    decision: CoderView | None,
) -> UnitInDoubt:
    said = tuple(SaidOfUnit(coder, words(view.codes), view.memo or "") for coder, view in views.items())
    differing = differ(views.values())
    reason = (decision.memo or "") if decision and differing else ""
    if decision is None and not differing:
        decision = next((view for view in views.values() if view.codes is not None), None)
    if not differing:
        coded = sum(view.codes is not None for view in views.values())
        reason = "its only coder gave it" if coded == 1 else f"all {coded} coders gave it" if coded else ""
    decided = words(decision.codes) if decision and decision.codes is not None else UNDECIDED
    before, behind = around
    return UnitInDoubt(unit.trace_id, unit.index + 1, before, unit.text, behind, codes, said, decided, reason)
