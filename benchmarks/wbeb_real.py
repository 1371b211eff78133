"""The five domains on real items, through vLLM on a CPU, with a tiny model that answers in form and at random.

    python -m benchmarks.wbeb_real --keep /tmp/wbeb            (needs ../shared and `make test-vllm`'s environment)

build → split → a tiny model learns the *form* of an answer from randomly drawn ones → eval. No record may be lost without
being counted, and every score's interval should hold the chance level: the model knows how to answer, and nothing else.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from pedagogy_r1.wbeb.item import Item, read_items, write_items

ROOT = Path(__file__).resolve().parents[1]
DATA = ROOT.parent / "shared/data/wbeb"
SOURCES = {
    "cj_eval": "sk/cj_eval_train.jsonl",
    "chile": "pk/chile_train.jsonl",
    "assist2009": "kt/assist2009_pid_test1.csv",
    "asap": "aes/asap_set1_sample.tsv",
    "uptake": "dm/uptake_data.csv",
    "talkmoves": "dm/talkmoves_test_teacher.tsv",
}
ENVIRONMENT = {
    **os.environ,
    "OMP_NUM_THREADS": "2",
    "TOKENIZERS_PARALLELISM": "false",
    "VLLM_CPU_KVCACHE_SPACE": "1",
}


def pcode(*words: object, python: Path | str = sys.executable) -> None:
    """Run a command of ours; status 1 (done, with failures listed) is shown, not fatal."""
    command = [str(python), "-m", "pedagogy_r1", *map(str, words)]
    print("$ pcode", *words, flush=True)
    done = subprocess.run(command, env=ENVIRONMENT, cwd=ROOT, text=True, capture_output=True)
    print(done.stdout[-3000:], flush=True)
    if done.returncode not in (0, 1):
        sys.exit(done.stderr[-3000:])


def guessed(items: list[Item], per_task: int, seed: int) -> list[Item]:
    """Some items of train with answers drawn evenly from the possible ones, whatever is right."""
    rng = random.Random(seed)
    found: list[Item] = []
    tasks = sorted({(item.domain, item.task or "") for item in items})
    for task in tasks:
        own = [i for i in items if (i.domain, i.task or "") == task and i.split == "train"]
        possible = sorted({i.answer for i in own})
        for item in rng.sample(own, min(per_task, len(own))):
            letters = [chr(65 + n) for n in range(len(item.options))] if task[0] in ("SK", "PK") else possible
            found.append(item.model_copy(update={"answer": rng.choice(letters)}))
    rng.shuffle(found)
    return found


def main() -> None:
    """All steps; prints the scores beside chance."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--keep", type=Path, help="folder for what is made; default: a temporary one")
    parser.add_argument("--limit", type=int, default=60, help="items a domain and task")
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--backend", default="vllm", choices=["vllm", "hf"])
    parser.add_argument("--python", type=Path, default=ROOT / ".venv-vllm/bin/python", help="which has vLLM")
    options = parser.parse_args()
    if not DATA.is_dir():
        sys.exit(f"{DATA} is not here: this needs the real items beside the checkout")
    with tempfile.TemporaryDirectory() as temporary:
        run(options.keep or Path(temporary), options)


def run(folder: Path, options: argparse.Namespace) -> None:
    """Build, learn to guess, evaluate, print."""
    items = folder / "items.jsonl"
    named = [word for source, path in SOURCES.items() for word in (source, DATA / path)]
    pcode("wbeb", "build", *named, "-o", items, "--leaks", "drop")
    account(json.loads((folder / "items.build.json").read_text()))
    write_items(folder / "guessed.jsonl", guessed(list(read_items(items)), 150, 0))
    pcode(
        "pipeline", "teach", folder / "guessed.jsonl", "-o", folder / "worked.jsonl", "--condition", "generic"
    )
    pcode(
        "pipeline",
        "tiny",
        "-o",
        folder / "tiny",
        "--texts",
        folder / "worked.jsonl",
        "--vocab",
        4000,
        "--positions",
        8192,
    )
    pcode(
        "sft", folder / "worked.jsonl", "-o", folder / "guesser", "--model", folder / "tiny", "--method", "full", "--device",
        "cpu", "--steps", options.steps, "--learning-rate", 0.003, "--accumulate", 1, "--max-length", 2048, "--held-out", 0,
    )  # fmt: skip
    python = options.python if options.backend == "vllm" else sys.executable
    more = [
        "--backend-option",
        "dtype=float32",
        *(["--backend-option", "enforce_eager=true"] if options.backend == "vllm" else []),
    ]
    pcode(
        "wbeb", "eval", f"{options.backend}:{folder / 'guesser/model'}", items, "-o", folder / "answers", "--limit",
        options.limit, "--max-tokens", 200, "--temperature", 1, "--top-p", 1, *more, python=python,
    )  # fmt: skip
    print((folder / "answers/scores.csv").read_text())


def account(record: dict[str, Any]) -> None:
    """The build's own account, printed as it stands."""
    print(json.dumps(record, indent=1, ensure_ascii=False)[:6000])


if __name__ == "__main__":
    main()
