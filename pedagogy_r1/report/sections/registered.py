"""What was registered before, held against what was done: which comparisons were confirmatory, and what deviates.

comparison                 registered   made
condition:cop:generic      yes          yes
model:r1:qwq               no           yes     exploratory
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...formatting import counted, level_words
from ..column_contrast import parse_comparison
from ..preregistration import CORRECTIONS, Preregistration
from ..section import Gap, ReportTable, Row, Section, columns, listed
from ..study import NOT_ADDED_UP, Study
from .contrasts import measure_contrasts


@dataclass(frozen=True)
class HeldAgainst:
    """``comparisons``: each that was registered or made; ``deviations``: what was registered otherwise than it was done."""

    comparisons: tuple[Row, ...]
    deviations: tuple[Row, ...]

    def named(self, *, registered: bool, made: bool) -> list[str]:
        """Of the comparisons."""
        wanted = ("yes" if registered else "no", "yes" if made else "no")
        return [row["comparison"] for row in self.comparisons if (row["registered"], row["made"]) == wanted]


def measure_registered(study: Study) -> HeldAgainst | None:
    """`None` where nothing was registered."""
    if study.settings.registered is None:
        return None
    record = study.settings.registered.record
    planned = {parse_comparison(text).same_as: text for text in record.contrasts}
    made = {one.same_as: one.given for one in study.once(measure_contrasts).comparisons}
    rows: list[Row] = [
        {"comparison": text, "registered": "yes", "made": "yes" if key in made else "no"}
        for key, text in planned.items()
    ]
    rows += [
        {"comparison": text, "registered": "no", "made": "yes"}
        for key, text in made.items()
        if key not in planned
    ]
    return HeldAgainst(tuple(rows), tuple(_deviations(study, record)))


def _deviations(study: Study, record: Preregistration) -> Iterator[Row]:
    s = study.settings
    family = ", ".join(sorted(s.family)) if s.family else "all codes"
    pairs = [
        ("codebook", record.book, study.book.ref),
        ("codebook, digest", record.codebook.get("digest", ""), study.book.digest),
        ("confirmatory codes", ", ".join(sorted(record.family)) if record.family else "all codes", family),
        ("level", level_words(record.level), level_words(s.level)),
        ("coder compared", record.coder or study.main, study.main),
        *_sampled(study, record),
    ]
    if pairs[0][1] != pairs[0][2]:
        del pairs[1]
    for what, then, done in pairs:
        if then != done:
            yield {"what": what, "as registered": then, "as done": done}


def _sampled(study: Study, record: Preregistration) -> Iterator[tuple[str, str, str]]:
    """Planned numbers against those of the units that any of the people coded; a packet by its id."""
    people = [study.rows_of(name) for name in study.humans]
    units = {unit for own in people for unit in own.loc[own["primary"].notna(), "unit_id"]}
    traces = {trace for own in people for trace in own.loc[own["primary"].notna(), "trace_id"]}
    for planned, here, word in ((record.units, units, "unit"), (record.traces, traces, "trace")):
        if planned is not None:
            yield f"{word}s coded by people", counted(planned, word), counted(len(here), word)
    if record.coders:
        yield "people", ", ".join(sorted(record.coders)), ", ".join(sorted(study.humans)) or "nobody"
    if packet := record.sample.get("packet"):
        drawn = {
            str(run.manifest.source["packet_digest"])
            for run in study.runs
            if run.manifest.source.get("packet_digest")
        }
        yield "sample", str(packet), ", ".join(sorted(drawn)) or "no packet is named by the runs"


def registered_section(study: Study, found: HeldAgainst) -> Section:
    """Two tables, and in words what is confirmatory."""
    registered = study.settings.registered
    assert registered is not None
    record = registered.record
    both, only, extra = (
        found.named(registered=r, made=m) for r, m in ((True, True), (True, False), (False, True))
    )
    words, column = CORRECTIONS[record.correction]
    lead = [
        f"Registered on {record.registered[:10]} ({registered.source.name}, {registered.digest}): "
        f"{counted(len(record.contrasts), 'comparison')}, correction {words}, which is the column {column} of their tables."
    ]
    lead += [f"Registered and made: {listed(both)}."] if both else []
    lead += [f"Registered and not made: {listed(only)}."] if only else []
    lead += [f"Made and not registered, and so exploratory: {listed(extra)}."] if extra else []
    lead += [
        f"Done otherwise than registered: {listed([row['what'] for row in found.deviations])}."
        if found.deviations
        else "Codebook, confirmatory codes, level, coder and sample are as registered, as far as it names them."
    ]
    tables = [
        ReportTable(
            "registered",
            "Which comparisons were registered, and which were made.",
            columns("comparison", "registered", "made"),
            found.comparisons,
        )
    ]
    if found.deviations:
        tables.append(
            ReportTable(
                "deviations",
                "What was done otherwise than registered.",
                columns("what", "as registered", "as done"),
                found.deviations,
            )
        )
    return Section("registered", "What was registered before", tuple(lead), tuple(tables))


def section(study: Study) -> tuple[Section, ...]:
    """For the page; nothing where nothing was registered."""
    if study.tally is not None and study.settings.registered is not None:
        title, why = "What was registered before", f"comparisons are {NOT_ADDED_UP}"
        return (Section("registered", title, absent=why, gaps=(Gap(title, why),)).at(48),)
    found = study.once(measure_registered)
    return () if found is None else (registered_section(study, found).at(48),)
