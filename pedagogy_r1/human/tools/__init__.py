"""The tools that people code in: one file each, and the folder is the registry.

    excel.py         A.xlsx, a workbook with drop-downs and definitions; A.csv, the same columns
    label_studio.py  A.label_studio.{xml,json}   labeling configuration and tasks
    doccano.py       A.doccano.jsonl, A.doccano.labels.json
    prodigy.py       A.prodigy.jsonl, A.prodigy.json
    inception.py     INCEpTION: a layer, its tags, one document a trace
    qdpx.py          REFI-QDA: a project for NVivo, ATLAS.ti, MAXQDA, QualCoder
    browser.py       what `pcode web` saved
    tables.py        unit_id | trace_id start end quote, coder, code;  or unit_id and one column a coder

A plugin is a file that exposes ``tool()``, returning a `Tool`: the formats that it writes, and those that it reads. Writing
puts into the folder ``out`` what ``coder`` is sent. Whatever the tool, coding goes by unit: the file carries each unit's id, so
that what comes back needs no offsets. Option ``spans``: whole traces instead, in which coders mark stretches themselves.
Reading yields `RawCoding` rows as they stand in the file.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from glob import escape
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, NamedTuple

from ... import plugins
from ...errors import InputError, PluginError, did_you_mean
from ...files.records import BadRow, Row
from ...files.written import own_files
from ..packet import TASK, Packet
from ..raw_coding import NEEDED, ROWS, CodingsFile, RawCoding

PACKAGE = __name__

PacketWriter = Callable[..., list[Path]]
"""``(packet, coder, out, **options)``: writes into the folder ``out``, and returns the files."""


class Columns(NamedTuple):
    """Columns taken for coders (none in a long table), and those not read at all."""

    coders: list[str]
    ignored: list[str]


class CodingsReader(NamedTuple):
    """Reads one layout of human codings; ``file.rows`` is empty where the file is no table.

    ``sniff``: how surely the file has this layout, 0 no, 1 yes. ``read``: each row that is no record comes as a `BadRow`.
    """

    sniff: Callable[[CodingsFile], float]
    read: Callable[[CodingsFile], Iterator[RawCoding | BadRow]]
    columns: Callable[[CodingsFile], Columns] = lambda _: Columns([], [])


class Tool(NamedTuple):
    """One tool: what it is sent and what comes back of it, by format; ``pcode packet`` and ``pcode import`` name formats."""

    writes: Mapping[str, PacketWriter] = {}
    reads: Mapping[str, CodingsReader] = {}


def _formats(kind: str, wanted: Iterable[str] = ()) -> dict[str, Any]:
    """All formats that tools have under ``writes`` or ``reads``, sorted by name.

    A format that two tools have is the first one's, with a warning; if it is ``wanted`` by name, it is an error.
    """
    found: dict[str, Any] = {}
    for name, tool in plugins.load_all(PACKAGE).items():
        made = tool()
        if not isinstance(made, Tool):
            plugins.leave_out(f"the tool {name!r} returns no Tool: left out")
            continue
        formats = getattr(made, kind)
        for twice in sorted(found.keys() & formats.keys()):
            error = PluginError(f"tool {name}: another one {kind} {twice} too", "uninstall one of them")
            if twice in wanted:
                raise error
            plugins.leave_out(f"{error.message}, which is used; {error.hint}")
        found = {**formats, **found}
    return dict(sorted(found.items()))


def _chosen(kind: str, names: Sequence[str]) -> dict[str, Any]:
    for name in names:
        if name in plugins.available(PACKAGE):
            plugins.load(PACKAGE, name)  # who asks for a tool that cannot be used is told why
    known = _formats(kind, names)
    for name in names:
        if name not in known:
            raise PluginError(f"no format is named {name!r}", did_you_mean(name, list(known)))
    return {name: known[name] for name in names}


def formats() -> list[str]:
    """Names of all formats that packets can be written in."""
    return list(_formats("writes"))


def write_formats(
    packet: Packet,
    names: Iterable[str],
    coders: Iterable[str] = (),
    out: Path | None = None,
    *,
    force: bool = False,
    **options: Any,
) -> list[Path]:
    """Write ``coders`` (none: all of the packet) their files in each format; ``out`` instead of the packet's own folder.

    ``label-studio`` is ``label_studio``. Raises `PluginError` for a format that does not exist or an option that one of
    them does not have, and `RunError` for a file that somebody has filled in (unless ``force``), before anything is written.
    """
    writers: dict[str, PacketWriter] = _chosen("writes", [name.strip().replace("-", "_") for name in names])
    if packet.manifest.spans:
        options = {**options, "spans": True}
    for name, write in writers.items():
        _check_options(packet, name, write, options)
    chosen = list(coders) or list(packet.manifest.coders)
    for coder in chosen:
        packet.check_coder(coder)
    place = out or packet.folder
    place.mkdir(parents=True, exist_ok=True)
    with TemporaryDirectory(dir=place, prefix=".", suffix=".half") as name:
        half = Path(name)
        made = [
            path.relative_to(half)
            for coder in chosen
            for write in writers.values()
            for path in write(packet, coder, half / coder, **options)
        ]
        _move(half, place, force)
    return [place / path for path in made]


def _move(half: Path, place: Path, force: bool) -> None:
    """All files of a folder into another, where they replace none but ours."""
    files = [path.relative_to(half) for path in half.rglob("*") if path.is_file()]
    with own_files(place, [escape(str(path)) for path in files], force=force):
        for path in files:
            (place / path).parent.mkdir(parents=True, exist_ok=True)
            (half / path).replace(place / path)


def _check_options(packet: Packet, name: str, write: PacketWriter, options: Mapping[str, Any]) -> None:
    known = inspect.signature(write).parameters
    for option in options:
        if option == "spans" and option not in known and packet.manifest.spans:
            raise InputError(
                f"{packet.folder}: its coders draw spans, which format {name} does not show",
                "write label-studio, doccano or prodigy; or code in the browser: pcode web --packet",
            )
        if option not in known:
            raise PluginError(f"format {name} has no option {option!r}", "leave it out for this format")
    if options.get("spans") and not packet.manifest.whole_traces:
        raise InputError(
            f"{packet.folder}: its units were drawn one by one, and {name} with spans shows whole traces",
            "leave --spans out, or draw whole traces",
        )


def choose(file: CodingsFile, name: str | None = None) -> tuple[str, CodingsReader]:
    """The reader of the format ``name``, or the one that is surest of the file."""
    if name is not None:
        return name, _chosen("reads", [name])[name]
    readers: dict[str, CodingsReader] = _formats("reads")
    surest = max(readers, key=lambda each: readers[each].sniff(file))
    if readers[surest].sniff(file) > 0:
        return surest, readers[surest]
    if not file.rows:
        raise InputError(
            f"{file.path}: cannot tell the format from the suffix {file.path.suffix!r}, nor from what is in the file",
            f"say --format ({', '.join(readers)}), or use one of {' '.join(ROWS)}",
        )
    if _was_sent(file):
        raise InputError(
            f"{file.path}: nobody's codings are in it",
            "this is the task file that was sent; give the tool's export",
        )
    wanted = ["unit_id", "trace_id", "start", "end", "quote", "coder", "code"]
    near = [f"{column!r}: {did_you_mean(column, wanted)}" for column in file.columns if column not in wanted]
    raise InputError(
        f"{file.path}: columns {', '.join(file.columns) or '(none)'} are no layout of codings that is known",
        NEEDED + "".join(f"; {hint}" for hint in near[:3] if "did you mean" in hint),
    )


def _was_sent(file: CodingsFile) -> bool:
    """Whether these are tasks of a packet as we write them, in which no tool has left anything."""
    first = file.rows[0]
    fields = first.data.get("data", first.data) if isinstance(first, Row) else {}
    return isinstance(fields, dict) and fields.keys() >= TASK
