"""The house stays as it is drawn in docs/architecture.md: sizes, names, and who may reach whom."""

from __future__ import annotations

import ast
import importlib
import importlib.util
import re
import subprocess
from collections import Counter, defaultdict
from collections.abc import Iterator
from pathlib import Path

from .conftest import ROOT

PACKAGE = ROOT / "pedagogy_r1"
FILES = sorted(path for path in PACKAGE.rglob("*.py") if "_shipped" not in path.parts)
TREES = {path: ast.parse(path.read_text(encoding="utf-8")) for path in FILES}

LONGEST_FUNCTION = 60
LONGEST_FILE = 400
SAME_FILE_NAMES = 6
SAME_CLASS_NAMES = 8


def where(path: Path) -> str:
    return path.relative_to(PACKAGE).as_posix()


def test_no_function_is_longer_than_a_screen() -> None:
    found = [
        f"{where(path)}: {node.name}, {node.end_lineno - node.lineno + 1} lines"
        for path, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
        and node.end_lineno is not None
        and node.end_lineno - node.lineno + 1 > LONGEST_FUNCTION
    ]
    assert found == []


def test_no_docstring_holds_half_a_character() -> None:
    """Python 3.13 cannot compile one."""
    found = [
        where(path)
        for path, tree in TREES.items()
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        if re.search("[\ud800-\udfff]", ast.get_docstring(node, clean=False) or "")
    ]
    assert found == []


def test_no_file_is_too_long_to_read() -> None:
    lengths = {where(path): len(path.read_text(encoding="utf-8").splitlines()) for path in FILES}
    assert {name: count for name, count in lengths.items() if count > LONGEST_FILE} == {}


def test_a_file_name_says_which_file() -> None:
    names = Counter(path.name for path in FILES if path.name != "__init__.py")
    twice = {name: count for name, count in names.items() if count > 1}
    assert len(twice) <= SAME_FILE_NAMES, twice


def test_a_class_name_means_one_thing() -> None:
    homes: dict[str, list[str]] = defaultdict(list)
    for path, tree in TREES.items():
        for node in ast.walk(tree):
            if isinstance(node, ast.ClassDef):
                homes[node.name].append(where(path))
    twice = {name: places for name, places in homes.items() if len(places) > 1}
    assert len(twice) <= SAME_CLASS_NAMES, twice


def test_no_name_of_a_package_is_called_like_its_file() -> None:
    """Whoever imports the file would find the module in the name's place (`lazy.py`)."""
    lazy = 0
    for path, tree in TREES.items():
        for node in tree.body:
            if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "_FILES":
                lazy += 1
                files: dict[str, tuple[str, ...]] = ast.literal_eval(node.value)
                assert not [name for file, names in files.items() for name in names if name == file], where(
                    path
                )
    assert lazy > 1


def own_imports(path: Path) -> Iterator[tuple[ast.ImportFrom, str, bool]]:
    """Imports from this package: the node, the module in full, and whether it stands in a function."""
    package = ["pedagogy_r1", *path.relative_to(PACKAGE).parts[:-1]]
    inside = {
        id(node)
        for function in ast.walk(TREES[path])
        if isinstance(function, ast.FunctionDef | ast.AsyncFunctionDef)
        for node in ast.walk(function)
    }
    for node in ast.walk(TREES[path]):
        if isinstance(node, ast.ImportFrom):
            above = package[: len(package) - node.level + 1] if node.level else []
            module = ".".join([*above, *([node.module] if node.module else [])])
            if module.split(".")[0] == "pedagogy_r1":
                yield node, module, id(node) in inside


def test_no_arrow_hides_in_a_function() -> None:
    """But in the command line, which must start before anything is imported."""
    found = [
        f"{where(path)}:{node.lineno}: {module}"
        for path in FILES
        if where(path).split("/")[0] not in ("cli", "__init__.py")
        for node, module, inside in own_imports(path)
        if inside
    ]
    assert found == []


def test_private_names_do_not_cross_packages() -> None:
    found = []
    for path in FILES:
        room = where(path).split("/")[0]
        for node, module, _ in own_imports(path):
            home = module.split(".")[1:2]
            private = [part for part in [*module.split("."), *(a.name for a in node.names)] if _private(part)]
            if private and home != [room]:
                found.append(f"{where(path)}:{node.lineno}: {', '.join(private)} of {module}")
    assert found == []


def _private(name: str) -> bool:
    return name.startswith("_") and not name.startswith("__")


def test_no_package_registry_is_named() -> None:
    """Links lead to a project's own home; where packages come from is for whoever installs to say."""
    hosts = [f"{name}.{end}" for name, end in (("pypi", "org"), ("pythonhosted", "org"), ("anaconda", "org"))]
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    names = [name for name in listed.stdout.split("\0") if name]
    paths = [ROOT / name for name in names] or [
        path for path in ROOT.rglob("*.md") if ".venv" not in path.parts
    ]
    found = [
        str(path.relative_to(ROOT))
        for path in paths
        if path.is_file() and any(host.encode() in path.read_bytes() for host in hosts)
    ]
    assert found == []


def test_what_is_not_collected_here_imports_names_that_exist() -> None:
    """Scripts, and the tests with the real vLLM, which run in another environment."""
    wrong = []
    for path in (
        path
        for room in ("tests_vllm", "benchmarks", "analysis", "docs")
        for path in (ROOT / room).rglob("*.py")
    ):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            module = (node.module or "") if isinstance(node, ast.ImportFrom) else ""
            if isinstance(node, ast.ImportFrom) and module.split(".")[0] in {"pedagogy_r1", "tests"}:
                wrong += [
                    f"{path.name}: {module}.{a.name}" for a in node.names if not _exists(module, a.name)
                ]
    assert wrong == []


def _exists(module: str, name: str) -> bool:
    try:
        return hasattr(importlib.import_module(module), name) or bool(
            importlib.util.find_spec(f"{module}.{name}")
        )
    except ModuleNotFoundError:
        return False
