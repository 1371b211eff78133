"""The split into train and test: 80/20 by group, seeded, in every domain, source and task alike.

    seed 0 · group "uptake lesson 296"  →  sha256("0:ncte-296") = 3f…  →  its place in the queue for test

Groups queue in the order of that hash, which knows nothing of the others: a source added later moves no group of those
before. A group goes to test if that brings its strata (domain × source × task) nearer to the fraction asked for, so each
stratum ends up within half a group of it. Whole groups only: no student, prompt, transcript or question family is on both sides.
"""

from __future__ import annotations

import hashlib
from collections import Counter, defaultdict
from collections.abc import Sequence

from pydantic import BaseModel

from ..errors import ArgumentError
from ..provenance import digest
from .item import Item, Split
from .leak import LeakPair

METHOD = "group-hash@1"
Stratum = tuple[str, str, str]


class StratumSplit(BaseModel, frozen=True, extra="forbid"):
    """One stratum's share."""

    domain: str
    source: str
    task: str | None
    groups: int
    train: int
    test: int


class SplitRecord(BaseModel, frozen=True, extra="forbid"):
    """How a split was made. ``digest`` is of every item's id with its side: two equal digests are the same split."""

    method: str
    seed: int
    test_fraction: float
    digest: str
    strata: tuple[StratumSplit, ...]
    merged: int = 0
    """Groups that were joined to others because their texts are nearly the same."""
    notes: tuple[str, ...] = ()


def split_items(
    items: Sequence[Item], *, seed: int = 0, test_fraction: float = 0.2
) -> tuple[list[Item], SplitRecord]:
    """The items with their ``split``, in the same order, and the record. Raises `ValueError` for a fraction not in (0, 1)."""
    if not 0 < test_fraction < 1:
        raise ArgumentError(f"test fraction {test_fraction}", "between 0 and 1, for example .2")
    groups: defaultdict[str, Counter[Stratum]] = defaultdict(Counter)
    for item in items:
        groups[item.group][stratum(item)] += 1
    sides = _sides(groups, seed, test_fraction)
    done = [item.model_copy(update={"split": sides[item.group]}) for item in items]
    return done, record_split(done, seed=seed, test_fraction=test_fraction)


def record_split(items: Sequence[Item], *, seed: int, test_fraction: float) -> SplitRecord:
    """The record of a split as it stands in ``items``."""
    own: defaultdict[Stratum, list[Item]] = defaultdict(list)
    for item in items:
        own[stratum(item)].append(item)
    strata = tuple(
        StratumSplit(
            domain=domain,
            source=source,
            task=task or None,
            groups=len({item.group for item in found}),
            train=sum(item.split == "train" for item in found),
            test=sum(item.split == "test" for item in found),
        )
        for (domain, source, task), found in sorted(own.items(), key=lambda stratum: stratum[0])
    )
    notes = tuple(
        f"{part.domain} {part.source}{f' {part.task}' if part.task else ''}: nothing is in {side} "
        f"({part.groups} groups, {part.train + part.test} items)"
        for part in strata
        for side, count in (("test", part.test), ("train", part.train))
        if not count
    )
    return SplitRecord(
        method=METHOD,
        seed=seed,
        test_fraction=test_fraction,
        digest=split_digest(items),
        strata=strata,
        notes=notes,
    )


def stratum(item: Item) -> Stratum:
    """What is split alike: domain, source and task."""
    return item.domain, item.source, item.task or ""


def split_digest(items: Sequence[Item]) -> str:
    """Of ids and sides, whatever the order of the items."""
    return digest(sorted([item.id, item.split or ""] for item in items))


def merge_groups(items: Sequence[Item], pairs: Sequence[LeakPair]) -> tuple[list[Item], int]:
    """Items of which ``pairs`` say that they are nearly the same in one group, and how many groups are gone.

    The group takes the smallest name of those joined; where it is not the item's own, that stays in ``metadata["family"]``.
    """
    group = {item.id: item.group for item in items}
    root = {name: name for name in group.values()}

    def top(name: str) -> str:
        while root[name] != name:
            root[name] = root[root[name]]
            name = root[name]
        return name

    for pair in pairs:
        low, high = sorted((top(group[pair.first]), top(group[pair.second])))
        root[high] = low
    merged = [item if top(item.group) == item.group else _moved(item, top(item.group)) for item in items]
    return merged, len(root) - len({top(name) for name in root})


def _moved(item: Item, group: str) -> Item:
    return item.model_copy(update={"group": group, "metadata": {**item.metadata, "family": item.group}})


def _sides(groups: dict[str, Counter[Stratum]], seed: int, fraction: float) -> dict[str, Split]:
    wanted: Counter[Stratum] = Counter()
    for counts in groups.values():
        wanted.update(counts)
    missing = {name: fraction * count for name, count in wanted.items()}
    sides: dict[str, Split] = {}
    for group in sorted(groups, key=lambda name: hashlib.sha256(f"{seed}:{name}".encode()).digest()):
        counts = groups[group]
        nearer = sum(abs(missing[name]) - abs(missing[name] - count) for name, count in counts.items())
        sides[group] = "test" if nearer > 0 else "train"
        for name, count in counts.items() if nearer > 0 else ():
            missing[name] -= count
    return sides
