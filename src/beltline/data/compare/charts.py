"""Small bar charts as PNG, drawn with Pillow: the core brings no plotting library."""

from __future__ import annotations

import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from PIL import Image, ImageDraw, ImageFont

from beltline.formats import write_atomic

_SCALE = 2  # drawn at twice the size and shrunk, for smooth edges
_BLUE, _INK, _GREY, _RULE = "#2f6690", "#22272b", "#6b7680", "#e3e7ea"
_LEFT, _RIGHT, _TOP, _BOTTOM = 52, 14, 50, 46
_TICKS = 4


@dataclass(frozen=True)
class BarChart:
    """One chart.

    Attributes:
        title: Above it.
        bars: Heights, at least 0.
        ticks: Labels below: one for each bar, or one more, then they stand at the bars' edges.
        below: What the horizontal axis is.
        note: A grey line under the title, empty for none.
        values: Whether each bar carries its number.
    """

    title: str
    bars: tuple[float, ...]
    ticks: tuple[str, ...]
    below: str = ""
    note: str = ""
    values: bool = False

    def __post_init__(self) -> None:
        if len(self.ticks) - len(self.bars) not in (0, 1):
            raise ValueError(f"{len(self.bars)} bars need as many ticks or one more, got {len(self.ticks)}")
        if not self.bars or min(self.bars) < 0:
            raise ValueError(f"a chart needs bars of at least 0, got {self.bars}")


def write_charts(
    path: str | Path, charts: Sequence[BarChart], *, columns: int = 2, size: tuple[int, int] = (300, 480)
) -> None:
    """Draw charts in a grid and write one PNG.

    Args:
        path: Where to.
        charts: Row by row.
        columns: Charts side by side.
        size: (height, width) of one chart in pixels.
    """
    height, width = size
    rows = -(-len(charts) // columns)
    sheet = Image.new("RGB", (width * columns * _SCALE, height * rows * _SCALE), "white")
    for number, chart in enumerate(charts):
        row, column = divmod(number, columns)
        sheet.paste(
            _drawn(chart, height * _SCALE, width * _SCALE), (column * width * _SCALE, row * height * _SCALE)
        )
    buffer = io.BytesIO()
    sheet.resize((width * columns, height * rows), Image.Resampling.LANCZOS).save(buffer, "PNG")
    write_atomic(path, buffer.getvalue())


def _font(size: int) -> ImageFont.FreeTypeFont | ImageFont.ImageFont:
    return ImageFont.load_default(size * _SCALE)


def _drawn(chart: BarChart, height: int, width: int) -> Image.Image:
    image = Image.new("RGB", (width, height), "white")
    pen = ImageDraw.Draw(image)
    left, right = _LEFT * _SCALE, width - _RIGHT * _SCALE
    top, bottom = _TOP * _SCALE, height - _BOTTOM * _SCALE
    highest = nice_limit(max(chart.bars))
    pen.text((left, 10 * _SCALE), chart.title, _INK, _font(15))
    pen.text((left, 30 * _SCALE), chart.note, _GREY, _font(11))
    for tick in range(_TICKS + 1):
        y = bottom - tick * (bottom - top) / _TICKS
        pen.line((left, y, right, y), _GREY if tick == 0 else _RULE, _SCALE)
        value = highest * tick / _TICKS
        pen.text((left - 6 * _SCALE, y), f"{value:,g}", _GREY, _font(11), anchor="rm")
    step = (right - left) / len(chart.bars)
    gap = 0.18 * step if chart.values else 0.06 * step
    for number, value in enumerate(chart.bars):
        x, y = left + number * step, bottom - value / highest * (bottom - top)
        if value > 0:
            pen.rectangle((x + gap, min(y, bottom - _SCALE), x + step - gap, bottom - _SCALE), _BLUE)
        if chart.values:
            pen.text((x + step / 2, y - 3 * _SCALE), f"{value:,g}", _INK, _font(11), anchor="mb")
    shift = 0.5 * step if len(chart.ticks) == len(chart.bars) else 0.0
    for number, text in enumerate(chart.ticks):
        x = left + number * step + shift
        pen.text((x, bottom + 16 * _SCALE), text, _INK, _font(11), anchor="ms")
    pen.text(((left + right) / 2, height - 10 * _SCALE), chart.below, _GREY, _font(11), anchor="mb")
    return image


def nice_limit(highest: float) -> float:
    """The least of 1, 2, 4 or 8 times a power of ten that is not below.

    Example:
        >>> nice_limit(3961), nice_limit(0.13), nice_limit(0)
        (4000.0, 0.2, 1.0)
    """
    if highest <= 0:
        return 1.0
    scale = 10.0 ** math.floor(math.log10(highest))
    return next((m * scale for m in (1, 2, 4, 8) if m * scale >= highest * (1 - 1e-9)), 10 * scale)
