"""A codebook's cues, compiled for one language and found by the words they need.

    unit   "Wait, that contradicts the graph."
    words  {wait, that, contradicts, …}  →  only the cues that need one of these  →  `cue_steps.py` decides

A book has hundreds of cues and a unit fires two or three; trying all of them would cost more than everything else
together. Each cue is filed under the rarest word it cannot match without.

Cues are words of the book's language. In a trace of another one they would be cut up by a tokenizer they were not
written for (Chinese: into characters) and match by accident, so there none is tried.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from ..codebook import Codebook, WeightedCue
from ..codebook.cue import matcher_patterns, parse_cue
from ..unit.language import language_code
from .cue_steps import CueSteps, words_of
from .trace_words import TraceWords, UnitWords

if TYPE_CHECKING:
    from spacy.language import Language
    from spacy.tokens import Doc

Need = frozenset[int]
"""Hashes of lower-case words of which one must be there."""

_Places = dict[Need, list[tuple[int, int]]]
"""Where in a pattern each need stands: least and greatest number of words before it."""

_END: Need = frozenset()
"""Stands for the end of the pattern among its places."""

# What may stand before the first word or behind the last: punctuation, marks, and a list marker.
_LEAD = re.compile(r"[\W_]*+(?:(?:\d{1,3}|[^\W\d_])[.)\]:][\W_]++)?")


class Fired(NamedTuple):
    """A cue that matched: tokens ``start`` to ``end`` of the unit."""

    cue: IndexedCue
    start: int
    end: int


class IndexedCue(NamedTuple):
    """A cue of code number ``code``; ``against``: a veto, which speaks for that code number instead.

    ``single``: it is one word anywhere in the unit, so wherever its key stands it matches.
    """

    text: str
    code: int
    weight: float
    against: int | None
    steps: CueSteps
    starts: bool
    ends: bool
    single: bool


class _Near(NamedTuple):
    """One of these words stands from ``low`` to ``high`` words behind the key (negative: before it)."""

    words: Need
    low: int
    high: int


class _Filed(NamedTuple):
    """A cue under its key word: what else must be near, and how many words of a match lie before and behind the key."""

    number: int
    near: tuple[_Near, ...]
    before: tuple[int, int]
    behind: tuple[int, int]


class CueIndex:
    """All cues of a codebook, scoring ones and vetoes, compiled with the tokenizer of ``nlp``, if it is the book's language.

    ``foreign``: why there are no cues, else the empty string.
    """

    def __init__(self, book: Codebook, nlp: Language) -> None:
        self._nlp = nlp
        self.tokenize: Callable[[str], Doc] = nlp.tokenizer
        self.content_of = lru_cache(maxsize=256)(self._content_of)  # several traces answer the same item
        self.stop_words = frozenset(map(nlp.vocab.strings.add, nlp.Defaults.stop_words))
        self._cues: list[IndexedCue] = []
        self._by_word: dict[int, list[_Filed]] = defaultdict(list)
        self._everywhere: list[int] = []
        own = language_code(book.lang)
        self.foreign = "" if nlp.lang == own else f"codebook's cues are {own}, trace is {nlp.lang}"
        if self.foreign:
            return
        number = {code_id: index for index, code_id in enumerate(book.code_ids)}
        for index, code in enumerate(book.codes):
            for cue in code.cues:
                text, weight = (cue.cue, cue.weight) if isinstance(cue, WeightedCue) else (cue, 1.0)
                self._add(text, index, weight, None)
            for rule in code.rules:
                for text in rule.unless:
                    self._add(text, index, 0.0, number[rule.against])

    def _content_of(self, question: str) -> tuple[int, ...]:
        """The words of a question, in lower case, without punctuation."""
        words = TraceWords(self.tokenize(question)).within(0, len(question), question)
        return tuple(words.lower[i] for i in words.content())

    def _add(self, text: str, code: int, weight: float, against: int | None) -> None:
        def split(word: str) -> list[str]:
            return [token.lower_ for token in self._nlp.tokenizer(word)]

        cue = parse_cue(text)
        patterns = matcher_patterns(cue, split)
        steps = CueSteps(cue, split, self._nlp.vocab.strings.add)
        number = len(self._cues)
        single = [list(token) for pattern in patterns for token in pattern] == [["LOWER"]]
        single = single and not (cue.starts or cue.ends)
        self._cues.append(IndexedCue(text, code, weight, against, steps, cue.starts, cue.ends, single))
        needed = [self._needs(pattern) for pattern in patterns]
        for needs in _fewest(needed):
            if not needs:
                self._everywhere.append(number)
                continue
            key = min(needs, key=self._commonness)
            filed = _filed(number, key, needs, [found for found in needed if needs <= found.keys()])
            for word in key:
                self._by_word[word].append(filed)

    def _needs(self, pattern: list[dict[str, Any]]) -> _Places:
        """What a pattern cannot match without, one set of words for each token that must be there, and where."""
        places: _Places = {}
        low = high = 0
        for token in pattern:
            if "OP" in token:
                high += int(token["OP"].strip("{}").split(",")[1])
                continue
            if "LOWER" in token:
                need = frozenset(map(self._nlp.vocab.strings.add, words_of(token)))
                places.setdefault(need, []).append((low, high))
            low, high = low + 1, high + 1
        places[_END] = [(low, high)]
        return places

    def _commonness(self, need: Need) -> tuple[bool, int, list[int]]:
        """A guess, with no corpus: stop words are common, and so are short words."""
        words = [self._nlp.vocab.strings[word] for word in need]
        stops = self._nlp.Defaults.stop_words
        return any(w in stops or not w[0].isalpha() for w in words), -min(map(len, words)), sorted(need)

    def fired(self, unit: UnitWords) -> Iterator[Fired]:
        """The cues that match a unit, in the book's order; the longest match of each, the first of the longest."""
        lower, by_word = unit.lower, self._by_word
        lead, trail = _edges(unit)
        starts = dict.fromkeys(self._everywhere, (0, len(lower))) if lower else {}
        for at, word in enumerate(lower):
            for filed in by_word.get(word, ()):
                if self._may_match(filed, lower, at, lead, trail):
                    low, high = starts.get(filed.number, (at, 0))
                    least, most = filed.before
                    starts[filed.number] = min(low, at - most), max(high, at - least + 1)
        for number in sorted(starts):
            cue = self._cues[number]
            low, high = starts[number]
            if cue.single:
                yield Fired(cue, low, low + 1)
                continue
            tied = lead if cue.starts else None
            best = cue.steps.longest(unit, range(max(low, 0), high), tied, trail if cue.ends else 0)
            if best:
                yield Fired(cue, *best)

    def _may_match(self, filed: _Filed, lower: list[int], at: int, lead: int, trail: int) -> bool:
        """Whether all that the cue needs stands near its key at ``at``, and near the unit's ends if it is tied to them."""
        cue = self._cues[filed.number]
        if cue.starts and not at - filed.before[1] <= lead:
            return False
        if cue.ends and not at + filed.behind[1] >= trail:
            return False
        if at < filed.before[0] or at + filed.behind[0] > len(lower):
            return False
        for words, low, high in filed.near:
            begin = at + low
            if words.isdisjoint(lower[begin if begin > 0 else 0 : at + high + 1]):
                return False
        return True


def _edges(unit: UnitWords) -> tuple[int, int]:
    """Numbers of the first word and behind the last that ``^`` and ``$`` mean, marks and punctuation aside."""
    text = unit.text
    first = _LEAD.match(text).end()  # type: ignore[union-attr]  # it matches the empty string too
    last = len(text)
    while last > first and not text[last - 1].isalnum():
        last -= 1
    return unit.begins_at(first) if first else 0, unit.begins_at(last)


def _filed(number: int, key: Need, needs: Iterable[Need], patterns: list[_Places]) -> _Filed:
    """Distances from the key over all patterns that have these needs."""
    near = tuple(_Near(need, *_distance(patterns, key, need)) for need in needs if need != key)
    places = [at for pattern in patterns for at in pattern[key]]
    before = (min(low for low, _ in places), max(high for _, high in places))
    return _Filed(number, near, before, _distance(patterns, key, _END))


def _distance(patterns: list[_Places], key: Need, need: Need) -> tuple[int, int]:
    """Least and greatest number of words from the key to a need; gaps count once, between the two."""
    spans = []
    for places in patterns:
        for key_low, key_high in places[key]:
            for low, high in places[need]:
                fixed, gaps = low - key_low, (high - low) - (key_high - key_low)
                spans.append((min(fixed, fixed + gaps), max(fixed, fixed + gaps)))
    return min(low for low, _ in spans), max(high for _, high in spans)


def _fewest(needed: list[_Places]) -> list[frozenset[Need]]:
    """Without those that need more than another one: optional words multiply patterns, not what they need."""
    unique = sorted(
        {frozenset(places) - {_END} for places in needed}, key=lambda n: (len(n), sorted(map(sorted, n)))
    )
    fewest: list[frozenset[Need]] = []
    for needs in unique:
        if not any(other <= needs for other in fewest):
            fewest.append(needs)
    return fewest
