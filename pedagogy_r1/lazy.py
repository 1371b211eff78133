"""Names of a package that are imported when they are first used: whoever needs one of its files pays for no other.

__getattr__, __dir__, __all__ = lazy_names(__name__, {"alpha": ("Alpha", "krippendorff_alpha")})     PEP 562
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import Any


def lazy_names(
    package: str, files: Mapping[str, Sequence[str]]
) -> tuple[Callable[[str], Any], Callable[[], list[str]], list[str]]:
    """``__getattr__``, ``__dir__`` and ``__all__`` of ``package``. ``files``: the names in each of its modules."""
    homes = {name: file for file, names in files.items() for name in names}
    names = sorted(homes)

    def get(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module = importlib.import_module(f".{homes[name]}", package)
        for one in files[
            homes[name]
        ]:  # all of them: importing a file puts it into its package in place of a name that is called like it
            setattr(sys.modules[package], one, getattr(module, one))
        return getattr(module, name)

    return get, lambda: names, names
