"""Every sentence of the report's sections, in one table (`section_sentences.json`): the scene that brings it about, and where it stands.

A scene (`scenes.py`) is a set of real runs. What its report says is compared with the table word by word, numbers and all; a
sentence that the table does not have fails `test_nothing_else_is_said`, and a piece of text in the source that no sentence of the
table has fails `test_every_piece_of_the_source_stands_in_the_table`. Who changes a sentence reads it again, as somebody who
looks for data that make it false, and writes the table anew:

    PYTHONPATH=. python -m tests.report.test_section_sentences
"""

from __future__ import annotations

import ast
import json
import re
import tempfile
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace

import pytest

from pedagogy_r1.report import make_report, measure_corrections
from pedagogy_r1.report.column_contrast import ColumnContrast
from pedagogy_r1.report.sections import corrections
from pedagogy_r1.report.sections.contrasts import Robustness, robustness_section
from pedagogy_r1.report.study import open_study
from pedagogy_r1.stats.corrected_verdict import Corrected
from pedagogy_r1.stats.multiverse_analysis import Multiverse, QuestionRow

from ..agreement.test_agreement_sentences import CASES
from ..make_runs import change_record, make_run
from ..stats.test_corrected_verdict import SENTENCES
from .scenes import QUICK, SCENES, told

HERE = Path(__file__).parent
PACKAGE = HERE.parent.parent / "pedagogy_r1"
TABLE = HERE / "section_sentences.json"
"""By scene: [where it stands, what it says]. A sentence stands at the first scene that says it, whatever its numbers and names are."""

VARIES = ("methods, Coders", "methods, Seeds and software")
"""Dates and versions differ from machine to machine: of these the words are compared without numbers."""

Said = tuple[str, str]


def bare(said: Said) -> Said:
    """Whoever it is about and whatever its numbers are."""
    where, text = said
    text = re.sub(r"sha256:[0-9a-f]+…?|given@[0-9a-f]+|(import|cues)-[0-9a-f]{12}", "DIGEST", text)
    text = re.sub(r"[−+-]?\d[\d.,]*", "#", text)
    text = re.sub(r"“none”|\b(A|B|C|P|Q|m\d?|m#|n|gpt|cues|none|TR-SP|UT-NF|[IOK]A-\w\w)\b", "N", text)
    text = re.sub(r"N( \((human|machine|condition|correct|domain|model)[^)]*\))", "N", text)
    text = re.sub(r"N((, | and | – |; )(N|# more))+", "N", text)
    return re.sub(r"_[a-zA-Z_]+_\w+", "", where), text


@pytest.fixture(scope="module")
def said(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Said]]:
    return {scene: told(scene, tmp_path_factory.mktemp("scene")) for scene in SCENES}


def table() -> dict[str, list[Said]]:
    read = json.loads(TABLE.read_text(encoding="utf-8"))
    return {scene: [(where, text) for where, text in rows] for scene, rows in read.items()}


@pytest.mark.parametrize("scene", SCENES)
def test_what_the_table_has_is_said(scene: str, said: dict[str, list[Said]]) -> None:
    exact, words = set(said[scene]), {bare(one) for one in said[scene]}
    for one in table()[scene]:
        if one[0] in VARIES:
            assert bare(one) in words, one
        else:
            assert one in exact, one


def test_nothing_else_is_said(said: dict[str, list[Said]]) -> None:
    known = {bare(one) for rows in table().values() for one in rows}
    unread = [one for rows in said.values() for one in rows if bare(one) not in known]
    assert unread == []


# --- the table is whole

MODULES = (
    *(f"report/sections/{path.name}" for path in sorted((PACKAGE / "report/sections").glob("*.py"))),
    "report/study.py",
    "report/study_agreement.py",
    "report/section.py",
    "stats/code_contrast.py",
    "stats/share_difference.py",
    "stats/code_shares.py",
    "stats/corrected_verdict.py",
    "stats/multiverse_analysis.py",
    "estimate/estimate.py",
    "estimate/jackknife.py",
    "estimate/reliability_verdict.py",
    "estimate/resample.py",
    "report/planned_precision.py",
    "cli/cmd_agreement.py",
)
LEAST = 14
"""Letters from which on a piece of text is a sentence or part of one."""


def pieces(module: str) -> Iterator[str]:
    """Texts within the module's functions; of those with blanks in them, the parts between. Not docstrings, options nor what is raised."""
    tree = ast.parse((PACKAGE / module).read_text(encoding="utf-8"))
    for function in (node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef)):
        first = function.body[0]
        left = {id(n) for node in ast.walk(function) if isinstance(node, ast.Raise) for n in ast.walk(node)}
        left |= {id(n) for option in function.decorator_list for n in ast.walk(option)}
        left |= {id(first.value)} if isinstance(first, ast.Expr) else set()
        for node in ast.walk(function):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in left:
                yield node.value


def corpus() -> str:
    """Everything that the table has, and what the tables of verdicts and of ``pcode agreement`` have."""
    rows = [text for found in table().values() for one in found for text in one]
    verdicts = [words for result, words in SENTENCES.values() if isinstance(result, Corrected)]
    terminal = [case.says for case in CASES.values()]
    return "\n".join([*rows, *verdicts, *terminal]).casefold()


ELSEWHERE = {
    "What was developed (codebook, prompts, coders) could be fitted to the rest, not to the locked part.": "tests/sampling/test_locked.py",
    "α on the locked part and on the rest.": "tests/sampling/test_locked.py",
    "on the locked part": "tests/sampling/test_locked.py",
    "columns shows also:": "tests/cli/test_terminal.py",
    "units would take minutes; name a family of at most": "tests/report/test_section_sentences.py",
    "one side has none of the code, or nothing else: the odds ratio lies at its limit": "tests/stats/test_contrast.py",
    "on one side more than half of the units with the code, or without it if they are fewer, are of one": "tests/stats/test_contrast.py",
    "every unit of both sides has the code": "tests/stats/test_contrast.py",
    "the units have no tokens": "tests/stats/test_contrast.py",
    "not asked by every analysis": "tests/stats/test_place.py",
    "flips: direction": "tests/stats/test_place.py",
    "flips: significance": "tests/stats/test_place.py",
    "Models that served it:": "tests/report/test_section_sentences.py",
    "Corrected share of": "tests/report/test_sentences.py",
    "no interval: undefined in most resamples": "tests/estimate/test_resample.py",
    "α is undefined in half of the studies or more": "tests/sampling/test_sample.py",
    "· α of the presence of each code, as primary or second one": "tests/agreement/test_agreement_sentences.py",
    "against the reference": "tests/agreement/test_agreement_sentences.py",
    "with the largest z of": "tests/report/test_chosen_figures.py",
    "that reach the largest share in any bar are drawn apart.": "tests/report/test_chosen_figures.py",
    "Traces from their first letter to their last, a ribbon for each coder, each unit in the colour of its primary code. Empty: text that a coder was not asked about.": "tests/report/test_chosen_figures.py",
    "conclusion that two coders or more allow": "tests/report/test_section_sentences.py",
    "codebook, digest": "tests/report/test_preregistration.py",
    "no packet is named by the runs": "tests/report/test_preregistration.py",
    "comparisons are": "tests/test_over_shards.py",
    "the correction is": "tests/test_over_shards.py",
    "Co-occurrence and position of the codes": "tests/test_over_shards.py",
    "Differences between conditions, models, and right and wrong answers": "tests/test_over_shards.py",
    "codings over a corpus, and are added up shard by shard. What is made from single units or texts is left out: quotes, co-occurrence and position of codes, comparisons with their permutations, corrected shares, chosen traces, and tests of putting a machine in a person's place.": "tests/test_over_shards.py",
}
"""What no scene brings about, and the test that has it."""

NO_SENTENCES = {
    "nothing to divide by",
    "studentised cluster bootstrap over",
    "[bold]Krippendorff's α[/],",
    "stand in for a human?[/]",
    "[bold]most disagreed units[/]",
    "[bold]most confused[/]",
    "adjusted residual",
    "α of presence or absence",
    "difference, percentage points",
    "z: standard deviations from random order",
    "letters of the trace",
    "asked about, not coded",
    "machine − DSL, points",
    "coded items or traces, effective",
    "True against False",
    "the corrected share (DSL) of {}",
    "people's own, whose interval is not wider, of {}",
    "no figure for {} (the CSV says why)",
    "with [\\d.]+ df|, correlation -?[\\d.]+ between the sides",
    "% needs \\usepackage{booktabs}, and longtable where the table is long",
    "odds ratio, clustered by",
    "odds ratio of effective counts, ½ added to each, t",
    ": square-and-add of the shares' limits, correlation",
    "between the sides",
    "ratio estimator linearised, clustered by",
    "interval on n/deff units, t with",
}
"""Headings and axes, methods in columns that programs read, patterns, templates whose filled form the table has, and a default
of the estimates that divide."""


def test_every_piece_of_the_source_stands_in_the_table() -> None:
    everything = corpus()
    unsaid = {
        piece.strip()
        for module in MODULES
        for piece in pieces(module)
        if " " in piece.strip()
        and len(re.sub(r"\W", "", piece)) >= LEAST
        and piece.strip().casefold() not in everything
    }
    assert unsaid == set(ELSEWHERE) | NO_SENTENCES
    for piece, file in ELSEWHERE.items():
        text = (PACKAGE.parent / file).read_text(encoding="utf-8").replace(f'"{piece}": "{file}"', "")
        assert piece in text, (piece, file)


def test_too_many_codes_on_too_many_units(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(corrections, "MOST_WORK", 250)
    study = open_study(SCENES["one person coded 8 of 20 traces"](tmp_path)[0], QUICK)
    (gap,) = [gap for gap in measure_corrections(study).gaps if gap.what.startswith("Corrected odds")]
    assert gap.why == "4 codes on 200 units would take minutes; name a family of at most 1 with --family"


def test_models_that_served_a_run_are_named(tmp_path: Path) -> None:
    run = make_run(tmp_path / "r", {"m": ["A", "B"] * 4}, machines=["m"]).folder
    change_record(run / "run.json", usage={"served_models": {"gpt-b": 1, "gpt-a": 3}})
    coders = next(p for p in make_report([run], QUICK).methods if p.head == "Coders")
    assert coders.text.endswith(" Models that served it: gpt-a, gpt-b.")


def test_one_conclusion_is_in_the_singular() -> None:
    rows = (
        QuestionRow("A: cop / generic", (None, None), "flips: direction", 0.5, None),
        QuestionRow("B: cop / generic", (None, None), "undefined", None, None),
    )
    universe = Multiverse(("m", "n"), rows, (), ())
    study = SimpleNamespace(settings=QUICK)
    made = robustness_section(study, Robustness(((ColumnContrast("condition", "cop", "generic"), universe),)))
    assert made.lead == (
        "cop against generic: of 1 conclusion that two coders or more allow, 1 changes with the coder (A).",
    )


def write() -> None:
    """Write the table anew; each sentence at the first scene that says it."""
    known: set[Said] = set()
    found: dict[str, list[Said]] = {}
    for scene in SCENES:
        with tempfile.TemporaryDirectory() as folder:
            rows = [(bare(one), one) for one in told(scene, Path(folder))]
        found[scene] = []
        for words, one in rows:
            if words not in known:
                known.add(words)
                found[scene].append(one)
    lines = [
        f" {json.dumps(scene, ensure_ascii=False)}: [\n"
        + ",\n".join(f"  {json.dumps(row, ensure_ascii=False)}" for row in rows)
        + "\n ]"
        for scene, rows in found.items()
    ]
    TABLE.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


if __name__ == "__main__":
    write()
