"""Sentence boundaries in Chinese, Japanese, Korean, Russian and hard English: ours beside Unicode's UAX #29, both against a hand.

    python -m benchmarks.sentence_bounds          (``pip install uniseg`` for UAX #29; without it, ours alone)

The texts are ``tests/unit/sentences.tsv``, cut by hand at ¦. Boundaries inside a text are counted; the last one is free. Each text in which ours
differs from the hand is printed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable
from importlib import import_module
from pathlib import Path

from pedagogy_r1.unit.sentence import sentences

CASES = Path(__file__).resolve().parents[1] / "tests/unit/sentences.tsv"

Cut = Callable[[str, str], set[int]]


def cases() -> list[tuple[str, str, set[int]]]:
    """Language, text, and where a person cut it."""
    found = []
    for line in CASES.read_text(encoding="utf-8").splitlines():
        if line and not line.startswith("#"):
            lang, cut = line.split("\t")
            parts, ends, at = cut.split("¦"), set(), 0
            for part in parts[:-1]:
                at += len(part)
                ends.add(len("".join(parts)[:at].rstrip()))
            found.append((lang, "".join(parts), ends))
    return found


def ours(text: str, lang: str) -> set[int]:
    return {end for _, end in sentences(text, lang)} - {len(text)}


def uax29() -> Cut | None:
    """UAX #29 as ``uniseg`` has it, without the white space behind a sentence."""
    try:
        module = import_module("uniseg.sentencebreak")
    except ImportError:
        return None

    def cut(text: str, lang: str) -> set[int]:
        at, ends = 0, set()
        for part in module.sentences(text):
            at += len(part)
            ends.add(len(text[:at].rstrip()))
        return ends - {len(text)}

    return cut


def main() -> None:
    found = cases()
    for name, cut in (("ours", ours), ("UAX #29", uax29())):
        if cut is None:
            print(f"{name}: uniseg is not installed")
            continue
        counts: dict[str, list[int]] = defaultdict(lambda: [0, 0, 0, 0, 0])
        for lang, text, ends in found:
            said = cut(text, lang)
            for key in (lang, "all"):
                row = counts[key]
                row[0] += 1
                row[1] += said == ends
                row[2] += len(said & ends)
                row[3] += len(said - ends)
                row[4] += len(ends - said)
            if said != ends and name == "ours":
                print(f"  {lang}: {text!r} is cut at {sorted(said)}, by hand at {sorted(ends)}")
        for lang, (n, whole, both, more, fewer) in counts.items():
            f1 = 2 * both / max(1, 2 * both + more + fewer)
            print(
                f"{name:8} {lang:4} texts {n}, whole {whole}; boundaries right {both}, too many {more}, missing {fewer}, F1 {f1:.3f}"
            )


if __name__ == "__main__":
    main()
