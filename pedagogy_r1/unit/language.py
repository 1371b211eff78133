"""A language: its spaCy blank pipeline, for tokens, and its abbreviations. No model, no download.

    cf. Fig. 3 by D. A. Schön, at 5 p.m. Then …        only the period of "p.m." ends a sentence

spaCy's own tokenizers for Japanese, Korean, Thai and Vietnamese need packages that are rarely installed; without
them the same language's rule tokenizer steps in. It changes token counts and cue matches, never units: sentence
boundaries are found in the text itself (`sentence.py`).

spaCy's language data know the abbreviations of some forty languages; English, the language of nearly all traces,
gets more: which of them may also end a sentence, and the words that open one.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from ..errors import PedagogyError, did_you_mean
from ..spacy_module import spacy_module

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
    code = language_code(lang)
    try:
        return spacy_module().blank(code)  # type: ignore[no-any-return]
    except (ImportError, OSError):
        return _rule_pipeline(lang)


@cache
def _rule_pipeline(lang: str) -> Language:
    return spacy_module().blank(language_code(lang), config=_RULES)  # type: ignore[no-any-return]


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

    languages = Path(spacy_module().__file__).parent / "lang"
    return sorted(module.name for module in pkgutil.iter_modules([str(languages)]) if module.ispkg)


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


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_BEFORE_NUMBER = _words(
    "al art ch chap cor def eq eqs ex fig figs lem no nos nr p para pp prob prop ref refs sec sect tab thm vol"
    " abb kap bd pág págs núm cap рис табл стр гл разд ур илл п пп ч"
)
"""Abbreviations only where a number follows: "No. 5", but "the answer is no. Then"."""

_TITLES = _words(
    "e.g i.e cf Cf P.S vs v.s viz Adm Capt Col Dr Gen Gov Lt Maj Sgt Проф проф акад доц Messrs Mr Mrs Ms Mt Prof Rep Rev Sen Sr St approx resp"
)
"""Never end a sentence."""

_RUSSIAN_UNITS = _words("мм см дм км кг мг мл руб коп тыс млн млрд мин сек ч г")

_OPENERS = _words("""A After Again All Also Alternatively Although Alright An And Another Anyway Are As Assuming At Because Before
    Besides Both But By Can Clearly Compare Compute Consider Could Did Do Does Each Either Even Every Finally First For
    From Given Hence Here Hmm How However I If In Indeed Instead Is It Its Just Last Later Let Likewise Look Looking
    Maybe Meanwhile Moreover My Next No Not Note Now Of Oh Okay On Once One Only Or Other Otherwise Our Perhaps Please
    Plus Probably Second She He Should Similarly Since So Some Specifically Still Students Such Suppose Sure Take That
    The Their Then There Therefore These They Third This Those Though Thus To Try Two Under Unless Until Use Using Very
    Wait Was We Well Were What When Where Which While Who Why Will With Would Yeah Yep Yes Yet You""")
"""English words that open a sentence, capitalised; a name is none of them."""


class Abbreviations(NamedTuple):
    """What is known of one language."""

    words: frozenset[str]
    """Without the last period."""
    never_end: frozenset[str]
    openers: frozenset[str]
    """Empty: not known, and a period behind an abbreviation never ends a sentence."""
    months: frozenset[str] = frozenset()
    """Where a number with a period is an ordinal, and a capital may follow it: "am 3. Oktober"."""

    def holds(self, word: str, following: str, numbered: bool) -> bool:
        """Whether the period behind ``word`` belongs to it alone. ``numbered``: a number or formula follows."""
        if numbered and word.lower() in _BEFORE_NUMBER:
            return True
        if following in self.months and word.isdigit() and len(word) <= 2:
            return True
        dotted = (
            "." in word
            and all(len(part) <= 2 for part in word.split("."))
            and not any(map(str.isdigit, word))
        )
        if not dotted and word not in self.words:
            return False
        if word in self.never_end or not self.openers:
            return True
        return following not in self.openers

    @staticmethod
    def is_unit(preceding: str, word: str) -> bool:
        """Whether an abbreviation ends a sentence before a capital: "3,5 см. Проверим", "и т. д. Потом"."""
        return (word in _RUSSIAN_UNITS and preceding[-1:].isdigit()) or (preceding, word) in (
            ("т.", "д"),
            ("т.", "п"),
        )

    def is_initial(self, preceding: str, following: str, then_period: bool) -> bool:
        """Whether a single letter is an initial or part of an abbreviation: "D. A. Schön", "z. B. Hunde"."""
        if then_period and len(following) == 1:
            return True
        if not following[:1].isupper() or len(following) == 1 or following in self.openers:
            return False
        if len(preceding) == 2 and preceding[0].isalpha() and preceding[1] == ".":
            return True
        return bool(self.openers) and not following.endswith("ing") and self._before_name(preceding)

    def _before_name(self, word: str) -> bool:
        """Whether a name may follow the word: "by", or a name."""
        is_name = word.istitle() and word.isalpha() and word not in self.openers | _LETTERED
        return word == "by" or is_name


_LETTERED = _words(
    "Option Choice Answer Case Part Point Step Figure Table Equation Statement Section Class Type Group"
)


_GERMAN_MONTHS = _words(
    "Januar Jänner Februar Feber März April Mai Juni Juli August September Oktober November Dezember"
)


@cache
def abbreviations(lang: str) -> Abbreviations:
    """The abbreviations of a language."""
    import spacy

    code = language_code(lang)
    exceptions = spacy.util.get_lang_class(code).Defaults.tokenizer_exceptions
    words = {word[:-1] for word in exceptions if word.endswith(".")}
    words = {word for word in words if len(word) > 1 and word[-1].isalpha()}
    english = code == "en"
    months = _GERMAN_MONTHS if code == "de" else frozenset()
    return Abbreviations(frozenset(words) | _TITLES, _TITLES, _OPENERS if english else frozenset(), months)
