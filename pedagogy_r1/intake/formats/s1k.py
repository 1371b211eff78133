"""s1K and s1K-1.1: thinking trajectories and attempts, of Gemini and of DeepSeek.

    {"question": "2+2?", "solution": "4", "deepseek_thinking_trajectory": "Easy.", "deepseek_attempt": "4", "gemini_thinking_trajectory": "…", …}
    {"question": "2+2?", "solution": "4", "thinking_trajectories": ["Easy."], "attempt": "4"}

DeepSeek's is taken where there are both; ``--explode generations`` makes a trace of each.
"""

from __future__ import annotations

from ..format import Format, Record, Said, text


def fits(record: Record) -> bool:
    return any(
        column in record
        for column in ("deepseek_thinking_trajectory", "gemini_thinking_trajectory", "thinking_trajectories")
    )


def read(record: Record) -> list[Said]:
    question, reference = text(record.get("question")), record.get("solution")
    found = []
    for who in ("deepseek", "gemini"):
        thought, said = text(record.get(f"{who}_thinking_trajectory")), text(record.get(f"{who}_attempt"))
        if thought or said:
            found.append(
                Said(question=question, reasoning=thought, response=said, reference=reference, model=who)
            )
    given = record.get("thinking_trajectories") if not found else []
    thoughts = map(text, given if isinstance(given, list) else [given])
    attempt = text(record.get("attempt"))
    return found + [
        Said(question=question, reasoning=t, response=attempt, reference=reference) for t in thoughts
    ]


def format() -> Format:
    return Format(
        what="s1K and s1K-1.1",
        example={
            "question": "2+2?", "solution": "4", "cot_type": "math",
            "deepseek_thinking_trajectory": "Two and two.", "deepseek_attempt": "4",
            "gemini_thinking_trajectory": "Count.", "gemini_attempt": "It is 4.",
        },
        fits=fits,
        read=read,
    )  # fmt: skip
