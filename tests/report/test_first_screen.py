"""The first screen claims only what holds: the examples of the issue, on runs."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import Result

import pedagogy_r1 as pr
from pedagogy_r1.agreement import disagreements
from pedagogy_r1.codebook.manual import manual
from pedagogy_r1.human.import_codings import import_codings
from pedagogy_r1.report import Report, ReportSettings, build_report, make_report, open_study
from pedagogy_r1.report.answers import coded_words
from pedagogy_r1.report.disagreement_sheet import write_sheet
from pedagogy_r1.report.quotation_sheet import write_quotations
from pedagogy_r1.report.sections.code_order import measure_order, order_section
from pedagogy_r1.report.sections.corrections import measure_corrections
from pedagogy_r1.report.sections.frequencies import frequency_section, measure_frequency
from pedagogy_r1.report.sections.methods import coverage_section
from pedagogy_r1.report.sections.noise_share import measure_noise
from pedagogy_r1.report.study_agreement import agreement_tables, measure_agreement
from pedagogy_r1.runs.quotations import quotations
from pedagogy_r1.runs.run import CoderKind, CoderRun

from ..conftest import ROOT
from ..make_runs import make_run, with_fields

QUICK = ReportSettings(replicates=20, permutations=100)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> list[CoderRun]:
    """Two people on 48 units of twelve traces, a model on 56 of 60, and cues, which coded all."""
    home = tmp_path_factory.mktemp("runs")
    rng = np.random.default_rng(0)
    true = rng.choice(list("ABC"), 60)
    model = np.where(rng.random(60) < 0.9, true, "A")
    other = np.where(rng.random(60) < 0.85, true, "B")
    people = make_run(home / "people", {"A": [*true[:48]], "B": [*other[:48]]})
    gpt = make_run(home / "gpt", {"gpt": [*model[:56]]}, machines=["gpt"])
    cues = make_run(home / "cues", {"cues": [*rng.choice(list("ABC"), 60)]}, machines=["cues"])
    return [people, gpt, cues]


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Report:
    home, sample = tmp_path_factory.mktemp("demo"), ROOT / "demo"
    pr.annotate(sample / "traces.jsonl", home / "cues", codebook="schoen@1.0.0")
    files = [sample / "coder_A.csv", sample / "coder_B.csv"]
    import_codings(
        files,
        traces=sample / "traces.jsonl",
        out=home / "humans",
        codebook="schoen@1.0.0",
        project="sentence@1",
    )
    return make_report([home / "humans", home / "cues"], QUICK)


def test_headline_does_not_flip_with_coder(runs: list[CoderRun]) -> None:
    """It did: α = .225 or α = .808, by whoever coded most units."""
    answers = [
        make_report(runs, ReportSettings(coder=coder, replicates=20, permutations=100)).answers[0]
        for coder in (None, "cues", "gpt", "A")
    ]
    assert all(answer == answers[0] for answer in answers)
    assert "people and gpt agree" in answers[0].short
    assert "people and cues (a rule-based baseline) agree too little to rely on" in answers[0].short
    assert [point.split(",")[0] for point in answers[0].points] == ["gpt", "cues (a rule-based baseline)"]
    assert all(
        "than with each other" in point or "not shown to differ" in point for point in answers[0].points
    )


def test_every_machine_has_its_alpha_by_group_whatever_the_coder(runs: list[CoderRun]) -> None:
    study = open_study(runs, ReportSettings(coder="cues", replicates=20, permutations=100))
    study.table["model"] = [
        "x" if trace in ("t0", "t1", "t2", "t3", "t4", "t5") else "y" for trace in study.table["trace_id"]
    ]
    fields = tuple(
        f | {"model": "x" if int(t[1:]) < 6 else "y"}
        for f, t in zip(study.data.fields, study.data.traces, strict=True)
    )
    study = replace(study, data=replace(study.data, fields=fields))
    rows = next(
        t for t in agreement_tables(study, measure_agreement(study)) if t.name == "alpha_by_group"
    ).rows
    assert {row["coders"] for row in rows} == {"A – B", "A – gpt", "B – gpt", "A – cues", "B – cues"}


def test_cues_never_stand_for_the_machine_where_a_model_is_at_hand(runs: list[CoderRun]) -> None:
    study = open_study(runs, QUICK)
    assert study.coded("cues") > study.coded("gpt") > study.coded("A")
    assert (study.main, study.machine) == ("gpt", "gpt")
    assert study.machines_in_order == ("gpt", "cues")
    assert open_study([runs[0], runs[2]], QUICK).machine == "cues"


def test_against_people_is_the_mean_over_people_everywhere(demo: Report) -> None:
    """.353 (one pair) and .343 (the mean) were both shown as the machine's agreement with people."""
    (row,) = demo.table("human_machine").rows
    assert round(row["with_machine"], 3) == 0.343
    assert "α = .343" in demo.answers[0].short
    assert ".353" not in demo.answers[0].short + "".join(demo.answers[0].text + demo.answers[0].points)
    lead = " ".join(next(section.lead for section in demo.sections if section.id == "agreement"))
    assert ".343 with cues" in lead


def test_a_missing_interval_prints_its_reason(demo: Report) -> None:
    cautions = next(section.cautions for section in demo.sections if section.id == "noise")
    assert any(
        "cues (domain AES)" in words and "no interval: everything comes from one item" in words
        for words in cautions
    )
    assert "redraws" not in " ".join(words for section in demo.sections for words in section.lead)
    agreement = next(p.text for p in demo.methods if p.head == "Agreement")
    assert "Intervals over traces: 95 % jackknife over traces, t." in agreement


def test_what_is_not_to_be_relied_on_is_not_bold(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    values = {name: [*rng.choice(list("ABC"), 60)] for name in "AB"}
    report = build_report([make_run(tmp_path / "r", values)], tmp_path / "out", QUICK)
    assert report.answers[0].short.startswith("People agree with each other too little to rely on")
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    bold = [part.split("</dd>")[0] for part in page.split("<dd>")[1:5]]
    assert not report.answers[0].firm  # neither is the verdict itself set as if something were established
    loose = [answer.short for answer in report.answers if not answer.firm]
    assert not any(short in words for short in loose for words in bold)
    assert page.count('<dd class="loose">') == len(loose)


@pytest.mark.parametrize("width", [390, 1280, 1920])
def test_no_page_is_wider_than_the_screen(demo_pages: list[Path], browser: Any, width: int) -> None:
    """The codebook's digest pushed the disagreement sheet to 714 pixels on a phone; at 1280 the report's last sections lay
    out of sight."""
    page = browser.new_page(viewport={"width": width, "height": 844})
    for path in demo_pages:
        page.goto(path.as_uri())
        assert page.evaluate("document.documentElement.scrollWidth") <= width, path.name
        contents = page.locator("nav.contents")
        if width >= 1280 and contents.count():
            assert contents.evaluate("n => n.scrollWidth <= n.clientWidth && n.scrollHeight <= innerHeight")
    page.context.close()


@pytest.fixture(scope="module")
def demo_pages(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Of the demo's people and the rule-based coder: the report, the disagreement sheet, quotations, the manual."""
    home = tmp_path_factory.mktemp("pages")
    files = [ROOT / "demo/coder_A.csv", ROOT / "demo/coder_B.csv"]
    traces, schoen = ROOT / "demo/traces.jsonl", pr.load_codebook("schoen")
    people = import_codings(
        files, traces=traces, out=home / "people", codebook="schoen@1.0.0", project="sentence@1"
    ).run
    build_report(
        [people, pr.annotate(traces, home / "cues", codebook="schoen@1.0.0")], home / "report", QUICK
    )
    write_sheet(disagreements([people]), home / "sheet")
    (home / "manual.html").write_text(str(manual(schoen, "html")), encoding="utf-8")
    quotes = write_quotations(quotations([people], "IA-SQ"), home / "quotes.html")
    return [home / "report/report.html", home / "sheet/disagreements.html", quotes, home / "manual.html"]


def with_text_of(run: CoderRun, other: CoderRun) -> CoderRun:
    """Its traces whole, as the other run has them."""
    texts = {trace.id: trace.reasoning for trace in other.traces()}
    ids = [trace.id for trace in run.traces()]
    return with_fields(run.folder, lambda n: {"reasoning": texts[ids[n]]})


def test_packets_of_120_in_24466_units(tmp_path: Path) -> None:
    """It said "A coded 0 %" and counted 24,346 units as missing."""
    total = 24_466
    cues = make_run(tmp_path / "cues", {"cues": ["A", "B"] * (total // 2)}, machines=["cues"], per_trace=600)
    part = with_text_of(make_run(tmp_path / "A", {"A": ["A"] * 119 + [None]}, per_trace=600), cues)
    study = open_study([cues, part], QUICK)
    assert coded_words(study) == "cues coded all of them; A coded 119 of them (1 trace)."
    section = coverage_section(study)
    row = next(row for row in section.tables[0].rows if row["coder"] == "A")
    assert (row["units"], row["coded"], row["missing"], row["not_asked"]) == (120, 119, 1, total - 120)
    assert row["of_asked"] == 119 / 120
    assert "1 coding is missing" in section.lead[0]
    assert "Not every unit was put to A; what was not asked is not missing." in section.lead[0]


TEXT = "One two three. Four five six. Seven eight nine. Ten eleven twelve."


def own(
    folder: Path, spans: dict[str, list[tuple[int, int, str]]], kind: CoderKind | None = None
) -> CoderRun:
    """A run whose coders chose their own spans of two traces."""
    traces = folder / "traces.jsonl"
    lines = [
        json.dumps({"id": name, "reasoning": TEXT, "domain": "SK", "condition": name}) for name in ("t", "u")
    ]
    traces.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with (folder / "codings.csv").open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["trace_id", "start", "end", "quote", "coder", "code"])
        for coder, chosen in spans.items():
            for trace in ("t", "u"):
                writer.writerows(
                    [trace, start, end, TEXT[start:end], coder, code] for start, end, code in chosen
                )
    import_codings(
        [folder / "codings.csv"],
        traces=traces,
        out=folder / "run",
        codebook="schoen@1.0.0",
        units="own",
        kind=kind,
    )
    return CoderRun(folder / "run")


FIRST, SECOND, THIRD, FOURTH = (0, 14), (15, 29), (30, 47), (48, 66)


def test_own_spans_of_two_coders_do_not_divide_the_text_together(tmp_path: Path) -> None:
    """They did: "coded 100 %" of the tokens of both together, and positions among everybody's spans."""
    a = [(*FIRST, "KA-RO"), (*SECOND, "UT-NF"), (*THIRD, "KA-RO"), (*FOURTH, "UT-NF")]
    b = [(0, 29, "KA-RO"), (30, 66, "UT-NF")]
    study = open_study([own(tmp_path, {"A": a, "B": b})], QUICK)
    for coder, places in (("A", [0.125, 0.375, 0.625, 0.875] * 2), ("B", [0.25, 0.75] * 2)):
        rows = study.of_coder(coder)
        assert rows["position"].tolist() == places
        assert rows["index"].tolist() == [*range(len(places) // 2)] * 2
    moves = measure_order(study)
    assert not isinstance(moves, str)
    assert moves.transitions.n_pairs == 6
    found = {group.coder: group.share for group in measure_noise(study).overall}
    assert found["A"].coded == found["B"].coded
    assert found["A"].tokens * 2 == study.table["tokens"].sum()
    assert study.overlaps == {}
    assert "A and B chose 12 units themselves" in make_report(study.runs, QUICK).methods[0].text


def test_pcode_tokens_counts_own_spans_for_each_coder(pcode: Callable[..., Result], tmp_path: Path) -> None:
    """ "2,705 tokens without a coding" were the other coder's spans, of a text that each of them covers whole."""
    a = [(*FIRST, "KA-RO"), (*SECOND, "UT-NF"), (*THIRD, "KA-RO"), (*FOURTH, "UT-NF")]
    run = own(tmp_path, {"A": a, "B": [(0, 29, "KA-RO"), (30, 66, "UT-NF")]})
    told = pcode("tokens", tmp_path / "traces.jsonl", run.folder, "--json", "--replicates", 20)
    assert told.exit_code == 0, told.output
    shares = [noise["share"] for noise in json.loads(told.output)["groups"][0]["noise"]]
    assert [share["missing"] for share in shares] == [0, 0]
    assert shares[0]["coded"] == shares[1]["coded"] <= shares[0]["tokens"]
    (tmp_path / "apart").mkdir()
    overlapping = own(tmp_path / "apart", {"A": [(0, 29, "KA-RO"), (15, 47, "UT-NF")]})
    told = pcode("tokens", tmp_path / "apart" / "traces.jsonl", overlapping.folder)
    assert told.exit_code == 2
    assert "units 0–29 and 15–47, coded by A, overlap" in " ".join(told.output.split()) + " ".join(
        told.stderr.split()
    )


def test_a_coder_whose_own_spans_overlap_has_no_share_of_tokens(tmp_path: Path) -> None:
    a = [(0, 29, "KA-RO"), (15, 47, "UT-NF"), (48, 66, "KA-RO")]
    b = [(0, 29, "KA-RO"), (30, 66, "UT-NF")]
    study = open_study(
        [own(tmp_path, {"A": a, "B": b})], ReportSettings(coder="A", replicates=20, permutations=100)
    )
    why = "2 units of 6 that A coded overlap another, so that they do not divide the text"
    assert study.overlaps == {"A": why}
    assert [group.coder for group in measure_noise(study).overall] == ["B"]
    tokens = measure_frequency(study).overall["tokens"]
    assert {one.coder for one in tokens} == {"B"}
    assert order_section(study, measure_order(study)).absent == f"{why} and do not follow each other"
    report = make_report(study.runs, study.settings)
    assert report.answers[1].short == f"Not known: {why}."
    assert any(gap.why == why for gap in report.gaps)


def test_a_machine_whose_units_overlap_is_not_corrected(tmp_path: Path) -> None:
    """Shares of units that lie in each other are no shares of the text, and correcting them makes them none."""
    (tmp_path / "m").mkdir()
    people = own(tmp_path, {"A": [(0, 29, "KA-RO"), (15, 47, "UT-NF")]})
    machine = own(tmp_path / "m", {"m": [(0, 29, "KA-RO"), (15, 47, "UT-NF")]}, kind="machine")
    (machine.folder).rename(tmp_path / "m" / "machine")
    study = open_study(
        [people, tmp_path / "m" / "machine"], ReportSettings(coder="m", replicates=20, permutations=100)
    )
    found = measure_corrections(study)
    assert found.why == study.overlaps["m"]
    assert found.why.startswith("2 units of 4 that m coded overlap another")


def test_every_cell_without_interval_has_its_reason(demo: Report) -> None:
    for name in ("alpha_by_code", "alpha_by_group", "coefficients"):
        for row in demo.table(name).rows:
            lacks = row["value"] is not None and row["low"] is None
            assert bool(row["why_no_interval"]) == lacks, (name, row)
    assert any(row["why_no_interval"] for row in demo.table("alpha_by_group").rows)
    assert "why no interval" in [column.head for column in demo.table("alpha_by_group").columns]


def test_methods_tell_not_asked_from_missing(demo: Report) -> None:
    text = next(p.text for p in demo.methods if p.head == "Missing codings")
    assert "A: 1 × empty cell" in text
    assert "Not asked, and so not missing: A 139 units, B 139 units." in text


def test_what_tables_and_figures_leave_out_is_said(tmp_path: Path) -> None:
    """Issue 11: a fifth person was passed over in α by group, a seventh coder in the figure, and nobody was told."""
    rng = np.random.default_rng(1)
    people = {f"P{n}": [*rng.choice(list("ABC"), 48)] for n in range(5)}
    machines = {f"m{n}": [*rng.choice(list("ABC"), 48)] for n in range(4)}
    found = [
        make_run(tmp_path / "people", people),
        make_run(tmp_path / "machines", machines, machines=[*machines]),
    ]
    study = open_study(found, QUICK)
    fields = tuple(
        f | {"model": "xy"[int(t[1:]) % 2], "domain": f"d{n % 13}"}
        for n, (f, t) in enumerate(zip(study.data.fields, study.data.traces, strict=True))
    )
    study.table["model"] = ["xy"[int(t[1:]) % 2] for t in study.table["trace_id"]]
    study.table["domain"] = [f"d{n % 13}" for n in range(len(study.table))]
    study = replace(study, data=replace(study.data, fields=fields))
    table = next(t for t in agreement_tables(study, measure_agreement(study)) if t.name == "alpha_by_group")
    assert {f"P4 – m{n}" for n in range(3)} <= {row["coders"] for row in table.rows}
    assert "Of the first 3 of 4 machines" in table.note
    assert "Not by domain: it has 13 values" in table.note
    figures = frequency_section(study, measure_frequency(study)).figures
    assert "The first 6 of 9 are drawn; the table has all." in figures[0].caption
