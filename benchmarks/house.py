"""How large the house is, how complex its functions are, and how many files one has to open to understand a command.

    python benchmarks/house.py [CHECKOUT]          of this checkout, or of another (an earlier one, to compare)

Cyclomatic complexity is radon's (``pip install radon``; left out without it). "To open": every module that the command
imports, directly or through others, also inside functions and for types; ``__init__.py`` and the two lowest floors
(errors, files, job, estimate, …: docs/architecture.md) aside. ``annotate`` counts with the language-model coder and the
``openai`` backend, ``report`` with all its sections.
"""

from __future__ import annotations

import ast
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path

PLUMBING = {
    "errors", "provenance", "shipped", "limits", "formatting", "lazy", "files", "estimate", "job", "plugins", "workers", "records", "exchange",
}  # fmt: skip
"""The two lowest floors, by today's names and by those of earlier versions."""

COMMANDS = {
    "annotate (llm)": (("cli.cmd_annotate", "cli.annotate"), ("coding.coders.llm",), ("chat.openai",)),
    "agreement": (("cli.cmd_agreement", "cli.agreement"),),
    "report": (("cli.cmd_report", "cli.report"),),
}


class House:
    """All modules of one checkout, parsed, and who imports whom."""

    def __init__(self, checkout: Path) -> None:
        self.package = checkout / "pedagogy_r1"
        self.files = {self._name(path): path for path in sorted(self.package.rglob("*.py"))}
        self.trees = {name: ast.parse(path.read_text(encoding="utf-8")) for name, path in self.files.items()}
        self.imports = {name: set(self._imported(name)) for name in self.files}

    def _name(self, path: Path) -> str:
        parts = path.relative_to(self.package).with_suffix("").parts
        return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)

    def _imported(self, name: str) -> Iterator[str]:
        parts = name.split(".") if name else []
        here = parts if self.files[name].name == "__init__.py" else parts[:-1]
        for node in ast.walk(self.trees[name]):
            if not isinstance(node, ast.ImportFrom):
                continue
            module = node.module or ""
            if node.level:
                above = here[: len(here) - node.level + 1]
                home = ".".join([*above, *filter(None, [module])])
            elif module.split(".")[0] == "pedagogy_r1":
                home = module.removeprefix("pedagogy_r1").lstrip(".")
            else:
                continue
            for alias in node.names:
                full = f"{home}.{alias.name}".lstrip(".")
                yield full if full in self.files else home

    def reached(self, starts: Iterable[str]) -> list[str]:
        """Modules to open, plumbing and ``__init__`` aside."""
        seen: set[str] = set()
        waiting = list(starts)
        while waiting:
            name = waiting.pop()
            if name in self.files and name not in seen:
                seen.add(name)
                waiting += self.imports[name]
        return sorted(
            name
            for name in seen
            if name.split(".")[0] not in PLUMBING and self.files[name].name != "__init__.py"
        )

    def to_open(self, command: str) -> list[str]:
        """Modules to open for one of `COMMANDS`."""
        starts = [next(n for n in names if n in self.files) for names in COMMANDS[command]]
        if command == "report":
            starts += [name for name in self.files if name.startswith("report.sections.")]
        return self.reached(starts)

    def complexities(self) -> list[int]:
        """Cyclomatic complexity of every function and method."""
        from radon.complexity import cc_visit

        found: list[int] = []
        for path in self.files.values():
            blocks = cc_visit(path.read_text(encoding="utf-8"))
            found += [block.complexity for block in blocks if type(block).__name__ == "Function"]
        return found


def main() -> None:
    """Print the figures of one checkout."""
    house = House(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent)
    lengths = [len(path.read_text(encoding="utf-8").splitlines()) for path in house.files.values()]
    nodes = [node for tree in house.trees.values() for node in ast.walk(tree)]
    functions = [n for n in nodes if isinstance(n, ast.FunctionDef | ast.AsyncFunctionDef)]
    print(f"files {len(lengths)}, lines {sum(lengths):,}, longest file {max(lengths)}")
    print(f"functions over 60 lines {sum((f.end_lineno or 0) - f.lineno + 1 > 60 for f in functions)}")
    names = Counter(path.name for path in house.files.values() if path.name != "__init__.py")
    classes = Counter(node.name for node in nodes if isinstance(node, ast.ClassDef))
    print(
        f"file names used twice {sum(n > 1 for n in names.values())}, class names {sum(n > 1 for n in classes.values())}"
    )
    for command in COMMANDS:
        print(f"files to open for {command}: {len(house.to_open(command))}")
    try:
        found = house.complexities()
    except ImportError:
        print("cyclomatic complexity: not measured (pip install radon)")
    else:
        print(
            f"functions over cyclomatic 12: {sum(c > 12 for c in found)}, over 20: {sum(c > 20 for c in found)}"
        )


if __name__ == "__main__":
    main()
