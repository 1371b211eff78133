"""The rows of one batch while it is generated: each draws its own tokens, ends by its own rules, and keeps its own logprobs.

A row's token is found by inversion: u, the next number of the row's own random stream, falls into one token's share of the
distribution, in the order of token ids. So a reply depends on its request and the model, never on what stands in the batch
beside it; only rounding could change that, and in float32 it would have to hit a border between two tokens.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Any, NamedTuple

HEAD = 512
"""Tokens looked at first for the nucleus: nearly always enough, and much cheaper than sorting a vocabulary of 150,000."""
TAIL = 16
"""Tokens decoded to look for a stop text, beside as many as the text has characters."""


@dataclass(eq=False)
class SampledRow:
    """One request on its way, with the fields of `Sampling`. ``matcher``: the grammar to follow, as llguidance has it.

    ``shared``: the prompt's first tokens, whose keys and values are kept for all prompts that begin with them.
    """

    prompt: list[int]
    _: KW_ONLY
    limit: int
    temperature: float = 1.0
    top_p: float = 1.0
    key: int = 0
    top: int | None = None
    stop: Sequence[str] = ()
    matcher: Any = None
    shared: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        self.restart()

    def restart(self) -> None:
        """As if nothing had been generated (a batch that did not fit into memory is done again in halves)."""
        self.tokens: list[int] = []
        self.scored: list[Scored] = []
        self.finish: str | None = None
        self.noise = random.Random(self.key)  # noqa: S311 - sampling, no secret
        if self.matcher is not None:
            self.matcher.reset()

    def take(self, token: int, ends: frozenset[int], tokenizer: Any) -> None:
        """The row's next token; finds out whether it was the last."""
        self.tokens.append(token)
        if self.matcher is not None and not self.matcher.consume_token(token):
            self.finish = "error"
        elif token in ends or self._stopped(tokenizer):
            self.finish = "stop"
        elif len(self.tokens) >= self.limit:
            self.finish = "length"

    def _stopped(self, tokenizer: Any) -> bool:
        if not self.stop:
            return False
        tail = tokenizer.decode(self.tokens[-(max(map(len, self.stop)) + TAIL) :])
        return any(stop in tail for stop in self.stop)


class Scored(NamedTuple):
    """A token's log probability under the model (before temperature), and those of the most probable ones."""

    logprob: float
    top: list[tuple[int, float]]


class SampledRows:
    """All rows of a batch: logits processor and stopping criterion of ``model.generate`` at once.

    ``finished`` is called with the number of a row as soon as it is through.
    """

    def __init__(
        self, rows: Sequence[SampledRow], ends: frozenset[int], tokenizer: Any, pad: int, stopped: Any
    ) -> None:
        self.rows = rows
        self._ends, self._tokenizer, self._pad = ends, tokenizer, pad
        self._stopped = stopped
        self.finished: Callable[[int], None] = lambda _: None
        self._nucleus = any(row.temperature > 0 and row.top_p < 1 for row in rows)
        self._draws = any(row.temperature > 0 for row in rows)
        self._heated = any(row.temperature not in (0, 1) for row in rows)
        self._mixed = self._draws and any(row.temperature == 0 for row in rows)
        self._tensors: tuple[Any, Any, Any] | None = None
        self._logprobs = max((row.top for row in rows if row.top is not None), default=None)

    def process(self, input_ids: Any, scores: Any) -> Any:  # noqa: ARG002 - called by transformers
        """Scores in which only each row's token is possible."""
        import torch

        # Apple's MPS has no float64; what follows is small.
        logits = scores.float() if scores.device.type != "mps" else scores.float().cpu()
        allowed = self._masked(logits)
        chosen = (self._draw(allowed) if self._draws else allowed.argmax(-1)).tolist()
        if self._logprobs is not None:
            self._score(logits, chosen)
        for number, row in enumerate(self.rows):
            if row.finish is None:
                row.take(chosen[number], self._ends, self._tokenizer)
                if row.finish is not None:
                    self.finished(number)
            else:
                chosen[number] = self._pad
        forced = torch.full_like(scores, float("-inf"))
        return forced.scatter_(1, torch.tensor(chosen, device=scores.device).unsqueeze(1), 0.0)

    def ended(self, input_ids: Any, scores: Any, **kwargs: Any) -> Any:  # noqa: ARG002 - called by transformers
        """Which rows are through; all, if nobody waits for them any longer."""
        import torch

        through = [row.finish is not None or self._stopped() for row in self.rows]
        return torch.tensor(through, device=input_ids.device)

    def _masked(self, logits: Any) -> Any:
        """Logits with what no grammar allows taken out."""
        import torch

        masked = logits
        for number, row in enumerate(self.rows):
            if row.matcher is None or row.finish is not None:
                continue
            if masked is logits:
                masked = logits.clone()
            # One byte a token, 0 where it is forbidden.
            mask = torch.frombuffer(bytearray(row.matcher.compute_logit_bias()), dtype=torch.uint8)
            masked[number].masked_fill_(mask.to(masked.device) == 0, float("-inf"))
        return masked

    def _draw(self, logits: Any) -> Any:
        """One token a row: the most probable where the temperature is 0, else by inversion within the nucleus."""
        import torch

        heat, top_p, cold = self._settings(logits.device)
        shares = (logits / heat if self._heated else logits).softmax(-1)
        if self._nucleus:
            shares = _nucleus(shares, top_p)
        sums = shares.cumsum(-1, dtype=torch.float64)
        at = torch.tensor(
            [[row.noise.random()] for row in self.rows], dtype=torch.float64, device=sums.device
        )
        drawn = torch.searchsorted(sums, at.mul_(sums[:, -1:]), right=True).squeeze(1)
        drawn = drawn.clamp_(max=logits.shape[-1] - 1)
        return torch.where(cold, logits.argmax(-1), drawn) if self._mixed else drawn

    def _settings(self, device: Any) -> tuple[Any, Any, Any]:
        """Temperatures and top-ps, [rows, 1], and which rows are greedy, [rows]; the same at every step."""
        import torch

        if self._tensors is None:
            heat = torch.tensor([[row.temperature or 1.0] for row in self.rows], device=device)
            top_p = torch.tensor([[row.top_p] for row in self.rows], device=device)
            cold = torch.tensor([row.temperature == 0 for row in self.rows], device=device)
            self._tensors = heat, top_p, cold
        return self._tensors

    def _score(self, logits: Any, chosen: list[int]) -> None:
        import torch

        logs = logits.log_softmax(-1)
        taken = logs.gather(1, torch.tensor(chosen, device=logs.device).unsqueeze(1)).squeeze(1).tolist()
        values, tokens = (part.tolist() for part in logs.topk(max(1, self._logprobs or 0), -1))
        for number, row in enumerate(self.rows):
            if row.top is not None and row.finish is None:
                top = list(zip(tokens[number][: row.top], values[number][: row.top], strict=True))
                row.scored.append(Scored(taken[number], top))


def _nucleus(shares: Any, top_p: Any) -> Any:
    """Shares outside the smallest set of most probable tokens that holds ``top_p`` of each row set to 0; ties stay in.

    shares: [rows, tokens]; top_p: [rows, 1].
    """
    size = shares.shape[-1]
    best = shares.topk(HEAD, -1).values if size > 8 * HEAD else shares.sort(-1, descending=True).values
    sums = best.cumsum(-1)
    if best.shape[-1] < size and bool((sums[:, -1:] < top_p).any()):
        best = shares.sort(-1, descending=True).values
        sums = best.cumsum(-1)
    # The set ends with the first token at which the sum gets to top_p; at 1 or above, everything is in it.
    last = (sums < top_p).sum(-1, keepdim=True).clamp_(max=best.shape[-1] - 1)
    least = best.gather(1, last).masked_fill_(top_p >= 1, 0.0)
    return shares.masked_fill(shares < least, 0.0)
