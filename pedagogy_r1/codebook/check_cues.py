"""Problems of a codebook's cues: those that do not compile, that are there twice, or that contradict the book's own hits."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator

from ..errors import CodebookError
from .codebook_problem import CodebookProblem, a_warning, an_error, repeated
from .cue import CueMatcher
from .yaml_lines import YamlValue


def cue_problems(root: YamlValue, codes: list[YamlValue]) -> Iterator[CodebookProblem]:
    try:
        matcher = CueMatcher(root.value("lang") or "en")
    except CodebookError as error:
        yield an_error(root.get("lang") or root, f"{error.message}; {error.hint}")
        return
    cues: dict[str, list[str]] = defaultdict(list)
    for code in codes:
        written = _with_text(entry.get("cue") or entry for entry in code.entries("cues"))
        for again, first in repeated(written):
            yield a_warning(again, f"the cue {again.text!r} is already in line {first.line}")
        good = yield from _compiled(matcher, written)
        cues[code.value("id") or "?"] += [cue.text or "" for cue in good]
        for rule in code.entries("rules"):
            good = yield from _compiled(matcher, _with_text(rule.entries("unless")))
            yield from _broken_rules(matcher, code, rule, good)
    yield from _outvoted(matcher, codes, cues)
    for code in codes if any(cues.values()) else ():
        own = code.value("id") or "?"
        if own != root.value("fallback") and not code.get("features") and not list(code.entries("cues")):
            yield a_warning(code, f"{own} has no cue, so the rule-based coder never gives it")


def _with_text(values: Iterable[YamlValue]) -> list[YamlValue]:
    return [value for value in values if value.text is not None]


def _compiled(
    matcher: CueMatcher, cues: list[YamlValue]
) -> Generator[CodebookProblem, None, list[YamlValue]]:
    """Problems of the cues that do not compile; returns those that do."""
    good = []
    for cue in cues:
        try:
            matcher.compile(cue.text or "")
            good.append(cue)
        except CodebookError as error:
            yield an_error(cue, f"{error.message}; {error.hint}")
    return good


def _broken_rules(
    matcher: CueMatcher, code: YamlValue, rule: YamlValue, unless: list[YamlValue]
) -> Iterator[CodebookProblem]:
    for cue in unless:
        for hit in code.entries("hits"):
            if matcher.fires(cue.text or "", hit.value("text") or ""):
                its = (
                    f"its own rule in line {cue.line} ({cue.text!r}) makes it {rule.value('against') or '?'}"
                )
                yield an_error(hit, f"a hit of {code.value('id')}, but {its}")


def _outvoted(
    matcher: CueMatcher, codes: list[YamlValue], cues: dict[str, list[str]]
) -> Iterator[CodebookProblem]:
    """Hits that the cues would give to another code. Structural features need the whole trace, so such codes are left out."""
    for code in codes:
        own = code.value("id") or "?"
        for hit in code.entries("hits") if code.get("features") is None else ():
            text = hit.value("text") or ""
            fired = [other for other in cues if any(matcher.fires(cue, text) for cue in cues[other])]
            if fired and own not in fired:
                theirs = f"cues of {', '.join(fired)} do"
                yield a_warning(hit, f"no cue of {own} fires on its own hit, while {theirs}")
