"""The agreement section, in words; its tables and figures stand in files of their own."""

from __future__ import annotations

from ...agreement.alpha import FEW_TRACES
from ...estimate.formatting import shown
from ..agreement_tables import agreement_tables
from ..reliability import LEAST_HUMANS, Agreement
from ..reliability_figures import agreement_figures
from ..section import Gap, Section, counted, distinct
from ..study import Study


def agreement_section(study: Study, found: Agreement) -> Section:
    """The section, or why there is none."""
    if len(study.data.coders) < 2:
        only = study.data.coders[0].name
        why = f"only one coder, {only}, is in these runs: there is nobody to agree with"
        gap = Gap("Reliability", f"{why}. Have a second person code some of the traces, and add that run.")
        return Section("agreement", "Agreement", absent=why, gaps=(gap,))
    gaps = [
        Gap(f"α of {' and '.join(c.coders)}", c.result.why_undefined)
        for c in found.comparisons
        if c.result.why_undefined
    ]
    gaps += [
        Gap(f"The difference in α between {name} and people", d.why_undefined)
        for name, d in found.differences
        if d.why_undefined
    ]
    if study.machines and 0 < len(study.humans) < LEAST_HUMANS:
        why = f"the alternative-annotator test needs {LEAST_HUMANS} people, and {len(study.humans)} coded"
        gaps.append(Gap("Whether the machine may replace a coder", why))
    if not study.humans:
        gaps.append(Gap("Agreement with people", "no run holds codings by people"))
    elif len(study.humans) == 1:
        gaps.append(Gap("Agreement among people", f"{study.humans[0]} is the only person who coded"))
    return Section(
        "agreement",
        "Agreement",
        _lead(study, found),
        agreement_tables(study, found),
        agreement_figures(study, found),
        gaps=tuple(gaps),
        cautions=_cautions(found),
    )


def _lead(study: Study, found: Agreement) -> tuple[str, ...]:
    level = study.data.level
    words = (
        f"Krippendorff's α ({level}, on the primary code) is 1 where coders always agree and 0 where they agree no more "
        "than chance would. The interval redraws whole traces, since sentences of one trace resemble each other; the one "
        "over units, given beside it, takes them for independent and is too narrow where they are not."
    )
    lines = [words]
    for name, d in found.differences:
        if d.difference is not None:
            span = f" [{shown(d.ci[0], 'signed')}, {shown(d.ci[1], 'signed')}]" if d.ci else ""
            lines.append(
                f"On the {counted(d.n_units, 'unit')} that {name} and at least two people coded, people reach α = "
                f"{shown(d.first, 'coefficient')} with each other and {shown(d.second, 'coefficient')} with {name}: a "
                f"difference of {shown(d.difference, 'signed')}{span}."
            )
    errors = found.errors
    if errors and errors.mean_correlation is not None and errors.effective is not None:
        lines.append(
            f"Machine coders err together: their errors against people's codes correlate by "
            f"{shown(errors.mean_correlation, 'number')} on average, so that {len(study.machines)} of them are worth "
            f"{shown(errors.effective, 'number')} that err independently."
        )
    lines += [f"May {one.machine} replace a coder? {one.verdict()}" for one in found.replacements]
    return tuple(lines)


def _cautions(found: Agreement) -> tuple[str, ...]:
    few = [c.result.n_traces for c in found.comparisons if 2 <= c.result.n_traces < FEW_TRACES]
    cautions = []
    if few:
        cautions.append(
            f"Intervals over traces rest on {min(few)} traces; with fewer than {FEW_TRACES} they tend to be too narrow."
        )
    for c in found.comparisons:
        if c.result.alpha is not None and max(c.result.undefined_share) > 0:
            share = max(c.result.undefined_share)
            cautions.append(
                f"α of {' and '.join(c.coders)} was undefined in {share:.1%} of the resamples, which are left out."
            )
    return distinct(cautions)
