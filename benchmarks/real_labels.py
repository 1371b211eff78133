"""Real human labels: how far do humans agree with each other, with a language model, and with the cues coder?

    python -m benchmarks.real_labels            # from the checkout, with ../shared beside it

1. The 19 coded responses of ../shared/data/schoenfeld, imported by span; cues codes the same units.
2. reasoningflow: human A with human D, D with Gemini, on their own spans, and projected to sentence@1.
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

import pedagogy_r1 as pr
from pedagogy_r1.agreement import AgreementReport
from pedagogy_r1.agreement.comparison import Comparison
from tests.real import flow_files, schoenfeld_rows, write_spans

DATA = Path(__file__).resolve().parents[2] / "shared/data"


def line(c: Comparison) -> str:
    """One comparison with both intervals."""
    r = c.result
    return f"{' – '.join(c.coders):<16} α {_n(r.value)}  traces {_i(r.interval)}  units {_i(r.unit_interval)}  n {r.n}"


def _n(value: float | None) -> str:
    return "undefined" if value is None else f"{value:.4f}"


def _i(ci: tuple[float, float] | None) -> str:
    return "–" if ci is None else f"[{ci[0]:.3f}, {ci[1]:.3f}]"


def schoenfeld(folder: Path) -> AgreementReport:
    """Humans against cues on the humans' own sentences."""
    mapping = {
        "id": "Question ID",
        "question": "Instruction",
        "reference": "Correct Answer",
        "reasoning": "deepseek-reasoner (response)",
    }
    pr.import_traces([DATA / "schoenfeld_original.json"], folder / "traces.jsonl", mapping=mapping)
    write_spans(folder / "humans.csv", schoenfeld_rows(DATA))
    humans = pr.import_codings(
        [folder / "humans.csv"],
        folder / "traces.jsonl",
        folder / "humans",
        codebook="schoenfeld@1.0.0",
        units="own",
    )
    machine = pr.annotate(
        folder / "traces.jsonl", folder / "cues", codebook="schoenfeld@1.0.0", units=folder / "humans"
    )
    return pr.agree([humans.run, machine])


def flow(folder: Path, coders: tuple[str, str], **how: str) -> AgreementReport:
    """Two coders of reasoningflow."""
    out = folder / "-".join([*coders, *how.values()])
    files = [folder / f"{coder}.csv" for coder in coders]
    return pr.agree(
        [pr.import_codings(files, folder / "traces.jsonl", out, codebook=folder / "nine.yaml", **how).run]
    )  # type: ignore[arg-type]


def main() -> None:
    """Print both tables."""
    if not DATA.is_dir():
        sys.exit(f"{DATA} is not here: this benchmark needs the real traces beside the checkout")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        report = schoenfeld(folder)
        print("schoenfeld, 19 traces, humans against cues on the same units")
        print(line(report.comparisons[0]))
        for code in report.comparisons[0].per_code:
            r = code.result
            print(
                f"  {code.code:<10} α {_n(r.value)}  traces {_i(r.interval)}  units {_i(r.unit_interval)}  prevalence {code.prevalence:.3f}"
            )
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        flow_files(DATA, folder)
        pr.import_traces([folder / "raw.jsonl"], folder / "traces.jsonl")
        for coders in (("A", "D"), ("D", "Gemini")):
            print(f"reasoningflow {' – '.join(coders)}")
            print("  own spans   ", line(flow(folder, coders, units="own").comparisons[0]))
            print("  sentence@1  ", line(flow(folder, coders, project="sentence@1").comparisons[0]))


if __name__ == "__main__":
    main()
