"""How long the Read page takes, and how much memory, over many traces.

    python benchmarks/web_speed.py --traces 2000 --units 300000

Synthetic runs: two machines code every unit (with evidence and rationale), A and B a third of the traces. The server is a process
of its own, started as `pcode web` starts; times are of whole responses over HTTP, memory is the largest RSS of that process.
``--runs FOLDER`` keeps the runs. ``--attack 100``: instead, how long somebody who is in waits for a page while that many others send
wrong passwords, over and over, for half a minute.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import statistics
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from http.client import HTTPConnection
from http.cookiejar import CookieJar
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import HTTPCookieProcessor, OpenerDirector, build_opener

from pedagogy_r1.codebook import Codebook, load_codebook
from pedagogy_r1.codebook.snapshot import dump_codebook
from pedagogy_r1.job import save_record
from pedagogy_r1.runs.run import CoderInfo, Coding, Manifest
from pedagogy_r1.trace import Trace
from pedagogy_r1.unit import Unit, unit_id
from pedagogy_r1.web.keys import set_password

DOMAINS, CONDITIONS = ("SK", "PK", "KT", "AES", "DM"), ("generic", "cop")
WORDS = [
    "wait",
    "so",
    "the",
    "answer",
    "would",
    "be",
    "that",
    "fraction",
    "student",
    "teacher",
    "because",
    "I",
    "should",
    "check",
    "whether",
    "this",
    "step",
    "—",
    "x²",
    "holds",
]
SEARCHED = "“a rare phrase”"


def main() -> None:
    """Write the runs, start the server, ask, print."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("--traces", type=int, default=2000)
    parser.add_argument("--units", type=int, default=300_000)
    parser.add_argument("--runs", type=Path, help="folder to keep the runs in")
    parser.add_argument("--attack", type=int, default=0, help="how many send wrong passwords at once")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.runs or Path(temporary)
        if not (folder / "people").is_dir():
            write_runs(folder, options.traces, options.units // options.traces)
        runs = [folder / name for name in ("machine_1", "machine_2", "people")]
        measure_attack(runs, options.attack) if options.attack else measure(runs)


def measure(runs: list[Path]) -> None:
    """Start a server on the runs and print what each page takes."""
    began = time.perf_counter()
    command = [sys.executable, "-m", "pedagogy_r1", "web", *map(str, runs), "--no-browser"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            url = server.stdout.readline().strip()
            print(
                f"start to address          {time.perf_counter() - began:6.2f} s, {busy(server.pid):.2f} s of processor"
            )
            browser = build_opener(HTTPCookieProcessor(CookieJar()))
            asked = time.perf_counter()
            first = get(browser, url)
            now = time.perf_counter()
            print(
                f"first page                {now - asked:6.2f} s after asking, {now - began:.2f} s after starting, {busy(server.pid):.2f} s of processor"
            )
            base = url.split("?")[0]
            timed(browser, "filter while indexing", f"{base}read?code=OA-ME")
            print(
                f"everything indexed        {time.perf_counter() - began:6.2f} s after starting, {busy(server.pid):.2f} s of processor"
            )
            for name, path in (
                ("list again", "read"),
                ("page 20 of the list", "read?page=20"),
                ("filter by code", "read?code=IA-SQ"),
                ("filter by disagreement", "read?differ=primary&domain=SK"),
                ("first search", f"read?q={'quite+absent'}"),
                ("search again", "read?q=a+rare+phrase"),
                ("a trace", "read/trace?id=t1000"),
                ("a trace, as text", "read/trace?id=t1000&view=text"),
                ("a coding's details", f"read/unit?trace=t1000&unit={first_unit('t1000')}"),
            ):
                timed(browser, name, base + path)
            print(f"memory, at most           {peak(server.pid):6.0f} MB")
            print(f"first page's size         {len(first) / 1000:6.0f} kB")
        finally:
            server.terminate()


FORM = {"Content-Type": "application/x-www-form-urlencoded"}


def measure_attack(runs: list[Path], attackers: int, seconds: float = 30) -> None:
    """Print how long pages take somebody who is in, before and while ``attackers`` send wrong passwords."""
    passwords = runs[0].parent / "passwords"
    set_password(passwords, "Ann", "correct horse")
    command = [sys.executable, "-m", "pedagogy_r1", "web", *map(str, runs), "--no-browser"]
    command += ["--password-file", str(passwords)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as server:
        assert server.stdout is not None
        try:
            place = server.stdout.readline().strip().split("/")[2]
            cookie = post(place, "Ann", "correct horse")[1]
            print_pages("alone", place, cookie, 5)
            end = time.monotonic() + seconds
            with ThreadPoolExecutor(attackers) as pool:
                tried = [pool.submit(attack, place, f"guess {n}", end) for n in range(attackers)]
                time.sleep(1)
                print_pages("during the attack", place, cookie, seconds - 2)
                answers = sum((one.result() for one in tried), Counter[int]())
            print(
                f"wrong passwords answered  {dict(answers)}, {busy(server.pid):.1f} s of processor, {peak(server.pid):.0f} MB"
            )
        finally:
            server.terminate()


def attack(place: str, password: str, end: float) -> Counter[int]:
    """One wrong password after another; the statuses that came back."""
    found = Counter[int]()
    while time.monotonic() < end:
        found[post(place, "Ann", password)[0]] += 1
    return found


def post(place: str, name: str, password: str) -> tuple[int, str]:
    """Log in: status and cookie."""
    connection = HTTPConnection(place, timeout=300)
    connection.request("POST", "/login", urlencode({"name": name, "password": password}), FORM)
    answer = connection.getresponse()
    answer.read()
    connection.close()
    return answer.status, (answer.getheader("set-cookie") or "").split(";")[0]


def print_pages(when: str, place: str, cookie: str, seconds: float) -> None:
    """Load pages for a while, one after the other, and print what they took."""
    took, end = [], time.monotonic() + seconds
    while time.monotonic() < end or not took:
        asked = time.monotonic()
        connection = HTTPConnection(place, timeout=300)
        connection.request("GET", "/read/trace?id=t10", headers={"Cookie": cookie})
        assert connection.getresponse().status == 200
        took.append(time.monotonic() - asked)
        connection.close()
        time.sleep(0.1)
    print(
        f"{when:24s}  median {statistics.median(took):.3f} s, longest {max(took):.3f} s of {len(took)} pages"
    )


def timed(browser: OpenerDirector, name: str, url: str) -> None:
    """Ask once and print."""
    asked = time.perf_counter()
    size = len(get(browser, url))
    print(f"{name:24s}  {time.perf_counter() - asked:6.3f} s  {size / 1000:5.0f} kB")


def get(browser: OpenerDirector, url: str) -> bytes:
    """A page's bytes."""
    with browser.open(url) as response:
        body: bytes = response.read()
    return body


def peak(process: int) -> float:
    """Largest resident set so far, in MB."""
    lines = Path(f"/proc/{process}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1000


def busy(process: int) -> float:
    """Seconds of processor time so far: says more than the clock on a machine that does other things."""
    after = Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()
    return (int(after[11]) + int(after[12])) / os.sysconf("SC_CLK_TCK")


def first_unit(trace: str) -> str:
    """Id of a trace's first unit."""
    return unit_id(trace, "sentence@1", 0, len(next(units_of(trace, 1)).text))


def write_runs(folder: Path, traces: int, per_trace: int) -> None:
    """Runs ``machine_1``, ``machine_2`` and ``people``."""
    book, rng = load_codebook("schoen"), random.Random(0)
    names = [f"t{n}" for n in range(traces)]
    for run, kind, coders, share in (
        ("machine_1", "machine", ["cues"], 1),
        ("machine_2", "machine", ["openai:large"], 1),
        ("people", "human", ["A", "B"], 3),
    ):
        write_run(folder / run, book, kind, coders, names[::share], per_trace, rng)


def write_run(
    folder: Path,
    book: Codebook,
    kind: str,
    coders: list[str],
    traces: list[str],
    per_trace: int,
    rng: random.Random,
) -> None:
    """One run, as `RunWriter` leaves it."""
    folder.mkdir(parents=True)
    names = ("traces.jsonl", "units.jsonl", "codings.jsonl")
    files = [(folder / name).open("w", encoding="utf-8") for name in names]
    for trace in traces:
        units = list(units_of(trace, per_trace))
        number = int(trace[1:])
        made = Trace(
            id=trace,
            question=f"Question {number}: which of these is right?",
            reasoning=" ".join(unit.text for unit in units),
            answer="B",
            domain=DOMAINS[number % 5],
            condition=CONDITIONS[number % 2],
            model="synthetic",
            correct=number % 3 > 0,
        )
        files[0].write(
            json.dumps(made.model_dump(mode="json", exclude_defaults=True), ensure_ascii=False) + "\n"
        )
        for unit in units:
            files[1].write(unit.json_line())
            for coder in coders:
                files[2].write(coding(unit, coder, kind, book, rng).json_line())
    for file in files:
        file.close()
    manifest = Manifest(
        run_id=folder.name,
        fingerprint=folder.name,
        status="complete",
        started="2026-01-01T00:00:00+00:00",
        codebook={"id": book.id, "version": book.version, "digest": book.digest},
        coders=[CoderInfo(name=name, kind="human" if kind == "human" else "machine") for name in coders],
        coder="synthetic",
        scheme="sentence@1",
        bytes={name: (folder / name).stat().st_size for name in names},
    )
    save_record(folder / "run.json", manifest)
    (folder / "codebook.yaml").write_text(dump_codebook(book), encoding="utf-8")


def units_of(trace: str, count: int) -> Iterator[Unit]:
    """The units of a trace: the same whichever run asks."""
    rng, start = random.Random(trace), 0
    for index in range(count):
        words = rng.choices(WORDS, k=rng.randint(5, 30))
        text = " ".join([SEARCHED] * (rng.random() < 0.0005) + words).capitalize() + "."
        end = start + len(text)
        yield Unit(
            id=unit_id(trace, "sentence@1", start, end),
            trace_id=trace,
            scheme="sentence@1",
            index=index,
            start=start,
            end=end,
            text=text,
            tokens=len(words) + 1,
        )
        start = end + 1


def coding(unit: Unit, coder: str, kind: str, book: Codebook, rng: random.Random) -> Coding:
    """A coding of mostly the unit's own code, else any."""
    codes = book.code_ids
    code = codes[len(unit.text) % len(codes)] if rng.random() < 0.7 else rng.choice(codes)
    machine = kind == "machine"
    return Coding(
        unit_id=unit.id,
        coder=coder,
        codes=(code,),
        evidence=unit.text[:20] if machine else None,
        confidence=round(rng.random(), 3) if machine else None,
        rationale=f"{code}: because the unit says so in as many words" if machine else None,
        codebook=book.stamp,
        run_id=coder,
    )


if __name__ == "__main__":
    main()
