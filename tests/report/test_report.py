"""The report: four answers, tables and figures that equal what functions return, and reasons where there is nothing."""

from __future__ import annotations

import base64
import csv
import hashlib
import html
import io
import json
import re
import shutil
import unicodedata
import xml.etree.ElementTree as ET
from collections.abc import Callable
from functools import partial
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from click.testing import Result

import pedagogy_r1 as pr
from pedagogy_r1.agreement import agree, reliability_data
from pedagogy_r1.codebook import parse_codebook
from pedagogy_r1.codebook.code_colors import CONTRAST, DARK_CARD, contrast, palette
from pedagogy_r1.errors import PedagogyError, RunError
from pedagogy_r1.estimate import Estimate
from pedagogy_r1.human.import_codings import import_codings
from pedagogy_r1.report import (
    Figure,
    Report,
    ReportSettings,
    ReportTable,
    TableColumn,
    build_report,
    make_report,
    measure_corrections,
    measure_noise,
    open_study,
    parse_comparison,
)
from pedagogy_r1.report.section import latex_text
from pedagogy_r1.report.study import ColumnContrast
from pedagogy_r1.runs.run import CoderRun
from pedagogy_r1.sampling.inclusion import plan_of
from pedagogy_r1.stats import code_table, frequency
from pedagogy_r1.stats import contrast as contrast_of

from ..conftest import ROOT
from ..make_runs import BOOK, change_record, make_run, of_an_earlier_version

QUICK = ReportSettings(replicates=50, permutations=200)
STUDIES = sorted((ROOT / "analysis").glob("*.py"))


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """The demo's two runs: A and B on six traces, the cues coder on fourteen."""
    home, sample = tmp_path_factory.mktemp("runs"), ROOT / "demo"
    pr.annotate(sample / "traces.jsonl", home / "cues", codebook="schoen@1.0.0")
    import_codings(
        [sample / "coder_A.csv", sample / "coder_B.csv"],
        traces=sample / "traces.jsonl",
        out=home / "humans",
        codebook="schoen@1.0.0",
        project="sentence@1",
    )
    return [home / "humans", home / "cues"]


@pytest.fixture(scope="module")
def written(demo: list[Path], tmp_path_factory: pytest.TempPathFactory) -> tuple[Report, Path]:
    folder = tmp_path_factory.mktemp("report")
    return build_report(demo, folder, QUICK), folder


@pytest.fixture(scope="module")
def out(written: tuple[Report, Path]) -> Path:
    return written[1]


@pytest.fixture(scope="module")
def report(written: tuple[Report, Path]) -> Report:
    return written[0]


@pytest.fixture(scope="module")
def page(out: Path) -> str:
    return (out / "report.html").read_text(encoding="utf-8")


def test_four_answers_stand_first(page: str, report: Report) -> None:
    first = page[: page.index('<section id="codes">')]
    assert [a.question for a in report.answers] == re.findall(r"<dt>(.*?)</dt>", first)[:4]
    reliable, noise, differs, missing = (a.short for a in report.answers)
    assert "(α = .792, reaches .667, not shown to reach .800)" in reliable
    assert (
        "people and cues (a rule-based baseline) agree too little to rely on (α = .343, below .667)"
        in reliable
    )
    # Two people who differ on few traces: what varies between people has one degree of freedom.
    assert noise == (
        "Not known: 19.8 %, corrected for the errors of cues (a rule-based baseline), is not to be quoted: the narrowest interval goes from 0.0 % to 72.6 %."
    )
    assert report.answers[1].text[1].startswith("As cues coded, 6.1 % of the words")
    assert differs.startswith("Between cop and generic none of the")
    assert "cop against generic, as cues coded: knowing-in-action" in report.answers[2].points[0]
    assert "needs 3 people, and 2 coded" in missing


def test_page_is_one_file(page: str, out: Path) -> None:
    """Nothing is fetched, no script but ours may run, and what it links to lies beside it or in it."""
    script = (ROOT / "pedagogy_r1/report/page.js").read_text(encoding="utf-8")
    assert re.findall(r"<script\b[^>]*>(.*?)</script>", page, re.DOTALL) == [script]
    assert len(script.encode()) < 15_000
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'" in page
    assert not re.findall(r"\ssrc\s*=", page)
    targets = re.findall(r"""href\s*=\s*["'](?!#)([^"']*)""", page)
    beside = [target for target in targets if not target.startswith("data:")]
    assert sorted(beside) == sorted(
        str(path.relative_to(out)) for name in ("tables", "figures") for path in (out / name).iterdir()
    )
    assert not re.findall(r"url\((?!#)", page)
    assert "://" not in page
    assert "@import" not in page


def test_tables_are_in_the_page_as_they_lie_beside_it(page: str, out: Path) -> None:
    held = dict(re.findall(r'href="data:[^,"]*;base64,([^"]*)" download="([^"]*)"', page))
    assert len(held) == len(list((out / "tables").iterdir()))
    for text, name in held.items():
        assert base64.b64decode(text) == (out / "tables" / name).read_bytes()


def test_contents_are_the_headings(page: str) -> None:
    contents = re.findall(r'<li><a href="#([^"]+)"[^>]*>(.*?)</a>', page)
    assert contents == re.findall(r'<section id="([^"]+)"><details[^>]*>\s*<summary><h2>(.*?)</h2>', page)


def test_page_is_well_formed(page: str) -> None:
    """Tags close in order, and no id comes twice."""
    void = {"meta", "br", "link", "img", "input", "hr"}
    open_tags: list[str] = []
    ids: list[str] = []

    class Reader(HTMLParser):
        def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            ids.extend(value for name, value in attrs if name == "id" and value)
            if tag not in void:
                open_tags.append(tag)

        def handle_endtag(self, tag: str) -> None:
            assert open_tags.pop() == tag

        def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
            ids.extend(value for name, value in attrs if name == "id" and value)

    Reader().feed(page)
    assert not open_tags
    assert len(ids) == len(set(ids))
    for target in re.findall(r'(?:href="#|url\(#)([^")]+)', page):
        assert target in ids, target


def test_csv_holds_what_the_functions_return(demo: list[Path], out: Path) -> None:
    def rows(name: str) -> list[dict[str, str]]:
        return list(csv.DictReader((out / "tables" / f"{name}.csv").open(encoding="utf-8")))

    agreed = agree(demo, replicates=50)
    assert [float(r["value"]) for r in rows("alpha")] == [c.result.value for c in agreed.comparisons]
    assert [(float(r["low"]), float(r["high"])) for r in rows("alpha")] == [
        c.result.interval for c in agreed.comparisons
    ]
    table = code_table(demo)
    shares = [s for basis in ("units", "tokens") for s in frequency(table, basis=basis)]
    assert [float(r["value"]) for r in rows("frequency")] == [s.share.value for s in shares]
    own = table[table["coder"] == "cues"]
    family = contrast_of(own, "condition", "cop", "generic", permutations=200)
    assert [float(r["points_value"]) for r in rows("contrast_condition_cop_generic")] == [
        c.points.value for c in family.contrasts
    ]
    assert [float(r["p"]) for r in rows("contrast_condition_cop_generic")] == [
        c.p_family for c in family.contrasts
    ]


def test_table_and_noise_are_the_token_floors(demo: list[Path]) -> None:
    """Shares made from the units' tokens equal those of ``pcode tokens``, which reads the texts again."""
    from pedagogy_r1.tokens import Coded, SpacyTokenizer, measure_coder, measure_traces, token_report

    run = CoderRun(demo[1])
    measured = list(measure_traces(run.traces()))
    coded = [Coded(t, u, {c.unit_id: c.codes for c in cs}) for t, u, cs in run.by_trace()]
    coder = measure_coder("cues", coded, run.codebook, {m.trace_id: m for m in measured})
    told = token_report(measured, [coder], tokenizer=SpacyTokenizer().name).groups[0].noise[0].share
    own = measure_noise(open_study([demo[1]], QUICK)).groups[0].share
    assert own.strict.value == pytest.approx(told.strict.value, abs=1e-12)
    assert own.nonreflective.value == pytest.approx(told.nonreflective.value, abs=1e-12)
    assert own.coded == told.coded


def test_reliability_data_is_the_same_either_way(demo: list[Path]) -> None:
    fast = open_study(demo, QUICK).data
    slow = reliability_data([CoderRun(run) for run in demo])
    assert fast.coders == slow.coders
    assert fast.categories == slow.categories
    assert fast.missing == slow.missing
    place = {unit: k for k, unit in enumerate(fast.unit_ids)}
    order = [place[unit] for unit in slow.unit_ids]
    assert np.array_equal(fast.primary[:, order], slow.primary)
    assert np.array_equal(fast.present[:, order], slow.present)
    assert [fast.traces[t] for t in fast.cluster[order]] == [slow.traces[t] for t in slow.cluster]
    assert dict(zip(fast.traces, fast.fields, strict=True)) == dict(
        zip(slow.traces, slow.fields, strict=True)
    )


def test_figures_are_drawn(out: Path, report: Report) -> None:
    assert len(report.figures) > 12
    for figure in report.figures:
        png = (out / "figures" / f"{figure.name}.png").read_bytes()
        assert png[:8] == b"\x89PNG\r\n\x1a\n"
        assert len(png) > 8_000, figure.name
        svg = (out / "figures" / f"{figure.name}.svg").read_text(encoding="utf-8")
        marks = [tag for tag in ET.fromstring(svg).iter() if tag.tag.endswith(("path", "use"))]
        assert len(marks) > 10, figure.name


def test_figures_are_repeatable(report: Report) -> None:
    figure = report.figure("noise")
    assert figure.render().svg == figure.render().svg


def test_a_code_has_one_colour(page: str, report: Report) -> None:
    colors = palette(report.study.book)
    assert colors["IA-SQ"] == "#88CCEE"
    assert f"{colors.variable('IA-SQ')}: #88CCEE" in page
    for name in ("frequency", "alpha_by_code", "position", "corrected"):
        svg = page[page.index(f'id="figure-{name}"') :]
        assert f"var({colors.variable('IA-SQ')})" in svg[: svg.index("</svg>")]


def test_colours_without_a_codebook_colour() -> None:
    colors = palette(parse_codebook(BOOK))
    assert len(set(colors.light.values())) == 4
    assert colors.light == palette(parse_codebook(BOOK)).light
    assert all(contrast(color, DARK_CARD) >= CONTRAST for color in colors.dark.values())


def test_methods_name_what_a_paper_needs(report: Report) -> None:
    text = " ".join(f"{p.head}: {p.text}" for p in report.methods)
    book = report.study.book
    for needed in (book.digest, "schoen, version 1.0.0", "sentence@1", "A (human)", "cues (machine)", "seed 0", "1 × empty cell",
                   "Krippendorff", "DSL", "spacy", "π = 0.4286", "Confirmatory family of 10"):  # fmt: skip
        assert needed in text, needed


def test_plan_is_read_off_the_codings() -> None:
    trace = np.repeat(np.arange(4), 5)
    whole = trace < 2
    assert plan_of(whole, trace).pi == 0.5
    assert "2 of 4 traces" in plan_of(whole, trace).words
    spread = np.arange(20) % 4 == 0
    assert plan_of(spread, trace).pi == 0.25
    assert "5 of 20 units" in plan_of(spread, trace).words
    assert plan_of(np.ones(20, dtype=bool), trace).pi == 1.0


def test_texts_are_escaped(tmp_path: Path) -> None:
    evil = "<script>alert('x')</script> & <b>\"bold\"</b>"
    traces = tmp_path / "traces.jsonl"
    line = {"id": "<i>t</i>", "reasoning": f"First. {evil}", "condition": "<u>cop</u>", "model": '"m"'}
    traces.write_text(json.dumps(line) + "\n", encoding="utf-8")
    pr.annotate(traces, tmp_path / "one", codebook="schoen")
    pr.annotate(traces, tmp_path / "two", codebook="schoen")
    codings = tmp_path / "two" / "codings.jsonl"
    codings.write_text(
        re.sub(r'"codes":\["[A-Z-]+"', '"codes":["IA-MT"', codings.read_text()), encoding="utf-8"
    )
    of_an_earlier_version(tmp_path / "two")  # which knows no digest of what is changed here
    build_report([tmp_path / "one", tmp_path / "two"], tmp_path / "out", QUICK, title=evil)
    page = (tmp_path / "out" / "report.html").read_text(encoding="utf-8")
    assert page.count("<script") == 1
    assert "<b>&#34;bold" not in page
    assert "&lt;script&gt;alert" in page
    assert "<i>t</i>" not in page
    assert "<u>cop</u>" not in page


def test_one_run_alone(demo: list[Path], tmp_path: Path) -> None:
    report = build_report(demo[1:], tmp_path, QUICK)
    absent = {section.id: section.absent for section in report.sections if section.absent}
    assert set(absent) == {"agreement", "corrected", "multiverse", "quotes"}
    assert "only one coder, cues" in str(absent["agreement"])
    assert report.answers[0].short == "Not known: only cues (a rule-based baseline) coded."
    page = html.unescape((tmp_path / "report.html").read_text(encoding="utf-8"))
    assert all(f"Not here: {why}." in page for why in absent.values())


def test_people_alone(demo: list[Path]) -> None:
    report = make_report(demo[:1], QUICK)
    assert report.study.main == "A"
    assert "no machine coder" in next(str(s.absent) for s in report.sections if s.id == "corrected")
    assert report.answers[0].short.startswith(
        "People agree with each other well enough for tentative conclusions"
    )


def test_nothing_to_compare_and_no_noise(tmp_path: Path) -> None:
    """Three codes, one condition, nothing said of correctness, one trace."""
    run = make_run(tmp_path / "r", {"A": ["A", "B", "A", "C"], "B": ["A", "B", "B", None]})
    report = build_report([run], tmp_path / "out", QUICK)
    assert report.answers[1].short == "Not known: the codebook has no code for noise."
    assert report.answers[2].short == "There is nothing to compare."
    gaps = {gap.what: gap.why for gap in report.gaps}
    assert gaps["Differences by condition"] == "condition is cop in all traces of A"
    assert gaps["Differences by correctness"] == "no trace of A says whether its answer is right"
    assert gaps["Differences by model"] == "no trace of A names its model"
    coverage = {row["coder"]: row for row in report.table("coverage").rows}
    assert coverage["B"]["missing"] == 1
    assert coverage["B"]["why"] == "1 × not sure"


def test_constant_codings_are_explained(tmp_path: Path) -> None:
    run = make_run(tmp_path / "r", {"A": ["A"] * 8, "B": ["A"] * 8})
    report = build_report([run], tmp_path / "out", QUICK)
    assert report.table("alpha").rows[0]["value"] is None
    assert "all pairable values are the same" in report.answers[0].text[0]
    assert (
        next(s.absent for s in report.sections if s.id == "quotes")
        == "the coders never give different primary codes"
    )


def test_each_contrast_has_a_file_of_its_own() -> None:
    """Values that differ in a sign that no file name holds, in case, or at the end of a long one: one table took another's place."""
    pairs = [("a.b", "c"), ("a-b", "c"), ("a_b", "c"), ("a", "b_c"), ("a_b", "c_"), ("cop", "generic")]
    pairs += [
        ("R1", "c"),
        ("r1", "c"),
        ("\u1100\u1161", "c"),
        ("\uac00", "c"),
    ]  # the last two: one syllable, written twice
    pairs += [(value, "조" * 200) for value in ("cop+", "cop-", "cop/", "조" * 199, "x" * 199, "x" * 198)]
    names = [ColumnContrast("condition", *pair).file_name("contrast") for pair in pairs]
    assert len({unicodedata.normalize("NFC", name.casefold()) for name in names}) == len(pairs)
    assert names[1] == "contrast_condition_a-b_c"
    assert names[5] == "contrast_condition_cop_generic"
    assert all(re.fullmatch(r"[\w-]+", name) and len(name.encode()) < 250 for name in names)


def test_machines_alone_make_a_multiverse(demo: list[Path], tmp_path: Path) -> None:
    pr.annotate(ROOT / "demo/traces.jsonl", tmp_path / "again", codebook="schoen@1.0.0", seed=1)
    report = make_report([demo[1], tmp_path / "again"], QUICK)
    rows = report.table("multiverse_condition_cop_generic").rows
    assert {row["kind"] for row in rows} == {"holds"}
    assert "whether they are right" in report.answers[0].text[0]


def test_corrections_use_the_reference(demo: list[Path]) -> None:
    found = measure_corrections(open_study(demo, QUICK))
    assert (found.n_units, found.n_coded) == (261, 122)
    noise = found.prevalence["UT-NF"]
    assert noise.naive.value == pytest.approx(15 / 261)
    assert noise.human.value is not None
    assert noise.human.value > 0.15


def test_table_forms() -> None:
    table = ReportTable(
        "t",
        "50 % of a_b",
        (
            TableColumn("code", "code", "code"),
            TableColumn("α", "alpha", "coefficient"),
            TableColumn("95 %", ("low", "high"), "share"),
        ),
        ({"code": "=A", "alpha": 0.7432, "low": 0.1, "high": None, "n": 3}, {"code": "B", "alpha": None}),
    )
    rows = list(csv.reader(io.StringIO(table.csv())))
    assert rows == [
        ["code", "alpha", "low", "high", "n"],
        ["'=A", "0.7432", "0.1", "", "3"],
        ["B", "", "", "", ""],
    ]
    assert r"=A & .743 & -- \\" in table.latex()
    assert r"\caption{50 \% of a\_b}" in table.latex()
    assert latex_text("x_1 & {y} α~") == r"x\_1 \& \{y\} $\alpha$\textasciitilde{}"
    assert table.text().splitlines()[1].split() == ["=A", ".743", "–"]


def test_inline_svg_takes_the_page_colours() -> None:
    from pedagogy_r1.report.figures.dot_plot import Dot, dot_rows

    figure = Figure(
        "f",
        "a <b>",
        partial(dot_rows, ["x"], [[Dot(Estimate(0.5, 0.4, 0.6), "#88CCEE")]], axis="share"),
    )
    inline = figure.inline(figure.render().svg, {"#88CCEE": "var(--code-0)"})
    assert "var(--code-0)" in inline
    assert "var(--ink)" in inline
    assert "xmlns" not in inline
    assert 'aria-label="a &lt;b&gt;"' in inline
    ET.fromstring(inline.replace("xlink:href", "href"))


@pytest.mark.parametrize(
    ("settings", "why"),
    [
        (ReportSettings(coder="nobody"), "no coder is named 'nobody'"),
        (ReportSettings(family=("IA-SQ", "XX")), "the family holds 'XX'"),
        (ReportSettings(contrasts=(parse_comparison("condition:cop:none"),)), "no unit has condition 'none'"),
    ],
)
def test_bad_settings(demo: list[Path], settings: ReportSettings, why: str) -> None:
    with pytest.raises(RunError, match=why):
        make_report(demo, settings)


@pytest.mark.parametrize(
    "text", ["condition", "condition:cop", "colour:a:b", "correct:right:maybe", "model:a:a"]
)
def test_bad_comparisons(text: str) -> None:
    with pytest.raises(PedagogyError, match=r"no comparison|right or wrong"):
        parse_comparison(text)


def test_two_runs_of_one_folder_name_are_told_apart_as_in_agreement(demo: list[Path], tmp_path: Path) -> None:
    """The report refused ``a/cues`` and ``b/cues``, which ``pcode agreement`` compares."""
    for place in "ab":
        shutil.copytree(demo[1], tmp_path / place / "cues")
    report = make_report([tmp_path / "a/cues", tmp_path / "b/cues"], QUICK)
    table = next(t for s in report.sections for t in s.tables if t.name == "runs")
    assert [row["run"] for row in table.rows] == ["a/cues", "b/cues"]
    assert "cues@a/cues (a rule-based baseline)" in report.answers[0].short
    assert any("Run a/cues (" in str(paragraph) for paragraph in report.methods)


def test_bad_runs(demo: list[Path], tmp_path: Path) -> None:
    with pytest.raises(RunError, match="not a run directory"):
        make_report([tmp_path])
    with pytest.raises(RunError, match="cues is given 2 times"):
        make_report([demo[1], demo[1]])
    with pytest.raises(PedagogyError, match="-1 resamples"):
        ReportSettings(replicates=-1)
    (tmp_path / "file").write_text("")
    with pytest.raises(PedagogyError, match="is a file"):
        build_report(demo, tmp_path / "file", QUICK)
    with pytest.raises(PedagogyError, match="no table 'alfa'"):
        make_report(demo, QUICK).table("alfa")


def test_command(pcode: Callable[..., Result], demo: list[Path], tmp_path: Path) -> None:
    quick = ("--replicates", 50, "--permutations", 200)
    result = pcode("report", *demo, "-o", tmp_path / "r", "--family", "IA-SQ, OA-ME", *quick)
    assert result.exit_code == 0, result.output
    assert "How reliable are the codes? People agree" in result.output
    assert "Confirmatory family of 2: IA-SQ, OA-ME" in (tmp_path / "r/report.html").read_text(
        encoding="utf-8"
    )
    assert pcode("report", tmp_path, "-o", tmp_path / "x").exit_code == 2
    assert pcode("report", *demo, "-o", tmp_path / "x", "--contrast", "cop:generic").exit_code == 2


@pytest.mark.parametrize("study", STUDIES, ids=lambda path: path.stem)
def test_study_runs(
    study: Path,
    pcode: Callable[..., Result],
    demo: list[Path],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
) -> None:
    assert len(study.read_text(encoding="utf-8").splitlines()) < 80
    result = pcode("analysis", "run", study.stem, *demo)
    assert result.exit_code == 0, result.output
    assert len(result.output.splitlines()) > 5


def test_study_list_copy_run(pcode: Callable[..., Result], demo: list[Path], tmp_path: Path) -> None:
    listed = pcode("analysis", "list").output
    assert [line.split()[0] for line in listed.splitlines()] == [path.stem for path in STUDIES]
    assert pcode("analysis", "copy", "noise", "-o", tmp_path).exit_code == 0
    assert pcode("analysis", "copy", "noise", "-o", tmp_path).exit_code == 2
    mine = tmp_path / "noise.py"
    mine.write_text(
        mine.read_text(encoding="utf-8").replace("65 % lies", "sixty-five lies"), encoding="utf-8"
    )
    result = pcode("analysis", "run", mine, demo[1], "-o", tmp_path / "noise.csv")
    assert "sixty-five lies" in result.output
    assert (tmp_path / "noise.csv").read_text(encoding="utf-8").startswith("coder,by,group,strict_value")
    assert pcode("analysis", "run", "nonsense", demo[1]).exit_code == 2
    assert "--by" in pcode("analysis", "run", "code_frequency", "--help").output


def test_public_api_of_studies_only() -> None:
    """A study that people copy must not lean on what we may move."""
    allowed = {"pedagogy_r1", *(f"pedagogy_r1.{room}" for room in ("report", "stats", "tokens", "agreement"))}
    for study in STUDIES:
        used = set(
            re.findall(r"^(?:from|import) (pedagogy_r1[\w.]*)", study.read_text(encoding="utf-8"), re.M)
        )
        assert used <= allowed, study.name


@pytest.mark.slow
def test_real_run(shared: Path, tmp_path: Path) -> None:
    """A real file of traces without condition or correctness: everything that can be is there."""
    source = shared / "data/reasoningflow/traces/DeepSeek-R1_argkp.jsonl"
    pr.import_traces(
        [source], tmp_path / "t.jsonl", mapping={"item": "question_id"}, constants={"model": "R1"}
    )
    pr.annotate(tmp_path / "t.jsonl", tmp_path / "cues", codebook="schoen")
    report = build_report([tmp_path / "cues"], tmp_path / "out", QUICK)
    assert report.table("noise").rows[0]["strict_value"] is not None
    assert report.answers[2].short == "There is nothing to compare."


def test_level_is_one_setting(demo: list[Path], report: Report) -> None:
    """At 90 % all intervals are narrower, and nothing on the page speaks of 95 %."""
    narrow = make_report(demo, ReportSettings(replicates=50, permutations=200, level=0.9))
    for name, low, high in (
        ("alpha", "low", "high"),
        ("frequency", "low", "high"),
        ("noise", "strict_low", "strict_high"),
        ("corrected", "dsl_low", "dsl_high"),
        ("position", "mean_low", "mean_high"),
    ):
        rows = zip(report.table(name).rows, narrow.table(name).rows, strict=True)
        wide, own = next(pair for pair in rows if pair[0][low] is not None)
        assert own[high] - own[low] < wide[high] - wide[low], name
        assert own.get("level", 0.9) == 0.9
    heads = {column.head for table in narrow.tables for column in table.columns}
    assert any("90 %" in head for head in heads)
    assert not any("95" in head for head in heads)
    assert not any("95 %" in figure.caption for figure in narrow.figures)
    assert not any("95 %" in paragraph.text for paragraph in narrow.methods)


def test_a_partial_run_is_said_by_every_file(tmp_path: Path) -> None:
    run = make_run(tmp_path / "r", {"A": ["A", "B", "A", "C"] * 3, "B": ["A", "B", "B", "C"] * 3}).folder
    change_record(run / "run.json", status="interrupted")
    report = build_report([run], tmp_path / "out", QUICK, partial=True)
    words = report.study.partial[0]
    assert words in next(p.text for p in report.methods if p.head == "Not all traces")
    for path in (tmp_path / "out" / "tables").glob("*.csv"):
        rows = list(csv.DictReader(path.open(encoding="utf-8")))
        assert all(row["partial"] == words for row in rows), path.name
