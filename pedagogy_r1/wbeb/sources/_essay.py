"""What essays of several sources have in common: a score that is a whole number, and a group."""

from __future__ import annotations

from ...errors import InputError
from ..loaded import Gathering, Loaded

ENOUGH = 5
"""Prompts from which on they can be split 80/20."""


def whole(cell: str) -> int | None:
    """``"4"`` and ``"4.0"`` → 4; anything else → ``None``."""
    try:
        number = float(cell)
    except ValueError:
        return None
    return int(number) if number.is_integer() else None


def group_essays(found: Gathering, group: str) -> Loaded:
    """By prompt, so that a prompt is new in test; by essay where there are too few prompts to split.

    ``group``: ``prompt``, ``essay``, or ``auto``.
    """
    if group not in ("auto", "prompt", "essay"):
        raise InputError(f"group={group}", "prompt, essay or auto")
    prompts = {item.group for item in found.items}
    if group == "essay" or (group == "auto" and len(prompts) < ENOUGH):
        found.items = [item.model_copy(update={"group": item.id}) for item in found.items]
        if group == "auto" and prompts:
            many = "one prompt" if len(prompts) == 1 else f"{len(prompts)} prompts"
            found.notes.append(
                f"{many}: too few to split by, so each essay is a group of its own; the prompts are known from train"
            )
    return found.done()
