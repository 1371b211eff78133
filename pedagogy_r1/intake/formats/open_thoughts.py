"""OpenThoughts in its layouts, and the data sets made like it (Bespoke-Stratos, Sky-T1): turns from/value, or columns of DeepSeek's.

{"system": "…", "conversations": [{"from": "user", "value": "2+2?"}, {"from": "assistant", "value": "<|begin_of_thought|>Easy.<|end_of_thought|> …"}]}
{"difficulty": 8, "source": "ai2", "domain": "math", "conversations": [{"from": "human", …}, {"from": "gpt", "value": "<think>Easy.</think>4"}]}
{"problem": "2+2?", "deepseek_reasoning": "Easy.", "deepseek_solution": "4", "ground_truth_solution": "4", "domain": "math"}
"""

from __future__ import annotations

from ..format import Format, Record, Said, first, name, text
from ..messages import is_conversation, last_turn


def fits(record: Record) -> bool:
    turns = record.get("conversations")
    listed = is_conversation(turns) and "from" in turns[0] and "messages" not in record
    return "deepseek_reasoning" in record or listed


def read(record: Record) -> Said:
    said = Said(known=True)
    if "deepseek_reasoning" in record:
        said.question = text(record.get("problem")) or text(record.get("question"))
        said.reasoning = text(record["deepseek_reasoning"])
        answers = (
            record.get(column)
            for column in ("deepseek_solution", "deepseek_answer", "deepseek_response", "deepseek_attempt")
        )
        said.response = next(filter(None, map(text, answers)), "")
        said.reference = first(
            [record[c] for c in ("ground_truth_solution", "ground_truth", "gold", "answer") if record.get(c)]
        )
        said.model = "DeepSeek-R1" if "model" not in record else name(record["model"])
        return said
    turn = last_turn(record["conversations"])
    said.question, said.response, said.reasoning = turn.question, turn.response, turn.reasoning or None
    said.where = dict.fromkeys(("question", "response"), "conversations")
    if turn.system:
        said.more["system"] = turn.system
    return said


def format() -> Format:
    turns = [
        {"from": "user", "value": "2+2?"},
        {"from": "assistant", "value": "<|begin_of_thought|>Two and two.<|end_of_thought|>4"},
    ]
    return Format(
        what="OpenThoughts (three layouts), Bespoke-Stratos and what is made like them",
        example={"system": "Teach.", "conversations": turns},
        fits=fits,
        read=read,
    )
