"""What went wrong in a worker process is said here as it was said there, whatever kind of error it was."""

from __future__ import annotations

import importlib
import pickle
import pkgutil

import pytest

import pedagogy_r1
from pedagogy_r1.asking import NothingUsableError
from pedagogy_r1.chat import ChatFault, UnusableServerError, Usage
from pedagogy_r1.errors import DiskError, PedagogyError, RunError
from pedagogy_r1.workers import in_order, interrupts

MADE: dict[str, PedagogyError] = {
    "DiskError": DiskError("no space left", "run.json"),
    "NothingUsableError": NothingUsableError("the first 3 requests", "try", {"length": 3}),
    "UnusableServerError": UnusableServerError(
        "it cut the prompt", "more context", ChatFault("malformed", "cut", raw="{}", usage=Usage(1, 2, 3))
    ),
}


def kinds(base: type[PedagogyError] = PedagogyError) -> list[type[PedagogyError]]:
    for module in pkgutil.walk_packages(pedagogy_r1.__path__, "pedagogy_r1."):
        if module.name.rpartition(".")[2] != "__main__":
            importlib.import_module(module.name)
    found = [base]
    for kind in found:
        found += kind.__subclasses__()
    return [kind for kind in found if kind.__module__.startswith("pedagogy_r1")]


def fail(name: str) -> None:
    raise MADE[name]


def test_every_kind_arrives_as_it_was_sent() -> None:
    for kind in kinds():
        error = MADE.get(kind.__name__)
        if error is None:
            error = kind.__new__(kind, "what went wrong")
            error.message, error.hint = "what went wrong", "what to do"
        arrived = pickle.loads(pickle.dumps(error))
        assert type(arrived) is kind
        assert str(arrived) == str(error)
        assert arrived.__dict__.keys() == error.__dict__.keys()


@pytest.mark.parametrize("name", MADE)
def test_from_another_process(name: str) -> None:
    with interrupts() as stop, pytest.raises(type(MADE[name])) as caught:
        list(in_order(fail, [name], 1, stop, apart=True))
    assert not isinstance(caught.value, RunError)
    assert str(caught.value) == str(MADE[name])
