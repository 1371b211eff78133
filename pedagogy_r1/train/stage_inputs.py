"""What a stage depends on: the code behind its command, and the digests of what it reads and wrote.

    code_of("pedagogy_r1.cli.cmd_filter")     {"cli/cmd_filter.py": "3fa9c1…", "train/filter.py": "07be44…", …}
    digests = DigestCache(out / "stages" / "digests.json")
    digests.of(out / "sft" / "merged")        "sha256:…" over names and contents of all files in it

The code is every file that the command may import, and no other: a stage is run again when one of these changes, and not when
the report page does. Imports are read from the source, those inside functions too; a package of plugins, which a module names
in a string, counts with all that is in it. What differs between two equal runs (timings, ledgers, manifests with their times)
is left out of a folder's digest.
"""

from __future__ import annotations

import ast
import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.util import resolve_name
from pathlib import Path

from ..files.records import atomic
from ..files.seal import BATCHES, CHECKPOINTS, LEDGER, PASSING, RUN
from ..provenance import digest, file_digest

PACKAGE = "pedagogy_r1"
_ROOT = Path(__file__).resolve().parent.parent
_PLUGINS = re.compile(rf"^{PACKAGE}(\.[a-z_]+)+$")


def code_of(module: str) -> dict[str, str]:
    """file (from the package's folder) → 12 hex digits, for ``module`` and everything that it imports from this package."""
    found: dict[str, str] = {}
    todo = [module]
    while todo:
        path = _file(todo.pop())
        if path is None or (name := path.relative_to(_ROOT).as_posix()) in found:
            continue
        digest, imports = _read(path)
        found[name] = digest
        todo += imports
    return dict(sorted(found.items()))


def changed(old: Mapping[str, str | None], new: Mapping[str, str | None]) -> list[str]:
    """Names whose digests are not the same in both."""
    return sorted(name for name in {**old, **new} if old.get(name) != new.get(name))


@cache
def _read(path: Path) -> tuple[str, tuple[str, ...]]:
    """Digest of one file, and the modules of this package that it names."""
    source = path.read_bytes()
    name = ".".join((PACKAGE, *path.relative_to(_ROOT).with_suffix("").parts))
    package = name.removesuffix(".__init__") if path.name == "__init__.py" else name.rpartition(".")[0]
    imports = dict.fromkeys(_imports(ast.parse(source), package))
    return hashlib.sha256(source).hexdigest()[:12], tuple(imports)


def _imports(tree: ast.AST, package: str) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            home = resolve_name("." * node.level + (node.module or ""), package)
            yield home
            yield from (f"{home}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Constant) and isinstance(node.value, str) and _PLUGINS.match(node.value):
            yield node.value
            folder = _ROOT.joinpath(*node.value.split(".")[1:])
            yield from (f"{node.value}.{path.stem}" for path in sorted(folder.glob("*.py")))


def _file(module: str) -> Path | None:
    first, *rest = module.split(".")
    if first != PACKAGE or not rest:  # the package's own front door leads everywhere, and does nothing itself
        return None
    path = _ROOT.joinpath(*rest)
    for candidate in (path / "__init__.py", path.with_suffix(".py")):
        if candidate.is_file():
            return candidate
    return None


VOLATILE = frozenset({RUN, LEDGER, BATCHES, "timings.csv", "timings.json", CHECKPOINTS})
"""Files that hold times of day or durations, or the order in which answers happened to come."""


class DigestCache:
    """Digests of files and folders, remembered by size and time so that a model of 15 GB is read once."""

    def __init__(self, path: Path) -> None:
        self._path = path
        try:
            known = json.loads(path.read_bytes())
        except (OSError, ValueError, RecursionError):
            known = {}
        entries = known.items() if isinstance(known, dict) else ()
        self._known: dict[str, list[object]] = {name: e for name, e in entries if _is_mark(e)}

    def of(self, path: Path) -> str | None:
        """Of a file, or of a folder's files with their names; ``None`` where there is nothing."""
        if path.is_file():
            return self._of_file(path)
        if not path.is_dir():
            return None
        return digest({str(file.relative_to(path)): self._of_file(file) for file in files(path)})

    def _of_file(self, path: Path) -> str:
        state, name = path.stat(), str(path)
        mark: list[object] = [state.st_size, state.st_mtime_ns]
        if self._known.get(name, [])[:2] != mark:
            self._known[name] = [*mark, file_digest(path)]
        return str(self._known[name][2])

    def save(self) -> None:
        """Write what is known."""
        with atomic(self._path) as file:
            file.write(json.dumps(self._known, indent=0, sort_keys=True) + "\n")


def _is_mark(entry: object) -> bool:
    """Whether an entry is a size, a time and a digest; one that is not is computed anew."""
    return isinstance(entry, list) and [type(part) for part in entry] == [int, int, str]


def files(folder: Path) -> list[Path]:
    """The files of a folder that its digest is of, sorted."""
    found = []
    for path in sorted(folder.rglob("*")):
        parts = path.relative_to(folder).parts
        hidden = any(part[0] == "." for part in parts)
        if path.is_file() and not hidden and path.name not in VOLATILE and not PASSING & set(parts):
            found.append(path)
    return found
