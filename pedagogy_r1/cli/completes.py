"""What the shell offers for a value (`pcode completion`): codebooks, coders, formats and the like, by name.

@options.option("--format", "Format.", **completes(plugin_names("human.tools")))
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import click


def completes(find: Callable[[], Sequence[str]]) -> dict[str, Any]:
    """``option(…, **completes(codebook_names))``: what the shell offers for the value: these names, else files."""

    def offer(_: click.Context, __: click.Parameter, begun: str) -> list[Any]:
        from click.shell_completion import CompletionItem

        names = [CompletionItem(name) for name in find() if name.startswith(begun)]
        return names or [CompletionItem(begun, type="file")]

    return {"shell_complete": offer}


def codebook_names() -> list[str]:
    """``schoen``, ``schoen@1.0.0`` …: the codebooks that come with the package."""
    from ..codebook import released

    found = [(path.parent.name, path.stem) for path in released()]
    return [*dict(found), *(f"{name}@{version}" for name, version in found)]


def plugin_names(package: str) -> Callable[[], list[str]]:
    """The names of the plugins of ``pedagogy_r1.PACKAGE``."""

    def find() -> list[str]:
        from ..plugins import available

        return available(f"pedagogy_r1.{package}")

    return find


def coder_names() -> list[str]:
    """The coders, and the learned ones that come with the package."""
    from ..shipped import folder

    learned = [f"learned:{path.name}" for path in sorted(folder("coders").glob("*")) if path.is_dir()]
    return [*(name for name in plugin_names("coding.coders")() if name != "learned"), *learned]
