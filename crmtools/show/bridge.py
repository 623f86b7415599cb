"""A waterfall of horizontal bars as SVG that fits any width: from a level over the pieces of its change to another level.

Levels are marks on the axis and not bars: bars would have to begin at 0, and between 44 % and 38 % pieces of a tenth would not be
seen. Names stand above their bar, so that a phone has the whole width for the picture.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Literal

from crmtools.show.chart import Span, width
from crmtools.show.display import tag
from crmtools.show.look import ACCENT, INK, LINE, MUTED, TRACK, colour

ROW, BAR, TOP = 44, 14, 20
"""Pixels from one row to the next, height of a bar, room for the name above it."""
AXIS = 24
EDGE = 2.0
"""Per cent of the width left free on both sides."""

Tone = Literal["good", "risk", "neutral", "open"]
FILLS: dict[Tone, str] = {"good": colour("good"), "risk": colour("risk"), "neutral": ACCENT, "open": TRACK}


@dataclass(frozen=True, slots=True)
class Rung:
    """A row: a level (``start`` is None) or a piece from ``start`` to ``end``, with the limits of ``end``.

    ``words`` stand at the right, ``title`` is what the pointer shows. ``tone`` colours a piece; one that is still open is drawn
    as an outline.
    """

    name: str
    words: str
    end: float
    start: float | None = None
    low: float | None = None
    high: float | None = None
    tone: Tone = "neutral"
    title: str = ""


def bridge(rungs: Sequence[Rung], span: Span, labels: Sequence[str], *, alt: str) -> str:
    """The picture as HTML; ``labels`` are those of the ticks of ``span``."""
    bottom = ROW * len(rungs)
    grid = "".join(
        f'<line x1="{at(tick, span):.2f}%" x2="{at(tick, span):.2f}%" y1="0" y2="{bottom}" stroke="{LINE}"/>'
        for tick in span.ticks
    )
    joints = "".join(
        _joint(rung.end, place, rungs[place + 1], span) for place, rung in enumerate(rungs) if place + 1 < len(rungs)
    )
    rows = "".join(_row(rung, ROW * place, span) for place, rung in enumerate(rungs))
    height = bottom + AXIS
    svg = tag(
        "svg", grid + joints + rows + _axis(span, labels, bottom), role="img", aria_label=alt, width="100%", height=height,
        style=f"display:block;overflow:visible;height:{height}px",
    )  # fmt: skip
    return f'<div style="padding:4px 2px">{svg}</div>'


def at(value: float, span: Span) -> float:
    """Where a value lies across, in per cent; kept inside."""
    return EDGE + (100 - 2 * EDGE) * min(max(100 - span.share(value), 0.0), 100.0) / 100


def _joint(end: float, place: int, following: Rung, span: Span) -> str:
    """A thin line down to where the next row begins, if it begins where this one ends."""
    begins = following.end if following.start is None else following.start
    if abs(at(begins, span) - at(end, span)) > 0.05:
        return ""
    x, middle = at(end, span), TOP + BAR / 2
    top, low = ROW * place + middle, ROW * (place + 1) + middle
    return f'<line x1="{x:.2f}%" x2="{x:.2f}%" y1="{top:g}" y2="{low:g}" stroke="{MUTED}" stroke-dasharray="2 3"/>'


def _row(rung: Rung, top: float, span: Span) -> str:
    title = f"<title>{escape(rung.title)}</title>" if rung.title else ""
    weight = ' font-weight="650"' if rung.start is None else ""
    halo = 'stroke="var(--crm-bg, #fff)" stroke-width="3" paint-order="stroke" stroke-linejoin="round"'
    name = f'<text x="0" y="{top + TOP - 6:g}" fill="{INK}"{weight} {halo}>{escape(rung.name)}</text>'
    words = f'<text x="100%" y="{top + TOP - 6:g}" text-anchor="end" fill="{INK}"{weight} {halo}>{escape(rung.words)}</text>'
    return tag("g", title + _shape(rung, top + TOP, span) + _whisker(rung, top + TOP + BAR / 2, span) + name + words)


def _shape(rung: Rung, top: float, span: Span) -> str:
    x = at(rung.end, span)
    if rung.start is None:
        return f'<rect x="{x:.2f}%" y="{top:g}" width="5" height="{BAR}" rx="2" transform="translate(-2.5 0)" fill="{INK}"/>'
    left, right = sorted((x, at(rung.start, span)))
    line = f' stroke="{MUTED}" stroke-dasharray="3 2"' if rung.tone == "open" else ""
    # a piece of nothing keeps a sliver, so that the row is not taken for a forgotten one
    across = max(right - left, 0.3)
    return (
        f'<rect x="{left:.2f}%" y="{top:g}" width="{across:.2f}%" height="{BAR}" fill="{FILLS[rung.tone]}"{line} '
        f'fill-opacity="{1 if rung.tone == "open" else 0.85}"/>'
    )


def _whisker(rung: Rung, y: float, span: Span) -> str:
    """The limits of the end; one that lies beyond the picture has no cap."""
    if rung.low is None and rung.high is None:
        return ""
    left = at(rung.low, span) if rung.low is not None else EDGE
    right = at(rung.high, span) if rung.high is not None else 100 - EDGE
    parts = [f'<line x1="{left:.2f}%" x2="{right:.2f}%" y1="{y:g}" y2="{y:g}" stroke="{INK}" stroke-width="1.4"/>']
    for limit, x in ((rung.low, left), (rung.high, right)):
        if limit is not None and span.low <= limit <= span.high:
            parts.append(
                f'<line x1="{x:.2f}%" x2="{x:.2f}%" y1="{y - 4:g}" y2="{y + 4:g}" stroke="{INK}" stroke-width="1.4"/>'
            )
    return "".join(parts)


def _axis(span: Span, labels: Sequence[str], top: float) -> str:
    """The ticks below; on a narrow page every second one where they would touch."""
    narrow = sum(width(label) + 14 for label in labels) > 340
    parts = []
    for place, (value, label) in enumerate(zip(span.ticks, labels, strict=True)):
        x = at(value, span)
        anchor = "start" if x < 6 else "end" if x > 94 else "middle"
        hide = ' class="crm-wide"' if narrow and place % 2 else ""
        parts.append(
            f'<text x="{x:.2f}%" y="{top + 16:g}" text-anchor="{anchor}" fill="{MUTED}"{hide}>{escape(label)}</text>'
        )
    return "".join(parts)
