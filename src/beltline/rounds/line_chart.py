"""Curves as SVG, for pages and reports that stand alone: no script, no font, no file beside them."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from markupsafe import Markup, escape

WIDTH, HEIGHT = 420, 240
LEFT, RIGHT, TOP, BOTTOM = 46, 14, 34, 46
COLORS = ("#c8005a", "#0a58ca", "#0b6b5d", "#7a4d00", "#6b3fa0", "#59626f")
MARKS = ("circle", "square", "diamond", "triangle")


@dataclass(frozen=True)
class Line:
    """One curve.

    Attributes:
        y: A value for each x; None leaves a gap.
        low: Lower ends of intervals, or empty.
        high: Upper ends.
    """

    y: Sequence[float | None]
    low: Sequence[float | None] = ()
    high: Sequence[float | None] = ()


@dataclass(frozen=True)
class _Axes:
    """Where values lie on the chart."""

    columns: int
    low: float
    high: float

    def x(self, column: int) -> float:
        return LEFT + (WIDTH - LEFT - RIGHT) * (column + 0.5) / max(self.columns, 1)

    def y(self, value: float) -> float:
        return HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * (value - self.low) / (self.high - self.low)


def line_chart(
    title: str,
    x: Sequence[int],
    lines: Mapping[str, Line],
    *,
    unit: str = "",
    x_name: str = "round",
    from_zero: bool = True,
) -> Markup:
    """A chart of curves over rounds.

    Args:
        title: Above it.
        x: Whole numbers, one column each.
        lines: By name.
        unit: Of y, in the title.
        x_name: Below the axis.
        from_zero: Whether y begins at 0; else a flat curve far above it is shown larger.

    Example:
        >>> chart = line_chart("clicks", [1, 2], {"picked": Line([9.0, 6.5])})
        >>> chart.startswith("<svg"), "picked" in chart
        (True, True)
    """
    ticks = _ticks(*_range(list(lines.values()), from_zero=from_zero))
    axes = _Axes(len(x), ticks[0], ticks[-1])
    foot = HEIGHT - BOTTOM + 15
    parts = [
        f'<svg class="chart" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title)}"'
        ' xmlns="http://www.w3.org/2000/svg" font-family="system-ui, sans-serif" font-size="11"'
        ' fill="currentColor">',
        f'<text x="{LEFT - 36}" y="14" font-weight="600" font-size="12.5">{escape(title)}'
        f'<tspan opacity=".65" font-weight="400"> {escape(unit)}</tspan></text>',
        *(_gridline(axes.y(tick), tick) for tick in ticks),
        *(_text(axes.x(column), foot, "middle", value) for column, value in enumerate(x)),
        _text(WIDTH - RIGHT, HEIGHT - 8, "end", x_name),
    ]
    for number, line in enumerate(lines.values()):
        parts += _curve(line, number, axes)
    return Markup("".join([*parts, *_legend(list(lines)), "</svg>"]))  # every text in it is escaped above


def _gridline(y: float, tick: float) -> str:
    line = f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="currentColor"'
    return f'{line} stroke-opacity=".15"/>{_text(LEFT - 6, y + 4, "end", f"{tick:g}")}'


def _text(x: float, y: float, anchor: str, text: object) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" opacity=".7">{escape(text)}</text>'


def _curve(line: Line, number: int, axes: _Axes) -> list[str]:
    """Intervals, then the curve piece by piece, then its marks."""
    color, mark = COLORS[number % len(COLORS)], MARKS[number % len(MARKS)]
    parts = []
    for column, (low, high) in enumerate(zip(line.low, line.high, strict=True)):
        if low is not None and high is not None:
            x = f'x1="{axes.x(column):.1f}" x2="{axes.x(column):.1f}"'
            y = f'y1="{axes.y(low):.1f}" y2="{axes.y(high):.1f}"'
            parts.append(f'<line {x} {y} stroke="{color}" stroke-width="1.5" stroke-opacity=".55"/>')
    for points in _pieces(line, axes):
        text = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline points="{text}" fill="none" stroke="{color}" stroke-width="2"/>')
        parts += [_mark(x, y, mark, color) for x, y in points]
    return parts


def _pieces(line: Line, axes: _Axes) -> list[list[tuple[float, float]]]:
    """Points between the gaps."""
    pieces: list[list[tuple[float, float]]] = [[]]
    for column, value in enumerate(line.y):
        if value is None or not math.isfinite(value):
            pieces.append([])
        else:
            pieces[-1].append((axes.x(column), axes.y(value)))
    return [piece for piece in pieces if piece]


def _mark(x: float, y: float, mark: str, color: str) -> str:
    shapes = {
        "circle": f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.4" fill="{color}"/>',
        "square": f'<rect x="{x - 3:.1f}" y="{y - 3:.1f}" width="6" height="6" fill="{color}"/>',
        "diamond": f'<path d="M{x:.1f} {y - 4.4:.1f}l4.4 4.4l-4.4 4.4l-4.4 -4.4z" fill="{color}"/>',
        "triangle": f'<path d="M{x:.1f} {y - 4:.1f}l4 7h-8z" fill="{color}"/>',
    }
    return shapes[mark]


def _legend(names: Sequence[str]) -> list[str]:
    parts, x = [], float(LEFT)
    for number, name in enumerate(names):
        mark = _mark(x, HEIGHT - 12, MARKS[number % len(MARKS)], COLORS[number % len(COLORS)])
        parts.append(f'{mark}<text x="{x + 8:.1f}" y="{HEIGHT - 8}">{escape(name)}</text>')
        x += 22 + 6.2 * len(name)
    return parts


def _range(lines: Sequence[Line], *, from_zero: bool) -> tuple[float, float]:
    values = [v for line in lines for each in (line.y, line.low, line.high) for v in each if v is not None]
    values = [value for value in values if math.isfinite(value)]
    if not values:
        return 0.0, 1.0
    low, high = min(values), max(values)
    if not from_zero and low > 0.6 * high:
        room = max(high - low, 0.02 * high) * 0.4
        return low - room, high + room
    return min(low, 0.0), high if high > min(low, 0.0) else low + 1.0


def _ticks(low: float, high: float) -> list[float]:
    step = 10 ** math.floor(math.log10((high - low) / 3))
    step = next(step * factor for factor in (1, 2, 5, 10) if (high - low) / (step * factor) <= 5)
    first = math.floor(low / step + 1e-9)
    last = math.ceil(high / step - 1e-9)
    return [round(number * step, 10) for number in range(first, last + 1)]
