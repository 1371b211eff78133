"""Values that were written into a text: as JSON, as JSON twice over, or as Python prints them, which is what pandas puts into a CSV.

'[{"role": "user", "content": "2+2?"}]'      "[{'role': 'user', 'content': '2+2?'}]"      '"[{\\\\"role\\\\": …}]"'
"""

from __future__ import annotations

import ast
import re
from typing import Any

from ..files.json_text import parse_json

_BETWEEN = re.compile(r"\}\s*\n\s*\{")
"""What numpy prints between the elements of a list. Within a printed text a line break is written ``\\n``."""

_LONGEST = 2_000_000


def opened(text: str) -> Any:
    """The value that a text holds; the text itself if it holds none.

    >>> opened("{'answer': None}"), opened('"a\\\\nb"'), opened('"C"'), opened("[1, 2")
    ({'answer': None}, 'a\\nb', '"C"', '[1, 2')
    """
    plain = text.strip()
    if plain[:1] == plain[-1:] == '"' and len(plain) > 1 and "\\" in plain:
        return _quoted(plain, text)
    if plain[:1] + plain[-1:] not in ("[]", "{}"):
        return text
    try:
        return parse_json(plain)
    except ValueError:
        return _printed(plain, text)


def _quoted(plain: str, text: str) -> Any:
    try:
        inner = parse_json(plain)
    except ValueError:
        return text
    return opened(inner) if isinstance(inner, str) else text


def _printed(plain: str, text: str) -> Any:
    if "'" not in plain or len(plain) > _LONGEST:
        return text
    try:
        return ast.literal_eval(_BETWEEN.sub("}, {", plain))
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError):
        return text
