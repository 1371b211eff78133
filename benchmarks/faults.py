"""Real faults on real processes: disks that fill up, SIGKILL, torn tails. What is lost, and does the same command go on?

    python -m benchmarks.faults [full] [kill] [torn] [--times 30] [--sizes 20] [--only annotate]

A full disk is a tmpfs of a given size (root; else no file may grow beyond the size). Commands run in forks of this process, which
has imported everything. A kill falls at a random point of a command's *progress*: of the processor time between the first file of its
folder and its end, so that load moves nothing; one that comes too late is tried again. Disks are of sizes that do not hold the whole outcome. Each
fault has a new folder; the outcome is compared, byte by byte and times of day aside, with that of a run without one.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, NamedTuple

from click.testing import CliRunner

from pedagogy_r1.cli import cmd_annotate, cmd_filter, cmd_import, cmd_sft, cmd_wbeb_eval, main
from pedagogy_r1.errors import LedgerWarning
from pedagogy_r1.files.checkpointed import CheckpointedFiles
from pedagogy_r1.files.ledger import Ledger
from pedagogy_r1.human.coding_log import read_log
from pedagogy_r1.shipped import folder as shipped
from pedagogy_r1.train.stage_inputs import files
from pedagogy_r1.wbeb.item import write_items
from tests.coders import form
from tests.fake_openai import FakeOpenAI
from tests.packets import make_packet
from tests.wbeb_items import all_domains, thinker
from tests.web_server import WebServer, web_server

COMMANDS = (cmd_annotate, cmd_filter, cmd_import, cmd_sft, cmd_wbeb_eval)
DEMO = shipped("demo")
PAGE = 4096
RESERVE = 12 * PAGE
"""What a folder of work takes before it begins: its lock, which holds room for a record, and the first record."""


class Ended(NamedTuple):
    """How a command ended (negative: by that signal), and what it said on stderr."""

    status: int
    said: str

    @property
    def traceback(self) -> bool:
        return "Traceback" in self.said


class Job(NamedTuple):
    """``words`` of a command, given its folder; the folder's files are the outcome."""

    name: str
    words: Callable[[Path], list[object]]
    before: Callable[[Path], object] = lambda _: None


class Row(NamedTuple):
    """A line of the table."""

    fault: str
    what: str
    tried: int
    met: int
    lost: int
    tracebacks: int
    not_gone_on: int

    def markdown(self) -> str:
        return f"| {self.fault} | {self.what} | {self.tried} | {self.met} | {self.lost} | {self.tracebacks} | {self.not_gone_on} |"


def start(words: list[object], log: Path, room: int | None = None) -> int:
    """The process id of ``pcode WORDS`` in a fork; its output goes to ``log``."""
    child = os.fork()
    if child:
        return child
    try:
        handle = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
        os.dup2(handle, 1)
        os.dup2(handle, 2)
        sys.stdout, sys.stderr = open(1, "w", closefd=False), open(2, "w", closefd=False)  # noqa: SIM115 - until the end
        if room is not None:
            resource.setrlimit(resource.RLIMIT_FSIZE, (room, resource.RLIM_INFINITY))
        sys.argv = ["pcode", *map(str, words)]
        main.main()
        status = 0
    except SystemExit as end:
        status = end.code if isinstance(end.code, int) else 0
    except BaseException:  # noqa: BLE001 - a traceback is what is looked for
        import traceback

        traceback.print_exc()
        status = 99
    sys.stdout.flush()
    os._exit(status)


def run(words: list[object], log: Path, room: int | None = None) -> Ended:
    """The same, to its end."""
    _, status = os.waitpid(start(words, log, room), 0)
    return Ended(os.waitstatus_to_exitcode(status), log.read_text(errors="replace"))


def outcome(folder: Path) -> dict[str, bytes]:
    found = (path for path in files(folder) if path.parent.name != "stages")
    return {str(path.relative_to(folder)): path.read_bytes() for path in found}


@contextmanager
def disk(place: Path) -> Iterator[Callable[[int], bool]]:
    """A disk at ``place``; what is yielded gives it a size, and says whether it could."""
    place.mkdir(parents=True, exist_ok=True)
    mounted = (
        os.geteuid() == 0
        and not subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64m", "tmpfs", place]).returncode
    )

    def size(room: int) -> bool:
        return mounted and not subprocess.run(["mount", "-o", f"remount,size={room}", place]).returncode

    try:
        yield size
    finally:
        if mounted:
            subprocess.run(["umount", "-l", place], check=True)
        shutil.rmtree(place, ignore_errors=True)


# --- what is done


def jobs(home: Path, server: FakeOpenAI) -> dict[str, Job]:
    traces = home / "traces.jsonl"
    with traces.open("w") as out:
        for copy in range(3):
            for line in (DEMO / "traces.jsonl").open():
                value = json.loads(line)
                out.write(json.dumps(value | {"id": f"{value['id']}-{copy}"}) + "\n")
    many = home / "many.jsonl"
    with many.open("w") as out:
        for copy in range(20):
            for line in traces.open():
                value = json.loads(line)
                out.write(json.dumps(value | {"id": f"{value['id']}-{copy}"}) + "\n")
    short = home / "short.jsonl"
    short.write_text("".join((DEMO / "traces.jsonl").open()))
    items = home / "items.jsonl"
    write_items(items, all_domains(40))
    model = ("--model", "openai:fake", "--base-url", server.url, "--window", "5", "--concurrency", "8")
    people = [DEMO / "coder_A.csv", DEMO / "coder_B.csv", "--traces", DEMO / "traces.jsonl"]
    under = ["--codebook", "schoen@1.0.0", "--project", "sentence@1"]
    asked = ["--base-url", server.url, "--concurrency", "8", "--replicates", "0"]
    recipe = home / "recipe.yaml"
    recipe.write_text(
        f"id: two\ntitle: filter, code\nparameters: {{}}\nstages:\n"
        f'  some: {{run: filter, arguments: ["{short}"], options: {{policy: all}}}}\n'
        f'  coded: {{run: annotate, arguments: ["${{some}}/kept.jsonl"], options: {{codebook: schoen}}}}\n'
    )
    found = [
        Job("annotate", lambda out: ["annotate", traces, "-o", out]),
        Job("annotate with a model", lambda out: ["annotate", short, "-o", out, *model]),
        Job("import", lambda out: ["import", *people, "-o", out, *under]),
        Job("filter", lambda out: ["filter", many, "-o", out, "--policy", "all"]),
        Job("eval", lambda out: ["wbeb", "eval", "openai:fake", items, "-o", out, *asked]),
        Job("pipeline", lambda out: ["pipeline", "run", recipe, "-o", out]),
    ]
    return {job.name: job for job in found}


def sft(home: Path) -> Job:
    from tests.train.test_sft import trace

    traces, tiny = home / "sft.jsonl", home / "tiny"
    traces.write_text("".join(json.dumps(trace(n)) + "\n" for n in range(40)))
    small = ["--texts", traces, "--vocab", 400, "--layers", 1, "--positions", 512]
    assert run(["pipeline", "tiny", "-o", tiny, *small], home / "log").status == 0
    how = ["--epochs", 2, "--max-length", 160, "--device", "cpu", "--merge"]
    return Job("sft", lambda out: ["sft", traces, "-o", out, "--model", tiny, *how])


# --- full disks


def clean_run(home: Path, job: Job) -> dict[str, bytes]:
    """The outcome without a fault. It is run in this process, so that the forks find everything imported; not what trains."""
    clean = home / "clean"
    shutil.rmtree(clean, ignore_errors=True)
    if job.name != "sft":
        CliRunner().invoke(main.cli, [str(word) for word in job.words(clean)], catch_exceptions=False)
        shutil.rmtree(clean)
    ended = run(job.words(clean), home / "log")
    assert ended.status == 0, ended.said
    return outcome(clean)


def full(home: Path, job: Job, sizes: int) -> Row:
    """``sizes`` disks, from one that takes the beginning of a run to one that lacks a page of all of it."""
    wanted, count = clean_run(home, job), Counter[str]()
    log = home / "log"
    enough = least_room(home, job)
    for number in range(sizes):
        room = RESERVE + (enough - RESERVE) * number // sizes
        with disk(home / "disk") as size:
            out = home / "disk" / "out"
            real = size(room)
            first = run(job.words(out), log, None if real else room // 4)
            count["met"] += first.status != 0
            count["traceback"] += first.traceback
            status = (
                json.loads((out / "run.json").read_bytes())["status"] if (out / "run.json").is_file() else ""
            )
            count["traceback"] += first.status != 0 and ("error:" not in first.said or status == "running")
            if real:
                size(64 << 20)
            again = run(job.words(out), log)
            count["traceback"] += again.traceback
            count["stuck"] += again.status != 0
            count["lost"] += outcome(out) != wanted
            if again.status or first.traceback or outcome(out) != wanted or status == "running":
                print(job.name, room, first, again, status, file=sys.stderr)
    return Row("disk full", job.name, sizes, count["met"], count["lost"], count["traceback"], count["stuck"])


def least_room(home: Path, job: Job) -> int:
    """About the least disk that holds the whole outcome, which lies in ``home/clean``; one that is a tenth smaller does not."""
    pages = (-(-path.stat().st_size // PAGE) + 1 for path in (home / "clean").rglob("*"))
    low, high = RESERVE, RESERVE + sum(pages) * PAGE
    while high - low > max(PAGE, high // 20):
        room = (low + high) // 2
        with disk(home / "disk") as size:
            real = size(room)
            ended = run(job.words(home / "disk" / "out"), home / "log", None if real else room // 4)
        low, high = (room, high) if ended.status else (low, room)
    return low


def fill(place: Path) -> None:
    """Take what is left."""
    with (place / "others").open("ab", buffering=0) as others, suppress(OSError):
        while True:
            others.write(b"x" * 64)


def full_web(home: Path, sizes: int, adjudicate: bool) -> Row:
    """Saves until the disk is full, more of them, room, more again; the log has what was answered as saved, and a server opens it."""
    count = Counter[str]()
    for number in range(sizes):
        with disk(home / "disk") as size:
            packet = make_packet(home / "disk" / "packet")
            words: list[object] = ["--packet", packet.folder, "--coder", "A"]
            log, path = packet.folder / "A" / "web.jsonl", "/code"
            if adjudicate:
                differ(packet.folder)
                words, path = (
                    ["--packet", packet.folder, "--adjudicate", "Ada", "-o", home / "disk/gold"],
                    "/adjudicate",
                )
                log = home / "disk" / "gold" / "ledger.jsonl"
            saved: dict[int, str] = {}
            with web_server(*words) as server:
                server.enter()
                save(server, path, saved, count, 1, "a" * (1 + number * 201))
                if size(64 << 20):
                    fill(home / "disk")
                    limit = None
                else:
                    limit = resource.prlimit(
                        server.process.pid, resource.RLIMIT_FSIZE, (log.stat().st_size + number * 97, -1)
                    )
                for nth in range(2, 22):
                    save(server, path, saved, count, 1 + nth % 2, f"{nth} " + "b" * (1 + number * 53 % 400))
                if adjudicate and form(server, f"{path}/write").status not in (303, 507):
                    count["traceback"] += 1
                (home / "disk" / "others").unlink(missing_ok=True)
                if limit:
                    resource.prlimit(server.process.pid, resource.RLIMIT_FSIZE, limit)
                save(server, path, saved, count, 2, "there is room again")
                if adjudicate:
                    count["stuck"] += form(server, f"{path}/write").status != 303
                server.process.kill()
            memos = {entry.memo for entry in read_log(log)[1].entries.values()}
            count["lost"] += len(set(saved.values()) - memos)
            with web_server(*words) as server:
                server.enter()
                count["stuck"] += server.ask(f"{path}/1").status != 200
    what = "adjudicate" if adjudicate else "web save"
    return Row("disk full", what, sizes, count["met"], count["lost"], count["traceback"], count["stuck"])


def differ(packet: Path) -> None:
    """Two coders who differ in every unit."""
    for coder, code in (("A", "A"), ("B", "B")):
        with web_server("--packet", packet, "--coder", coder) as server:
            server.enter()
            for number in range(1, 6):
                assert form(server, f"/code/{number}", do=f"first {code}").status == 303


def save(
    server: WebServer, path: str, saved: dict[int, str], count: Counter[str], number: int, memo: str
) -> None:
    answer = form(server, f"{path}/{number}", do="first C", memo=memo, memo_was=saved.get(number, ""))
    if answer.status == 303:
        saved[number] = memo
    elif answer.status == 507 and "Not saved" in answer.text:
        count["met"] += 1
    else:
        count["traceback"] += 1


# --- kills


def worked(process: int) -> float:
    """Seconds of processor that another process has used: its clock, as Linux numbers it (``clock_getcpuclockid``)."""
    return time.clock_gettime((~process << 3) | 2)


def watch(process: int, out: Path, limit: float = float("inf")) -> float:
    """The processor seconds since the first file in ``out``, at the end of ``process`` or when they have reached ``limit``."""
    began, spent = None, 0.0
    while spent < limit and not os.waitid(os.P_PID, process, os.WEXITED | os.WNOHANG | os.WNOWAIT):
        if began is not None:
            spent = worked(process) - began
        elif out.is_dir() and any(out.iterdir()):
            began = worked(process)
        time.sleep(0.0003)
    return spent


def kill(home: Path, job: Job, times: int, chance: random.Random, tear: bool = False) -> Row:
    """``tear``: the last line of the replies that are on disk is then torn, or NUL bytes lie behind it, as after a power cut."""
    wanted, log, count = clean_run(home, job), home / "log", Counter[str]()
    child = start(job.words(home / "timed"), log)
    whole = watch(child, home / "timed")
    os.waitpid(child, 0)
    shutil.rmtree(home / "timed")
    while count["met"] < times and count["tried"] < 5 * times:
        out = home / "killed" / f"{job.name}-{count['tried']}"
        count["tried"] += 1
        child = start(job.words(out), log)
        watch(child, out, chance.uniform(0, whole))
        with suppress(ProcessLookupError):
            os.kill(child, signal.SIGKILL)
        count["met"] += os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == -signal.SIGKILL
        if tear and (out / "ledger.jsonl").is_file():
            replies = (out / "ledger.jsonl").read_bytes()
            (out / "ledger.jsonl").write_bytes(
                replies[: max(0, len(replies) - chance.randrange(60))] + b"\0" * chance.randrange(3)
            )
        again = run(job.words(out), log)
        count["traceback"] += again.traceback
        count["stuck"] += again.status != 0
        count["lost"] += outcome(out) != wanted
        if again.status or outcome(out) != wanted:
            print(job.name, count["tried"], again, file=sys.stderr)
        shutil.rmtree(out)
    fault = "SIGKILL, then a torn tail" if tear else "SIGKILL"
    return Row(
        fault, job.name, count["tried"], count["met"], count["lost"], count["traceback"], count["stuck"]
    )


def kill_web(home: Path, times: int, chance: random.Random) -> Row:
    """One person sends as fast as answers come; the server is killed after a random number of them, with another on its way."""
    packet, count, saved = make_packet(home / "packet"), Counter[str](), dict[int, str]()
    units = [task.unit.id for task in packet.tasks("A")]
    for number in range(times):
        with web_server("--packet", packet.folder, "--coder", "A") as server:
            server.enter()
            last = chance.randrange(1, 60)
            try:
                for nth in range(10_000):
                    if nth == last:
                        threading.Timer(chance.uniform(0, 0.01), server.process.kill).start()
                    save(server, "/code", saved, count, 1 + nth % 9, f"{number}.{nth}")
            except (OSError, AssertionError):
                count["met"] += nth >= last
        entries = read_log(packet.folder / "A" / "web.jsonl")[1].entries
        for at, memo in saved.items():
            mine, there = (tuple(map(int, text.split("."))) for text in (memo, entries[units[at - 1]].memo))
            count["lost"] += there < mine
        saved = {at: entries[units[at - 1]].memo for at in saved}
    return Row("SIGKILL", "web", times, count["met"], count["lost"], count["traceback"], 0)


# --- torn tails


def torn(home: Path) -> Iterator[Row]:
    """Every file of lines cut at every byte of its last lines, and each with NUL bytes behind it."""
    path, values = home / "torn.jsonl", [{"n": n, "text": "ünï \U0001f642" * (n % 5)} for n in range(12)]
    ledger, ends = Ledger(path), []
    for value in values:
        ledger.append(value)
        ends.append(ledger.size)
    ledger.close()
    whole, count, tried = path.read_bytes(), Counter[str](), 0
    for cut in range(len(whole) + 1):
        for tail in (b"", b"\0" * 100, b"\0\n\0"):
            tried += 1
            path.write_bytes(whole[:cut] + tail)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore", LedgerWarning)
                again = Ledger(path)
            again.append({"n": "after"})
            kept = [value for _, value in again]
            again.close()
            sure = sum(end <= cut for end in ends)
            count["lost"] += (
                kept[:sure] != values[:sure] or kept[-1] != {"n": "after"} or len(kept) > sure + 2
            )
    yield Row("torn or NUL tail", "a ledger", tried, tried, count["lost"], 0, 0)
    place = home / "torn"
    place.mkdir()
    made = CheckpointedFiles(place, {"a": "a.txt"})
    for n in range(8):
        made.append({"a": f"{n}\n"})
        made.checkpoint()
    made.close()
    marks, data = (place / "checkpoint.jsonl").read_bytes(), (place / "a.txt").read_bytes()
    lost = 0
    for cut in range(len(marks) + 1):
        (place / "checkpoint.jsonl").write_bytes(marks[:cut] + b"\0" * (cut % 3))
        (place / "a.txt").write_bytes(data + b"half a li")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore", LedgerWarning)
            again_ = CheckpointedFiles(place, {"a": "a.txt"})
        lost += (place / "a.txt").read_bytes() != data[: 2 * again_.done] or again_.done < marks[:cut].count(
            b"\n"
        )
        again_.close()
    yield Row("torn or NUL tail", "a run's checkpoints", len(marks) + 1, len(marks) + 1, lost, 0, 0)


def rows(asked: Any, home: Path, server: FakeOpenAI) -> Iterator[Row]:
    known, chance = jobs(home, server), random.Random(11)
    if "full" in asked.faults:
        for name in chosen(asked, "annotate", "import", "pipeline"):
            yield full(home, known[name], asked.sizes)
        for name in chosen(asked, "web", "adjudicate"):
            yield full_web(home, asked.sizes, name == "adjudicate")
    if "kill" in asked.faults:
        for name in chosen(asked, "annotate", "annotate with a model", "import", "filter", "eval"):
            yield kill(home, known[name], asked.times, chance)
        for _ in chosen(asked, "web"):
            yield kill_web(home, asked.times, chance)
        for _ in chosen(asked, "sft"):
            yield kill(home, sft(home), asked.times, chance)
    if "torn" in asked.faults:
        for name in chosen(asked, "annotate with a model"):
            yield kill(home, known[name], asked.times, chance, tear=True)
        yield from torn(home)


def chosen(asked: Any, *names: str) -> list[str]:
    return [name for name in names if not asked.only or name in asked.only]


def command() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("faults", nargs="*", default=["full", "kill", "torn"])
    parser.add_argument("--times", type=int, default=30)
    parser.add_argument("--sizes", type=int, default=20)
    parser.add_argument("--only", nargs="*")
    asked = parser.parse_args()
    print(
        "| fault | what | tried | met | lost | tracebacks, wrong status | did not go on |\n|---|---|---|---|---|---|---|"
    )
    with tempfile.TemporaryDirectory() as folder, FakeOpenAI(answer=thinker, latency=0.01) as server:
        for row in rows(asked, Path(folder), server):
            print(row.markdown(), flush=True)


if __name__ == "__main__":
    command()
