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
from typing import Any, NamedTuple

from .errors import PluginError, did_you_mean


class Plugin(NamedTuple):
    """``target``: ``module``, or ``module:function``. ``origin``: the distribution that it came with, and its version."""

    name: str
    target: str
    origin: str


def available(package: str) -> list[str]:
    """Names of all plugins of ``package``, sorted; two plugins of one name are an error."""
    return sorted(found(package))


def found(package: str) -> dict[str, Plugin]:
    """All plugins of ``package`` by name, with where each comes from; none is imported."""
    return _scan(package, tuple(sys.path))


@lru_cache(maxsize=64)
def _scan(package: str, path: tuple[str, ...]) -> dict[str, Plugin]:  # noqa: ARG001 - part of the cache's key
    """Looked up once for each search path: reading every distribution's entry points takes milliseconds."""
    home = importlib.import_module(package)
    ours = [m.name for m in pkgutil.iter_modules(home.__path__) if m.name[0] != "_"]
    plugins = {name: Plugin(name, f"{package}.{name}", package.partition(".")[0]) for name in ours}
    for entry in metadata.entry_points(group=package):
        if entry.name in plugins:
            raise PluginError(
                f"two plugins are named {entry.name!r}: {plugins[entry.name].target} and {entry.value}",
                f"uninstall or rename one of them (entry-point group {package})",
            )
        origin = f"{entry.dist.name} {entry.dist.version}" if entry.dist else "unknown"
        plugins[entry.name] = Plugin(entry.name, entry.value, origin)
    return plugins


def kind(package: str) -> str:
    """What the package's function is called: ``coders`` → ``coder``, ``policies`` → ``policy``."""
    name = package.rsplit(".", 1)[-1]
    return name.removesuffix("ies") + "y" if name.endswith("ies") else name.removesuffix("s")


def load(package: str, name: str) -> Callable[..., Any]:
    """The function of plugin ``name``; it is called like the package's kind (``coders`` → ``coder``)."""
    plugins = found(package)
    if name not in plugins:
        raise PluginError(f"no {kind(package)} is named {name!r}", did_you_mean(name, sorted(plugins)))
    module_name, _, attribute = plugins[name].target.partition(":")
    module = importlib.import_module(module_name)
    function = getattr(module, attribute or kind(package), None)
    if not callable(function):
        raise PluginError(
            f"{module_name} has no function {attribute or kind(package)}()",
            "a plugin exposes one function named for its kind",
        )
    return function  # type: ignore[no-any-return]
