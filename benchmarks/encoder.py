"""A learned coder with a sentence encoder beside, leaving traces out, and how fast the encoder is read.

    python -m benchmarks.encoder RUN --encoder models/minilm [--folds 19] [--no-fine-tune] [--out DIR]
    python -m benchmarks.encoder --speed --encoder models/minilm

RUN is a run that people coded. Prints α with each teacher, with its interval over traces, of the default coder, of the encoder
frozen and fine-tuned by itself, and of each pooled with the default (which is what ``pcode coder fit --encoder`` makes), and the
expected calibration error. Everything is of traces that no model had seen; nothing is chosen by these folds. Folds that are done are kept in DIR: the same command goes on.

``--speed``: texts a second of `SentenceEncoder.embed` beside a plain loop over batches with transformers, in turns.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from statistics import median

import numpy as np

from pedagogy_r1.agreement.alpha import krippendorff_alpha
from pedagogy_r1.coding.learned.coded_traces import TaughtTraces, read_coded
from pedagogy_r1.coding.learned.encoded_model import EncoderLearner, pooled_out_of_fold
from pedagogy_r1.coding.learned.encoder import BATCH, SentenceEncoder, read_encoder
from pedagogy_r1.coding.learned.fit_model import fit_model
from pedagogy_r1.coding.learned.learned_model import UNREADABLE, Floats, Ints, read_arrays, write_arrays
from pedagogy_r1.human.corpus import corpus_traces
from pedagogy_r1.runs.run import CoderRun

TEXTS, TURNS = 400, 5


def default_out_of_fold(coded: TaughtTraces, folds: Ints, kept: Path) -> list[Floats]:
    """What the default coder says of each trace."""
    kept.mkdir(parents=True, exist_ok=True)
    found: list[Floats] = [np.zeros(0)] * len(folds)
    for fold in range(int(folds.max()) + 1):
        out, path = np.flatnonzero(folds == fold).tolist(), kept / f"fold-{fold:02d}.npz"
        try:
            said = read_arrays(path)
        except UNREADABLE:
            model = fit_model(coded.only(np.flatnonzero(folds != fold)), 0)
            said = {str(i): model.of_units(coded.traces[i].seen) for i in out}
            write_arrays(path, said)
        for i in out:
            found[i] = said[str(i)]
    return found


def line(name: str, coded: TaughtTraces, p: Sequence[Floats], seconds: float) -> str:
    """α with the code that most of the teachers gave, its interval over traces, and the expected calibration error."""
    targets, said = np.vstack([one.targets for one in coded.traces]), np.vstack(list(p))
    kept = targets.any(axis=1)
    targets, said = targets[kept], said[kept]
    cluster = np.repeat(np.arange(len(p)), [len(one) for one in p])[kept]
    found = krippendorff_alpha(
        np.vstack([targets.argmax(axis=1), said.argmax(axis=1)]).astype(np.int64), cluster, len(coded.codes)
    )
    low, high = found.interval or (float("nan"), float("nan"))
    sure, right = said.max(axis=1), targets[np.arange(len(said)), said.argmax(axis=1)]
    bins = np.minimum((sure * 10).astype(int), 9)
    ece = sum(
        (bins == b).sum() * abs(sure[bins == b].mean() - right[bins == b].mean()) for b in np.unique(bins)
    ) / len(sure)
    return f"{name:<34} α {found.value:.3f} [{low:.3f}, {high:.3f}]  ECE {ece:.3f}  {seconds:.0f} s"


def leave_out(run: Path, encoder: Path, most: int, out: Path, ways: Sequence[bool]) -> None:
    """Print a line a coder. ``ways``: frozen, fine-tuned."""
    coded = read_coded([CoderRun(run)])
    folds = coded.folds(most, 0)
    print(f"{coded.units} units of {len(coded.traces)} traces, {int(folds.max()) + 1} folds", flush=True)
    began = time.process_time()
    words = default_out_of_fold(coded, folds, out / "default")
    print(line("default", coded, words, time.process_time() - began), flush=True)
    for fine_tune in ways:
        name, began = "fine-tuned" if fine_tune else "frozen", time.process_time()
        learner = EncoderLearner(read_encoder(encoder), coded, 0, fine_tune=fine_tune)
        said = learner.out_of_fold(folds, out / name)
        seconds = time.process_time() - began
        print(line(f"{name}, by itself", coded, said, seconds), flush=True)
        both = pooled_out_of_fold(coded, words, said, folds)
        print(line(f"{name}, pooled with the default", coded, both, seconds), flush=True)


def bare(encoder: Path) -> Callable[[Sequence[str]], None]:
    """The plain loop: the same batches of texts of about the same length, and the mean of the token states."""
    import torch
    from transformers import AutoModel, AutoTokenizer

    tokenizer, model = AutoTokenizer.from_pretrained(encoder), AutoModel.from_pretrained(encoder).eval()

    def embed(texts: Sequence[str]) -> None:
        ordered = sorted(texts, key=len, reverse=True)
        with torch.inference_mode():
            for at in range(0, len(ordered), BATCH):
                batch = tokenizer(
                    ordered[at : at + BATCH],
                    padding=True,
                    truncation=True,
                    max_length=256,
                    return_tensors="pt",
                )
                states, mask = model(**batch).last_hidden_state, batch["attention_mask"].unsqueeze(-1)
                torch.nn.functional.normalize((states * mask).sum(1) / mask.sum(1), dim=1)

    return embed


def speed(encoder: Path) -> None:
    """Sentences of the teaching corpus, in turns, by processor seconds."""
    texts = [text for trace in corpus_traces("teaching") for text in trace.reasoning.split(". ")][:TEXTS]
    ours, plain = SentenceEncoder(read_encoder(encoder)).embed, bare(encoder)
    found: dict[str, list[float]] = {"ours": [], "plain": []}
    for embed in (ours, plain):
        embed(texts[:100])
    for _ in range(TURNS):
        for name, embed in (("ours", ours), ("plain", plain)):
            began = time.process_time()
            embed(texts)
            found[name].append(len(texts) / (time.process_time() - began))
    for name, rates in found.items():
        print(
            f"{name:<6} {median(rates):.0f} texts a processor second (of {min(rates):.0f} to {max(rates):.0f})"
        )
    ratios = [a / b for a, b in zip(found["ours"], found["plain"], strict=True)]
    print(f"ratio  {median(ratios):.2f} (of {min(ratios):.2f} to {max(ratios):.2f})")


def main() -> None:
    """Run and print."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("run", type=Path, nargs="?")
    parser.add_argument("--encoder", type=Path, required=True)
    parser.add_argument("--folds", type=int, default=100, help="at most; by default a fold an item")
    parser.add_argument("--no-fine-tune", action="store_true")
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--out", type=Path, default=Path("encoder-folds"))
    given = parser.parse_args()
    if given.speed:
        speed(given.encoder)
        return
    if given.run is None:
        parser.error("give a run that people coded, or --speed")
    given.out.mkdir(parents=True, exist_ok=True)
    leave_out(
        given.run, given.encoder, given.folds, given.out, [False] if given.no_fine_tune else [False, True]
    )


if __name__ == "__main__":
    main()
