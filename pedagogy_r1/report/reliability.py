"""How far coders agree: people with each other, people with the machine, and the difference between the two.

measure_agreement(study).comparisons[0].result.value
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ..agreement.alpha import Alpha, krippendorff_alphas
from ..agreement.alpha_difference import AlphaDifference, human_machine_difference
from ..agreement.code_accuracy import MachineErrors, machine_errors
from ..agreement.comparison import Comparison, compare, groups
from ..agreement.profile import MISSING
from ..agreement.replacement import replacement_test
from ..agreement.replacement_report import ReplacementReport
from ..estimate import Resampling
from .study import Ints, Study

LEAST_HUMANS = 3
"""The alternative-annotator test asks for three people."""

MOST_MACHINES = 6
"""With more machine coders only the pairs with people are compared; all pairs would be a page of rows."""

GROUP_COLUMNS = ("condition", "domain", "model")


@dataclass(frozen=True)
class GroupAlpha:
    """α of some coders in the traces where ``column`` is ``value``."""

    coders: tuple[str, ...]
    kind: str
    column: str
    value: str
    result: Alpha


@dataclass(frozen=True)
class Agreement:
    """All that the section shows. ``confusion``: (codes, codes) counts, rows by ``rows``, columns by ``machine``."""

    comparisons: tuple[Comparison, ...]
    differences: tuple[tuple[str, AlphaDifference], ...]
    by_group: tuple[GroupAlpha, ...]
    confusion: Ints | None
    confusion_of: tuple[str, str]
    errors: MachineErrors | None
    leave_one_out: tuple[tuple[str, Alpha], ...] = ()
    replacements: tuple[ReplacementReport, ...] = ()

    def of_kind(self, kind: str) -> tuple[Comparison, ...]:
        """Comparisons of one kind; pairs first."""
        return tuple(c for c in self.comparisons if c.kind == kind)


def measure_agreement(study: Study) -> Agreement:
    """Compare all coders; nothing raises where α is undefined, the results say why."""
    data, settings = study.data, study.settings
    how = Resampling(settings.replicates, settings.seed)
    chosen = [
        (names, kind)
        for names, kind in groups(data)
        if kind != "machine-machine" or len(study.machines) <= MOST_MACHINES
    ]
    comparisons = tuple(compare(data.of(names), kind, how) for names, kind in chosen)
    differences: tuple[tuple[str, AlphaDifference], ...] = ()
    if len(study.humans) >= 2:
        people = np.vstack([study.row(name) for name in study.humans])
        differences = tuple(
            (name, human_machine_difference(people, study.row(name), data.cluster, len(study.codes), how))
            for name in study.machines
        )
    pair, confusion = _confusion(study)
    errors = None
    if study.reference is not None and len(study.machines) >= 2:
        errors = machine_errors(
            np.vstack([study.row(name) for name in study.machines]), study.reference.primary
        )
    replacements: tuple[ReplacementReport, ...] = ()
    if len(study.humans) >= LEAST_HUMANS:
        replacements = tuple(
            replacement_test(data, name, kind="skilled", replicates=how.replicates, seed=how.seed)
            for name in study.machines
        )
    return Agreement(
        comparisons, differences, _by_group(study, how), confusion, pair, errors, _leave_one_out(study, how), replacements
    )  # fmt: skip


def _leave_one_out(study: Study, how: Resampling) -> tuple[tuple[str, Alpha], ...]:
    """α of all the others, without each coder in turn; where three or more coded."""
    data = study.data
    if len(data.coders) < 3:
        return ()
    whole = data.on_scale()
    problems = [
        whole._replace(values=np.delete(whole.values, row, axis=0)) for row in range(len(data.coders))
    ]
    return tuple(zip([c.name for c in data.coders], krippendorff_alphas(problems, how), strict=True))


def _confusion(study: Study) -> tuple[tuple[str, str], Ints | None]:
    """People's codes against the main machine's; without people, the first two coders."""
    machine = study.machine
    if study.reference is not None and machine:
        rows, of = study.reference.primary, ("people" if len(study.humans) > 1 else study.humans[0], machine)
    elif len(study.data.coders) >= 2:
        of = study.data.coders[0].name, study.data.coders[1].name
        rows = study.row(of[0])
    else:
        return ("", ""), None
    others, size = study.row(of[1]), len(study.codes)
    both = (rows != MISSING) & (others != MISSING)
    counts = np.bincount(rows[both] * size + others[both], minlength=size * size).reshape(size, size)
    return of, counts if both.any() else None


def _by_group(study: Study, how: Resampling) -> tuple[GroupAlpha, ...]:
    teams: list[tuple[tuple[str, ...], str]] = []
    if len(study.humans) >= 2:
        teams.append((study.humans, "human-human"))
    machine = study.machine
    if machine:
        teams += [((human, machine), "human-machine") for human in study.humans[:4]]
    found = []
    for column in GROUP_COLUMNS:
        values = study.values(column)
        for value in values if 2 <= len(values) <= 12 else []:
            for names, kind in teams:
                own = study.data.of(names).where(column, value)
                alpha = krippendorff_alphas([own.on_scale()], how)[0]
                found.append(GroupAlpha(names, kind, column, str(value), alpha))
    return tuple(found)
