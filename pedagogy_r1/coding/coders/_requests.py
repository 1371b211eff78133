"""How units become requests: windows of one trace, the question, a little context, and one frame per repeat."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

from ...chat import ChatFrame, ChatRequest
from ...codebook import NONE
from ...trace import Trace
from ...unit import Unit
from ..prompt import Prompt, message
from ..reply import Answer


class Options(NamedTuple):
    """The options of `llm.coder`; see there."""

    model: str
    base_url: str | None
    window: int
    context: int
    temperature: float | None
    seed: int
    max_output_tokens: int | None
    repeats: int
    critic: bool
    concurrency: int
    retries: int
    backoff: float
    max_tokens_total: int | None
    retry_missing: bool

    @property
    def names(self) -> list[str]:
        """Coders of the first pass, one per repeat."""
        return (
            [self.model] if self.repeats == 1 else [f"{self.model}#{k}" for k in range(1, self.repeats + 1)]
        )

    def frame(self, model: str, prompt: Prompt, repeat: int) -> ChatFrame:
        """What the requests of one repeat share. The system message is the same for all of them."""
        sent = {
            "temperature": self.temperature,
            "seed": self.seed + repeat,
            "max_completion_tokens": self.max_output_tokens,
        }
        return ChatFrame(
            model, prompt.system, prompt.schema, {k: v for k, v in sent.items() if v is not None}
        )

    def windows(self, units: Sequence[Unit]) -> list[list[int]]:
        """Positions of the units of each window."""
        return [
            list(range(low, min(low + self.window, len(units)))) for low in range(0, len(units), self.window)
        ]

    def request(
        self,
        frame: ChatFrame,
        trace: Trace,
        units: Sequence[Unit],
        which: Sequence[int],
        *,
        firsts: Mapping[int, Answer] | None = None,
        why: str | None = None,
    ) -> ChatRequest:
        """The request to code the units at positions ``which``, numbered from 1.

        ``firsts``: what a critic is to judge. ``why``: an earlier answer for this one unit was of no use.
        """
        before = [unit.text for unit in units[max(0, which[0] - self.context) : which[0]]]
        asked: list[dict[str, Any]] = [
            {"unit": number, "text": units[i].text} for number, i in enumerate(which, 1)
        ]
        if firsts is not None:
            for unit, i in zip(asked, which, strict=True):
                unit["first"] = _first(firsts[i])
        return ChatRequest(frame, message(trace.question, before, asked, critic=firsts is not None, why=why))


def _first(answer: Answer) -> dict[str, str | None]:
    primary, secondary = (*answer.codes, None, None)[:2]
    return {"primary": primary or NONE, "secondary": secondary, "rationale": answer.rationale}
