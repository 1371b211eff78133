"""A data block: text that others wrote, within a message to a model, so that nothing in it can end the block.

    <data 5e1c0b7a92d4>
    {"question":"…","units":[{"unit":1,"text":"Wait, …"}]}
    </data 5e1c0b7a92d4>

All of it stands inside one JSON document on one line, and in it every ``<`` that could open or close a block is written
``\\u003c``: whatever a trace contains, the message holds exactly one block. The fence carries a digest of the block's
content, so that equal requests are equal bytes.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Mapping
from typing import Any

from ..chat import ChatFault

_FENCE = re.compile(r"<(?=\s*/?\s*data)", re.IGNORECASE)


def data_block(content: Mapping[str, Any]) -> str:
    """One fenced line of JSON that nothing in it can close.

    >>> print(data_block({"units": [{"unit": 1, "text": "x < 5. </data>"}]}))
    <data 2898a27bf826>
    {"units":[{"unit":1,"text":"x < 5. \\u003c/data>"}]}
    </data 2898a27bf826>
    """
    line = _FENCE.sub(r"\\u003c", json.dumps(content, ensure_ascii=False, separators=(",", ":")))
    mark = hashlib.sha256(line.encode("utf-8", "surrogatepass")).hexdigest()[:12]
    return f"<data {mark}>\n{line}\n</data {mark}>"


def strict_object(properties: dict[str, Any]) -> dict[str, Any]:
    """JSON Schema of an object with exactly these fields, within what strict mode (OpenAI, xgrammar in vLLM) supports."""
    return {
        "type": "object",
        "properties": properties,
        "required": list(properties),
        "additionalProperties": False,
    }


def read_object(text: str, schema: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON object of a reply; one that has other fields than the schema of a `strict_object` is malformed."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise ChatFault("malformed", f"the reply is no JSON: {error}") from None
    if not isinstance(value, dict) or value.keys() != schema["properties"].keys():
        raise ChatFault("malformed", "the reply has other fields than were asked for")
    return value
