"""Which field of a row becomes which part of a trace: the user's ``--map``, then well-known names.

    --map response="deepseek-reasoner (response)" --map item=question_id --map answer=choices.0.message.content

A field is a column's name, or a dotted path into nested objects and lists. What is not taken stays in metadata.
"""

from __future__ import annotations

import base64
import math
from collections.abc import Iterable
from typing import Any

from ..errors import InputError, did_you_mean
from ..files.records import whole_text

KNOWN: dict[str, tuple[str, ...]] = {
    "id": ("id", "trace_id", "uid", "custom_id"),
    "item": ("item", "item_id", "question_id", "problem_id", "task_id"),
    "question": (
        "question",
        "prompt",
        "problem",
        "instruction",
        "query",
        "problem_statement",
        "question_text",
        "user_prompt",
        "user_input",
        "user_message",
        "input",
        "inputs",
        "human",
        "user",
        "task",
        "q",
    ),
    "response": (
        "response",
        "completion",
        "output",
        "generation",
        "generated_text",
        "model_response",
        "model_output",
        "llm_response",
        "llm_output",
        "assistant_response",
        "raw_output",
        "full_response",
        "response_text",
        "output_text",
    ),
    "reasoning": (
        "reasoning",
        "reasoning_content",
        "thinking",
        "chain_of_thought",
        "cot",
        "thinking_content",
        "reasoning_trace",
        "thinking_trace",
        "reasoning_text",
        "model_reasoning",
        "thought_process",
        "thinking_process",
        "thoughts",
        "complex_cot",
        "long_cot",
    ),
    "answer": (
        "model_answer",
        "model_prediction",
        "predicted_answer",
        "prediction",
        "answer",
        "final_answer",
    ),
    "reference": (
        "reference",
        "reference_answer",
        "correct_answer",
        "ground_truth",
        "gold",
        "expected_answer",
    ),
    "correct": ("correct", "is_correct"),
    "domain": ("domain",),
    "condition": ("condition",),
    "model": ("model", "model_name", "model_id", "generator"),
    "lang": ("lang",),
}
"""Names taken without ``--map``, best first; case, spaces and hyphens do not matter."""

GOLD = ("answer", "final_answer")
"""Of the names of an answer those that name the right one as often as the model's."""

BESIDE = ("content", "text", "final", "final_response", "conclusion")
"""What a response is called only where its reasoning stands in a column of its own."""

_NAMES_OR_TEXT = ("human", "user", "task", "q")
"""Names of a question that name somebody or something else as often: only with a text of several words."""

TARGETS = tuple(KNOWN)

MISSING = object()
Path = tuple[str, ...]


def parse_map(pairs: Iterable[str]) -> dict[str, str]:
    """``["item=question_id", …]`` → ``{"item": "question_id"}``; unknown and repeated targets are errors."""
    mapping: dict[str, str] = {}
    for pair in pairs:
        target, equals, field = pair.partition("=")
        target, field = target.strip(), field.strip()
        if not equals or not field:
            raise InputError(f"--map {pair!r} is not TARGET=FIELD", "e.g. --map response=output")
        if target in mapping:
            twice = f"--map {target} is given twice: {mapping[target]!r} and {field!r}"
            raise InputError(twice, "import the files in two commands")
        mapping[target] = field
    check_targets(mapping)
    return mapping


def check_targets(names: Iterable[str]) -> None:
    """Raise on a name that is no target."""
    for name in names:
        if name not in TARGETS:
            hint = f"{did_you_mean(name, list(TARGETS))}; targets: {', '.join(TARGETS)}"
            raise InputError(f"there is no target {name!r} to map to", hint)


def find(row: dict[str, Any], field: str) -> tuple[Any, Path]:
    """Value and path of ``field``: a key of that very name, else a dotted path; ``MISSING`` where there is none."""
    if field in row:
        return row[field], (field,)
    value: Any = row
    path = tuple(field.split("."))
    for part in path:
        if isinstance(value, dict) and part in value:
            value = value[part]
        elif isinstance(value, list) and part.isascii() and part.isdigit() and int(part) < len(value):
            value = value[int(part)]
        else:
            return MISSING, ()
    return value, path


def plain_name(column: str) -> str:
    """Column names are compared without case, and spaces are underscores.

    >>> plain_name(" Unit ID")
    'unit_id'
    """
    return column.strip().lower().replace(" ", "_").replace("-", "_")


def known_fields(row: dict[str, Any]) -> dict[str, str]:
    """Which of the row's columns has a well-known name, by target.

    >>> known_fields({"Prompt": "2+2?", "output": "4", "note": ""})
    {'question': 'Prompt', 'response': 'output'}
    """
    plain = {plain_name(name): name for name in reversed(list(row)) if _may_be_meant(name, row[name])}
    found: dict[str, str] = {}
    for target, names in KNOWN.items():
        there = [plain[name] for name in names if name in plain]
        if there:
            found[target] = next((name for name in there if row[name] not in (None, "", [], {})), there[0])
    if "reasoning" in found and not {"response", "answer"} & found.keys():
        beside = [plain[name] for name in BESIDE if name in plain]
        found |= {"response": beside[0]} if beside else {}
    return found


def _may_be_meant(name: str, value: Any) -> bool:
    plain = plain_name(name)
    if plain in ("prediction", "model_prediction"):
        return isinstance(value, str)  # a number is as often how sure the model was
    if plain not in _NAMES_OR_TEXT:
        return True
    return isinstance(value, str) and (len(value.split()) > 3 or value.rstrip()[-1:] in ("?", "？"))


def without(row: dict[str, Any], paths: Iterable[Path]) -> dict[str, Any]:
    """The row less what lies at ``paths``; objects that become empty go too. The row itself is not changed."""
    for path in paths:
        row = _drop(row, path)
    return row


def _drop(value: Any, path: Path) -> Any:
    head, rest = path[0], path[1:]
    if isinstance(value, list):  # places in a list are kept, so that what stays can still be told apart
        index = int(head)
        return [(_drop(v, rest) if rest else None) if i == index else v for i, v in enumerate(value)]
    if not isinstance(value, dict) or head not in value:
        return value
    inner = _drop(value[head], rest) if rest else {}
    return {k: inner if k == head else v for k, v in value.items() if k != head or inner not in ({}, [])}


mend = whole_text
"""What is done to every text that is taken."""


def jsonable(value: Any) -> Any:
    """What JSON and UTF-8 can hold: dates as ISO text, bytes as text or base64, NaN and odd types as their text."""
    if value is None or isinstance(value, int):
        return value
    if isinstance(value, float):
        return value if math.isfinite(value) else str(value)
    if isinstance(value, str):
        return mend(value)
    if isinstance(value, dict):
        return {str(jsonable(str(k))): jsonable(v) for k, v in value.items()}
    if isinstance(value, list | tuple):
        return [jsonable(v) for v in value]
    if isinstance(value, bytes):
        return _bytes_text(value)
    return value.isoformat() if hasattr(value, "isoformat") else jsonable(str(value))


def _bytes_text(value: bytes) -> str:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return base64.b64encode(value).decode()
