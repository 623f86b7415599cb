"""Small pictures that stand in a line of a table: a sparkline, the bullet of a goal, a dot with whiskers, a bar."""

from collections.abc import Callable, Sequence
from html import escape

from crmtools.goals.reading import Reading
from crmtools.show.chart import Span
from crmtools.show.display import tag
from crmtools.show.look import ACCENT, INK, LINE, MUTED, TRACK
from crmtools.show.sentences import known

Place = Callable[[float], float]

_EDGE = 3.0
SPARK = (110, 28)
BULLET = (150, 22)
_START, _TARGET, _END = 8.0, 119.7, 147.0
"""Where baseline, target and the right end of a bullet lie; the left end is at 2."""


def sparkline(values: Sequence[float | None], *, alt: str, target: float | None = None, says: str | None = None) -> str:
    """The course of an indicator, the target dashed; a period without a value is bridged thinly. Empty where there is nothing to draw.

    ``says`` names the numbers of ``alt`` (:func:`crmtools.show.stated.says`).
    """
    there = [(index, value) for index, value in enumerate(values) if value is not None]
    if not there:
        return ""
    shown = [value for _, value in there] + ([target] if target is not None else [])
    low, high = min(shown), max(shown)
    across, down = SPARK

    def at(index: int, value: float) -> tuple[float, float]:
        x = 4 + (across - 12) * index / max(len(values) - 1, 1)
        return x, down / 2 if high == low else down - 4 - (down - 8) * (value - low) / (high - low)

    parts = []
    if target is not None:
        y = at(0, target)[1]
        parts.append(
            f'<line x1="2" x2="{across - 2}" y1="{y:.1f}" y2="{y:.1f}" stroke="{MUTED}" stroke-dasharray="3 3"/>'
        )
    path, pen = "", "M"
    for index, value in enumerate(values):
        if value is None:
            pen = "M"
            continue
        x, y = at(index, value)
        alone = (index == 0 or values[index - 1] is None) and (index + 1 == len(values) or values[index + 1] is None)
        path += f"{pen}{x:.1f} {y:.1f}" + ("h.01" if alone else "")
        pen = "L"
    if len(there) < there[-1][0] - there[0][0] + 1:
        bridge = "L".join("{:.1f} {:.1f}".format(*at(*point)) for point in there)
        parts.append(f'<path d="M{bridge}" stroke="{ACCENT}" stroke-opacity=".4" fill="none"/>')
    line = 'fill="none" stroke-width="1.8" stroke-linejoin="round" stroke-linecap="round"'
    x, y = at(*there[-1])
    parts.append(
        f'<path d="{path}" stroke="{ACCENT}" {line}/><circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="{ACCENT}"/>'
    )
    return _picture("".join(parts), SPARK, alt, says)


def bullet(reading: Reading, *, alt: str, says: str | None = None) -> str:
    """A goal: bar from baseline to now, whisker of the interval, ▾ where the plan expects it, thick line at the target.

    The whole width stands for the way from baseline (left) to target (thick line), whichever direction is better. Empty where
    there is no reading, and where the baseline has reached the target: there is no way to draw then.
    """
    base, target, now = known(reading.baseline.value), reading.target, known(reading.now.value)
    if base is None or target is None or now is None or reading.progress is None:
        return ""

    def along(value: float) -> float:
        return _START + (_TARGET - _START) * (value - base) / (target - base)

    def inside(x: float) -> float:
        return min(max(x, 2.0), _END)

    end = inside(along(now))
    bar = "" if abs(end - _START) < 0.05 else _bar(min(_START, end), abs(end - _START), ACCENT)
    parts = [_bar(_START, _TARGET - _START, TRACK), bar, _whisker(reading, along, inside)]
    if reading.expected is not None:
        x = inside(along(reading.expected))
        parts.append(f'<path d="M{x - 4:.1f} 2h8l-4 5z" fill="{MUTED}"/>')
    parts.append(f'<line x1="{_TARGET}" x2="{_TARGET}" y1="4" y2="18" stroke="{INK}" stroke-width="2"/>')
    return _picture("".join(parts), BULLET, alt, says)


def _bar(x: float, width: float, fill: str) -> str:
    return f'<rect x="{x:.1f}" y="8" width="{width:.1f}" height="6" rx="{min(3.0, width / 2):.1f}" fill="{fill}"/>'


def _whisker(reading: Reading, along: Place, inside: Place) -> str:
    low, high = known(reading.now.low), known(reading.now.high)
    if low is None and high is None:
        return ""
    # an open limit reaches to the end on its side; on which side that is depends on the direction of the way
    rising = (reading.target or 0) > (reading.baseline.value or 0)
    first = along(low) if low is not None else (-1e9 if rising else 1e9)
    last = along(high) if high is not None else (1e9 if rising else -1e9)
    left, right = sorted((first, last))
    ends = [inside(left), inside(right)]
    path = f"M{ends[0]:.1f} 11H{ends[1]:.1f}"
    # a limit beyond the picture has no cap
    path += "".join(f"M{end:.1f} 8V14" for end, true in zip(ends, (left, right)) if abs(end - true) < 0.05)
    return f'<path d="{path}" stroke="{INK}" stroke-width="1.4" fill="none"/>'


def _picture(content: str, size: tuple[int, int], alt: str, says: str | None) -> str:
    across, down = size
    box = f"0 0 {across} {down}"
    return tag("svg", content, role="img", aria_label=alt, data_of=says, width=across, height=down, viewBox=box)


def strip(
    value: float, low: float | None, high: float | None, span: Span, *, total: float | None = None, words: str = ""
) -> str:
    """A dot with whiskers in a table cell of any width, the total as a dashed line from edge to edge."""

    def x(amount: float) -> float:
        return _across(amount, span)

    parts = [_total_line(total, span)]
    if low is not None or high is not None:
        left, right = (x(low) if low is not None else 0.0), (x(high) if high is not None else 100.0)
        parts.append(f'<line x1="{left:.2f}%" x2="{right:.2f}%" y1="50%" y2="50%" stroke="{ACCENT}" stroke-width="2"/>')
        for limit, at in ((low, left), (high, right)):
            if limit is not None and span.low <= limit <= span.high:
                parts.append(
                    f'<svg x="{at:.2f}%" y="50%" style="overflow:visible"><path d="M0 -4V4" stroke="{ACCENT}" stroke-width="2"/></svg>'
                )
    title = f"<title>{escape(words)}</title>" if words else ""
    parts.append(f'<circle cx="{x(value):.2f}%" cy="50%" r="5" fill="{ACCENT}">{title}</circle>')
    return _row("".join(parts))


def empty_strip(span: Span, total: float | None) -> str:
    """The row of a group that is not shown: only the line of the total runs through."""
    return _row(_total_line(total, span))


def _total_line(total: float | None, span: Span) -> str:
    if total is None:
        return ""
    x = _across(total, span)
    return f'<line x1="{x:.2f}%" x2="{x:.2f}%" y1="0" y2="100%" stroke="{MUTED}" stroke-dasharray="4 3"/>'


def _across(amount: float, span: Span) -> float:
    """Per cent of the width, with room for half a dot at both ends."""
    return _EDGE + (100 - 2 * _EDGE) * min(max(100 - span.share(amount), 0.0), 100.0) / 100


def bar(share: float, *, second: float | None = None) -> str:
    """A bar of a share (0 to 1) in a table cell of any width; ``second`` adds a thin line at another share."""
    width = 100 * min(max(share, 0.0), 1.0)
    parts = [f'<rect x="0" y="30%" width="100%" height="40%" rx="3" fill="{TRACK}"/>']
    parts.append(f'<rect x="0" y="30%" width="{width:.2f}%" height="40%" rx="3" fill="{ACCENT}"/>')
    if second is not None:
        at = 100 * min(max(second, 0.0), 1.0)
        parts.append(f'<line x1="{at:.2f}%" x2="{at:.2f}%" y1="15%" y2="85%" stroke="{INK}" stroke-width="2"/>')
    return _row("".join(parts), height=20)


def axis_row(span: Span, labels: Sequence[str]) -> str:
    """The ticks under a column of strips; the outer ones are set inwards so that nothing sticks out."""
    parts = [f'<line x1="0" x2="100%" y1="0" y2="0" stroke="{LINE}"/>']
    for place, (value, label) in enumerate(zip(span.ticks, labels)):
        x = _across(value, span)
        hide = ' class="crm-wide"' if len(labels) > 4 and place % 2 else ""
        anchor = "start" if x < 8 else "end" if x > 92 else "middle"
        parts.append(f'<text x="{x:.2f}%" y="15" text-anchor="{anchor}" fill="{MUTED}"{hide}>{escape(label)}</text>')
    return _row("".join(parts), height=20)


def _row(content: str, height: int = 34) -> str:
    style = f"display:block;height:{height}px;min-width:7rem"
    return tag("svg", content, width="100%", height=height, style=style, aria_hidden="true", class_="crm-strip")
