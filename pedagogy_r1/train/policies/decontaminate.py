"""``decontaminate``: nothing is learned from that resembles what is tested. Needs ``--items``, an items file with its split.

    decontaminate                      half of the shorter text's word trigrams are in the other
    decontaminate:overlap=0.8,n=5

Nearness is that of the split itself (`wbeb.leak`), so what was split by ``pcode wbeb build`` loses nothing here; it is for
traces and items that come from elsewhere. A trace of one of the file's items is compared by the item's text, another by its
question. Knowledge tracing has no text to compare: the split keeps its students apart.
"""

from __future__ import annotations

from collections.abc import Sequence

from ...errors import InputError
from ...trace import Trace
from ...wbeb.domain import domain_named
from ...wbeb.item import Item, domain_names
from ...wbeb.leak import LeakText, Nearness, leak_text, near
from . import Drop, Given, Policy

ALIKE = "resembles a test item"
SAME = "is a test item"


def policy(*, overlap: float = 0.5, n: int = 3, least: int = 12) -> Policy:
    """``overlap``: share of the shorter text's n-grams; ``n``: words an n-gram; ``least``: words a text needs to be compared."""
    how = Nearness(overlap, n, least)
    how.check()

    def keep(traces: Sequence[Trace], given: Given) -> list[Drop | None]:
        test = {item.id: item for item in given.items if item.split == "test"}
        if not test:
            raise InputError(
                "the policy 'decontaminate' needs test items",
                "give --items ITEMS, an items file that is split",
            )
        alike = _alike(traces, given.items, test, how)
        return [
            Drop(SAME, f"item {trace.item}") if trace.item in test else alike.get(_name(trace))
            for trace in traces
        ]

    return keep


def _alike(
    traces: Sequence[Trace], items: Sequence[Item], test: dict[str, Item], how: Nearness
) -> dict[str, Drop]:
    """By the text's name: the test item that it resembles most."""
    known = {item.id: item for item in items}
    texts = {_name(trace): _text(trace, known) for trace in traces if trace.item not in test}
    found: dict[str, Drop] = {}
    for pair in near([*map(leak_text, test.values()), *texts.values()], how).pairs:  # most alike first
        for own, other in ((pair.first, pair.second), (pair.second, pair.first)):
            if own in texts and other in test:
                found.setdefault(own, Drop(ALIKE, f"item {other}, overlap {pair.overlap:.2f}"))
    return found


def _name(trace: Trace) -> str:
    # No item's id can be mistaken for it, and traces of one item are compared once.
    return f"\0{trace.domain}\0{trace.item or trace.id}"


def _text(trace: Trace, known: dict[str, Item]) -> LeakText:
    item = known.get(trace.item or "")
    if item is not None:
        return leak_text(item)._replace(id=_name(trace))
    return LeakText(_name(trace), trace.question if _has_text(trace.domain) else "")


def _has_text(domain: str | None) -> bool:
    """Whether items of the domain have a text to compare."""
    if domain not in domain_names():
        return True
    task = domain_named(domain)
    return bool(task.leak_text(task.example()))
