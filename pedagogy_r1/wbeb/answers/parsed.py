"""What was read of an answer: a value, how sure, and by which rule; or the reason why nothing could be read.

"Answer: B"                   Parsed("B", "answer line", strict=True)                             strict
"Answer: probably B"          Parsed("B", "answer line, hedged")                                  tolerant
"The answer is A or B."       Parsed(None, why="statement: names several options: A, B")          unread
"""

from __future__ import annotations

from typing import Literal, NamedTuple

READER = "answers@4"
"""The reader's name and version, recorded with whatever it read: other rules are another reader. ``answers@1`` read what
records without a name hold."""

FIRST = "answers@1"

DIFFER = "the last of several that differ"
"""What a rule says of an answer that contradicts itself in one form, or in one as formal."""

Sure = Literal["strict", "tolerant", "unread"]


class Parsed(NamedTuple):
    """What an answer says. ``rule``: the rule that fired, strict ones first; ``why``: why nothing could be read."""

    value: str | None
    rule: str | None = None
    strict: bool = False
    why: str | None = None

    @property
    def sure(self) -> Sure:
        """``strict``: in a form made for answering. ``tolerant``: in another, in doubt, or against what it said before."""
        return "unread" if self.value is None else "strict" if self.strict else "tolerant"

    def weaker(self, remark: str) -> Parsed:
        """The same value less surely, and what makes it so."""
        return self if self.value is None else self._replace(rule=f"{self.rule}, {remark}", strict=False)
