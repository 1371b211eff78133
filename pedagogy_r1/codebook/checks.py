"""What must hold in a codebook beyond its schema: each check reads spots and yields concerns.

They read the file as it stands, not the validated model, so that one broken field does not hide the rest.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Generator, Iterator
from typing import NamedTuple

from ..errors import CodebookError, did_you_mean
from .codebook import NONE
from .firing import Firing
from .lineage import migration_concerns
from .spot import Spot

LEAST_HITS, LEAST_NEAR_MISSES = 3, 2


class Concern(NamedTuple):
    """Where, what; ``mild`` makes a warning."""

    spot: Spot
    what: str
    mild: bool = False


def concerns(root: Spot) -> Iterator[Concern]:
    """All concerns, in no particular order."""
    codes = [code for code in root.entries("codes") if code.mapping]
    known = [code_id for code in codes if (code_id := code.value("id"))]
    yield from _names(root, codes)
    yield from _book(root, codes, known)
    for code in codes:
        yield from _pointers(code, known)
        yield from _completeness(code)
    yield from _examples(root, codes)
    for spot, what in migration_concerns(root, known):
        yield Concern(spot, what)
    yield from _cues(root, codes)


def _names(root: Spot, codes: list[Spot]) -> Iterator[Concern]:
    families = [family for family in root.entries("families") if family.mapping]
    for what, spots, field in (
        ("family", families, "id"),
        ("family", families, "name"),
        ("code", codes, "id"),
        ("code", codes, "name"),
    ):
        for again, first in _repeated([s for spot in spots if (s := spot.get(field)) is not None]):
            yield Concern(again, f"the {what} {field} {again.text!r} is already taken in line {first.line}")
    for again, first in _repeated([s for code in codes if (s := code.get("color")) is not None]):
        yield Concern(again, f"the color {again.text} is already used in line {first.line}", mild=True)
    for code in codes:
        if (code.value("id") or "").lower() == NONE:
            yield Concern(
                code, f"a code cannot be named {NONE!r}: that is what coders write when no code applies"
            )
    family_ids = [family_id for family in families if (family_id := family.value("id"))]
    for code in codes:
        family = code.get("family")
        if family is not None and family.text is not None and family.text not in family_ids:
            yield Concern(
                family, f"there is no family {family.text!r}; {did_you_mean(family.text, family_ids)}"
            )
    used = {code.value("family") for code in codes}
    for family in families:
        if family.value("id") not in used:
            yield Concern(family, f"no code belongs to the family {family.value('id')!r}", mild=True)


def _repeated(spots: list[Spot]) -> Iterator[tuple[Spot, Spot]]:
    first: dict[str, Spot] = {}
    for spot in spots:
        text = (spot.text or "").strip().lower()
        if text and text in first:
            yield spot, first[text]
        first.setdefault(text, spot)


def _book(root: Spot, codes: list[Spot], known: list[str]) -> Iterator[Concern]:
    fallback, most = root.get("fallback"), root.get("max_codes")
    if fallback is not None and fallback.text not in (None, "", "null", "~") and fallback.text not in known:
        yield Concern(
            fallback, f"there is no code {fallback.text!r}; {did_you_mean(fallback.text or '', known)}"
        )
    if root.mapping and fallback is None and root.value("exhaustive") not in ("false", "False", "no", "off"):
        yield Concern(
            root,
            "exhaustive, yet without a fallback: the rule-based coder has no code for a unit without cues",
            mild=True,
        )
    if most is not None and (most.text or "").isdecimal() and int((most.text or "0")[:9]) > len(codes) > 0:
        yield Concern(most, f"max_codes is {most.text}, but there are only {len(codes)} codes")
    unit = root.get("unit")
    if unit is not None and unit.text is not None and not re.fullmatch(r"[a-z]+@\S+", unit.text):
        yield Concern(unit, f"the unit {unit.text!r} is no scheme; write one such as sentence@1")
    domains = list(root.entries("domains"))
    for again, first in _repeated(domains):
        yield Concern(again, f"the domain {again.text!r} is already listed in line {first.line}")


def _pointers(code: Spot, known: list[str]) -> Iterator[Concern]:
    own = code.value("id")
    for field, pointer in (("rules", "against"), ("near_misses", "code")):
        for entry in code.entries(field):
            target = entry.get(pointer)
            if target is None or target.text is None:
                continue
            if target.text == own:
                yield Concern(target, f"{own} points at itself; name the neighbour it is told apart from")
            elif target.text not in known:
                yield Concern(target, f"there is no code {target.text!r}; {did_you_mean(target.text, known)}")
    against = [target for rule in code.entries("rules") if (target := rule.get("against")) is not None]
    for again, first in _repeated(against):
        yield Concern(
            again, f"a second rule against {again.text} (first in line {first.line}); merge them", mild=True
        )


def _completeness(code: Spot) -> Iterator[Concern]:
    own = code.value("id")
    hits, misses = len(list(code.entries("hits"))), len(list(code.entries("near_misses")))
    if hits < LEAST_HITS:
        yield Concern(code, f"{own} has {hits} hits; coders need at least {LEAST_HITS}", mild=True)
    if misses < LEAST_NEAR_MISSES:
        yield Concern(
            code, f"{own} has {misses} near misses; coders need at least {LEAST_NEAR_MISSES}", mild=True
        )
    for field in ("include", "exclude", "rules"):
        if not list(code.entries(field)):
            yield Concern(code, f"{own} has no {field!r}", mild=True)
    if not (code.value("source") or "").strip():
        yield Concern(code, f"{own} has no 'source'", mild=True)


def _examples(root: Spot, codes: list[Spot]) -> Iterator[Concern]:
    domains = [d.text for d in root.entries("domains") if d.text]
    hits: dict[str, list[tuple[str, Spot]]] = defaultdict(list)
    for code in codes:
        own = code.value("id") or "?"
        for hit in code.entries("hits"):
            if text := _plain(hit):
                hits[text].append((own, hit))
        seen = {hit.value("domain") for hit in code.entries("hits")}
        missing = [d for d in domains if d not in seen]
        if missing:
            yield Concern(code, f"{own} has no hit in {', '.join(missing)}", mild=True)
        for example in (*code.entries("hits"), *code.entries("near_misses")):
            domain = example.get("domain")
            if domains and domain is not None and domain.text and domain.text not in domains:
                yield Concern(
                    domain, f"there is no domain {domain.text!r}; {did_you_mean(domain.text, domains)}"
                )
    for entries in hits.values():
        for own, hit in entries[1:]:
            first, spot = entries[0]
            yield Concern(hit, f"{own} has the same hit as {first} in line {spot.line}")
    yield from _misplaced(codes, hits)


def _misplaced(codes: list[Spot], hits: dict[str, list[tuple[str, Spot]]]) -> Iterator[Concern]:
    for code in codes:
        for miss in code.entries("near_misses"):
            for owner, hit in hits.get(_plain(miss), []):
                if owner != miss.value("code"):
                    yield Concern(
                        miss,
                        f"said to belong to {miss.value('code')}, but it is a hit of {owner} in line {hit.line}",
                    )


def _plain(example: Spot) -> str:
    return " ".join((example.value("text") or "").split()).lower()


def _cues(root: Spot, codes: list[Spot]) -> Iterator[Concern]:
    try:
        firing = Firing(root.value("lang") or "en")
    except CodebookError as error:
        yield Concern(root.get("lang") or root, f"{error.message}; {error.hint}")
        return
    cues: dict[str, list[str]] = {}
    unless: list[tuple[Spot, Spot, str]] = []
    for code in codes:
        own = code.value("id") or "?"
        spots = [cue for entry in code.entries("cues") if (cue := entry.get("cue") or entry).text is not None]
        for again, first in _repeated(spots):
            yield Concern(again, f"the cue {again.text!r} is already in line {first.line}", mild=True)
        good = yield from _compiled(firing, spots)
        cues.setdefault(own, []).extend(cue.text or "" for cue in good)
        for rule in code.entries("rules"):
            good = yield from _compiled(
                firing, [cue for cue in rule.entries("unless") if cue.text is not None]
            )
            unless += [(code, cue, rule.value("against") or "?") for cue in good]
    yield from _broken_rules(firing, unless)
    yield from _outvoted(firing, root, codes, cues)


def _compiled(firing: Firing, spots: list[Spot]) -> Generator[Concern, None, list[Spot]]:
    """Concerns about the cues that do not compile; returns those that do."""
    good = []
    for spot in spots:
        try:
            firing.compile(spot.text or "")
            good.append(spot)
        except CodebookError as error:
            yield Concern(spot, f"{error.message}; {error.hint}")
    return good


def _broken_rules(firing: Firing, unless: list[tuple[Spot, Spot, str]]) -> Iterator[Concern]:
    for code, cue, neighbour in unless:
        for hit in code.entries("hits"):
            if firing.fires(cue.text or "", hit.value("text") or ""):
                what = f"a hit of {code.value('id')}, but its own rule in line {cue.line} ({cue.text!r}) makes it {neighbour}"
                yield Concern(hit, what)


def _outvoted(firing: Firing, root: Spot, codes: list[Spot], cues: dict[str, list[str]]) -> Iterator[Concern]:
    """Hits that the cues would give to another code. Structural features need the whole trace, so such codes are left out."""
    for code in codes:
        own = code.value("id") or "?"
        if code.get("features") is not None:
            continue
        for hit in code.entries("hits"):
            text = hit.value("text") or ""
            fired = [
                other for other, own_cues in cues.items() if any(firing.fires(cue, text) for cue in own_cues)
            ]
            if fired and own not in fired:
                yield Concern(
                    hit,
                    f"no cue of {own} fires on its own hit, while cues of {', '.join(fired)} do",
                    mild=True,
                )
    fallback = root.value("fallback")
    if any(cues.values()):
        for code in codes:
            own = code.value("id") or "?"
            if own != fallback and code.get("features") is None and not list(code.entries("cues")):
                yield Concern(code, f"{own} has no cue, so the rule-based coder never gives it", mild=True)
