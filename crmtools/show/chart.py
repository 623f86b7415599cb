"""Line charts as SVG that fits any width: positions are shares of the width, text keeps its size.

One drawing serves the wide page and the phone. Lines and bands lie in an inner drawing that is stretched; what must not be
stretched (dots, text) is placed by percentage around it. It costs a millisecond where a matplotlib figure costs a hundred.
"""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape
from statistics import median

from crmtools.show.display import tag
from crmtools.show.look import ACCENT, INK, LINE, MUTED, PAPER, SECOND

HEIGHT = 230
EDGE = 2.0
"""Per cent of the width left free beside the first and the last point."""


@dataclass(frozen=True, slots=True)
class Series:
    """A line over the positions of the axis: value, limits and words per point; None is a gap.

    ``ahead`` is a line that is not measured but forecast: dashed, without dots, in the colour of the first. ``line=False`` draws
    the band alone: a wider band behind a narrower one of the same values.
    """

    values: Sequence[float | None]
    lows: Sequence[float | None] = ()
    highs: Sequence[float | None] = ()
    words: Sequence[str] = ()
    name: str = ""
    second: bool = False
    dots: bool = True
    last: str = ""
    ahead: bool = False
    line: bool = True


@dataclass(frozen=True, slots=True)
class Level:
    """A horizontal line: the target, the total."""

    value: float
    words: str


@dataclass(frozen=True, slots=True)
class Tick:
    """What stands under a position of the horizontal axis; ``below`` is a second row, for the year."""

    words: str
    below: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """The part of the vertical axis that is drawn, and its ticks."""

    low: float
    high: float
    ticks: tuple[float, ...]
    step: float

    def share(self, value: float) -> float:
        """How far up a value lies, in per cent from the top."""
        return 100 * (self.high - value) / (self.high - self.low)


def span_of(
    values: Sequence[float | None],
    limits: Sequence[float | None] = (),
    *,
    low: float | None = None,
    high: float | None = None,
) -> Span:
    """A span with round ticks that holds all values and all limits but those that lie much further out than most.

    ``low`` and ``high`` are the bounds of what is legal.
    """
    inner = [v for v in values if v is not None and math.isfinite(v)]
    outer = [v for v in limits if v is not None and math.isfinite(v)]
    if not inner:
        inner = outer or [0.0, 1.0]
    bottom, top = min(inner), max(inner)
    # a few intervals far wider than the others are cut off, or they would flatten everything else
    beyond = [max(bottom - v, v - top) for v in outer if not bottom <= v <= top]
    reach = max(1.5 * (top - bottom), 2 * median(beyond)) if beyond else 0.0
    bottom, top = max(min([bottom, *outer]), bottom - reach), min(max([top, *outer]), top + reach)
    if bottom == top:
        bottom, top = bottom - (abs(bottom) or 1.0) / 10, top + (abs(top) or 1.0) / 10
    step = round_step((top - bottom) / 4)
    bottom, top = math.floor(bottom / step + 1e-9) * step, math.ceil(top / step - 1e-9) * step
    bottom = bottom if low is None else max(bottom, low)
    top = top if high is None else min(top, high)
    first = math.ceil(bottom / step - 1e-9)
    ticks = tuple(k * step for k in range(first, math.floor(top / step + 1e-9) + 1))
    return Span(bottom, top, ticks, step)


def round_step(rough: float) -> float:
    """The next larger step of 1, 2, 2.5 or 5 times a power of ten."""
    power = 10.0 ** math.floor(math.log10(rough))
    return next(power * step for step in (1, 2, 2.5, 5, 10) if rough <= power * step * (1 + 1e-9))


def line_chart(
    series: Sequence[Series],
    ticks: Sequence[Tick],
    span: Span,
    *,
    written: Callable[[float], str],
    alt: str,
    levels: Sequence[Level] = (),
    path: Sequence[float | None] = (),
    mark: int | None = None,
    height: int = HEIGHT,
) -> str:
    """The chart as HTML: an SVG of full width with room for the axis on its left.

    ``written`` writes a value of the vertical axis; ``path`` is a dotted line (a plan); ``mark`` a position with a vertical line.
    """
    count = len(ticks)
    grid = [_horizontal(span.share(value), LINE) for value in span.ticks]
    shapes = [shape for one in series for shape in _shapes(one, span, count)]
    if any(value is not None for value in path):
        shapes.append(
            f'<path d="{_path(path, span, count)}" fill="none" stroke="{MUTED}" stroke-width="1.5" stroke-dasharray="1.5 4" '
            'stroke-linecap="round" vector-effect="non-scaling-stroke"/>'
        )
    if mark is not None:
        x = _position(mark, count)
        shapes.append(
            f'<path d="M{x:.2f} 0V100" stroke="{MUTED}" stroke-width="1" stroke-dasharray="4 3" vector-effect="non-scaling-stroke"/>'
        )
    inner = (
        '<svg viewBox="0 0 100 100" preserveAspectRatio="none" width="100%" height="100%" style="height:100%">'
        f"{''.join(shapes)}</svg>"
    )
    levelled = [_level(level, span, series, count) for level in levels if span.low <= level.value <= span.high]
    dots = [dot for one in series for dot in _dots(one, span, count)]
    labels = [written(value) for value in span.ticks]
    left = tag("g", "".join(
        f'<text x="-8" y="{span.share(value):.2f}%" dy=".35em">{escape(text)}</text>' for value, text in zip(span.ticks, labels)
    ), text_anchor="end", fill=MUTED)  # fmt: skip
    svg = tag(
        "svg", "".join([*grid, inner, *levelled, *dots, left, _axis(ticks, height)]),
        role="img", aria_label=alt, width="100%", height=height, style=f"display:block;overflow:visible;height:{height}px",
    )  # fmt: skip
    below = 46 if any(tick.below for tick in ticks) else 28
    room = 14 + max((width(text) for text in labels), default=0)
    return f'<div style="padding:18px 14px {below}px {room:.0f}px">{svg}</div>'


def width(text: str, size: float = 12) -> float:
    """About how many pixels a text takes: Chinese characters are square, others a bit over half as wide."""
    return sum(size if ord(letter) > 0x2E7F else 0.58 * size for letter in text)


def _position(index: int, count: int) -> float:
    return 50.0 if count < 2 else EDGE + (100 - 2 * EDGE) * index / (count - 1)


def _horizontal(y: float, stroke: str, dashes: str = "") -> str:
    dashed = f' stroke-dasharray="{dashes}"' if dashes else ""
    return f'<line x1="0" x2="100%" y1="{y:.2f}%" y2="{y:.2f}%" stroke="{stroke}"{dashed}/>'


def _level(level: Level, span: Span, series: Sequence[Series], count: int) -> str:
    y = span.share(level.value)
    # above its line, or below it where there is no room above
    shift = -5 if y > 8 else 14
    middle = y - 4 if y > 8 else y + 4
    places = (("start", 0.0, (0, 24)), ("middle", 50.0, (38, 62)))
    anchor, x, _ = max(places, key=lambda place: _room(place[2], middle, series, span, count))
    words = f'<text x="{x:g}%" y="{y:.2f}%" dy="{shift}" text-anchor="{anchor}" {_halo()} fill="{INK}">{escape(level.words)}</text>'
    return _horizontal(y, INK, "6 4") + words


def _room(across: tuple[float, float], y: float, series: Sequence[Series], span: Span, count: int) -> float:
    """How far the nearest point lies above or below a label; 20 per cent of the height are room enough."""
    distances = [
        abs(span.share(value) - y)
        for one in series
        for index, value in enumerate(one.values)
        if value is not None and across[0] <= _position(index, count) <= across[1]
    ]
    return min([20.0, *distances])


def _halo() -> str:
    return f'stroke="{PAPER}" stroke-width="4" paint-order="stroke" stroke-linejoin="round"'


def _path(values: Sequence[float | None], span: Span, count: int) -> str:
    """Path commands through the values, lifted over gaps."""
    parts, pen = [], "M"
    for index, value in enumerate(values):
        if value is None:
            pen = "M"
            continue
        parts.append(f"{pen}{_position(index, count):.2f} {span.share(value):.2f}")
        pen = "L"
    return "".join(parts)


def _shapes(series: Series, span: Span, count: int) -> list[str]:
    stroke = SECOND if series.second else ACCENT
    dashes = ' stroke-dasharray="7 4"' if series.second or series.ahead else ""
    shapes = [f'<path d="{band}" fill="{stroke}" fill-opacity=".16"/>' for band in _bands(series, span, count)]
    if not series.line:
        return shapes
    if lone := "".join(_whiskers(series, span, count)):
        shapes.append(
            f'<path d="{lone}" stroke="{stroke}" stroke-opacity=".5" stroke-width="2" vector-effect="non-scaling-stroke"/>'
        )
    shapes.append(
        f'<path d="{_path(series.values, span, count)}" fill="none" stroke="{stroke}" stroke-width="2"{dashes} '
        'stroke-linejoin="round" vector-effect="non-scaling-stroke"/>'
    )
    return shapes


Limits = list[tuple[int, float, float]]


def _runs(series: Series, span: Span) -> list[Limits]:
    """Neighbouring points with limits; an open limit reaches the edge, a gap parts two runs."""
    runs: list[Limits] = [[]]
    for index, (value, low, high) in enumerate(zip(series.values, series.lows, series.highs)):
        if value is None or (low is None and high is None):
            runs.append([])
            continue
        runs[-1].append((index, span.low if low is None else low, span.high if high is None else high))
    return [run for run in runs if run]


def _bands(series: Series, span: Span, count: int) -> list[str]:
    """Polygons between the limits."""
    bands = []
    for run in _runs(series, span):
        upper = [f"{_position(i, count):.2f} {span.share(high):.2f}" for i, _, high in run]
        lower = [f"{_position(i, count):.2f} {span.share(low):.2f}" for i, low, _ in reversed(run)]
        if len(run) > 1:
            bands.append(f"M{'L'.join(upper + lower)}Z")
    return bands


def _whiskers(series: Series, span: Span, count: int) -> list[str]:
    """An upright line for a point that stands alone."""
    return [
        f"M{_position(i, count):.2f} {span.share(low):.2f}V{span.share(high):.2f}"
        for run in _runs(series, span)
        for i, low, high in run
        if len(run) == 1
    ]


def _dots(series: Series, span: Span, count: int) -> list[str]:
    if not series.line:
        return []
    stroke = SECOND if series.second else ACCENT
    there = [(index, value) for index, value in enumerate(series.values) if value is not None]
    dots = []
    for index, value in there:
        at = f'cx="{_position(index, count):.2f}%" cy="{span.share(value):.2f}%"'
        end = index == there[-1][0]
        if not (series.dots or end) or (series.ahead and not end):
            continue
        title = f"<title>{escape(series.words[index])}</title>" if series.words else ""
        dots.append(f'<circle {at} r="{4 if end else 2.5}" fill="{stroke}">{title}</circle>')
    if series.last and there:
        index, value = there[-1]
        y = span.share(value)
        x, anchor = _position(index, count), "end" if index > count / 2 else "start"
        falls = len(there) > 1 and there[-2][1] > value and y < 85
        shift = 20 if falls else -10
        dots.append(
            f'<text x="{x:.2f}%" y="{y:.2f}%" dy="{shift}" text-anchor="{anchor}" font-weight="650" fill="{INK}" {_halo()}>'
            f"{escape(series.last)}</text>"
        )
    return dots


def _axis(ticks: Sequence[Tick], height: int) -> str:
    """Labels under the axis, every one where there is room, every second or third on a narrow page."""
    count = len(ticks)
    widest = max((width(tick.words) + 10 for tick in ticks), default=0)
    every_wide, every_narrow = (max(1, math.ceil(count * widest / room)) for room in (620, 290))
    parts = []
    for index, tick in enumerate(ticks):
        back = count - 1 - index
        x = f'x="{_position(index, count):.2f}%"'
        if back % every_wide == 0:
            hide = ' class="crm-wide"' if back % every_narrow else ""
            parts.append(f'<text {x} y="{height + 18}"{hide}>{escape(tick.words)}</text>')
        if tick.below:
            parts.append(f'<text {x} y="{height + 36}">{escape(tick.below)}</text>')
    return tag("g", "".join(parts), text_anchor="middle", fill=MUTED)
