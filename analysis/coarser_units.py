"""Would coarser units help? What joining fragments, and value lines of one trial, would change of codings by sentences.

    pcode corpus copy teaching -o corpus
    pcode analysis run coarser_units corpus/coders

"Then,", "Option B:" or "## Check" joins the unit that it opens; "n=5: L" and "n=6: W" are one unit. A joined unit takes the coding of its longest part.
α and the units in doubt (a memo that names two codes) stand before and after, with the interval of the difference over traces.
"""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from pedagogy_r1.agreement import CoarserUnits, coarser_units


def lines(found: CoarserUnits) -> list[str]:
    """What was found, a line each."""
    said = [
        f"{found.units} units; {found.joined} joined units take in some of them, and {found.left} are left"
    ]
    said += [
        f"  {coder}: all parts have the same first code in {same} of {of} joined units"
        for coder, (same, of) in found.alike.items()
    ]
    said.append(f"α, mean over pairs of coders: {change(found.alpha, found.alpha.first, found.alpha.second)}")
    said.append(f"share of units that any coder doubts: {change(found.doubt, *found.doubts)}")
    said += ["", "Share of first codes, all coders together:"]
    said.append(f"{'code':10}{'units':>9}{'joined':>9}{'tokens':>9}")
    for code, shares in found.shares.items():
        said.append(f"{code:10}" + "".join(f"{share:>9.1%}" for share in shares))
    return said


def change(difference: Any, before: float | None, after: float | None) -> str:
    """Before, after, and the difference with its interval."""
    if difference.value is None or before is None or after is None:
        return f"no difference: {difference.why_undefined}"
    limits = difference.interval
    interval = f"[{limits[0]:+.4f}, {limits[1]:+.4f}]" if limits else "no interval"
    notes = "".join(f"; {warning}" for warning in difference.warnings)
    return f"{before:.4f} before, {after:.4f} after, difference {difference.value:+.4f} {interval}{notes}"


def main(arguments: Sequence[str] | None = None) -> None:
    """Print what joining would change."""
    parser = argparse.ArgumentParser(prog="coarser_units", description=(__doc__ or "").split("\n\n")[0])
    parser.add_argument("runs", nargs="+", type=Path)
    options = parser.parse_args(arguments)
    print("\n".join(lines(coarser_units(options.runs))))


if __name__ == "__main__":
    main()
