"""A study as a REFI-QDA project: every text with everybody's codes on its units, for NVivo, ATLAS.ti, MAXQDA, QualCoder and others.

    schoen-1.1.0.qdpx = project.qde           codebook, coders as users, a selection a unit, a coding a coder and code
                        sources/6f35….txt     one a trace

One project a codebook. What is missing has no coding; that no code applies is the code "none". ``pcode import`` reads it back.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any

from ..codebook import NONE, Codebook
from ..codebook.qdc import ORIGIN, as_models, code_tree, guid
from ..files.archive import legal, zipped
from ..runs.run import CoderRun, Coding
from ..trace import Trace, Unit

MOST = 50_000
"""Units of a project; with more, programs for people to read in do not open."""

Codings = dict[tuple[int, int], list[Coding]]


def coded_projects(runs: Sequence[CoderRun]) -> Iterator[tuple[str, bytes | None]]:
    """(name, project) for each codebook; ``None`` for one that would be too large."""
    by_book: dict[str, list[CoderRun]] = defaultdict(list)
    for run in runs:
        by_book[run.manifest.codebook["digest"]].append(run)
    names: set[str] = set()
    for some in by_book.values():
        book = some[0].codebook
        name = f"{book.id}-{book.version}"
        name += f"-{book.digest[7:15]}" if name in names else ""
        names.add(name)
        units = sum(int(run.manifest.counts.get("units", 0)) for run in some)
        yield f"{name}.qdpx", None if units > MOST else _project(book, some)


def _project(book: Codebook, runs: Sequence[CoderRun]) -> bytes:
    traces, coded = _joined(runs)
    coders = list(dict.fromkeys(c.name for run in runs for c in run.manifest.coders))
    entries = [("project.qde", _xml(book, coders, traces, coded).encode())]
    entries += [
        (f"sources/{_guid(book, trace)}.txt", trace.reasoning.encode("utf-8", "replace")) for trace in traces
    ]
    return zipped(entries)


def _joined(runs: Sequence[CoderRun]) -> tuple[list[Trace], dict[str, Codings]]:
    """All traces once, and by trace and span everybody's codings; of two runs of one coder, the earlier run's."""
    traces: dict[str, Trace] = {}
    coded: dict[str, Codings] = defaultdict(lambda: defaultdict(list))
    for run in runs:
        for trace, units, codings in run.by_trace():
            traces.setdefault(trace.id, trace)
            spans: dict[str, Unit] = {unit.id: unit for unit in units}
            for coding in codings:
                unit = spans[coding.unit_id]
                there = coded[trace.id][unit.start, unit.end]
                if all(one.coder != coding.coder for one in there):
                    there.append(coding)
    return list(traces.values()), coded


def _guid(book: Codebook, trace: Trace) -> str:
    return guid(book.id, "study", trace.id)


def _xml(book: Codebook, coders: Sequence[str], traces: Sequence[Trace], coded: dict[str, Codings]) -> str:
    from pyrefiqda import models
    from xsdata.formats.dataclass.serializers.config import SerializerConfig
    from xsdata_pydantic.bindings import XmlSerializer

    users = {name: guid(book.id, "coder", name) for name in coders}
    sources = list(_sources(book, users, traces, coded))
    project = models.Project(
        name=legal(book.ref),
        origin=ORIGIN,
        users=models.UsersType(user=[models.UserType(guid=own, name=legal(n)) for n, own in users.items()]),
        code_book=models.ProjectCodeBookType(
            codes=models.ProjectCodesType(code=as_models(code_tree(book, none=True), models.ProjectCodeType))
        ),
        sources=models.SourcesType(text_source=sources) if sources else None,
        description=legal(f"codebook: {book.stamp}"),
    )
    config = SerializerConfig(xml_declaration=True, encoding="UTF-8")
    text: str = XmlSerializer(config=config).render(project, ns_map={None: "urn:QDA-XML:project:1.0"})
    return text


def _sources(
    book: Codebook, users: dict[str, str], traces: Sequence[Trace], coded: dict[str, Codings]
) -> Iterator[Any]:
    from pyrefiqda import models

    for trace in traces:
        own = _guid(book, trace)
        selections = [
            models.PlainTextSelectionType(
                guid=guid(own, str(start), str(end)),
                name=legal(trace.reasoning[start:end]),
                start_position=start,
                end_position=end,
                coding=[
                    models.CodingType(
                        guid=guid(own, str(start), str(end), one.coder, code),
                        creating_user=users.get(one.coder),
                        code_ref=models.CodeRefType(target_guid=guid(book.id, "code", code)),
                    )
                    for one in codings
                    for code in (() if one.codes is None else one.codes or (NONE,))
                ],
            )
            for (start, end), codings in sorted(coded[trace.id].items())
            if any(one.codes is not None for one in codings)
        ]
        yield models.TextSourceType(
            guid=own,
            name=legal(trace.id),
            plain_text_path=f"internal://{own}.txt",
            plain_text_selection=selections,
        )
