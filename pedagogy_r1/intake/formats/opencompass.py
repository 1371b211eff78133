"""Predictions and details of OpenCompass: one object, whose names are numbers.

{"0": {"origin_prompt": [{"role": "HUMAN", "prompt": "2+2?"}], "prediction": "<think>Easy.</think>4", "gold": "4"}, "1": {…}}
{"accuracy": 50.0, "details": {"0": {"prompt": "2+2?", "origin_prediction": "<think>Easy.</think>4", "references": "4"}}}
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from ..format import Format, NoTrace, Record, Said, first, text
from ..messages import is_conversation, last_turn
from ..prompt_marks import asked

_SAID = ("origin_prediction", "prediction", "pred")


def _numbered(value: Any) -> list[tuple[str, Record]]:
    """The numbered objects that hold a prediction."""
    if not isinstance(value, dict):
        return []
    return [
        (key, one)
        for key, one in value.items()
        if key.isdigit() and isinstance(one, dict) and any(n in one for n in _SAID)
    ]


def fits(record: Record) -> bool:
    if "origin_prompt" in record and "prediction" in record:
        return True
    return bool(record) and (
        (next(iter(record)).isdigit() and bool(_numbered(record))) or bool(_numbered(record.get("details")))
    )


def parts(record: Record) -> Iterator[Record]:
    """The predictions, by number; what stands beside them goes with each."""
    within = bool(_numbered(record.get("details")))
    inner: Record = record["details"] if within else record
    numbered = dict(_numbered(inner))
    if not numbered:
        yield record
        return
    for key, one in numbered.items():
        yield {"index": key, **one}
    beside = {column: value for column, value in record.items() if within and column != "details"}
    beside |= {key: value for key, value in inner.items() if key not in numbered}
    if beside:
        yield {"about": beside}


def read(record: Record) -> list[Said]:
    if "about" in record and "index" not in record:
        raise NoTrace("figures about all predictions")
    value = next((record[column] for column in _SAID if record.get(column)), None)
    texts = [one for one in map(text, value if isinstance(value, list) else [value]) if one.strip()]
    if not texts:
        raise NoTrace("an empty output")
    prompt = record.get("origin_prompt", record.get("prompt"))
    question = (
        last_turn(prompt, prompt_only=True).question if is_conversation(prompt) else asked(text(prompt))[0]
    )
    about: Record = {
        "question": question,
        "prompt": text(prompt),
        "reference": _gold(record),
        "item": record.get("index"),
    }
    thought = text(record.get("reasoning_content")) or None
    return [Said(response=one, reasoning=thought, **about) for one in texts]


def _gold(record: Record) -> Any:
    gold = record.get("gold", record.get("references", record.get("refer")))
    return first(gold) if isinstance(gold, list) and len(gold) == 1 else gold


def format() -> Format:
    one = {
        "origin_prompt": [{"role": "HUMAN", "prompt": "2+2?"}],
        "prediction": "<think>Two and two.</think>4",
        "gold": "4",
    }
    return Format(
        what="predictions and details of OpenCompass", example={"0": one}, fits=fits, read=read, parts=parts
    )
