"""Logs of inspect_ai: ``.eval`` (a zip archive of samples) and ``.json``; all samples, epochs and scores.

    run.eval:  header.json, samples/s1_epoch_1.json, …
    {"id": "s1", "epoch": 1, "input": "2+2?", "target": "4", "messages": […], "output": {"choices": [{"message": {"content": [
      {"type": "reasoning", "reasoning": "Easy."}, {"type": "text", "text": "4"}]}}]}, "scores": {"includes": {"value": "C"}}}

Read by the documented layout, whether or not inspect_ai is installed, so that a log gives the same traces everywhere.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...errors import InputError
from ...files.archive import names_in, zip_entries
from ..format import Format, NoTrace, Record, Said, has, name, obj, text
from ..messages import Heard, hear, is_conversation, last_turn
from ..replies import error_text

_ABOUT = (
    "eval_id",
    "run_id",
    "created",
    "task",
    "task_id",
    "task_version",
    "task_args",
    "model",
    "solver",
    "dataset",
    "tags",
)


def opens(path: Path) -> Iterator[Record] | None:
    """The samples of an ``.eval`` archive; ``None`` for another file."""
    names = names_in(path) if path.suffix in (".eval", ".zip") else []
    header = next((n for n in ("header.json", "_journal/start.json") if n in names), None)
    return _samples(path, header) if header else None


def _samples(path: Path, header: str) -> Iterator[Record]:
    about: Record = {}
    for entry, data in zip_entries(path, lambda n: n == header or n.startswith("samples/"), first=header):
        try:
            found = json.loads(data)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{path}: {entry}: bad JSON: {error}", "write the log again") from None
        if entry == header:
            about = _about(found)
        else:
            yield obj(found) | {"log": about}


def _about(log: Any) -> Record:
    return {
        key: value
        for key, value in obj(obj(log).get("eval")).items()
        if key in _ABOUT and value not in (None, {}, [])
    }


def fits(record: Record) -> bool:
    return (has(record, "eval", "version") and "eval" in record) or (
        has(record, "epoch", "output") and "input" in record
    )


def parts(record: Record) -> Iterator[Record]:
    """The samples of a log in JSON, and what it says of all of them."""
    if "eval" not in record:
        yield record
        return
    samples = record.get("samples")
    if not isinstance(samples, list) or not samples:
        raise NoTrace("a log without samples")
    for sample in samples:
        yield obj(sample) | {"log": _about(record)}
    yield {"header": {column: value for column, value in record.items() if column != "samples"}}


def read(record: Record) -> list[Said]:
    if "header" in record and "output" not in record:
        raise NoTrace("what a log says of all samples")
    output = obj(record.get("output"))
    choices = output.get("choices")
    heard = [hear(obj(obj(c).get("message"))) for c in choices] if isinstance(choices, list) else []
    question, (said, system) = _question(record.get("input")), _last_said(record.get("messages"), heard)
    if not said.response.strip() and not said.reasoning:
        error = record.get("error")
        raise NoTrace(f"a sample that failed: {error_text(error)}" if error else "an empty output")
    said.correct, said.reference = _correct(record), _target(record)
    models = name(output.get("model")), name(obj(record.get("log")).get("model"))
    said.model = next((model for model in models if model and not model.startswith("none/")), None)
    said.more |= {"system": system} if system else {}
    if "trace_id" in (about := obj(record.get("metadata"))):  # a log of ours: what inspect has no field for
        said.domain, said.condition, said.lang = (name(about.get(n)) for n in ("domain", "condition", "lang"))
    several = [said, *map(_of, heard[1:])]
    for one in several:
        one.question, one.item, one.record = question or said.question, name(record.get("id")), record
    return several


def _question(asked: Any) -> str:
    return last_turn(asked, prompt_only=True).question if is_conversation(asked) else text(asked)


def _last_said(messages: Any, heard: list[Heard]) -> tuple[Said, str]:
    """What the conversation ends with, and the system's message; without a conversation the first choice."""
    if is_conversation(messages) and any(m.get("role") == "assistant" for m in messages):
        turn = last_turn(messages)
        reasoning = turn.reasoning if turn.thinks else None
        return Said(question=turn.question, response=turn.response, reasoning=reasoning), turn.system
    return _of(heard[0]) if heard else Said(), ""


def _of(heard: Heard) -> Said:
    return Said(response=heard.text, reasoning=heard.reasoning if heard.thinks else None)


def _target(sample: Record) -> Any:
    target = sample.get("target")
    return target[0] if isinstance(target, list) and len(target) == 1 else target or None


def _correct(sample: Record) -> bool | None:
    """What the scorers say, if they agree: ``C`` and 1 are right, ``I`` and 0 wrong."""
    values = {
        obj(score).get("value")
        for score in obj(sample.get("scores")).values()
        if isinstance(obj(score).get("value"), str | int | float)
    }
    known = {"C": True, 1: True, "I": False, 0: False}
    said = {known.get(value) for value in values}
    return said.pop() if len(said) == 1 else None


def whole(record: Record) -> Record:
    """A sample with the texts that it keeps apart put back where they belong; a log with such samples."""
    samples = record.get("samples")
    if isinstance(samples, list):
        return record | {
            "samples": [_whole(sample) if isinstance(sample, dict) else sample for sample in samples]
        }
    return _whole(record)


def _whole(sample: Record) -> Record:
    attachments = obj(sample.get("attachments"))
    if not attachments:
        return sample
    used: set[str] = set()
    rest = {key: value for key, value in sample.items() if key != "attachments"}
    found = obj(_put_back(rest, attachments, used))
    left = {key: value for key, value in attachments.items() if key not in used}
    return found | ({"attachments": left} if left else {})


def _put_back(value: Any, attachments: Record, used: set[str]) -> Any:
    if isinstance(value, str) and value.startswith("attachment://"):
        key = value.removeprefix("attachment://")
        used.add(key)
        return attachments.get(key, value)
    if isinstance(value, dict):
        return {key: _put_back(inner, attachments, used) for key, inner in value.items()}
    return [_put_back(inner, attachments, used) for inner in value] if isinstance(value, list) else value


def format() -> Format:
    message = {
        "role": "assistant",
        "content": [{"type": "reasoning", "reasoning": "Two and two."}, {"type": "text", "text": "4"}],
    }
    return Format(
        what="logs of inspect_ai, .eval or .json",
        example={
            "id": "s1", "epoch": 1, "input": "2+2?", "target": "4",
            "messages": [{"role": "user", "content": "2+2?"}, message], "output": {"model": "m", "choices": [{"message": message}]},
            "scores": {"includes": {"value": "C"}},
        },
        fits=fits,
        read=read,
        parts=parts,
        opens=opens,
        whole=whole,
    )  # fmt: skip
