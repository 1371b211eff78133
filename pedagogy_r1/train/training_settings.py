"""What a training run depends on, checked before anything heavy is imported, and kept beside the result.

    TrainingSettings(model="deepseek-ai/DeepSeek-R1-Distill-Qwen-1.5B", method="lora", domains=("SK",), epochs=3)

Two runs with equal settings, equal traces and equal versions of the packages make equal files on one machine.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError

from ..errors import InputError, did_you_mean

Method = Literal["lora", "qlora", "full"]

LEARNING_RATES: dict[str, float] = {"lora": 2e-4, "qlora": 2e-4, "full": 1e-5}
"""Where none is given. Adapters start at zero and bear more than weights that know something."""


class TrainingSettings(BaseModel, frozen=True, extra="forbid"):
    """How a student is trained. Lengths are in tokens, ``batch_size`` in sequences (packed ones, when packing) a device."""

    model: str = Field(min_length=1)
    """A folder in Hugging Face format, or a name on the hub."""
    method: Method = "lora"
    domains: tuple[str, ...] = ()
    """Only traces of these domains; empty: all."""
    seed: int = 0

    epochs: float = Field(3.0, gt=0)
    steps: int | None = Field(None, gt=0)
    """Stop after so many optimizer steps, whatever ``epochs`` says."""
    learning_rate: float | None = Field(None, gt=0)
    scheduler: Literal["cosine", "linear", "constant"] = "cosine"
    warmup: float = Field(0.05, ge=0, lt=1)
    """Share of the steps over which the learning rate rises."""
    weight_decay: float = Field(0.0, ge=0)
    batch_size: int = Field(1, gt=0)
    accumulate: int = Field(16, gt=0)
    """Batches a step: ``batch_size × accumulate × devices`` sequences make one step."""
    max_length: int | None = Field(None, gt=0)
    """Longest sequence, and the length that packs are filled up to; at most what the model can (then the default), or 4,096."""
    packing: bool = True

    lora_rank: int = Field(16, gt=0)
    lora_alpha: int = Field(32, gt=0)
    lora_dropout: float = Field(0.05, ge=0, lt=1)

    held_out: float = Field(0.05, ge=0, le=0.5)
    """Share of the groups kept from training, on which the loss is measured; 0: none."""
    patience: int | None = Field(None, gt=0)
    """Stop after so many measurements without a lower held-out loss; the best checkpoint is kept either way."""
    save_every: int | None = Field(None, gt=0)
    """Steps between two checkpoints (and measurements on the held-out slice); by default one an epoch."""

    device: Literal["auto", "cpu", "cuda"] = "auto"
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    """Of the weights as loaded. ``auto``: float32, except for adapters on a GPU, whose frozen base is bfloat16."""
    attention: str | None = None
    """Attention code of transformers (``sdpa``, ``flash_attention_2``, …)."""
    gradient_checkpointing: bool | None = None
    """Trade time for memory; by default on a GPU only."""

    @property
    def rate(self) -> float:
        """The learning rate in force."""
        return LEARNING_RATES[self.method] if self.learning_rate is None else self.learning_rate

    @property
    def base(self) -> str:
        """The model, a folder by its full path, so that an adapter finds its base from anywhere."""
        folder = Path(self.model)
        return str(folder.resolve()) if folder.is_dir() else self.model


def settings_of(**given: Any) -> TrainingSettings:
    """Settings from keywords; `InputError` in words where one is unknown or out of range."""
    try:
        made = TrainingSettings.model_validate({k: v for k, v in given.items() if v is not None})
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(str(part) for part in first["loc"])
        if first["type"] == "extra_forbidden":
            raise InputError(
                f"no setting is named {name!r}", did_you_mean(name, sorted(TrainingSettings.model_fields))
            ) from None
        raise InputError(
            f"{name} = {first['input']!r}: {first['msg'].lower()}", "see: pcode sft --help"
        ) from None
    if made.patience and not made.held_out:
        raise InputError("early stopping needs a held-out slice", "give --held-out 0.05, or drop --patience")
    return made
