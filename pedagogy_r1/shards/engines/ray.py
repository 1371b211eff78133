"""``ray``: processes of any number of machines, which Ray starts and watches. Extra ``[ray]``.

    engine(None, workers=2)            this machine
    engine("auto", workers=64)         the cluster that this machine is part of
    engine("ray://head:10001", 64)     one elsewhere

Each process is an actor that codes one shard after the other, so that a coder, and a model with its GPUs, is loaded once in each.
Where a process is killed, or its machine is, its shard is begun again by another. A driver that was killed is started again by the same
command, and goes on with the shards that have no record.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ...errors import ArgumentError, PedagogyError, RunError, first_line
from . import Done

_INSTALL = "pip install 'pedagogy-r1[ray]'"

DEATHS = 5
"""Processes that may end over one shard: it is the shard, then, and no machine that was taken away."""


def engine(address: str | None, workers: int) -> RayEngine:
    """``address``: of a cluster. ``workers``: processes at work at once, over all machines."""
    try:
        import ray  # noqa: F401 - to say early that it is not there
    except ImportError:
        raise ArgumentError("--engine ray needs Ray, which is not installed", _INSTALL) from None
    return RayEngine(address, workers)


class RayEngine:
    """Shards on actors of a Ray cluster."""

    def __init__(self, address: str | None, workers: int) -> None:
        self.address, self.workers, self.interrupted = address, workers, False

    def run(self, work: Callable[[int], Done], numbers: Sequence[int], *, gpus: int = 0) -> Iterator[Done]:
        """As they are done."""
        if not numbers:
            return
        import ray

        with self._cluster():
            nodes: list[dict[str, Any]] = ray.nodes()  # type: ignore[no-untyped-call]
            here = max((node["Resources"].get("GPU", 0) for node in nodes if node["Alive"]), default=0)
            if 0 < here < gpus:
                raise RunError(
                    f"each process needs {gpus} GPUs of one machine, and none of the cluster has more than {here:g}",
                    "add a machine with more, or give a smaller tensor_parallel_size",
                )
            pool = _Pool(work, min(self.workers, len(numbers)), gpus if here else 0)
            try:
                yield from pool.run(numbers)
            except ray.exceptions.RayTaskError as error:
                raise _own(error) from None
            except ray.exceptions.RayError as error:
                raise RunError(
                    f"Ray: {first_line(error)}", "give the same command again: what is done is kept"
                ) from None

    @contextmanager
    def _cluster(self) -> Iterator[None]:
        """Joined, or begun on this machine; left as it was found."""
        import ray

        if ray.is_initialized():
            yield
            return
        where: dict[str, Any] = (
            {"address": self.address} if self.address else {"address": "local", "num_cpus": self.workers}
        )
        try:
            ray.init(include_dashboard=False, log_to_driver=False, logging_level=logging.ERROR, **where)
        except (ConnectionError, ValueError, RuntimeError) as error:
            raise RunError(
                f"no Ray cluster at {self.address or 'this machine'}: {first_line(error)}",
                "start one with: ray start --head",
            ) from None
        try:
            yield
        finally:
            ray.shutdown()


class ShardWorker:
    """A process of the cluster; `ps` shows it by this name."""

    def do(self, work: Callable[[int], Any], number: int) -> Any:
        """One shard."""
        return work(number)


class _Pool:
    """At most ``most`` actors. One that has died is replaced; one that has no place yet waits with its shard until there is one."""

    def __init__(self, work: Callable[[int], Any], most: int, gpus: int) -> None:
        import ray

        self._work, self._most = ray.put(work), most
        self._actor: Any = ray.remote(ShardWorker).options(
            num_cpus=1, num_gpus=gpus, scheduling_strategy="SPREAD"
        )
        self._idle: list[Any] = []
        self._going: dict[Any, tuple[Any, int]] = {}
        self._deaths: Counter[int] = Counter()

    def run(self, numbers: Sequence[int]) -> Iterator[Any]:
        """What was made of each, as it is done; in the end, and where something goes wrong, the actors are gone."""
        import ray

        left = list(reversed(numbers))
        try:
            while left or self._going:
                while left and len(self._going) < self._most:
                    actor = self._idle.pop() if self._idle else self._actor.remote()
                    number = left.pop()
                    self._going[actor.do.remote(self._work, number)] = actor, number
                self._let_go(self._idle)  # whose place one that still waits may need
                (ready,), _ = ray.wait(list(self._going), num_returns=1)
                actor, number = self._going.pop(ready)
                try:
                    done = ray.get(ready)
                except ray.exceptions.RayActorError as error:
                    self._let_go([actor])  # it may only be out of reach
                    self._died(number, error)
                    left.append(number)
                    continue
                self._idle.append(actor)
                yield done
        finally:
            self._let_go(self._idle)
            self._let_go([actor for actor, _ in self._going.values()])

    def _died(self, number: int, error: Exception) -> None:
        self._deaths[number] += 1
        if self._deaths[number] >= DEATHS:
            raise RunError(
                f"{DEATHS} processes ended over shard {number}: {first_line(error)}",
                "if it was memory: more shards, fewer --workers, or larger machines; what is done is kept",
            ) from None

    def _let_go(self, actors: list[Any]) -> None:
        import ray

        while actors:
            ray.kill(actors.pop())


def _own(error: Any) -> Exception:
    """What went wrong in another process, as it would be said here. Ray raises it as a kind of its own, which has it within."""
    from ray.exceptions import RayTaskError

    cause: Any = error
    while cause is not None:
        if isinstance(cause, PedagogyError) and not isinstance(cause, RayTaskError):
            return cause
        cause = getattr(cause, "cause", None) or cause.__cause__
    return error  # type: ignore[no-any-return]
