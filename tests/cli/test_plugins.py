"""Every extension point takes a plugin that is one file of another distribution; domains and sources: tests/wbeb/test_domain_plugin.py.

The distribution is a folder on the path with the two files that pip would have written: METADATA and entry_points.txt.
"""

from __future__ import annotations

import importlib
import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import Result

from pedagogy_r1 import annotate
from pedagogy_r1.cli.cmd_plugins import EXTENSION_POINTS
from pedagogy_r1.plugins import _scan
from pedagogy_r1.runs.run import CoderRun

from ..conftest import ROOT
from ..plugin_site import installed

Pcode = Callable[..., Result]
DEMO = ROOT / "demo/traces.jsonl"

FILES = {
    "first_code": '''
"""Codes every unit with the book's first code."""

from pedagogy_r1.coding import Outcome
from pedagogy_r1.runs.run import CoderInfo, Coding


class First:
    coders = [CoderInfo(name="first-code", kind="machine")]

    def __init__(self, context, nth):
        self.context, self.parameters = context, {"nth": nth}

    def plan(self, traces, unitize):
        return {"traces": sum(1 for _ in traces)}

    def code(self, traces, unitize, emit):
        code = self.context.book.codes[self.parameters["nth"]].id
        for trace in traces:
            units = unitize(trace)
            made = dict(coder="first-code", codebook=self.context.book.stamp, run_id=self.context.run_id)
            emit(trace, units, [Coding(unit_id=unit.id, codes=(code,), **made) for unit in units])
        return Outcome(usage={})


def coder(context, *, workers: int = 0):
    return First(context, workers)
''',
    "slips": '''
"""Paper slips: ID = CODE, one a line."""

from pedagogy_r1.human.packet import Packet
from pedagogy_r1.human.raw_coding import RawCoding
from pedagogy_r1.human.tools import CodingsReader, Tool


def write(packet: Packet, coder: str, out):
    path = out / f"{coder}.slips"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(f"{unit.id} = \\n" for unit in (task.unit for task in packet.tasks(coder))))
    return [path]


def sniff(file):
    return 1.0 if file.path.suffix == ".slips" else 0.0


def read(file):
    for row, line in enumerate(file.path.read_text().splitlines(), 1):
        unit, _, code = line.partition(" = ")
        yield RawCoding(row, file.path.stem, code or None, unit_id=unit)


def tool():
    return Tool({"slips": write}, {"slips": CodingsReader(sniff, read)})
''',
    "odd_ones": '''
"""Keeps every other trace."""

from pedagogy_r1.train.policies import Drop


def policy():
    return lambda traces, given: [Drop("even") if n % 2 else None for n, _ in enumerate(traces)]
''',
    "parrot": '''
"""Answers every question with its own name."""

import json

from pedagogy_r1.chat import read_completion


class Parrot:
    def __init__(self, name):
        self.name = name

    async def ask(self, request):
        message = {"role": "assistant", "content": f"Answer: {self.name}"}
        raw = {"choices": [{"message": message, "finish_reason": "stop"}], "usage": {"completion_tokens": 2}}
        return read_completion(json.dumps(raw), partial=request.frame.partial)

    async def close(self):
        pass


def chat(name, **options):
    return Parrot(name)
''',
    "lengths": '''
"""How long traces are."""

from pedagogy_r1.report.section import Section


def section(study):
    return Section("lengths", "How long traces are", lead=(f"{len(study.data.traces)} traces in all.",)).at(35)
''',
}
ENTRIES = """[pedagogy_r1.coding.coders]
first-code = first_code
[pedagogy_r1.human.tools]
slips = slips
[pedagogy_r1.train.policies]
odd_ones = odd_ones
[pedagogy_r1.chat]
parrot = parrot
[pedagogy_r1.report.sections]
lengths = lengths
"""


@pytest.fixture(autouse=True)
def plugins(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A distribution of five files."""
    with installed(tmp_path / "site", monkeypatch, "classroom", "2.1", FILES, ENTRIES):
        yield
    for name in ("no_function_here", "nothing_comes", "more_slips"):
        sys.modules.pop(name, None)


def ok(result: Result) -> Result:
    assert result.exit_code == 0, result.output + str(result.exception)
    return result


def test_every_plugin_is_listed_with_where_it_comes_from(pcode: Pcode) -> None:
    points = {point["package"]: point for point in json.loads(ok(pcode("plugins", "--json")).stdout)}
    assert set(points) == set(EXTENSION_POINTS)
    coders = {plugin["name"]: plugin["origin"] for plugin in points["pedagogy_r1.coding.coders"]["plugins"]}
    assert coders == {
        "cues": "pedagogy_r1",
        "learned": "pedagogy_r1",
        "llm": "pedagogy_r1",
        "first-code": "classroom 2.1",
    }
    ours = {
        p["name"] for point in points.values() for p in point["plugins"] if p["origin"] == "classroom 2.1"
    }
    assert ours == {"first-code", "slips", "odd_ones", "parrot", "lengths"}
    text = ok(pcode("plugins")).stdout
    assert "classroom 2.1" in text
    assert all(package in text for package in EXTENSION_POINTS)


def test_every_extension_point_is_documented() -> None:
    page = (ROOT / "docs/extending.md").read_text(encoding="utf-8")
    assert all(f"`{package}`" in page for package in EXTENSION_POINTS)


def test_a_coder_and_a_section(tmp_path: Path, pcode: Pcode) -> None:
    run = tmp_path / "run"
    ok(pcode("annotate", DEMO, "-o", run, "--coder", "first-code"))
    codings = list(CoderRun(run).codings())
    assert {coding.codes for coding in codings} == {("TR-SP",)}
    ok(pcode("report", run, "-o", tmp_path / "report", "--replicates", 0, "--permutations", 1))
    page = (tmp_path / "report/report.html").read_text(encoding="utf-8")
    assert "How long traces are" in page


def test_the_coder_of_the_page(tmp_path: Path) -> None:
    page = (ROOT / "docs/extending.md").read_text(encoding="utf-8")
    (example,) = (block.partition("```")[0] for block in page.split("```python\n")[1:])
    (tmp_path / "site/first_code.py").write_text(example)
    run = annotate(DEMO, tmp_path / "run", coder="first-code", nth=1)
    assert {coding.codes for coding in run.codings()} == {("KA-RO",)}


def test_what_is_no_coder_is_said(tmp_path: Path, pcode: Pcode) -> None:
    (tmp_path / "site/first_code.py").write_text("def coder(context):\n    return [1]\n")
    refused = pcode("annotate", DEMO, "-o", tmp_path / "run", "--coder", "first-code")
    assert refused.exit_code == 2
    assert "what its coder() returned is a list" in refused.stderr
    assert "pedagogy_r1.coding.Coder" in refused.stderr


def test_a_tool_of_human_coding(tmp_path: Path, pcode: Pcode) -> None:
    packet = tmp_path / "packet"
    ok(pcode("sample", DEMO, "-o", packet, "--n", 2, "--coders", "A"))
    ok(pcode("packet", "write", packet, "--format", "slips"))
    slips = packet / "A/A.slips"
    slips.write_text(slips.read_text().replace(" = \n", " = TR-SP\n"))
    ok(pcode("import", slips, "--packet", packet, "-o", tmp_path / "run"))
    assert {coding.codes for coding in CoderRun(tmp_path / "run").codings()} == {("TR-SP",)}


def test_a_policy(tmp_path: Path, pcode: Pcode) -> None:
    ok(pcode("filter", DEMO, "-o", tmp_path / "kept", "--policy", "odd-ones"))
    count = len(DEMO.read_text().splitlines())
    assert len((tmp_path / "kept/kept.jsonl").read_text().splitlines()) == (count + 1) // 2


def test_a_chat_backend(tmp_path: Path, pcode: Pcode) -> None:
    items = tmp_path / "items.jsonl"
    item = {
        "id": "sk-1",
        "domain": "SK",
        "source": "x",
        "lang": "en",
        "group": "g",
        "split": "test",
        "parts": {"stem": "Which?"},
        "options": ["a", "b", "c", "d"],
        "answer": "B",
    }
    items.write_text(json.dumps(item) + "\n")
    ok(pcode("wbeb", "eval", "parrot:B", items, "-o", tmp_path / "run", "--replicates", 0))
    scores = json.loads((tmp_path / "run/scores.json").read_text())
    assert "parrot" in json.dumps(scores)


def spoil(entries: str, name: str = "spoiler", **files: str) -> None:
    """Another distribution, beside the first."""
    home = Path(sys.path[0])
    about = home / f"{name}-0.1.dist-info"
    about.mkdir()
    (about / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 0.1\n")
    (about / "entry_points.txt").write_text(entries)
    for module, text in files.items():
        (home / f"{module}.py").write_text(text)
    found_again()


def found_again() -> None:
    """The lists of plugins are kept for a search path, which is the same as before."""
    _scan.cache_clear()
    importlib.invalidate_caches()


def test_a_plugin_that_cannot_be_imported_is_named_with_its_distribution(
    tmp_path: Path, pcode: Pcode
) -> None:
    spoil("[pedagogy_r1.coding.coders]\nlost = no_such_module\n")
    refused = pcode("annotate", DEMO, "-o", tmp_path / "run", "--coder", "lost")
    assert refused.exit_code == 2
    said = " ".join(refused.stderr.split())
    assert "the coder 'lost' of spoiler 0.1 cannot be imported" in said
    assert "ModuleNotFoundError: No module named 'no_such_module'" in said
    assert "reinstall or uninstall spoiler" in said
    ok(pcode("annotate", DEMO, "-o", tmp_path / "run", "--coder", "cues"))


def test_two_plugins_of_one_name_are_listed_and_marked_and_refused_when_asked_for(
    tmp_path: Path, pcode: Pcode
) -> None:
    entries = "[pedagogy_r1.coding.coders]\ncues = first_code\nfirst-code = other_code\n"
    spoil(entries + "[pedagogy_r1.report.sections]\nlengths = other_lengths\n")
    points = {point["package"]: point for point in json.loads(ok(pcode("plugins", "--json")).stdout)}
    coders = [
        (plugin["name"], plugin["origin"], plugin["clash"])
        for plugin in points["pedagogy_r1.coding.coders"]["plugins"]
    ]
    assert sorted(coders) == [
        ("cues", "pedagogy_r1", True),
        ("cues", "spoiler 0.1", True),
        ("first-code", "classroom 2.1", True),
        ("first-code", "spoiler 0.1", True),
        ("learned", "pedagogy_r1", False),
        ("llm", "pedagogy_r1", False),
    ]
    assert ok(pcode("plugins")).stdout.count("two of one name") == 6
    refused = pcode("annotate", DEMO, "-o", tmp_path / "run", "--coder", "first-code")
    assert refused.exit_code == 2
    assert "two plugins are named 'first-code'" in refused.stderr
    assert "classroom 2.1" in refused.stderr
    assert "spoiler 0.1" in refused.stderr


def test_a_tool_that_cannot_be_used_stops_nobody_who_did_not_ask_for_it(tmp_path: Path, pcode: Pcode) -> None:
    entries = "blunt = no_function_here\nvoid = nothing_comes\nslips_too = more_slips\nexcel = more_slips\n"
    spoil(
        "[pedagogy_r1.human.tools]\n" + entries,
        no_function_here="",
        nothing_comes="def tool():\n    return None\n",
        more_slips=FILES["slips"],
    )
    listed = ok(pcode("packet", "formats"))
    assert "slips" in listed.stdout
    said = " ".join(listed.stderr.split())
    assert "the tool 'blunt' of spoiler 0.1 cannot be used: no_function_here has no function tool()" in said
    assert "the tool 'void' returns no Tool: left out" in said
    assert "two plugins are named 'excel'" in said
    assert "ours is used" in said
    human = ("--traces", DEMO, "--codebook", "schoen@1.0.0", "--units", "own")
    coded = ok(pcode("import", ROOT / "demo/coder_A.csv", *human, "-o", tmp_path / "run"))
    assert "left out" in coded.stderr
    packet = tmp_path / "packet"
    ok(pcode("sample", DEMO, "-o", packet, "--n", 2, "--coders", "A"))
    for name, why in {
        "blunt": "has no function tool()",
        "excel": "two plugins are named 'excel'",
        "slips": "writes slips too",
    }.items():
        refused = pcode("packet", "write", packet, "--format", name)
        assert refused.exit_code == 2
        assert why in refused.stderr


def test_a_section_that_cannot_be_used_is_left_out_of_the_report(tmp_path: Path, pcode: Pcode) -> None:
    entries = "gone = no_such_module\nvoid = nothing_comes\n"
    spoil(
        "[pedagogy_r1.report.sections]\n" + entries,
        nothing_comes="def section(study):\n    return None\n",
    )
    run = tmp_path / "run"
    ok(pcode("annotate", DEMO, "-o", run, "--coder", "cues"))
    made = ok(pcode("report", run, "-o", tmp_path / "report", "--replicates", 0, "--permutations", 1))
    said = " ".join(made.stderr.split())
    assert "the section 'gone' of spoiler 0.1 cannot be imported" in said
    assert "the section 'void' returns no Section: left out" in said
    assert "How long traces are" in (tmp_path / "report/report.html").read_text(encoding="utf-8")
