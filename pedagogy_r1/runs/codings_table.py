"""All codings of runs as one table, a row for each unit and coder: what statistics start from. Of a corpus with too many, its tally.

frequency(code_table(runs))                  all codings in memory
frequency(table_or_tally(runs))              the same rows, of runs of any size
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import RunError, did_you_mean
from .corpus_tally import tallied
from .gathering import by_shards, require_gathered
from .run import CoderRun, opened, require_complete
from .run_columns import TRACE_FIELDS, RunColumns, read_columns
from .tally import Tally

if TYPE_CHECKING:
    import pandas as pd

COLUMNS = (
    "trace_id", "item", "domain", "condition", "model", "correct", "unit_id", "index", "position", "tokens",
    "coder", "kind", "primary", "codes",
)  # fmt: skip


def code_table(runs: Sequence[CoderRun | str | Path], *, partial: bool = False) -> pd.DataFrame:
    """All codings of the runs as one table with `COLUMNS`, a row for each unit and coder: what every statistic starts from.

        trace_id  item  domain  condition  model  correct  unit_id  index  position  tokens  coder  kind     primary  codes
        aime-3    3     SK      cop        R1-7B  True     u4be1…   7      0.375     7       cues   machine  TR-SP    (TR-SP, KA-RO)
        aime-3    3     SK      cop        R1-7B  True     u90c2…   8      0.425     12      cues   machine  none     ()
        aime-3    3     SK      cop        R1-7B  True     u77aa…   9      0.475     3       cues   machine  <NA>     None

    The runs must share one codebook version. ``primary`` is a categorical whose categories are the codebook's codes in its
    order, with ``none`` where that may be said, so that a code that nobody used still counts as 0 of n. A missing coding is
    ``<NA>``, never ``none``.

    ``position`` is the unit's midpoint in its trace, counted in units: (index + ½) / units, strictly between 0 and 1.
    ``tokens`` as the unit carries them. A coder who appears in two runs is one coder if no unit was coded twice, and no
    trace cut in two ways, else two, named ``coder@run``. ``partial``: also runs that are not complete, whose first traces are a biased sample.
    Raises as `read_columns` does, and `RunError` for runs over a corpus that are too large to gather (`limits.MOST_GATHERED`).
    """
    found = opened(runs)
    require_complete(found, partial or None)
    require_gathered(found, "A table of all codings")
    return frame_of(read_columns(found))


def table_or_tally(runs: Sequence[CoderRun | str | Path], *, partial: bool = False) -> pd.DataFrame | Tally:
    """`code_table`; of runs over one corpus that hold too many codings to gather, what their shards' tallies add up to.

    `frequency` and `transitions` take either and give the same numbers, to 1e-12. Raises as `code_table` does.
    """
    found = opened(runs)
    if by_shards(found):
        return tallied(found)
    return code_table(found, partial=partial)


def frame_of(columns: RunColumns) -> pd.DataFrame:
    """The table, where the columns were read already."""
    import pandas as pd
    import pyarrow as pa

    unit = columns.numbers("codings", "unit")
    trace = columns.numbers("units", "trace")[unit]
    coder = columns.codings["coder"].combine_chunks()
    arrow: dict[str, Any] = {"trace_id": columns.traces["id"].take(trace)}
    arrow |= {name: columns.traces[name].take(trace) for name in TRACE_FIELDS}
    arrow["unit_id"] = columns.units["id"].take(unit)
    arrow |= {name: columns.units[name].take(unit) for name in ("index", "position", "tokens")}
    arrow["coder"] = pa.array([each.name for each in columns.coders]).take(coder)
    arrow["kind"] = pa.array([each.kind for each in columns.coders]).take(coder)
    types: dict[pa.DataType, Any] = {pa.bool_(): pd.BooleanDtype()}
    if isinstance(
        text := pd.Series([""]).dtype, pd.StringDtype
    ):  # from pandas 3 on; Arrow's text is then taken as it is
        types[pa.string()] = text
    frame: dict[str, Any] = {}
    for name in COLUMNS[:-2]:
        column = arrow[name]
        if name in ("trace_id", "item", "domain", "condition", "model", "coder", "kind"):
            column = column.dictionary_encode()
        frame[name] = column.to_pandas(types_mapper=types.get)
    frame["primary"] = pd.Categorical.from_codes(columns.primary, categories=pd.Index(columns.categories))
    codes = np.empty(len(columns.patterns) + 1, dtype=object)
    codes[:-1], codes[-1] = pd.Series(columns.patterns, dtype=object), None
    frame["codes"] = pd.Series(codes[columns.numbers("codings", "pattern")], dtype=object)
    return pd.DataFrame(frame)


def of_coder(table: pd.DataFrame | Tally, coder: str | None = None) -> pd.DataFrame:
    """The rows of one coder; ``None`` means the only one there is, and is an error if there are several, or if it is a tally."""
    if isinstance(table, Tally):
        raise RunError(
            "this needs every unit in its place, and a tally of a corpus holds how often each answer is in each trace",
            "code part of the corpus as a run of its own, and give `code_table` of that; frequency and transitions take a tally",
        )
    known = [str(name) for name in table["coder"].unique()]
    if coder is None and len(known) == 1:
        return table
    if coder is None:
        raise RunError(f"the table holds {len(known)} coders", f"name one of them: {', '.join(known) or '-'}")
    if coder not in known:
        raise RunError(f"no coder is named {coder!r}", did_you_mean(coder, known))
    return table[table["coder"] == coder]
