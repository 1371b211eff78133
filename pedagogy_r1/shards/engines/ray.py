"""``ray``: processes of any number of machines, which Ray starts, watches and replaces. Extra ``[ray]``.

    engine(None, workers=2)            this machine
    engine("auto", workers=64)         the cluster that this machine is part of
    engine("ray://head:10001", 64)     one elsewhere

A shard is a task. Ray keeps the process of a task for the next one, so that a coder is made once in each; where a process is killed, or
its machine is, its shard is begun again elsewhere, however often. A driver that was killed is started again by the same command, and
goes on with the shards that have no record.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from ...errors import ArgumentError, PedagogyError, RunError, first_line
from . import Done

_INSTALL = "pip install 'pedagogy-r1[ray]'"


def engine(address: str | None, workers: int) -> RayEngine:
    """``address``: of a cluster. ``workers``: processes at work at once, over all machines."""
    try:
        import ray  # noqa: F401 - to say early that it is not there
    except ImportError:
        raise ArgumentError("--engine ray needs Ray, which is not installed", _INSTALL) from None
    return RayEngine(address, workers)


class RayEngine:
    """Shards as tasks of a Ray cluster."""

    def __init__(self, address: str | None, workers: int) -> None:
        self.address, self.workers, self.interrupted = address, workers, False

    def run(self, work: Callable[[int], Done], numbers: Sequence[int]) -> Iterator[Done]:
        """As they are done."""
        if not numbers:
            return
        import ray

        with self._cluster():
            what = ray.put(work)
            task = ray.remote(_do).options(num_cpus=1, max_retries=-1, scheduling_strategy="SPREAD")
            left, going = list(reversed(numbers)), list[Any]()
            try:
                while left or going:
                    while left and len(going) < self.workers:
                        going.append(task.remote(what, left.pop()))
                    ready, going = ray.wait(going, num_returns=1)
                    yield ray.get(ready[0])
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
        where: dict[str, Any] = {"address": self.address} if self.address else {"num_cpus": self.workers}
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


def _do(work: Callable[[int], Any], number: int) -> Any:
    """In a process of the cluster."""
    return work(number)


def _own(error: Any) -> Exception:
    """What went wrong in another process, as it would be said here."""
    cause: Any = error
    while cause is not None:
        if isinstance(cause, PedagogyError):
            return PedagogyError(cause.message, cause.hint)
        cause = getattr(cause, "cause", None) or cause.__cause__
    return error  # type: ignore[no-any-return]
