"""Tables whose cells are tinted by their numbers."""

from collections.abc import Sequence
from html import escape

from crmtools.show.display import tag
from crmtools.show.look import ACCENT, PAPER

STRONGEST = 0.42
"""Opacity of the fullest cell: text keeps a contrast of 4.5 on it, in the light and in the dark."""

MOST_AT_EASE = 18
"""Columns that fit beside each other on a wide page; more of them stand closer, so that two years of months still do."""


def heat_table(heads: Sequence[str], body: Sequence[str], title: str, *, wrap: bool = False) -> str:
    """A table that scrolls sideways under its first column; ``heads`` are plain, ``body`` rows of HTML.

    ``wrap`` lets long headings take several lines.
    """
    style = "white-space:normal;vertical-align:bottom;line-height:1.2" if wrap else None
    names = "crm-table crm-heat crm-dense" if len(heads) > MOST_AT_EASE else "crm-table crm-heat"
    cells = "".join(tag("th", escape(text), scope="col", style=style) for text in heads)
    table = tag(
        "table", tag("thead", tag("tr", cells)) + tag("tbody", "".join(body)), class_=names, aria_label=title
    )  # fmt: skip
    return _STYLE + tag("div", table, class_="crm-scroll")


def heat_cell(shown: str, strength: float, *, below: str = "", strong: bool = False) -> str:
    """A cell, the tint from 0 to 1 under its number; ``below`` is read out and shown on hovering; ``strong`` sets it off."""
    weight = ' style="font-weight:650"' if strong else ""
    title = f' title="{escape(below)}"' if below else ""
    opacity = STRONGEST * min(max(strength, 0.0), 1.0)
    return f'<td class="k"{title}><i style="opacity:{opacity:.2f}"></i><b{weight}>{escape(shown)}</b></td>'


# The tint lies under its number: text keeps the colour of the page, in the light, in the dark and on paper.
_STYLE = (
    "<style>table.crm-table.crm-heat{width:auto;font-size:.8rem}"
    "table.crm-table.crm-heat :is(td,th){padding:.1rem .3rem;text-align:right;border:0}"
    "table.crm-table.crm-heat thead th{padding-bottom:.3rem;white-space:nowrap}"
    "table.crm-table.crm-heat :is(tbody th,thead th:first-child){text-align:left;white-space:nowrap;font-weight:400;"
    f"position:sticky;left:0;z-index:1;background:{PAPER}}}"
    "table.crm-table.crm-heat td.k{position:relative;min-width:2.3em}"
    "table.crm-table.crm-dense :is(td,th):nth-child(n+3){padding-inline:.08rem}"
    "table.crm-table.crm-dense td.k{min-width:1.65em}"
    "table.crm-table.crm-heat td.k b{position:relative;font-weight:400}"
    f"table.crm-table.crm-heat td.k i{{position:absolute;inset:1px;border-radius:3px;background:{ACCENT};"
    "print-color-adjust:exact;-webkit-print-color-adjust:exact}</style>"
)
