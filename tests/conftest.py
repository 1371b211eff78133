"""Fixtures every test may use."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from hypothesis import HealthCheck, settings

from pedagogy_r1.spacy_module import ALONE

from .web_browser import chromium

WHOLE = os.environ.get("PCODE_TESTS") == "whole"
"""`make test-whole`: every case, and as many examples."""

ROOT = Path(__file__).resolve().parent.parent

# The same examples in every run, and as much time for them as a busy machine needs.
settings.register_profile(
    "tests", deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("tests")

# As `pcode` has it: a process that it starts to work beside a test would spend three seconds on importing PyTorch.
os.environ.setdefault(ALONE, "1")
# A worker for each core runs tests already: more threads of OpenMP and BLAS wait for each other, which takes tests of models three times as long.
os.environ.setdefault("OMP_NUM_THREADS", "1")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Files with slow tests first: they would otherwise be what everybody waits for at the end."""
    slow = {item.path for item in items if item.get_closest_marker("slow")}
    items.sort(key=lambda item: item.path not in slow)
    if not WHOLE:
        left = pytest.mark.skip(reason="takes minutes, or is one of many alike: make test-whole runs it")
        for item in items:
            if item.get_closest_marker("whole"):
                item.add_marker(left)


@pytest.fixture(scope="session")
def shared() -> Path:
    """Real data beside the checkout; absent on most machines, and then the test is skipped."""
    folder = ROOT.parent / "shared"
    if not folder.is_dir():
        pytest.skip("../shared is not here")
    return folder


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """Chromium, for all tests of a file."""
    with chromium() as started:
        yield started


@pytest.fixture
def pcode() -> Callable[..., Result]:
    """Run ``pcode`` in process; stdout and stderr apart."""
    from pedagogy_r1.cli.main import cli

    def run(*words: object) -> Result:
        return CliRunner().invoke(cli, [str(word) for word in words])

    return run


@pytest.fixture
def pcode_process() -> Callable[..., subprocess.Popen[str]]:
    """Start ``pcode`` as a process of its own, to be killed."""

    def start(*words: object, **options: Any) -> subprocess.Popen[str]:
        command = [sys.executable, "-m", "pedagogy_r1", *(str(word) for word in words)]
        env = {**os.environ, **options.pop("env", {})}
        return subprocess.Popen(
            command, text=True, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env, **options
        )

    return start


@pytest.fixture
def write_jsonl(tmp_path: Path) -> Callable[..., Path]:
    """Write objects as JSONL under the test's folder."""

    def write(name: str, *values: dict[str, Any]) -> Path:
        path = tmp_path / name
        path.write_text(
            "".join(json.dumps(value, ensure_ascii=False) + "\n" for value in values), encoding="utf-8"
        )
        return path

    return write
