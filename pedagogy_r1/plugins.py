"""The folder is the registry: a plugin is a file in a package that exposes one function named for its kind.

    pedagogy_r1/coding/coders/cues.py  →  def coder(...)      available("pedagogy_r1.coding.coders") → ["cues", "llm"]

Other distributions add plugins through an entry-point group of the package's dotted name. Only the chosen
plugin is imported.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
from collections.abc import Callable
from functools import lru_cache
from importlib import metadata
from typing import Any

from .errors import PluginError, did_you_mean


def available(package: str) -> list[str]:
    """Names of all plugins of ``package``, sorted; two plugins of one name are an error."""
    return sorted(_sources(package))


def _sources(package: str) -> dict[str, str]:
    return _scan(package, tuple(sys.path))


@lru_cache(maxsize=64)
def _scan(package: str, path: tuple[str, ...]) -> dict[str, str]:
    """Looked up once for each search path: reading every distribution's entry points takes milliseconds."""
    home = importlib.import_module(package)
    found = {m.name: f"{package}.{m.name}" for m in pkgutil.iter_modules(home.__path__) if m.name[0] != "_"}
    for entry in metadata.entry_points(group=package):
        if entry.name in found:
            raise PluginError(
                f"two plugins are named {entry.name!r}: {found[entry.name]} and {entry.value}",
                f"uninstall or rename one of them (entry-point group {package})",
            )
        found[entry.name] = entry.value
    return found


def _kind(package: str) -> str:
    """``coders`` → ``coder``, ``policies`` → ``policy``."""
    name = package.rsplit(".", 1)[-1]
    return name.removesuffix("ies") + "y" if name.endswith("ies") else name.removesuffix("s")


def load(package: str, name: str) -> Callable[..., Any]:
    """The function of plugin ``name``; it is called like the package's kind (``coders`` → ``coder``)."""
    sources = _sources(package)
    kind = _kind(package)
    if name not in sources:
        raise PluginError(f"no {kind} is named {name!r}", did_you_mean(name, sorted(sources)))
    module_name, _, attribute = sources[name].partition(":")
    module = importlib.import_module(module_name)
    function = getattr(module, attribute or kind, None)
    if not callable(function):
        raise PluginError(
            f"{module_name} has no function {attribute or kind}()",
            "a plugin exposes one function named for its kind",
        )
    return function  # type: ignore[no-any-return]
