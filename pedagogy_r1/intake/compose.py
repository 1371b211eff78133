"""Reasoning and answer of what was taken of a record: told apart by tags, by their own fields, less an echoed prompt.

response "<think>RRR</think>AAA"                      reasoning RRR, answer AAA
response "QQQ\\n<think>RRR</think>AAA", question QQQ   the same, and the echo is said
reasoning "RRR", response "<think>RRR</think>AAA"     the same: a server that repeats its reasoning
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Literal

from .fields import mend
from .format import Said
from .prompt_marks import asked, template_turns, without_echo
from .think_tags import Pair, Parted, bare, left_over, split_response

NoThink = Literal["reasoning", "answer", "error"]
"""What a response without any think tag is."""


class RowError(Exception):
    """Why a row cannot become a trace."""


@dataclass(frozen=True)
class FieldPlan:
    """What is the same for all rows. ``no_think`` ``None``: reasoning, but where the format has another place for that."""

    mapping: Mapping[str, str] = field(default_factory=dict)
    constants: Mapping[str, str] = field(default_factory=dict)
    no_think: NoThink | None = None
    tags: Sequence[Pair] = ()

    @property
    def decided(self) -> set[str]:
        """The targets that the user has decided."""
        return {*self.mapping, *self.constants}


def compose(texts: dict[str, str], said: Said, plan: FieldPlan) -> tuple[Parted, str]:
    """Reasoning and answer from what was given, and the text after ``</think>`` where a mapped answer displaces it."""
    reasoning, response, answer = (texts.get(name, "") for name in ("reasoning", "response", "answer"))
    if not response and said.exact:
        return Parted(reasoning, answer, "field"), ""
    if not response:
        return _apart(reasoning, answer), ""
    whole = response
    response, more = _less_echo(whole, texts, said)
    placed = said.reasoning is not None and "response" not in plan.decided
    parted = _split(response, reasoning, plan, placed=placed)
    parted.more = more | parted.more
    if response != whole:
        parted.notes.append("the response began with its prompt: taken off")
    _keep_question(parted, texts)
    if not answer:
        return parted, ""
    displaced = parted.answer if parted.answer.strip() not in ("", answer.strip()) else ""
    parted.answer = answer
    return parted, displaced


def _keep_question(parted: Parted, texts: dict[str, str]) -> None:
    """What was asked in the response's own marks: the question, if there is no other; else beside it."""
    if parted.question and not texts.get("question"):
        texts["question"] = parted.question
    elif parted.question and parted.question not in texts["question"]:
        parted.more["prompt"] = parted.question


def _apart(reasoning: str, answer: str) -> Parted:
    """Reasoning and answer that stand apart; tags that only wrap the whole of one of them are taken off."""
    reasoning, answer = _unwrapped_reasoning(reasoning), _unwrapped_answer(answer)
    parted = Parted(reasoning, answer, "field")
    if tag := left_over(reasoning, answer):
        parted.notes.append(f"{tag} stays in the text: a tag that is known, but not where one is expected")
    return parted


def _unwrapped_reasoning(reasoning: str) -> str:
    if not left_over(reasoning):
        return reasoning
    inner = split_response(reasoning)
    whole = inner.think in ("closed", "unopened", "unclosed") and not inner.answer.strip()
    return inner.reasoning if whole and _wrapped(reasoning) else reasoning


def _unwrapped_answer(answer: str) -> str:
    if not left_over(answer):
        return answer
    outer = split_response(answer)
    return (
        outer.answer if outer.think == "absent" and not outer.reasoning.strip() and outer.answer else answer
    )


def _wrapped(reasoning: str) -> bool:
    """Whether the first known tag in a text begins it, or the last ends it."""
    pieces = bare(reasoning)
    return len(pieces) == 1 and not (
        reasoning.strip().startswith(pieces[0]) and reasoning.strip().endswith(pieces[0])
    )


def _less_echo(response: str, texts: dict[str, str], said: Said) -> tuple[str, dict[str, str]]:
    """The response without the prompt that a pipeline put before it, and what of that prompt is said nowhere else."""
    question, prompt = texts.get("question", ""), mend(said.prompt)
    cut, echo = without_echo(response, prompt, question)
    if not echo:
        return response, {}
    asked_for, system = asked(echo)
    if template_turns(echo) and not question:
        texts["question"] = question = asked_for
    more = {"system": system} if system else {}
    if asked_for.strip() not in (question.strip(), prompt.strip()) and asked_for.strip() not in question:
        more["echo"] = echo
    return cut, more


def _split(response: str, reasoning: str, plan: FieldPlan, *, placed: bool) -> Parted:
    """Reasoning and answer of a response, beside which the reasoning may stand by itself."""
    parted = split_response(response, plan.tags)
    if reasoning.strip():
        return _beside(reasoning, response, parted)
    if parted.think != "absent" or (parted.answer and not placed and plan.no_think != "answer"):
        return parted
    how = plan.no_think or ("answer" if placed else "reasoning")
    if how == "error":
        tag = left_over(response)
        raise RowError(
            "no <think> in the response, nor another known tag"
            + (f" ({tag} is taken as text)" if tag else "")
        )
    if how == "answer":
        return Parted(
            "",
            parted.answer if not parted.reasoning.strip() else response,
            "absent",
            parted.question,
            parted.more,
            parted.notes,
        )
    return parted


def _beside(reasoning: str, response: str, parted: Parted) -> Parted:
    """Reasoning in a field of its own, and the response. Servers with a reasoning parser may repeat the one, in tags, in the other."""
    tagged = parted.think != "absent"
    if tagged and parted.reasoning.strip() in ("", reasoning.strip()):
        return Parted(reasoning, parted.answer, "field", parted.question, parted.more)
    alone = _apart(reasoning, response)
    if tagged:
        alone.notes = [
            "reasoning in a field of its own, and other reasoning in tags: the tags stay in the answer"
        ]
    return alone
