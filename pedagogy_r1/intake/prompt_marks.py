"""Prompts as a chat template wrote them, and responses that begin with one.

<|im_start|>user\\nQQQ<|im_end|>\\n<|im_start|>assistant\\n      →  [("user", "QQQ"), ("assistant", "")]
user\\nQQQ\\nassistant\\n                                          the same, decoded without special tokens
"""

from __future__ import annotations

import re

_HEAD = re.compile(
    r"<\|im_start\|>(?P<chatml>\w+)(?:\n|\Z)"
    r"|<\|start_header_id\|>(?P<llama>\w+)<\|end_header_id\|>\n*"
    r"|<start_of_turn>(?P<gemma>\w+)(?:\n|\Z)|<\|turn>(?P<gemma4>\w+)(?:\n|\Z)"
    r"|<｜(?P<deepseek>User|Assistant|System)｜>"
    r"|<\|start\|>(?P<harmony>user|system|developer|assistant)(?:<\|message\|>|(?=<\|channel\|>)|\Z)"
    r"|<\|(?P<phi>user|assistant|system)\|>\n?"
    r"|\[(?P<mistral>INST|SYSTEM_PROMPT)\] ?| ?\[(?P<closed>/INST)\] ?"
)
_END = re.compile(
    r"<\|im_end\|>|<\|eot_id\|>|<end_of_turn>|<turn\|>|<\|end\|>|</s>|<s>|\[/SYSTEM_PROMPT\]|<\|begin_of_text\|>|<bos>"
    r"|<｜begin▁of▁sentence｜>|<｜end▁of▁sentence｜>|<\|endoftext\|>"
)
_PLAIN_START = re.compile(r"\s*(?:system|user)\n")
_PLAIN = re.compile(r"(?:^|(?<=\n))(system|user|assistant|model)(?:\n|\Z)")
_SIGNS = ("<|", "<start_of_turn>", "<｜", "INST]", "SYSTEM_PROMPT]")
"""One of them stands in every text in which `_HEAD` finds something."""
_ROLES = {
    "inst": "user",
    "/inst": "assistant",
    "model": "assistant",
    "system_prompt": "system",
    "human": "user",
}

LEAST_ECHO = 8
"""Characters that a question must have for a response that begins with it to be called an echo."""


def template_turns(text: str) -> list[tuple[str, str]] | None:
    """(role, text) of each turn of a rendered prompt; ``None`` for a text without a template's marks.

    >>> template_turns("user\\nHow?\\nassistant\\n")
    [('user', 'How?'), ('assistant', '')]
    """
    spots = _spots(text)
    if not spots:
        return None
    turns = []
    if head := _END.sub("", text[: spots[0][1]]).strip():
        turns.append(("system", head))
    for n, (role, _, start) in enumerate(spots):
        end = spots[n + 1][1] if n + 1 < len(spots) else len(text)
        turns.append((role, _END.sub("", text[start:end]).strip()))
    return turns


def _spots(text: str) -> list[tuple[str, int, int]]:
    """(role, where its mark begins, where it ends), in order."""
    marked = any(sign in text for sign in _SIGNS)
    found = list(_HEAD.finditer(text)) if marked else []
    if not found and _PLAIN_START.match(text):
        found = list(_PLAIN.finditer(text))
        if not any(m.group(1) in ("assistant", "model") for m in found):
            return []
    spots = []
    for match in found:
        role = next(name for name in match.groups() if name).lower()
        spots.append((_ROLES.get(role, role), match.start(), match.end()))
    return spots


def asked(text: str) -> tuple[str, str]:
    """(question, system) of a prompt: the user's last turn of a rendered one, else all of it."""
    turns = template_turns(text)
    if not turns:
        return text, ""
    users = [said for role, said in turns if role == "user" and said]
    systems = [said for role, said in turns if role == "system" and said]
    return (users[-1], "\n\n".join(systems)) if users else (text, "")


def without_echo(response: str, *prompts: str) -> tuple[str, str]:
    """The response less the prompt it begins with, and what was taken off: a prompt as given, or a rendered one."""
    begin = response.lstrip()
    marked = _END.match(begin)
    start = begin[marked.end() :].lstrip() if marked else begin
    for prompt in prompts:
        if (end := _echo_end(start, prompt)) and start[end:].strip():
            return start[end:].lstrip("\n"), response[: len(response) - len(start) + end].strip()
    spots = _spots(response)
    if not spots or (response[: spots[0][1]].strip() and not _END.match(begin)):
        return response, ""
    for role, _, end in spots:
        if role == "assistant" and spots[0][0] in ("user", "system") and response[end:].strip():
            return response[end:], response[:end]
    return response, ""


def _echo_end(start: str, prompt: str) -> int:
    """Where the prompt that a text begins with ends in it, whatever its white space became; 0 if it does not begin so."""
    whole = prompt.strip()
    if len(whole) < LEAST_ECHO:
        return 0
    if start.startswith(whole):
        return len(whole)
    at = 0
    for word in whole.split():
        while at < len(start) and start[at].isspace():
            at += 1
        if not start.startswith(word, at):
            return 0
        at += len(word)
    return at


def without_marks(text: str) -> list[str]:
    """The stretches of a text between the marks of a chat template."""
    spots = _spots(text)
    pieces = [text[: spots[0][1]] if spots else text]
    for n, (_, _, end) in enumerate(spots):
        pieces.append(text[end : spots[n + 1][1] if n + 1 < len(spots) else len(text)])
    marked = any(sign in text for sign in ("<", "["))
    parts = (part for piece in pieces for part in (_END.split(piece) if marked else (piece,)))
    return [part.strip() for part in parts if part.strip()]
