"""Rollouts that verl dumps: prompts decoded, so that the template's roles stand in them as bare words.

{"input": "user\\n2+2?\\nassistant\\n", "output": "<think>Easy.</think>4", "gts": "4", "score": 1.0, "step": 10}
"""

from __future__ import annotations

from ..format import Format, Record, Said, has
from ..prompt_marks import asked


def fits(record: Record) -> bool:
    texts = (
        has(record, "input", "output")
        and isinstance(record["input"], str)
        and isinstance(record["output"], str)
    )
    return texts and has(record, "score") and ("step" in record or "gts" in record)


def read(record: Record) -> Said:
    question, system = asked(record["input"])
    more = {"system": system} if system else {}
    return Said(
        question=question,
        response=record["output"],
        prompt=record["input"],
        reference=record.get("gts"),
        more=more,
    )


def format() -> Format:
    return Format(
        what="rollouts dumped by verl",
        example={
            "input": "user\n2+2?\nassistant\n",
            "output": "<think>Two and two.</think>4",
            "gts": "4",
            "score": 1.0,
            "step": 10,
        },
        fits=fits,
        read=read,
    )
