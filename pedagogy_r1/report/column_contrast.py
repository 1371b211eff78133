"""What is compared: two values of a column of the traces.

parse_comparison("condition:cop:generic").words       "cop against generic"
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any, NamedTuple
from unicodedata import normalize

from ..errors import ArgumentError
from ..provenance import digest

LONGEST_PART = 60
"""Bytes of a value in the name of a file, which may have 255."""


class ColumnContrast(NamedTuple):
    """Two values of a column: ``condition:cop:generic``."""

    column: str
    a: Any
    b: Any

    @property
    def given(self) -> str:
        """As `parse_comparison` reads it: ``correct:right:wrong``."""
        return ":".join((self.column, *self.sides))

    @property
    def words(self) -> str:
        """``cop against generic``; correctness is written as right and wrong."""
        return " against ".join(self.sides)

    @property
    def sides(self) -> tuple[str, str]:
        """Both values in words."""
        return value_words(self.column, self.a), value_words(self.column, self.b)

    @property
    def same_as(self) -> tuple[str, frozenset[str]]:
        """Equal for comparisons that are the same: which side is first is no matter."""
        return self.column, frozenset(self.sides)

    def file_name(self, prefix: str) -> str:
        """``contrast_condition_cop_generic``, of letters and digits whatever the values are.

        Where that is not all they say, a digest tells values apart, also on disks to which ``R1`` and ``r1`` are one name.

        >>> ColumnContrast("model", "r1-7b", "r1.7b").file_name("contrast")
        'contrast_model_r1-7b_r1-7b-e48b72'
        """
        said = [self.column, *self.sides]
        parts = ["".join(c if c.isalnum() else "-" for c in part) for part in said]
        parts = [part.encode()[:LONGEST_PART].decode(errors="ignore") for part in parts]
        plain = [normalize("NFC", part.casefold()) for part in parts] == said
        end = "" if plain else "-" + digest(said).removeprefix("sha256:")[:6]
        return f"{prefix}_{'_'.join(parts)}{end}"


COLUMNS = ("condition", "correct", "model", "domain")
BY = {"correct": "correctness"}
"""What a column is called in a sentence, where not by its name."""


def parse_comparison(text: str) -> ColumnContrast:
    """``COLUMN:A:B``; the last colon divides, so a model's name may hold one if ``B`` does not."""
    column, _, rest = text.partition(":")
    a, _, b = rest.rpartition(":")
    if column not in COLUMNS or not a or not b or a == b:
        raise ArgumentError(
            f"{text!r} is no comparison",
            f"write COLUMN:A:B with two values of {', '.join(COLUMNS)}, as condition:cop:generic",
        )
    if column != "correct":
        return ColumnContrast(column, a, b)
    truth = {"true": True, "right": True, "false": False, "wrong": False}
    if {truth.get(a.lower()), truth.get(b.lower())} != {True, False}:
        raise ArgumentError(f"{text!r}: correct is right or wrong", "write correct:right:wrong")
    return ColumnContrast(column, truth[a.lower()], truth[b.lower()])


def parse_comparisons(texts: Iterable[str]) -> tuple[ColumnContrast, ...]:
    """Each once, as it is given first.

    >>> [one.given for one in parse_comparisons(["model:a:b", "model:c:d", "model:b:a"])]
    ['model:a:b', 'model:c:d']
    """
    found: dict[tuple[str, frozenset[str]], ColumnContrast] = {}
    for text in texts:
        one = parse_comparison(text)
        found.setdefault(one.same_as, one)
    return tuple(found.values())


def sameness(column: str, values: Sequence[Any], coder: str) -> str:
    """Why there is nothing to tell apart by a column that has one value, or none, in the traces of a coder.

    >>> sameness("condition", ["cop"], "A")
    'condition is cop in all traces of A'
    """
    if values:
        same = "every answer is" if column == "correct" else f"{column} is"
        return f"{same} {value_words(column, values[0])} in all traces of {coder}"
    what = "says whether its answer is right" if column == "correct" else f"names its {column}"
    return f"no trace of {coder} {what}"


def value_words(column: str, value: Any) -> str:
    """A value of a column for the reader.

    >>> value_words("correct", True), value_words("domain", None)
    ('right', 'no domain')
    """
    if value is None:
        return f"no {column}" if column != "correct" else "not known"
    if column == "correct":
        return "right" if value else "wrong"
    return str(value)
