"""A cue: a pattern over the words of one unit, for the rule-based coder, readable in the codebook itself.

    ^ wait                        a unit that begins with "wait"
    let me|us [just] check|verify alternatives by |, optional words in [ ]
    is .. right ?                 .. stands for up to three words (..6 for up to six), * for exactly one
    # $                           a number at the very end

Words match in any case. ``^`` first and ``$`` last tie the cue to the unit's start and end. ``\\`` takes
the next character literally. Punctuation is a word of its own, as in spaCy's tokenization.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Generator, Iterable, Iterator
from contextlib import suppress
from functools import cache
from itertools import product
from math import prod
from typing import Any, Literal, NamedTuple

from ..errors import CodebookError
from ..spacy_module import spacy_module
from .yaml_lines import CodebookProblem, YamlValue, a_warning, an_error, repeated


class CuePiece(NamedTuple):
    """One position of a cue: alternatives of lower-case words, one free word, a gap, or a number."""

    kind: Literal["words", "any", "gap", "number"]
    words: tuple[str, ...] = ()
    optional: bool = False
    most: int = 0


class Cue(NamedTuple):
    """A parsed cue. ``starts``/``ends``: tied to the unit's first/last word."""

    text: str
    pieces: tuple[CuePiece, ...]
    starts: bool = False
    ends: bool = False


def parse_cue(text: str) -> Cue:
    """Parse one cue; a cue that cannot match anything is an error that says why.

    >>> parse_cue("^ let me|us [just] check").pieces[2]
    CuePiece(kind='words', words=('just',), optional=True, most=0)
    """
    words = text.split()
    starts, ends = words[:1] == ["^"], words[-1:] == ["$"]
    words = words[starts : len(words) - ends]
    pieces = tuple(_piece(word, text) for word in words)
    if not any(p.kind in ("words", "number") and not p.optional for p in pieces):
        raise CodebookError(f"cue {text!r} has no word that must be there", "add a literal word")
    if pieces[0].kind == "gap" or pieces[-1].kind == "gap":
        raise CodebookError(
            f"cue {text!r} begins or ends with a gap", "remove the '..', it changes nothing there"
        )
    return Cue(text, pieces, starts, ends)


def _piece(word: str, cue: str) -> CuePiece:
    if word == "*":
        return CuePiece("any")
    if word == "#":
        return CuePiece("number")
    if word.startswith("..") and word != "...":
        return _gap(word, cue)
    optional = len(word) > 2 and word[0] == "[" and word[-1] == "]"
    words = _alternatives(word[1:-1] if optional else word)
    if not all(words):
        raise CodebookError(f"cue {cue!r}: empty alternative in {word!r}", "write \\| for a literal bar")
    if word in ("^", "$"):
        raise CodebookError(
            f"cue {cue!r}: {word} stands in the middle",
            "^ comes first, $ last; write \\^ or \\$ for the characters",
        )
    return CuePiece("words", words, optional)


def _gap(word: str, cue: str) -> CuePiece:
    most = word[2:] or "3"
    if not most.isascii() or not most.isdigit() or not 1 <= int(most) <= 20:
        raise CodebookError(f"cue {cue!r}: {word!r} is no gap", "write .. or ..N with N from 1 to 20")
    return CuePiece("gap", most=int(most))


def _alternatives(word: str) -> tuple[str, ...]:
    found, literal = [""], False
    for char in word:
        if literal or char not in "\\|":
            found[-1] += char
            literal = False
        elif char == "\\":
            literal = True
        else:
            found.append("")
    return tuple(w.lower() for w in found)


MOST_FORMS = 512
"""Optional words and many-token alternatives multiply; a cue with more forms than this is a mistake."""

CLITICS = frozenset({"'m", "'s", "'re", "'ve", "'ll", "'d", "n't"})


def matcher_patterns(cue: Cue, split: Any) -> list[list[dict[str, Any]]]:
    """The spaCy Matcher patterns of a cue; ``split(word)`` tokenizes a word as the text will be tokenized."""
    choices = cue_choices(cue, split)
    if (forms := prod(map(len, choices))) > MOST_FORMS:
        raise CodebookError(
            f"cue {cue.text!r} stands for {forms} patterns, more than {MOST_FORMS}",
            "write several cues, or fewer optional words",
        )
    return [[token for part in combination for token in part] for combination in product(*choices)]


def cue_choices(cue: Cue, split: Any) -> list[list[list[dict[str, Any]]]]:
    """What may stand at each position of a cue: runs of tokens, each as spaCy's Matcher takes it; an empty run may be left out.

    "let's" is two tokens in English, so it is a run of its own. A straight apostrophe in a cue matches a curly one too: models
    write both.
    """
    return [_choices(piece, split) for piece in cue.pieces]


def _choices(piece: CuePiece, split: Any) -> list[list[dict[str, Any]]]:
    if piece.kind == "any":
        return [[{"IS_SPACE": False}]]
    if piece.kind == "number":
        return [[{"LIKE_NUM": True}]]
    if piece.kind == "gap":
        return [[{"IS_SPACE": False, "OP": f"{{0,{piece.most}}}"}]]
    tokens = [_tokens(word, split) for word in piece.words]
    single = [t[0] for t in tokens if len(t) == 1]
    choices = [[_token(*single)]] if single else []
    choices += [[_token(word) for word in many] for many in tokens if len(many) > 1]
    return [[], *choices] if piece.optional else choices


def _tokens(word: str, split: Any) -> tuple[str, ...]:
    # Alone, "'m" would be split into "'" and "m"; within "I'm" it is one token.
    return (word,) if word.replace("’", "'") in CLITICS else tuple(split(word))


def _token(*words: str) -> dict[str, Any]:
    forms = sorted({form for word in words for form in (word, word.replace("'", "’"))})
    return {"LOWER": forms[0] if len(forms) == 1 else {"IN": forms}}


class CueMatcher:
    """Whether single cues match single texts, for checking a codebook; the rule-based coder compiles a whole book at once.

    >>> CueMatcher("en").fires("^ wait , no", "Wait, no, that is 7.")
    True
    """

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
    code = lang.replace("_", "-").split("-")[0].lower()
    # Some languages' own tokenizers need packages that are rarely installed; then rules step in.
    rules = {"nlp": {"tokenizer": {"@tokenizers": "spacy.Tokenizer.v1"}}}
    for config in ({}, rules):
        with suppress(ImportError, OSError, ValueError):
            return spacy_module().blank(code, config=config)
    hint = "use an ISO 639 code such as en, ko or pt, or xx for any"
    raise CodebookError(f"spaCy has no language {lang!r}", hint)


def cue_problems(root: YamlValue, codes: list[YamlValue]) -> Iterator[CodebookProblem]:
    try:
        matcher = CueMatcher(root.value("lang") or "en")
    except CodebookError as error:
        yield an_error(root.get("lang") or root, f"{error.message}; {error.hint}")
        return
    cues: dict[str, list[str]] = defaultdict(list)
    for code in codes:
        cues[code.value("id") or "?"] += yield from _cues_of_code(matcher, code)
    yield from _outvoted(matcher, codes, cues)
    for code in codes if any(cues.values()) else ():
        own = code.value("id") or "?"
        if own != root.value("fallback") and not code.get("features") and not list(code.entries("cues")):
            yield a_warning(code, f"{own} has no cue, so the rule-based coder never gives it")


def _cues_of_code(matcher: CueMatcher, code: YamlValue) -> Generator[CodebookProblem, None, list[str]]:
    """Problems of one code's cues and rules; returns the cues that compile."""
    written = _with_text(entry.get("cue") or entry for entry in code.entries("cues"))
    for again, first in repeated(written):
        yield a_warning(again, f"the cue {again.text!r} is already in line {first.line}")
    cues = yield from _compiled(matcher, written)
    for rule in code.entries("rules"):
        unless = yield from _compiled(matcher, _with_text(rule.entries("unless")))
        yield from _broken_rules(matcher, code, rule, unless)
    return [cue.text or "" for cue in cues]


def _with_text(values: Iterable[YamlValue]) -> list[YamlValue]:
    return [value for value in values if value.text is not None]


def _compiled(
    matcher: CueMatcher, cues: list[YamlValue]
) -> Generator[CodebookProblem, None, list[YamlValue]]:
    """Problems of the cues that do not compile; returns those that do."""
    good = []
    for cue in cues:
        try:
            matcher.compile(cue.text or "")
            good.append(cue)
        except CodebookError as error:
            yield an_error(cue, f"{error.message}; {error.hint}")
    return good


def _broken_rules(
    matcher: CueMatcher, code: YamlValue, rule: YamlValue, unless: list[YamlValue]
) -> Iterator[CodebookProblem]:
    for cue in unless:
        for hit in code.entries("hits"):
            if matcher.fires(cue.text or "", hit.value("text") or ""):
                its = (
                    f"its own rule in line {cue.line} ({cue.text!r}) makes it {rule.value('against') or '?'}"
                )
                yield an_error(hit, f"a hit of {code.value('id')}, but {its}")


def _outvoted(
    matcher: CueMatcher, codes: list[YamlValue], cues: dict[str, list[str]]
) -> Iterator[CodebookProblem]:
    """Hits that the cues would give to another code. Structural features need the whole trace, so such codes are left out."""
    for code in codes:
        own = code.value("id") or "?"
        for hit in code.entries("hits") if code.get("features") is None else ():
            text = hit.value("text") or ""
            fired = [other for other in cues if any(matcher.fires(cue, text) for cue in cues[other])]
            if fired and own not in fired:
                theirs = f"cues of {', '.join(fired)} do"
                yield a_warning(hit, f"no cue of {own} fires on its own hit, while {theirs}")
