"""Writes a packet (`packet.py` says what is in it): the whole folder or nothing.

It is made beside its place and moved there. The same command on a packet that is there already puts back what was lost or
changed of its own files, and touches nothing else: coders' work lies in the same folders.
"""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Any

from ..codebook.codebook import SNAPSHOT
from ..codebook.snapshot import dump_codebook
from ..errors import RunError
from ..files.records import (
    PRIVATE,
    PRIVATE_FOLDER,
    atomic,
    dump,
    usual_mode,
    write_csv,
    write_jsonl,
    write_text,
)
from ..files.seal import PACKET, digests
from ..intake import read_traces
from ..job import differences, save_record
from ..provenance import versions
from ..runs.locked_part import locks_of
from ..sampling.draw_sample import DrawnSample
from ..sampling.population import stratum_name
from .packet import Packet, PacketManifest

_SAME_VERSION = "made with another codebook of the same version"
COLUMNS = ("unit_id", "trace_id", "stratum", "inclusion_probability", "drawn", "coders")


def manifest_of(sample: DrawnSample) -> PacketManifest:
    """``packet.json``; no time is in it, so that the same command writes the same bytes."""
    book, design = sample.book, sample.design
    return PacketManifest(
        packet_id=sample.packet_id,
        codebook={"id": book.id, "version": book.version, "digest": book.digest},
        scheme=sample.unitize.scheme,
        coders=design.coders,
        whole_traces=design.what == "traces",
        spans=design.spans,
        context=design.context,
        seed=design.seed,
        drawn=sample.as_drawn(),
        counts=sample.counts(),
        source=sample.source,
        versions=versions(),
    )


def write_packet(sample: DrawnSample, out: str | Path) -> Packet:
    """Write ``sample`` into the folder ``out``. Raises `RunError` if something else is there."""
    out = Path(out)
    manifest = manifest_of(sample)
    there = _already(out, manifest)
    if there is not None:
        manifest = there  # the versions of the libraries may have changed since; the sample has not
    out.parent.mkdir(parents=True, exist_ok=True)
    made = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))
    try:
        _write(sample, manifest, made)
        if there is not None:
            _put_back(made, out)
        else:
            made.chmod(usual_mode(0o777))
            made.rename(out)  # over an empty folder too
    finally:
        shutil.rmtree(made, ignore_errors=True)
    return Packet(out)


def _already(out: Path, manifest: PacketManifest) -> PacketManifest | None:
    if out.exists() and not out.is_dir():
        raise RunError(f"{out} is a file", "choose another folder with -o")
    if not out.is_dir() or not any(out.iterdir()):
        return None
    if not (out / PACKET).is_file():
        raise RunError(f"{out} is not empty and holds no packet", "choose another folder with -o")
    old = Packet(out).manifest
    if old.packet_id != manifest.packet_id:
        raise RunError(
            f"{out} holds another packet: {differences(old, manifest, otherwise=_SAME_VERSION)}",
            "choose another folder with -o; a packet that people work on is never drawn anew",
        )
    return old


def _write(sample: DrawnSample, manifest: PacketManifest, folder: Path) -> None:
    write_text(folder / SNAPSHOT, dump_codebook(sample.book))
    _write_key(sample, folder / "key")
    for coder, order in sample.drawing.orders.items():
        lines = ({"unit_id": line.unit_id} | ({"practice": True} if line.practice else {}) for line in order)
        write_jsonl(folder / coder / "order.jsonl", lines)
    sums = digests(folder, PACKET)
    save_record(folder / PACKET, manifest.model_copy(update={"sha256": sums}))


def _write_key(sample: DrawnSample, key: Path) -> None:
    """Only its owner can read it: the key says which conditions and models the coders must not know."""
    wanted = {element.trace_id for element in (*sample.drawing.drawn, *sample.drawing.practice)}
    key.mkdir(mode=PRIVATE_FOLDER)
    with (
        atomic(key / "traces.jsonl", private=True) as traces,
        atomic(key / "units.jsonl", private=True) as units,
    ):
        for trace in read_traces(sample.traces):
            if trace.id in wanted:
                traces.write(dump(trace.model_dump(mode="json", exclude_defaults=True)) + "\n")
                units.write("".join(unit.json_line() for unit in sample.unitize(trace)))
    write_csv(key / "sample.csv", chain([COLUMNS], _drawn_rows(sample)), private=True)
    for lock in locks_of(sample.traces):
        lock.write_copy(key, private=True)


def _drawn_rows(sample: DrawnSample) -> Iterator[tuple[Any, ...]]:
    for element, pi, coders in sample.drawing.rows():
        row = (element.trace_id, stratum_name(element.stratum), pi, int(bool(coders)), ";".join(coders))
        yield from ((unit, *row) for unit in element.unit_ids)


def _put_back(made: Path, out: Path) -> None:
    for path in sorted(made.rglob("*")):
        place = out / path.relative_to(made)
        if path.is_file() and not (place.is_file() and place.read_bytes() == path.read_bytes()):
            place.parent.mkdir(parents=True, exist_ok=True)
            path.replace(place)
    with suppress(PermissionError):  # somebody else's packet
        (out / "key").chmod(PRIVATE_FOLDER)
        for path in (out / "key").iterdir():
            path.chmod(PRIVATE)
