"""An easy subject with a rule that a tiny model can learn, and a teacher that knows it, or gets it backwards half of the time.

    Mina brings a sparrow to the library. …  A. animals  B. plants  C. metals  D. tools
    <think>⏎A sparrow is one of the animals. From the left, that is table A.⏎</think>⏎⏎Answer: A

Things, names and places are met in training, held-out items are new combinations of them. A wrong reply is a misconception,
not noise: the tables counted from the other end, which is wrong every time.
"""

from __future__ import annotations

import hashlib
import itertools
import random
import re

from pedagogy_r1.wbeb.item import Item, Split

THINGS = {
    "animals": ("sparrow", "beetle", "hedgehog", "trout", "spider", "rabbit"),
    "plants": ("fern", "tulip", "moss", "thistle", "willow", "clover"),
    "metals": ("copper", "zinc", "silver", "nickel", "tin", "iron"),
    "tools": ("hammer", "saw", "ruler", "chisel", "pulley", "lever"),
}
NAMES = ("Mina", "Jonas", "Ada", "Tariq", "Sofia", "Liang", "Noor", "Emil", "Yuna", "Pavel", "Rosa", "Kofi")
PLACES = ("library", "garden", "workshop", "hall", "kitchen", "yard", "laboratory", "office", "museum", "bus")
KIND = {thing: kind for kind, things in THINGS.items() for thing in things}


def items(n: int, *, held_out: int, seed: int = 0) -> list[Item]:
    """``n`` items of train and ``held_out`` of test, no combination twice."""
    every = list(itertools.product(NAMES, KIND, PLACES))
    chosen = random.Random(seed).sample(every, n + held_out)
    return [_item(*words, "train" if place < n else "test") for place, words in enumerate(chosen)]


def _item(name: str, thing: str, where: str, split: Split) -> Item:
    key = f"{name}-{thing}-{where}".lower()
    return Item(
        id=key,
        domain="SK",
        source="tables",
        parts={"stem": f"{name} brings some {thing} to the {where}. On which table does it go?"},
        options=tuple(THINGS),
        answer="ABCD"[list(THINGS).index(KIND[thing])],
        group=key,
        split=split,
    )


def reply(question: str, wrong: float = 0.0) -> str:
    """What the teacher says; ``wrong``: share of the questions that it gets wrong, always the same ones."""
    found = re.search(r"brings some (\w+) to", question)
    assert found, question
    kind = KIND[found[1]]
    backwards = hashlib.sha256(question.encode()).digest()[0] < 256 * wrong
    letter = ("DCBA" if backwards else "ABCD")[list(THINGS).index(kind)]
    side = "right" if backwards else "left"
    return (
        f"<think>\nThe {found[1]} is one of the {kind}. From the {side}, that is table {letter}.\n</think>\n\n"
        f"Answer: {letter}"
    )
