"""A language: its spaCy blank pipeline, for tokens. No model, no download.

spaCy's own tokenizers for Japanese, Korean, Thai and Vietnamese need packages that are rarely installed; without
them the same language's rule tokenizer steps in. It changes token counts and cue matches, never units: sentence
boundaries are found in the text itself (`sentence.py`).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import pairwise
from typing import TYPE_CHECKING

from ..errors import PedagogyError, did_you_mean

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

_RULES = {"nlp": {"tokenizer": {"@tokenizers": "spacy.Tokenizer.v1"}}}

# The rule tokenizer peels punctuation off a word one character at a time, each time searching the rest: 10,000
# brackets in a row take it ten seconds. Such runs go to it in pieces.
_RUN = re.compile(r"[^\w\s]{32,}|\S{256,}")
_PIECE = 16


def tokenize(text: str, lang: str) -> Doc:
    """The whole text as one ``Doc`` whose tokens' ``idx`` are offsets into ``text``; linear in its length."""
    nlp = pipeline(lang)
    if _RUN.search(text):
        return _in_pieces(nlp, text)
    doc = nlp.tokenizer(text)  # not nlp(text), which refuses more than a million characters
    return doc if _is_rule_based(nlp) or doc.text == text else _rule_pipeline(lang).tokenizer(text)


MOST_WORDS = 100_000
"""Distinct strings after which a pipeline learns no more: some 60 MB."""


@contextmanager
def bounded_memory(lang: str) -> Iterator[None]:
    """spaCy keeps every string it ever saw, and formulas are ever new: past a limit, forget them with the block.

    A ``Doc`` made inside must not be used outside.
    """
    nlp = pipeline(lang)
    if len(nlp.vocab.strings) < MOST_WORDS or nlp.vocab.in_memory_zone:  # type: ignore[attr-defined]  # missing in its stub
        yield
    else:
        with nlp.memory_zone():
            yield


@cache
def pipeline(lang: str) -> Language:
    """The blank pipeline of ``lang``: its own tokenizer where installed, else rules."""
    import spacy

    code = language_code(lang)
    try:
        return spacy.blank(code)
    except (ImportError, OSError):
        return _rule_pipeline(lang)


@cache
def _rule_pipeline(lang: str) -> Language:
    import spacy

    return spacy.blank(language_code(lang), config=_RULES)


@cache
def language_code(lang: str) -> str:
    """spaCy's code of a language: ``pt-BR`` → ``pt``; an unknown one is an error."""
    code = lang.replace("_", "-").split("-")[0].lower()
    known = _languages()
    if code not in known:
        raise PedagogyError(
            f"spaCy has no language {lang!r}",
            f"{did_you_mean(code, known)} Use an ISO 639 code such as en, ko or pt; for any other language xx (multi-language)",
        )
    return code


@cache
def _languages() -> list[str]:
    import pkgutil

    import spacy.lang

    return sorted(module.name for module in pkgutil.iter_modules(spacy.lang.__path__) if module.ispkg)


def _is_rule_based(nlp: Language) -> bool:
    from spacy.tokenizer import Tokenizer

    return isinstance(nlp.tokenizer, Tokenizer)


def _in_pieces(nlp: Language, text: str) -> Doc:
    """Tokenize around and inside long runs; never between a word and the space behind it."""
    from spacy.tokens import Doc

    if not _is_rule_based(nlp):
        nlp = _rule_pipeline(nlp.lang)
    cuts = [0]
    for run in _RUN.finditer(text):
        step = _PIECE if run.end() - run.start() < 256 or not re.search(r"\w", run[0]) else 8 * _PIECE
        cuts += range(run.start(), run.end(), step)
    cuts = sorted({*cuts, len(text)})
    words: list[str] = []
    spaces: list[bool] = []
    for start, end in pairwise(cuts):
        piece = nlp.tokenizer(text[start:end])
        words += [token.text for token in piece]
        spaces += [bool(token.whitespace_) for token in piece]
    return Doc(nlp.vocab, words=words, spaces=spaces)
