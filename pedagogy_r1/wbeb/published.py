"""The published numbers, as reference rows: another benchmark's items, another prompt; they show where the paper stands.

Lee et al. 2025, Pedagogy-R1 (arXiv 2505.18467; CIKM 2025, doi 10.1145/3746252.3761133). Its items cannot be had as a whole
(docs/wbeb.md), so a difference between these numbers and a run's is one of data as much as of models.
"""

from __future__ import annotations

from typing import NamedTuple

SOURCE = "Lee et al. 2025, arXiv 2505.18467"


class Published(NamedTuple):
    """One number, as a share; a range has two ends. ``derived``: from a published difference. ``score``: ``None``: not stated."""

    model: str
    domain: str
    low: float
    high: float
    derived: bool = False
    score: str | None = None

    def __str__(self) -> str:
        """``.272``; ``.240–.270``; ``.252*`` derived; ``.158?`` where the score is not stated."""
        ends = dict.fromkeys((self.low, self.high))
        value = "–".join(f"{end:.4f}".rstrip("0").removeprefix("0") for end in ends)
        return value + ("*" if self.derived else "") + ("" if self.score else "?")


STATED = {"SK": "accuracy", "PK": "accuracy", "KT": "auc"}


def _one(model: str, domain: str, value: float, derived: bool = False) -> Published:
    return _range(model, domain, value, value, derived)


def _range(model: str, domain: str, low: float, high: float, derived: bool = False) -> Published:
    """From per cent, as they were published."""
    return Published(model, domain, round(low / 100, 6), round(high / 100, 6), derived, STATED.get(domain))


PUBLISHED: tuple[Published, ...] = (
    _one("Pedagogy-R1-7B", "SK", 27.20),
    _one("Pedagogy-R1-7B", "PK", 31.67),
    _one("Pedagogy-R1-7B", "KT", 54.99),
    _one("Pedagogy-R1-7B", "AES", 15.83),
    _one("Pedagogy-R1-7B", "DM", 54.76),
    _range("Pedagogy-R1-1.5B", "SK", 24.0, 27.0),
    _one("Pedagogy-R1-1.5B", "PK", 30.60),
    _one("Pedagogy-R1-1.5B", "KT", 52.57),
    _one("Qwen2.5-7B-Instruct", "SK", 29.69),
    _one("Qwen2.5-7B-Instruct", "PK", 25.18, derived=True),
    _one("Qwen2.5-7B-Instruct", "AES", 7.08, derived=True),
    _one("Qwen2.5-7B-Instruct", "DM", 23.42, derived=True),
    _one("o4-mini", "SK", 45.96),
    _one("DKT", "KT", 77.55),
    _one("AKT", "KT", 79.31),
)

NOTE = (
    f"published: {SOURCE}, on the paper's own items, which are not these; * derived from published differences; "
    "? which score it is, is not stated"
)
"""What stands under a table that shows them."""
