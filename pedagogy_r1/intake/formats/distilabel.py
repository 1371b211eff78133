"""Rows of a distilabel pipeline.

    {"instruction": "2+2?", "generation": "<think>Easy.</think>4", "model_name": "m", "distilabel_metadata": {"raw_output_text_generation_0": "…"}}

``generation`` may be messages; ``generations`` are several of one question.
"""

from __future__ import annotations

from typing import Any

from ..format import Format, NoTrace, Record, Said, name, text
from ..messages import is_conversation, last_turn


def fits(record: Record) -> bool:
    made = "generation" in record or "generations" in record
    return made and ("distilabel_metadata" in record or ("instruction" in record and "model_name" in record))


def read(record: Record) -> list[Said]:
    given = record.get("generations") or [record.get("generation")]
    models = record.get("generation_models", record.get("model_name"))
    question = text(record.get("instruction")) or text(record.get("prompt"))
    for column in ("messages", "conversation", "input"):
        if not question and is_conversation(record.get(column)):
            question = last_turn(record[column], prompt_only=True).question
    found = []
    for n, generation in enumerate(given if isinstance(given, list) else [given]):
        if generation:
            model = models[n] if isinstance(models, list) and n < len(models) else models
            found.append(_said(generation, question, model))
    if not found:
        raise NoTrace("an empty output")
    return found


def _said(generation: Any, question: str, model: Any) -> Said:
    if is_conversation(generation):
        turn = last_turn(generation)
        return Said(
            question=question or turn.question,
            response=turn.response,
            reasoning=turn.reasoning or None,
            model=name(model),
        )
    return Said(question=question, response=text(generation), model=name(model), known=True)


def format() -> Format:
    said = "<think>Two and two.</think>4"
    return Format(
        what="rows of a distilabel pipeline",
        example={
            "instruction": "2+2?",
            "generation": said,
            "model_name": "m",
            "distilabel_metadata": {"raw_output_text_generation_0": said},
        },
        fits=fits,
        read=read,
    )
