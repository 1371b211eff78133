"""An adapter made one with its base, for tools that know nothing of adapters.

    merge("out/adapter", "out/merged")      W + (alpha / rank) · B A, layer by layer

The base is loaded again in its own precision, on the CPU: merging into the 4-bit weights of QLoRA would round the adapter away.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

from ..errors import InputError, first_line
from ..files.written import refuse_changed_model, write_folder
from ..plugins import need

TOKENIZER = (
    *("tokenizer.json", "tokenizer_config.json", "special_tokens_map.json", "added_tokens.json"),
    *("vocab.json", "merges.txt", "tokenizer.model", "chat_template.jinja", "chat_template.json"),
)
"""Every file from which a tokenizer may be made."""


def merge(adapter: str | Path, out: str | Path, *, base: str | None = None, dtype: str = "auto") -> Path:
    """Write base + adapter as a plain model to ``out``. ``base``: where it is now, if not where the adapter says.

    An earlier ``out`` of this function is replaced, whole. Raises `InputError` where ``adapter`` is none, and `RunError` where
    anything else lies in ``out``.
    """
    need("torch", "transformers", "peft")
    from peft import PeftConfig, PeftModel

    adapter, out = Path(adapter), Path(out)
    if not (adapter / "adapter_config.json").is_file():
        raise InputError(
            f"{adapter}: no adapter (no adapter_config.json)", "give the folder that pcode sft made"
        )
    refuse_changed_model(adapter)
    base = base or str(PeftConfig.from_pretrained(str(adapter)).base_model_name_or_path)
    model = PeftModel.from_pretrained(load_model(base, dtype=dtype), str(adapter)).merge_and_unload()

    def write(half: Path) -> None:
        model.save_pretrained(half)
        copy_tokenizer(base, half)

    return write_folder(out, write)


@contextmanager
def loading(what: str) -> Iterator[None]:
    """Say in words that the hub knows no such model, or that its files are damaged."""
    try:
        yield
    except (OSError, ValueError, KeyError) as error:
        raise InputError(
            f"cannot load {what}: {first_line(error)}",
            "give a folder in Hugging Face format, or a name that is on the hub (and a connection, or a filled cache)",
        ) from None


def load_model(name: str, *, dtype: str = "auto", **more: Any) -> Any:
    """A causal language model; `InputError` where there is none of that name or its files are damaged, `RunError` if it is a
    student whose files were changed since."""
    refuse_changed_model(Path(name))
    from transformers import AutoModelForCausalLM

    with loading(f"the model {name}"):
        return AutoModelForCausalLM.from_pretrained(name, dtype=dtype, **more)


def load_tokenizer(name: str) -> Any:
    """The model's tokenizer; `InputError` where it has none."""
    from transformers import AutoTokenizer

    with loading(f"the tokenizer of {name}"):
        return AutoTokenizer.from_pretrained(name)


def copy_tokenizer(base: str, folder: Path) -> None:
    """The base's tokenizer, file by file: a tokenizer that was loaded and saved again may split words elsewhere."""
    for name in TOKENIZER:
        found = Path(base) / name
        if not Path(base).is_dir():
            from transformers.utils import cached_file

            where = None
            with suppress(OSError):
                where = cached_file(base, name, _raise_exceptions_for_missing_entries=False)
            if where is None:
                continue
            found = Path(where)
        if found.is_file():
            shutil.copyfile(found, folder / name)
