"""Codings as a table of scan results, in the columns of inspect_scout's: a row a unit and coder, the coder is the scanner.

    transcript_id,transcript_task_id,scanner_name,uuid,value,value_type,answer,explanation,metadata,message_references,scan_error
    aime-3,aime-3,cues,RUN.u4be1….cues,TR-SP,string,"Wait, …",,"{""unit_id"": …, ""start"": 512, ""end"": 547}",[…],
    aime-3,aime-3,B,RUN.u4be1….B,,null,"Wait, …",,…,[…],empty cell          missing, with its reason

``value`` is the primary code, or ``none``; all codes, evidence and offsets into the reasoning are in ``metadata``.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence

from ..codebook import NONE
from ..trace import Trace, Unit
from .network_table import NetworkTable, Row
from .run import NOT_CODED, CoderRun, Coding

_NAMES = (
    "transcript_id transcript_task_id transcript_model scan_id scanner_key scanner_name input_type input_ids uuid label value "
    "value_type answer explanation metadata message_references scan_error"
)


def scout_table(runs: Sequence[CoderRun]) -> NetworkTable:
    """All codings of the runs; JSON columns are JSON in text, as inspect_scout has them."""
    return NetworkTable(dict.fromkeys(_NAMES.split(), "text"), _rows(runs))


def _rows(runs: Sequence[CoderRun]) -> Iterator[Row]:
    for run in runs:
        coders = [coder.name for coder in run.manifest.coders]
        for trace, units, codings in run.by_trace():
            said = {(coding.unit_id, coding.coder): coding for coding in codings}
            for unit in units:
                for coder in dict.fromkeys([*coders, *(c for u, c in said if u == unit.id)]):
                    yield _row(trace, unit, coder, said.get((unit.id, coder)), run.manifest.run_id)


def _row(trace: Trace, unit: Unit, coder: str, coding: Coding | None, run_id: str) -> Row:
    codes = coding.codes if coding else None
    about = {
        "unit_id": unit.id,
        "scheme": unit.scheme,
        "index": unit.index,
        "start": unit.start,
        "end": unit.end,
    }
    if coding:
        kept = {"evidence": coding.evidence, "confidence": coding.confidence, "codebook": coding.codebook}
        about |= {"codes": codes} | {name: value for name, value in kept.items() if value is not None}
    return {
        "transcript_id": trace.id,
        "transcript_task_id": trace.item or trace.id,
        "transcript_model": trace.model,
        "scan_id": run_id,
        "scanner_key": coder,
        "scanner_name": coder,
        "input_type": "message",
        "input_ids": json.dumps([trace.id]),
        "uuid": f"{run_id}.{unit.id}.{coder}",
        "label": None if codes is None else (codes[0] if codes else NONE),
        "value": None if codes is None else (codes[0] if codes else NONE),
        "value_type": "null" if codes is None else "string",
        "answer": unit.text,
        "explanation": coding.rationale if coding else None,
        "metadata": json.dumps(about, ensure_ascii=False),
        "message_references": json.dumps([{"type": "message", "cite": "[M1]", "id": trace.id}]),
        "scan_error": (coding.missing_reason if coding else NOT_CODED),
    }
