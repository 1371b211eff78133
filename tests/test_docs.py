"""The documentation is tested: generated pages are fresh, links lead somewhere, the README's commands run."""

from __future__ import annotations

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

import pedagogy_r1 as pr
from pedagogy_r1.cli.main import cli

from .conftest import ROOT

PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *sorted((ROOT / "docs").glob("*.md")),
    ROOT / "benchmarks/README.md",
]


def test_generated_pages_are_fresh() -> None:
    result = subprocess.run(
        [sys.executable, "docs/generate.py", "--check"], cwd=ROOT, capture_output=True, text=True
    )
    assert result.returncode == 0, result.stdout + result.stderr


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_links_lead_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\(([^)#\s]+)\)", page.read_text(encoding="utf-8")):
        if "://" not in target:
            assert (page.parent / target).exists(), f"{page.name} links to {target}"


def test_readme_commands_run(tmp_path: Path) -> None:
    """The tour, command by command, in a folder that holds nothing but the demo data."""
    (tmp_path / "demo").symlink_to(ROOT / "demo")
    text = (ROOT / "README.md").read_text(encoding="utf-8")
    tour = text.split("## A tour")[1].split("```sh\n")[1].split("```")[0]
    lines = [line for line in tour.splitlines() if line.startswith("pcode")]
    assert len(lines) >= 8
    for line in lines:
        commands = [shlex.split(part, comments=True) for part in line.split(" | ")]
        command = [sys.executable, "-m", "pedagogy_r1", *commands[0][1:]]
        result = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
        assert result.returncode == 0, f"{line}\n{result.stderr}"
    assert (tmp_path / "out/codings.xlsx").stat().st_size > 1000


def test_readme_python_runs(tmp_path: Path) -> None:
    (tmp_path / "demo").symlink_to(ROOT / "demo")
    code = (ROOT / "README.md").read_text(encoding="utf-8").split("```python\n")[1].split("```")[0]
    result = subprocess.run([sys.executable, "-c", code], cwd=tmp_path, capture_output=True, text=True)
    assert result.returncode == 0, result.stderr
    assert "human-human" in result.stdout


def test_public_names_are_pinned() -> None:
    """Other people's scripts rely on these; removing one is a new major version."""
    assert sorted(pr.__all__) == sorted(
        [
            *("AgreementReport", "Code", "Codebook", "CoderRun", "Coding", "PedagogyError", "Trace", "Unit"),
            *("agree", "annotate", "export_runs", "import_codings", "import_traces", "load_codebook"),
            *("migrate_run", "read_traces", "require_complete", "unitize"),
        ]
    )
    for name in pr.__all__:
        assert getattr(pr, name).__doc__, name
    with pytest.raises(AttributeError):
        _ = pr.nothing


def test_every_option_is_explained() -> None:
    import click

    def walk(command: click.Command) -> list[click.Command]:
        if isinstance(command, click.Group):
            context = click.Context(command)
            return [
                sub
                for name in command.list_commands(context)
                for sub in walk(command.get_command(context, name))
            ]  # type: ignore[arg-type]
        return [command]

    for command in walk(cli):
        assert command.help, command.name
        for option in command.params:
            if isinstance(option, click.Option):
                assert option.help or option.name in ("seed", "as_json"), f"{command.name} {option.opts}"


def test_help_imports_nothing_heavy() -> None:
    """``pcode --help`` starts fast because nothing but click is imported; speed itself is measured in benchmarks/."""
    code = "import sys; sys.argv = ['pcode', '--help']\nfrom pedagogy_r1.cli.main import cli\ntry:\n cli()\nexcept SystemExit: pass\nprint(sorted(sys.modules))"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    loaded = set(re.findall(r"'([^']+)'", result.stdout.splitlines()[-1]))
    heavy = {
        "spacy",
        "numpy",
        "pandas",
        "aiohttp",
        "rich",
        "pydantic",
        "yaml",
        "krippendorff",
        "openpyxl",
        "matplotlib",
    }
    assert not heavy & loaded
