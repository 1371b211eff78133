"""Tables of codes for tests of `pedagogy_r1.stats`, with the columns and dtypes of `code_table`."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import numpy as np
import pandas as pd

CODES = ("A", "B", "C", "none")


def code_frame(rows: Iterable[dict[str, Any]], codes: tuple[str, ...] = CODES) -> pd.DataFrame:
    """Rows give ``trace_id``, ``codes`` (a tuple, or ``None`` for missing) and whatever else they want to say."""
    blank = {
        "item": None,
        "domain": "SK",
        "condition": "cop",
        "model": "m",
        "correct": True,
        "coder": "x",
        "tokens": 5,
    }
    full = [blank | {"kind": "machine"} | row for row in rows]
    seen: dict[tuple[str, str], int] = {}
    for row in full:
        key = (row["trace_id"], row["coder"])
        row["index"] = seen.setdefault(key, 0)
        seen[key] += 1
        row["unit_id"] = f"{row['trace_id']}/{row['index']}"
    frame = pd.DataFrame(
        {name: [row[name] for row in full] for name in ("trace_id", "item", "domain", "condition", "model")}
    ).astype("category")
    frame["correct"] = pd.array([row["correct"] for row in full], dtype="boolean")
    frame["unit_id"] = [row["unit_id"] for row in full]
    frame["index"] = np.array([row["index"] for row in full], dtype=np.int64)
    length = np.array([seen[row["trace_id"], row["coder"]] for row in full])
    frame["position"] = (frame["index"] + 0.5) / length
    frame["tokens"] = np.array([row["tokens"] for row in full], dtype=np.int64)
    frame["coder"] = pd.Categorical([row["coder"] for row in full])
    frame["kind"] = pd.Categorical([row["kind"] for row in full])
    first = [None if row["codes"] is None else row["codes"][0] if row["codes"] else "none" for row in full]
    frame["primary"] = pd.Categorical(first, categories=list(codes))
    column = np.empty(len(full), dtype=object)
    for place, row in enumerate(full):
        column[place] = row["codes"]
    frame["codes"] = pd.Series(column, dtype=object)
    return frame


def traces(*texts: str, **every: Any) -> list[dict[str, Any]]:
    """One trace for each text, one unit for each letter: ``"AAB-?"`` is A, A, B, none applies, missing.

    A value in ``every`` is given to all units; a list gives each trace its own.
    """
    rows = []
    for number, text in enumerate(texts):
        own = {k: v[number] if isinstance(v, list) else v for k, v in every.items()}
        for letter in text:
            codes = None if letter == "?" else () if letter == "-" else (letter,)
            rows.append({"trace_id": f"t{number}", "codes": codes} | own)
    return rows
