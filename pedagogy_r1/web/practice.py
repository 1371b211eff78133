"""Practice: units that a gold set has coded, the coder's answers, and how far both agree, unit by unit.

    units 1 … 40    α of the first k units, k = 1 … 40:   –, –, .31, .44, …, .78        target .80

    /train          on to the first unit whose answer has not been shown
    /train/7        the seventh; a POST codes it, or asks for the answer
    /train/done     α, its course, and which codes were taken for which
    /train/again    a POST begins a new round

Agreement is with first codes; α is Krippendorff's, nominal, of exactly the units whose answers have been shown.
What is said here lies apart, in ``PACKET/C/practice/``, and is never imported as coding.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from threading import Lock
from typing import Any, NamedTuple

from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from ..agreement.alpha import Alpha
from ..errors import InputError
from ..human.adjudication import ADJUDICATED
from ..human.coding_log import PRACTICE, CodingLog
from ..human.packet import CodingTask, Packet
from ..limits import ALPHA_RELIABLE, FEW_PRACTISED
from ..runs.run import CoderRun, Coding, primary_code
from .code import CodePages
from .coded_text import TaskPlace
from .state import State
from .workplace import Workplace, alpha_of_pairs, open_log, rules_between


class Gold(NamedTuple):
    """What is taken for right: codings by unit, and the run they are of."""

    run: CoderRun
    coder: str
    codings: Mapping[str, Coding]


def read_gold(run: CoderRun) -> Gold:
    """The codings of the run's one coder: of "adjudicated" where there are several, else of its one human."""
    coders = [c.name for c in run.manifest.coders]
    humans = [c.name for c in run.manifest.coders if c.kind == "human"]
    adjudicated = [name for name in coders if name == ADJUDICATED]
    alone = [names[0] for names in (coders, adjudicated, humans) if len(names) == 1]
    if not alone:
        raise InputError(
            f"{run.folder}: which of {', '.join(coders)} is right?",
            f"adjudicate first: pcode web {run.folder} --adjudicate NAME -o GOLD",
        )
    codings = {c.unit_id: c for c in run.codings() if c.coder == alone[0] and c.codes is not None}
    if not codings:
        raise InputError(f"{run.folder}: {alone[0]} has coded nothing", "give a run with codings")
    return Gold(run, alone[0], codings)


def practice_tasks(packet: Packet, coder: str, gold: Gold) -> list[CodingTask]:
    """The packet's practice units that the gold set has; where it has none, all of the gold set that nobody codes in earnest."""
    mine = [task for task in packet.tasks(coder) if task.practice and task.unit.id in gold.codings]
    if mine:
        return mine
    earnest = {
        task.unit.id for name in packet.manifest.coders for task in packet.tasks(name) if not task.practice
    }
    found = [task for task in _gold_tasks(gold, packet.manifest.context) if task.unit.id not in earnest]
    if not found:
        raise InputError(
            f"{gold.run.folder} has no unit to practise on that is not to be coded in earnest",
            "draw practice units (pcode sample --practice), or give another gold set",
        )
    return found


def _gold_tasks(gold: Gold, width: int) -> Iterator[CodingTask]:
    number = 0
    for trace, units, _ in gold.run.by_trace():
        for i, unit in enumerate(units):
            if unit.id in gold.codings:
                number += 1
                yield CodingTask.of(number, trace, units, i, width)._replace(practice=True)


class Practice(Workplace):
    """One round of one coder. Nothing of the gold set leaves it before a unit's answer was asked for."""

    def __init__(self, packet: Packet, coder: str, gold: Gold) -> None:
        self.coder, self.gold, self.book = coder, gold, packet.codebook
        self.folder = packet.folder / coder / "practice"
        self._curve: list[float | None] = []
        self._turn = Lock()
        """One thread at a time goes on with the curve, or begins a round."""
        self.round = len(list(self.folder.glob(f"{gold.run.manifest.run_id}-*.jsonl"))) or 1
        tasks = practice_tasks(packet, coder, gold)
        super().__init__(tasks, self._open(), whole=packet.manifest.whole_traces)

    def _open(self) -> CodingLog:
        run_id = self.gold.run.manifest.run_id
        path = self.folder / f"{run_id}-{self.round}.jsonl"
        return open_log(path, PRACTICE + run_id, self.coder, self.book)

    def again(self) -> None:
        """A new round; what was said in this one stays in its file. A form that was sent twice begins one."""
        with self._turn:
            if not self.log.work.changes:
                return
            self.log.close()
            self.round += 1
            self.log, self._curve = self._open(), []

    def over(self, spot: TaskPlace) -> bool:
        """Whether its answer has been shown."""
        return self.entry(spot).checked

    def updates(self, spot: TaskPlace, verb: str, what: str) -> dict[str, Any]:
        """Beside a coder's own: ``check``, after which the answer is shown and nothing changes."""
        if verb == "check":
            if not self.entry(spot).done:
                raise InputError("there is no code yet", "give a code, then check it")
            return {"checked": True}
        if verb in ("missing", "flag", "unflag"):
            raise HTTPException(400, "Practice is about codes only.")
        return super().updates(spot, verb, what)

    def values(self, spot: TaskPlace, who: str) -> dict[str, Any]:
        """With the answer if it was asked for."""
        entry = self.entry(spot)
        gold = self.gold.codings[spot.task.unit.id] if entry.checked else None
        return (
            super().values(spot, who)
            | {
                "practice": False,
                "gold": gold,
                "right": gold is not None and gold.primary == primary_code(entry.codes),
                "same": gold is not None and gold.codes == entry.codes,
                "rules": rules_between(self.book, (*(gold.codes or ()), *(entry.codes or ())))
                if gold
                else [],
            }
            | self.score()
        )

    def score(self) -> dict[str, Any]:
        """How it stands, after the units whose answers have been shown."""
        with self._turn:
            pairs = self.pairs()
            curve = list(self.curve(pairs))
        return {
            "pairs": len(pairs),
            "agreed": sum(mine == gold for mine, gold in pairs),
            "alpha": self.alpha(pairs),
            "drawing": drawn(curve, ALPHA_RELIABLE),
            "target": ALPHA_RELIABLE,
            "enough": FEW_PRACTISED,
            "round": self.round,
        }

    def pairs(self) -> list[tuple[str | None, str | None]]:
        """First codes, the coder's and the gold set's, in the order in which answers were shown."""
        return [
            (primary_code(self.log.entry(unit).codes), self.gold.codings[unit].primary)
            for unit in self.log.work.checked
            if unit in self.gold.codings
        ]

    def alpha(self, pairs: Sequence[tuple[str | None, str | None]], replicates: int = 500) -> Alpha:
        """Krippendorff's α, with its interval over units."""
        return alpha_of_pairs(self.book, pairs, range(len(pairs)), replicates)

    def curve(self, pairs: Sequence[tuple[str | None, str | None]]) -> list[float | None]:
        """α of the first k units, for every k."""
        while len(self._curve) < len(pairs):
            self._curve.append(self.alpha(pairs[: len(self._curve) + 1], replicates=0).value)
        return self._curve

    def confusions(self) -> list[tuple[str | None, str | None, int]]:
        """The coder's code, the gold set's, how often; the commonest first."""
        counts = Counter(pair for pair in self.pairs() if pair[0] != pair[1])
        return [(mine, gold, n) for (mine, gold), n in counts.most_common()]


TITLE, PATH = "Train", "/train"
WIDTH, HEIGHT, LEFT = 460, 132, 34


def routes(state: State) -> list[BaseRoute]:
    """Reads the gold set, and opens every coder's practice."""
    if state.packet is None or state.gold is None:
        raise InputError("there is nothing to practise with", "add --packet PACKET and --gold GOLD")
    gold = read_gold(state.gold)
    pages = TrainPages(state, {coder: Practice(state.packet, coder, gold) for coder in state.coders})
    return [
        Route(PATH, pages.start),
        Route(PATH + "/all", pages.listed),
        Route(PATH + "/done", pages.done),
        Route(PATH + "/jump", pages.jump),
        Route(PATH + "/again", pages.again, methods=["POST"]),
        Route(PATH + "/{number}", pages.unit, methods=["GET", "POST"]),
    ]


class AlphaCurve(NamedTuple):
    """The course of α as points of a picture; ``target`` is a height, ``ticks`` heights with their words."""

    lines: list[str]
    last: tuple[float, float] | None
    target: float
    ticks: list[tuple[float, str]]
    width: int = WIDTH
    height: int = HEIGHT
    left: int = LEFT


def drawn(curve: list[float | None], target: float) -> AlphaCurve:
    """From 0 to 1; what lies below 0 is drawn at 0. Where α is undefined the line is broken."""

    def at(alpha: float) -> float:
        return round(8 + (1 - max(0.0, alpha)) * (HEIGHT - 26), 1)

    step = (WIDTH - LEFT - 12) / max(1, len(curve) - 1)
    parts: list[list[tuple[float, float]]] = [[]]
    for k, alpha in enumerate(curve):
        if alpha is None:
            parts.append([])
        else:
            parts[-1].append((round(LEFT + k * step, 1), at(alpha)))
    parts = [part for part in parts if part]
    lines = [" ".join(f"{x},{y}" for x, y in part) for part in parts]
    ticks = [(at(value), words) for value, words in ((0, "0"), (0.5, ".5"), (1, "1"))]
    return AlphaCurve(lines, parts[-1][-1] if parts else None, at(target), ticks)


class TrainPages(CodePages):
    path, heading, all_title = PATH, "Practice", "All practice"

    def practice(self, request: Request) -> Practice:
        place = self.place(request)
        assert isinstance(place, Practice)
        return place

    def done(self, request: Request) -> Response:
        place = self.practice(request)
        return self.render(
            request,
            "train/done.html",
            **place.score(),
            confusions=place.confusions(),
            done=place.done,
            total=len(place.spots),
        )

    def again(self, request: Request) -> Response:
        self.practice(request).again()
        return RedirectResponse(PATH, 303)
