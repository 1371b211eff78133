"""A PNG file holds the pixels that were drawn, as one of matplotlib's does."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from pedagogy_r1.report.figures.figure import DPI, Figure
from pedagogy_r1.report.figures.png_file import png_file
from pedagogy_r1.report.figures.sheet import box, sheet, style, write


@pytest.mark.parametrize("size", [(1, 1), (1, 7), (5, 1), (40, 33)])
def test_any_pixels_come_back(size: tuple[int, int]) -> None:
    pixels = np.random.default_rng(1).integers(0, 256, (*size, 4), dtype=np.uint8)
    with Image.open(io.BytesIO(png_file(pixels, 300))) as found:
        assert found.mode == "RGBA"
        assert found.info["dpi"] == pytest.approx((300, 300), abs=0.01)
        assert (np.asarray(found) == pixels).all()


@pytest.mark.parametrize("width", [3.3464566929, 7.0866141732, 5.01])
def test_it_is_the_picture_that_matplotlib_writes(width: float) -> None:
    def draw(width: float) -> object:
        figure = sheet(width, 2.345)
        axes = box(figure, 0.5, 0.3, width - 1, 1.5)
        axes.plot([0, 1, 2], [1, 3, 2], color="#336699")
        axes.bar([0.5], [2], hatch="///", facecolor="none")
        write(figure, "from cop", 0.5, 0.1, 8)
        return figure

    figure = Figure("picture", "A picture.", draw)  # type: ignore[arg-type]
    files = figure.render()
    drawn, _ = figure.canvas()
    wanted = io.BytesIO()
    with style("picture"):
        drawn.savefig(wanted, format="png", facecolor="white", dpi=DPI)
    with Image.open(io.BytesIO(files.png)) as found, Image.open(wanted) as theirs:
        assert (np.asarray(found) == np.asarray(theirs)).all()
        assert found.info["dpi"] == theirs.info["dpi"]
