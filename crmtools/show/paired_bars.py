"""Two bars per row, one below the other: shares of customers and of revenue, actual and expected.

Drawn like the line charts: lengths are shares of the width, text keeps its size, colours follow the page.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape

from crmtools.show.chart import width
from crmtools.show.display import tag
from crmtools.show.look import ACCENT, INK, MUTED, SECOND
from crmtools.words import Language, word

_BAR, _GAP, _ROW = 11, 3, 36


@dataclass(frozen=True, slots=True)
class Pair:
    """A row: its name, two lengths (None is not shown) and what is written behind each bar."""

    name: str
    first: float | None
    second: float | None
    first_words: str
    second_words: str


def paired_bars(pairs: Sequence[Pair], names: tuple[str, str], *, alt: str) -> str:
    """The rows with their legend, as HTML; names stand in a margin, the longest bar leaves room for its words."""
    longest = max((v for pair in pairs for v in (pair.first, pair.second) if v is not None), default=0) or 1
    rows = "".join(_row(pair, _ROW * place, longest) for place, pair in enumerate(pairs))
    height = _ROW * len(pairs)
    svg = tag(
        "svg", rows, role="img", aria_label=alt, width="100%", height=height,
        style=f"display:block;overflow:visible;height:{height}px",
    )  # fmt: skip
    margin = 14 + max((width(pair.name) for pair in pairs), default=0)
    return legend((names[0], ACCENT, False), (names[1], SECOND, False)) + tag(
        "div", svg, style=f"padding-left:{margin:.0f}px"
    )


def pair_words(pairs: Sequence[Pair], language: Language) -> str:
    """The rows in words, for those who do not see them."""
    comma, colon = word("comma", language), word("colon", language)
    return word("semicolon", language).join(
        f"{pair.name}{colon}{pair.first_words}{comma}{pair.second_words}" for pair in pairs
    )


def legend(*entries: tuple[str, str, bool]) -> str:
    """What the colours mean: (name, colour, dashed line) each."""
    parts = []
    for name, stroke, dashed in entries:
        dashes = ' stroke-dasharray="7 4"' if dashed else ""
        swatch = (
            '<svg width="26" height="10" aria-hidden="true" '
            'style="display:inline-block;vertical-align:baseline;margin-right:.35rem">'
            f'<path d="M0 5H26" stroke="{stroke}" stroke-width="3"{dashes}/></svg>'
        )
        parts.append(tag("span", swatch + escape(name), style="margin-right:1.25rem;white-space:nowrap"))
    return tag("p", "".join(parts), class_="crm-note", style="margin:.25rem 0")


def _row(pair: Pair, top: float, longest: float) -> str:
    middle = top + _BAR + _GAP / 2 + 2
    name = f'<text x="-10" y="{middle:.0f}" dy=".35em" text-anchor="end" fill="{INK}">{escape(pair.name)}</text>'
    first = _bar(pair.first, pair.first_words, top + 2, ACCENT, longest)
    return name + first + _bar(pair.second, pair.second_words, top + 2 + _BAR + _GAP, SECOND, longest)


_WIDEST = 75.0
"""The length of the longest bar, in per cent of the width."""


def _bar(value: float | None, words: str, top: float, fill: str, longest: float) -> str:
    length = _WIDEST * (value or 0) / longest
    bar = f'<rect x="0" y="{top:.0f}" width="{length:.2f}%" height="{_BAR}" rx="2" fill="{fill}"/>' if length else ""
    at = f'x="{length:.2f}%" dx="6" y="{top + _BAR / 2:.1f}" dy=".35em"'
    return f'{bar}<text {at} fill="{MUTED}">{escape(words)}</text>'
