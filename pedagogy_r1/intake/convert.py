"""One record of anybody's file → one `Trace`.

    {"question_id": "aime2024-0", "question": "Let $x…", "correct_answer": "33", "response": "<think>\\nOkay…</think>33"}
    →  Trace(id="R1_aime:1", item="aime2024-0", question="Let $x…", reference="33", reasoning="\\nOkay…", answer="33", think="closed")

Order of right: the user's map, the user's constants, what the format says, well-known names. Nothing is thrown away:
what is not taken goes to ``metadata``; a record of which a text would be lost is refused.
"""

from __future__ import annotations

import re
from shlex import quote
from typing import Any, NamedTuple, get_args

from pydantic import ValidationError

from ..errors import first_fault
from ..files.records import dump
from ..trace import Think, Trace
from .compose import FieldPlan, RowError, compose
from .fields import (
    GOLD,
    KNOWN,
    MISSING,
    TARGETS,
    Path,
    find,
    jsonable,
    known_fields,
    mend,
    plain_name,
    without,
)
from .format import NoTrace, Said
from .logged import question_of
from .lossless import Spoken, leaves, lost, rest
from .messages import NotChat, flat, hear, is_conversation, json_parts, last_turn, reasoning_in
from .prompt_marks import asked, template_turns
from .switches import says_none
from .think_tags import Parted, split_response

_LONG = ("question", "response", "reasoning")
_THINK: tuple[Think, ...] = get_args(Think)
_SPEECH = ("response", "reasoning")
_TRUE, _FALSE = ("true", "1", "1.0", "yes", "y"), ("false", "0", "0.0", "no", "n")
_LANG = re.compile(r"[A-Za-z]{2,3}([-_][A-Za-z0-9]{2,8})*")


_OTHERS = re.compile(
    r"reason|think|thought|rationale|explanation|(?:^|[\W_])cot(?:$|[\W_])|response|output|completion|generat|prediction|solution"
    r"|chosen|trajector|attempt|content|message",
    re.IGNORECASE,
)
"""Where the text of a model may stand, whose answer was not found."""

REASONED = re.compile(r"reasoning|think|thought|(?:^|[\W_])cot(?:$|[\W_])", re.IGNORECASE)
"""In the names of columns that are named for reasoning."""


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
    said: Said
    notes: list[str]


def convert(row: dict[str, Any], said: Said, plan: FieldPlan, default_id: str) -> Converted:
    """Make a trace of a row and what its format says of it, or raise `RowError`."""
    taken = _take(row, said, plan)
    texts, notes = _texts(taken)
    parted, after = compose(texts, said, plan)
    if said.known and not said.exact and not {*_SPEECH, "answer"} & plan.mapping.keys():
        _check_gold(row, parted, taken)
    if said.known and plan.no_think is None:
        _look_for_reasoning(row, parted, plan)
    _check(parted, texts, taken, plan)
    own_think = row.get("think") if "response" not in texts and row.get("think") in _THINK else None
    spoken = [texts.get(name, "") for name in (*_LONG, "answer")] + [parted.reasoning, parted.answer]
    metadata = _metadata(
        row, taken, Spoken([*spoken, *_said_more(said)]), drop_think=own_think is not None or said.exact
    )
    _put(metadata, parted.more | ({"after_think": after} if after else {}))
    trace = _trace(
        texts,
        parted,
        taken,
        id=texts.get("id") or default_id,
        think=own_think or parted.think,
        metadata=metadata,
    )
    _check_nothing_lost(row, trace, texts, taken, plan)
    if not trace.reasoning.strip():
        notes.append("no reasoning, only an answer: nothing to code")
    return Converted(trace, taken.sources, taken.absent, notes + parted.notes)


def _trace(texts: dict[str, str], parted: Parted, taken: _Taken, **known: Any) -> Trace:
    for name in ("item", "reference", "domain", "condition", "model"):
        known[name] = texts.get(name) or None
    try:
        return Trace(
            question=texts.get("question", ""),
            reasoning=parted.reasoning,
            answer=parted.answer,
            correct=_correct(taken.values.get("correct"), taken.sources.get("correct", "correct")),
            lang=_lang(texts.get("lang")),
            **known,
        )
    except ValidationError as error:
        raise RowError(first_fault(error)) from None


def _check_nothing_lost(
    row: dict[str, Any], trace: Trace, texts: dict[str, str], taken: _Taken, plan: FieldPlan
) -> None:
    """Raises `RowError` if a text of the row is in no field and not in the metadata."""
    short = [text for target, text in texts.items() if target not in _LONG]
    fields = [
        trace.reasoning,
        trace.answer,
        trace.question,
        trace.think or "",
        *short,
        str(taken.values.get("correct", "")),
    ]
    if path := lost(row, fields, trace.metadata, plan.tags):
        raise RowError(
            f"the text of {path!r} would be lost; take it with --map, or import with --format record"
        )


def _check_gold(row: dict[str, Any], parted: Parted, taken: _Taken) -> None:
    """Refuse a lone ``answer`` where the model's own text is empty, or stands elsewhere: it is the right answer then."""
    name = taken.sources.get("answer")
    if name is None or plain_name(name) not in GOLD or not parted.answer.strip():
        return
    spoken = {column for column in row if plain_name(column) in KNOWN["response"]}
    if spoken and not parted.reasoning.strip():
        raise NoTrace("an empty output")
    if spoken or parted.reasoning.strip():
        return
    for path, text in leaves(without(row, taken.paths)):
        tagged = split_response(text).think in ("closed", "unopened", "repeated")
        if tagged or (_OTHERS.search(path) and len(text.split()) > 3):
            raise RowError(
                f"{name!r} may be the right answer, and what the model said may stand in {path!r}: --map response={path}, or --map answer={name}"
            )


def _look_for_reasoning(row: dict[str, Any], parted: Parted, plan: FieldPlan) -> None:
    """Refuse a response without tags beside a column that is named for reasoning and was not read: which is it?"""
    if parted.think == "absent" and not {*_SPEECH} & plan.mapping.keys():
        for name, value in row.items():
            if (
                REASONED.search(name)
                and isinstance(value, str)
                and len(value.split()) > 3
                and value.strip() not in parted.reasoning
            ):
                raise RowError(
                    f"no <think> in the response, and the reasoning may stand in {name!r}: --map {quote(f'reasoning={name}')}, or --no-think"
                )


def _said_more(said: Said) -> list[str]:
    return [value for value in said.more.values() if isinstance(value, str)]


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


def _check(parted: Parted, texts: dict[str, str], taken: _Taken, plan: FieldPlan) -> None:
    if not parted.reasoning.strip() and not parted.answer.strip():
        lacking = [
            f"no field {plan.mapping[t]!r}" for t in taken.absent if t in ("response", "reasoning", "answer")
        ]
        raise RowError("neither reasoning nor answer" + (f" ({', '.join(lacking)})" if lacking else ""))
    if "id" in plan.mapping and not texts.get("id"):
        raise RowError(f"no id in field {plan.mapping['id']!r}")


def _take(row: dict[str, Any], said: Said, plan: FieldPlan) -> _Taken:
    """Find a value for every target that has one."""
    taken = _Taken({}, {}, [], [], said, list(said.notes))
    for target, name in plan.mapping.items():
        value, path = find(row, name)
        if value is MISSING:
            taken.absent.append(target)
            continue
        found = _mapped(target, value, name)
        taken.values.update({t: v for t, v in found.items() if t == target or t not in plan.decided})
        taken.sources[target] = name
        if not _held(target, value):
            taken.paths.append(path)
    _take_said(taken, plan)
    if said.known:
        _take_known(row, taken, plan)
    taken.values.update(plan.constants)
    return taken


def _take_said(taken: _Taken, plan: FieldPlan) -> None:
    """What the format says of the targets that the user has not decided."""
    speech = ("response", "reasoning", "answer")
    # The user says where the model speaks: then nothing else is its speech.
    passed = {*speech} if {*speech} & plan.mapping.keys() else set()
    for target in TARGETS:
        value = getattr(taken.said, target)
        if value not in (None, "") and target not in plan.decided | taken.values.keys() | passed:
            taken.values[target] = value
            if target in taken.said.where:
                taken.sources[target] = taken.said.where[target]


def _take_known(row: dict[str, Any], taken: _Taken, plan: FieldPlan) -> None:
    """Columns with well-known names, for the targets that are still open."""
    values, said = taken.values, taken.said
    decided = plan.decided | values.keys() | ({"answer"} if "reference" in values else set())
    thought = known_fields(row).get("reasoning")
    if thought and said.reasoning is None and not said.exact and says_none(row[thought]):
        said.reasoning = ""
    known = _known(row, decided, {path[0] for path in taken.paths} | {*said.where.values()}, said.exact)
    for target, name in known.items():
        found = {target: row[name]} if said.exact else _mapped(target, row[name], name)
        values.update({t: v for t, v in found.items() if t not in plan.decided})
    if "question" in known and not said.exact:
        _open_template(taken)
    if "answer" in known and values.get("response") not in (None, ""):
        del values["answer"]
        name = known.pop("answer")
        taken.notes.append(
            f"{name!r} stays in metadata, because the answer comes from the response; if it is the reference: --map reference={name}"
        )
    taken.sources.update(known)
    taken.paths.extend((name,) for target, name in known.items() if not _held(target, row[name]))


def _tagged_column(row: dict[str, Any]) -> str | None:
    """The one column whose text has reasoning in tags, whatever it is called; none, if there are several."""
    tagged = [
        name
        for name, value in row.items()
        if isinstance(value, str) and split_response(value).think in ("closed", "unopened", "repeated")
    ]
    return tagged[0] if len(tagged) == 1 else None


def _open_template(taken: _Taken) -> None:
    """A question in a chat template's marks is told from the system's message, and known again where it is echoed."""
    asked_for = taken.values.get("question")
    if isinstance(asked_for, str) and template_turns(asked_for):
        taken.values["question"], system = asked(asked_for)
        taken.said.prompt = asked_for
        taken.said.more |= {"system": system} if system else {}


def _held(target: str, value: Any) -> bool:
    """Whether a value may hold more than the text that is taken of it: an object, a list of parts."""
    return target in (*_LONG, "answer") and isinstance(value, dict | list)


def _known(row: dict[str, Any], decided: set[str], used: set[str], exact: bool) -> dict[str, str]:
    """The columns with a well-known name, by target, for the targets that nothing has decided."""
    named = {t: name for t, name in known_fields(row).items() if t not in decided and name not in used}
    thought = row.get(named.get("reasoning", ""))
    amount = isinstance(thought, int | float) and bool({"response", "answer"} & named.keys())
    if not exact and "reasoning" in named and (amount or _is_switch(thought)):
        del named["reasoning"]
    spoken = {*_SPEECH} & (decided | named.keys())
    tagged = None if spoken else _tagged_column(row)
    return named | ({"response": tagged} if tagged else {})


def _is_switch(value: Any) -> bool:
    """Whether what is called reasoning says whether and how to reason."""
    return isinstance(value, bool) or (
        isinstance(value, str | dict) and bool(value) and not reasoning_in(value)
    )


def _mapped(target: str, value: Any, name: str) -> dict[str, Any]:
    """What a mapped field says: of an object or a list of parts, reasoning and response both."""
    if target in _SPEECH and isinstance(value, str):
        value = json_parts(value)
    if not _held(target, value) or (isinstance(value, list) and not all(isinstance(v, dict) for v in value)):
        return {target: value}
    try:
        found = _spoken_in(target, value)
    except NotChat as error:
        raise RowError(f"{name!r}: {error}") from None
    if target == "question":
        return {"question": found.get("question") or found.get("response") or question_of(value)[0] or value}
    return _spoken_as(target, found) or {target: value}


def _spoken_as(target: str, found: dict[str, str]) -> dict[str, Any]:
    """What was found for a target, and beside it; nothing, if there is none for the target itself."""
    called = "answer" if target == "answer" else "response"
    said = {called: found.get("response"), "reasoning": found.get("reasoning")}
    said = {t: text for t, text in said.items() if text}
    return said if target in said or target == "response" else {}


def _spoken_in(target: str, value: Any) -> dict[str, str]:
    """What a conversation, a message or a list of parts says, by target."""
    if is_conversation(value):
        turn = last_turn(value, prompt_only=target == "question" and not _answers(value))
        return {"question": turn.question, "response": turn.response, "reasoning": turn.reasoning}
    heard = hear(value if isinstance(value, dict) else {"content": value})
    if target == "reasoning" and not heard.reasoning:
        return {"reasoning": flat(value)}
    return {"response": heard.text, "reasoning": heard.reasoning}


def _answers(messages: list[Any]) -> bool:
    return bool(messages) and hear(messages[-1]).role == "assistant"


def _metadata(row: dict[str, Any], taken: _Taken, spoken: Spoken, *, drop_think: bool) -> dict[str, Any]:
    paths = [*taken.paths, ("think",)] if drop_think else taken.paths
    left = without(taken.said.record or row, paths)
    left = left if taken.said.exact else rest(left, spoken)
    own = left.get("metadata")
    if isinstance(own, dict) and not (own.keys() & left.keys()):
        left = {k: v for k, v in left.items() if k != "metadata"} | own
    result: dict[str, Any] = jsonable(left)
    _put(result, taken.said.more)
    return result


def _put(metadata: dict[str, Any], more: dict[str, Any]) -> None:
    """Add what is not there yet; what would displace something else gets a name of its own."""
    for name, value in more.items():
        value = jsonable(value)
        while name in metadata and metadata[name] != value:
            name += "_"
        if value:
            metadata[name] = value


def _text(target: str, value: Any, name: str) -> str:
    """The text of a cell; JSON values other than text are allowed where a short value is expected."""
    if value is None or value == [] or value == {}:
        return ""
    if isinstance(value, str):
        return value if target in (*_LONG, "answer") else value.strip()
    if target not in _LONG:
        return dump(jsonable(value)) if isinstance(value, dict | list | bool) else str(jsonable(value))
    raise RowError(f"{name!r} should be text, to be taken as {target}, and is {type(value).__name__}")


def _correct(value: Any, name: str) -> bool | None:
    if value is None or value == "":
        return None
    word = str(value).strip().lower()
    if word in _TRUE or word in _FALSE:
        return word in _TRUE
    raise RowError(
        f"{name!r} is {str(value)[:40]!r}, not true or false (yes, no, 1, 0); if it is the right answer: --map reference={name}"
    )


def _lang(value: str | None) -> str:
    if not value:
        return "en"
    if not _LANG.fullmatch(value):
        raise RowError(f"lang is {value[:40]!r}, not a language code such as en or ko")
    return value
