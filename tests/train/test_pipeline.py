"""Pipelines: what runs, what does not and why; and that a kill anywhere changes nothing."""

from __future__ import annotations

import json
import re
import shutil
import signal
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
import yaml

from pedagogy_r1.cli.cmd_pipeline import CommandLine
from pedagogy_r1.errors import InputError, RunError
from pedagogy_r1.files.seal import write_sealed
from pedagogy_r1.job import locked
from pedagogy_r1.runs.verify import verify
from pedagogy_r1.train.cost import GPUS, SHAPES, Gpu, Shape, generation, training
from pedagogy_r1.train.pipeline import Pipeline, PlannedStage
from pedagogy_r1.train.recipe import Recipe, expand, load_recipe, parse_parameter, recipes
from pedagogy_r1.train.stage_inputs import VOLATILE, code_of

from ..conftest import ROOT
from ..tampering import unnoticed

LIGHT = """
id: light
title: filter, code, filter by codes
parameters: {traces: traces.jsonl, policy: correct, cap: 3, workers: null}
stages:
  some: {run: filter, arguments: ["${traces}"], options: {policy: ["${policy}", "balanced:cap=${cap}"]}}
  coded: {run: annotate, arguments: ["${some}/kept.jsonl"], options: {codebook: schoen, workers: "${workers}"}}
  quiet:
    run: filter
    arguments: ["${some}/kept.jsonl"]
    options: {policy: "quiet:below=0.9", codings: "${coded}"}
  table: {run: export, arguments: ["${coded}"], out: codings.csv}
"""


@pytest.fixture
def light(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a recipe and its traces, and the current one."""
    return write_light(tmp_path, monkeypatch)


def write_light(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "light.yaml").write_text(LIGHT)
    said = "Wait, is that so? I will add the two numbers. The sum is seven. Let me check whether that holds."
    with (tmp_path / "traces.jsonl").open("w") as file:
        for n in range(12):
            row = {
                "id": f"t{n}",
                "question": "?",
                "reasoning": f"Number {n}. {said}",
                "answer": "7",
                "domain": "SK",
            }
            file.write(json.dumps({**row, "correct": n % 2 == 0}) + "\n")
    return tmp_path


def pipeline(folder: Path, **parameters: Any) -> Pipeline:
    return Pipeline(
        load_recipe(folder / "light.yaml").with_parameters(parameters), folder / "out", CommandLine()
    )


@pytest.fixture(scope="module")
def ran(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the light recipe leaves, made once."""
    folder = tmp_path_factory.mktemp("ran")
    with pytest.MonkeyPatch.context() as monkeypatch:
        write_light(folder, monkeypatch)
        pipeline(folder).run()
    return folder / "out"


@pytest.fixture
def done(light: Path, ran: Path) -> Path:
    """`light`, with what its recipe leaves."""
    shutil.copytree(ran, light / "out", symlinks=True)
    return light


def wills(steps: Any) -> dict[str, str]:
    return {step.task.name: step.will for step in steps}


def contents(folder: Path) -> dict[str, bytes]:
    """All files that a stage's outcome consists of."""
    return {
        str(path.relative_to(folder)): path.read_bytes()
        for path in sorted(folder.rglob("*"))
        if path.is_file()
        and path.name not in VOLATILE
        and path.name[0] != "."
        and path.parent.name != "stages"
    }


def test_nothing_runs_twice_and_a_change_runs_what_it_touches(light: Path) -> None:
    first = pipeline(light).run()
    assert wills(first) == dict.fromkeys(("some", "coded", "quiet", "table"), "run")
    assert {step.why for step in first} == {"never run"}
    before = contents(light / "out")
    assert set(wills(pipeline(light).run()).values()) == {"keep"}
    assert contents(light / "out") == before

    plan = list(pipeline(light, cap=2).plan())
    assert wills(plan) == {"some": "run", "coded": "look", "quiet": "look", "table": "look"}
    assert plan[0].why == "other parameters: balanced:cap=3 → balanced:cap=2"
    assert contents(light / "out") == before, "a plan changes nothing"
    again = pipeline(light, cap=2).run()
    assert wills(again) == dict.fromkeys(("some", "coded", "quiet", "table"), "run")
    assert again[1].why == "changed: ${some}/kept.jsonl"


def test_a_stage_that_writes_the_same_again_moves_nothing_behind_it(done: Path) -> None:
    with (done / "traces.jsonl").open("a") as file:
        file.write(json.dumps({"id": "wrong", "correct": False, "domain": "SK"}) + "\n")
    steps = pipeline(done).run()
    assert wills(steps) == {"some": "run", "coded": "keep", "quiet": "keep", "table": "keep"}
    assert steps[0].why == "changed: traces.jsonl"


def test_lost_or_altered_outputs_are_made_again(done: Path) -> None:
    before = contents(done / "out")
    (done / "out/table/codings.csv").unlink()
    (done / "out/some/kept.jsonl").write_text("")
    steps = list(pipeline(done).plan())
    assert wills(steps) == {"some": "run", "coded": "look", "quiet": "look", "table": "look"}
    assert "has changed since" in steps[0].why
    assert wills(pipeline(done).run()) == {"some": "run", "coded": "keep", "quiet": "keep", "table": "run"}
    assert contents(done / "out") == before


def test_from_runs_a_stage_and_what_is_behind_it(done: Path) -> None:
    planned = wills(pipeline(done).plan("coded"))
    assert planned == {"some": "keep", "coded": "run", "quiet": "run", "table": "run"}
    assert wills(pipeline(done).run("quiet")) == {
        "some": "keep",
        "coded": "keep",
        "quiet": "run",
        "table": "keep",
    }
    with pytest.raises(InputError, match="no stage 'quit'") as error:
        pipeline(done).run("quit")
    assert "quiet" in error.value.hint


def test_code_that_a_command_imports_counts_and_other_code_does_not(done: Path) -> None:
    path = done / "out/stages/some.json"
    record = json.loads(path.read_text())
    assert {"train/filter.py", "train/policies/rich.py", "cli/cmd_filter.py", "trace.py"} <= set(
        record["code"]
    )
    assert not {name for name in record["code"] if name.startswith(("report/", "agreement/", "chat/"))}
    record["code"]["train/filter.py"] = "another"
    write_sealed(path, record)
    steps = list(pipeline(done).plan())
    assert (steps[0].will, steps[0].why) == ("run", "other code: train/filter.py")
    kept = Pipeline(load_recipe(done / "light.yaml"), done / "out", CommandLine(), keep_code=True)
    assert set(wills(kept.plan()).values()) == {"keep"}


def test_a_recipe_that_grows_without_end_is_refused_in_a_sentence() -> None:
    chain = {"p0": "0123456789"} | {f"p{n}": f"${{p{n - 1}}}" * 10 for n in range(1, 10)}
    stage = {"run": "filter", "arguments": ["x.jsonl"]}
    for parameters, variants, stages, why in (
        (chain, {}, 1, "more than 20,000,000 characters"),
        (
            {"a": 1},
            {f"v{n}": {"a": n} for n in range(20_000)},
            300,
            "6,000,000 stages, and 10,000 is the most",
        ),
        ({"a": ["x"], "b": ["${a}", "${a}"]}, {}, 1, "a list within a list"),
    ):
        given = {
            "parameters": parameters,
            "variants": variants,
            "stages": {f"s{n}": stage for n in range(stages)},
        }
        with pytest.raises(InputError, match=why):
            expand(Recipe.model_validate({"id": "grows", **given}))


@pytest.mark.parametrize(
    ("damage", "why"),
    [
        ("[]", "valid dictionary"),
        ("{}", "required"),
        ('{"words": 1}', "required"),
        ("null", "valid dictionary"),
        ("[" * 100_000, "nested too deeply"),
        ('{"words": [', "bad JSON"),
        ("", "bad JSON"),
        ("\0" * 40, "bad JSON"),
        (b"\xff\xfe\xfd", "bad JSON"),
        ({"status": "finished"}, "status"),
        ({"words": 7}, "words"),
        ({"inputs": {"x": 7}}, "inputs"),
        ({"files": [7]}, "files"),
        ({"files": ["../../mine.txt"]}, "leads out of the stage's folder"),
        ({"theirs": 1}, "theirs"),
        ({"stage": "another"}, "it is of stage 'another'"),
        ({"output": None}, "done, without what it wrote"),
        ("cut", "bad JSON"),
        ("twice", "'stage' stands twice"),
        ("folder", "is a directory"),
    ],
    ids=lambda value: str(value)[:24],
)
def test_a_damaged_record_of_a_stage_is_an_error_with_its_name(done: Path, damage: Any, why: str) -> None:
    path = done / "out/stages/some.json"
    whole = path.read_text()
    if damage == "folder":
        path.unlink()
        path.mkdir()
    elif damage in ("cut", "twice"):
        kept = {name: value for name, value in json.loads(whole).items() if name not in ("seal", "sha256")}
        older = json.dumps(kept)  # of a version that sealed nothing
        path.write_text(older[: len(older) // 2] if damage == "cut" else '{"stage": "a",' + older[1:])
    elif isinstance(damage, dict):
        write_sealed(path, {**json.loads(whole), **damage})
    else:
        path.write_bytes(damage if isinstance(damage, bytes) else damage.encode())
    before = contents(done)
    with pytest.raises(
        RunError, match=rf"{path.name} is no record of a stage: (?s:.*){re.escape(why)}"
    ) as caught:
        pipeline(done).run()
    assert "move it away" in caught.value.hint
    assert contents(done) == before, "nothing is deleted"


def test_a_recipe_that_was_changed_where_it_lies_is_not_replaced(light: Path) -> None:
    some = "stages:\n  some: {run: filter, arguments: [traces.jsonl], options: {policy: correct}}\n"
    (light / "light.yaml").write_text("id: light\ntitle: t\n" + some)
    pipeline(light).run()
    there = light / "out/recipe.yaml"
    assert next(each.files[0][:2] for each in verify(light / "out")) == ("recipe.yaml", "holds")
    there.write_text(there.read_text().replace("correct", "all"))
    assert next(each.files[0][:2] for each in verify(light / "out")) == ("recipe.yaml", "changed")
    with pytest.raises(RunError, match=r"recipe\.yaml would be replaced, and it was changed since"):
        pipeline(light).run()
    changed = Pipeline(load_recipe(there), light / "out", CommandLine())
    assert wills(changed.run()) == {"some": "run"}
    assert wills(changed.run()) == {"some": "keep"}


def test_a_record_of_a_stage_that_was_removed_is_missed(light: Path, tmp_path: Path) -> None:
    some = "stages:\n  some: {run: filter, arguments: [traces.jsonl], options: {policy: correct}}\n"
    (light / "light.yaml").write_text("id: light\ntitle: t\n" + some)
    pipeline(light).run()
    out = light / "out"
    tried, missed = unnoticed(out, tmp_path / "copies")
    assert (tried > 10, missed) == (True, [])

    (out / "stages/some.json").rename(light / "some.json")
    first, filtered = verify(out)
    assert [f[:2] for f in first.files if f.state != "holds"] == [("stages/some.json", "missing")]
    assert filtered.folder == out / "some"
    assert filtered.holds
    shutil.rmtree(out / "stages")
    assert [f[:2] for f in verify(out)[0].files] == [("recipe.yaml", "holds"), ("stages", "missing")]


def test_a_stage_that_fails_stops_the_pipeline_and_is_taken_up(
    done: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    lose(done, "table")
    with pytest.raises(RunError, match="stage quiet ended with status 1") as error:
        Pipeline(_with(done, "quiet:below=0.9", "quiet:below=0"), done / "out", CommandLine()).run()
    assert "accept_failures" in error.value.hint
    assert "no trace is left" in capfd.readouterr().err
    assert not (done / "out/table").exists()
    steps = pipeline(done).run()
    assert wills(steps) == {"some": "keep", "coded": "keep", "quiet": "run", "table": "run"}


def test_failures_can_be_accepted(done: Path, pcode: Callable[..., Any]) -> None:
    lose(done, "table")
    text = LIGHT.replace("below=0.9", "below=0").replace("quiet:\n", "quiet:\n    accept_failures: true\n", 1)
    (done / "light.yaml").write_text(text)
    result = pcode("pipeline", "run", "light.yaml", "-o", "out")
    assert result.exit_code == 1
    assert "done with failures, which each lists: quiet" in result.stderr
    assert (done / "out/table/codings.csv").exists()


def lose(folder: Path, stage: str) -> None:
    """As if it had never been run."""
    shutil.rmtree(folder / "out" / stage)
    (folder / f"out/stages/{stage}.json").unlink()


def _with(folder: Path, old: str, new: str) -> Recipe:
    (folder / "other.yaml").write_text(LIGHT.replace(old, new))
    return load_recipe(folder / "other.yaml")


def test_what_was_paid_for_is_kept_when_a_folder_is_emptied(done: Path) -> None:
    (done / "out/coded/ledger.jsonl").write_text("paid\n")
    (done / "out/table/deep").mkdir()
    (done / "out/table/deep/ledger.jsonl").write_text("paid too\n")
    pipeline(done, cap=2).run()
    assert (done / "out/coded/ledger.jsonl").read_text() == "paid\n"
    assert (done / "out/table/deep/ledger.jsonl").read_text() == "paid too\n"


def short(folder: Path, *, force: bool = False, cap: int = 3) -> Pipeline:
    """The first stage alone."""
    whole = yaml.safe_load(LIGHT)
    whole["stages"] = {"some": whole["stages"]["some"]}
    (folder / "short.yaml").write_text(yaml.safe_dump(whole))
    recipe = load_recipe(folder / "short.yaml").with_parameters({"cap": cap})
    return Pipeline(recipe, folder / "out", CommandLine(), force=force)


def test_a_file_that_no_stage_wrote_is_refused_or_let_go_by_force(light: Path) -> None:
    short(light).run()
    mine = light / "out/some/notes.md"
    mine.write_text("mine")
    with pytest.raises(
        RunError, match=r"some would be emptied, and the pipeline is not known to have written notes\.md"
    ):
        short(light, cap=2).run()
    assert mine.read_text() == "mine"
    short(light, cap=2, force=True).run()
    assert not mine.exists()


def test_a_folder_the_pipeline_never_made_is_refused_before_anything_runs(
    light: Path, pcode: Callable[..., Any]
) -> None:
    """Issue 11: ``mkdir proj/worked; echo mine > proj/worked/notes.md; pcode pipeline run … -o proj``."""
    note = light / "proj/table/notes.md"
    note.parent.mkdir(parents=True)
    note.write_text("mine")
    whole = yaml.safe_load(LIGHT)
    whole["stages"] = {
        "table": {"run": "filter", "arguments": ["traces.jsonl"], "options": {"policy": "all"}}
    }
    (light / "one.yaml").write_text(yaml.safe_dump(whole))
    for more in ((), ("--dry-run",)):
        refused = pcode("pipeline", "run", "one.yaml", "-o", "proj", *more)
        assert refused.exit_code == 2, refused.output
        assert "is not known to have written notes.md (no record of it in proj/stages)" in refused.stderr
        assert "--force" in refused.stderr
    assert note.read_text() == "mine"
    assert sorted(p.name for p in (light / "proj").iterdir() if p.name[0] != ".") == ["table"]
    assert pcode("pipeline", "run", "one.yaml", "-o", "proj", "--force").exit_code == 0
    assert not note.exists()


def test_a_stages_folder_that_is_a_link_is_refused(light: Path, pcode: Callable[..., Any]) -> None:
    (light / "photos").mkdir()
    (light / "photos/one.jpg").write_text("x")
    (light / "out").mkdir()
    (light / "out/some").symlink_to(light / "photos")
    refused = pcode("pipeline", "run", "light.yaml", "-o", "out", "--force")
    assert refused.exit_code == 2
    assert "out/some is a symbolic link" in refused.stderr
    assert (light / "photos/one.jpg").exists()


def test_links_in_a_stages_folder_go_and_what_they_lead_to_stays(light: Path) -> None:
    short(light).run()
    (light / "photos").mkdir()
    (light / "photos/one.jpg").write_text("x")
    (light / "out/some/link").symlink_to(light / "photos")
    short(light, cap=2, force=True).run()
    assert (light / "photos/one.jpg").exists()
    assert not (light / "out/some/link").is_symlink()


def test_a_pipeline_that_lost_its_records_wipes_nothing(light: Path) -> None:
    short(light).run()
    before = contents(light / "out")
    shutil.rmtree(light / "out/stages")
    with pytest.raises(RunError, match=r"no record of it in .*stages"):
        short(light).run()
    assert contents(light / "out") == before


def test_somebody_elses_recipe_is_not_replaced(light: Path) -> None:
    (light / "out").mkdir()
    (light / "out/recipe.yaml").write_text("mine: true\n")
    with pytest.raises(RunError, match=r"recipe\.yaml would be replaced"):
        pipeline(light).run()
    assert (light / "out/recipe.yaml").read_text() == "mine: true\n"


def test_the_plan_says_what_it_empties(light: Path, pcode: Callable[..., Any]) -> None:
    words = ("pipeline", "run", "short.yaml", "-o", "out")
    made = short(light)
    assert "empties" not in pcode(*words, "--dry-run").stdout
    made.run()
    planned = pcode(*words, "--set", "cap=1", "--dry-run").stdout
    assert "balanced:cap=3 → balanced:cap=1; empties out/some of 4 files" in planned
    steps = json.loads(pcode(*words, "--set", "cap=1", "--dry-run", "--json").stdout)
    assert [step["empties"] for step in steps] == [4]


def test_the_command_plans_runs_and_says_why(light: Path, pcode: Callable[..., Any]) -> None:
    planned = pcode("pipeline", "run", "light.yaml", "--dry-run", "-o", "out")
    assert planned.exit_code == 0, planned.output
    assert "pcode filter --policy correct --policy balanced:cap=3 traces.jsonl -o out/some" in planned.stdout
    assert "4 run; nothing was run" in planned.stdout
    assert not (light / "out").exists()
    assert pcode("pipeline", "run", "light.yaml", "-o", "out").exit_code == 0
    steps = json.loads(
        pcode("pipeline", "run", "light.yaml", "-o", "out", "--set", "cap=1", "--dry-run", "--json").stdout
    )
    assert [step["will"] for step in steps] == ["run", "look", "look", "look"]
    unknown = pcode("pipeline", "run", "light.yaml", "--set", "cup=1")
    assert unknown.exit_code == 2
    assert "did you mean cap?" in unknown.stderr


@pytest.mark.slow
@pytest.mark.parametrize(
    "wait",
    [
        "coded",
        pytest.param("table", marks=pytest.mark.whole),
        pytest.param("some", marks=pytest.mark.whole),
        pytest.param("quiet", marks=pytest.mark.whole),
    ],
)
def test_killed_in_any_stage_and_run_again_the_files_are_the_same(
    light: Path, ran: Path, wait: str, pcode_process: Callable[..., subprocess.Popen[str]]
) -> None:
    words = ("pipeline", "run", "light.yaml", "-o", "out")
    process = pcode_process(*words)
    record = light / "out/stages" / f"{wait}.json"
    while not record.exists():
        assert process.poll() is None
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    assert process.returncode == -signal.SIGKILL
    assert json.loads(record.read_text())["status"] == "running"
    time.sleep(0.2)
    again = pcode_process(*words)
    _, errors = again.communicate(timeout=240)
    assert again.returncode == 0, errors
    assert f"── {wait}: resume (running on" in errors
    assert contents(light / "out") == contents(ran)


def test_after_a_kill_only_recorded_files_are_deleted(
    light: Path, pcode_process: Callable[..., subprocess.Popen[str]]
) -> None:
    """A note that lay in a stage's folder when the killed stage was taken up was recorded as the stage's, and deleted at the next change."""
    short(light).run()
    note, record = light / "out/some/notes.md", light / "out/stages/some.json"
    process = pcode_process("pipeline", "run", "short.yaml", "-o", "out", "--set", "cap=2")
    begun = note.with_name(".pcode.json")
    while json.loads(record.read_bytes())["status"] != "running" or not begun.exists():
        assert process.poll() is None
        time.sleep(0.002)
    process.send_signal(signal.SIGKILL)
    process.communicate()
    wait_for_stage(light / "out")
    note.write_text("mine")
    before = contents(light / "out/some")
    with pytest.raises(RunError, match="the stage was killed before it could record its files"):
        short(light, cap=1).run()
    assert contents(light / "out/some") == before
    assert wills(short(light, cap=2).run()) == {"some": "resume"}
    assert "notes.md" not in json.loads(record.read_bytes())["files"]
    with pytest.raises(RunError, match=r"is not known to have written notes\.md \(it is new in there"):
        short(light, cap=1).run()
    assert note.read_text() == "mine"
    note.rename(light / "notes.md")
    assert wills(short(light, cap=1).run()) == {"some": "run"}


def wait_for_stage(out: Path) -> None:
    """The stage of a pipeline that was killed is a process of its own, which holds the lock until it ends."""
    for _ in range(1000):
        with suppress(RunError), locked(out):
            return
        time.sleep(0.02)
    raise AssertionError(f"a stage in {out} did not end")


def test_a_run_that_was_killed_is_recorded_whole_when_it_is_taken_up(done: Path) -> None:
    """What the killed session wrote, and the next one leaves as it is, is in the run's own record."""
    record = done / "out/stages/coded.json"
    there = json.loads(record.read_bytes())
    write_sealed(record, there | {"status": "running", "files": []})
    (done / "out/coded/notes.md").write_text("mine")
    pipeline(done).run()
    assert json.loads(record.read_bytes())["files"] == there["files"]


# --- recipes as files


def test_variants_split_what_depends_on_them_and_share_the_rest() -> None:
    recipe = Recipe.model_validate(
        yaml.safe_load("""
id: v
parameters: {items: i.jsonl, policy: correct, where: "${items}"}
variants: {right: {policy: correct}, rich: {policy: "correct|rich"}}
stages:
  seeds: {run: distill, arguments: ["${where}"]}
  filter: {run: filter, arguments: ["${seeds}/traces.jsonl"], options: {policy: "${policy}"}}
  sft: {run: sft, arguments: ["${filter}/kept.jsonl"]}
  compare: {run: wbeb compare, arguments: ["${sft.*}/scores", "${seeds}"]}
""")
    )
    tasks = {task.name: task for task in expand(recipe)}
    assert list(tasks) == ["seeds", "filter.right", "filter.rich", "sft.right", "sft.rich", "compare"]
    assert tasks["sft.rich"].words(Path("o")) == ["sft", "o/filter.rich/kept.jsonl", "-o", "o/sft.rich"]
    assert tasks["compare"].words(Path("o"))[2:5] == ["o/sft.right/scores", "o/sft.rich/scores", "o/seeds"]
    assert tasks["seeds"].words(Path("o")) == ["distill", "i.jsonl", "-o", "o/seeds"]
    assert tasks["compare"].needs == ("sft.right", "sft.rich", "seeds")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"stages": {"a": {"run": "filter", "arguments": ["${b}"]}, "b": {"run": "filter"}}}, "earlier"),
        ({"parameters": {"x": "${y}", "y": "${x}"}}, "made of itself"),
        ({"variants": {"v": {"nothing": 1}}}, "no parameter"),
        ({"stages": {"Stages": {"run": "filter"}}}, "no name"),
        ({"parameters": {"a": 1}}, "a parameter and a stage"),
    ],
)
def test_recipes_that_cannot_be_run_say_why(change: dict[str, Any], message: str) -> None:
    whole = {"id": "r", "stages": {"a": {"run": "filter", "arguments": ["x"]}}} | change
    with pytest.raises(InputError) as error:
        expand(Recipe.model_validate(whole))
    assert message in f"{error.value.message} {error.value.hint}"


def test_words_that_a_command_does_not_take_are_found_before_anything_runs(light: Path) -> None:
    (light / "bad.yaml").write_text(LIGHT.replace("codings:", "coding:"))
    with pytest.raises(InputError, match=r"stage quiet: No such option.*--coding"):
        Pipeline(load_recipe("bad.yaml"), light / "out", CommandLine())
    (light / "bad.yaml").write_text(LIGHT.replace("run: export", "run: exprot"))
    with pytest.raises(InputError, match="no command is named 'exprot'"):
        Pipeline(load_recipe("bad.yaml"), light / "out", CommandLine())


def test_a_recipe_may_extend_another(light: Path) -> None:
    (light / "more.yaml").write_text(
        'id: more\nextends: light.yaml\nparameters: {cap: 9}\nstages: {table: null, coded: {run: annotate, arguments: ["${traces}"]}}\n'
    )
    recipe = load_recipe("more.yaml")
    assert list(recipe.stages) == ["some", "coded", "quiet"]
    assert recipe.parameters["cap"] == 9
    assert Recipe.model_validate(yaml.safe_load(recipe.yaml())) == recipe
    (light / "loop.yaml").write_text("id: loop\nextends: loop.yaml\n")
    with pytest.raises(InputError, match="extends itself"):
        load_recipe("loop.yaml")


def test_parameters_are_read_as_in_a_recipe() -> None:
    assert parse_parameter("n=20") == ("n", 20)
    assert parse_parameter("x=null") == ("x", None)
    assert parse_parameter("model=hf:a/b") == ("model", "hf:a/b")
    assert parse_parameter("on=2026-01-01") == ("on", "2026-01-01")
    with pytest.raises(InputError):
        parse_parameter("n")


@pytest.mark.parametrize("name", recipes())
def test_every_shipped_recipe_plans(name: str, tmp_path: Path) -> None:
    steps = list(Pipeline(load_recipe(name), tmp_path / "out", CommandLine()).plan())
    assert {step.will for step in steps} == {"run"}
    assert load_recipe(name).title
    assert isinstance(steps[0], PlannedStage)


# --- what it costs


def test_the_shapes_have_the_parameters_that_their_cards_state() -> None:
    stated = {
        "qwq-32b": 32.8,
        "qwen3-32b": 32.8,
        "deepseek-r1-distill-qwen-7b": 7.62,
        "deepseek-r1-distill-qwen-1.5b": 1.78,
    }
    for name, billions in stated.items():
        assert SHAPES[name].parameters / 1e9 == pytest.approx(billions, rel=0.005)
    assert SHAPES["qwq-32b"].kv_bytes == 64 * 2 * 8 * 128 * 2


def test_costs_follow_from_the_formula() -> None:
    gpu, shape = Gpu(flops=1e15, bandwidth=1e12, memory=80), Shape(1, 1000, 1000, 1, 1, 1000, head=1000)
    weights = 2 * shape.parameters
    hours, gpus, batch = generation(shape, gpu, answers=1000, prompt=0, answer=100)
    step = (weights + 256 * 50 * shape.kv_bytes) / (0.6 * 1e12)
    assert (gpus, batch) == (1, 256)
    assert hours * 3600 == pytest.approx(1000 * 100 / 256 * step)
    twice, _, _ = generation(shape, gpu, answers=2000, prompt=0, answer=100)
    assert twice == pytest.approx(2 * hours)
    trained, _ = training(shape, gpu, 1e9, full=True)
    assert trained * 3600 == pytest.approx(1e9 * 8 * shape.parameters / 0.3e15)
    seven = SHAPES["deepseek-r1-distill-qwen-7b"]
    assert training(seven, GPUS["H100"], 1e6, full=True)[1] == 2
    assert training(seven, GPUS["H100"], 1e6, full=False)[1] == 1


@pytest.mark.parametrize("name", ["paper-1.5b", "paper-7b"])
def test_the_page_shows_what_the_command_computes(name: str, pcode: Callable[..., Any]) -> None:
    page = (ROOT / "docs/pipeline.md").read_text(encoding="utf-8")
    shown = page.split(f"<!-- cost {name} -->\n```text\n")[1].split("```")[0]
    assert shown == pcode("pipeline", "cost", name).stdout


def test_a_cost_that_cannot_be_computed_says_what_is_lacking(pcode: Callable[..., Any]) -> None:
    result = pcode("pipeline", "cost", "tiny-cpu")
    assert result.exit_code == 2
    assert "expects" in result.stderr
    unknown = pcode("pipeline", "cost", "paper-7b", "--set", "student=a/b")
    assert "the shape of 'a/b' is not known" in unknown.stderr
    assert pcode("pipeline", "cost", "paper-7b", "--gpu", "H10").exit_code == 2


def test_the_recipe_of_the_page_plans(tmp_path: Path) -> None:
    page = (ROOT / "docs/pipeline.md").read_text(encoding="utf-8")
    (tmp_path / "mine.yaml").write_text(page.split("```yaml\n")[1].split("```")[0])
    steps = list(Pipeline(load_recipe(tmp_path / "mine.yaml"), tmp_path / "out", CommandLine()).plan())
    assert [step.task.name for step in steps] == ["distill", "coded", "filter", "sft", "eval"]


def test_list_and_show(pcode: Callable[..., Any], tmp_path: Path) -> None:
    assert all(name in pcode("pipeline", "list").stdout for name in recipes())
    (tmp_path / "mine.yaml").write_text(pcode("pipeline", "show", "paper-7b").stdout)
    assert load_recipe(tmp_path / "mine.yaml") == load_recipe("paper-7b")


def test_the_code_behind_a_command_is_what_it_may_import() -> None:
    rooms = {
        name: {file.split("/")[0] for file in code_of(f"pedagogy_r1.cli.{name}")}
        for name in ("cmd_sft", "cmd_pipeline_invented", "cmd_distill")
    }
    assert not {"chat", "report", "agreement", "stats"} & (rooms["cmd_sft"] | rooms["cmd_pipeline_invented"])
    assert {"chat", "wbeb", "asking", "train"} <= rooms["cmd_distill"]
    assert "report" not in rooms["cmd_distill"]
    assert {"wbeb/domains/kt.py", "chat/vllm.py"} <= set(code_of("pedagogy_r1.cli.cmd_distill")), (
        "plugins count"
    )


@pytest.mark.parametrize(
    ("run", "option"),
    [("annotate", "repeats"), ("annotate", "workers"), ("wbeb eval", "samples"), ("wbeb eval", "concurrency"),
     ("report", "replicates"), ("report", "permutations"), ("sft", "lora-rank"), ("pipeline tiny", "layers"), ("distill", "n")],
)  # fmt: skip
def test_a_count_beyond_all_use_is_an_error_that_names_it(tmp_path: Path, run: str, option: str) -> None:
    """Issue 11: 10⁹ coders, answers or resamples were laid out in memory."""
    arguments = "" if run == "pipeline tiny" else ", arguments: [x.jsonl]"
    (tmp_path / "r.yaml").write_text(
        f"id: r\ntitle: t\nparameters: {{many: 1000000000}}\n"
        f'stages:\n  a: {{run: {run}{arguments}, options: {{{option}: "${{many}}"}}}}\n'
    )
    with pytest.raises(InputError, match=rf"stage a: .*--{option}.*1000000000 is not in the range"):
        Pipeline(load_recipe(tmp_path / "r.yaml"), tmp_path / "out", CommandLine())


STAGE = "stages:\n  a: {run: filter, arguments: [x.jsonl], options: {policy: all}%s}\n"


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("parameters: {a: " + "[" * 10_000 + "]" * 10_000 + "}\n" + STAGE % "", "no readable YAML"),
        ("parameters: {n: " + "9" * 5000 + "}\n" + STAGE % "", "no readable YAML"),
        ('parameters: {n: !!int ""}\n' + STAGE % "", "no readable YAML"),
        ('environment: {"A": "x\\0y"}\n' + STAGE % "", "a NUL character"),
        ('environment: {"A=B": "x"}\n' + STAGE % "", "'A=B' is no name of a variable"),
        ('environment: {"": "x"}\n' + STAGE % "", "'' is no name of a variable"),
        (STAGE % ', launcher: "a\\0"', "a NUL character"),
        (STAGE % ', out: "../../elsewhere"', "not within the stage's folder"),
        (STAGE % ', out: "/elsewhere"', "not within the stage's folder"),
        ("parameters: {a: " + "[" * 300_000 + "}\n" + STAGE % "", "nested more than 50 deep"),
        ("title: a\n" + STAGE % "" + "title: b\n", "line 5: the key 'title' is there twice"),
        (
            "parameters:\n  a: &a [x, x, x, x, x, x, x, x, x, x]\n"
            + "".join(
                f"  {b}: &{b} [{', '.join([f'*{a}'] * 10)}]\n"
                for a, b in zip("abcdef", "bcdefg", strict=True)
            )
            + STAGE % "",
            "more than 250,000 values, aliases counted out",
        ),
    ],
)
def test_a_hostile_recipe_is_refused_in_words(text: str, why: str, tmp_path: Path) -> None:
    path = tmp_path / "hostile.yaml"
    path.write_text("id: hostile\n" + text)
    with pytest.raises(InputError, match=why):
        load_recipe(path)
