"""Runs that bring about every sentence of the report's sections: what people, models and rules coded, small and real."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from pedagogy_r1 import annotate
from pedagogy_r1.human.import_codings import import_codings
from pedagogy_r1.report import Report, ReportSettings, make_report
from pedagogy_r1.report.column_contrast import ColumnContrast
from pedagogy_r1.report.preregistration import Preregistration, Registered
from pedagogy_r1.runs.run import restricted
from pedagogy_r1.runs.where import Where
from pedagogy_r1.sampling.inclusion import read_inclusion

from ..make_runs import BOOK, Value, book, change_record, make_run, with_fields

NOISY = BOOK.replace("{id: F, name: f}", "{id: F, name: f}, {id: UT, name: noise}, {id: KA, name: routine}").replace(
    "{id: C, name: c, family: F,", "{id: C, name: c, family: UT,"
).replace("{id: B, name: b, family: F,", "{id: B, name: b, family: KA,")  # fmt: skip
SETS = NOISY.replace("exhaustive: false", "exhaustive: true\nmax_codes: 2")
QUICK = ReportSettings(replicates=60, permutations=99)
PER = 10

Codes = list[Value]


def coded(n: int, seed: int, p: tuple[float, ...] = (0.5, 0.3, 0.2)) -> Codes:
    return [str(code) for code in np.random.default_rng(seed).choice(list("ABC"), n, p=p)]


def like(codes: Codes, differ: float, seed: int) -> Codes:
    """Another coder, who gives the next code to a share of the units."""
    rng = np.random.default_rng(seed)
    return ["ABC"[("ABC".index(str(c)) + 1) % 3] if rng.random() < differ else c for c in codes]


def first(codes: Codes, traces: int) -> Codes:
    """Of the first traces alone."""
    return [code if k < traces * PER else None for k, code in enumerate(codes)]


def run_of(
    folder: Path, values: dict[str, Codes], fields: Callable[[int], dict[str, Any]] | None = None, **how: Any
) -> Path:
    made = make_run(
        folder, values, codebook=book(how.pop("text", NOISY)), per_trace=how.pop("per", PER), **how
    )
    if fields:
        with_fields(folder, fields)
    return made.folder


def two_conditions(k: int) -> dict[str, Any]:
    """Items under both conditions, answers right and wrong, one model."""
    return {
        "condition": ["cop", "generic"][k % 2],
        "item": f"item {k // 2}",
        "correct": k % 3 != 0,
        "model": "R1",
    }


def strangers(k: int) -> dict[str, Any]:
    """Two models that share no item, three conditions, four domains."""
    return {
        "model": ["R1", "QwQ"][k % 2],
        "item": f"item {k}",
        "condition": ["a", "b", "c"][k % 3],
        "domain": ["PK", "SK", "CK", "DM"][k % 4],
        "metadata": {"grade": str(5 + k % 2)} if k % 5 else {},
    }


def own(folder: Path, overlap: bool) -> list[Path]:
    text = "aa bb cc dd ee ff gg hh"
    rows = ["trace_id,start,end,quote,coder,code"]
    for t in range(6):
        for coder in "AB":
            for k in range(8):
                end = 3 * k + 2 + (3 if coder == "B" and k == 3 else 0)
                if coder == "A" or overlap or k != 4:
                    code = (
                        "TR-SP"
                        if ((7 * k + 3 * t) % 5 < 2) != (coder == "B" and (k + t) % 7 == 0)
                        else "UT-NF"
                    )
                    rows.append(f"t{t},{3 * k},{end},{text[3 * k : end]},{coder},{code}")
    traces, codings = folder / "t.jsonl", folder / "c.csv"
    traces.write_text("".join(json.dumps({"id": f"t{t}", "reasoning": text}) + "\n" for t in range(6)))
    codings.write_text("\n".join(rows) + "\n")
    import_codings([codings], traces, folder / "people", codebook="schoen@1.0.0", units="own")
    annotate(traces, folder / "cues", codebook="schoen@1.0.0", units=folder / "people")
    return [folder / "people", folder / "cues"]


def people_and_machines(folder: Path) -> list[Path]:
    """Two people coded 10 of 20 traces, a model and the cues all."""
    a = coded(200, 1)
    people = {"A": first(a, 10), "B": first(like(a, 0.08, 2), 10)}
    gpt, cues = like(a, 0.15, 3), like(a, 0.5, 4)
    cues[7] = None
    return [
        run_of(folder / "people", people, two_conditions),
        run_of(folder / "gpt", {"gpt": gpt}, two_conditions, machines=["gpt"]),
        run_of(folder / "rules", {"cues": cues}, two_conditions, machines=["cues"]),
    ]


def three_people(folder: Path) -> list[Path]:
    """Three people and a machine, all of twelve traces; two codes a unit."""
    a = coded(120, 1)
    every: dict[str, Codes] = {name: list(like(a, 0.1 * k, k)) for k, name in enumerate("ABC")}
    every["A"][3], every["B"][3] = ("A", "B"), ("A", "C")
    return [run_of(folder / "all", every | {"m": like(a, 0.2, 7)}, strangers, machines=["m"], text=SETS)]


def machines_alone(folder: Path) -> list[Path]:
    a = coded(120, 1, (0.6, 0.4, 0.0))
    return [
        run_of(folder / name, {name: codes}, two_conditions, machines=[name])
        for name, codes in (("m", a), ("n", like(a, 0.3, 2)))
    ]


def alone(folder: Path) -> list[Path]:
    return [run_of(folder / "r", {"A": ["A", "B"] * 5 + ["A"] * 10})]


def unnoisy(folder: Path) -> list[Path]:
    """Two people of whom nobody ever differs, in a codebook without noise; one code only."""
    return [
        run_of(
            folder / "r",
            {"A": ["A"] * 60, "B": ["A"] * 60},
            lambda k: {"domain": None, "condition": None},
            text=BOOK,
        )
    ]


def apart(folder: Path) -> list[Path]:
    """Coders who share no unit, and of whom one said that no code applies."""
    return [
        run_of(
            folder / "r",
            {"A": [*["A", "B"] * 15, *[None] * 30], "B": [*[None] * 30, *[(), "C"] * 15]},
            lambda k: {"condition": f"c{k % 4}"},
        )
    ]


def person_and_machine(folder: Path, traces: int = 8, lost: bool = False) -> list[Path]:
    a = coded(200, 1)
    given = first(a, traces)
    if lost:
        given[5] = None
    return [
        run_of(folder / "P", {"P": given}, two_conditions),
        run_of(folder / "m", {"m": like(a, 0.15, 3)}, two_conditions, machines=["m"]),
    ]


def cascade(folder: Path) -> list[Path]:
    """A learned coder gave three codes in four, and P the others: the codes that the cascade has there."""
    a = coded(80, 1)
    mine = [code if k % 4 == 0 else None for k, code in enumerate(a)]
    both = [one or other for one, other in zip(mine, like(a, 0.15, 3), strict=True)]
    stages = ["people" if k % 4 == 0 else "learned" for k in range(80)]
    return [
        run_of(folder / "P", {"P": mine}, two_conditions),
        run_of(folder / "m", {"cascade": both}, two_conditions, machines=["cascade"], stages=stages),
    ]


def four_traces(folder: Path) -> list[Path]:
    a = coded(40, 1)
    return [
        run_of(
            folder / "r", {"A": a, "B": like(a, 0.2, 2), "m": like(a, 0.3, 3)}, two_conditions, machines=["m"]
        )
    ]


def unfinished(folder: Path) -> list[Path]:
    (run, other) = person_and_machine(folder)
    change_record(run / "run.json", status="interrupted")
    return [run, other]


def one_side(folder: Path) -> list[Path]:
    """The person coded traces of one condition alone."""
    a = coded(200, 1)
    return [
        run_of(
            folder / "P",
            {"P": [code if (k // PER) % 2 else None for k, code in enumerate(a)]},
            two_conditions,
        ),
        run_of(folder / "m", {"m": like(a, 0.15, 3)}, two_conditions, machines=["m"]),
    ]


def eight_machines(folder: Path) -> list[Path]:
    """Two people, of whom the second coded the second half, and seven machines."""
    a = coded(120, 1)
    b: Codes = [None if k < 60 else code for k, code in enumerate(like(a, 0.1, 9))]
    people = run_of(folder / "people", {"A": first(a, 6), "B": b}, two_conditions)
    names = {f"m{k}": like(a, 0.05 * k, k) for k in range(7)}
    return [people, run_of(folder / "machines", names, two_conditions, machines=list(names))]


def half_a_condition(folder: Path) -> list[Path]:
    """P coded the traces under generic alone, Q all with one code but for a unit."""
    a = coded(120, 1, (0.9, 0.1, 0.0))
    p: Codes = [code if (k // PER) % 2 else None for k, code in enumerate(a)]
    q: Codes = ["A"] * 119 + ["B"]
    return [run_of(folder / "r", {"P": p, "Q": q}, two_conditions)]


def packet(folder: Path) -> list[Path]:
    """P was given 5 of 10 traces, Q two, R none that the machine coded; two of seven items have both sides."""
    a = coded(100, 1)
    items = [0, 0, 1, 1, 2, 3, 4, 5, 6, 7]

    def fields(k: int) -> dict[str, Any]:
        return {"condition": ["cop", "generic"][k % 2], "item": f"item {items[k]}"}

    m: Codes = [*like(a, 0.1, 3)[:90], *[None] * 10]
    return [
        run_of(folder / "P", {"P": a[:80]}, fields),
        run_of(folder / "Q", {"Q": like(a, 0.1, 2)[:20]}, fields),
        run_of(folder / "R", {"R": [*[None] * 90, *a[90:]]}, fields),
        run_of(folder / "m", {"m": m}, fields, machines=["m"]),
    ]


def five_items(folder: Path) -> list[Path]:
    """Five items under two conditions, by one person."""
    a = coded(100, 5)
    return [run_of(folder / "r", {"A": a}, two_conditions)]


def one_condition(folder: Path) -> list[Path]:
    a = coded(60, 1)
    return [run_of(folder / "r", {"m": a, "n": like(a, 0.2, 1)}, machines=["m", "n"])]


def one_side_each(folder: Path) -> list[Path]:
    """Two models whose items are not recorded; n coded one of them alone, and nothing in common with P."""
    a = coded(120, 1)
    n: Codes = [code if (k // PER) % 2 else None for k, code in enumerate(a)]
    people: Codes = [None if (k // PER) % 2 else code for k, code in enumerate(a)]

    def fields(k: int) -> dict[str, Any]:
        return {"model": ["R1", "QwQ"][k % 2], "condition": f"c{k % 7}"}

    return [run_of(folder / "r", {"m": like(a, 0.2, 1), "n": n, "P": people}, fields, machines=["m", "n"])]


def strangers_in_code(folder: Path) -> list[Path]:
    a = coded(60, 1)
    return [
        run_of(
            folder / "r",
            {"P": first(a, 3), "m": [None if k < 30 else code for k, code in enumerate(a)]},
            two_conditions,
            machines=["m"],
        )
    ]


def single_units(folder: Path) -> list[Path]:
    return [run_of(folder / "r", {"A": coded(6, 1)}, two_conditions, per=1)]


def recorded(folder: Path, pi: str = "0.4") -> ReportSettings:
    file = folder / "inclusion.csv"
    file.write_text("trace_id,inclusion_probability\n" + "".join(f"t{k},{pi}\n" for k in range(20)))
    return replace(QUICK, inclusion=read_inclusion(file))


def registered(**settled: Any) -> ReportSettings:
    """What was settled before, of two comparisons one that the runs do not allow."""
    record = Preregistration(
        registered="2026-11-01T10:00:00+00:00",
        title="three codes",
        contrasts=("condition:cop:generic", "domain:PK:SK"),
        **{"codebook": {"id": "abc", "version": "1.0.0", "digest": book(NOISY).digest}, **settled},
    )
    return replace(QUICK, registered=Registered(record, Path("preregistration.json"), "sha256:4be1"))


Made = tuple[Any, ReportSettings]
SCENES: dict[str, Callable[[Path], Made]] = {
    "two people coded half of what a model and the cues coded": lambda f: (people_and_machines(f), QUICK),
    "the same, as the cues coded": lambda f: (people_and_machines(f), replace(QUICK, coder="cues")),
    "three people and a machine, models without a shared item": lambda f: (three_people(f), replace(QUICK, by="metadata.grade")),
    "two machines and nobody": lambda f: (machines_alone(f), QUICK),
    "one person alone, two traces": lambda f: (alone(f), QUICK),
    "two people who never differ, no noise in the book": lambda f: (unnoisy(f), QUICK),
    "two people without a common unit, four conditions": lambda f: (apart(f), QUICK),
    "one person coded 8 of 20 traces": lambda f: (person_and_machine(f), QUICK),
    "one person coded 3 of 20 traces": lambda f: (person_and_machine(f, 3), QUICK),
    "one person coded all of 20 traces": lambda f: (person_and_machine(f, 20), QUICK),
    "all but a unit": lambda f: (person_and_machine(f, 20, lost=True), QUICK),
    "how it was drawn is recorded": lambda f: (person_and_machine(f), recorded(f)),
    "probability 1 and not coded": lambda f: (person_and_machine(f), recorded(f, "1")),
    "four traces": lambda f: (four_traces(f), QUICK),
    "a run that was interrupted": lambda f: (unfinished(f), QUICK),
    "one condition alone has people's codes": lambda f: (one_side(f), QUICK),
    "only the traces under cop": lambda f: (restricted(people_and_machines(f), Where.parse(["condition=cop"])), QUICK),
    "no intervals asked for, eight machines": lambda f: (eight_machines(f), replace(QUICK, replicates=0)),
    "one who coded one condition, one with no code": lambda f: (half_a_condition(f), replace(QUICK, coder="P")),
    "a packet of which two coded parts": lambda f: (packet(f), replace(QUICK, coder="m", family=("A",))),
    "five items": lambda f: (five_items(f), replace(QUICK, family=("A", "B"))),
    "two machines and one condition": lambda f: (one_condition(f), QUICK),
    "a machine that coded one model alone": lambda f: (one_side_each(f), replace(QUICK, coder="m")),
    "a person and a machine who share no unit": lambda f: (strangers_in_code(f), QUICK),
    "traces of one unit": lambda f: (single_units(f), QUICK),
    "own spans": lambda f: (own(f, overlap=False), replace(QUICK, coder="A")),
    "own spans, and the cues on them": lambda f: (own(f, overlap=False), replace(QUICK, coder="cues")),
    "own spans that overlap": lambda f: (own(f, overlap=True), replace(QUICK, coder="B")),
    "at another level, by resampling": lambda f: (people_and_machines(f), replace(QUICK, level=0.9, interval="bootstrap")),
    "crosstab of a domain that one coder lacks": lambda f: (apart(f), replace(QUICK, by="condition", coder="A")),
    "contrasts that were asked for, a family": lambda f: (three_people(f), replace(QUICK, contrasts=(ColumnContrast("domain", "PK", "SK"),), family=("A", "C"))),
    "registered, and done so": lambda f: (person_and_machine(f), registered(units=80, coders=("P",))),
    "registered, and done otherwise": lambda f: (
        person_and_machine(f),
        registered(units=90, traces=9, level=0.9, family=("A",), correction="bh", sample={"packet": "sha256:77ab"}),
    ),
    "a cascade that a person completed": lambda f: (cascade(f), QUICK),
}  # fmt: skip


def lines(report: Report) -> Iterator[tuple[str, str]]:
    """(where, what) of everything that the sections and the methods say."""
    for paragraph in report.methods:
        yield f"methods, {paragraph.head}", paragraph.text
    for s in report.sections:
        yield f"{s.id}, title", s.title
        if s.absent:
            yield s.id, f"Not here: {s.absent}."
        for kind, words in (("lead", s.lead), ("caution", s.cautions)):
            yield from ((f"{s.id}, {kind}", text) for text in words)
        yield from ((f"{s.id}, gap", f"{gap.what}: {gap.why}") for gap in s.gaps)
        for t in s.tables:
            yield f"table {t.name}", t.caption
            if t.note:
                yield f"note of {t.name}", t.note
            for row in t.rows:
                yield from ((f"cell of {t.name}", str(row[key])) for key in TOLD if row.get(key))
        yield from ((f"figure {f.name}", f.caption) for f in s.figures)


TOLD = ("why_undefined", "why_no_interval", "warnings", "averaged", "verdict", "partial")
"""Columns of tables that hold words."""


def told(scene: str, folder: Path) -> list[tuple[str, str]]:
    """What a scene's report says; the folder is called FOLDER."""
    runs, settings = SCENES[scene](folder)
    report = make_report(runs, settings, partial=True)
    return [(where, text.replace(str(folder), "FOLDER")) for where, text in dict.fromkeys(lines(report))]
