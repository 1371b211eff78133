"""What was said where, of all runs, small enough to keep: two bytes a unit and coder, and byte offsets for the rest.

    index = Index(runs); index.start()          # reads in a thread, in the order of the traces
    index.wait_traces()                         # what traces there are: a third of a second for 2,000
    index.wait(49); index.wait()                # codes of the first fifty; of all

A cell of ``said`` (units of all traces × columns) is `ABSENT`, `MISSING`, or the number of a set of codes in ``sets``. Units
of a trace stand in the order of their schemes, then of their offsets; those that several runs share stand once.
"""

from __future__ import annotations

import json
import threading
from array import array
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from ..errors import PedagogyError, RunError
from ..runs.run import FILES, CoderRun
from .scan import Span, TraceLines, read_line, scan, trace_lines

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

ABSENT, MISSING = 0, 1
"""The coder's run does not have the unit, or has it without a coding; the coder left it open."""

PEEK = 240


class CoderColumn(NamedTuple):
    """One coder of one run. ``label`` is the coder's name, with the run's where two runs have a coder of that name."""

    coder: str
    kind: str
    run: int
    label: str
    scheme: str

    @property
    def sort(self) -> str:
        """In a word: who stands beside each bar and coding."""
        return "machine" if self.kind == "machine" else "person"


@dataclass
class TraceRow:
    """One trace, without its texts. ``places``: by run, where its units' and codings' lines lie. ``units``: its half-open range in ``said``."""

    id: str
    domain: str
    condition: str
    model: str
    correct: bool | None
    lang: str
    peek: str
    run: int
    at: int
    runs: list[int] = field(default_factory=list)
    places: dict[int, tuple[Span, Span]] = field(default_factory=dict)
    units: tuple[int, int] = (0, 0)
    folded: bytes = b""


class Index:
    """Filled by one thread, read by others; the units of the first ``ready`` rows are known."""

    def __init__(self, runs: Sequence[CoderRun]) -> None:
        self.runs = tuple(runs)
        self.columns = _columns(self.runs)
        self.schemes = list(dict.fromkeys(run.manifest.scheme for run in self.runs))
        self.rows: list[TraceRow] = []
        self.number: dict[str, int] = {}
        self.sets: list[tuple[str, ...] | None] = [None, None]
        self.ready = 0
        self._codes = {b"": MISSING}
        self._column = {
            (c.run, json.dumps(c.coder, ensure_ascii=False).encode("utf-8", "surrogatepass")): i
            for i, c in enumerate(self.columns)
        }
        self._cells = array("H")
        self._news = threading.Condition()
        self._listed = self._folded = False
        self._failed: PedagogyError | OSError | None = None
        self._matrix: npt.NDArray[np.uint16] | None = None
        self._states = {
            (r, name): _state(run.folder / name)
            for r, run in enumerate(self.runs)
            if run.shards is None
            for name in FILES
        }

    def start(self) -> None:
        threading.Thread(target=self._read, name="index", daemon=True).start()

    def wait_traces(self) -> None:
        """Until all traces are known. Raises what reading raised."""
        self._until(lambda: self._listed)

    def wait(self, last: int | None = None) -> None:
        """Until the codes of the row ``last``, or of all rows, are known."""
        self._until(lambda: self._listed and self.ready > (len(self.rows) - 1 if last is None else last))

    def wait_texts(self) -> None:
        """Until all texts can be searched."""
        self._until(lambda: self._folded)

    def said(self, row: TraceRow) -> list[array[int]]:
        """By unit of the row: the cells of all columns."""
        width = len(self.columns)
        cells = self._cells[row.units[0] * width : row.units[1] * width]
        return [cells[i : i + width] for i in range(0, len(cells), width)]

    def matrix(self) -> npt.NDArray[np.uint16]:
        """(units of all traces, columns) cells; waits for all."""
        import numpy as np

        self.wait()
        if self._matrix is None:
            self._matrix = np.array(self._cells, dtype=np.uint16).reshape(-1, len(self.columns))
        return self._matrix

    def path(self, r: int, name: str) -> Path:
        """One of a run's `FILES`, whose lines lie where they lay when it was read. Raises `RunError` if it was changed since."""
        run = self.runs[r]
        if run.shards is not None:
            # Lines in this machine's cache, written when they are first wanted, under a digest of the shards.
            return run.file(name)
        path = run.folder / name
        if run.manifest.status != "running" and _state(path) != self._states[r, name]:
            raise RunError(
                f"{path} was changed since this server read it", "stop it, and start pcode web again"
            )
        return path

    def _until(self, happened: Any) -> None:
        with self._news:
            self._news.wait_for(lambda: self._failed is not None or happened())
        if self._failed is not None:
            raise self._failed

    def _read(self) -> None:
        try:
            self._list()
            with self._news:
                self._listed = True
                self._news.notify_all()
            self._join()
            self._fold()
            with self._news:
                self._folded = True
                self._news.notify_all()
        except (PedagogyError, OSError) as error:
            self._fail(error)
        except Exception as error:  # a thread that dies silently would leave every page waiting
            changed = self._changed()
            self._fail(
                changed or RunError(f"the runs cannot be read: {error!r}", "look at one run after another")
            )
            if changed is None:
                raise

    def _changed(self) -> PedagogyError | None:
        """Which file was changed, if one was: what lines that are none of a run come of."""
        try:
            for run, name in ((run, name) for run in self.runs for name in FILES):
                run.sound(name)
        except PedagogyError as changed:
            return changed
        return None

    def _fail(self, error: PedagogyError | OSError) -> None:
        with self._news:
            self._failed = error
            self._news.notify_all()

    def _list(self) -> None:
        for r, run in enumerate(self.runs):
            for at, data in trace_lines(run, ids_only=r > 0):
                if not run.keeps(data["id"]):
                    continue
                number = self.number.get(data["id"])
                if number is None:
                    number = self.number[data["id"]] = len(self.rows)
                    full = read_line(self.path(r, "traces.jsonl"), at) if r else data
                    self.rows.append(_row(full, r, at))
                self.rows[number].runs.append(r)

    def _fold(self) -> None:
        for row in self.rows:
            data = read_line(self.path(row.run, "traces.jsonl"), row.at)
            row.folded = fold("\0".join(data.get(name) or "" for name in ("question", "reasoning", "answer")))

    def _join(self) -> None:
        """Trace by trace over all runs; mostly the next one of each is the one."""
        readers = [scan(run) for run in self.runs]
        early: list[dict[str, TraceLines]] = [{} for _ in self.runs]
        news = 16
        for n, row in enumerate(self.rows):
            if n >= news:
                news = n + max(16, n // 8)
                self._announce(n)
            for r in row.runs:
                while row.id not in early[r] and (lines := next(readers[r], None)):
                    if self.runs[r].keeps(lines.trace):
                        early[r][lines.trace] = lines
            self._add(row, {r: early[r].pop(row.id) for r in row.runs if row.id in early[r]})
        for reader in readers:
            for _ in reader:
                """Units of traces that the run does not have; what is wrong with the files is raised here."""
        self._announce(len(self.rows))

    def _announce(self, ready: int) -> None:
        with self._news:
            self.ready = ready
            self._news.notify_all()

    def _add(self, row: TraceRow, found: dict[int, TraceLines]) -> None:
        width, first = len(self.columns), len(self._cells) // len(self.columns)
        ranks = [self.schemes.index(self.runs[r].manifest.scheme) for r in found]
        order = unit_order([(rank, b.spans, b.ids) for rank, b in zip(ranks, found.values(), strict=True)])
        cells = array("H", bytes(2 * width * len(order)))
        for r, lines in found.items():
            row.places[r] = (lines.units, lines.codings)
            at = [order[unit] * width for unit in lines.ids]
            for unit, coder, codes in lines.said:
                column = self._column.get((r, coder))
                if column is None:
                    raise RunError(
                        f"{self.runs[r].folder}: run.json does not name the coder {json.loads(coder)!r}",
                        "restore the file",
                    )
                cells[at[unit] + column] = self._codes.get(codes) or self._number(codes)
        self._cells.extend(cells)
        row.units = (first, first + len(order))

    def _number(self, codes: bytes) -> int:
        number = self._codes[codes] = len(self.sets)
        self.sets.append(tuple(json.loads(codes)))
        return number


def _state(path: Path) -> tuple[int, ...]:
    """By which a file that was written over is told from itself; empty where there is none."""
    if not path.is_file():
        return ()
    state = path.stat()
    return state.st_ino, state.st_size, state.st_mtime_ns


def unit_order(parts: Sequence[tuple[int, Sequence[tuple[int, int]], Sequence[Any]]]) -> dict[Any, int]:
    """Place of each unit (by its id) among all of a trace: by scheme, start, end. ``parts``: scheme, spans, ids of a run."""
    if len(parts) == 1 or all(part[2] == parts[0][2] for part in parts[1:]):
        return {unit: i for i, unit in enumerate(parts[0][2])} if parts else {}
    keys = {
        unit: (scheme, *span) for scheme, spans, ids in parts for span, unit in zip(spans, ids, strict=True)
    }
    return {unit: i for i, unit in enumerate(sorted(keys, key=lambda unit: (keys[unit], unit)))}


def _columns(runs: Sequence[CoderRun]) -> list[CoderColumn]:
    names = [coder.name for run in runs for coder in run.manifest.coders]
    return [
        CoderColumn(
            coder.name,
            coder.kind,
            r,
            coder.name if names.count(coder.name) == 1 else f"{coder.name} · {run.name}",
            run.manifest.scheme,
        )
        for r, run in enumerate(runs)
        for coder in run.manifest.coders
    ]


def _row(data: dict[str, Any], run: int, at: int) -> TraceRow:
    text = data.get("question") or data.get("reasoning") or ""
    return TraceRow(
        id=data["id"],
        domain=data.get("domain") or "",
        condition=data.get("condition") or "",
        model=data.get("model") or "",
        correct=data.get("correct"),
        lang=data.get("lang") or "en",
        peek=" ".join(text[: 2 * PEEK].split())[:PEEK],
        run=run,
        at=at,
    )


def fold(text: str) -> bytes:
    """As texts are compared in a search: without case, white space as one blank."""
    return " ".join(text.casefold().split()).encode("utf-8", "surrogatepass")
