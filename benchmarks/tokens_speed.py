"""How long ``pedagogy_r1.tokens`` takes per million tokens: python benchmarks/tokens_speed.py [--tokens N] [--runs N]."""

from __future__ import annotations

import argparse
import random
import time

from pedagogy_r1.tokens import Resampling, SpacyTokenizer, measure_traces, token_report
from pedagogy_r1.tokens.word_repetition import SELF_N, loops, repeats_itself
from pedagogy_r1.trace import Trace

OPENINGS = ("So", "Wait,", "Then", "Alternatively,", "Hmm,", "Let me check that", "Now")


def synthetic(number: int, sentences: int) -> Trace:
    """A trace of random sentences, one in ten a copy of an earlier one."""
    rng = random.Random(number)
    said: list[str] = []
    for _ in range(sentences):
        if said and rng.random() < 0.1:
            said.append(rng.choice(said))
            continue
        words = " ".join(f"w{int(rng.paretovariate(0.7)) % 5000}" for _ in range(rng.randint(6, 24)))
        said.append(f"{rng.choice(OPENINGS)} {words} = {rng.randint(0, 99)}.")
    answer = f"The answer is {rng.randint(1, 2)}."
    return Trace(
        id=str(number),
        item=str(number // 4),
        question=said[0],
        reasoning=" ".join(said),
        answer=answer,
        reference="1",
    )


def main() -> None:
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--tokens", type=int, default=1_000_000)
    options.add_argument("--runs", type=int, default=1)
    chosen = options.parse_args()
    traces = [synthetic(number, 250) for number in range(max(4, chosen.tokens // 4700))]
    SpacyTokenizer()("warm up")
    for _ in range(chosen.runs):
        began = time.perf_counter()
        measured = list(measure_traces(traces))
        tokens = sum(m.reasoning for m in measured)
        middle = time.perf_counter()
        report = token_report(measured, tokenizer="spacy", how=Resampling())
        end = time.perf_counter()
        print(
            f"{tokens:,} tokens, {len(traces)} traces: measured in {middle - began:.1f} s, report in {end - middle:.2f} s"
        )
        assert report.groups[0].traces == len(traces)
        words = SpacyTokenizer()(" ".join(trace.reasoning for trace in traces)).ids
        began = time.perf_counter()
        repeats_itself(words, SELF_N), loops(words)
        print(f"{len(words):,} words in one text: n-grams and loops in {time.perf_counter() - began:.1f} s")


if __name__ == "__main__":
    main()
