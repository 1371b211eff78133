"""A page of the manual: units in doubt, quoted in their context, and how they were decided.

    KA-RO or OA-ME                             the codes between which coders were in doubt, or which they gave
    | unit in its context | coders | decided | because |

What the coders said of the units is another file's matter (`human/doubts.py`); here is what the page says of it, for the
manual and as a page of its own.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import NamedTuple

from ..files.markdown import markdown_text
from ..formatting import counted
from .codebook import Codebook

TITLE = "Units in doubt, and how they were decided"

ABOUT = (
    "Every unit for which a coder noted a doubt between codes, or to which coders gave different codes, with the unit before it and the one behind. "
    "Whoever has read this page has seen how these units were coded: leave them out of the units that test how far coders agree."
)

HEAD = ("unit in its context", "coders", "decided", "because")


class SaidOfUnit(NamedTuple):
    """What one coder gave a unit, and what the memo says."""

    coder: str
    codes: str
    memo: str

    def text(self) -> str:
        return f"{self.coder}: {self.codes}" + (f" ({self.memo})" if self.memo else "")


class UnitInDoubt(NamedTuple):
    """A unit, the units around it, the codes in doubt in the book's order, what was said, and what was decided and why."""

    trace_id: str
    number: int
    before: str
    text: str
    behind: str
    codes: tuple[str, ...]
    said: tuple[SaidOfUnit, ...]
    decided: str
    reason: str

    @property
    def where(self) -> str:
        return f"{self.trace_id}, unit {self.number}"


class DoubtGroup(NamedTuple):
    """The units between the same codes. ``title``: "KA-RO or OA-ME"."""

    title: str
    units: tuple[UnitInDoubt, ...]

    @property
    def heading(self) -> str:
        return f"{self.title}: {counted(len(self.units), 'unit')}"


def doubt_groups(units: Iterable[UnitInDoubt]) -> tuple[DoubtGroup, ...]:
    """Those between the same codes together, the most frequent first."""
    groups: dict[tuple[str, ...], list[UnitInDoubt]] = {}
    for unit in units:
        groups.setdefault(unit.codes, []).append(unit)
    ordered = sorted(groups.items(), key=lambda group: (-len(group[1]), group[0]))
    return tuple(DoubtGroup(" or ".join(codes), tuple(found)) for codes, found in ordered)


def doubts_markdown(groups: Sequence[DoubtGroup]) -> Iterator[str]:
    """The lines of the page, its title left out."""
    yield f"{ABOUT}\n"
    for number, group in enumerate(groups, 1):
        yield f'<a id="doubt-{number}"></a>\n\n### {markdown_text(group.heading)}\n'
        yield f"| {' | '.join(HEAD)} |\n{'|---' * len(HEAD)}|"
        for unit in group.units:
            around = (
                markdown_text(unit.before),
                f"**{markdown_text(unit.text)}**",
                markdown_text(unit.behind),
            )
            said = "<br>".join(markdown_text(one.text()) for one in unit.said)
            where = f"{' '.join(filter(None, around))}<br>*{markdown_text(unit.where)}*"
            yield f"| {where} | {said} | {markdown_text(unit.decided)} | {markdown_text(unit.reason)} |"
        yield ""


def doubts_page(book: Codebook, groups: Sequence[DoubtGroup], about: str) -> str:
    """A Markdown page of its own; ``about``: whose units these are, as Markdown."""
    count = sum(len(group.units) for group in groups)
    head = f"# {TITLE}\n\n{about}\n\n{counted(count, 'unit')} coded under {markdown_text(book.ref)}.\n"
    return "\n".join([head, *doubts_markdown(groups)]).rstrip("\n") + "\n"
