"""Figures: drawn when asked, as SVG and PNG files and as part of the page, from four kinds of pictures.

    Figure("alpha", "Agreement of each pair of coders …", draw)   →   alpha.svg, alpha.png

    IA-SQ  ├──●──┤                `dot_rows`: estimates with their intervals, groups told apart by shape
    TR-SP      ├───●────┤         `heat_map`, `profiles`, `stacked_bars`

``draw`` makes a matplotlib figure with its object-oriented interface; pyplot is never imported. Every figure can be read without
colour. Its inks are written into an SVG file as they are, and become the page's own (light and dark) where the SVG stands in it;
the colours of codes are the codebook's (`codebook/code_colors.py`).
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from textwrap import wrap
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from ..codebook.code_colors import on
from ..estimate import Estimate, Floats
from ..formatting import visible

if TYPE_CHECKING:
    from matplotlib.figure import Figure as Canvas

INK, MUTED, RULE, PAPER = "#1d1f23", "#666b73", "#d8dade", "#fffffe"
VARIABLES = {INK: "var(--ink)", MUTED: "var(--muted)", RULE: "var(--rule)", PAPER: "var(--card)"}

DPI = 200
WIDTH = 7.2
"""Inches; 9 point text is then the size of the page's small print."""
SAID_WIDTH, SAID_HEIGHT = 110, 0.14
"""Of a line of small print above a figure: characters, inches."""


@dataclass(frozen=True)
class Rendered:
    """One figure's files."""

    svg: str
    png: bytes


@dataclass(frozen=True)
class Figure:
    """``caption``: what is drawn and how to read it, complete without the picture."""

    name: str
    caption: str
    draw: Callable[[], Canvas]

    def render(self, said: Sequence[str] = ()) -> Rendered:
        """Draw it once and write it twice; the same data give the same bytes. ``said``: what every output carries, above it."""
        with style(self.name):
            canvas = self.draw()
            if said:
                lines = [line for words in said for line in wrap(words, SAID_WIDTH)]
                canvas.set_figheight(canvas.get_figheight() + SAID_HEIGHT * len(lines))
                canvas.suptitle("\n".join(lines), fontsize=7.5, color=MUTED, x=0.01, ha="left")
            svg, png = io.StringIO(), io.BytesIO()
            canvas.savefig(svg, format="svg", facecolor="white", metadata={"Date": None, "Creator": None})
            canvas.savefig(png, format="png", facecolor="white", dpi=DPI, metadata={"Software": None})
        return Rendered(visible(svg.getvalue()), png.getvalue())

    def inline(self, svg: str, variables: Mapping[str, str]) -> str:
        """The SVG as an element of an HTML page. ``variables``: colour → CSS variable."""
        start = svg.index("<svg")
        text = re.sub(r"<metadata>.*?</metadata>", "", svg[start:], flags=re.DOTALL)
        text = re.sub(r"<!--.*?-->", "", text, flags=re.DOTALL)
        # The first patch is the sheet of paper.
        text = re.sub(r'<g id="patch_1">.*?</g>', "", text, count=1, flags=re.DOTALL)
        text = re.sub(r' xmlns(:xlink)?="[^"]*"', "", text)
        text = re.sub(r'(id="|href="#|url\(#)', rf"\1{self.name}-", text)
        for color, variable in {**VARIABLES, **variables}.items():
            text = re.sub(re.escape(color) + r"\b", variable, text, flags=re.IGNORECASE)
        size = re.search(r'viewBox="[\d.]+ [\d.]+ ([\d.]+)', text)
        width = f"{float(size[1]) * 4 / 3:.0f}px" if size else "100%"
        label = f'role="img" aria-label="{escape(visible(self.caption))}" style="max-width:{width}"'
        tag = r'<svg [^>]*?(viewBox="[^"]*")[^>]*>'
        return re.sub(tag, lambda found: f"<svg {found[1]} {label}>", text, count=1)


@contextmanager
def style(salt: str) -> Iterator[None]:
    """The look of all figures, put back afterwards. ``salt`` makes ids, and so the bytes, repeatable."""
    import matplotlib as mpl

    look: dict[str, Any] = {
        "svg.fonttype": "none",
        "svg.hashsalt": salt,
        "font.family": "sans-serif",
        "font.sans-serif": ["DejaVu Sans"],
        "font.size": 9,
        "axes.titlesize": 9,
        "axes.titleweight": "bold",
        "axes.titlelocation": "left",
        "axes.labelsize": 9,
        "axes.facecolor": "none",
        "axes.edgecolor": MUTED,
        "axes.linewidth": 0.7,
        "axes.spines.top": False,
        "axes.spines.right": False,
        "axes.unicode_minus": True,
        "text.color": INK,
        "text.parse_math": False,
        "axes.labelcolor": INK,
        "axes.titlecolor": INK,
        "xtick.color": MUTED,
        "ytick.color": MUTED,
        "xtick.labelcolor": INK,
        "ytick.labelcolor": INK,
        "xtick.labelsize": 8.5,
        "ytick.labelsize": 9,
        "grid.color": RULE,
        "grid.linewidth": 0.7,
        "legend.frameon": False,
        "legend.fontsize": 8.5,
    }
    with mpl.rc_context(cast(Any, look)):
        yield


def canvas(width: float, height: float) -> Canvas:
    """An empty figure of that many inches."""
    from matplotlib.figure import Figure as Canvas

    return Canvas(figsize=(width, height), layout="constrained")


SHAPES = ("o", "D", "s", "^", "v", "P", "X", "p")
HOLLOW = len(SHAPES)
"""A group of hollow circles."""


@dataclass(frozen=True)
class Dot:
    """An estimate in a row: ``thin`` is a second, usually shorter, interval drawn as a hair line."""

    estimate: Estimate
    color: str = INK
    group: int = 0
    thin: tuple[float, float] | None = None


def dot_rows(
    names: Sequence[str],
    rows: Sequence[Sequence[Dot]],
    *,
    axis: str,
    groups: Sequence[str] = (),
    marks: Mapping[float, str] | None = None,
    percent: bool = False,
    limits: tuple[float | None, float | None] | None = None,
) -> Canvas:
    """One row for each name, with a dot for each estimate. ``marks``: vertical lines by place, with their words."""
    most = max((len(row) for row in rows), default=1)
    step = 0.13 * most + 0.16
    figure = canvas(WIDTH, max(1.5, step * len(rows) + 0.75 + 0.25 * bool(groups)))
    axes = figure.subplots()
    for place, row in enumerate(rows):
        for number, dot in enumerate(row):
            _dot(axes, dot, place + (number - (len(row) - 1) / 2) * 0.8 / most)
    for at, words in (marks or {}).items():
        axes.axvline(at, color=MUTED, lw=0.8, ls=(0, (3, 3)), zorder=0)
        axes.annotate(
            words, (at, 1), xycoords=("data", "axes fraction"), xytext=(0, 2), textcoords="offset points",
            fontsize=7.5, color=MUTED, va="bottom", ha="center", annotation_clip=False,
        )  # fmt: skip
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.grid(axis="x")
    axes.set_axisbelow(True)
    axes.set_xlabel(axis)
    if limits:
        axes.set_xlim(*limits)
        high = axes.get_xlim()[1]
        if limits[0] == 0:  # room for a mark that stands at 0
            axes.set_xlim(-0.015 * high, high)
    if percent:
        axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.4g} %")
    used = sorted({dot.group for row in rows for dot in row})
    if len(groups) > 1:
        _legend(figure, [(number, groups[number]) for number in used])
    return figure


def _dot(axes: Any, dot: Dot, y: float) -> None:
    value, span = dot.estimate.value, dot.estimate.interval
    if value is None or not np.isfinite(value):
        return
    if span:
        axes.plot(span, [y, y], color=dot.color, lw=2, solid_capstyle="round", zorder=2)
    if dot.thin:
        axes.plot(dot.thin, [y + 0.12, y + 0.12], color=MUTED, lw=0.8, zorder=1)
    filled = dot.group % 2 == 0 and dot.group != HOLLOW
    axes.plot(
        [value], [y], SHAPES[dot.group % len(SHAPES)], ms=6, mfc=dot.color if filled else PAPER,
        mec=INK if filled else dot.color, mew=0.6 if filled else 1.6, zorder=3,
    )  # fmt: skip


def _legend(figure: Any, groups: Sequence[tuple[int, str]]) -> None:
    from matplotlib.lines import Line2D

    handles = [
        Line2D([], [], marker=SHAPES[n % len(SHAPES)], ls="", color=MUTED, mfc=MUTED if n % 2 == 0 else PAPER,
               mew=1.4, ms=6, label=name)
        for n, name in groups
    ]  # fmt: skip
    figure.legend(handles=handles, loc="outside upper left", ncols=min(4, len(groups)), handletextpad=0.2)


def heat_map(
    rows: Sequence[str],
    names: Sequence[str],
    values: Floats,
    texts: Sequence[Sequence[str]],
    *,
    row_axis: str = "",
    axis: str = "",
    scale: str,
    reach: float | None = None,
) -> Canvas:
    """(rows, columns) values as colours with their texts; NaN stays empty. ``scale``: what the colours mean.

    Shares in one hue; with ``reach`` two of them, for what lies above 0 and below, as far as that.
    """
    from matplotlib import colormaps
    from matplotlib.colors import Normalize, to_hex

    colors = colormaps["RdBu_r" if reach else "Blues"]
    norm = Normalize(-reach if reach else 0, reach or 1, clip=True)
    figure = canvas(WIDTH, 0.36 * len(rows) + 1.35)
    axes = figure.subplots()
    shades = np.ma.masked_invalid(values)
    mesh = axes.pcolormesh(
        np.arange(len(names) + 1), np.arange(len(rows) + 1), shades, cmap=colors, norm=norm,
        edgecolors=PAPER, linewidth=1.2,
    )  # fmt: skip
    for i, j in np.ndindex(values.shape):
        if texts[i][j]:
            ink = MUTED if np.isnan(values[i, j]) else on(to_hex(colors(norm(values[i, j]))))
            axes.text(j + 0.5, i + 0.5, texts[i][j], ha="center", va="center", fontsize=7.5, color=ink)
    axes.set_xticks(np.arange(len(names)) + 0.5, names, rotation=40, ha="right", rotation_mode="anchor")
    axes.set_yticks(np.arange(len(rows)) + 0.5, rows)
    axes.set_ylim(len(rows), 0)
    axes.tick_params(length=0)
    for spine in axes.spines.values():
        spine.set_visible(False)
    axes.set_xlabel(axis)
    axes.set_ylabel(row_axis)
    bar = figure.colorbar(mesh, ax=axes, shrink=0.8, pad=0.02, aspect=25)
    if bar.solids is not None:
        bar.solids.set_rasterized(False)
        bar.solids.set_edgecolor("face")
    bar.outline.set_visible(False)
    bar.set_label(scale, fontsize=8)
    bar.ax.tick_params(length=0, labelsize=8)
    return figure


def profiles(
    names: Sequence[str],
    edges: Sequence[float],
    shares: Sequence[Sequence[Estimate]],
    colors: Sequence[str],
    *,
    axis: str,
    write: Callable[[float], str],
) -> Canvas:
    """A small picture for each name: a share along the trace, with its interval as a band, each on its own scale."""
    from matplotlib.ticker import MaxNLocator

    across = 4
    down = -(-len(names) // across)
    figure = canvas(WIDTH, 1.25 * down + 0.45)
    grid = figure.subplots(down, across, squeeze=False, sharex=True)
    middle = (np.asarray(edges)[1:] + np.asarray(edges)[:-1]) / 2
    for number, axes in enumerate(grid.ravel()):
        if number >= len(names):
            axes.set_axis_off()
            continue
        own = np.array([np.nan if e.value is None else e.value for e in shares[number]])
        low, high = np.array([e.interval or (np.nan, np.nan) for e in shares[number]]).T
        axes.fill_between(middle, low, high, color=colors[number], alpha=0.25, lw=0)
        axes.plot(middle, own, color=colors[number], lw=2)
        top = max(float(np.nanmax(own, initial=0.0)) * 1.8, 0.01)
        axes.set_ylim(0, min(1.0, top))
        axes.set_xlim(0, 1)
        axes.set_title(names[number], pad=3)
        axes.set_xticks([0, 0.5, 1], ["start", "", "end"])
        axes.yaxis.set_major_locator(MaxNLocator(3))
        axes.yaxis.set_major_formatter(lambda value, _: write(value))
        axes.tick_params(length=2, labelsize=7.5)
        axes.grid(axis="y")
        axes.set_axisbelow(True)
    figure.supxlabel(axis, fontsize=9)
    return figure


def stacked_bars(
    names: Sequence[str], parts: Sequence[str], values: Floats, colors: Sequence[str], *, axis: str
) -> Canvas:
    """(names, parts) shares as bars that are full at 100 %, parts in order, large ones with their name."""
    figure = canvas(WIDTH, 0.42 * len(names) + 1.25)
    axes = figure.subplots()
    left = np.zeros(len(names))
    for part, color, share in zip(parts, colors, values.T, strict=True):
        axes.barh(range(len(names)), share, left=left, color=color, height=0.72, label=part, lw=0.6, ec=PAPER)
        for row, (start, width) in enumerate(zip(left, share, strict=True)):
            if width > 0.075:
                axes.text(
                    start + width / 2, row, part, ha="center", va="center", fontsize=7.5, color=on(color)
                )
        left = left + share
    axes.set_yticks(range(len(names)), names)
    axes.set_ylim(len(names) - 0.5, -0.5)
    axes.set_xlim(0, 1)
    axes.tick_params(axis="y", length=0)
    axes.spines["left"].set_visible(False)
    axes.xaxis.set_major_formatter(lambda value, _: f"{100 * value:.0f} %")
    axes.set_xlabel(axis)
    figure.legend(
        loc="outside upper left", ncols=min(8, -(-len(parts) // 2)), handlelength=0.9, handletextpad=0.4
    )
    return figure
