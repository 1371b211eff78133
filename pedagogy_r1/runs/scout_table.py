"""Codings as a table of scan results, in the columns of inspect_scout's: a row a unit and coder, the coder is the scanner.

    transcript_id,transcript_task_id,scanner_name,uuid,value,value_type,answer,explanation,metadata,message_references,scan_error
    aime-3,aime-3,cues,RUN.u4be1….cues,TR-SP,string,"Wait, …",,"{""unit_id"": …, ""start"": 512, ""end"": 547}",[…],
    aime-3,aime-3,B,RUN.u4be1….B,,null,"Wait, …",,…,[…],empty cell          missing, with its reason

``value`` is the primary code, or ``none``; all codes, evidence and offsets into the reasoning are in ``metadata``. All columns of
inspect_scout's own are there; in its viewer's ``input`` nothing stands, since the trace would be repeated for each unit and coder.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from ..codebook import NONE
from ..trace import Trace, Unit
from .network_table import NetworkTable, Row
from .run import NOT_CODED, CoderRun, Coding

_NAMES = """
    transcript_id transcript_source_type transcript_source_id transcript_source_uri transcript_date transcript_task_set
    transcript_task_id transcript_task_repeat transcript_agent transcript_agent_args transcript_model transcript_model_options
    transcript_score transcript_score_explanation transcript_success transcript_message_count transcript_total_time
    transcript_total_tokens transcript_error transcript_limit transcript_trust_content transcript_metadata scan_id scan_tags
    scan_metadata scan_git_origin scan_git_version scan_git_commit scanner_key scanner_name scanner_version scanner_package_version
    scanner_file scanner_params input_type input_ids input input_data uuid label value value_type answer explanation metadata
    message_references event_references scan_error scan_error_traceback scan_error_type validation_target validation_result
    validation_predicate validation_split scan_total_tokens scan_model_usage scan_events timestamp
""".split()  # noqa: SIM905 - names, in order
"""All columns of a scan's results, in the order in which inspect_scout 0.6.1 writes them; what we do not know is null in them."""

_KINDS = {"transcript_success": "truth", "scanner_version": "integer", "scan_total_tokens": "integer"}
_EMPTY: Row = {
    **dict.fromkeys(("transcript_metadata", "scan_metadata", "scanner_params", "scan_model_usage"), "{}"),
    **dict.fromkeys(("scan_tags", "event_references", "scan_events"), "[]"),
    **dict.fromkeys(("scanner_version", "scan_total_tokens"), 0),
}
"""Columns in which there is never nothing."""


def scout_table(runs: Sequence[CoderRun]) -> NetworkTable:
    """All codings of the runs; JSON columns are JSON in text, as inspect_scout has them."""
    return NetworkTable({name: _KINDS.get(name, "text") for name in _NAMES}, _rows(runs))


def _rows(runs: Sequence[CoderRun]) -> Iterator[Row]:
    for run in runs:
        coders = [coder.name for coder in run.manifest.coders]
        for trace, units, codings in run.by_trace():
            said = {(coding.unit_id, coding.coder): coding for coding in codings}
            for unit in units:
                for coder in dict.fromkeys([*coders, *(c for u, c in said if u == unit.id)]):
                    yield _row(trace, unit, coder, said.get((unit.id, coder)), run.manifest.run_id)


def _row(trace: Trace, unit: Unit, coder: str, coding: Coding | None, run_id: str) -> Row:
    return (
        dict.fromkeys(_NAMES)
        | _EMPTY
        | _transcript(trace)
        | {
            "scan_id": run_id,
            "scanner_key": coder,
            "scanner_name": coder,
            "uuid": f"{run_id}.{unit.id}.{coder}",
        }
        | {"answer": unit.text, "metadata": json.dumps(_about(unit, coding), ensure_ascii=False)}
        | _result(coding)
    )


def _transcript(trace: Trace) -> Row:
    """What a row says of its trace, which is the one message that was scanned."""
    return {
        "transcript_id": trace.id,
        "transcript_source_type": "pedagogy_r1",
        "transcript_task_id": trace.item or trace.id,
        "transcript_model": trace.model,
        "transcript_success": trace.correct,
        "input_type": "message",
        "input_ids": json.dumps([trace.id]),
        "message_references": json.dumps([{"type": "message", "cite": "[M1]", "id": trace.id}]),
    }


def _result(coding: Coding | None) -> Row:
    """The coder's primary code, or why there is none."""
    if coding is None or coding.codes is None:
        why = coding.missing_reason if coding else NOT_CODED
        return {"value_type": "null", "scan_error": why, "explanation": coding.rationale if coding else None}
    code = coding.codes[0] if coding.codes else NONE
    return {"label": code, "value": code, "value_type": "string", "explanation": coding.rationale}


def _about(unit: Unit, coding: Coding | None) -> Row:
    """Where the unit stands, and what else was coded in it."""
    about = {
        "unit_id": unit.id,
        "scheme": unit.scheme,
        "index": unit.index,
        "start": unit.start,
        "end": unit.end,
    }
    if coding is None:
        return about
    kept = {name: getattr(coding, name) for name in ("evidence", "confidence", "codebook", "stage")}
    return (
        about | {"codes": coding.codes} | {name: value for name, value in kept.items() if value is not None}
    )
