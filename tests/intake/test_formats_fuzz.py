"""Records of every format, disfigured: whatever is done to a text, it comes out, or its record is refused by name."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from pedagogy_r1.errors import PedagogyError
from pedagogy_r1.intake import import_traces, read_traces
from pedagogy_r1.intake.sniff import Formats

FORMATS = Formats().all
MARKS = {"2+2?": "QQQ what is it?", "Two and two.": "RRR so, hmm.", "4": "AAA it is so."}
FUZZ = settings(
    max_examples=150,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def marked(value: Any) -> Any:
    """An example with its texts replaced by longer ones that are found again."""
    if isinstance(value, str):
        if value in MARKS:
            return MARKS[value]
        for text, mark in (
            ("Two and two.", MARKS["Two and two."]),
            ("2+2?", MARKS["2+2?"]),
            (">4", ">" + MARKS["4"]),
        ):
            value = value.replace(text, mark)
        return value
    if isinstance(value, dict):
        return {key: marked(inner) for key, inner in value.items()}
    return [marked(inner) for inner in value] if isinstance(value, list) else value


def paths(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The places of all values below this one."""
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [found for key, one in inner for found in ((*path, key), *paths(one, (*path, key)))]


WRAPS = {
    "emptied": lambda v: "" if isinstance(v, str) else type(v)() if isinstance(v, list | dict) else None,
    "json": lambda v: json.dumps(v),
    "parts": lambda v: [{"type": "text", "text": v}] if isinstance(v, str) else [v],
    "thinking": lambda v: [{"type": "thinking", "thinking": v}],
    "object": lambda v: {"content": v},
    "tagged": lambda v: f"<think>{v}</think>" if isinstance(v, str) else v,
    "half tagged": lambda v: f"{v}</reasoning>" if isinstance(v, str) else v,
    "answer": lambda v: f"<answer>{v}</answer>" if isinstance(v, str) else v,
    "several": lambda v: [v, "RRR more of it"],
    "null": lambda v: None,
}  # fmt: skip
NAMES = [
    "reasoning",
    "content",
    "thinking",
    "response",
    "answer",
    "messages",
    "text",
    "notes",
    "choices",
    "output",
    "value",
]


@st.composite
def disfigured(draw: st.DrawFn) -> dict[str, Any]:
    record = marked(copy.deepcopy(FORMATS[draw(st.sampled_from(sorted(FORMATS)))].example))
    for _ in range(draw(st.integers(1, 3))):
        places = paths(record)
        if not places:
            break
        *above, last = draw(st.sampled_from(places))
        holder = record
        for key in above:
            holder = holder[key]
        how = draw(st.sampled_from([*WRAPS, "moved", "doubled", "moved up"]))
        if how in WRAPS:
            holder[last] = WRAPS[how](holder[last])
        elif how == "moved up":
            record[draw(st.sampled_from(NAMES))] = copy.deepcopy(holder[last])
        elif isinstance(holder, dict):
            value = holder.pop(last) if how == "moved" else copy.deepcopy(holder[last])
            holder[draw(st.sampled_from(NAMES))] = value
        else:
            holder.append(copy.deepcopy(holder[last]))
    return record


@FUZZ
@given(record=disfigured(), explode=st.sampled_from([None, None, "generations"]))
def test_every_mark_comes_out(record: dict[str, Any], explode: str | None, tmp_path: Path) -> None:
    path, out = tmp_path / "in.jsonl", tmp_path / "out.jsonl"
    path.write_text(json.dumps(record) + "\n")
    aside = Path(f"{out}.skipped.jsonl")
    for file in (out, aside):
        file.unlink(missing_ok=True)
    try:
        report = import_traces([path], out, on_error="skip", explode=explode)
    except PedagogyError:  # no row of it is a trace, which the message says of each
        return
    traces = list(read_traces(out))
    assert report.rows + report.exploded == len(traces) + report.skipped + report.joined
    assert all(trace.reasoning.strip() or trace.answer.strip() for trace in traces)
    came = out.read_text() + (aside.read_text() if aside.exists() else "")
    for mark in ("QQQ", "RRR", "AAA", "RRR more of it"):
        assert (mark in came) == (mark in path.read_text()), mark
    for row in aside.read_text().splitlines() if aside.exists() else ():
        assert json.loads(row)["why"]
