"""Where a cue fires: cues compiled to spaCy's Matcher, asked about single texts.

    firing = Firing("en");  firing.compile("^ wait , no");  firing.fires("^ wait , no", "Wait, no, that is 7.")  →  True

For checking a codebook and for trying a cue out. The rule-based coder compiles a whole book at once instead.
"""

from __future__ import annotations

from functools import cache
from typing import Any

from ..errors import CodebookError
from .cue import matcher_patterns, parse_cue


class Firing:
    """Cues of one language, each compiled once."""

    def __init__(self, lang: str) -> None:
        self._nlp = _blank(lang)
        self._compiled: dict[str, tuple[Any, bool, bool]] = {}
        self._docs: dict[str, Any] = {}

    def compile(self, cue: str) -> None:
        """Make a cue ready; a cue that spaCy refuses, or that could match nothing, is a `CodebookError`."""
        from spacy.matcher import Matcher

        if cue in self._compiled:
            return
        parsed = parse_cue(cue)
        matcher = Matcher(self._nlp.vocab)
        try:
            matcher.add(
                "cue", matcher_patterns(parsed, lambda word: [t.lower_ for t in self._nlp.make_doc(word)])
            )
        except Exception as error:  # noqa: BLE001 - spaCy raises many kinds for a pattern it cannot use
            raise CodebookError(f"cue {cue!r} does not compile: {error}", "simplify the cue") from None
        self._compiled[cue] = (matcher, parsed.starts, parsed.ends)

    def fires(self, cue: str, text: str) -> bool:
        """Whether a cue matches somewhere in the text."""
        self.compile(cue)
        matcher, starts, ends = self._compiled[cue]
        if text not in self._docs:
            self._docs[text] = self._nlp.make_doc(text)
        doc = self._docs[text]
        return any(
            (not starts or not _has_word(text[: doc[a].idx]))
            and (not ends or not _has_word(text[doc[z - 1].idx + len(doc[z - 1]) :]))
            for _, a, z in matcher(doc)
        )


def _has_word(text: str) -> bool:
    # Punctuation and marks around a unit do not keep it from beginning or ending with a word.
    return any(char.isalnum() for char in text)


@cache
def _blank(lang: str) -> Any:
    import spacy

    code = lang.replace("_", "-").split("-")[0].lower()
    try:
        return spacy.blank(code)
    except (ImportError, OSError, ValueError):
        pass  # some languages' own tokenizers need packages that are rarely installed; then rules step in
    try:
        return spacy.blank(code, config={"nlp": {"tokenizer": {"@tokenizers": "spacy.Tokenizer.v1"}}})
    except (ImportError, OSError, ValueError):
        raise CodebookError(
            f"spaCy has no language {lang!r}", "use an ISO 639 code such as en, ko or pt, or xx for any"
        ) from None
