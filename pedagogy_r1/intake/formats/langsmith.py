"""Runs of LangSmith, nested or flat; the bulk export has inputs and outputs as JSON in text.

    {"id": "3fa8", "run_type": "llm", "inputs": {"messages": [[{"lc": 1, …}]]}, "outputs": {"generations": [[{"text": "4", "message": {…}}]]}}

Runs of another type (chain, tool, retriever) are no model calls; what is nested in them is read.
"""

from __future__ import annotations

from collections.abc import Iterator

from ..format import Format, NoTrace, Record, Said, name, obj, unfold
from ..logged import io_said
from ..replies import error_text


def fits(record: Record) -> bool:
    return "run_type" in record and ("outputs" in record or "inputs" in record or "child_runs" in record)


def parts(record: Record) -> Iterator[Record]:
    """The run without those in it, then those in it."""
    inner = record.get("child_runs")
    yield {
        column: value
        for column, value in record.items()
        if column != "child_runs" or not isinstance(value, list)
    }
    for run in inner if isinstance(inner, list) else []:
        yield from parts(obj(run))


def read(record: Record) -> list[Said]:
    if record.get("run_type") != "llm":
        raise NoTrace(f"a run that is no model call ({record.get('run_type')})")
    whole = unfold(record)
    if not whole.get("outputs"):
        raise NoTrace(
            f"a run that failed: {error_text(record['error'])}"
            if record.get("error")
            else "a run without an output"
        )
    about = obj(obj(whole.get("extra")).get("metadata"))
    found = io_said(whole.get("inputs"), whole["outputs"])
    for said in found:
        said.record, said.id = whole, name(record.get("id"))
        said.model = (
            name(about.get("ls_model_name"))
            or name(obj(obj(whole["outputs"]).get("llm_output")).get("model_name"))
            or said.model
        )
    return found


def format() -> Format:
    asked = {
        "lc": 1,
        "type": "constructor",
        "id": ["langchain", "schema", "messages", "HumanMessage"],
        "kwargs": {"content": "2+2?"},
    }
    thought = {"content": "4", "additional_kwargs": {"reasoning_content": "Two and two."}}
    answered = {
        "lc": 1,
        "type": "constructor",
        "id": ["langchain", "schema", "messages", "AIMessage"],
        "kwargs": thought,
    }
    return Format(
        what="runs of LangSmith, nested, flat or in bulk",
        example={
            "id": "3fa8", "run_type": "llm", "inputs": {"messages": [[asked]]},
            "outputs": {"generations": [[{"text": "4", "message": answered}]]}, "extra": {"metadata": {"ls_model_name": "m"}},
        },
        fits=fits,
        read=read,
        parts=parts,
    )  # fmt: skip
