"""The probability that the student is right, read from what a model answered; and where it is from.

    token        at "Answer:" the next token was " right" with .62, " Right" .03, " wrong" .30   →   .65 / .95 = .684
    verbalised   "Probability: 0.73"                                                            →   .73
    hard         "Answer: right", and nothing else to go by                                     →   1

Token probabilities are summed over the tokens that begin either answer, at the place where the final answer begins, and
normalised over both. What cannot be had is ``None``, with the reason.
"""

from __future__ import annotations

import json
import math
import re
from bisect import bisect_left
from collections.abc import Mapping, Sequence
from itertools import accumulate
from typing import Any, NamedTuple

from ...chat import Chat, ChatReply, ChatRequest
from ...formatting import shown
from .statement import plain

ANSWERS = ("right", "wrong")
ENOUGH = 0.5
"""Where the token drawn begins neither answer, those that do must hold this much together: else it answered something else."""


class Foretold(NamedTuple):
    """Probability of the first answer (``right``). ``kind``: token, verbalised or hard; ``why``: why there is none."""

    value: float | None
    kind: str | None = None
    why: str | None = None


def foretold(content: Sequence[Mapping[str, Any]] | None, text: str, answered: str | None) -> Foretold:
    """The best there is: ``token`` where logprobs came along, else ``verbalised``, else ``hard`` (`answered`, as parsed).

    Token probabilities of a place where another answer stands than the one that was read are not used; nor are any where no
    answer could be read and both are named ("… will get this step right or wrong"): the last one named chooses nothing.
    """
    token = _from_tokens(content, text, answered)
    if token.value is not None:
        return token
    if (value := verbalised(text)) is not None:
        return Foretold(value, "verbalised")
    if answered in ANSWERS:
        return Foretold(float(answered == ANSWERS[0]), "hard")
    unread = "" if "could be read" in (token.why or "") else "; no answer could be read"
    return Foretold(None, None, f"{token.why}; no probability is stated{unread}")


def _from_tokens(content: Sequence[Mapping[str, Any]] | None, text: str, answered: str | None) -> Foretold:
    if not content:
        return Foretold(None, None, "the model gave no token probabilities")
    if answered is None and _RIGHT.search(text) and _WRONG_WORD.search(text):
        both = " and ".join(ANSWERS)
        return Foretold(None, None, f"no answer could be read, and the text names both {both}")
    token, drawn = at_answer(content, text)
    if token.value is None or answered is None or drawn in (None, answered):
        return token
    return Foretold(None, None, f"the tokens say {drawn}, the answer was read as {answered}")


def at_answer(
    content: Sequence[Mapping[str, Any]], text: str, answers: tuple[str, str] = ANSWERS
) -> tuple[Foretold, str | None]:
    """Probability of ``answers[0]`` from a chat completion's ``logprobs.content``, and the answer that the token drawn begins.

    ``content``: one ``{"token", "logprob", "top_logprobs": [{"token", "logprob"}, …]}`` a token, of the whole reply or its end.
    ``text``: the answer to look in; reasoning before it may be in ``content``, and is not looked at.
    """
    at = answer_at(text, answers)
    if at is None:
        return Foretold(None, None, f"the text names neither {answers[0]} nor {answers[1]}"), None
    found = _token_at([str(entry.get("token") or "") for entry in content], text, at)
    if found is None:
        return Foretold(None, None, "the answer is not in the tokens that have probabilities"), None
    number, offset = found
    entry, token = content[number], str(content[number].get("token"))
    before = token[:offset]
    drawn = _begun(token, before, answers)
    others = entry.get("top_logprobs")
    if not others:
        return Foretold(None, None, "no alternatives to the answer's token came along"), drawn
    return _normalised(_shares(entry, others, before, answers), drawn, answers), drawn


def _normalised(shares: Mapping[str, float], drawn: str | None, answers: tuple[str, str]) -> Foretold:
    either = shares[answers[0]] + shares[answers[1]]
    if either <= 0 or (drawn is None and either < ENOUGH):
        why = f"{shown(either, 'share')} falls on tokens that begin {answers[0]} or {answers[1]}, another was drawn"
        return Foretold(None, None, why)
    return Foretold(min(1.0, shares[answers[0]] / either), "token")


def _shares(
    entry: Mapping[str, Any], others: Sequence[Mapping[str, Any]], before: str, answers: tuple[str, str]
) -> dict[str, float]:
    """Probability of the tokens that begin each answer; the token drawn counts once, be it among the others or not."""
    shares = dict.fromkeys(answers, 0.0)
    listed = any(other.get("token") == entry.get("token") for other in others)
    for one in (*others, *(() if listed else (entry,))):
        begun = _begun(str(one.get("token") or ""), before, answers)
        if begun is not None:
            shares[begun] += _probability(one.get("logprob"))
    return shares


def _probability(logprob: Any) -> float:
    """Servers write -inf as -9999; what is no number, or above 0 by more than rounding, counts nothing."""
    if isinstance(logprob, bool) or not isinstance(logprob, int | float) or not logprob <= 1e-3:
        return 0.0
    return math.exp(min(0.0, logprob))


_MARKS = re.compile(r"[^A-Za-z0-9]*")
_WORD = re.compile(r"[a-z]*")


def _begun(token: str, before: str, answers: tuple[str, str]) -> str | None:
    """The answer that ``token`` begins; ``before``: what of the token drawn lies before its answer.

    " Right", "ri", '"right', "right\\n" begin ``right``; "rightly" does not, nor does a piece that begins both answers.
    """
    if re.search(r"[A-Za-z0-9]", before):
        if not token.startswith(before):
            return None
        token = token[len(before) :]
    rest = _MARKS.sub("", token, count=1).lower()
    word = _WORD.match(rest)[0]  # type: ignore[index]  # it matches the empty word too
    ended = len(word) < len(rest)
    begun = [a for a in answers if word and (word == a.lower() if ended else a.lower().startswith(word))]
    return begun[0] if len(begun) == 1 else None


_GAP = r"(?:[^\w\n\\]|_)*"
_BRACES = rf"(?:\\(?:\w+\{{|[(\[]){_GAP})*"
_FORMAL = re.compile(
    rf"\b(?:answer|prediction)\b{_GAP}[:：=]{_GAP}(?:\n{_GAP})*{_BRACES}|\\f?boxed\{{{_GAP}{_BRACES}|<answer>\s*{_GAP}",
    re.I,
)
_SAID = re.compile(rf"\b(?:answer|prediction)\s+(?:is|would be|will be)\b{_GAP}{_BRACES}", re.I)


def answer_at(text: str, answers: tuple[str, str] = ANSWERS) -> int | None:
    """Where the final answer begins in ``text``: offset of its first letter; ``None`` where there is no such place.

    The last "Answer: …", box or "the answer is …" that is followed by one of ``answers``; else the last place made for an answer,
    whatever stands there; else where one of them is last named.

    >>> answer_at("All right. Answer: **wrong**")
    21
    """
    word = re.compile(rf"(?:{'|'.join(map(re.escape, answers))})(?![A-Za-z])", re.I)
    formal = [m.end() for m in _FORMAL.finditer(text)]
    stated = [at for at in sorted(formal + [m.end() for m in _SAID.finditer(text)]) if word.match(text, at)]
    if stated:
        return stated[-1]
    if formal and formal[-1] < len(text):
        return formal[-1]
    named = [m.start() for m in re.finditer(rf"(?<![A-Za-z]){word.pattern}", text, re.I)]
    return named[-1] if named else None


def _token_at(tokens: Sequence[str], text: str, at: int) -> tuple[int, int] | None:
    """The token that holds the character ``at`` of ``text``, and the offset in it.

    Tokens and text are laid side by side by their ASCII characters but white space: decoders drop leading spaces, write them as
    Ġ or ▁, and cut characters of several bytes in pieces. Tokens behind the text (an end mark) or before it do not matter.
    """
    if not _solid(text[at : at + 1]):
        return None
    places = [(number, offset) for number, token in enumerate(tokens) for offset in _places(token)]
    joined = "".join(tokens[number][offset] for number, offset in places)
    behind = "".join(text[k] for k in _places(text) if k >= at)
    end = joined.rfind(behind)
    if end < 0:
        return None
    ahead = "".join(text[k] for k in _places(text) if k < at)[-_ALIKE:]
    # The end of a reply may be all there is.
    same = joined[max(0, end - len(ahead)) : end]
    return places[end] if ahead.endswith(same) else None


_ALIKE = 40
"""Characters before the answer that must be the same in tokens and text."""


def _solid(character: str) -> bool:
    return "!" <= character <= "~"


def _places(text: str) -> list[int]:
    return [k for k, character in enumerate(text) if _solid(character)]


_NUMBER = (
    r"(?P<sign>[-−–]?)(?<![\w.,])(?P<n>\d{1,4}(?:[.,]\d{1,20})?|[.,]\d{1,20})(?!\d)"
    r"(?P<unit>\s*(?:\\?%|percent\b|per cent\b|/\s*100\b|out of 100\b))?"
)
_NOUN = r"(?:probability|likelihood|chance|P\((?:right|wrong|correct|incorrect|success)\))"
_AFTER = re.compile(
    rf"{_NOUN}(?P<about>[^\n.;:=]{{0,120}}?)(?:\([^()\n]{{0,40}}\)[\s\"]*)?(?:[:=≈~]|\bis\b|\bof\b|\bat\b|\s[-–—]\s)"
    rf"[^\w\n.,−–-]*(?:(?:about|around|approximately|roughly|of)\s+)?{_NUMBER}(?P<more>.{{0,12}})",
    re.I,
)
_BEFORE = re.compile(rf"{_NUMBER}\s+{_NOUN}(?P<about>[^\n.;]{{0,120}})", re.I)
_ALONE = re.compile(rf"^\W*{_NUMBER}\W*$")
_GOES_ON = re.compile(r"^\s*(?:[-–—/:^]|to\b|and\b|or\b|in\b|of\b|out of\b)\s*[.\d]|^[eE^/:]", re.I)
_RIGHT = re.compile(r"\b(?:correct(?:ly)?|right)\b", re.I)
_WRONG = re.compile(r"\b(?:wrong\w*|incorrect\w*|fail\w*|mistaken?|err(?:or|s)?)\b", re.I)
_WRONG_WORD = re.compile(r"\b(?:wrong|incorrect)(?:ly)?\b", re.I)
_NOT = re.compile(r"\b(?:not|no|never|neither|nor)\b|n['’]t\b", re.I)


def verbalised(text: str) -> float | None:
    """The probability of right that an answer states, from 0 to 1; the last one counts.

    A probability of *wrong* is turned round. ``None`` where none is stated, and where the last one is a range, is negated, or is
    no probability ("Probability: 73" without a percent sign).

    >>> verbalised("Answer: right\\nProbability: 0.73"), verbalised("73 %"), verbalised("Probability: 73")
    (0.73, 0.73, None)
    """
    text = plain(text)
    found = sorted([*_AFTER.finditer(text), *_BEFORE.finditer(text)], key=lambda m: m.end())
    if found:
        return _stated(found[-1])
    lines = [line for line in text.splitlines() if line.strip()]
    alone = _ALONE.match(lines[-1][-80:]) if lines else None
    return _value(alone) if alone and alone["unit"] else None


def _stated(match: re.Match[str]) -> float | None:
    about = match[0][: match.start("n") - match.start()] + " " + match["about"]
    if _NOT.search(about) or _GOES_ON.match(match.groupdict().get("more") or ""):
        return None
    value, against = _value(match), _WRONG.search(about)
    if against and _RIGHT.search(about):
        return None
    return 1 - value if value is not None and against else value


def _value(match: re.Match[str]) -> float | None:
    if match["sign"]:
        return None
    value = float(match["n"].replace(",", ".")) / (100 if match["unit"] else 1)
    return value if 0 <= value <= 1 else None


LONGEST_ANSWER = 512
"""Tokens, counted from the end, whose probabilities are kept at most."""


class TrimmedChat:
    """A chat whose replies hold no more token probabilities than an answer needs; the rest would fill the disk.

    4,096 tokens × 20 alternatives × about 100 bytes = 8 MB a reply; of these, the answer needs the last few kilobytes. Left out
    are the entries before the answer, counted in the body as ``logprobs.dropped``, and the ``bytes`` that repeat each token.
    """

    def __init__(self, chat: Chat) -> None:
        self._chat = chat

    @property
    def model(self) -> str:
        return self._chat.model

    @property
    def dialect(self) -> dict[str, str] | None:
        """How the server is asked, of a chat that finds that out."""
        return getattr(self._chat, "dialect", None)

    @property
    def batches(self) -> Any:
        """As the chat's own, if it has any."""
        return getattr(self._chat, "batches", None)

    def adopt(self, dialect: dict[str, str]) -> None:
        """As the chat's own, if it has one."""
        if adopt := getattr(self._chat, "adopt", None):
            adopt(dialect)

    async def ask(self, request: ChatRequest) -> ChatReply:
        reply = await self._chat.ask(request)
        return reply._replace(raw=trim(reply.raw)) if request.frame.parameters.get("logprobs") else reply

    async def close(self) -> None:
        await self._chat.close()


def trim(raw: str) -> str:
    """The body without the entries before the answer; without any where one of them is none."""
    body = json.loads(raw)
    found = body["choices"][0].get("logprobs")
    if not found:
        return raw
    entries = found.get("content") if isinstance(found, dict) else found
    entries = entries if isinstance(entries, list) else [] if entries is None else [entries]
    if not all(map(_is_entry, entries)):
        body["choices"][0]["logprobs"] = {"content": [], "dropped": len(entries)}
        return json.dumps(body, ensure_ascii=False, separators=(",", ":"))
    tokens = [str(entry.get("token", "")) for entry in entries]
    start = max(answer_start(tokens), len(entries) - LONGEST_ANSWER)
    body["choices"][0]["logprobs"] = {"content": list(map(_slim, entries[start:])), "dropped": start}
    return json.dumps(body, ensure_ascii=False, separators=(",", ":"))


def answer_start(tokens: list[str]) -> int:
    """Place of the first token behind the last ``</think>``; 0 where there is none.

    >>> answer_start(["<think>", "no", "</", "think", ">", "right"])
    5
    """
    tag = "".join(tokens).rfind("</think>")
    ends = list(accumulate(map(len, tokens)))
    return bisect_left(ends, tag + len("</think>")) + 1 if tag >= 0 else 0


def _is_entry(entry: object) -> bool:
    """Whether it is an object with a logarithm, as are its alternatives, if it has any."""
    if not isinstance(entry, dict):
        return False
    value = entry.get("logprob", 0.0)
    if not isinstance(value, int | float) or not value < 1:  # a rounded 0 may lie above
        return False
    others = entry.get("top_logprobs")
    return others is None or (isinstance(others, list) and all(map(_is_entry, others)))


def _slim(entry: dict[str, Any]) -> dict[str, Any]:
    slim = {key: value for key, value in entry.items() if key != "bytes"}
    slim["top_logprobs"] = [_slim(each) for each in entry.get("top_logprobs") or ()]
    if not slim["top_logprobs"]:
        del slim["top_logprobs"]
    return slim
