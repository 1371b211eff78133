"""Train: practice units, and after each the gold set's answer; a running α against it.

    /train          on to the first unit whose answer has not been shown
    /train/7        the seventh; a POST codes it, or asks for the answer
    /train/done     α, its course, and which codes were taken for which
    /train/again    a POST begins a new round

What is said here lies apart, in ``PACKET/C/practice/``, and is never imported as coding.
"""

from __future__ import annotations

from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.responses import RedirectResponse, Response
from starlette.routing import BaseRoute, Route

from ..errors import InputError
from .code import CodePages
from .practice import Practice, read_gold
from .state import State
from .workplace import Workplace

TITLE, PATH = "Train", "/train"
WIDTH, HEIGHT, LEFT = 460, 132, 34


def routes(state: State) -> list[BaseRoute]:
    """Reads the gold set, and opens every coder's practice."""
    if state.packet is None or state.gold is None:
        raise InputError("there is nothing to practise with", "add --packet PACKET and --train GOLD")
    if (other := state.gold.codebook).digest != state.book.digest:
        raise InputError(
            f"{state.gold.folder} is coded with {other.stamp}, the packet with {state.book.stamp}",
            "carry the gold set over with: pcode codebook migrate",
        )
    gold = read_gold(state.gold)
    pages = TrainPages(state, {coder: Practice(state.packet, coder, gold) for coder in state.coders})
    return [
        Route(PATH, pages.start),
        Route(PATH + "/all", pages.listed),
        Route(PATH + "/done", pages.done),
        Route(PATH + "/again", pages.again, methods=["POST"]),
        Route(PATH + "/{number:int}", pages.unit, methods=["GET", "POST"]),
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
    """The pages' functions."""

    path = PATH

    def practice(self, request: Request) -> Practice:
        """Whose practice this is."""
        place = self.place(request)
        assert isinstance(place, Practice)
        return place

    def common(self) -> dict[str, Any]:
        """What the templates of every page need."""
        return super().common() | {"heading": "Practice", "all_title": "All practice"}

    def values(self, place: Workplace, number: int) -> dict[str, Any]:
        """With the picture."""
        found = super().values(place, number)
        return found | {"drawing": drawn(found["curve"], found["target"])}

    def done(self, request: Request) -> Response:
        """How it went."""
        place = self.practice(request)
        score = place.score()
        return self.state.render(
            request,
            "train/done.html",
            **self.common(),
            **score,
            drawing=drawn(score["curve"], score["target"]),
            confusions=place.confusions(),
            done=place.done,
            total=len(place.spots),
        )

    def again(self, request: Request) -> Response:
        """A new round."""
        self.practice(request).again()
        return RedirectResponse(PATH, 303)
