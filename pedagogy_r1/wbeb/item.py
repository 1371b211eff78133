"""An item: one question of the benchmark, with what is needed to ask it and to say whether an answer is right.

    {"id": "cj_eval_0772", "domain": "SK", "source": "cj_eval", "parts": {"stem": "A student planted …"},
     "options": ["Air", "Moisture", "Temperature", "Sunlight"], "answer": "B", "group": "…", "metadata": {…}}

``parts`` are the domain's own: SK, PK ``stem``; AES ``prompt``, ``essay``; DM ``student``, ``teacher`` (what was said, in this
order); KT none: the student's history is ``metadata["steps"]``, and the last step is the one to be foretold.

select(items, split="test", domains=["SK", "KT"], limit=50)     at most 50 of each domain and task, drawn at random
"""

from __future__ import annotations

import hashlib
from collections import Counter
from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, Field, ValidationError

from ..errors import InputError, did_you_mean, first_fault
from ..files.records import BadRow, half_in, read_jsonl, write_jsonl
from ..plugins import available

PLUGINS = "pedagogy_r1.wbeb.domains"
_PAPER = ("SK", "PK", "KT", "AES", "DM")
Split = Literal["train", "test"]
ITEMS_FROM = "items come from: pcode wbeb build; how to write your own: docs/wbeb.md"


def domain_names() -> tuple[str, ...]:
    """Domains there are: the paper's in its order, then those of plugins by name."""
    names = [name.upper() for name in available(PLUGINS)]
    return (*(name for name in _PAPER if name in names), *(name for name in names if name not in _PAPER))


def known_domain(name: str) -> str:
    """``name``, if there is such a domain. Raises `InputError` otherwise."""
    names = domain_names()
    if name not in names:
        raise InputError(f"no domain is named {name!r}", did_you_mean(name, list(names)))
    return name


def _domain(name: str) -> str:
    try:
        return known_domain(name)
    except InputError as error:
        raise ValueError(f"{error.message} ({error.hint})") from None


class Item(BaseModel, frozen=True, extra="forbid"):
    """One question. ``answer`` is what counts as right, as text: an option's letter, a score, ``right``/``wrong``, a code.

    ``group``: what must not stand in train and test at once (student, essay prompt, transcript, question family).
    """

    id: str = Field(min_length=1)
    domain: Annotated[str, AfterValidator(_domain)]
    source: str
    parts: dict[str, str] = Field(default_factory=dict)
    options: tuple[str, ...] = ()
    answer: str
    group: str
    task: str | None = None
    """Within a domain with several tasks: DM ``uptake`` or ``move``."""
    split: Split | None = None
    lang: str = "en"
    metadata: dict[str, Any] = Field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str | None]:
        """Domain and task: what is asked, scored and compared together."""
        return self.domain, self.task


def read_items(path: str | Path) -> Iterator[Item]:
    """Items of a JSONL file, in order. Raises `InputError` naming file:line for a line that is none, or an id met twice."""
    seen: set[str] = set()
    for row in read_jsonl(path):
        if isinstance(row, BadRow):
            raise InputError(f"{path}:{row.line}: {row.why}", ITEMS_FROM)
        try:
            item = Item.model_validate(row.data)
        except ValidationError as error:
            raise InputError(f"{path}:{row.line}: {first_fault(error)}", ITEMS_FROM) from None
        if halves := half_in(item):
            raise InputError(
                f"{path}:{row.line}: half a character (lone surrogate) in {halves}",
                "mend the line, or build the items again: pcode wbeb build",
            )
        if item.id in seen:
            raise InputError(f"{path}:{row.line}: item {item.id!r} for the second time", "ids are unique")
        seen.add(item.id)
        yield item


def write_items(path: str | Path, items: Iterable[Item]) -> int:
    """Write items as JSONL, atomically; returns how many."""
    return write_jsonl(path, (item.model_dump(mode="json", exclude_none=True) for item in items))


def place_of(key: tuple[str, str | None]) -> tuple[int, str]:
    """For sorting by `Item.key`: domains in the paper's order, tasks by name."""
    return domain_names().index(key[0]), key[1] or ""


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
    for domain in domains:
        known_domain(domain)
    chosen = [
        item
        for item in items
        if (split == "all" or item.split == split) and (not domains or item.domain in domains)
    ]
    if not chosen:
        raise InputError(_why_none(items, split, domains), "--split all takes every item, whatever its split")
    if limit is None:
        return chosen
    return at_most(limit, chosen, lambda item: item.key, f"{seed}\0")


def at_most(limit: int, items: Sequence[Item], key: Callable[[Item], Hashable], salt: str) -> list[Item]:
    """At most ``limit`` items of each ``key``, in their order, drawn by the hash of ``salt`` and id: a higher limit keeps these."""
    taken: Counter[Hashable] = Counter()
    kept = set()
    for item in sorted(items, key=lambda item: hashlib.sha256(f"{salt}{item.id}".encode()).digest()):
        taken[key(item)] += 1
        if taken[key(item)] <= limit:
            kept.add(item.id)
    return [item for item in items if item.id in kept]


def _why_none(items: Sequence[Item], split: str, domains: Sequence[str]) -> str:
    there = Counter((item.split or "no split", item.domain) for item in items)
    has = ", ".join(f"{count} {domain} of {split}" for (split, domain), count in sorted(there.items()))
    wanted = f"{', '.join(domains) or 'any domain'} of {split if split != 'all' else 'any split'}"
    return f"no item is {wanted}; there are {has or 'none at all'}"
