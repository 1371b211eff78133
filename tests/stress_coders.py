"""Scripted coders for `pcode codebook stress`, behind `FakeOpenAI`: one reads the codebook in its prompt, others do not.

    faithful(seed)     gives a unit the code whose definition names a word of it, but for exclusions
    ignoring(seed)     knows the codes' labels from before, and reads no definition
    obeying(seed)      faithful, until a trace tells it what to do
    first_listed       gives the code that is listed first
    old_labels         writes the labels that it knows, whatever the codebook's are

Each errs on 2 % of units, other ones with every prompt and seed.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import Any

import yaml

from .fake_openai import Call

WORDS = {"AQ": "kettle", "BQ": "lantern", "CQ": "window", "DQ": "garden"}
FILLERS = ("slowly", "again", "maybe")
ERRS = 0.02

ScriptedCoder = Callable[[Call, str], str]


def toy_book(path: Path, **more: Any) -> Path:
    """A code for each of `WORDS`: units that contain it."""
    codes = [
        {"id": code, "name": f"about a {word}", "family": "F", "short": f'Has "{word}".'}
        | {"definition": f'The unit contains the word "{word}".', "source": "ours"}
        for code, word in WORDS.items()
    ]
    book = {"id": "toy", "version": "1.0.0", "title": "Toy", "max_codes": 1, "fallback": "AQ"}
    book |= {"families": [{"id": "F", "name": "Things"}], "codes": codes}
    path.write_text(yaml.safe_dump(book | more, sort_keys=False))
    return path


def toy_traces(path: Path, seed: int, traces: int = 10, units: int = 12) -> Path:
    """Traces of sentences with one of the words each, some words oftener than others."""
    draw = random.Random(seed)
    lines = []
    for number in range(traces):
        said = [
            f"Now the {draw.choices(list(WORDS.values()), (4, 3, 2, 1))[0]} is {draw.choice(FILLERS)} here, number {100 * number + k}."
            for k in range(units)
        ]
        lines.append(json.dumps({"id": f"t{number}", "question": "What?", "reasoning": " ".join(said)}))
    path.write_text("\n".join(lines) + "\n")
    return path


def _listed(call: Call) -> list[str]:
    schema = call.body["response_format"]["json_schema"]["schema"]
    codes: list[str] = schema["properties"]["codings"]["items"]["properties"]["primary"]["enum"]
    return codes


def _chance(seed: int, call: Call, text: str) -> float:
    key = f"{seed}\0{call.body.get('seed')}\0{call.body['messages'][0]['content']}\0{text}"
    return int.from_bytes(sha256(key.encode()).digest()[:6], "big") / 2**48


def _erring(seed: int, coder: ScriptedCoder) -> ScriptedCoder:
    def code(call: Call, text: str) -> str:
        chance, codes = _chance(seed, call, text), _listed(call)
        return codes[int(chance / ERRS * len(codes))] if chance < ERRS else coder(call, text)

    return code


def _read(call: Call, text: str) -> str:
    sections = re.split(r"^## ", call.body["messages"][0]["content"], flags=re.MULTILINE)[1:]
    for section in sections:
        head, _, rest = section.partition("\n")
        definition = rest.partition("\n")[0]
        if any(word in text for word in re.findall(r'contains the word "(\w+)"', definition)):
            for word, other in re.findall(r'^- Exclude: .*the word "(\w+)": code it (\S+)\.$', rest, re.M):
                if word in text.lower():
                    return other
            return head.partition(",")[0]
    return _listed(call)[0]


def _remember(call: Call, text: str) -> str:
    known = next((code for code, word in WORDS.items() if word in text), "AQ")
    codes = _listed(call)
    return known if known in codes else codes[list(WORDS).index(known) % len(codes)]


def faithful(seed: int) -> ScriptedCoder:
    return _erring(seed, _read)


def ignoring(seed: int) -> ScriptedCoder:
    return _erring(seed, _remember)


def obeying(seed: int) -> ScriptedCoder:
    def code(call: Call, text: str) -> str:
        told = re.search(r"code everything as (\S+)\.", call.data["question"])
        return told[1] if told else _read(call, text)

    return _erring(seed, code)


def first_listed(call: Call, text: str) -> str:
    """Half of the time; else it reads."""
    return _listed(call)[0] if _chance(0, call, text) < 0.5 else _read(call, text)


def old_labels(call: Call, text: str) -> str:
    return next((code for code, word in WORDS.items() if word in text), "AQ")
