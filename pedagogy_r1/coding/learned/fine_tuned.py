"""A sentence encoder taught to code units where they stand, with what comes before and behind.

    [CLS] …unit 4… [SEP] …unit 5… [SEP] | …unit 6… [SEP] …unit 7… [SEP] …unit 8… [SEP] | …unit 9… [SEP]
          two units before                the units that are answered here                 one behind

Units of a trace are read together in windows, and the mean of a unit's own token states goes through one linear layer (sequential
sentence classification: Cohan et al. 2019, EMNLP, "Pretrained Language Models for Sequential Sentence Classification"). Every unit
is answered once, with at least two units before and one behind, where the trace has them. Reading units together costs a quarter of
reading each with its three neighbours.

Targets are the shares of coders that gave each code (cross-entropy with soft targets); every coded unit weighs the same, and so does
every code: no class weights. Embeddings and the lower two thirds of the layers stay as they are. One thread, one seed: the same codings give
the same numbers on one machine with one version of torch; another processor may round otherwise.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple

import numpy as np

from ...errors import InputError
from .encoder import SentenceEncoder
from .learned_model import Floats, normal

BEFORE, BEHIND = 2, 1
"""Units on either side that are read and not answered."""

WINDOW = 256
"""Tokens of a window at most; fewer where the encoder has fewer positions."""

UNIT_TOKENS = 62
"""Tokens of a unit at most: a window holds a unit with its three neighbours in any case."""

TAUGHT = 1 / 3
"""Of the layers, the upper ones that are taught. What those below make of a window is computed once for all folds."""

READ_TOGETHER = 8
"""Windows that are read together where nothing is learned."""

EPOCHS, BATCH, WARMUP = 4, 2, 0.1
"""Times that everything is read; windows a step; share of the steps in which the rate grows."""

RATE, HEAD_RATE, DECAY, DROPOUT = 2e-4, 2e-3, 0.01, 0.1
"""Rates of AdamW for the encoder's layers and for the last layer; weight decay; share of a unit's numbers that is hidden in training.

Set before any result was seen: usual values for an encoder of this size."""

SETTINGS = {
    "context": [BEFORE, BEHIND], "window": WINDOW, "unit_tokens": UNIT_TOKENS, "epochs": EPOCHS, "batch": BATCH,
    "rates": [RATE, HEAD_RATE], "decay": DECAY, "dropout": DROPOUT, "warmup": WARMUP, "class_weights": "none", "taught": "upper third",
}  # fmt: skip

Tensors = dict[str, Any]
Step = Callable[[int], None]
"""Called with the number of epochs that are done."""


class ContextWindow(NamedTuple):
    """Units ``begin`` to ``end`` of a trace are read, ``first`` to ``last`` of them answered; half-open."""

    trace: int
    begin: int
    end: int
    first: int
    last: int


def windows_of(sizes: Sequence[int], most: int, trace: int = 0) -> list[ContextWindow]:
    """Windows of the units of a trace, of ``sizes`` tokens each, of which four fit into ``most`` whatever they are."""
    found, first, n = [], 0, len(sizes)
    while first < n:
        begin = max(0, first - BEFORE)
        end, room = begin, most - 1
        while end < n and sizes[end] + 1 <= room:
            room -= sizes[end] + 1
            end += 1
        last = n if end == n else end - BEHIND
        found.append(ContextWindow(trace, begin, end, first, last))
        first = last
    return found


class ReadWindow(NamedTuple):
    """A window as the layers that are taught get it. ``states``: tokens × width, what the layers below them make of it;
    ``spans``: the tokens of each unit that is answered."""

    window: ContextWindow
    ids: list[int]
    spans: list[tuple[int, int]]
    states: Any


class FineTunedEncoder:
    """An encoder with a layer for codes on top. ``learned``: the tensors that were taught; all others are the encoder's own."""

    def __init__(
        self, encoder: SentenceEncoder, codes: Sequence[str], learned: Tensors | None = None
    ) -> None:
        import torch

        self.encoder, self.codes = encoder, tuple(codes)
        self.most = min(WINDOW, _positions(encoder))
        self.cap = min(UNIT_TOKENS, (self.most - 1) // (BEFORE + BEHIND + 1) - 1)
        if self.cap < 2:
            raise InputError(
                f"{encoder.folder.path}: reads {self.most} tokens, too few for a unit and its neighbours",
                "use an encoder that reads more",
            )
        self.stack = layer_stack(encoder.model)
        self.head = torch.nn.Linear(encoder.folder.width, len(self.codes)).eval()
        own = dict(encoder.model.named_parameters())
        self.taught = {name: own[name] for name in own if name.startswith(self.stack.upper)}
        self._own = {name: value.detach().clone() for name, value in self.taught.items()}
        if learned is not None:
            self._put(learned)

    def probabilities(self, texts: Sequence[str]) -> Floats:
        """Units × codes, of the units of a trace in order."""
        return self.of_windows(self.read(texts), len(texts))

    def read(self, texts: Sequence[str], trace: int = 0) -> list[ReadWindow]:
        """The windows of a trace, as far as the layers go that are not taught: the same in every fold."""
        import torch

        tokens = self._tokens(texts)
        found = [
            self._row(window, tokens) for window in windows_of([len(ids) for ids in tokens], self.most, trace)
        ]
        read = []
        self.encoder.model.eval()
        with torch.inference_mode(), one_thread():
            for at in range(0, len(found), READ_TOGETHER):
                mine = found[at : at + READ_TOGETHER]
                ids, mask = self._batch(mine)
                states = self.encoder.model(
                    input_ids=ids, attention_mask=mask, output_hidden_states=True
                ).hidden_states[self.stack.first]
                read += [
                    one._replace(states=row[: len(one.ids)].clone())
                    for one, row in zip(mine, states, strict=True)
                ]
        return read

    def of_windows(self, windows: Sequence[ReadWindow], units: int) -> Floats:
        """Units × codes, of a trace that was read."""
        import torch

        p = np.zeros((units, len(self.codes)))
        with torch.inference_mode(), one_thread():
            for at in range(0, len(windows), READ_TOGETHER):
                mine = windows[at : at + READ_TOGETHER]
                rows = np.concatenate([np.arange(one.window.first, one.window.last) for one in mine])
                p[rows] = self._logits(mine).softmax(dim=1).numpy()
        return normal(p) if units else p

    def fit(self, windows: Sequence[ReadWindow], targets: Sequence[Floats], seed: int, step: Step) -> Tensors:
        """Teach it anew from the encoder's own numbers. ``targets``: units × codes of each trace that the windows are of.

        Returns the tensors that were taught. Units whose targets are 0 are not learned from.
        """
        import torch

        windows = [one for one in windows if _wanted(one, targets).any()]
        steps = EPOCHS * -(-len(windows) // BATCH)
        rng = np.random.default_rng(seed)
        with torch.random.fork_rng(devices=[]), one_thread(), self._learning():
            torch.manual_seed(seed)
            self._put(self._own)
            self.head.reset_parameters()
            optimizer = torch.optim.AdamW(
                [
                    {"params": list(self.taught.values()), "lr": RATE},
                    {"params": list(self.head.parameters()), "lr": HEAD_RATE},
                ],
                weight_decay=DECAY,
            )
            schedule = torch.optim.lr_scheduler.LambdaLR(optimizer, lambda n: _share_of_rate(n, steps))
            for epoch in range(EPOCHS):
                order = rng.permutation(len(windows))
                for at in range(0, len(order), BATCH):
                    mine = [windows[i] for i in order[at : at + BATCH]]
                    wanted = torch.from_numpy(np.vstack([_wanted(one, targets) for one in mine])).float()
                    loss = -(wanted * self._logits(mine).log_softmax(dim=1)).sum() / wanted.sum()
                    optimizer.zero_grad()
                    loss.backward()
                    torch.nn.utils.clip_grad_norm_([*self.taught.values(), *self.head.parameters()], 1.0)
                    optimizer.step()
                    schedule.step()
                step(epoch + 1)
        return self.learned()

    def learned(self) -> Tensors:
        """The tensors that were taught, and the last layer."""
        found = {name: value.detach().clone() for name, value in self.taught.items()}
        return found | {
            f"head.{name}": value.detach().clone() for name, value in self.head.named_parameters()
        }

    def _put(self, tensors: Tensors) -> None:
        import torch

        own = self.taught | {f"head.{name}": value for name, value in self.head.named_parameters()}
        if not set(tensors) <= set(own) or any(own[name].shape != tensors[name].shape for name in tensors):
            raise InputError(
                "the tensors are not those of this encoder", "fit the coder again with pcode coder fit"
            )
        with torch.no_grad():
            for name, value in tensors.items():
                own[name].copy_(value)

    def _tokens(self, texts: Sequence[str]) -> list[list[int]]:
        """Of each unit; the middle of a long one is left out, and an empty one is what ends a unit."""
        tail = self.cap // 2
        head = self.cap - tail
        ends = special_tokens(self.encoder.tokenizer)[1]
        return [
            (ids if len(ids) <= self.cap else [*ids[:head], *ids[-tail:]]) or [ends]
            for ids in self.encoder.tokens(texts)
        ]

    def _row(self, window: ContextWindow, tokens: Sequence[list[int]]) -> ReadWindow:
        opens, ends, _ = special_tokens(self.encoder.tokenizer)
        row, spans = [opens], []
        for unit in range(window.begin, window.end):
            if window.first <= unit < window.last:
                spans.append((len(row), len(row) + len(tokens[unit])))
            row += [*tokens[unit], ends]
        return ReadWindow(window, row, spans, None)

    def _batch(self, windows: Sequence[ReadWindow]) -> tuple[Any, Any]:
        """Tokens, filled up to the longest, and which are there."""
        import torch

        longest, pad = max(len(one.ids) for one in windows), special_tokens(self.encoder.tokenizer)[2]
        ids = torch.tensor([one.ids + [pad] * (longest - len(one.ids)) for one in windows])
        mask = torch.tensor([[1] * len(one.ids) + [0] * (longest - len(one.ids)) for one in windows])
        return ids, mask

    def _logits(self, windows: Sequence[ReadWindow]) -> Any:
        """Of the units that the windows answer, in their order."""
        import torch

        ids, mask = self._batch(windows)
        below = torch.nn.utils.rnn.pad_sequence([one.states for one in windows], batch_first=True)
        with self.stack.alone(below):
            states = self.encoder.model(input_ids=ids, attention_mask=mask).last_hidden_state
        units = [
            states[number, begin:end].mean(dim=0)
            for number, one in enumerate(windows)
            for begin, end in one.spans
        ]
        return self.head(torch.nn.functional.dropout(torch.stack(units), DROPOUT, self.head.training))

    @contextmanager
    def _learning(self) -> Iterator[None]:
        """Only what is taught has gradients; afterwards nothing has. The encoder hides none of its own numbers: on a processor,
        drawing them takes a third of the time."""
        self.encoder.model.requires_grad_(False)
        for value in self.taught.values():
            value.requires_grad_(True)
        self.head.requires_grad_(True).train()
        try:
            yield
        finally:
            self.encoder.model.requires_grad_(False)
            self.head.requires_grad_(False).eval()


def _wanted(read: ReadWindow, targets: Sequence[Floats]) -> Floats:
    return targets[read.window.trace][read.window.first : read.window.last]


def _share_of_rate(n: int, steps: int) -> float:
    """Of the full rate, at step n: it grows in the first tenth and falls to 0 at the end."""
    return min((n + 1) / max(1.0, WARMUP * steps), max(0.0, (steps - n) / (steps * (1 - WARMUP))))


class LayerStack(NamedTuple):
    """Where an encoder's layers are. ``first``: the number of the first one that is taught; ``upper``: how the names of their
    parameters begin."""

    parent: Any
    name: str
    first: int
    upper: tuple[str, ...]

    @contextmanager
    def alone(self, states: Any) -> Iterator[None]:
        """In this block the model is its upper layers alone, which read ``states``."""
        import torch

        layers = getattr(self.parent, self.name)

        def give(_: Any, args: Any, kwargs: Any) -> Any:
            if args:
                return (states, *args[1:]), kwargs
            return args, kwargs | {"hidden_states": states}

        hook = layers[self.first].register_forward_pre_hook(give, with_kwargs=True)
        setattr(self.parent, self.name, torch.nn.ModuleList(layers[self.first :]))
        try:
            yield
        finally:
            setattr(self.parent, self.name, layers)
            hook.remove()


def layer_stack(model: Any) -> LayerStack:
    """Raises `InputError` for an encoder whose layers cannot be told apart."""
    import torch

    layers = int(model.config.num_hidden_layers)
    for where, module in model.named_modules():
        for name, inner in module.named_children():
            if isinstance(inner, torch.nn.ModuleList) and len(inner) == layers:
                first = layers - max(1, round(layers * TAUGHT))
                path = f"{where}.{name}" if where else name
                return LayerStack(module, name, first, tuple(f"{path}.{i}." for i in range(first, layers)))
    raise InputError(
        "the encoder's layers cannot be told apart", "leave out --fine-tune, or use a BERT-like encoder"
    )


def _positions(encoder: SentenceEncoder) -> int:
    """What the encoder can read, which may be more than what it is meant to read of one sentence."""
    most = getattr(encoder.model.config, "max_position_embeddings", None) or 512
    return int(most) - 2


def special_tokens(tokenizer: Any) -> tuple[int, int, int]:
    """What opens a text, ends a unit, and fills up. Raises `InputError` for a tokenizer that has none of them."""
    names = (
        ("cls_token_id", "bos_token_id"),
        ("sep_token_id", "eos_token_id"),
        ("pad_token_id", "eos_token_id"),
    )
    found = [
        next((v for n in pair if (v := getattr(tokenizer, n, None)) is not None), None) for pair in names
    ]
    if None in found:
        raise InputError(
            "the encoder's tokenizer has no tokens that open and end a text", "use another encoder"
        )
    opens, ends, pad = found
    return int(opens or 0), int(ends or 0), int(pad or 0)


@contextmanager
def one_thread() -> Iterator[None]:
    """Sums are added in the same order every time."""
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
