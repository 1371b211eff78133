"""Issue 15, "one voice on the terminal": nothing is cut or left out for want of columns, no colour where none is wanted."""

from __future__ import annotations

import os
import pty
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import click
import pytest
from click.testing import Result

from pedagogy_r1.cli.main import CHAPTERS, cli
from pedagogy_r1.codebook import load_codebook

from ..conftest import ROOT
from ..make_runs import make_run

Pcode = Callable[..., Result]
DEMO = ROOT / "demo/traces.jsonl"


def on_terminal(words: list[object], columns: int, **env: str) -> str:
    """What a command prints on a terminal of that many columns, stdout and stderr together."""
    mine, theirs = pty.openpty()
    command = [sys.executable, "-m", "pedagogy_r1", *map(str, words)]
    known = {name: value for name, value in os.environ.items() if name != "NO_COLOR"}
    found = known | {"COLUMNS": str(columns), "TERM": "xterm", "PYTHONPATH": str(ROOT)} | env
    with subprocess.Popen(command, stdin=theirs, stdout=theirs, stderr=theirs, env=found):
        os.close(theirs)
        said = b""
        while True:
            try:
                more = os.read(mine, 65536)
            except OSError:  # Linux says so when nobody can write any more
                break
            if not more:
                break
            said += more
    os.close(mine)
    return said.decode()


def plain(text: str) -> str:
    return re.sub(r"\x1b\[[0-9;]*m", "", text)


def test_every_command_stands_under_one_heading_with_its_whole_first_sentence(pcode: Pcode) -> None:
    said = " ".join(pcode("--help").stdout.split())
    assert not re.search(r"\.\.\.(?! COMMAND)", said.replace("[ARGS]...", ""))
    for heading in CHAPTERS:
        assert f"{heading}: " in said
    names = [name for some in CHAPTERS.values() for name in some]
    assert len(names) == len(set(names))
    context = click.Context(cli, info_name="pcode")
    for name in cli.list_commands(context):
        found = cli.get_command(context, name)
        assert found is not None
        assert name in names, f"{name} is under no heading"
        assert found.get_short_help_str(10_000) in said


def test_no_help_of_any_group_is_cut(pcode: Pcode) -> None:
    context = click.Context(cli)
    groups = [
        name for name in cli.list_commands(context) if isinstance(cli.get_command(context, name), click.Group)
    ]
    assert len(groups) > 5
    for name in groups:
        assert "..." not in pcode(name, "--help").stdout.partition("Commands:")[2], name


def test_help_and_its_option_say_the_same(pcode: Pcode) -> None:
    assert pcode("help", "codebook", "migrate").stdout == pcode("codebook", "migrate", "--help").stdout
    assert pcode("help").stdout == pcode("--help").stdout
    refused = pcode("help", "codebok")
    assert refused.exit_code == 2
    assert "did you mean codebook?" in refused.stderr
    assert "has no commands of its own" in pcode("help", "annotate", "x").stderr


def test_version_says_what_results_depend_on(pcode: Pcode) -> None:
    said = pcode("version").stdout
    assert "pedagogy_r1" in said
    assert "python" in said
    assert "krippendorff" in pcode("version", "--json").stdout


@pytest.mark.parametrize("columns", [40, 60, 80, 200])
def test_no_column_is_left_out_however_narrow_the_terminal(columns: int, tmp_path: Path) -> None:
    values = {
        who: ["B" if n % (3 + k) else "C" for n in range(30)]
        for k, who in enumerate(("Ada", "Bernard", "Clementine"))
    }
    run = make_run(tmp_path / "run", values).folder
    said = plain(on_terminal(["agreement", run, "--replicates", "0"], columns))
    for head in ("coders", "α", "over", "units", "values", "traces", "effective"):
        assert head in said.replace("\r\n", "\n"), f"{head} at {columns} columns:\n{said}"
    assert "Clementine" in said
    assert "…" not in said
    assert ("columns shows also:" in said) == (columns < 120)


def test_a_table_that_fits_is_a_table(tmp_path: Path) -> None:
    said = plain(on_terminal(["codebook", "list"], 200))
    assert re.search(r"codebook +codes +digest +title", said)


def test_no_colour_where_none_is_wanted() -> None:
    words: list[object] = ["annotate", "nowhere.jsonl", "-o", "run"]
    assert "\x1b[31merror:" in on_terminal(words, 80)
    assert "\x1b[" not in on_terminal(words, 80, NO_COLOR="1")


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_completion_names_pcode(shell: str, pcode: Pcode) -> None:
    said = pcode("completion", shell).stdout
    assert "_PCODE_COMPLETE" in said
    assert "pcode" in said


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("annot", "annotate"),
        ("codebook show scho", "schoen@1.0.0"),
        ("annotate x --codebook schoenf", "schoenfeld"),
        ("annotate x --coder lear", "learned:schoen"),
        ("pipeline run tin", "tiny-cpu"),
        ("import x --format inc", "inception"),
        ("corpus copy te", "teaching"),
        ("analysis run four", "four_conditions"),
    ],
)
def test_bash_completes_names(words: str, offered: str, tmp_path: Path) -> None:
    """As bash asks: by the variables that its completion sets."""
    typed = ["pcode", *words.split()]
    env = {
        **os.environ,
        "PYTHONPATH": str(ROOT),
        "COMP_WORDS": " ".join(typed),
        "COMP_CWORD": str(len(typed) - 1),
        "_PCODE_COMPLETE": "bash_complete",
    }
    main = "import sys; sys.argv = ['pcode']; from pedagogy_r1.cli.main import main; main()"
    done = subprocess.run([sys.executable, "-c", main], env=env, capture_output=True, text=True, cwd=tmp_path)
    assert f"plain,{offered}" in done.stdout.split(), done


def test_a_folder_of_another_kind_is_named_in_words(tmp_path: Path, pcode: Pcode) -> None:
    people, machine = tmp_path / "people", tmp_path / "machine"
    codings = (ROOT / "demo/coder_A.csv", ROOT / "demo/coder_B.csv")
    assert not pcode(
        "import",
        *codings,
        "--traces",
        DEMO,
        "--scheme",
        "sentence@1",
        "--codebook",
        "schoen@1.0.0",
        "-o",
        people,
    ).exit_code
    refused = pcode("annotate", DEMO, "--coder", "cues", "-o", people)
    assert refused.exit_code == 2
    assert "an import of people's codings (long); this would be codings made by cues" in refused.stderr
    assert not pcode("annotate", DEMO, "--coder", "cues", "-o", machine).exit_code
    refused = pcode("annotate", DEMO, "--coder", "cues", "--scheme", "paragraph@1", "-o", machine)
    assert "scheme: 'sentence@1' there, 'paragraph@1' now" in refused.stderr


def test_a_migration_is_summed_up_and_listed_in_its_file(tmp_path: Path, pcode: Pcode) -> None:
    run = tmp_path / "old"
    assert not pcode("annotate", DEMO, "--coder", "cues", "--codebook", "schoen@1.0.0", "-o", run).exit_code
    done = pcode("codebook", "migrate", run, "--to", "schoen@1.1.0", "-o", tmp_path / "new")
    rows = (tmp_path / "new/recode.csv").read_text(encoding="utf-8").splitlines()[1:]
    assert done.exit_code == 1
    assert len(done.output.splitlines()) < 12 < len(rows)
    counts = [int(n.replace(",", "")) for n in re.findall(r"^([\d,]+) to be made again", done.stdout, re.M)]
    assert sum(counts) == len(rows)


def test_a_new_codebook_is_one_and_says_what_it_lacks(tmp_path: Path, pcode: Pcode) -> None:
    path = tmp_path / "talk.yaml"
    assert not pcode("codebook", "new", "talk", "-o", path, "--title", 'Talk: "moves" & {more}').exit_code
    book = load_codebook(path)
    assert (book.id, book.version, len(book.codes)) == ("talk", "0.1.0", 2)
    assert book.title == 'Talk: "moves" & {more}'
    checked = pcode("codebook", "check", path)
    assert checked.exit_code == 0
    assert "needs" in checked.output or "need at least" in checked.output
    assert "there already" in pcode("codebook", "new", "talk", "-o", path).stderr
    refused = pcode("codebook", "new", "two words", "-o", tmp_path / "b.yaml")
    assert "cannot be the id of a codebook" in refused.stderr
    assert not (tmp_path / "b.yaml").exists()
    run = pcode("annotate", DEMO, "--coder", "cues", "--codebook", path, "-o", tmp_path / "run")
    assert run.exit_code == 0, run.output


def test_a_sample_says_how_long_people_will_take(tmp_path: Path, pcode: Pcode) -> None:
    done = pcode("sample", DEMO, "-o", tmp_path / "packet", "--fraction", "1", "--coders", "A,B")
    assert re.search(r"A: 261 units; 87 to 174 minutes|A: 261 units; 1\.\d to 2\.9 hours", done.output), (
        done.output
    )
