"""Samples of lm-evaluation-harness (``--log_samples``).

    {"doc_id": 0, "doc": {"question": "2+2?", "answer": "#### 4"}, "target": "4", "filter": "strict-match", "filtered_resps": ["4"],
     "arguments": {"gen_args_0": {"arg_0": "Question: 2+2?\\nAnswer:", "arg_1": {…}}}, "resps": [["<think>Easy.</think>4"]]}

Several filters of one response are one trace, and what each made of it is in ``metadata.filters``. The question is the document's, where the
prompt holds it. Log-likelihoods are no texts.
"""

from __future__ import annotations

from hashlib import blake2b
from typing import Any

from ...files.records import dump
from ..fields import jsonable
from ..format import Format, NoTrace, Record, Said, has, name, obj, text, unfold
from ..lossless import leaves
from ..messages import is_conversation, last_turn
from ..prompt_marks import asked

_SHARED = ("doc", "resps", "arguments")
_QUESTION = ("question", "problem", "query", "input", "prompt", "instruction", "text")


def fits(record: Record) -> bool:
    return has(record, "doc_id", "resps") and ("doc" in record or "arguments" in record)


def _prompt(record: Record) -> Any:
    arguments = record.get("arguments")
    if isinstance(arguments, dict):
        given = obj(next(iter(arguments.values()), None))
        return given.get("arg_0", next(iter(given.values()), ""))
    while isinstance(arguments, list) and arguments:
        arguments = arguments[0]
    return arguments


def joins(record: Record) -> tuple[str, Any]:
    """Records of one response differ in what a filter made of it."""
    shared = dump(jsonable([record["doc_id"], record.get("doc"), record["resps"], _prompt(record)]))
    own = {column: value for column, value in record.items() if column not in _SHARED}
    return blake2b(shared.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest(), own


def read(record: Record) -> list[Said]:
    spoken = _spoken(record["resps"])
    prompt = unfold(_prompt(record))
    question = _question(record, prompt)
    whole = prompt if isinstance(prompt, str) else ""
    reference = record.get("target")
    return [
        Said(
            question=question, response=reply, prompt=whole, item=name(record["doc_id"]), reference=reference
        )
        for reply in spoken
    ]


def _spoken(requests: Any) -> list[str]:
    listed = [reply for request in requests if isinstance(request, list) for reply in request]
    texts = [reply for reply in listed or requests if isinstance(reply, str)]
    spoken = [reply for reply in texts if reply.strip()]
    if not spoken:
        likelihoods = len(texts) < len(listed)
        raise NoTrace("log-likelihoods, no text of a model" if likelihoods else "an empty output")
    return spoken


def _question(record: Record, prompt: Any) -> str:
    """The document's question, if the prompt holds it; else the prompt's."""
    if is_conversation(prompt):
        asked_for = last_turn(prompt, prompt_only=True).question
    else:
        asked_for = asked(text(prompt))[0]
    texts = {path.rpartition(".")[2].lower(): leaf for path, leaf in leaves(obj(record.get("doc")))}
    inside = [
        texts[column]
        for column in _QUESTION
        if column in texts and (texts[column].strip() in asked_for or not asked_for)
    ]
    return inside[0] if inside else asked_for


def format() -> Format:
    return Format(
        what="samples of lm-evaluation-harness (--log_samples)",
        example={
            "doc_id": 0, "doc": {"question": "2+2?", "answer": "#### 4"}, "target": "4",
            "arguments": {"gen_args_0": {"arg_0": "Question: 2+2?\nAnswer:", "arg_1": {"until": ["</s>"]}}},
            "resps": [["<think>Two and two.</think>4"]], "filtered_resps": ["4"], "filter": "strict-match", "exact_match": 1.0,
        },
        fits=fits,
        read=read,
        joins=joins,
    )  # fmt: skip
