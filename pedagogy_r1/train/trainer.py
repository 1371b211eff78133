"""TRL's `SFTTrainer`, set up for our examples. Every default of TRL 1.x that would surprise is set by name here.

What is on in TRL unless told otherwise: bf16, gradient checkpointing, a bar and a table on stdout, reports to whatever tracker
is installed. What is off that we need: a checkpoint and a measurement at the very last step.

Packing lays several traces behind one another in a sequence. What keeps them apart is that their position ids start again at
0: FlashAttention's variable-length code reads them, and so does transformers (5.16 and later), which makes a block-diagonal mask
for ``sdpa`` and ``eager``. An attention code that ignores them would let a trace see the one before it, and the loss would
look better for it; so `check_packing` asks the model itself before training begins.

    checkpoints/checkpoint-40/model.safetensors optimizer.pt rng_state.pth trainer_state.json … complete

The trainer writes these files one after another, so a process that is killed leaves some of them; ``complete`` is written
last, by us, and a folder without it is thrown away. Everything that comes after training (final model, loss curve, card) is
made from checkpoints alone: killed there, the same command makes it again.
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from ..errors import InputError
from .student_model import load_model, loading
from .training_data import IGNORED, TrainingData, TrainingExample
from .training_results import losses, lowest
from .training_settings import TrainingSettings


def longest(asked: TrainingSettings) -> int:
    """The sequence length in force. Raises `InputError` for more than the model has positions."""
    from transformers import AutoConfig

    with loading(f"the model {asked.model}"):
        config = AutoConfig.from_pretrained(asked.base)
    most = int(getattr(config.get_text_config(), "max_position_embeddings", 4096))
    if asked.max_length is not None and asked.max_length > most:
        raise InputError(f"{asked.model} has {most} positions", f"--max-length is {asked.max_length}")
    return asked.max_length or min(most, 4096)


def build(
    asked: TrainingSettings,
    data: TrainingData,
    tokenizer: Any,
    checkpoints: Path,
    progress: Callable[[int, int], None] | None,
) -> Any:
    """An `SFTTrainer`, ready to train; checked for packing."""
    import torch
    from transformers import PrinterCallback

    cuda = asked.device != "cpu" and torch.cuda.is_available()
    # Before the model is loaded: it brings up the distributed state, on which FSDP's sparing way of loading depends.
    config = _config(asked, checkpoints, longest(asked), cuda=cuda, held=bool(data.held))
    trainer = _trainer_class(cuda)(
        model=_model(asked, cuda),
        args=config,
        train_dataset=_table(data.train),
        eval_dataset=_table(data.held) if data.held else None,
        processing_class=tokenizer,
        peft_config=None if asked.method == "full" else _adapter(asked),
    )
    trainer.remove_callback(PrinterCallback)
    trainer.add_callback(_watch(asked, bool(data.held), progress))
    an_epoch = max(1, math.ceil(len(trainer.get_train_dataloader()) / asked.accumulate))
    config.save_steps = config.eval_steps = asked.save_every or an_epoch
    if asked.packing and config.world_size == 1:
        check_packing(trainer.model, trainer.data_collator)
    return trainer


def _trainer_class(cuda: bool) -> Any:
    """TRL's own on a GPU. On a CPU its loss costs as much as the rest of a tiny model: it makes the logits twice, in tiles,
    to save memory that nobody lacks there. So: once, and only at positions that carry loss."""
    from trl import SFTTrainer

    if cuda:
        return SFTTrainer
    import torch
    from torch.nn.functional import cross_entropy, pad

    class PlainLoss(SFTTrainer):  # type: ignore[misc]
        """The same loss: the sum over tokens, divided by how many there are in the step."""

        def compute_loss(
            self,
            model: Any,
            inputs: dict[str, Any],
            return_outputs: bool = False,
            num_items_in_batch: Any = None,
        ) -> Any:
            targets = pad(inputs["labels"], (0, 1), value=IGNORED)[:, 1:]
            where = (targets != IGNORED).any(0).nonzero().flatten()
            rest = {name: value for name, value in inputs.items() if name != "labels"}
            outputs = model(**rest, logits_to_keep=where, use_cache=False)
            targets = targets[:, where].flatten()
            loss = cross_entropy(
                outputs.logits.flatten(0, 1).float(), targets, ignore_index=IGNORED, reduction="sum"
            )
            count = (targets != IGNORED).sum() if num_items_in_batch is None else num_items_in_batch
            loss = loss / torch.as_tensor(count).clamp(min=1)
            if num_items_in_batch is not None and self.args.average_tokens_across_devices:
                loss = loss * self.accelerator.num_processes  # which averages the gradients of all processes
            return (loss, outputs) if return_outputs else loss

    return PlainLoss


def _config(asked: TrainingSettings, checkpoints: Path, length: int, *, cuda: bool, held: bool) -> Any:
    import torch
    from trl import SFTConfig

    return SFTConfig(
        output_dir=str(checkpoints),
        seed=asked.seed,
        data_seed=asked.seed,
        use_cpu=not cuda,
        bf16=cuda and torch.cuda.is_bf16_supported(),
        gradient_checkpointing=cuda if asked.gradient_checkpointing is None else asked.gradient_checkpointing,
        num_train_epochs=asked.epochs,
        max_steps=asked.steps or -1,
        learning_rate=asked.rate,
        lr_scheduler_type=asked.scheduler,
        warmup_steps=asked.warmup,
        weight_decay=asked.weight_decay,
        per_device_train_batch_size=asked.batch_size,
        per_device_eval_batch_size=asked.batch_size,
        gradient_accumulation_steps=asked.accumulate,
        max_length=length,
        packing=asked.packing,
        packing_strategy="bfd",
        logging_strategy="steps",
        logging_steps=1,
        save_strategy="steps",
        save_steps=1,
        eval_strategy="steps" if held else "no",
        eval_steps=1,
        metric_for_best_model="eval_loss" if held else None,
        greater_is_better=False if held else None,
        save_total_limit=2,
        report_to="none",
        disable_tqdm=True,
        dataloader_pin_memory=cuda,
    )


def _model(asked: TrainingSettings, cuda: bool) -> Any:
    import torch

    dtype = asked.dtype
    if dtype == "auto":
        dtype = "bfloat16" if cuda and asked.method != "full" else "float32"
    more: dict[str, Any] = {"attn_implementation": asked.attention} if asked.attention else {}
    if asked.method == "qlora":
        from transformers import BitsAndBytesConfig

        more["quantization_config"] = BitsAndBytesConfig(
            load_in_4bit=True,
            bnb_4bit_quant_type="nf4",
            bnb_4bit_use_double_quant=True,
            bnb_4bit_compute_dtype=torch.bfloat16,
        )
        more["device_map"] = {"": torch.cuda.current_device()}
    return load_model(asked.base, dtype=dtype, **more)


def _adapter(asked: TrainingSettings) -> Any:
    from peft import LoraConfig

    return LoraConfig(
        task_type="CAUSAL_LM",
        r=asked.lora_rank,
        lora_alpha=asked.lora_alpha,
        lora_dropout=asked.lora_dropout,
        target_modules="all-linear",
    )


def _table(examples: list[TrainingExample]) -> Any:
    """Tokenized already and with labels, which TRL takes as they are; columns other than these two it would drop."""
    from datasets import Dataset

    return Dataset.from_dict(
        {"input_ids": [each.input_ids for each in examples], "labels": [each.labels for each in examples]}
    )


def _watch(asked: TrainingSettings, held: bool, progress: Callable[[int, int], None] | None) -> Any:
    """The callback that stops early, measures and saves at the last step, and marks checkpoints as whole."""
    from accelerate import PartialState
    from transformers import TrainerCallback

    class Watch(TrainerCallback):  # type: ignore[misc]
        """All it knows is in the trainer's log, so a resumed run decides as an uninterrupted one."""

        def on_step_end(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002 - called by transformers
            if progress and state.is_world_process_zero:
                progress(state.global_step, state.max_steps)
            if state.global_step >= state.max_steps:
                control.should_save, control.should_evaluate = True, held

        def on_evaluate(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002 - called by transformers
            if out_of_patience(state.log_history, asked.patience):
                control.should_training_stop = control.should_save = True

        def on_save(self, args: Any, state: Any, control: Any, **_: Any) -> None:  # noqa: ARG002 - called by transformers
            PartialState().wait_for_everyone()  # each process writes its own random state
            if state.is_world_process_zero:
                (Path(args.output_dir) / f"checkpoint-{state.global_step}" / _MARK).touch()

    return Watch()


def check_packing(model: Any, collator: Any) -> None:
    """Raise `InputError` if a packed trace can see the one before it.

    Two short sequences, packed as in training, against the second one alone, and against both read as one.
    """
    import torch

    first, second = list(range(3, 11)), list(range(11, 19))
    packed = collator([{"input_ids": first + second, "labels": first + second, "seq_lengths": [8, 8]}])
    alone = collator([{"input_ids": second, "labels": second, "seq_lengths": [8]}])
    joined = collator([{"input_ids": first + second, "labels": first + second, "seq_lengths": [16]}])
    training = model.training
    model.eval()
    with torch.no_grad():
        seen = [_last_logits(model, batch) for batch in (packed, alone, joined)]
    model.train(training)
    apart, together = ((seen[0] - seen[1]).abs().max(), (seen[2] - seen[1]).abs().max())
    if apart > together / 2:
        name = getattr(model.config, "_attn_implementation", "?")
        raise InputError(
            f"with attention code {name!r} packed traces see each other",
            "use --attention sdpa, or --no-packing",
        )


def _last_logits(model: Any, batch: dict[str, Any]) -> Any:
    import torch

    device = next(model.parameters()).device
    inputs = {k: v.to(device) if isinstance(v, torch.Tensor) else v for k, v in batch.items()}
    del inputs["labels"]
    with torch.autocast(device.type, torch.bfloat16, enabled=device.type == "cuda"):
        return model(**inputs, use_cache=False).logits[0, -1].float()


# --- checkpoints --------------------------------------------------------------------------------------------------

_MARK = "complete"
_STATE = "trainer_state.json"
_LOGGED = ("step", "epoch", "loss", "eval_loss", "learning_rate", "grad_norm", "mean_token_accuracy", "entropy")  # fmt: skip


def tidy(checkpoints: Path) -> None:
    """Throw away what a killed process left half-written."""
    for folder in checkpoints.glob("checkpoint-*"):
        if not (folder / _MARK).is_file():
            shutil.rmtree(folder)


def latest(checkpoints: Path) -> Path | None:
    """The whole checkpoint with the most steps behind it."""
    whole = [folder for folder in checkpoints.glob("checkpoint-*") if (folder / _MARK).is_file()]
    return max(whole, key=lambda folder: int(folder.name.rsplit("-", 1)[1]), default=None)


def history(checkpoint: Path) -> list[dict[str, Any]]:
    """Every loss logged up to the checkpoint, over all sessions of the run; without times, which differ between equal runs."""
    state = json.loads((checkpoint / _STATE).read_bytes())
    return [{key: entry[key] for key in _LOGGED if key in entry} for entry in state["log_history"]]


def is_over(checkpoint: Path, patience: int | None) -> bool:
    """Whether nothing remains to be trained: all steps made, or patience lost."""
    state = json.loads((checkpoint / _STATE).read_bytes())
    return bool(state["global_step"] >= state["max_steps"]) or out_of_patience(state["log_history"], patience)


def out_of_patience(logged: Sequence[dict[str, Any]], patience: int | None) -> bool:
    """Whether the last ``patience`` held-out losses are none of them below the lowest before."""
    held = [loss for _, loss in losses(logged).held]
    return patience is not None and bool(held) and len(held) - 1 - held.index(min(held)) >= patience


def best(checkpoint: Path) -> Path:
    """The checkpoint of the lowest held-out loss (the earlier of equals); without any, ``checkpoint`` itself."""
    held = losses(history(checkpoint)).held
    return checkpoint.with_name(f"checkpoint-{lowest(held)[0]}") if held else checkpoint


def publish(checkpoint: Path, folder: Path) -> None:
    """Copy weights and configuration, and nothing of the training, to ``folder``, which is made if need be."""
    configs = ("config.json", "generation_config.json", "adapter_config.json")
    folder.mkdir(parents=True, exist_ok=True)
    for path in sorted(checkpoint.iterdir()):
        if path.is_file() and (path.name in configs or path.name.endswith((".safetensors", ".index.json"))):
            shutil.copyfile(path, folder / path.name)
    adapter = folder / "adapter_config.json"
    if adapter.is_file():
        # peft keeps the names of the adapted layers in a set, whose order changes from one process to the next.
        config = json.loads(adapter.read_bytes())
        if isinstance(layers := config.get("target_modules"), list):
            layers.sort()
        adapter.write_text(json.dumps(config, indent=2, sort_keys=True) + "\n", encoding="utf-8")
