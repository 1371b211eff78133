"""Knowledge-tracing baselines on ASSISTments 2009, with its repeated rows merged and kept.

    python -m benchmarks.kt_baselines              # needs ../shared and torch; about three minutes on one core

Trained on the students of train1, scored on those of test1 (fold 1): on every step from the second on, as the literature does,
and on the target steps of the items that `pcode wbeb build` makes. Nothing was tuned on test1.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from pedagogy_r1.estimate import Resampling
from pedagogy_r1.files.records import BadRow
from pedagogy_r1.wbeb.item import Item
from pedagogy_r1.wbeb.kt.baselines import EVERY, TARGETS, TracerScores, baselines
from pedagogy_r1.wbeb.kt.steps import Sequence, merge_repeats
from pedagogy_r1.wbeb.sources.assist2009 import read_four_line, read_skill_names, source

DATA = Path(__file__).resolve().parents[2] / "shared" / "data" / "wbeb" / "kt"


def sequences(part: str, merge: bool) -> list[Sequence]:
    """Students of one file, skills by name as items have them."""
    names = read_skill_names(DATA / "skill.json")
    found = []
    for _, sequence in read_four_line(DATA / f"assist2009_pid_{part}.csv"):
        if isinstance(sequence, BadRow):
            raise SystemExit(f"{part}:{sequence.line}: {sequence.why}")
        steps = merge_repeats(sequence.steps) if merge else sequence.steps
        named = tuple(
            s._replace(
                skills=tuple(names.get(k, f"skill {k}") if isinstance(k, int) else k for k in s.skills)
            )
            for s in steps
        )
        found.append(Sequence(f"assist2009-{sequence.student.rpartition(',')[2]}", named))
    return found


def items(part: str, merge: bool) -> list[Item]:
    files = [DATA / f"assist2009_pid_{part}.csv", DATA / "skill.json"]
    return list(source(files, keep_repeats=not merge).items)


def show(rows: list[TracerScores], on: str) -> None:
    print(f"\n  {on:<12}{'AUC':<24}{'accuracy':<24}{'n':>7}  fit")
    for row in (row for row in rows if row.on == on):
        if row.why_missing:
            print(f"  {row.model:<12}{row.why_missing}")
            continue
        cells = [f"{e.value:.3f} [{e.low:.3f}, {e.high:.3f}]" for e in (s.estimate for s in row.scores)]
        print(
            f"  {row.model:<12}{''.join(f'{c:<24}' for c in cells)}{row.scores[0].estimate.n:>7,}  {row.seconds:.1f} s"
        )


def main() -> None:
    """Print both tables."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--replicates", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    asked = parser.parse_args()
    try:
        import torch

        torch.set_num_threads(1)
    except ImportError:
        print("torch is not installed: no DKT")
    for merge in (True, False):
        train, test = sequences("train1", merge), sequences("test1", merge)
        steps = [sum(len(s.steps) for s in part) for part in (train, test)]
        print(f"\nrepeats {'merged' if merge else 'kept'}: {steps[0]:,} steps of {len(train):,} students to train on, "
              f"{steps[1]:,} of {len(test):,} to foretell")  # fmt: skip
        how = Resampling(asked.replicates, 0)
        rows = baselines(items("test1", merge), train, test, seed=asked.seed, how=how)
        show(rows, EVERY)
        show(rows, TARGETS)


if __name__ == "__main__":
    main()
