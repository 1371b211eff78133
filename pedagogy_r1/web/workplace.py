"""A coder at work: units in the coder's own order, and the log in which everything said of them is kept.

    place.act(7, {"do": "first IA-SQ", "memo": "asks itself", "memo_was": ""})   →  7, the unit to be shown then

``do``: ``first CODE``, ``second CODE``, ``drop CODE``, ``none``, ``missing``, ``clear``, ``flag``, ``unflag``, ``undo N``,
``next``, ``check`` (practice), ``comment`` (with its text); with ``move`` a decision goes on to the next open unit. Each says
what shall be, not what shall change, so that one sent twice is done once. The memo comes along with everything. ``range``, as
"7-9,12", says the same of several units, which one undo takes back.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from threading import Lock
from typing import Any

from starlette.exceptions import HTTPException

from ..agreement.alpha import Alpha, krippendorff_alpha
from ..agreement.profile import MISSING
from ..codebook import NONE, Codebook, Rule
from ..errors import InputError
from ..human.coding_log import NO_NOTE, Attribution, CodingLog, Entry, LoggedChange, LogHeader, UndoStep
from ..human.packet import CodingTask
from .coded_text import Piece, TaskPlace, are_apart, in_text, own_of, pieces_of
from .pace import Progress, TraceProgress, progress_of, time_left

WANTED = ("show", "code", "q")
"""What the address of a coder's own list asks for: a state, a code, words."""

LONGEST_MEMO = 20_000
"""Characters, of a comment too."""


class Workplace:
    """``tasks`` in the order in which they are coded; numbers count from 1."""

    def __init__(self, tasks: Sequence[CodingTask], log: CodingLog, *, whole: bool) -> None:
        self.log, self.whole = log, whole
        self._turn = Lock()
        """What a form changes is said of what was there: of two windows one waits for the other."""
        sizes, nth = Counter(task.trace.id for task in tasks), Counter[str]()
        traces = {trace_id: number for number, trace_id in enumerate(sizes, 1)}
        self.spots: list[TaskPlace] = []
        for number, task in enumerate(tasks, 1):
            trace_id = task.trace.id
            nth[trace_id] += 1
            self.spots.append(TaskPlace(number, task, traces[trace_id], nth[trace_id], sizes[trace_id]))
        self._of_trace: dict[int, list[TaskPlace]] = {}
        for spot in self.spots:
            self._of_trace.setdefault(spot.trace, []).append(spot)
        in_order = {trace: in_text(spots) for trace, spots in self._of_trace.items()}
        self._shared = {trace: spots for trace, spots in in_order.items() if whole and are_apart(spots)}
        """By trace, the units of texts that are shown with all of them: of whole traces, where no two overlap."""
        self._numbers = {spot.task.unit.id: spot.number for spot in self.spots}

    def spot(self, number: int) -> TaskPlace:
        """The task of that number, or a page that says there is none."""
        if not 1 <= number <= len(self.spots):
            raise HTTPException(404, "There is no such unit.")
        return self.spots[number - 1]

    def entry(self, spot: TaskPlace) -> Entry:
        """What has been said of it."""
        return self.log.entry(spot.task.unit.id)

    def comments(self, spot: TaskPlace) -> Sequence[LoggedChange]:
        """The discussion of it, as far as it may be seen here: what was written in this log."""
        return self.log.work.comments.get(spot.task.unit.id, ())

    def over(self, spot: TaskPlace) -> bool:
        """Whether there is no more to be said of it."""
        return self.entry(spot).done

    @property
    def done(self) -> int:
        """How many are."""
        return sum(self.over(spot) for spot in self.spots)

    def next_open(self, number: int = 0, among: Sequence[int] | None = None) -> int | None:
        """The next that is not done behind ``number``, else the first of all; none if all are done. ``among``: a list to go through instead."""
        every = [spot.number for spot in self.spots] if among is None else list(among)
        at = every.index(number) + 1 if number in every else 0
        return next((n for n in every[at:] + every[:at] if not self.over(self.spot(n))), None)

    def pieces(self, spot: TaskPlace) -> list[Piece]:
        """The text about a unit, in order: whole traces with all units that are coded here; else the unit and those around it."""
        task, text = spot.task, spot.task.trace.reasoning
        if self.whole:
            return pieces_of(text, 0, len(text), self.beside(spot))
        first = task.before[0].start if task.before else task.unit.start
        last = task.after[-1].end if task.after else task.unit.end
        return pieces_of(text, first, last, [spot])

    def view(self, spot: TaskPlace) -> str:
        """What tells one text on the page from another; a unit drawn by itself has a text of its own."""
        return f"{spot.trace}" if spot.trace in self._shared else f"{spot.trace}-{spot.number}"

    def beside(self, spot: TaskPlace) -> list[TaskPlace]:
        """Of the text that is shown with a unit, the units whose codes are shown in it, as they follow each other."""
        return self._shared.get(spot.trace, [spot])

    def progress(self) -> Progress:
        """How far everything is; practice apart from what counts."""
        return progress_of([(spot.task.practice, self.over(spot)) for spot in self.spots])

    def traces(self) -> list[TraceProgress]:
        """How far each trace is, in the order in which they are coded."""
        return [
            TraceProgress(
                trace,
                next((spot for spot in spots if not self.over(spot)), spots[0]).number,
                sum(map(self.over, spots)),
                len(spots),
                all(spot.task.practice for spot in spots),
            )
            for trace, spots in self._of_trace.items()
        ]

    def undoable(self, who: str) -> UndoStep | None:  # noqa: ARG002 - where several share the log, each takes back their own
        """What ``who`` can take back."""
        return self.log.undoable

    def values(self, spot: TaskPlace, who: str) -> dict[str, Any]:
        """What the templates show ``who`` of a unit; nothing here says how its trace was made, nor what anybody else thinks."""
        entry = self.entry(spot)
        step = self.undoable(who)
        own = [own_of(one.number, self.entry(one), self.comments(one)) for one in self.beside(spot)]
        return {
            "number": spot.number,
            "total": len(self.spots),
            "before": spot.number - 1 or None,
            "behind": spot.number + 1 if spot.number < len(self.spots) else None,
            "picked": None,
            "query": "",
            "progress": self.progress(),
            "left": time_left(self.log.work, sum(not self.over(spot) for spot in self.spots)),
            "trace": spot.trace,
            "trace_done": sum(map(self.over, self._of_trace[spot.trace])),
            "view": self.view(spot),
            "own": own,
            "marks": {n: (codes, letters) for n, codes, letters in own},
            "nth": spot.nth,
            "of": spot.of,
            "practice": spot.task.practice,
            "question": spot.task.trace.question,
            "lang": spot.task.trace.lang,
            "pieces": self.pieces(spot),
            "unit": spot.task.unit.text,
            "comments": self.comments(spot),
            "entry": entry,
            "undo": step.n if step and step.unit_id in self._numbers else None,
        }

    def note(self, spot: TaskPlace, who: str) -> Attribution:  # noqa: ARG002 - every handler takes it
        """What is kept beside a decision."""
        return NO_NOTE

    def act(
        self, number: int, said: Mapping[str, Any], who: str = "", among: Sequence[int] | None = None
    ) -> int | None:
        """Do what ``who``'s form says; the number to show next (``among`` those), or none when all is done. Saved when it returns."""
        with self._turn:
            return self._act(number, said, who, among)

    def _act(self, number: int, said: Mapping[str, Any], who: str, among: Sequence[int] | None) -> int | None:
        spot = self.spot(number)
        unit_id = spot.task.unit.id
        verb, _, what = str(said.get("do", "")).partition(" ")
        if verb == "undo":
            return self._undo(int(what) if what.isdecimal() and len(what) < 10 else 0, number, who)
        if verb == "comment":
            self.log.comment(unit_id, who, short_enough(lines_of(said.get("comment", "")), "comment"))
            verb = ""
        changed = [(spot, changed_memo(said, self.entry(spot).memo))]
        changed += [(one, {}) for one in self.those_of(said.get("range")) if one != spot]
        every = [(one, memo | self.updates(one, verb, what)) for one, memo in changed]
        self.log.change_all([(one.task.unit.id, self.note(one, who), more) for one, more in every if more])
        moves = verb == "next" or (
            verb in ("first", "none", "missing") and said.get("move") == "1" and len(every) == 1
        )
        return self.next_open(number, among) if moves else number

    def _undo(self, n: int, number: int, who: str) -> int:
        step = self.undoable(who)
        place = self._numbers.get(step.unit_id) if step else None
        if step is None or place is None:
            return number
        if step.n != n:
            return number
        mine = step.who if step.who == who else None
        undone = self.log.undo(n, lambda unit_id: self.note(self.spot(self._numbers[unit_id]), who), mine)
        return place if undone else number

    def those_of(self, ranges: object) -> list[TaskPlace]:
        """The units that "7-9,12" names, in order and each once. Raises 404 where one is none, 400 where it says nothing."""
        numbers: dict[int, None] = {}
        for part in filter(None, str(ranges or "").split(",")):
            first, _, last = part.partition("-")
            if not all(end.isascii() and end.isdigit() and len(end) < 10 for end in (first, last or first)):
                raise HTTPException(400, "The page asks for what is not known here.")
            self.spot(int(last or first))
            numbers |= dict.fromkeys(range(int(first), int(last or first) + 1))
        return [self.spot(number) for number in numbers]

    def updates(self, spot: TaskPlace, verb: str, what: str) -> dict[str, Any]:
        """The fields that shall change."""
        if verb in ("first", "second", "drop", "none"):
            return decided(codes_after(self.log.book, self.entry(spot).codes or (), verb, what))
        if verb in ("missing", "clear"):
            return {"codes": None, "missing": verb == "missing"}
        if verb in ("flag", "unflag"):
            return {"flag": verb == "flag"}
        if verb in ("", "memo", "next"):
            return {}
        raise HTTPException(400, "The page asks for what is not known here.")


def decided(codes: tuple[str, ...] | None) -> dict[str, Any]:
    """The fields of an entry with these codes."""
    return {"codes": codes, "missing": False}


def codes_after(book: Codebook, codes: tuple[str, ...], verb: str, what: str) -> tuple[str, ...] | None:
    """What a unit's ``codes`` become by a decision about one of them, or that none applies; ``None`` if none is left."""
    if verb == "first":
        return (what, *(code for code in codes[1:] if code != what))
    if verb == "second":
        return with_second(book, codes, what)
    return tuple(code for code in codes if code != what) or None if verb == "drop" else ()


def with_second(book: Codebook, codes: tuple[str, ...], code: str) -> tuple[str, ...]:
    """``codes`` with one more behind the first; where no more are allowed, the last gives way."""
    if not codes:
        raise InputError("there is no first code yet", "give the first code, then the second")
    if code == codes[0]:
        raise InputError(f"{code} is the first code already", "choose another second code")
    if book.max_codes < 2:
        raise InputError(f"{book.ref} allows one code a unit", "choose the first code only")
    return (*[c for c in codes if c != code][: book.max_codes - 1], code)


def changed_memo(said: Mapping[str, Any], there: str) -> dict[str, Any]:
    """The memo if the form changed it; another window may have, and is not overwritten by what this one has from before.

    Raises `InputError` where both have, and what is ``there`` would be lost.
    """
    memo, was = (lines_of(said.get(name, "")) for name in ("memo", "memo_was"))
    short_enough(memo, "memo")
    if "memo" not in said or memo == was:
        return {}
    if lines_of(there) != was and there not in memo:
        raise InputError(
            "the memo was changed in another window, and this one would replace it",
            "copy what you have just written, load the page again, and write it there",
        )
    return {"memo": memo}


def short_enough(text: str, what: str) -> str:
    """The text. Raises `InputError` where it is longer than is kept."""
    if len(text) > LONGEST_MEMO:
        raise InputError(f"the {what} has {len(text):,} characters", f"{LONGEST_MEMO:,} are kept: shorten it")
    return text


def lines_of(text: object) -> str:
    """Browsers send line ends as CR LF."""
    return text.replace("\r\n", "\n").strip() if isinstance(text, str) else ""


def open_log(path: Path, packet: str, coder: str, book: Codebook, *, spans: bool = False) -> CodingLog:
    """The log in ``path`` of what ``coder`` says of ``packet``; ``spans``: of spans that the coder draws."""
    header = LogHeader(desk=1, packet=packet, coder=coder, codebook=book.stamp, spans=spans)
    return CodingLog(path, header, book)


def alpha_of_pairs(
    book: Codebook,
    pairs: Sequence[tuple[str | None, str | None]],
    cluster: Sequence[int],
    replicates: int = 0,
) -> Alpha:
    """Krippendorff's α, nominal, of two coders' first codes, unit by unit (``None``: missing); ``cluster``: of each unit."""
    import numpy as np

    places = {code: i for i, code in enumerate((*book.code_ids, NONE))}
    rows = [[MISSING if code is None else places[code] for code in pair] for pair in pairs]
    values = np.array(rows, dtype=np.int64).reshape(-1, 2).T
    clusters = np.array(cluster, dtype=np.int64)
    return krippendorff_alpha(values, clusters, len(places), replicates=replicates)


def rules_between(book: Codebook, codes: Collection[str]) -> list[tuple[str, Rule]]:
    """The rules that tell these codes apart, with the code that each stands under."""
    return [
        (code.id, rule)
        for code in book.codes
        for rule in code.rules
        if code.id in codes and rule.against in codes
    ]


def entry_fits(
    entry: Entry,
    text: str,
    comments: Sequence[LoggedChange],
    states: Mapping[str, bool],
    wanted: Mapping[str, str],
) -> bool:
    """Whether a list that is narrowed to what is `WANTED` has it. ``states``: which of the list's own it is in, ``open`` at least."""
    own = {"done": entry.done, "flag": entry.flag, "memo": bool(entry.memo), "comment": bool(comments)}
    given = () if entry.codes is None else entry.codes or (NONE,)
    if not {**own, **states}.get(wanted["show"], True) or (wanted["code"] and wanted["code"] not in given):
        return False
    texts = (text, entry.memo, *(one.comment for one in comments))
    return any(wanted["q"].casefold() in each.casefold() for each in texts)
