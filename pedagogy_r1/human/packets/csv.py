"""A coder's units as a CSV file: `_table.py` says the columns. UTF-8 with a byte-order mark, by which Excel knows it."""

from __future__ import annotations

import csv
from pathlib import Path

from ...files.records import atomic
from ..packet import Packet
from ._table import columns, rows


def packet(packet: Packet, coder: str, out: Path) -> list[Path]:
    """Write ``OUT/CODER.csv``."""
    path = out / f"{coder}.csv"
    with atomic(path) as file:
        file.write("\ufeff")
        table = csv.writer(file)
        table.writerow(columns(packet.codebook))
        table.writerows(rows(packet, coder))
    return [path]
