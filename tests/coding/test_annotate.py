"""``pcode annotate`` as a whole, with the rule-based coder: resume, refusal, exact units, dry run."""

from __future__ import annotations

import json
import random
import signal
import time
from pathlib import Path

import pytest

from pedagogy_r1.codebook import load_codebook
from pedagogy_r1.coding.annotate import annotate
from pedagogy_r1.errors import CodebookError, InputError, PedagogyError, PluginError, RunError
from pedagogy_r1.runs.run import CoderRun
from pedagogy_r1.unit import unitize

from ..conftest import ROOT

DEMO = ROOT / "demo/traces.jsonl"


def many_traces(path: Path, copies: int) -> Path:
    """The demo's traces, over and over, each under a name of its own."""
    with path.open("w", encoding="utf-8") as file:
        for copy in range(copies):
            for line in DEMO.read_text(encoding="utf-8").splitlines():
                trace = json.loads(line)
                file.write(json.dumps(trace | {"id": f"{trace['id']}-{copy}"}, ensure_ascii=False) + "\n")
    return path


def test_every_unit_has_a_coding_with_the_codebooks_stamp(tmp_path: Path) -> None:
    run = annotate(DEMO, tmp_path / "run")
    units = list(run.units())
    codings = list(run.codings())
    assert [c.unit_id for c in codings] == [u.id for u in units]
    texts = {trace.id: trace.reasoning for trace in run.traces()}
    assert all(u.text == texts[u.trace_id][u.start : u.end] for u in units)
    by_id = {u.id: u for u in units}
    assert all(c.evidence is None or c.evidence in by_id[c.unit_id].text for c in codings)
    assert {c.codebook for c in codings} == {run.codebook.stamp}
    manifest = run.manifest
    assert manifest.status == "complete"
    assert manifest.counts["traces"] == 14
    assert manifest.counts["coded"] == manifest.counts["units"] == len(units)
    assert manifest.versions[0]["spacy"]
    assert list(units) == [unit for trace in run.traces() for unit in unitize(trace)]


@pytest.mark.parametrize(("most", "times"), [(2, 20), pytest.param(4, 60, marks=pytest.mark.whole)])
def test_killed_at_random_moments_and_resumed(most: int, times: int, tmp_path: Path, pcode_process) -> None:  # type: ignore[no-untyped-def]
    """SIGKILL again and again; the same command ends with the same bytes as a run that nobody disturbed."""
    traces = many_traces(tmp_path / "traces.jsonl", times)
    whole = annotate(traces, tmp_path / "whole")
    rng, kills, path = random.Random(7), 0, tmp_path / "killed/checkpoint.jsonl"
    for _ in range(most):
        before = path.stat().st_size if path.is_file() else 0
        process = pcode_process("annotate", traces, "-o", tmp_path / "killed", "--coder", "cues")
        # Not by the clock: a busy machine needs long to start. Killed once it has got further, at any moment after.
        while process.poll() is None and (path.stat().st_size if path.is_file() else 0) <= before:
            time.sleep(0.01)
        time.sleep(rng.random() / 2)
        if process.poll() is None:
            process.send_signal(signal.SIGKILL)
            kills += 1
        _, error = process.communicate()
        assert process.returncode in (0, -signal.SIGKILL), error
        if process.returncode == 0:
            break
    process = pcode_process("annotate", traces, "-o", tmp_path / "killed", "--coder", "cues")
    _, error = process.communicate()
    assert process.returncode == 0
    assert kills >= 1
    for name in ("traces.jsonl", "units.jsonl", "codings.jsonl"):
        assert (tmp_path / "killed" / name).read_bytes() == (whole.folder / name).read_bytes(), name
    assert CoderRun(tmp_path / "killed").manifest.counts == whole.manifest.counts


def test_interrupted_says_how_to_resume(tmp_path: Path, pcode_process) -> None:  # type: ignore[no-untyped-def]
    traces = many_traces(tmp_path / "traces.jsonl", 150)
    process = pcode_process("annotate", traces, "-o", tmp_path / "run", "--coder", "cues")
    while (
        not (tmp_path / "run/checkpoint.jsonl").exists()
        or not (tmp_path / "run/checkpoint.jsonl").stat().st_size
    ):
        assert process.poll() is None
        time.sleep(0.05)
    process.send_signal(signal.SIGINT)
    _, error = process.communicate()
    assert process.returncode == 130
    assert "resume with the same command" in error
    done = CoderRun(tmp_path / "run").manifest
    assert done.status == "interrupted"
    assert 0 < done.counts["traces"] < 150 * 14


def test_given_units_are_coded_exactly(tmp_path: Path) -> None:
    first = annotate(DEMO, tmp_path / "paragraphs", scheme="paragraph@1")
    second = annotate(DEMO, tmp_path / "same", units=first.folder)
    assert [u.id for u in second.units()] == [u.id for u in first.units()]
    assert second.manifest.scheme == "paragraph@1"
    assert second.manifest.source["units_digest"]


def test_what_cannot_be_done_is_said_before_anything_is_written(tmp_path: Path) -> None:
    out = tmp_path / "run"
    with pytest.raises(PluginError, match=r"no coder is named 'cuse'(.|\n)*did you mean cues"):
        annotate(DEMO, out, coder="cuse")
    with pytest.raises(PedagogyError, match="coder 'cues' has no option 'window'"):
        annotate(DEMO, out, window=3)
    with pytest.raises(PedagogyError, match="coder 'llm' needs 'model'"):
        annotate(DEMO, out, coder="llm")
    with pytest.raises(PedagogyError, match="did you mean sentence@1"):
        annotate(DEMO, out, scheme="sentense@1")
    with pytest.raises(InputError, match="no such file"):
        annotate(tmp_path / "nothing.jsonl", out)
    (tmp_path / "bad.jsonl").write_text('{"id": "a", "reasoning": "x"}\n{"id": "b", "reasonin": "x"}\n')
    with pytest.raises(InputError, match=r"bad\.jsonl:2: reasonin"):
        annotate(tmp_path / "bad.jsonl", out)
    (tmp_path / "empty.jsonl").touch()
    with pytest.raises(RunError, match="holds no trace"):
        annotate(tmp_path / "empty.jsonl", out)
    assert not out.exists()


def test_dry_run_writes_nothing(tmp_path: Path, pcode) -> None:  # type: ignore[no-untyped-def]
    result = pcode("annotate", DEMO, "-o", tmp_path / "run", "--coder", "cues", "--dry-run", "--json")
    assert result.exit_code == 0, result.stderr
    plan = json.loads(result.stdout)
    assert plan["traces"] == 14
    assert plan["units"] > 200
    assert not (tmp_path / "run").exists()
    costly = pcode(
        "annotate", DEMO, "-o", tmp_path / "run", "--dry-run", "--json", "--model", "openai:x", "--base-url", "http://127.0.0.1:9/v1",
        "--price-in", 2, "--price-out", 8,
    )  # fmt: skip
    assert costly.exit_code == 0, costly.stderr
    plan = json.loads(costly.stdout)
    assert plan["requests"] >= 14
    assert plan["money"] == pytest.approx(
        (2 * plan["prompt_tokens"] + 8 * plan["completion_tokens"]) / 1e6, abs=1e-3
    )
    assert not (tmp_path / "run").exists()


def test_other_parameters_are_refused_and_named(tmp_path: Path, pcode) -> None:  # type: ignore[no-untyped-def]
    assert pcode("annotate", DEMO, "-o", tmp_path / "run", "--coder", "cues").exit_code == 0
    again = pcode("annotate", DEMO, "-o", tmp_path / "run", "--coder", "cues", "--seed", 3)
    assert again.exit_code == 2
    assert "seed: 0 there, 3 now" in again.stderr
    before = (tmp_path / "run/codings.jsonl").stat().st_mtime_ns
    assert pcode("annotate", DEMO, "-o", tmp_path / "run", "--coder", "cues").exit_code == 0
    assert (tmp_path / "run/codings.jsonl").stat().st_mtime_ns == before


def demo_in_other_languages(path: Path) -> Path:
    rows = [json.loads(line) for line in DEMO.read_text(encoding="utf-8").splitlines()][:5]
    for number, lang in ((1, "zh"), (3, "ko"), (4, "zh")):
        rows[number] |= {"lang": lang, "question": "", "reasoning": "等等，这不对。잠깐, 이건 아니다."}
    path.write_text("".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows), encoding="utf-8")
    return path


@pytest.mark.parametrize("workers", [1, 2])
def test_traces_in_another_language_do_not_stop_the_rest(tmp_path: Path, pcode, workers: int) -> None:  # type: ignore[no-untyped-def]
    traces = demo_in_other_languages(tmp_path / "traces.jsonl")
    result = pcode("annotate", traces, "-o", tmp_path / "run", "--coder", "cues", "--workers", workers)
    assert result.exit_code == 1  # done, with something missing
    manifest = CoderRun(tmp_path / "run").manifest
    missing = sum(manifest.counts["missing"].values())
    assert missing >= 3
    assert f"cues: English (en), 3 traces are ko, zh: {missing} units missing" in result.stderr
    assert "retry-missing" not in result.stderr
    assert manifest.usage["foreign_traces"] == {"ko": 1, "zh": 2}
    fallback = sum("no cue fired" in (c.rationale or "") for c in CoderRun(tmp_path / "run").codings())
    assert manifest.usage["fallback"] == fallback > 0
    share = f"{fallback / manifest.counts['units']:.0%}".replace("%", " %")
    assert f"fallback (no cue fired): {share} of units" in result.stdout


def test_all_traces_in_another_language(tmp_path: Path) -> None:
    for book in ("schoen", "schoenfeld"):
        run = annotate(DEMO, tmp_path / book, codebook=book, lang="zh")
        assert run.manifest.counts["missing"].keys() == {"codebook's cues are en, trace is zh"}


def test_a_damaged_run_is_made_again(tmp_path: Path, pcode) -> None:  # type: ignore[no-untyped-def]
    run = annotate(DEMO, tmp_path / "run").folder
    whole = (run / "codings.jsonl").read_bytes()
    (run / "codings.jsonl").write_bytes(whole[: whole.index(b"\n") + 1])
    refused = pcode("export", run, "-o", tmp_path / "x.csv")
    assert refused.exit_code == 2
    assert "repeat the command that made the run" in refused.stderr
    mended = pcode("annotate", DEMO, "-o", run, "--coder", "cues")
    assert mended.exit_code == 0
    assert "codings.jsonl changed since the run was complete; the run is made again" in mended.stderr
    assert (run / "codings.jsonl").read_bytes() == whole
    assert pcode("annotate", DEMO, "-o", run, "--coder", "cues").stderr == ""


def test_a_codebook_with_errors_is_refused(tmp_path: Path) -> None:
    released = (ROOT / "codebook/schoen/1.0.0.yaml").read_text(encoding="utf-8")
    bad = tmp_path / "mine.yaml"
    bad.write_text(released.replace("fallback: KA-RO", "fallback: NOPE"), encoding="utf-8")
    with pytest.raises(
        CodebookError, match=r"line \d+: fallback: there is no code 'NOPE'(.|\n)*pcode codebook check"
    ):
        annotate(DEMO, tmp_path / "run", codebook=bad)
    assert not (tmp_path / "run").exists()
    bad.write_text(released.replace("fallback: KA-RO\n", ""), encoding="utf-8")
    assert annotate(DEMO, tmp_path / "run", codebook=bad).manifest.status == "complete"


def test_how_far_cues_can_be_trusted_is_said_first(tmp_path: Path, pcode) -> None:  # type: ignore[no-untyped-def]
    """Issue 13: in the book's own words; a book that says nothing of it says so too. ``--json`` prints the manifest alone."""
    said = pcode("annotate", DEMO, "-o", tmp_path / "new", "--coder", "cues")
    assert said.stdout.startswith(f"cues: {load_codebook('schoen').cues_trust}\n")
    assert "α" in said.stdout.splitlines()[0]
    old = pcode("annotate", DEMO, "-o", tmp_path / "old", "--coder", "cues", "--codebook", "schoen@1.0.0")
    assert old.stdout.startswith("cues: nobody has said how far they can be trusted under schoen@1.0.0; ")
    assert (
        json.loads(pcode("annotate", DEMO, "-o", tmp_path / "json", "--coder", "cues", "--json").stdout)[
            "counts"
        ]["units"]
        > 0
    )
