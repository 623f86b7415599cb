"""Colours, and the styles a display brings along for pages that have none of ours.

The book sets the ``--crm-`` tokens (light and dark) and the classes; outside of it, in JupyterLab, the second choice is
JupyterLab's own colours, the third a fixed one. The palette can be told apart by the colour-blind; status is never told by
colour alone.
"""

from types import MappingProxyType
from typing import Literal

from crmtools.show.display import tag

Tone = Literal["good", "risk", "wait", "none"]

HEX = MappingProxyType(
    {
        "ink": "#1f2933", "muted": "#5b6b7b", "line": "#dfe5ea", "soft": "#f5f7f9", "bg": "#ffffff", "accent": "#1f5f8b",
        "good": "#0b6e4f", "risk": "#a83a0b", "wait": "#7a5c00", "none": "#52606d",
        "good-bg": "#e3f3ec", "risk-bg": "#fbe9e1", "wait-bg": "#faf1d6", "none-bg": "#e9edf1",
    }
)  # fmt: skip
"""The light colours of the book's tokens; figures that matplotlib draws use them and get the tokens put in afterwards."""

_JUPYTER = {
    "ink": "--jp-content-font-color1", "muted": "--jp-content-font-color2", "line": "--jp-border-color2",
    "soft": "--jp-layout-color1", "bg": "--jp-layout-color0", "accent": "--jp-brand-color1", "none-bg": "--jp-border-color2",
}  # fmt: skip


def colour(name: str) -> str:
    """A CSS colour: the book's token, else JupyterLab's, else the light one."""
    last = HEX[name]
    if name in _JUPYTER:
        last = f"var({_JUPYTER[name]}, {last})"
    return f"var(--crm-{name}, {last})"


INK, MUTED, LINE, ACCENT, TRACK, PAPER, SECOND = (
    colour(name) for name in ("ink", "muted", "line", "accent", "none-bg", "bg", "risk")
)

# A cascade layer: whatever the book or the notebook says outside of any layer wins.
STYLE = (
    "<style>@layer crmtools{"
    f".crm-card{{border:1px solid {LINE};border-radius:10px;padding:.9rem 1rem;max-width:26rem;color:{INK}}}"
    ".crm-cards{display:grid;grid-template-columns:repeat(auto-fit,minmax(13rem,1fr));gap:1rem}"
    f".crm-card .n{{color:{MUTED}}}.crm-card .i,.crm-card small{{color:{MUTED};font-size:.85em}}"
    ".crm-card .v{font-size:1.9em;font-weight:650;line-height:1.2}.crm-card .c{margin-top:.35rem}"
    ".crm-chip{display:inline-block;border-radius:999px;padding:.05rem .6rem;font-size:.85em;font-weight:600}"
    + "".join(
        f".crm-chip.{tone}{{color:{colour(tone)};background:{colour(f'{tone}-bg')}}}"
        for tone in ("good", "risk", "wait", "none")
    )
    + f".crm-lead,.crm-title{{color:{INK}}}.crm-lead{{font-size:1.1em;line-height:1.6}}"
    f".crm-title{{font-weight:650;line-height:1.45;margin:0 0 .4rem}}"
    f".crm-note,.crm-figure figcaption{{color:{MUTED};font-size:.85em;line-height:1.5}}"
    ".crm-figure{margin:1rem 0;max-width:60rem}.crm-scroll{overflow-x:auto}"
    ".crm-figure svg,.crm-strip{display:block}.crm-figure text{font-size:12px}"
    f".crm-table small,.crm-score small{{display:block;color:{MUTED};font-weight:400;line-height:1.35}}"
    ".crm-table,.crm-score{border-collapse:collapse;font-variant-numeric:tabular-nums}"
    ".crm-table :is(td,th),.crm-score :is(td,th){text-align:left;vertical-align:middle;padding:.35rem .5rem}"
    ".crm-table .num,.crm-score .num{text-align:right;white-space:nowrap}"
    "@media (max-width:720px){.crm-wide{display:none}}}"
    # JupyterLab sets every table right-aligned and of equal columns
    ".jp-RenderedHTMLCommon table:is(.crm-table,.crm-score){table-layout:auto;margin-left:0;width:100%;font-size:inherit}"
    ".jp-RenderedHTMLCommon :is(.crm-table,.crm-score) :is(td,th):not(.num){text-align:left}"
    ".jp-RenderedHTMLCommon .crm-score :is(.crm-chip,.num,small){white-space:nowrap}"
    ".jp-RenderedHTMLCommon .crm-score td:first-child small{white-space:normal}"
    "</style>"
)
"""Put before every display: small, the same everywhere, and without effect where the classes have styles already."""


def chip(text: str, tone: Tone) -> str:
    """A status: its text (escaped already) in its colours."""
    return tag("span", text, class_=f"crm-chip {tone}")
