"""Which option an answer chooses; never a letter out of prose ("A student …" is an article, not an option).

    options Air · Moisture · Temperature · Sunlight
    "Answer: B"                          B   answer line               strict
    "so \\\\boxed{B}. Moisture"            B   boxed                     strict
    "정답은 ②번입니다"                       B   statement, by number      tolerant
    "The answer is moisture."            B   statement, by text        tolerant
    "Option A is wrong, B is correct."   B   called right              tolerant
    "Answer: A … Answer: B"              B   answer line, the last of several that differ     tolerant
    "The answer is A or B."              –   names several options: A, B
    "Answer: E"                          –   E is none of the options A–D

**Strict**: a letter in the form asked for, boxed, in a tag, in a sentence that says it is the answer, or alone, without doubt
and not against what was said before in as formal a form. The last such statement counts. One that names several options, or
none of those there are, or begins the list of them, is unreadable, and so is an answer that says a letter and then, in a
tolerant form, something else. **Tolerant**: the rules of `_TOLERANT` in their order; the first that finds anything decides, and
only if all it finds is one option.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from functools import cache

from .answer_language import alternatives, any_of, languages
from .named_options import LETTERS, AnswerOptions, Mode, Reading, read
from .parsed import DIFFER, Parsed
from .statement import FORMAL, Statement, asked, before_run_on, denied, key, last_formal, short, statements

Rule = tuple[str, Callable[[str, AnswerOptions], "list[Reading]"]]


def read_choice(answer: str, options: Sequence[str]) -> Parsed:
    """The option that ``answer`` chooses, as its letter. Never raises; ``None`` comes with a reason.

    >>> read_choice("I would say (C).\\n\\nAnswer: **B**", ["Air", "Moisture", "Heat"])
    Parsed(value='B', rule='answer line', strict=True, why=None)
    """
    if not options:
        return Parsed(None, why="the item has no options")
    known = AnswerOptions.of(options)

    def chosen(text: str) -> Parsed:
        return (
            _stated(text, known)
            or _tolerated(text, known)
            or Parsed(None, why="no option is named as the answer")
        )

    return before_run_on(answer, chosen)


def read_letter(text: str, count: int = 10) -> Parsed:
    """The letter that a stretch of reasoning arrives at, where the options' texts are not known: only what is stated, called
    right or chosen. That an option is mentioned is no answer."""
    known = AnswerOptions(LETTERS[:count], ("",) * count, True)
    found = _stated(text, known, whole=False)
    return (
        found
        or _tolerated(text, known, _TOLERANT[1:3])
        or Parsed(None, why="no option is named as the answer")
    )


def _stated(text: str, options: AnswerOptions, *, whole: bool = True) -> Parsed | None:
    """``whole``: whether the text is an answer, which may be nothing but a letter."""
    stated = statements(text)
    mode: Mode = "stated" if stated else "heading"
    if whole and not stated and "\n" not in text.strip():
        stated = [Statement("whole answer", text.strip(), 0)]
    found = _readings(stated, text, options, mode)
    if formal := _names_nothing(last_formal(stated), [statement for statement, _ in found]):
        return Parsed(None, why=f"{formal.rule}: {formal.text!r} is none of the options")
    return _decided(found) if found else None


def _readings(
    stated: Sequence[Statement], text: str, options: AnswerOptions, mode: Mode
) -> list[tuple[Statement, Reading]]:
    """The statements that name an option, and what they name."""
    found = []
    for statement in stated:
        if reading := read(statement.text, options, mode):
            listed = _begins_list(statement, reading, text, options)
            found.append((statement, reading._replace(why=listed) if listed else reading))
    return found


def _names_nothing(formal: Statement | None, read: Sequence[Statement]) -> Statement | None:
    """The last formal statement, if it is short and names no option; not "Answer: the answer is B", which holds one that does."""
    if formal is None or not short(formal.text) or formal in read:
        return None
    return None if any(s.at >= formal.at and s.text in formal.text for s in read) else formal


def _begins_list(statement: Statement, reading: Reading, text: str, options: AnswerOptions) -> str | None:
    """Why a letter is no answer where it begins the list of options: "A. Air", and on the next line "B. Moisture"."""
    if reading.how != "letter" or len(reading.named) != 1:
        return None
    first = options.letters.index(next(iter(reading.named)))
    rest = text[max(0, text.find(statement.text, statement.at)) :]
    letters = [options.letters[first]]
    for letter, own in zip(options.letters[first + 1 :], options.keys[first + 1 :], strict=True):
        item = re.search(
            rf"(?:^|\s)[-*•]?\s*[(\[]?{letter}(?:[)\].:]+|\s*(?=\n|$))[ \t]*([^\n]*)", rest[:400]
        )
        if not item or not (not item[1].strip() or (own and key(item[1]).startswith(own))):
            break
        between = rest[: item.start()].strip()
        if "\n" in between or not _is_item(between, letters[-1], options):
            break
        letters.append(letter)
        rest = rest[item.start() :].lstrip()
    return f"repeats the list of options: {', '.join(letters)}" if len(letters) > 1 else None


def _is_item(text: str, letter: str, options: AnswerOptions) -> bool:
    """Whether ``text`` is a letter and its own option, or the letter alone."""
    inner = key(re.sub(r"^\W*(?:[^\W\d_]+\W+)*?" + letter + r"(?![A-Za-z])", "", text, count=1))
    return inner in ("", options.keys[options.letters.index(letter)])


def _decided(found: Sequence[tuple[Statement, Reading]]) -> Parsed:
    """The last that names a letter counts, else the last; unless something else is said behind it."""
    letters = (n for n, (_, reading) in enumerate(found) if reading.how == "letter")
    last = max(letters, default=len(found) - 1)
    statement, reading = found[last]
    parsed = _parsed(statement.rule, [reading])
    for later, other in found[last + 1 :] if parsed.value else ():
        if other.named != reading.named:
            said = ", ".join(sorted(other.named))
            return Parsed(None, why=f"says {parsed.value}, and then, {later.rule}, {said}")
    formal = statement.rule in FORMAL
    against = [
        other
        for before, other in found[:last]
        if other.named and other.named != reading.named and (before.rule in FORMAL or not formal)
    ]
    return parsed.weaker(DIFFER) if against else parsed


def _tolerated(text: str, options: AnswerOptions, rules: Sequence[Rule] | None = None) -> Parsed | None:
    for name, rule in _TOLERANT if rules is None else rules:
        if found := rule(text, options):
            return _parsed(name, found)._replace(strict=False)
    return None


def _parsed(rule: str, found: Sequence[Reading]) -> Parsed:
    """One option, or why not."""
    named = frozenset().union(*(r.named for r in found))
    why = next((r.why for r in found if r.why), None)
    if why is None and len(named) > 1:
        why = f"names several options: {', '.join(sorted(named))}"
    if why is not None:
        return Parsed(None, why=f"{rule}: {why}")
    how = found[0].how
    parsed = Parsed(next(iter(named)), rule if how == "letter" else f"{rule}, by {how}", how == "letter")
    return parsed.weaker("in doubt") if any(r.hedged for r in found) else parsed


# ------------------------------------------------------------------------------------------------- tolerant

_EDGE = r"""(?:^|[.,;:!?。，；：、\n"“「(\[【]\s*"""


@cache
def _called() -> tuple[re.Pattern[str], ...]:
    """ "… B is correct", a pattern a language: an option, or a letter where a sentence or clause begins."""
    found = []
    for one in languages():
        if not one.right:
            continue
        so, noun = alternatives(one.so), alternatives(one.options)
        article = alternatives(one.articles, bounded=False)
        plain = "".join(letter for letter in LETTERS if letter not in one.letters)
        ahead = rf"{_EDGE}|{so}\s*,?\s*)(?:{article}\s*)?"
        quoted = r"[(\[\"'“「]"
        named = rf"(?:{noun}\s*{quoted}?(?P<a>[A-Z]|[1-9]|#[1-9])|(?:{ahead})(?:{quoted}(?P<b>[A-Z])|(?P<c>[{plain}])|(?P<d>#[1-9]|[1-9](?={alternatives(one.counters, bounded=False)}))\s?))"
        found.append(
            re.compile(
                rf"{named}(?![A-Za-z0-9]|['’][A-Za-zÀ-ÿ])[)\]\"'”」]?\s*{alternatives(one.options, bounded=False)}?\s*(?:{alternatives(one.right, bounded=False)})",
                re.M,
            )
        )
    return tuple(found)


@cache
def _chooses() -> re.Pattern[str]:
    return re.compile("|".join(f"(?i:{pattern})" for one in languages() for pattern in one.chosen), re.M)


@cache
def _chosen_behind() -> re.Pattern[str]:
    named = any_of("options", bounded=False)
    return re.compile(
        rf"(?:{_EDGE}|\s|{named}\s*)[\"'“「(]?([A-Z])(?![A-Za-z]|['’][A-Za-zÀ-ÿ])[)\"'”」]?\s*{any_of('chosen_behind', bounded=False)})",
        re.M,
    )


_MARKER = re.compile(
    r"^[^\w\n]*[(\[]?([A-Z])(?:[)\]]?[ \t]*$|[)\].:]+(?=\s|$)(?! ?[A-Za-z]\.\s)(?![^\n]{0,200}\?\s*$))", re.M
)


def _named_by(patterns: Sequence[re.Pattern[str]], text: str, options: AnswerOptions) -> list[Reading]:
    found = []
    for pattern in patterns:
        for match in pattern.finditer(text):
            at = match.start(match.lastgroup or match.lastindex or 0)
            said = match[match.lastgroup or match.lastindex or 0].strip()
            if not denied(text, at, clause=True) and not asked(text, at):
                found.append(options.number(int(said[-1])) if said[-1].isdigit() else options.letter(said))
    return found


def _called_right(text: str, options: AnswerOptions) -> list[Reading]:
    return _named_by(_called(), text, options)


def _chosen(text: str, options: AnswerOptions) -> list[Reading]:
    found = _named_by([_chosen_behind()], text, options)
    for match in _chooses().finditer(text):
        rest = text[match.end() : match.end() + 300].split("\n")[0]
        reading = (
            None
            if denied(text, match.end(), clause=True) or asked(text, match.end())
            else read(rest, options)
        )
        if reading and not reading.why:
            found.append(reading)
    return found


def _last_line(text: str, options: AnswerOptions) -> list[Reading]:
    lines = [line for line in text.split("\n") if line.strip()]
    if len(set(_MARKER.findall(text))) > 1 and not re.fullmatch(r"\W*[A-Za-z]\W*", lines[-1]):
        return []  # the last of the options, written down once more
    reading = read(lines[-1], options, "heading")
    return [reading] if reading else []


def _marker(text: str, options: AnswerOptions) -> list[Reading]:
    """Letters that lines begin with, but not of lines that say no: "A: incorrect". What an option says itself is no denial."""

    def own(match: re.Match[str]) -> bool:
        line = text[match.end() :].split("\n")[0]
        return bool(options.of_text(key(line)) & options.letter(match[1]).named)

    def other(match: re.Match[str]) -> bool:
        """ "A: C": the answer, to what was asked as Q."""
        behind = re.fullmatch(r"[\W_]*([A-Z])(?:\W.*)?", text[match.end() :].split("\n")[0])
        said = behind[1] if behind and ":" in match[0] else match[1]
        return said != match[1] and said in options.letters

    found = (m for m in _MARKER.finditer(text) if not other(m) and (own(m) or not denied(text, m.end())))
    return [options.letter(m[1]) for m in found]


_TOLERANT: tuple[Rule, ...] = (
    ("last line", _last_line),
    ("called right", _called_right),
    ("choice made", _chosen),
    ("marker", _marker),
)
