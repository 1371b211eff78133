"""The folder is the registry: a plugin is a file in a package that exposes one function named for its kind.

    pedagogy_r1/coding/coders/cues.py  →  def coder(...)      available("pedagogy_r1.coding.coders") → ["cues", "llm"]

Other distributions add plugins through an entry-point group of the package's dotted name. Only the chosen
plugin is imported. Two plugins of one name, or one that cannot be imported, trouble only who asks for that name; where all are
wanted (`load_all`) they are left out with a `PluginWarning`.
"""

from __future__ import annotations

import importlib
import pkgutil
import sys
import warnings
from collections.abc import Callable
from functools import lru_cache
from importlib.util import find_spec
from typing import Any, NamedTuple

from .errors import InputError, PedagogyError, PluginError, did_you_mean

OURS = "pedagogy_r1"
"""Origin of the plugins that come with the package."""


class Plugin(NamedTuple):
    """``target``: ``module``, or ``module:function``. ``origin``: the distribution that it came with, and its version."""

    name: str
    target: str
    origin: str


class PluginWarning(UserWarning):
    """A plugin that cannot be used was left out."""


def available(package: str) -> list[str]:
    """Names of all plugins of ``package``, sorted."""
    return sorted(found(package))


def found(package: str) -> dict[str, tuple[Plugin, ...]]:
    """All plugins of ``package`` by name, with where each comes from; none is imported.

    More than one of a name, ours first, are a clash.
    """
    return _scan(package, tuple(sys.path))


@lru_cache(maxsize=64)
def _scan(package: str, path: tuple[str, ...]) -> dict[str, tuple[Plugin, ...]]:  # noqa: ARG001 - part of the cache's key
    """Looked up once for each search path: reading every distribution's entry points takes milliseconds."""
    home = importlib.import_module(package)
    ours = [m.name for m in pkgutil.iter_modules(home.__path__) if m.name[0] != "_"]
    plugins: dict[str, tuple[Plugin, ...]] = {
        name: (Plugin(name, f"{package}.{name}", OURS),) for name in ours
    }
    from importlib import metadata  # 20 ms, which `pcode --help` need not pay

    for entry in metadata.entry_points(group=package):
        origin = f"{entry.dist.name} {entry.dist.version}" if entry.dist else "unknown"
        plugin = Plugin(entry.name, entry.value, origin)
        if plugin not in plugins.get(entry.name, ()):  # a distribution that is on the path twice is one
            plugins[entry.name] = (*plugins.get(entry.name, ()), plugin)
    return plugins


def kind(package: str) -> str:
    """What the package's function is called: ``coders`` → ``coder``, ``policies`` → ``policy``."""
    name = package.rsplit(".", 1)[-1]
    return name.removesuffix("ies") + "y" if name.endswith("ies") else name.removesuffix("s")


def load(package: str, name: str) -> Callable[..., Any]:
    """The function of plugin ``name``; it is called like the package's kind (``coders`` → ``coder``).

    Raises `PluginError` if there is none, if there are two, or if it cannot be imported.
    """
    plugins = found(package)
    if name not in plugins:
        raise PluginError(f"no {kind(package)} is named {name!r}", did_you_mean(name, sorted(plugins)))
    if len(plugins[name]) > 1:
        raise _clash(package, plugins[name])
    return _function(package, plugins[name][0])


def load_all(package: str) -> dict[str, Callable[..., Any]]:
    """The functions of all plugins that can be used, by name; each of the others is left out with a `PluginWarning`.

    Of two plugins of one name, ours is used if one is ours.
    """
    usable: dict[str, Callable[..., Any]] = {}
    for name, plugins in found(package).items():
        try:
            if plugins[0].origin != OURS and len(plugins) > 1:
                raise _clash(package, plugins)
            usable[name] = _function(package, plugins[0])
            if len(plugins) > 1:
                raise _clash(package, plugins)
        except PluginError as error:
            leave_out(f"{error.message}: {'ours is used' if name in usable else 'left out'}; {error.hint}")
    return usable


def leave_out(why: str) -> None:
    """Warn that a plugin, or part of it, is not used."""
    warnings.warn(why, PluginWarning, stacklevel=3)


def _clash(package: str, plugins: tuple[Plugin, ...]) -> PluginError:
    homes = " and ".join(f"{plugin.target} ({plugin.origin})" for plugin in plugins)
    return PluginError(
        f"{'two' if len(plugins) == 2 else len(plugins)} plugins are named {plugins[0].name!r}: {homes}",
        f"uninstall or rename one of them (entry-point group {package})",
    )


def _function(package: str, plugin: Plugin) -> Callable[..., Any]:
    module_name, _, attribute = plugin.target.partition(":")
    what = f"the {kind(package)} {plugin.name!r} of {plugin.origin}"
    mend = f"mend, reinstall or uninstall {plugin.origin.partition(' ')[0]}"
    try:
        module = importlib.import_module(module_name)
    except PedagogyError:
        raise
    except Exception as error:
        said = f"{type(error).__name__}: {error}"
        raise PluginError(f"{what} cannot be imported ({module_name}: {said})", mend) from error
    function = getattr(module, attribute or kind(package), None)
    if not callable(function):
        raise PluginError(
            f"{what} cannot be used: {module_name} has no function {attribute or kind(package)}()",
            f"a plugin exposes one function named for its kind; {mend}",
        )
    return function  # type: ignore[no-any-return]


def need(*modules: str, hint: str = "pip install 'pedagogy_r1[train]'") -> None:
    """Raise `InputError` with ``hint`` for the first of ``modules`` that is not installed; nothing is imported."""
    for module in modules:
        if find_spec(module) is None:
            raise InputError(f"{module} is not installed", hint)
