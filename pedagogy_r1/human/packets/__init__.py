"""What coders are sent: one file a tool, and the folder is the registry.

    xlsx.py          A.xlsx                      a workbook with drop-downs, definitions on a second sheet
    csv.py           A.csv                       the same columns
    label_studio.py  A.label_studio.{xml,json}   labeling configuration and tasks
    doccano.py       A.doccano.jsonl, A.doccano.labels.json
    prodigy.py       A.prodigy.jsonl, A.prodigy.json
    inception.py     INCEpTION: a layer, its tags, one document a trace
    qdpx.py          REFI-QDA: a project for NVivo, ATLAS.ti, MAXQDA, QualCoder

A plugin is a file that exposes ``packet(packet, coder, out, **options) -> list[Path]``: it writes into the folder ``out``
what ``coder`` is sent. Whatever the tool, coding goes by unit: the file carries each unit's id, so that what comes back
(`../importers/`) needs no offsets. Option ``spans``: whole traces instead, in which coders mark stretches themselves.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from ... import plugins
from ...errors import InputError, PluginError
from ..packet import Packet

PACKAGE = __name__


def formats() -> list[str]:
    """Names of all formats."""
    return plugins.available(PACKAGE)


def write_formats(
    packet: Packet, names: Iterable[str], coders: Iterable[str] = (), out: Path | None = None, **options: Any
) -> list[Path]:
    """Write ``coders`` (none: all of the packet) their files in each format; ``out`` instead of the packet's own folder.

    ``label-studio`` is ``label_studio``. Raises `PluginError` for a format that does not exist or an option that one of
    them does not have, before anything is written.
    """
    writers = {}
    for name in dict.fromkeys(each.strip().replace("-", "_") for each in names):
        writers[name] = plugins.load(PACKAGE, name)
        known = inspect.signature(writers[name]).parameters
        for option in options:
            if option not in known:
                raise PluginError(f"format {name} has no option {option!r}", "leave it out for this format")
    chosen = list(coders) or list(packet.manifest.coders)
    for coder in chosen:
        if coder not in packet.manifest.coders:
            raise InputError(
                f"{packet.folder}: no coder is named {coder!r}", f"known: {', '.join(packet.manifest.coders)}"
            )
    written: list[Path] = []
    for coder in chosen:
        for write in writers.values():
            written += write(packet, coder, (out or packet.folder) / coder, **options)
    return written
