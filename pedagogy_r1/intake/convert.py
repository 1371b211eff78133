"""One row of anybody's file → one `Trace`.

    {"question_id": "aime2024-0", "question": "Let $x…", "correct_answer": "33", "response": "<think>\\nOkay…</think>33"}
    →  Trace(id="R1_aime:1", item="aime2024-0", question="Let $x…", reference="33", reasoning="\\nOkay…", answer="33", think="closed")

Order of right: the user's map, the user's constants, a chat's messages, well-known names. Nothing is thrown away:
what is not taken goes to ``metadata``.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple, get_args

from pydantic import ValidationError

from ..errors import first_fault
from ..files.records import dump
from ..trace import Split, Think, Trace, split_think
from .chat_rows import ChatRow, NotChat, is_conversation, read_chat
from .fields import MISSING, Path, find, jsonable, known_fields, mend, without

NoThink = Literal["reasoning", "answer", "error"]
"""What a response without any ``<think>`` tag is."""

_LONG = ("question", "response", "reasoning")
_THINK: tuple[Think, ...] = get_args(Think)
_LIKE_THINK = re.compile("</?think(ing)?>", re.IGNORECASE)
_TRUE, _FALSE = ("true", "1", "1.0", "yes", "y"), ("false", "0", "0.0", "no", "n")
_LANG = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*")


class RowError(Exception):
    """Why a row cannot become a trace."""


@dataclass(frozen=True)
class FieldPlan:
    """What is the same for all rows."""

    mapping: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    no_think: NoThink = "reasoning"

    @property
    def decided(self) -> set[str]:
        """The targets that the user has decided."""
        return {*self.mapping, *self.constants}


class Converted(NamedTuple):
    """A trace, which field each target came from, targets whose mapped field the row lacks, and remarks."""

    trace: Trace
    sources: dict[str, str]
    absent: list[str]
    notes: list[str]


class _Taken(NamedTuple):
    values: dict[str, Any]
    sources: dict[str, str]
    paths: list[Path]
    absent: list[str]
    chat: ChatRow
    notes: list[str]


def convert(row: dict[str, Any], plan: FieldPlan, default_id: str) -> Converted:
    """Make a trace of a row, or raise `RowError`."""
    taken = _take(row, plan)
    texts, notes = _texts(taken)
    split, after = _compose(texts, plan.no_think)
    _check(split, texts, taken, plan)
    own_think = row.get("think") if "response" not in texts and row.get("think") in _THINK else None
    metadata = _metadata(row, taken, drop_think=own_think is not None)
    if after:
        metadata["after_think"] = after
    names = ("item", "reference", "domain", "condition", "model")
    try:
        trace = Trace(
            id=texts.get("id") or default_id,
            question=texts.get("question", ""),
            reasoning=split.reasoning,
            answer=split.answer,
            correct=_correct(taken.values.get("correct"), taken.sources.get("correct", "correct")),
            lang=_lang(texts.get("lang")),
            think=own_think or split.think,
            metadata=metadata,
            **{name: texts.get(name) or None for name in names},
        )
    except ValidationError as error:
        raise RowError(first_fault(error)) from None
    return Converted(trace, taken.sources, taken.absent, notes + _remarks(split, texts))


def _remarks(split: Split, texts: dict[str, str]) -> list[str]:
    """What is to be said of the reasoning that was found."""
    notes = []
    if split.think == "absent" and (tag := _like_think(texts["response"])):
        notes.append(f"{tag} was seen and taken as text: the tags that are known are <think> and </think>")
    if not split.reasoning.strip():
        notes.append("no reasoning, only an answer: nothing to code")
    return notes


def _texts(taken: _Taken) -> tuple[dict[str, str], list[str]]:
    """What was taken as text, mended, and what is to be said of it."""
    texts, notes = {}, list(taken.notes)
    for target, value in taken.values.items():
        if target != "correct":
            text = _text(target, value, taken.sources.get(target, target))
            texts[target] = mend(text)
            if texts[target] != text:
                notes.append(f"half a character (lone surrogate) in the {target}: replaced by U+FFFD")
    return texts, notes


def _check(split: Split, texts: dict[str, str], taken: _Taken, plan: FieldPlan) -> None:
    if not split.reasoning.strip() and not split.answer.strip():
        lacking = [
            f"no field {plan.mapping[t]!r}" for t in taken.absent if t in ("response", "reasoning", "answer")
        ]
        raise RowError("neither reasoning nor answer" + (f" ({', '.join(lacking)})" if lacking else ""))
    if "id" in plan.mapping and not texts.get("id"):
        raise RowError(f"no id in field {plan.mapping['id']!r}")


def _take(row: dict[str, Any], plan: FieldPlan) -> _Taken:
    """Find a value for every target that has one."""
    values: dict[str, Any] = {}
    sources: dict[str, str] = {}
    paths: list[Path] = []
    absent: list[str] = []
    for target, name in plan.mapping.items():
        value, path = find(row, name)
        if value is MISSING:
            absent.append(target)
            continue
        values[target], sources[target] = value, name
        paths.append(path)
    chat = _chat(row, plan)
    for target, text in chat.found.items():
        if target not in plan.decided:
            values[target], sources[target] = text, chat.columns[target]
    notes = [chat.note] if chat.note else []
    known = _known(row, plan.decided | values.keys(), {path[0] for path in paths} | set(chat.left))
    values |= {target: row[name] for target, name in known.items()}
    if "answer" in known and values.get("response") not in (None, ""):
        del values["answer"]
        name = known.pop("answer")
        notes.append(
            f"{name!r} stays in metadata, because the answer comes from the response; if it is the reference: --map reference={name}"
        )
    paths += [(name,) for name in known.values()]
    return _Taken(values | dict(plan.constants), sources | known, paths, absent, chat, notes)


def _known(row: dict[str, Any], decided: set[str], used: set[str]) -> dict[str, str]:
    """The columns with a well-known name, by target, for the targets that nothing has decided."""
    found = known_fields(row).items()
    return {target: name for target, name in found if target not in decided and name not in used}


def _chat(row: dict[str, Any], plan: FieldPlan) -> ChatRow:
    try:
        chat = read_chat(row)
    except NotChat as error:
        if "response" in plan.mapping or "reasoning" in plan.mapping:
            return ChatRow({}, {}, {})
        raise RowError(str(error)) from None
    # A chat column of which the user maps a part to something else stays whole in metadata.
    overruled = {chat.columns[target] for target in chat.found if target in plan.decided}
    return chat._replace(left={k: v for k, v in chat.left.items() if k not in overruled})


def _compose(texts: dict[str, str], no_think: NoThink) -> tuple[Split, str]:
    """Reasoning and answer from what was given, and the text after ``</think>`` where a mapped answer displaces it."""
    reasoning, response, answer = (texts.get(name, "") for name in ("reasoning", "response", "answer"))
    if not response:
        return Split(reasoning, answer, "field"), ""
    split = _split(response, reasoning, no_think)
    if not answer:
        return split, ""
    displaced = split.answer if split.answer.strip() not in ("", answer.strip()) else ""
    return split._replace(answer=answer), displaced


def _split(response: str, reasoning: str, no_think: NoThink) -> Split:
    """Reasoning and answer of a response, beside which the reasoning may stand by itself."""
    split = split_think(response)
    if reasoning.strip():
        # Servers with a reasoning parser may repeat the reasoning, in tags, before the answer.
        same = split.think != "absent" and split.reasoning.strip() == reasoning.strip()
        return Split(reasoning, split.answer if same else response, "field")
    if split.think == "absent" and no_think == "error":
        tag = _like_think(response)
        raise RowError("no <think> in the response" + (f" ({tag} is taken as text)" if tag else ""))
    return Split("", response, "absent") if split.think == "absent" and no_think == "answer" else split


def _like_think(response: str) -> str:
    """A tag that some models write for ``<think>``, if there is one: named, and never guessed at."""
    found = _LIKE_THINK.search(response)
    return found.group() if found else ""


def _metadata(row: dict[str, Any], taken: _Taken, *, drop_think: bool) -> dict[str, Any]:
    paths = [*taken.paths, *((name,) for name in taken.chat.left if name in row)]
    rest: dict[str, Any] = without(row, [*paths, ("think",)] if drop_think else paths)
    rest = rest | {name: value for name, value in taken.chat.left.items() if value not in (None, {}, [])}
    own = rest.get("metadata")
    if isinstance(own, dict) and not (own.keys() & rest.keys()):
        rest = {k: v for k, v in rest.items() if k != "metadata"} | own
    result: dict[str, Any] = jsonable(rest)
    return result


def _text(target: str, value: Any, name: str) -> str:
    """The text of a cell; JSON values other than text are allowed where a short value is expected."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value if target in (*_LONG, "answer") else value.strip()
    if target not in _LONG:
        return dump(jsonable(value)) if isinstance(value, dict | list | bool) else str(jsonable(value))
    if text := _chat_text(target, value, name):
        return text
    raise RowError(f"{name!r} should be text, to be taken as {target}, and is {type(value).__name__}")


def _chat_text(target: str, value: Any, name: str) -> str | None:
    """What a message or a conversation in a cell says of the target."""
    if not (isinstance(value, dict) or is_conversation(value)):
        return None
    column = "messages" if target == "question" and isinstance(value, list) else "response"
    try:
        found = read_chat({column: value}).found
    except NotChat as error:
        raise RowError(f"{name!r}: {error}") from None
    return found.get(target) or found.get("response")


def _correct(value: Any, name: str) -> bool | None:
    if value is None or value == "":
        return None
    word = str(value).strip().lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise RowError(
        f"{name!r} is {str(value)[:40]!r}, not true or false; if it is the right answer: --map reference={name}"
    )


def _lang(value: str | None) -> str:
    if not value:
        return "en"
    if not _LANG.fullmatch(value):
        raise RowError(f"lang is {value[:40]!r}, not a language code such as en or ko")
    return value
