"""Runs a recipe's stages in order, and none twice whose inputs, parameters and code are what they were.

    OUT/recipe.yaml          the recipe as it was run, parameters put in
    OUT/items/, OUT/sft/ …   one folder a stage
    OUT/stages/sft.json      what the stage was made of: words, digests of inputs and outputs, code, versions, seconds

    pipeline = Pipeline(recipe, Path("out"), StageCommands(...))
    for step in pipeline.plan(): step.task.name, step.will, step.why
    pipeline.run()

A stage that was cut off (killed, interrupted, failed) is taken up where it was: every command resumes. Where anything it was
made of has changed, its folder is emptied first, but for ``ledger.jsonl``: answers that were paid for are not paid for twice.
Nothing is deleted that the stage's record does not account for: such a folder is refused, unless ``force`` is given. A stage
that was killed could not record its files: taking it up needs no deletion, and emptying it needs ``force``.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from contextlib import suppress
from glob import escape
from pathlib import Path
from typing import Any, Literal, NamedTuple, Protocol

from pydantic import Field, ValidationError, model_validator

from ..codebook.codebook import SNAPSHOT
from ..errors import InputError, RunError, did_you_mean, first_fault
from ..files.json_text import parse_json
from ..files.records import write_text
from ..files.seal import LEDGER, RECIPE, RUN, SETTINGS, STAGES, SealedRecord, read_sealed, write_sealed
from ..files.written import RECORD as WRITTEN
from ..files.written import record_files, recorded
from ..job import lock, unlock, write_anyway
from ..provenance import digest, file_digest, now, versions
from .recipe import Recipe, StageRun, expand, load_recipe, place
from .stage_inputs import DigestCache, changed, code_of


class _StageRecord(SealedRecord, strict=True):
    """``OUT/stages/NAME.json``. Earlier versions recorded no files."""

    stage: str
    status: Literal["running", "interrupted", "failed", "done"]
    started: str
    fingerprint: str
    words: list[str]
    inputs: dict[str, str | None]
    code: dict[str, str]
    versions: dict[str, str] = Field(default_factory=dict)
    files: list[str] = Field(default_factory=list)
    exit: int = 0
    seconds: float = 0
    finished: str = ""
    output: str | None = None

    @model_validator(mode="after")
    def _is_whole(self) -> _StageRecord:
        if self.status == "done" and not (self.finished and self.output):
            raise ValueError("done, without what it wrote and when")
        if any(name.startswith("/") or ".." in name.split("/") for name in self.files):
            raise ValueError("files: a name that leads out of the stage's folder")
        return self


class StageCommands(Protocol):
    """The command line, as stages use it; ``cli`` implements it."""

    def check(self, words: Sequence[str]) -> list[str]:
        """The words that name files or folders to be read. Raises `InputError` for words that the command does not take."""
        ...

    def module(self, words: Sequence[str]) -> str:
        """The module that holds the command."""
        ...

    def shipped(self, words: Sequence[str]) -> list[Path]:
        """Shipped files that the words name without a path: a condition, a codebook."""
        ...

    def run(
        self, words: Sequence[str], launcher: Sequence[str], environment: Mapping[str, str], lock: int
    ) -> int:
        """Run the command in a process of its own, which inherits ``lock``, and return its status."""
        ...


class PlannedStage(NamedTuple):
    """What is to become of one task, and why. ``look``: an earlier one runs first; whether this has to will be seen then.

    ``empties``: how many files are deleted before it runs.
    """

    task: StageRun
    will: Literal["run", "resume", "keep", "look"]
    why: str
    empties: int = 0


class Pipeline:
    """A recipe in a folder. ``keep_code``: a stage made by other code than today's counts as made.

    ``force``: empty also folders with files in them that the pipeline did not write.
    """

    def __init__(
        self,
        recipe: Recipe,
        out: Path,
        commands: StageCommands,
        *,
        keep_code: bool = False,
        force: bool = False,
    ) -> None:
        self.recipe, self.out, self.commands, self.keep_code = recipe, out, commands, keep_code
        self.force = force
        self.tasks = expand(recipe)
        self.digests = DigestCache(out / STAGES / "digests.json")
        self._paths: dict[str, list[str]] = {}
        for task in self.tasks:
            try:
                self._paths[task.name] = commands.check(task.template)
            except InputError as error:
                raise InputError(
                    f"recipe {recipe.id}, stage {task.name}: {error.message}", error.hint
                ) from None

    def plan(self, start: str | None = None) -> Iterator[PlannedStage]:
        """What would be done, as far as can be said before anything is done. ``start``: run from this stage on."""
        forced = self._from(start)
        moving: set[str] = set()
        for task in self.tasks:
            step = self._step(task, task.name in forced, moving)
            if step.will != "keep":
                moving.add(task.name)
            yield step._replace(empties=len(self._emptied(task)) if step.will == "run" else 0)

    def run(
        self, start: str | None = None, tell: Callable[[PlannedStage], None] = lambda _: None
    ) -> list[PlannedStage]:
        """Run what has to be run. Raises `RunError` where a stage fails; the same call goes on from there.

        It raises one too, before anything is run, where it would delete or replace what the pipeline did not write.
        """
        forced = self._from(start)
        handle = lock(self.out)
        done: list[PlannedStage] = []
        try:
            self._check_ours()
            (self.out / STAGES).mkdir(exist_ok=True)
            write_text(self.out / RECIPE, self.recipe.yaml())
            record_files(self.out, [RECIPE])
            for task in self.tasks:
                step = self._step(task, task.name in forced, ())
                step = step._replace(empties=len(self._emptied(task)) if step.will == "run" else 0)
                done.append(step)
                tell(step)
                if done[-1].will != "keep":
                    self._run(done[-1], handle)
                self.digests.save()
        finally:
            unlock(handle)
        return done

    def record(self, name: str) -> dict[str, Any] | None:
        """What is remembered of a stage. Raises `RunError` for a record that is damaged."""
        path = self._record(name)
        if not path.exists() and not path.is_symlink():
            return None
        hint = f"move it away, and the stage runs again; what lies in {self.out / name} is then emptied with --force alone"
        try:
            found = _StageRecord.model_validate(parse_json(read_sealed(path, hint))).model_dump(
                exclude_unset=True
            )
            if found["stage"] == name:
                return found
            why = f"it is of stage {found['stage'][:60]!r}"
        except ValidationError as error:
            why = first_fault(error)
        except OSError as error:
            why = (error.strerror or str(error)).lower()
        except ValueError as error:
            why = f"bad JSON: {error}"
        raise RunError(f"{path} is no record of a stage: {why}", hint)

    def _check_ours(self) -> None:
        """Refuse, before anything is run, what would be refused once a stage is about to run."""
        there = self.out / RECIPE
        ours = self.force or (self.out / STAGES).is_dir() or not there.exists()
        if not ours and there.read_text(encoding="utf-8", errors="replace") != self.recipe.yaml():
            raise RunError(f"{there} would be replaced, and no pipeline wrote it", _ELSEWHERE)
        known = None if self.force else recorded(there)
        if known and there.is_file() and file_digest(there) != known and load_recipe(there) != self.recipe:
            raise RunError(
                f"{there} would be replaced, and it was changed since the pipeline wrote it",
                f"run that one (pcode pipeline run {there}), move it away, or let it go with --force",
            )
        for task in self.tasks:
            if self.record(task.name) is None:
                self._emptied(task)

    def _emptied(self, task: StageRun) -> list[str]:
        """Files that are deleted before the task runs anew. Raises `RunError` for one that the pipeline did not write."""
        folder, record = task.folder(self.out), self.record(task.name)
        if folder.is_symlink():
            raise RunError(
                f"{folder} is a symbolic link, and a stage's folder is emptied before it runs",
                "put a folder in its place, or choose another one with -o",
            )
        there = _contents(folder)
        ours = set(self._written(folder, record) if record else ())
        strange = [name for name in there if name not in ours]
        if strange and not self.force:
            why = "it is new in there"
            if record is None:
                why = f"no record of it in {self.out / STAGES}"
            elif record["status"] == "running":
                why = "the stage was killed before it could record its files"
            raise RunError(
                f"{folder} would be emptied, and the pipeline is not known to have written {strange[0]} ({why})",
                _ELSEWHERE,
            )
        return there

    def _written(self, folder: Path, record: dict[str, Any]) -> list[str]:
        """Files that a stage is known to have written; earlier versions recorded but the digest of all of them."""
        if "files" in record:
            return list(record["files"])
        return _contents(folder) if self.digests.of(folder) == record.get("output") else []

    def _record(self, name: str) -> Path:
        return self.out / STAGES / f"{name}.json"

    def _remember(self, task: StageRun, record: dict[str, Any]) -> None:
        path = self._record(task.name)
        write_sealed(path, record)
        record_files(path.parent, [escape(path.name)])  # so that `verify` misses a record that was removed

    def _from(self, start: str | None) -> Collection[str]:
        if start is None:
            return ()
        names = [task.name for task in self.tasks]
        behind = {name for name in names if start in (name, name.split(".")[0])}
        if not behind:
            raise InputError(f"recipe {self.recipe.id} has no stage {start!r}", did_you_mean(start, names))
        for task in self.tasks:
            if behind & set(task.needs):
                behind.add(task.name)
        return behind

    def _step(self, task: StageRun, forced: bool, moving: Collection[str]) -> PlannedStage:
        """``moving``: tasks whose outputs are not known yet."""
        record = self.record(task.name)
        ahead = [need for need in task.needs if need in moving]
        if record is None:
            return PlannedStage(task, "run", "never run")
        if ahead:
            return PlannedStage(task, "run" if forced else "look", f"follows {', '.join(ahead)}")
        if why := self._different(record, self._made(task)):
            return PlannedStage(task, "run", why)
        if record["status"] != "done":
            return PlannedStage(task, "resume", f"{record['status']} on {record['started']}")
        if forced:
            return PlannedStage(task, "run", "--from")
        folder = task.folder(self.out)
        if self.digests.of(folder) != record["output"]:
            return PlannedStage(task, "run", f"{folder} has changed since")
        return PlannedStage(task, "keep", f"done on {record['finished']}")

    def _made(self, task: StageRun) -> dict[str, Any]:
        """What a task is made of: if two are equal, so are their outputs."""
        inputs: dict[str, str | None] = {}
        for word in self._paths[task.name]:
            inputs[word] = self.digests.of(Path(place(word, self.out)))
        for word in task.template:
            for need in task.needs:
                if "${" + need + "}" in word and word not in inputs:
                    # In hf:${sft}/merged or lora=${sft}/adapter, a path begins with the reference.
                    inputs[word] = self.digests.of(Path(place(word[word.index("${") :], self.out)))
        for path in self.commands.shipped(task.template):
            inputs[f"{path.parent.name}/{path.name}"] = self.digests.of(path)
        missing = [word for word, found in inputs.items() if found is None]
        if missing:
            where = place(missing[0], self.out)
            raise InputError(
                f"stage {task.name} reads {where}, which is not there",
                "give the file by --set, or see whether an earlier stage wrote what the recipe expects",
            )
        words, code = [task.stage.run, *task.template], code_of(self.commands.module(task.template))
        fingerprint = digest([words, inputs, code])
        return {"fingerprint": fingerprint, "words": words, "inputs": inputs, "code": code}

    def _different(self, record: dict[str, Any], made: dict[str, Any]) -> str:
        """Why a record is not of what would be made now; empty where it is."""
        if record["words"] != made["words"]:
            return _other_parameters(record["words"], made["words"])
        if inputs := changed(record["inputs"], made["inputs"]):
            return f"changed: {', '.join(word for word in made['inputs'] if word in inputs) or 'inputs'}"
        if files := [] if self.keep_code else changed(record["code"], made["code"]):
            more = f" and {len(files) - 3} more" if len(files) > 3 else ""
            return f"other code: {', '.join(files[:3])}{more}"
        return ""

    def _run(self, step: PlannedStage, handle: int) -> None:
        task = step.task
        made, folder, earlier = self._made(task), task.folder(self.out), self.record(task.name)
        if step.will == "run":
            _empty(folder)
        folder.mkdir(parents=True, exist_ok=True)
        kept = self._written(folder, earlier) if earlier and step.will == "resume" else []
        before = _unrecorded(folder, kept)
        record = {"stage": task.name, "status": "running", "started": now(), **made, "versions": versions()}
        record["files"] = kept
        self._remember(task, record)
        began = time.monotonic()
        try:
            status = self.commands.run(
                task.words(self.out), task.launcher(self.out), self.recipe.environment, handle
            )
        except KeyboardInterrupt:
            status = 130
        record |= {"exit": status, "seconds": round(time.monotonic() - began, 1), "finished": now()}
        record["files"] = _stage_files(folder, before)
        if status and not (status == 1 and task.stage.accept_failures):
            record["status"] = "interrupted" if status == 130 else "failed"
            write_anyway(handle, lambda: self._remember(task, record))
            raise _ended(task, status)
        record |= {"status": "done", "output": self.digests.of(folder)}
        there = [name for name in record["files"] if (folder / name).is_file()]  # a link may lead nowhere
        record["sha256"] = {name: str(self.digests.of(folder / name))[7:] for name in there}
        self._remember(task, record)


def _ended(task: StageRun, status: int) -> BaseException:
    """What a stage that did not come to its end is raised as."""
    if status == 130:
        return KeyboardInterrupt()
    hint = "it says above what failed; run the same command again to go on from here"
    if status == 1:
        hint += f", or set accept_failures: true for {task.name.split('.')[0]} to go on without"
    return RunError(f"stage {task.name} ended with status {status}", hint)


def _other_parameters(then: list[str], today: list[str]) -> str:
    gone = [word for word in then if word not in today]
    come = [word for word in today if word not in then]
    before, after = (" ".join(words[:3]) or "nothing" for words in (gone, come))
    return f"other parameters: {before} → {after}" if gone or come else "other parameters"


_ELSEWHERE = "move it away, choose another folder with -o, or let it go with --force"


def _contents(folder: Path) -> list[str]:
    """What lies in a folder, by its path from there: files and links, but no ledger, no lock and no record of ours."""
    found = (path for path in folder.rglob("*") if path.is_symlink() or not path.is_dir())
    own = (LEDGER, ".lock", WRITTEN)
    return sorted(path.relative_to(folder).as_posix() for path in found if path.name not in own)


def _unrecorded(folder: Path, kept: Collection[str]) -> dict[str, tuple[int, int]]:
    """Files in the folder of a stage that is taken up that no record has, as they lie there: a killed session's, or somebody's."""
    return {name: _stamp(folder / name) for name in _contents(folder) if name not in kept}


def _stamp(path: Path) -> tuple[int, int]:
    found = path.lstat()
    return found.st_mtime_ns, found.st_ino


def _stage_files(folder: Path, before: Mapping[str, tuple[int, int]]) -> list[str]:
    """What a stage wrote: all that lies there, less what lay there before it was taken up, it left alone, and no record in it names."""
    there = _contents(folder)
    ours = {SNAPSHOT} if (folder / RUN).is_file() else set[str]()
    for path in (folder / WRITTEN, *(folder / name for name in (RUN, SETTINGS))):
        with suppress(OSError, ValueError, TypeError, AttributeError):
            found = parse_json(path.read_bytes())
            ours |= {path.name, *found.get("files", ()), *found.get("bytes", ())}
    return [name for name in there if name in ours or before.get(name) != _stamp(folder / name)]


def _empty(folder: Path) -> None:
    """Of everything but what was paid for."""
    for path in [*(folder / name for name in _contents(folder)), *folder.rglob(WRITTEN)]:
        path.unlink()
    for path in sorted(folder.rglob("*"), reverse=True):
        if path.is_dir() and not path.is_symlink():
            with suppress(OSError):  # a ledger lies in it
                path.rmdir()
