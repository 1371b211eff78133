"""What models put around their reasoning and around their answer, in every family that is known.

    <think>RRR</think>AAA        [THINK]RRR[/THINK]AAA        <|begin_of_thought|>RRR<|end_of_thought|> …
    <|channel|>analysis<|message|>RRR<|end|><|start|>assistant<|channel|>final<|message|>AAA<|return|>

`split_response` tells reasoning from answer by them; nothing but the tags is dropped, and a known tag that stays in a text is said.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from html import escape
from itertools import chain
from typing import Any

from ..trace import Think

Pair = tuple[str, str]

THINK: Pair = ("<think>", "</think>")
FAMILIES: tuple[Pair, ...] = (
    THINK,
    ("<thinking>", "</thinking>"),
    ("<thought>", "</thought>"),
    ("<reasoning>", "</reasoning>"),
    ("[THINK]", "[/THINK]"),  # Magistral
    ("◁think▷", "◁/think▷"),  # Kimi
    ("<seed:think>", "</seed:think>"),  # Seed-OSS
    ("<|begin_of_thought|>", "<|end_of_thought|>"),  # Sky-T1, OpenThoughts
    ("<|START_THINKING|>", "<|END_THINKING|>"),  # Command A
    ("<|channel>thought", "<channel|>"),  # Gemma
    ("<|inner_prefix|>", "<|inner_suffix|>"),  # Apertus
    ("<scratchpad>", "</scratchpad>"),
    ("[unused16]", "[unused17]"),  # Pangu
    ("<unused94>thought", "<unused95>"),  # MedGemma
    ("＜think＞", "＜/think＞"),
)
"""Opening and closing tags of reasoning; case does not matter. Those in angle brackets are known in HTML's writing too."""

_NAMED = re.compile(
    r"\s*(?P<open><\|?(?P<name>(?:\w+[_:-])*(?:think(?:ing)?|thoughts?|reason(?:ing|s)?|monologue|scratchpad|analysis|rationale|cot)(?:[_:-]\w+)*)"
    r"(?:\s[^<>]{0,80})?\s*\|?>)",
    re.IGNORECASE,
)
"""A tag of any other name for reasoning that a response begins with: ``<longcat_think>``, ``<think lang="en">``, ``<|thought|>``."""

SPOKEN: tuple[Pair, ...] = (
    ("Here is my thought process:", "Here is my response:"),  # Granite
    ("Thinking...", "...done thinking."),  # Ollama, in a terminal
)
"""Marks in words: only where a response begins with them."""

ANSWERS: tuple[Pair, ...] = (
    ("<answer>", "</answer>"),
    ("<output>", "</output>"),
    ("<|begin_of_solution|>", "<|end_of_solution|>"),
    ("<|START_RESPONSE|>", "<|END_RESPONSE|>"),
    ("<response>", "</response>"),
    ("<solution>", "</solution>"),
    ("<final>", "</final>"),
    ("<final_answer>", "</final_answer>"),
    ("<|begin_of_box|>", "<|end_of_box|>"),  # GLM
)
"""Tags around an answer."""

_ESCAPED: tuple[Pair, ...] = tuple((escape(a), escape(b)) for a, b in FAMILIES if a != escape(a))


def _any_of(pairs: Iterable[Pair]) -> re.Pattern[str]:
    return re.compile("|".join(re.escape(tag) for pair in pairs for tag in pair), re.IGNORECASE)


_KNOWN = _any_of((*FAMILIES, *ANSWERS, *_ESCAPED))
_SPOKEN = _any_of(SPOKEN)
_END_OF_TEXT = re.compile(
    r"(?:\s*(?:<[|｜](?:im_end|eot_id|end|return|endoftext|end▁of▁sentence|end_of_text)[|｜]>|</s>|<eos>|<end_of_turn>|<turn\|>))+\s*\Z"
)
_HARMONY_TOKENS = re.compile(
    r"<\|start\|>[^<]*|<\|channel\|>\s*\w+|<\|constrain\|>\s*\w*|<\|(?:message|end|return|call)\|>"
    r"|(?:^\s*|assistant)(?:analysis|commentary|final)"
)
_HARMONY = re.compile(
    r"(?:<\|start\|>(?P<role>[^<]*))?(?:<\|channel\|>(?P<channel>[^<]*))?(?:<\|constrain\|>[^<]*)?"
    r"<\|message\|>(?P<text>.*?)(?:<\|(?:end|return|call)\|>|(?=<\|start\|>)|\Z)",
    re.DOTALL,
)
_BEGUN = re.compile(
    r"\s*(?:(?P<channel>analysis|commentary|final)\s*|(?P<text>(?:(?!<\|).)*\S(?:(?!<\|).)*)<\|end\|>\s*)",
    re.DOTALL,
)
_BARE = re.compile(r"assistant(?=(?:analysis|commentary|final))")


@dataclass
class Parted:
    """A response, told apart. ``more``: what is neither, for the metadata; ``question``: where the response held it too."""

    reasoning: str
    answer: str
    think: Think
    question: str = ""
    more: dict[str, Any] = field(default_factory=dict)
    notes: list[str] = field(default_factory=list)


def split_response(response: str, extra: Sequence[Pair] = ()) -> Parted:
    """Tell reasoning from answer; ``extra``: the user's own tags, which come before those that are known.

    >>> parted = split_response("[THINK]2+2 is 4.[/THINK]<answer>4</answer>")
    >>> parted.reasoning, parted.answer, parted.think
    ('2+2 is 4.', '4', 'closed')
    """
    if harmony := split_harmony(response):
        return harmony
    pair = _family(response, extra)
    parted = Parted(response, "", "absent") if pair is None else _split(response, pair)
    _unwrap(parted)
    if pair and pair != THINK:
        parted.notes.append(f"reasoning in {pair[0].strip()} … {pair[1]}")
    if parted.think != "repeated" and (tag := left_over(parted.reasoning, parted.answer)):
        parted.notes.append(f"{tag} stays in the text: a tag that is known, but not where one is expected")
    return parted


def left_over(*texts: str) -> str | None:
    """The first known tag that stands in one of the texts."""
    for text in texts:
        if found := _KNOWN.search(text):
            return found.group()
    return None


def bare(text: str, extra: Sequence[Pair] = ()) -> list[str]:
    """The stretches of a text between all known tags and marks: what must not be lost of it."""
    marks = [re.compile(re.escape(tag)) for pair in extra for tag in pair] + [_KNOWN]
    if text.lstrip().lower().startswith(tuple(pair[0].lower() for pair in SPOKEN)):
        marks.append(_SPOKEN)
    if named := _named(text):
        marks += [re.compile(re.escape(tag), re.IGNORECASE) for tag in named]
    if "<|" in text or "assistantfinal" in text:
        marks.append(_HARMONY_TOKENS)
    parts = [text]
    for mark in marks:
        parts = [piece for part in parts for piece in mark.split(part)]
    return [piece.strip() for piece in parts if piece.strip()]


def _family(response: str, extra: Sequence[Pair]) -> Pair | None:
    """The pair of tags that this response uses.

    The one that it begins with; else <think>, wherever one of its tags stands; else the first of which the closing tag is there.
    """
    low = response.lower()
    start = low.lstrip()
    if (
        not extra
        and not start.startswith(("here is", "thinking..."))
        and not any(sign in response for sign in ("<", "[", "◁", "&lt;", "＜"))
    ):
        return None
    spoken = [pair for pair in SPOKEN if pair[1].lower() in low]
    named = _named(response)
    begins = (pair for pair in (*extra, *FAMILIES, *_ESCAPED, *spoken) if start.startswith(pair[0].lower()))
    stands = (pair for pair in (*extra, THINK) if any(tag.lower() in low for tag in pair))
    return next(chain(begins, filter(None, [named]), stands), None) or _first_closed(low)


def _named(response: str) -> Pair | None:
    """The tags of a response that begins with one of a name for reasoning, and closes it."""
    match = _NAMED.match(response)
    if not match or match["open"].lower() in (pair[0].lower() for pair in FAMILIES):
        return None
    closing = re.compile(
        rf"<\|?/{re.escape(match['name'])}\s*\|?>|<\|end_?{re.escape(match['name'])}\|>", re.IGNORECASE
    )
    end = closing.search(response, match.end())
    return (match["open"], end[0]) if end else None


def _first_closed(low: str) -> Pair | None:
    """Of the families whose closing tag stands in a text, the one that closes first."""
    found = [(low.find(pair[1].lower()), pair) for pair in (*FAMILIES, *_ESCAPED) if pair[1].lower() in low]
    return min(found)[1] if found else None


def _split(response: str, pair: Pair) -> Parted:
    opening, closing = pair
    low, opening_low, closing_low = response.lower(), opening.lower(), closing.lower()
    if len(low) != len(response):  # a letter whose small form is two: places would shift
        low, opening_low, closing_low = response, opening, closing
    start, end = low.find(opening_low), low.find(closing_low)
    if start < 0 and end < 0:
        return Parted(response, "", "absent")
    if end < 0:
        return Parted(response[:start] + response[start + len(opening) :], "", "unclosed")
    if start < 0 or start > end:
        return _more(Parted(response[:end], response[end + len(closing) :], "unopened"), pair)
    before = response[:start]
    parted = Parted(response[start + len(opening) : end], before + response[end + len(closing) :], "closed")
    if before.strip():
        parted.notes.append(f"text before {opening}: it stands before the answer")
    return _more(parted, pair)


def _more(parted: Parted, pair: Pair) -> Parted:
    """Marks a response that has more of these tags than one pair."""
    texts = (parted.reasoning.lower(), parted.answer.lower())
    if any(tag.lower() in text for tag in pair for text in texts):
        parted.think = "repeated"
    return parted


def _unwrap(parted: Parted) -> None:
    """Takes off the tags around an answer; of a response without reasoning tags, what stands before them is the reasoning."""
    text = parted.answer if parted.think != "absent" else parted.reasoning
    for opening, closing in ANSWERS:
        start, end = text.find(opening), text.rfind(closing)
        if start < 0:
            continue
        inside = text[start + len(opening) : end if end > start else len(text)]
        behind = _END_OF_TEXT.sub("", text[end + len(closing) :]).strip() if end > start else ""
        if behind or opening in inside:
            continue
        if parted.think == "absent":
            parted.reasoning, parted.answer = text[:start], inside
        elif not text[:start].strip():
            parted.answer = inside
        return


def split_harmony(response: str) -> Parted | None:
    """A reply of gpt-oss in its own marks, or with them decoded away; ``None`` for anything else.

    The analysis is the reasoning, the final channel the answer; what was said in other channels is kept under its channel's name.
    """
    if "<|message|>" in response:
        head, spoken = _harmony_messages(response)
    elif (low := response.lstrip()).startswith(("analysis", "assistantanalysis")) and "assistantfinal" in low:
        head, spoken = "", _bare_messages(low)
    else:
        return None
    if not any(channel for _, channel, _ in spoken):
        return None
    return _harmony(head, spoken)


def _harmony_messages(response: str) -> tuple[str, list[tuple[str, str, str]]]:
    found = list(_HARMONY.finditer(response))
    head = response[: found[0].start()] if found else ""
    spoken = [((m["role"] or "assistant").strip(), (m["channel"] or "").strip(), m["text"]) for m in found]
    begun = _BEGUN.fullmatch(head)
    if begun and spoken and (begun["text"] is not None or not (found[0]["role"] or found[0]["channel"])):
        # The prompt ended in <|channel|>, or in the marks of the whole analysis.
        if begun["text"] is None:
            spoken[0] = ("assistant", begun["channel"], spoken[0][2])
        else:
            spoken.insert(0, ("assistant", "analysis", begun["text"]))
        head = ""
    return head, spoken


def _bare_messages(response: str) -> list[tuple[str, str, str]]:
    spoken = []
    for piece in _BARE.split(response):
        channel = next((name for name in ("analysis", "commentary", "final") if piece.startswith(name)), "")
        if piece:
            spoken.append(("assistant", channel, piece[len(channel) :]))
    return spoken


def _harmony(head: str, spoken: Iterable[tuple[str, str, str]]) -> Parted:
    """Messages as (role, channel, text), told apart."""
    by: dict[str, list[str]] = {}
    for role, channel, text in spoken:
        kind, said = _harmony_kind(role, channel, text)
        by.setdefault(kind or "other", []).append(said)
    if head.strip():
        by.setdefault("other", []).insert(0, head)
    reasoning, answer, question = ("\n\n".join(by.pop(kind, [])) for kind in ("analysis", "final", "user"))
    more = {kind: "\n\n".join(texts) for kind, texts in by.items()}
    think: Think = "closed" if answer or not reasoning else "unclosed"
    notes = [f"what was said in {kind!r} is in metadata" for kind in more if kind != "system"]
    return Parted(reasoning, answer, think, question, more, notes)


def _harmony_kind(role: str, channel: str, text: str) -> tuple[str, str]:
    """Who speaks, or in which channel the assistant does, and what is said: to a tool, under its name."""
    name, recipient = (channel.split() or [""])[0], channel.partition(" ")[2]
    who = role.split()[0] if role else "assistant"
    if who != "assistant":
        return {"developer": "system"}.get(who, who), text
    return name, f"{recipient}: {text}" if recipient and name not in ("analysis", "final") else text
