"""How an answer is said, language by language: one file a language in ``languages/``, read together.

    languages/es.yaml    nouns ['respuesta(?:\\s+(?:correcta|final))?']   is ['\\s+(?:es|sería)\\b']   articles [la, el]
                         "La respuesta correcta es la C."   →   noun, is, article, letter

To teach the reader a language, add a file; nothing else knows which there are. Every entry is a regular expression, matched
without case in text as `statement.plain` leaves it (half-width signs). An answer is read by all languages at once: models
answer in the question's language, in English, or in both. Each file has ``examples``, what each reads as, and a test reads them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from functools import cache
from pathlib import Path

from pydantic import BaseModel, ValidationError, field_validator

from ...errors import InputError, first_fault
from ...files.yaml_text import BadYaml, parse_yaml

FOLDER = Path(__file__).parent / "languages"

Patterns = tuple[str, ...]


class AnswerLanguage(BaseModel, frozen=True, extra="forbid"):
    """One language. The lists that lead to an answer, in the order in which they may stand before it."""

    name: str
    nouns: Patterns = ()
    """What an answer is called: "Answer: C" on a line of its own is the form asked for."""
    scores: Patterns = ()
    """What the score of an essay is called."""
    points: Patterns = ()
    """What may be written right behind a score: "4점"."""
    is_: Patterns = ()
    """What stands between noun and answer, the colon aside."""
    leads: Patterns = ()
    """Other beginnings behind which the answer stands: "the right one is", "故选"."""
    says: Patterns = ()
    """Words without weight before the answer: "it's", "바로"."""
    hedges: Patterns = ()
    """Words before the answer that make it less sure."""
    articles: Patterns = ()
    options: Patterns = ()
    """What a letter is called that names an option: "option C", "보기 C"."""
    cardinals: Patterns = ()
    ordinals: Patterns = ()
    """Both from the first on: "option two", "the second option"."""
    counters: Patterns = ()
    """What stands right behind the number of an option, and makes it one: "2번"."""
    places: Patterns = ()
    """How an option is named by its place: ``{n}`` is any word or digit for a number, ``{d}`` a digit."""
    ends: Patterns = ()
    """What may follow an answer with no space between, in languages that write so."""
    hedges_behind: Patterns = ()
    denials_behind: Patterns = ()
    """Right behind the answer: "C가 아닙니다"."""
    right: Patterns = ()
    """Behind an option: that it is right."""
    chosen: Patterns = ()
    """Before an option: that it is chosen."""
    chosen_behind: Patterns = ()
    so: Patterns = ()
    """What opens a conclusion: a letter right behind it may be an option."""
    joins: Patterns = ()
    denials: Patterns = ()
    """In a sentence with one of these, nothing is chosen in passing."""
    letters: Patterns = ()
    """Words of one letter, which name no option by themselves."""
    questions: Patterns = ()
    """What opens a question, before a colon at the beginning of a line."""
    turns: Patterns = ()
    """Who else speaks, in the same place: behind it nothing is the model's answer."""
    examples: dict[str, str | None] = {}
    """Answers to a question with the options A to D, and what each chooses."""

    @field_validator("*")
    @classmethod
    def _compiles(cls, value: object) -> object:
        for pattern in value if isinstance(value, tuple) else ():
            try:
                re.compile(pattern.replace("{n}", "x").replace("{d}", "x"))
            except re.error as error:
                raise ValueError(f"{pattern!r} is no regular expression: {error}") from None
        return value


@cache
def languages() -> tuple[AnswerLanguage, ...]:
    """All languages there are, by the names of their files."""
    return tuple(read_language(path) for path in sorted(FOLDER.glob("*.yaml")))


def read_language(path: Path) -> AnswerLanguage:
    """One file. Raises `InputError` naming it for what is no list of patterns."""
    try:
        fields = parse_yaml(path.read_bytes())
    except BadYaml as error:
        raise InputError(
            f"{path}: no readable YAML: {' '.join(str(error).split())[:200]}", "en.yaml shows the form"
        ) from None
    if isinstance(fields, dict) and "is" in fields:
        fields["is_"] = fields.pop("is")
    try:
        return AnswerLanguage.model_validate(fields)
    except ValidationError as error:
        raise InputError(f"{path}: {first_fault(error)}", "en.yaml has every list there is") from None


def words(field: str) -> list[str]:
    """One list of all languages, each entry once."""
    return list(dict.fromkeys(pattern for one in languages() for pattern in getattr(one, field)))


def any_of(field: str, *, bounded: bool = True) -> str:
    """One pattern for a list of all languages, no part of a word of Latin letters; one that matches nothing if it is empty.

    ``bounded``: see that words end where they end ("option" is not in "options A"); East Asian words need no space.
    """
    return alternatives(words(field), bounded=bounded)


def alternatives(patterns: Sequence[str], *, bounded: bool = True) -> str:
    if not patterns:
        return r"(?!)"
    return "(?i:" + "|".join(_bounded(p) if bounded else p for p in patterns) + ")"


def _bounded(pattern: str) -> str:
    """With a word boundary at an end that is a letter of a script with spaces."""
    spaced = bool(re.search(r"[a-zà-ÿа-я]", pattern, re.I))
    return rf"(?<![^\W\d_])(?:{pattern})(?![^\W_])" if spaced else f"(?:{pattern})"


def numbered() -> Iterator[tuple[str, int]]:
    """Every word for a number, and the number."""
    for one in languages():
        for series in (one.cardinals, one.ordinals):
            for number, pattern in enumerate(series, 1):
                yield pattern, number
