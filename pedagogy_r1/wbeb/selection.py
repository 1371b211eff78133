"""Which items are asked.

select(items, split="test", domains=["SK", "KT"], limit=50)     at most 50 of each domain and task, drawn at random
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Sequence

from ..errors import InputError, did_you_mean
from .item import DOMAINS, Item


def select(
    items: Sequence[Item],
    *,
    split: str = "test",
    domains: Sequence[str] = (),
    limit: int | None = None,
    seed: int = 0,
) -> list[Item]:
    """Items of a split (``all``: whatever theirs), in order. Raises `InputError` where none is left, and says why.

    ``limit``: neighbours in a file are often of one lesson or student, so items are drawn; a higher limit draws these and more.
    """
    unknown = [domain for domain in domains if domain not in DOMAINS]
    if unknown:
        raise InputError(f"no domain is named {unknown[0]!r}", did_you_mean(unknown[0], list(DOMAINS)))
    chosen = [
        item
        for item in items
        if (split == "all" or item.split == split) and (not domains or item.domain in domains)
    ]
    if not chosen:
        raise InputError(_why_none(items, split, domains), "--split all takes every item, whatever its split")
    if limit is None:
        return chosen
    taken: Counter[tuple[str, str | None]] = Counter()
    kept = set()
    for item in sorted(chosen, key=lambda item: _lot(item, seed)):
        taken[item.domain, item.task] += 1
        if taken[item.domain, item.task] <= limit:
            kept.add(item.id)
    return [item for item in chosen if item.id in kept]


def _lot(item: Item, seed: int) -> bytes:
    return hashlib.sha256(f"{seed}\0{item.id}".encode()).digest()


def _why_none(items: Sequence[Item], split: str, domains: Sequence[str]) -> str:
    there = Counter((item.split or "no split", item.domain) for item in items)
    has = ", ".join(f"{count} {domain} of {split}" for (split, domain), count in sorted(there.items()))
    wanted = f"{', '.join(domains) or 'any domain'} of {split if split != 'all' else 'any split'}"
    return f"no item is {wanted}; there are {has or 'none at all'}"
