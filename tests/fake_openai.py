"""A local OpenAI-compatible server that codes units by the hash of their text, and misbehaves as told.

    with FakeOpenAI(fault=lambda call: "rate_limited" if call.attempt == 1 else None) as server:
        …server.url, server.calls
    python tests/fake_openai.py --latency 0.2 --faults 0.2 --seed 1 --log served.jsonl      prints its URL

A unit's coding depends on nothing but its text (and, for a critic, its first code), so it is the same in a window
and alone, before and after a fault. The prompt is taken apart strictly: a message that does not hold exactly one
data block is answered 400 and kept in ``violations``. With ``answer``, requests without a JSON schema are questions:
``answer(call)`` says what comes back. With ``coder``, ``coder(call, unit)`` is the code of a unit; a question about definitions is
answered by ``recall(call)``.
"""

from __future__ import annotations

import argparse
import asyncio
import hashlib
import json
import random
import re
import threading
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

BLOCK = re.compile(r"^<data ([0-9a-f]{12})>\n(.*)\n</data \1>$", re.MULTILINE)
TRANSIENT = (
    "rate_limited",
    "500",
    "503",
    "drop",
    "truncated",
    "not_json",
    "malformed",
    "length",
    "refusal",
    "hang",
)
"""Faults of a whole request."""
UNIT = (
    "bad_quote",
    "bad_code",
    "skipped_unit",
    "repeated_unit",
    "wrong_number",
    "bad_confidence",
    "secondary_is_primary",
)
"""Faults of the first unit of a reply."""


class Said(NamedTuple):
    """What the server says to a question that asks for no codings. ``logprobs``: entries of a chat completion, if any."""

    text: str | None
    reasoning: str | None = None
    finish: str = "stop"
    logprobs: list[dict[str, Any]] | None = None
    tokens: int | None = None


class Call(NamedTuple):
    """One request as received. ``attempt``: how often this very body has come, this time included."""

    body: dict[str, Any]
    data: dict[str, Any]
    attempt: int
    number: int
    headers: dict[str, str]
    key: str

    @property
    def units(self) -> list[str]:
        return [unit["text"] for unit in self.data.get("units", ())]

    @property
    def user(self) -> str:
        return self.body["messages"][-1]["content"]

    @property
    def critic(self) -> bool:
        return any("first" in unit for unit in self.data["units"])


def code_unit(unit: dict[str, Any], codes: list[str], two: bool) -> dict[str, Any]:
    """The coding of a unit: a function of its text and first code alone."""
    text = unit["text"]
    number = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
    primary = codes[number % len(codes)]
    if "first" in unit and number % 3 == 0:
        primary = codes[(codes.index(unit["first"]["primary"]) + 1) % len(codes)]
    coding = {
        "unit": unit["unit"],
        "evidence": " ".join(text.split(" ")[:4]),
        "rationale": f"reason {number % 97}",
        "primary": primary,
    }
    if two:
        other = codes[(number // 7) % len(codes)]
        coding["secondary"] = (
            other if number % 5 == 0 and "none" not in (primary, other) and other != primary else None
        )
    return coding | {"confidence": round(0.5 + number % 50 / 100, 2)}


def read_definitions(call: Call) -> dict[str, Any]:
    """What the codebook in the prompt says to a question about its definitions."""
    sections = re.split(r"^## ", call.body["messages"][0]["content"], flags=re.MULTILINE)[1:]
    by_code = {head.partition(",")[0]: rest for head, _, rest in (s.partition("\n") for s in sections)}
    if "definition" in call.data:
        wanted = call.data["definition"]
        return {"code": next(code for code, rest in by_code.items() if rest.startswith(wanted))}
    own = by_code[call.data["code"]]
    return {"number": next(one["number"] for one in call.data["definitions"] if own.startswith(one["text"]))}


class FakeOpenAI:
    """The server. ``fault(call)`` names what goes wrong with a call, or ``None``."""

    def __init__(
        self,
        *,
        latency: float = 0.0,
        fault: Callable[[Call], str | None] = lambda call: None,
        retry_after: str = "0.02",
        hang: float = 30.0,
        log: Path | None = None,
        keep: bool = True,
        answer: Callable[[Call], Said] | None = None,
        coder: Callable[[Call, str], str] | None = None,
        recall: Callable[[Call], dict[str, Any]] = read_definitions,
    ) -> None:
        self.latency, self.fault, self.retry_after, self.hang = latency, fault, retry_after, hang
        self.answer, self.coder, self.recall = answer, coder, recall
        self.calls: list[Call] = []
        self.answered: Counter[str] = Counter()
        self.violations: list[str] = []
        self.most_in_flight = self.in_flight = self.number = 0
        self.times: list[float] = []
        self.first_at: float | None = None
        self._keep = keep
        self._seen: Counter[str] = Counter()
        self._log = log.open("a", buffering=1) if log else None
        self._thread: threading.Thread | None = None
        self._loop = asyncio.new_event_loop()
        self.port = 0

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}/v1"

    async def listen(self, port: int = 0) -> asyncio.Server:
        server = await asyncio.get_running_loop().create_server(
            lambda: _Connection(self), "127.0.0.1", port, backlog=1024
        )
        self.port = server.sockets[0].getsockname()[1]
        return server

    def __enter__(self) -> FakeOpenAI:
        ready = threading.Event()

        async def serve() -> None:
            self._stop = asyncio.Event()
            async with await self.listen():
                ready.set()
                await self._stop.wait()

        self._thread = threading.Thread(target=self._loop.run_until_complete, args=(serve(),), daemon=True)
        self._thread.start()
        ready.wait(120)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._stop.set)
        assert self._thread is not None
        self._thread.join(120)

    def forget(self) -> None:
        """Start counting anew."""
        self.calls.clear()
        self.answered.clear()
        self.times.clear()
        self._seen.clear()
        self.number = self.most_in_flight = 0

    def note(self, event: str, key: str) -> None:
        """Log for whoever counts from outside."""
        if event == "answered":
            self.answered[key] += 1
        if self._log:
            self._log.write(json.dumps({"event": event, "key": key, "at": time.time()}) + "\n")

    def receive(self, raw: bytes, headers: dict[str, str]) -> tuple[str, str | None, dict[str, Any] | None]:
        """(key, fault, reply): the reply is ``None`` if the prompt is not as it must be."""
        self.number += 1
        if self._keep:
            self.times.append(time.monotonic())
        key = hashlib.sha256(raw).hexdigest()[:24]
        if self.first_at is None:
            self.first_at = time.time()
            self.note("first", key)
        self._seen[key] += 1
        body = json.loads(raw)
        user = body["messages"][-1]["content"]
        if self.answer is not None and "response_format" not in body:
            call = Call(body, {}, self._seen[key], self.number, headers, key)
            if self._keep:
                self.calls.append(call)
            return key, self.fault(call), self._said(call, self.answer(call))
        blocks = BLOCK.findall(user)
        if len(blocks) != 1 or len(re.findall("<data", user)) != 1 or len(re.findall("</data", user)) != 1:
            self.violations.append(user)
            return key, None, None
        call = Call(body, json.loads(blocks[0][1]), self._seen[key], self.number, headers, key)
        if self._keep:
            self.calls.append(call)
        return key, self.fault(call), self._reply(call)

    def _said(self, call: Call, said: Said) -> dict[str, Any]:
        """A free answer; its usage depends on the texts alone."""
        message = {"role": "assistant", "content": said.text, "refusal": None}
        if said.reasoning is not None:
            message["reasoning"] = said.reasoning
        choice: dict[str, Any] = {"index": 0, "finish_reason": said.finish, "message": message}
        if said.logprobs is not None and call.body.get("logprobs"):
            choice["logprobs"] = {"content": said.logprobs}
        prompt = sum(len(m["content"]) for m in call.body["messages"]) // 4
        words = len(f"{said.reasoning or ''} {said.text or ''}".split())
        completion = words if said.tokens is None else said.tokens
        return {
            "id": f"chatcmpl-{call.number}",
            "object": "chat.completion",
            "created": 0,
            "model": call.body["model"],
            "choices": [choice],
            "usage": {
                "prompt_tokens": prompt,
                "completion_tokens": completion,
                "total_tokens": prompt + completion,
            },
        }

    def _reply(self, call: Call) -> dict[str, Any]:
        properties = call.body["response_format"]["json_schema"]["schema"]["properties"]
        if "codings" not in properties:
            return self._said(call, Said(json.dumps(self.recall(call))))
        item = properties["codings"]["items"]
        codes, two = item["properties"]["primary"]["enum"], "secondary" in item["properties"]
        codings = [code_unit(unit, codes, two) for unit in call.data["units"]]
        if self.coder is not None:
            for coding, unit in zip(codings, call.data["units"], strict=True):
                coding |= {"primary": self.coder(call, unit["text"])}
                coding |= {"secondary": None} if two else {}
        prompt = sum(len(m["content"]) for m in call.body["messages"]) // 4
        return {
            "id": f"chatcmpl-{call.number}",
            "object": "chat.completion",
            "created": 0,
            "model": call.body["model"] + "-2025",
            "choices": [
                {
                    "index": 0,
                    "finish_reason": "stop",
                    "message": {
                        "role": "assistant",
                        "content": json.dumps({"codings": codings}),
                        "refusal": None,
                    },
                }
            ],
            "usage": {
                "prompt_tokens": prompt,
                "completion_tokens": 40 * len(codings),
                "total_tokens": prompt + 40 * len(codings),
                "prompt_tokens_details": {
                    "cached_tokens": 0 if call.number == 1 else len(call.body["messages"][0]["content"]) // 4
                },
            },
        }


def spoil(reply: dict[str, Any], fault: str | None) -> None:
    """Make one of the faults that lie in the reply's content."""
    choice = reply["choices"][0]
    message = choice["message"]
    if fault == "malformed":
        message["content"] = message["content"][:-9]
    elif fault == "fenced":
        message["content"] = f"```json\n{message['content']}\n```"
    elif fault == "length":
        message["content"], choice["finish_reason"] = message["content"][:20], "length"
    elif fault == "refusal":
        message["content"], message["refusal"] = None, "I cannot help with that."
    elif fault in UNIT:
        codings = json.loads(message["content"])["codings"]
        first = codings[0]
        if fault == "bad_quote":
            first["evidence"] = "words that are nowhere"
        elif fault == "bad_code":
            first["primary"] = first["primary"].lower()
        elif fault == "skipped_unit":
            codings = codings[1:]
        elif fault == "repeated_unit":
            codings.append(first)
        elif fault == "wrong_number":
            first["unit"] = 999
        elif fault == "bad_confidence":
            first["confidence"] = 1.2
        elif fault == "secondary_is_primary":
            first["secondary"] = first["primary"]
        message["content"] = json.dumps({"codings": codings})


class _Connection(asyncio.Protocol):
    """HTTP/1.1, keep-alive, POST with a Content-Length: all that a client of chat completions sends."""

    def __init__(self, server: FakeOpenAI) -> None:
        self.server = server
        self.buffer = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport: Any = transport

    def data_received(self, data: bytes) -> None:
        self.buffer += data
        while (end := self.buffer.find(b"\r\n\r\n")) >= 0:
            lines = self.buffer[:end].decode("latin-1").split("\r\n")
            headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines[1:])}
            size = int(headers.get("content-length", 0))
            if len(self.buffer) < end + 4 + size:
                return
            raw, self.buffer = self.buffer[end + 4 : end + 4 + size], self.buffer[end + 4 + size :]
            self._handle(raw, headers)

    def _handle(self, raw: bytes, headers: dict[str, str]) -> None:
        server = self.server
        key, fault, reply = server.receive(raw, headers)
        server.in_flight += 1
        server.most_in_flight = max(server.most_in_flight, server.in_flight)
        delay = server.hang if fault == "hang" else server.latency
        asyncio.get_running_loop().call_later(delay, self._answer, key, fault, reply)

    def _answer(self, key: str, fault: str | None, reply: dict[str, Any] | None) -> None:
        server = self.server
        server.in_flight -= 1
        if self.transport.is_closing():
            server.note("gone", key)
            return
        if fault == "drop":
            self.transport.abort()
        elif reply is None:
            self._send(400, b'{"error": {"message": "not exactly one data block"}}')
        elif fault is not None and (fault.isdigit() or fault == "rate_limited"):
            status = 429 if fault == "rate_limited" else int(fault)
            extra = f"Retry-After: {server.retry_after}\r\n" if status in (429, 503) else ""
            self._send(status, json.dumps({"error": {"message": f"told to answer {status}"}}).encode(), extra)
        else:
            spoil(reply, fault)
            body = b"<html>busy</html>" if fault == "not_json" else json.dumps(reply).encode()
            server.note("answered" if fault is None else f"spoilt {fault}", key)
            self._send(200, body, truncated=fault == "truncated")

    def _send(self, status: int, body: bytes, extra: str = "", *, truncated: bool = False) -> None:
        head = f"HTTP/1.1 {status} Whatever\r\nContent-Type: application/json\r\nContent-Length: {len(body)}\r\n{extra}\r\n"
        self.transport.write(head.encode() + (body[: len(body) // 2] if truncated else body))
        if truncated:
            self.transport.close()


def mixed(share: float, seed: int) -> Callable[[Call], str | None]:
    """That share of all requests goes wrong, in every way; single units only where several are coded at once.

    (A model that also misquotes a unit asked alone leaves it missing, which is right but not what a fault-free run gives.)
    """
    source = random.Random(seed)

    def fault(call: Call) -> str | None:
        if source.random() >= share:
            return None
        return source.choice(TRANSIENT + UNIT if len(call.units) > 1 else TRANSIENT)

    return fault


def main() -> None:
    parser = argparse.ArgumentParser(description="fake OpenAI-compatible server")
    parser.add_argument("--port", type=int, default=0)
    parser.add_argument("--latency", type=float, default=0.0)
    parser.add_argument("--faults", type=float, default=0.0)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--hang", type=float, default=30.0)
    parser.add_argument("--log", type=Path)
    options = parser.parse_args()
    fault = mixed(options.faults, options.seed) if options.faults else lambda call: None
    server = FakeOpenAI(latency=options.latency, fault=fault, hang=options.hang, log=options.log, keep=False)

    async def serve() -> None:
        async with await server.listen(options.port) as listening:
            print(server.url, flush=True)
            await listening.serve_forever()

    asyncio.run(serve())


if __name__ == "__main__":
    main()
