"""Deep knowledge tracing (Piech et al. 2015): an LSTM reads skills and answers, and foretells the next step from its skills.

    input    per step: for each of its skills a 1 in one half or the other of a vector of twice the skills, right or wrong
    output   one logit a skill; a step with several skills is foretold by the mean of theirs

Trained on windows of ``window`` steps, stopped when the log-loss on held-out students (a tenth of the training sequences) no
longer falls; the best epoch is kept. Foretelling carries the state through the whole sequence. Needs torch.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence as Many
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any

import numpy as np

from ...errors import PluginError
from .steps import Flat, Floats, Sequence, Vocabulary, Whole, flatten, vocabulary


@dataclass
class Dkt:
    """A small LSTM; on a CPU, in the number of threads torch is set to."""

    width: int = 100
    epochs: int = 40
    patience: int = 5
    window: int = 200
    batch: int = 32
    rate: float = 0.003
    dropout: float = 0.3
    net: Any = None

    def __post_init__(self) -> None:
        if find_spec("torch") is None:
            raise PluginError("DKT needs torch, which is not installed", "pip install 'pedagogy_r1[train]'")
        self.words = Vocabulary({}, {})

    def fit(self, sequences: Many[Sequence], seed: int = 0) -> None:
        """Train; ``seed`` draws the held-out students, the weights and the order of windows."""
        import torch

        self.words = vocabulary(sequences)
        rng = np.random.default_rng(seed)
        order = rng.permutation(len(sequences))
        aside = len(sequences) // 10
        train = _windows([sequences[i] for i in order[aside:]], self.window)
        held_out = [sequences[i] for i in order[:aside]] or list(sequences)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.net = _net(len(self.words.skills), self.width, self.dropout)
            self._train(train, held_out, rng)
        self.net.eval()

    def _train(self, train: list[Sequence], held_out: list[Sequence], rng: np.random.Generator) -> None:
        import torch

        flat = flatten(train, self.words)
        optimizer = torch.optim.Adam(self.net.parameters(), lr=self.rate)
        kept, best, since = _copy(self.net), float("inf"), 0
        for _ in range(self.epochs):
            self.net.train()
            for rows in _batches(flat, self.batch, rng):
                logit, y, real = _run(self.net, flat, rows, len(self.words.skills))
                real[:, 0] = False  # nothing is known before the first step
                if not real.any():
                    continue
                loss: Any = torch.nn.functional.binary_cross_entropy_with_logits(logit[real], y[real])
                optimizer.zero_grad()
                loss.backward()
                torch.nn.utils.clip_grad_norm_(self.net.parameters(), 5.0)
                optimizer.step()
            self.net.eval()
            outside = _loss(held_out, self.predict(held_out))
            since += 1
            if outside < best - 1e-5:
                best, kept, since = outside, _copy(self.net), 0
            if since >= self.patience:
                break
        self.net.load_state_dict(kept)

    def predict(self, sequences: Many[Sequence]) -> list[Floats]:
        """One probability of right a step; skills not met in training count as nothing seen, and are foretold at one half."""
        import torch

        flat = flatten(sequences, self.words)
        found = np.empty(len(flat.y))
        with torch.no_grad():
            for rows in _batches(flat, self.batch, None):
                logit, _, real = _run(self.net, flat, rows, len(self.words.skills))
                found[rows[rows >= 0]] = torch.sigmoid(logit[real]).double().numpy()
        return flat.cut(found)


def _windows(sequences: Many[Sequence], size: int) -> list[Sequence]:
    return [
        Sequence(s.student, s.steps[at : at + size]) for s in sequences for at in range(0, len(s.steps), size)
    ]


def _batches(flat: Flat, size: int, rng: np.random.Generator | None) -> Iterator[Whole]:
    """Steps (sequences, longest), -1 behind an end; of like length, and in a drawn order where ``rng`` is given."""
    lengths = np.diff(flat.starts)
    ties = rng.random(len(lengths)) if rng is not None else np.zeros(len(lengths))
    order = np.lexsort((ties, -lengths))
    order = order[lengths[order] > 0]
    groups = [order[at : at + size] for at in range(0, len(order), size)]
    for number in rng.permutation(len(groups)) if rng is not None else range(len(groups)):
        group = groups[number]
        place = np.arange(lengths[group].max())
        rows = flat.starts[group][:, None] + place
        yield np.where(place < lengths[group][:, None], rows, -1)


def _run(net: Any, flat: Flat, rows: Whole, skills: int) -> tuple[Any, Any, Any]:
    """Logit of right, whether it was, and whether there is a step: three tensors (sequences, longest)."""
    import torch

    real = rows >= 0
    wanted = _skills_of(flat, rows, skills)
    y = np.where(real, flat.y[rows], 0.0).astype(np.float32)
    seen = np.concatenate([wanted * y[..., None], wanted * (1 - y[..., None])], axis=2)
    # What is read before a step is the step before it.
    before = np.concatenate([np.zeros_like(seen[:, :1]), seen[:, :-1]], axis=1)
    share = wanted / np.maximum(wanted.sum(axis=2, keepdims=True), 1)
    state, _ = net["lstm"](net["read"](torch.from_numpy(before)))
    logit = (net["tell"](net["drop"](state)) * torch.from_numpy(share)).sum(dim=2)
    return logit, torch.from_numpy(y), torch.from_numpy(real)


def _skills_of(flat: Flat, rows: Whole, skills: int) -> Any:
    """0/1 float32 (sequences, longest, skills)."""
    at = np.full(len(flat.y) + 1, -1)
    at[rows[rows >= 0]] = np.flatnonzero(rows.ravel() >= 0)
    out = np.zeros((rows.size, skills), dtype=np.float32)
    here = (at[flat.pair_step] >= 0) & (flat.pair_skill >= 0)
    out[at[flat.pair_step[here]], flat.pair_skill[here]] = 1
    return out.reshape(*rows.shape, skills)


def _net(skills: int, width: int, dropout: float) -> Any:
    import torch

    return torch.nn.ModuleDict(
        {
            "read": torch.nn.Linear(2 * skills, width),
            "lstm": torch.nn.LSTM(width, width, batch_first=True),
            "drop": torch.nn.Dropout(dropout),
            "tell": torch.nn.Linear(width, skills),
        }
    )


def _copy(net: Any) -> dict[str, Any]:
    return {name: value.detach().clone() for name, value in net.state_dict().items()}


def _loss(sequences: Many[Sequence], told: list[Floats]) -> float:
    """Mean log-loss of the steps from the second on."""
    y = np.array([step.correct for s in sequences for step in s.steps[1:]])
    if not len(y):
        return 0.0
    p = np.clip(np.concatenate([values[1:] for values in told]), 1e-7, 1 - 1e-7)
    return float(-np.mean(y * np.log(p) + (1 - y) * np.log(1 - p)))
