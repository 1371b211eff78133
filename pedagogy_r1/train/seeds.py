"""Seeds: the questions that are put to the teacher, drawn from what is not held out, evenly over the domains.

    draw = draw_seeds(items, 5000)               1,000 of each of five domains
    draw_seeds(items, 5000, {"SK": 2, "KT": 1})  two thirds SK, one third KT, nothing else
    draw.table   [Drawn("SK", weight=1.0, train=644, wanted=1000, drawn=644), …]

A domain that has fewer than its share gives all it has, and the others fill the gap by their weights (the paper asks for
5,000 uniformly over five domains, and has 292 items in one: it cannot have been otherwise, or items came twice). Within a
domain, which items come is drawn by seed from their ids alone, so the order in the file has no say.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping
from typing import NamedTuple

from ..errors import InputError, did_you_mean
from ..wbeb.item import DOMAINS, Item


class Drawn(NamedTuple):
    """One domain: its weight, items there are to draw from, its even share of the draw, and what was drawn."""

    domain: str
    weight: float
    train: int
    wanted: int
    drawn: int


class Draw(NamedTuple):
    """The seeds, domain by domain, each in the order they were drawn."""

    seeds: list[Item]
    table: list[Drawn]

    @property
    def short(self) -> list[Drawn]:
        """Domains that had fewer items than their share."""
        return [row for row in self.table if row.train < row.wanted]


def draw_seeds(
    items: Iterable[Item], n: int, weights: Mapping[str, float] | None = None, *, seed: int = 0
) -> Draw:
    """Draw ``n`` training items, or all there are. Raises `InputError` where no item is marked as ``train``."""
    if n < 1:
        raise InputError(f"n is {n}", "give a number of questions")
    pools: dict[str, list[Item]] = {}
    for item in items:
        if item.split == "train":
            pools.setdefault(item.domain, []).append(item)
    if not pools:
        raise InputError("no item is in split 'train'", "split the items first: pcode wbeb split")
    given = _weights(weights, list(pools))
    sizes = {domain: len(pools.get(domain, ())) for domain in given}
    wanted, drawn = shares(n, given), fill(n, given, sizes)
    seeds = [item for domain in given for item in _shuffled(pools.get(domain, []), seed)[: drawn[domain]]]
    return Draw(seeds, [Drawn(d, given[d], sizes[d], wanted[d], drawn[d]) for d in given])


def parse_weights(text: str | None) -> dict[str, float] | None:
    """From ``SK=2,PK=1``; domains not named weigh nothing."""
    if text is None:
        return None
    found: dict[str, float] = {}
    for pair in text.split(","):
        name, equals, value = pair.strip().partition("=")
        try:
            weight = float(value) if equals else 1.0
        except ValueError:
            raise InputError(f"weight {pair!r} is no number", "write e.g. SK=2,PK=1") from None
        if name in found:
            raise InputError(f"domain {name!r} is weighted twice", "write e.g. SK=2,PK=1")
        found[name] = weight
    return found


def shares(n: int, weights: Mapping[str, float]) -> dict[str, int]:
    """``n`` by weight in whole numbers (largest remainder; ties by the weights' order)."""
    total = sum(weights.values())
    exact = {name: n * weight / total for name, weight in weights.items()}
    whole = {name: int(value) for name, value in exact.items()}
    rest = sorted(exact, key=lambda name: whole[name] - exact[name])
    for name in rest[: n - sum(whole.values())]:
        whole[name] += 1
    return whole


def fill(n: int, weights: Mapping[str, float], sizes: Mapping[str, int]) -> dict[str, int]:
    """`shares`, with what a domain lacks given to the others, until ``n`` or everything is drawn."""
    drawn = dict.fromkeys(weights, 0)
    open_ = {name: weight for name, weight in weights.items() if sizes[name]}
    left = n
    while left and open_:
        part = shares(left, open_)
        full = [name for name in open_ if drawn[name] + part[name] >= sizes[name]]
        for name in full or open_:
            took = min(part[name], sizes[name] - drawn[name])
            drawn[name] += took
            left -= took
        if not full:
            break
        for name in full:
            del open_[name]
    return drawn


def _weights(weights: Mapping[str, float] | None, there: list[str]) -> dict[str, float]:
    order = [domain for domain in DOMAINS if domain in there]
    if weights is None:
        return dict.fromkeys(order, 1.0)
    for name, weight in weights.items():
        if name not in DOMAINS:
            raise InputError(f"no domain is named {name!r}", did_you_mean(name, list(DOMAINS)))
        if not 0 <= weight < float("inf"):
            raise InputError(f"the weight of {name} is {weight}", "weights are 0 or more")
    found: dict[str, float] = {domain: float(weights[domain]) for domain in DOMAINS if weights.get(domain)}
    if not found:
        raise InputError("all weights are 0", "give one domain a weight")
    return found


def _shuffled(items: list[Item], seed: int) -> list[Item]:
    return sorted(
        items,
        key=lambda item: (
            hashlib.sha256(f"{seed}\0{item.id}".encode("utf-8", "surrogatepass")).digest(),
            item.id,
        ),
    )
