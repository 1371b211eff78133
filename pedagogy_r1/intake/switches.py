"""Words that a field called ``reasoning`` or ``thinking`` holds where it is a switch, and no reasoning.

    "reasoning": "on"     "thinking": "adaptive"     "reasoning": "detailed thinking on"     "thinking": 8192     "reasoning": "N/A"

A switch says whether and how to reason, or that there is nothing; it is never coded.
"""

from __future__ import annotations

import re

FLAGS = frozenset(
    ("on", "off", "true", "false", "yes", "no", "none", "null", "nil", "nan", "n/a", "na", "unknown", "undefined", "empty", "minimal",
     "minimum", "low", "medium", "mid", "high", "xhigh", "max", "maximum", "auto", "automatic", "default", "enabled", "enable",
     "disabled", "disable", "adaptive", "dynamic", "hybrid", "mixed", "concise", "detailed", "brief", "verbose", "full", "short",
     "long", "extended", "standard", "deep", "fast", "slow", "quick", "optional", "required", "always", "never", "think", "no_think",
     "nothink", "no-think", "cot", "tot", "direct", "zero-shot", "zero_shot", "one-shot", "few-shot", "few_shot", "step-by-step",
     "chain-of-thought", "chain_of_thought", "reasoning", "thinking", "hidden", "visible", "summarized", "redacted")
)  # fmt: skip

_SWITCH = re.compile(
    r"/?(?:no_?)?think|[-–—_.?]+|\d+(?:\.\d+)?k?(?: ?(?:tokens?|seconds?|s|%))?"
    r"|(?:(?:detailed|extended|adaptive|deep|reasoning|thinking|effort|budget|mode|enable_thinking|enabled|type)[ _:=-]+)+{flag}"
    r"|{flag}[ _-](?:effort|mode|budget|thinking|reasoning)".replace(
        "{flag}", rf"(?:\d+k?|{'|'.join(map(re.escape, sorted(FLAGS)))})"
    )
)


def is_switch(text: str) -> bool:
    """Whether a text says only whether or how to reason, or that there is no reasoning.

    >>> is_switch("effort=high"), is_switch("High stakes. Let me think.")
    (True, False)
    """
    plain = text.strip().lower()
    return plain in FLAGS or bool(_SWITCH.fullmatch(plain))


_OFF = frozenset(
    ("off", "false", "no", "none", "null", "nil", "nan", "n/a", "na", "empty", "disabled", "disable", "never", "no_think", "/no_think",
     "nothink", "no-think", "direct", "hidden", "redacted", "0")
)  # fmt: skip


def says_none(value: object) -> bool:
    """Whether a place for reasoning is empty, or says that there is none: then a response without tags is an answer."""
    if value is None or value == [] or value is False or value == 0:
        return True
    plain = value.strip().lower() if isinstance(value, str) else "on"
    return (
        plain in _OFF
        or not any(map(str.isalnum, plain))
        or plain.endswith((" off", "=off", "=none", ": off"))
    )
