"""Abbreviations: whether the period behind a word ends the word or the sentence.

    cf. Fig. 3 by D. A. Schön, at 5 p.m. Then …        only the period of "p.m." ends a sentence

spaCy's language data know the abbreviations of some forty languages; English, the language of nearly all traces,
gets more: which of them may also end a sentence, and the words that open one.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from .language import language_code


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_BEFORE_NUMBER = _words(
    "al art ch chap cor def eq eqs ex fig figs lem no nos nr p para pp prob prop ref refs sec sect tab thm vol"
)
"""Abbreviations only where a number follows: "No. 5", but "the answer is no. Then"."""

_TITLES = _words("e.g i.e cf vs v.s viz Adm Dr Gen Gov Messrs Mr Mrs Ms Mt Prof Rep Rev Sen St approx resp")
"""Never end a sentence."""

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

    def holds(self, word: str, following: str, numbered: bool) -> bool:
        """Whether the period behind ``word`` belongs to it alone. ``numbered``: a number or formula follows."""
        if numbered and word.lower() in _BEFORE_NUMBER:
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

    def is_initial(self, preceding: str, following: str, then_period: bool) -> bool:
        """Whether a single letter is an initial or part of an abbreviation: "D. A. Schön", "z. B. Hunde"."""
        if then_period and len(following) == 1:
            return True
        if not following[:1].isupper() or len(following) == 1 or following in self.openers:
            return False
        if len(preceding) == 2 and preceding[0].isalpha() and preceding[1] == ".":
            return True
        if not self.openers or following.endswith("ing"):
            return False
        return preceding == "by" or (
            preceding.istitle() and preceding.isalpha() and preceding not in self.openers | _LETTERED
        )


_LETTERED = _words(
    "Option Choice Answer Case Part Point Step Figure Table Equation Statement Section Class Type Group"
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
    return Abbreviations(frozenset(words) | _TITLES, _TITLES, _OPENERS if english else frozenset())
