"""How near does ``pcode annotate`` come to what latency alone allows?

    python benchmarks/annotate_concurrency.py                    5,000 requests, 200 ms, 64 and 256 in flight, median of 3
    python benchmarks/annotate_concurrency.py --units 20 -C 64   windows of 20 units
    python benchmarks/annotate_concurrency.py --beside CHECKOUT  CPU time a request, in turn with another checkout's, in pairs

The server (tests/fake_openai.py) is a process of its own. A command's time is that of the whole process; its start-up,
measured from its start to the arrival of the first request at the server, is taken off. What is left holds everything
that a run does: cutting units, building prompts, HTTP, checking replies, writing the ledger, units, codings and
manifest, and ending the process. The ideal is ⌈N/C⌉ × latency. The floor is a bare aiohttp client that sends bodies of
the same size to the same server and throws the replies away, timed from its own first request.
"""

from __future__ import annotations

import argparse
import json
import math
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NamedTuple

ROOT = Path(__file__).resolve().parent.parent
SERVER = ROOT / "tests" / "fake_openai.py"

FLOOR = """
import asyncio, json, sys, aiohttp
url, model, n, c, sample = sys.argv[1], "fake", int(sys.argv[2]), int(sys.argv[3]), sys.argv[4]
async def main():
    body = json.loads(open(sample).read())
    async with aiohttp.ClientSession(connector=aiohttp.TCPConnector(limit=c)) as session:
        async def worker(numbers):
            for number in numbers:
                body["seed"] = number
                async with session.post(url + "/chat/completions", data=json.dumps(body).encode()) as reply:
                    await reply.read()
        numbers = iter(range(n))
        await asyncio.gather(*(worker(numbers) for _ in range(c)))
asyncio.run(main())
"""


class Timing(NamedTuple):
    """Seconds from the first request to the end, seconds before, CPU seconds of all, peak resident MiB."""

    wall: float
    startup: float
    cpu: float
    peak: float


def write_traces(path: Path, requests: int, units: int, windows: int) -> None:
    """Traces of ``windows`` windows of ``units`` sentences, a dozen words each, all different."""
    with path.open("w") as file:
        for n in range(math.ceil(requests / windows)):
            here = min(windows, requests - n * windows) * units
            said = " ".join(
                f"Okay, so this is sentence number {i} of trace {n}, about a dozen words."
                for i in range(here)
            )
            file.write(
                json.dumps(
                    {
                        "id": f"t{n}",
                        "question": "Why does the pupil think that 1/3 is less than 1/4?",
                        "reasoning": said,
                    }
                )
                + "\n"
            )


def measure(command: list[str], log: Path, checkout: Path) -> Timing:
    """Run a command of a checkout against a fresh log of the server."""
    began = time.time()
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, cwd=checkout)
    _, status, used = os.wait4(process.pid, 0)
    ended = time.time()
    if status:
        raise SystemExit(process.stderr.read().decode() if process.stderr else f"status {status}")
    first = next(json.loads(line)["at"] for line in log.read_text().splitlines() if '"first"' in line)
    return Timing(ended - first, first - began, used.ru_utime + used.ru_stime, used.ru_maxrss / 1024)


def once(
    kind: str,
    requests: int,
    concurrency: int,
    latency: float,
    units: int,
    windows: int,
    checkout: Path = ROOT,
) -> Timing:
    """One run of the command (or of the floor) against a fresh server, in a fresh directory."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        traces, log = folder / "traces.jsonl", folder / "served.jsonl"
        write_traces(traces, requests, units, windows)
        serve = [sys.executable, str(SERVER), "--latency", str(latency), "--log", str(log)]
        server = subprocess.Popen(serve, stdout=subprocess.PIPE, text=True)
        try:
            assert server.stdout is not None
            url = server.stdout.readline().strip()
            command = [
                sys.executable,
                "-m",
                "pedagogy_r1",
                "annotate",
                str(traces),
                "-o",
                str(folder / "run"),
                "--model",
                "openai:fake",
            ]
            command += ["--base-url", url, "--window", str(units), "--concurrency", str(concurrency)]
            if kind == "floor":
                (folder / "body.json").write_text(json.dumps(sample_body(units)))
                command = [
                    sys.executable,
                    "-c",
                    FLOOR,
                    url,
                    str(requests),
                    str(concurrency),
                    str(folder / "body.json"),
                ]
            timing = measure(command, log, checkout)
            if kind != "floor":
                check(folder, requests)
            return timing
        finally:
            server.terminate()
            server.wait()


def sample_body(units: int) -> dict[str, Any]:
    """A request as the coder sends it."""
    from pedagogy_r1.codebook import load_codebook
    from pedagogy_r1.coding.prompt_and_reply import make_prompt, message

    prompt = make_prompt(load_codebook("schoen"))
    text = "Okay, so this is sentence number 7 of trace 7, about a dozen words."
    asked = [{"unit": number, "text": text} for number in range(1, units + 1)]
    user = message("Why does the pupil think that 1/3 is less than 1/4?", [text] * 5, asked)
    form = {
        "type": "json_schema",
        "json_schema": {"name": "codings", "strict": True, "schema": prompt.schema},
    }
    messages = [{"role": "system", "content": prompt.system}, {"role": "user", "content": user}]
    return {"model": "fake", "temperature": 0.0, "seed": 0, "response_format": form, "messages": messages}


def check(folder: Path, requests: int) -> None:
    """The run is whole: as many requests as meant, and nothing missing."""
    manifest = json.loads((folder / "run" / "run.json").read_text())
    assert manifest["status"] == "complete", manifest
    assert manifest["usage"]["requests"] == requests, manifest["usage"]
    assert not manifest["counts"]["missing"], manifest["counts"]


def beside(options: argparse.Namespace) -> None:
    """CPU milliseconds a request, this checkout and the other in turn: each pair, and the median of their ratios."""
    n, rest = options.requests[0], (options.latency, options.units, options.windows)
    ratios = []
    for _ in range(options.repeat):
        mine, other = (
            once("annotate", n, options.concurrency[0], *rest, checkout=where).cpu / n * 1000
            for where in (ROOT, options.beside.resolve())
        )
        ratios.append(mine / other)
        print(f"{mine:.2f} ms a request, {other:.2f} there: {mine / other:.3f}", flush=True)
    print(f"median {statistics.median(ratios):.3f} ({min(ratios):.3f} to {max(ratios):.3f})")


def main() -> None:
    """Print one line per configuration."""
    parser = argparse.ArgumentParser()
    parser.add_argument("-n", "--requests", type=int, nargs="+", default=[5000])
    parser.add_argument("-C", "--concurrency", type=int, nargs="+", default=[64, 256])
    parser.add_argument("--latency", type=float, default=0.2)
    parser.add_argument("--units", type=int, default=5, help="units a window")
    parser.add_argument("--windows", type=int, default=5, help="windows a trace")
    parser.add_argument("--repeat", type=int, default=3)
    parser.add_argument("--kinds", nargs="+", default=["annotate", "floor"])
    parser.add_argument("--beside", type=Path, help="another checkout")
    options = parser.parse_args()
    if options.beside:
        beside(options)
        return
    print(
        f"{'':>9} {'N':>6} {'C':>4} {'ideal s':>8} {'wall s':>7} {'ratio':>6} {'all ratios':>18} {'start-up s':>10} {'CPU ms/req':>10} {'peak MiB':>8}"
    )
    for n in options.requests:
        for c in options.concurrency:
            ideal = math.ceil(n / c) * options.latency
            for kind in options.kinds:
                runs = [
                    once(kind, n, c, options.latency, options.units, options.windows)
                    for _ in range(options.repeat)
                ]
                middle = sorted(runs)[len(runs) // 2]
                ratios = " ".join(f"{run.wall / ideal:.2f}" for run in sorted(runs))
                cpu, peak = (
                    statistics.median(run.cpu for run in runs) / n * 1000,
                    max(run.peak for run in runs),
                )
                print(
                    f"{kind:>9} {n:>6} {c:>4} {ideal:>8.2f} {middle.wall:>7.2f} {middle.wall / ideal:>6.2f} {ratios:>18} "
                    f"{middle.startup:>10.2f} {cpu:>10.2f} {peak:>8.0f}",
                    flush=True,
                )


if __name__ == "__main__":
    main()
