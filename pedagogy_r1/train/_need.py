"""What training needs beyond the base install, asked for by name before the work begins."""

from __future__ import annotations

from importlib.util import find_spec

from ..errors import InputError

HINT = "pip install 'pedagogy_r1[train]'"


def need(*modules: str, hint: str = HINT) -> None:
    """Raise `InputError` with ``hint`` for the first of ``modules`` that is not installed; nothing is imported."""
    for module in modules:
        if find_spec(module) is None:
            raise InputError(f"{module} is not installed", hint)
