"""Details of lighteval, as it writes them today and as it did.

{"doc": {"query": "2+2?", "choices": ["4"], "gold_index": 0, "id": "0"}, "metric": {"pass@k": 1.0},
 "model_response": {"text": ["<think>Easy.</think>4"], "reasonings": [null], "input": "2+2?"}}
{"example": "2+2?", "full_prompt": "2+2?", "predictions": ["<think>Easy.</think>4"], "gold": ["4"], "metrics": {…}}
"""

from __future__ import annotations

import ast
from itertools import zip_longest
from typing import Any

from ..format import Format, NoTrace, Record, Said, first, has, name, obj, text, unfold
from ..messages import is_conversation, last_turn


def fits(record: Record) -> bool:
    return isinstance(obj(record.get("model_response")).get("text"), list | str) or has(
        record, "full_prompt", "predictions"
    )


def read(record: Record) -> list[Said]:
    if "model_response" not in record:
        return _old(record)
    doc, response = obj(record.get("doc")), record["model_response"]
    texts = response["text"] if isinstance(response["text"], list) else [response["text"]]
    thoughts = response.get("reasonings") or []
    prompt = unfold(response.get("input"))
    asked = last_turn(prompt, prompt_only=True).question if is_conversation(prompt) else text(prompt)
    about: Record = {
        "question": text(doc.get("query")) or asked,
        "prompt": text(prompt),
        "item": name(doc.get("id")),
        "reference": _gold(doc),
    }
    return _some(
        [
            Said(response=said, reasoning=thought or None, **about)
            for said, thought in zip_longest(texts, thoughts[: len(texts)])
            if text(said).strip()
        ]
    )


def _gold(doc: Record) -> Any:
    """The choice that is right."""
    gold, choices = doc.get("gold_index"), doc.get("choices")
    gold = first(gold) if isinstance(gold, list) else gold
    if isinstance(choices, list) and isinstance(gold, int) and 0 <= gold < len(choices):
        return choices[gold]
    return None


def _old(record: Record) -> list[Said]:
    predictions = _listed(record["predictions"])
    question = text(record.get("example")) or text(record["full_prompt"])
    texts = predictions if isinstance(predictions, list) else [predictions]
    gold = _listed(record.get("gold"))
    reference = first(gold) if isinstance(gold, list) else gold
    prompt = text(record["full_prompt"])
    return _some(
        [
            Said(question=question, response=said, prompt=prompt, reference=reference)
            for said in texts
            if text(said).strip()
        ]
    )


def _listed(value: Any) -> Any:
    """A list that an older lighteval wrote as Python prints it."""
    if not isinstance(value, str) or value[:2] not in ("['", '["'):
        return value
    try:
        return ast.literal_eval(value)
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return value


def _some(found: list[Said]) -> list[Said]:
    if not found:
        raise NoTrace("an empty output, or log-likelihoods")
    return found


def format() -> Format:
    return Format(
        what="details of lighteval",
        example={
            "doc": {"query": "2+2?", "choices": ["4"], "gold_index": 0, "id": "0", "task_name": "sums"}, "metric": {"pass@k": 1.0},
            "model_response": {"text": ["<think>Two and two.</think>4"], "reasonings": [None], "input": "2+2?"},
        },
        fits=fits,
        read=read,
    )  # fmt: skip
