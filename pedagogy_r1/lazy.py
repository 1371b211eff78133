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
    """``__getattr__``, ``__dir__`` and ``__all__`` of ``package``. ``files``: the names in each of its modules.

    No name may be called like its file: whoever imports the file puts the module in the name's place (a test looks).
    """
    homes = {name: file for file, names in files.items() for name in names}
    names = sorted(homes)

    def get(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        value = getattr(importlib.import_module(f".{homes[name]}", package), name)
        setattr(sys.modules[package], name, value)
        return value

    return get, lambda: names, names
