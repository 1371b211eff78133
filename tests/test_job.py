"""A job's folder: refused, taken up, damaged, killed."""

from __future__ import annotations

import contextlib
import fcntl
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from pedagogy_r1.errors import DiskError, LedgerWarning, RunError
from pedagogy_r1.files.checkpointed import CheckpointedFiles
from pedagogy_r1.job import JobFolder, JobRecord, differences, hold, locked
from pedagogy_r1.killed import killed
from pedagogy_r1.provenance import digest, now

from .full_disk import room_for


class Toy(JobRecord):
    """A job with one setting and one source."""

    window: int
    source: dict[str, Any]

    def settings(self) -> Mapping[str, Any]:
        return {"window": self.window}

    def sources(self) -> Mapping[str, Any]:
        return self.source


def toy(window: int = 5, **source: Any) -> Toy:
    return Toy(fingerprint=digest([window, source]), started=now(), window=window, source=source)


def test_a_new_folder_has_no_previous_and_a_finished_one_has(tmp_path: Path) -> None:
    with JobFolder(tmp_path / "job", toy()) as job:
        assert job.previous is None
        (tmp_path / "job/out.txt").write_text("12345")
        job.finish("complete")
    with JobFolder(tmp_path / "job", toy()) as again:
        assert again.previous is not None
        assert again.previous.status == "complete"
        assert again.previous.bytes == {"out.txt": 5}
        assert again.damaged() == []
        assert again.record.started == again.previous.started
        (tmp_path / "job/out.txt").write_text("123")
        assert again.damaged() == ["out.txt"]
        (tmp_path / "job/out.txt").unlink()
        assert again.damaged() == ["out.txt"]


def test_somebody_elses_folder_is_refused_and_left_as_it_is(tmp_path: Path) -> None:
    (tmp_path / "notes.md").write_text("mine")
    with pytest.raises(RunError, match=r"is not empty and holds no run \(notes\.md"):
        JobFolder(tmp_path, toy())
    assert sorted(p.name for p in tmp_path.iterdir()) == [".lock", "notes.md"]
    JobFolder(tmp_path, toy(), ours=["notes.md"]).close()


@pytest.mark.parametrize(
    ("other", "words"),
    [
        (toy(20), "window: 5 there, 20 now"),
        (toy(5, traces="a.jsonl", traces_digest="sha256:2"), r"traces: none there, a\.jsonl now"),
    ],
)
def test_another_job_is_refused_in_words(tmp_path: Path, other: Toy, words: str) -> None:
    with JobFolder(tmp_path, toy()) as job:
        job.save()
    with pytest.raises(RunError, match=words):
        JobFolder(tmp_path, other)
    with JobFolder(tmp_path, toy()):
        pass  # a refusal lets go of the lock


@pytest.mark.parametrize(
    "there", ['{"fingerprint": 1}', "[" * 100_000, "\0", '{"fingerprint": "x", "started": "y"}']
)
def test_a_record_that_cannot_be_read_keeps_no_lock(tmp_path: Path, there: str) -> None:
    (tmp_path / "run.json").write_text(there)
    for _ in range(2):
        with pytest.raises(RunError, match=r"run\.json"):
            JobFolder(tmp_path, toy())
    with locked(tmp_path):
        pass


def test_a_changed_file_is_named(tmp_path: Path) -> None:
    with JobFolder(tmp_path, toy(files=["a", "b"], files_digest=["1", "2"])) as job:
        job.save()
    with pytest.raises(RunError, match="b has changed since"):
        JobFolder(tmp_path, toy(files=["a", "b"], files_digest=["1", "3"]))
    with pytest.raises(RunError, match="files: in another order"):
        JobFolder(tmp_path, toy(files=["b", "a"], files_digest=["2", "1"]))


def test_two_processes_cannot_have_one_folder(tmp_path: Path) -> None:
    with JobFolder(tmp_path, toy()), pytest.raises(RunError, match=f"in use by process {os.getpid()}"):
        JobFolder(tmp_path, toy())


def test_whoever_only_looks_whether_a_session_was_killed_keeps_nobody_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".lock").touch()
    looking = os.open(tmp_path / ".lock", os.O_RDONLY)
    fcntl.flock(looking, fcntl.LOCK_SH)
    monkeypatch.setattr("pedagogy_r1.job.time.sleep", lambda _: os.close(looking))  # and is done with it
    with locked(tmp_path):
        assert not killed(tmp_path, "running")
    assert killed(tmp_path, "running")


def test_a_session_that_ended_between_two_looks_is_not_said_to_be_killed(tmp_path: Path) -> None:
    with locked(tmp_path):
        pass
    (tmp_path / "run.json").write_text('{"status": "running"}')
    assert killed(tmp_path, "running")
    (tmp_path / "run.json").write_text('{"status": "complete"}')
    assert not killed(tmp_path, "running")


def test_a_session_whose_lock_cannot_be_read_is_not_said_to_be_killed(tmp_path: Path) -> None:
    """Somebody else's folder; here, a lock that is a link, which is not followed."""
    (tmp_path / "elsewhere").touch()
    (tmp_path / ".lock").symlink_to(tmp_path / "elsewhere")
    assert not killed(tmp_path, "running")


def test_a_record_of_something_else_names_the_field(tmp_path: Path) -> None:
    (tmp_path / "run.json").write_text('{"fingerprint": "x", "started": "y", "window": "many", "source": {}}')
    with pytest.raises(RunError, match=r"run\.json: window: ") as refused:
        JobFolder(tmp_path, toy())
    assert "another kind of job: choose another directory with -o" in refused.value.hint
    assert "changed by hand" in refused.value.hint


def test_an_empty_setting_is_said_to_be_none() -> None:
    class Named(Toy):
        name: str = ""

        def settings(self) -> Mapping[str, Any]:
            return {"window": self.window, "name": self.name}

    asked: dict[str, Any] = {"fingerprint": "x", "started": "y", "source": {}}
    none, zero = Named(window=5, **asked), Named(window=0, name="A", **asked)
    assert differences(none, zero) == "window: 5 there, 0 now; name: none there, 'A' now"


def test_a_setting_of_several_values_is_the_same_once_it_was_read() -> None:
    class Served(Toy):
        urls: list[str] = []

        def settings(self) -> Mapping[str, Any]:
            return {"window": self.window, "urls": self.urls if self.window == 5 else tuple(self.urls)}

    asked: dict[str, Any] = {"fingerprint": "x", "started": "y", "source": {}}
    read, new = (Served(window=window, urls=["a", "b"], **asked) for window in (5, 20))
    assert differences(read, new) == "window: 5 there, 20 now"
    other = Served(window=20, urls=["a"], **asked)
    assert differences(read, other) == "window: 5 there, 20 now; urls: 'a' and 'b' there, 'a' now"


WRITER = """
import sys
from pathlib import Path
from pedagogy_r1.files import checkpointed
from pedagogy_r1.files.checkpointed import CheckpointedFiles
checkpointed.EVERY = 0.0
files = CheckpointedFiles(Path(sys.argv[1]), {"a": "a.txt", "b": "b.txt"})
for number in range(files.done, 100_000):
    files.counts["pieces"] += 1
    files.append({"a": f"{number}\\n", "b": f"{number * 2}\\n"})
    print(number, flush=True)
"""


def test_killed_files_go_on_where_the_last_checkpoint_was(tmp_path: Path) -> None:
    for wanted in (20, 60):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(tmp_path)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        while int(process.stdout.readline()) < wanted:
            pass
        process.send_signal(signal.SIGKILL)
        process.wait()
        process.stdout.close()
    with (tmp_path / "b.txt").open("a") as file:
        file.write("half a li")
    files = CheckpointedFiles(tmp_path, {"a": "a.txt", "b": "b.txt"})
    assert files.done >= 60
    assert files.counts == {"pieces": files.done}
    files.close()
    assert (tmp_path / "a.txt").read_text().split() == [str(n) for n in range(files.done)]
    assert (tmp_path / "b.txt").read_text().split() == [str(2 * n) for n in range(files.done)]


def test_a_file_that_somebody_shortened_does_not_count(tmp_path: Path) -> None:
    files = CheckpointedFiles(tmp_path, {"a": "a.txt"})
    files.append({"a": "0\n"})
    files.checkpoint()
    files.append({"a": "1\n"})
    files.close()
    (tmp_path / "a.txt").write_text("0\n")
    with pytest.warns(LedgerWarning, match=r"a\.txt are not what they were .* behind piece 1 is made again"):
        again = CheckpointedFiles(tmp_path, {"a": "a.txt"})
    assert again.done == 1
    again.close()


def test_a_file_that_somebody_edited_counts_up_to_the_checkpoint_before(tmp_path: Path) -> None:
    files = CheckpointedFiles(tmp_path, {"a": "a.txt"})
    for number in range(4):
        files.append({"a": f"{number}\n"})
        files.checkpoint()
    files.close()
    (tmp_path / "a.txt").write_text("0\n1\n9\n3\n")
    with pytest.warns(LedgerWarning, match="behind piece 2 is made again"):
        again = CheckpointedFiles(tmp_path, {"a": "a.txt"})
    assert again.done == 2
    again.append({"a": "2\n"})
    again.close()
    assert (tmp_path / "a.txt").read_text() == "0\n1\n2\n"
    assert CheckpointedFiles(tmp_path, {"a": "a.txt"}).done == 3


def test_on_a_full_disk_all_files_end_at_the_last_checkpoint(tmp_path: Path) -> None:
    files = CheckpointedFiles(tmp_path, {"a": "a.txt", "b": "b.txt"})
    files.counts["pieces"] += 1
    files.append({"a": "0\n", "b": "0" * 50 + "\n"})
    files.checkpoint()
    files.counts["pieces"] += 1
    files.append({"a": "1\n", "b": "1" * 500 + "\n"})
    with room_for(200), pytest.raises(DiskError, match=r"b\.txt was not written"):
        files.checkpoint()
    assert (files.done, files.counts) == (1, {"pieces": 1})
    files.close()
    assert (tmp_path / "a.txt").read_text() == "0\n"
    assert (tmp_path / "b.txt").read_text() == "0" * 50 + "\n"
    again = CheckpointedFiles(tmp_path, {"a": "a.txt", "b": "b.txt"})
    assert again.done == 1
    again.close()


@pytest.mark.parametrize(
    ("error", "status", "why"),
    [
        (KeyboardInterrupt(), "interrupted", "interrupted by the user"),
        (DiskError("the disk is full", "a.txt"), "stopped", "the disk is full: a.txt was not written"),
        (KeyError("x"), "stopped", "KeyError: 'x'"),
    ],
)
def test_whatever_ends_a_session_is_recorded(
    tmp_path: Path, error: BaseException, status: str, why: str
) -> None:
    with pytest.raises(type(error)), JobFolder(tmp_path, toy()) as job:  # noqa: PT012 - the session is the block
        job.save()
        raise error
    record = Toy.model_validate_json((tmp_path / "run.json").read_bytes())
    assert (record.status, record.stopped_why) == (status, why)
    with JobFolder(tmp_path, toy()) as again:
        assert again.previous == record


@pytest.mark.skipif(os.geteuid() != 0, reason="a disk of its own needs root")
def test_a_disk_without_a_free_byte_still_takes_the_record(tmp_path: Path) -> None:
    disk = tmp_path / "disk"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=256k", "tmpfs", disk]).returncode:
        pytest.skip("no disk can be mounted here")
    try:
        with pytest.raises(DiskError, match="the disk is full"), JobFolder(disk / "job", toy()) as job:
            fill_up(disk, job)
        assert Toy.model_validate_json((disk / "job/run.json").read_bytes()).status == "stopped"
    finally:
        subprocess.run(["umount", "-l", disk], check=True)


def fill_up(disk: Path, job: JobFolder[Toy]) -> None:
    """Others take the last byte while a job is at work."""
    job.save()
    files = CheckpointedFiles(job.folder, {"a": "a.txt"})
    with (disk / "others").open("ab", buffering=0) as others, contextlib.suppress(OSError):
        while others.write(b"y" * 4096):
            pass
    assert os.statvfs(disk).f_bavail == 0
    files.append({"a": "x" * 5000})
    files.checkpoint()


def test_a_piece_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    """Issue 11: half a character in the second file leaves nothing in the first."""
    files = CheckpointedFiles(tmp_path, {"a": "a.txt", "b": "b.txt"})
    files.append({"a": "1\n", "b": "1\n"})
    for bad in ({"a": "2\n", "b": "\ud800"}, {"a": "2\n", "c": "x"}):
        with pytest.raises((UnicodeEncodeError, KeyError)):
            files.append(bad)
    files.close()
    assert ((tmp_path / "a.txt").read_text(), (tmp_path / "b.txt").read_text()) == ("1\n", "1\n")
    assert files.done == 1


def test_what_cannot_be_locked_is_not_said_to_be_in_use(tmp_path: Path) -> None:
    """As on a network file system that locks no files; here, a file that is open for its name alone."""
    with pytest.raises(RunError, match=r"x cannot be locked: bad file descriptor"):
        hold(os.open(tmp_path, os.O_PATH), tmp_path / "x")
