"""A problem of a codebook file: its line, the field, what is wrong, and how bad it is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Literal, NamedTuple

from .yaml_lines import YamlValue


class CodebookProblem(NamedTuple):
    """One thing to mend: its 1-based line, the field, what is wrong, and how bad it is."""

    line: int
    where: str
    what: str
    severity: Literal["error", "warning"] = "error"


def an_error(at: YamlValue, what: str) -> CodebookProblem:
    """The book cannot be used as it is."""
    return CodebookProblem(at.line, at.where or "file", what)


def a_warning(at: YamlValue, what: str) -> CodebookProblem:
    """The book is hard to code from."""
    return CodebookProblem(at.line, at.where or "file", what, "warning")


def given(values: Iterable[YamlValue], field: str) -> list[YamlValue]:
    """That field of all that have it."""
    return [found for value in values if (found := value.get(field)) is not None]


def repeated(values: Iterable[YamlValue]) -> Iterator[tuple[YamlValue, YamlValue]]:
    """Values that were there before, whatever their case, each with the first of them."""
    first: dict[str, YamlValue] = {}
    for value in values:
        text = (value.text or "").strip().lower()
        if text and text in first:
            yield value, first[text]
        first.setdefault(text, value)
