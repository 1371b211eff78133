"""The same name is the same option: one shape everywhere, with help; and what options were called before still works."""

from __future__ import annotations

import json
import re
import resource
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterator
from functools import partial
from inspect import cleandoc
from pathlib import Path

import click
import pytest
from click.testing import Result

from pedagogy_r1.cli.console import OLD_NAMES
from pedagogy_r1.cli.main import cli
from pedagogy_r1.cli.options import Command
from pedagogy_r1.estimate import Resampling
from pedagogy_r1.report import ReportSettings

from ..conftest import ROOT
from ..make_runs import make_run
from ..wbeb_items import choice

Pcode = Callable[..., Result]
DEMO = ROOT / "demo/traces.jsonl"

RESAMPLED = ("agreement", "unitizing", "report", "tokens", "wbeb eval", "wbeb compare", "wbeb baselines")
READ_RUNS = ("agreement", "disagreements", "report", "tokens", "export", "web", "unitizing", "quotes")
ASKED = ("annotate", "thoughts", "wbeb eval", "distill")


def commands(command: click.Command, path: tuple[str, ...] = ()) -> Iterator[tuple[str, click.Command]]:
    if not isinstance(command, click.Group):
        yield " ".join(path), command
        return
    ctx = click.Context(command)
    for name in command.list_commands(ctx):
        found = command.get_command(ctx, name)
        assert found is not None
        yield from commands(found, (*path, name))


ALL = dict(commands(cli))


def options(command: str) -> dict[str, click.Option]:
    return {name: o for o in ALL[command].params if isinstance(o, click.Option) for name in o.opts}


def shape(option: click.Option) -> tuple[str, bool, bool]:
    """What stands behind the name; a choice is a word, of which only some are allowed."""
    kinds = {
        "Path": "path",
        "IntRange": "int",
        "IntParamType": "int",
        "FloatRange": "float",
        "Share": "float",
        "FloatParamType": "float",
    }
    return kinds.get(type(option.type).__name__, "word"), option.is_flag, option.multiple


def test_one_name_has_one_shape() -> None:
    shapes: dict[str, dict[tuple[str, bool, bool], list[str]]] = defaultdict(lambda: defaultdict(list))
    for command in ALL:
        for name, option in options(command).items():
            shapes[name][shape(option)].append(command)
    assert {name: dict(found) for name, found in shapes.items() if len(found) > 1} == {}


def test_examples_fit_a_terminal_of_80_columns() -> None:
    """The help sets them two columns in, and wraps none of them."""
    blocks = ((name, block) for name, one in ALL.items() for block in cleandoc(one.help or "").split("\n\n"))
    shown = [(name, line) for name, block in blocks if block.startswith("\b") for line in block.splitlines()]
    assert len(shown) > 40
    assert [(name, line) for name, line in shown if len(line) > 78] == []


def test_every_option_has_help() -> None:
    bare = [(c, o.opts) for c in ALL for o in options(c).values() if not o.help]
    assert bare == []


def test_out_is_always_o() -> None:
    for command in ALL:
        for name, option in options(command).items():
            if name in ("-o", "--out"):
                assert option.opts == ["-o", "--out"], command
            assert name != "--output", command


def required() -> Iterator[tuple[str, click.Option]]:
    for command, found in ALL.items():
        for option in found.params:
            if isinstance(option, click.Option) and option.required:
                yield command, option


@pytest.mark.parametrize(
    ("command", "option"), [pytest.param(c, o, id=f"{c} {o.opts[-1]}") for c, o in required()]
)
def test_a_required_option_left_out_is_said(command: str, option: click.Option, pcode: Pcode) -> None:
    arguments = [DEMO for p in ALL[command].params if isinstance(p, click.Argument) and p.required]
    others = [o for c, o in required() if c == command and o is not option]
    given = [(o.opts[-1], o.type.choices[0] if isinstance(o.type, click.Choice) else "x") for o in others]
    result = pcode(*command.split(), *arguments, *(word for pair in given for word in pair))
    assert result.exit_code == 2, result.output
    assert "Missing option" in result.stderr
    assert option.opts[-1] in result.stderr


def test_every_command_takes_old_names() -> None:
    assert [name for name, command in ALL.items() if not isinstance(command, Command)] == []


PACKAGE = ROOT / "pedagogy_r1"
NEW_ALONE = {
    "--by": ["cli/cmd_sample.py", "sampling"],
    "--model": ["cli/cmd_wbeb_baselines.py", "wbeb/kt"],
    "--name": ["cli/cmd_web.py", "web"],
}
"""Where an old name has no other meaning; the others have none anywhere."""


@pytest.mark.parametrize("old", OLD_NAMES)
def test_nothing_is_told_by_its_old_name(old: str) -> None:
    places = [PACKAGE / place for place in NEW_ALONE.get(old, ["."])]
    files = {file for place in places for file in ([place] if place.is_file() else place.rglob("*.py"))}
    said = re.compile(rf"(?<![\w-]){old}(?![\w-])")
    found = [str(f) for f in sorted(files) if f.name != "console.py" and said.search(f.read_text("utf-8"))]
    assert found == []


@pytest.mark.parametrize("command", ASKED)
def test_models_are_reached_alike(command: str) -> None:
    shared = (
        "base-url",
        "api-key-env",
        "backend-option",
        "batch",
        "temperature",
        "concurrency",
        "timeout",
        "retries",
    )
    assert {f"--{name}" for name in (*shared, "backoff", "max-tokens-total", "retry-missing")} <= set(
        options(command)
    )


@pytest.mark.parametrize("command", RESAMPLED)
def test_intervals_are_made_alike(command: str) -> None:
    assert {"--replicates", "--seed", "--level"} <= set(options(command))


@pytest.mark.parametrize("command", READ_RUNS)
def test_runs_that_are_not_complete_are_taken_alike(command: str) -> None:
    assert options(command)["--partial"].is_flag


@pytest.fixture
def runs(tmp_path: Path, pcode: Pcode) -> tuple[Path, Path]:
    """Two runs of the demo."""
    files = [ROOT / f"demo/coder_{name}.csv" for name in "AB"]
    for file in files:
        words = ("import", file, "--traces", DEMO, "-o", tmp_path / file.stem, "--codebook", "schoen@1.0.0")
        result = pcode(*words, "--project", "sentence@1")
        assert result.exit_code == 0, result.output
    return tmp_path / "coder_A", tmp_path / "coder_B"


def test_json_is_a_flag_and_its_old_form_works(tmp_path: Path, pcode: Pcode, runs: tuple[Path, Path]) -> None:
    words = ("agreement", "--replicates", 0)
    flag = pcode(*words, "--json", *runs)
    assert json.loads(flag.stdout)["runs"]
    file, overwritten = tmp_path / "out.json", tmp_path / "is-there"
    new = pcode(*words, *runs, "--json-out", file)
    kept = json.loads(file.read_text())
    assert "Krippendorff" in new.stdout
    for old, said in (
        (("--json", file), "--json FILE is called --json-out FILE now"),
        ((f"--json={file}",), "--json FILE is called --json-out FILE now"),
        (("--json", tmp_path / "no-suffix"), "--json FILE is called --json-out FILE now"),
        (("--json", overwritten), "--json FILE is called --json-out FILE now"),
        (("--json", "-"), "--json needs no - now"),
    ):
        file.write_text("")
        overwritten.write_text("")
        result = pcode(*words, *runs, *old)
        assert result.exit_code == 0, result.output
        assert said in result.stderr
        places = (file, tmp_path / "no-suffix", overwritten)
        text = next((p.read_text() for p in places if p.is_file() and p.read_text()), result.stdout)
        found = json.loads(text)
        assert found["comparisons"] == kept["comparisons"]
        (tmp_path / "no-suffix").unlink(missing_ok=True)


def test_the_level_reaches_every_interval(pcode: Pcode, runs: tuple[Path, Path]) -> None:
    words = ("agreement", *runs, "--replicates", 50, "--level", 0.9)
    assert "90 % over traces" in pcode(*words).stdout
    (found,) = json.loads(pcode(*words, "--json").stdout)["comparisons"]
    levels = {part["level"] for part in _estimates(found)}
    assert levels == {0.9}


def _estimates(value: object) -> Iterator[dict[str, object]]:
    if isinstance(value, dict):
        if "low" in value and "level" in value:
            yield value
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from _estimates(part)


def test_old_names_work_and_say_so(tmp_path: Path, pcode: Pcode) -> None:
    result = pcode("codebook", "manual", "schoen", "--output", tmp_path / "manual.md")
    assert result.exit_code == 0, result.output
    assert (tmp_path / "manual.md").is_file()
    assert "--output is called --out now" in result.stderr
    drawn = pcode("sample", DEMO, "--n", 2, "--coders", "A", "--by", "domain", "--dry-run")
    assert drawn.exit_code == 0, drawn.output
    assert "--by is called --strata now" in drawn.stderr


def test_several_names_by_comma_or_repeated(tmp_path: Path, pcode: Pcode) -> None:
    told = [
        pcode("sample", DEMO, "--n", 2, *words, "--dry-run", "--json").stdout
        for words in (("--coders", "A,B"), ("--coder", "A", "--coder", "B"))
    ]
    assert json.loads(told[0])["coders"] == json.loads(told[1])["coders"] == ["A", "B"]


def test_what_is_one_only_is_said(tmp_path: Path, pcode: Pcode) -> None:
    result = pcode("annotate", DEMO, "-o", tmp_path / "run", "--coder", "cues", "--coder", "llm")
    assert result.exit_code == 2
    assert "one only" in result.stderr


def test_a_wrong_argument_is_a_usage_error(tmp_path: Path, pcode: Pcode) -> None:
    result = pcode("wbeb", "eval", "openai:x", "nowhere.jsonl", "-o", tmp_path / "r", "--backend-option", "x")
    assert result.exit_code == 2
    assert "Traceback" not in result.stderr


@pytest.mark.parametrize(
    ("option", "said"),
    [
        ("api_key=sk-12345678901234", "say it with --api-key-env"),
        ("base_url=5", "say it with --base-url"),
        ("timeout=abc", "say it with --timeout"),
        ("connections=abc", "say it with --concurrency"),
        ("colour=red", "has no option 'colour'"),
    ],
)
def test_what_is_no_option_of_a_backend_is_refused_and_recorded_nowhere(
    option: str, said: str, tmp_path: Path, pcode: Pcode, write_jsonl: Callable[..., Path]
) -> None:
    items = write_jsonl("items.jsonl", choice(1).model_dump(mode="json"))
    server = ("--base-url", "http://127.0.0.1:9/v1", "--backend-option", option, "-o", tmp_path / "out")
    for words in (
        ("annotate", DEMO, "--model", "openai:x"),
        ("wbeb", "eval", "openai:x", items),
        ("thoughts", DEMO, "--segmenter", "openai:x"),
    ):
        refused = pcode(*words, *server)
        assert refused.exit_code == 2
        assert isinstance(refused.exception, SystemExit)
        assert said in " ".join(refused.stderr.split())
        assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    "url",
    [
        "http://[::1",
        "http://h:99999/v1",
        "http://h:x/v1",
        "localhost:8000",
        "ftp://h/v1",
        "http://h/v1 ",
        "http://a..b/v1",
    ],
)
def test_what_is_no_base_url_is_said_before_anything_is_written(
    url: str, tmp_path: Path, pcode: Pcode
) -> None:
    refused = pcode("annotate", DEMO, "-o", tmp_path / "run", "--model", "openai:x", "--base-url", url)
    assert isinstance(refused.exception, SystemExit)
    assert "is no base URL" in refused.stderr
    assert not (tmp_path / "run").exists()


def test_who_writes_95_is_told_how_a_share_is_written(pcode: Pcode) -> None:
    refused = pcode("agreement", "x", "--level", 95)
    assert "not in the range 0.5<=x<=0.9999: give a share between 0.5 and 0.9999, as .95" in refused.stderr


@pytest.mark.parametrize("level", ["1e-17", "0.49", "0.99999", "1", "nan"])
def test_a_level_at_which_an_interval_says_nothing_is_refused(level: str, pcode: Pcode) -> None:
    for command in ("agreement", "report", "unitizing", "tokens"):
        refused = pcode(command, "x", "--level", level, *(["-o", "y"] if command == "report" else []))
        assert refused.exit_code == 2
        assert "--level" in refused.stderr
    if level != "nan":
        with pytest.raises(ValueError, match="no intervals of confidence level"):
            Resampling(level=float(level))
        with pytest.raises(ValueError, match="no intervals of confidence level"):
            ReportSettings(level=float(level))


def test_a_coder_whose_name_holds_a_comma(tmp_path: Path, pcode: Pcode) -> None:
    values = {"Smith, J.": ["A", "B", "C"] * 8, "B": ["A", "B", "A"] * 8, "C": ["A"] * 24}
    run = make_run(tmp_path / "run", values).folder
    for words in (["--coder", '"Smith, J."', "--coder", "B"], ["--coders", '"Smith, J.", B']):
        found = json.loads(pcode("agreement", run, *words, "--replicates", 20, "--json").stdout)
        assert [c["coders"] for c in found["comparisons"]] == [["Smith, J.", "B"]]
    whole = pcode("report", run, "-o", tmp_path / "out", "--coder", "Smith, J.", "--replicates", 20)
    assert whole.exit_code == 0, whole.stderr
    refused = pcode("agreement", run, "--coders", '"Smith, J.,B')
    assert refused.exit_code == 2
    assert 'a double quote is open: write "Smith, J."' in refused.stderr


def test_the_level_is_printed_as_it_was_asked_for(tmp_path: Path, pcode: Callable[..., Result]) -> None:
    run = make_run(tmp_path / "run", {"X": ["A", "B", "C"] * 4, "Y": ["A", "B", "A"] * 4}).folder
    quick = ("--level", ".975", "--replicates", "20")
    for command in ("agreement", "unitizing"):
        done = pcode(command, run, *quick)
        assert done.exit_code == 0, done.output
        assert "97.5 %" in done.output
        assert "98 %" not in done.output
    found = json.loads(pcode("agreement", run, *quick, "--json").stdout)
    assert "97.5%" in json.dumps(found)
    done = pcode("tokens", run / "traces.jsonl", run, *quick)
    assert "97.5 %" in done.output, done.output


def test_an_option_of_two_names_that_nobody_gave_is_neither_on_nor_off() -> None:
    """``--packing/--no-packing``: a plain click option would say "off", and another run would be asked for."""
    from pedagogy_r1.cli.cmd_sft import command

    parsed = command.make_context("sft", ["traces.jsonl", "-o", "out", "--model", "m"]).params
    assert parsed["packing"] is None
    assert parsed["gradient_checkpointing"] is None
    given = command.make_context("sft", ["traces.jsonl", "-o", "out", "--model", "m", "--no-packing"]).params
    assert given["packing"] is False


def test_a_missing_option_is_named_with_what_it_is_for(tmp_path: Path, pcode: Callable[..., Result]) -> None:
    shown = pcode("unlock", tmp_path / "traces.jsonl", tmp_path / "run")
    assert shown.exit_code == 2
    assert "Missing option '--why'. Why it is looked at, for the record: --why TEXT" in shown.stderr


def test_too_many_open_files_are_said_with_what_to_do(tmp_path: Path) -> None:
    """Two hundred shards are written at once, by a process that may open seventy files."""
    limit = partial(resource.setrlimit, resource.RLIMIT_NOFILE, (70, 70))
    words = ["traces", "import", ROOT / "demo/traces.jsonl", "-o", tmp_path / "corpus", "--shards", 200]
    command = [sys.executable, "-m", "pedagogy_r1", *map(str, words)]
    done = subprocess.run(command, capture_output=True, text=True, preexec_fn=limit, timeout=240)
    assert done.returncode == 2, done.stderr
    assert "too many open files" in done.stderr
    assert "ulimit -n" in done.stderr
    assert "--shards" in done.stderr
    assert "Traceback" not in done.stderr


def test_more_shards_than_a_corpus_may_have_are_refused_by_the_option(tmp_path: Path, pcode: Pcode) -> None:
    done = pcode("traces", "import", ROOT / "demo/traces.jsonl", "-o", tmp_path / "c", "--shards", 10_001)
    assert done.exit_code == 2
    assert "1<=x<=10000" in done.stderr
