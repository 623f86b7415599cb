"""Trends and breakdowns drawn on an Axes, for analysts who want to go on drawing.

Every function takes and returns an Axes. Without one it makes its own, on a figure that pyplot does not know (nothing is left
open) and that shows itself in a notebook.
"""

import re
from typing import Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter

from crmtools import formats
from crmtools.estimate import Estimate
from crmtools.goals.reading import Reading
from crmtools.indicators.units import Unit
from crmtools.measuring import Breakdown, Trend
from crmtools.show import findings, sentences
from crmtools.show.chart import width
from crmtools.show.look import HEX
from crmtools.show.sentences import known
from crmtools.show.style import styled
from crmtools.show.trends import period_ticks
from crmtools.words import Language, word

INCHES = (7.2, 3.0)


class ShownAxes(Axes):
    """An Axes that shows its figure when a notebook cell ends with it."""

    def _repr_html_(self) -> str:
        from crmtools.show.figures import svg_of

        figure = self.get_figure(root=True)
        return svg_of(figure, alt=self.get_title(loc="left")) if figure is not None else ""


def canvas(*, width: float = INCHES[0], height: float = INCHES[1]) -> Axes:
    """An empty Axes in the look of the book; sizes in inches."""
    with styled():
        return Figure(figsize=(width, height), layout="constrained").add_subplot(axes_class=ShownAxes)


def trend(
    trend: Trend, *, ax: Axes | None = None, reading: Reading | None = None, language: Language = "en", currency: str = "",
    title: bool = True,
) -> Axes:  # fmt: skip
    """A line with its interval band, one position per period; with ``reading`` the goal's target and plan.

    Positions are 0, 1, 2, …; values are in the indicator's unit (shares as fractions). A period without value is a gap.
    """
    axes = canvas() if ax is None else ax
    estimates, unit = trend.estimates, trend.indicator.unit
    currency = sentences.currency_of(estimates, currency)
    with styled():
        x = np.arange(len(estimates))
        values, lows, highs = (_column(estimates, side) for side in ("value", "low", "high"))
        axes.fill_between(x, np.where(np.isnan(lows), values, lows), np.where(np.isnan(highs), values, highs),
                          color=HEX["accent"], alpha=0.16, linewidth=0)  # fmt: skip
        axes.plot(x, values, color=HEX["accent"], marker="o", markersize=3.5)
        if reading is not None and reading.target is not None:
            axes.axhline(reading.target, color=HEX["ink"], linestyle=(0, (5, 3)), linewidth=1)
            words = f"{word('target', language)} {formats.quantity(reading.target, unit, language, currency, bare=True, trim=True)}"
            axes.annotate(
                words,
                (0, reading.target),
                xycoords=("axes fraction", "data"),
                xytext=(2, 3),
                textcoords="offset points",
                fontsize=8,
            )
            path = (reading.planned(e.period) for e in estimates)
            plan = [np.nan if value is None else value for value in path]
            axes.plot(x, plan, color=HEX["muted"], linestyle=":", linewidth=1.3)
        ticks = period_ticks([e.period for e in estimates], language)
        axes.set_xticks(x, [f"{tick.words}\n{tick.below}" if tick.below else tick.words for tick in ticks])
        _write_axis(axes, "y", unit, language, currency)
        if title:
            axes.set_title(_wrapped(findings.trend_title(trend, reading, language, currency), axes))
    return axes


def breakdown(
    breakdown: Breakdown, *, total: Estimate | None = None, ax: Axes | None = None, language: Language = "en", currency: str = "",
    title: bool = True,
) -> Axes:  # fmt: skip
    """Dots with whiskers, the largest group on top; the total as a dashed line. Hidden groups are not drawn."""
    shown = [e for e in breakdown.estimates if known(e.value) is not None]
    axes = canvas(height=0.9 + 0.42 * max(len(shown), 1)) if ax is None else ax
    currency = sentences.currency_of([*shown, *([total] if total else [])], currency)
    with styled():
        y = np.arange(len(shown))
        values, lows, highs = (_column(shown, side) for side in ("value", "low", "high"))
        axes.hlines(
            y,
            np.where(np.isnan(lows), values, lows),
            np.where(np.isnan(highs), values, highs),
            color=HEX["accent"],
            linewidth=1.8,
        )
        axes.plot(values, y, linestyle="none", marker="o", color=HEX["accent"])
        if total is not None and (middle := known(total.value)) is not None:
            axes.axvline(middle, color=HEX["muted"], linestyle=(0, (5, 3)), linewidth=1)
        axes.set_yticks(y, [sentences.group(dict(e.group).get(breakdown.by, ""), language) for e in shown])
        axes.set_ylim(len(shown) - 0.4, -0.6)
        axes.grid(visible=True, axis="x")
        axes.grid(visible=False, axis="y")
        _write_axis(axes, "x", breakdown.indicator.unit, language, currency)
        if title and total is not None:
            axes.set_title(_wrapped(findings.breakdown_title(breakdown, total, language, currency), axes))
    return axes


def _wrapped(title: str, axes: Axes) -> str:
    """A title in lines that fit the width of its figure."""
    figure = axes.get_figure(root=True)
    room = 0.85 * 72 * (figure.get_size_inches()[0] if figure is not None else INCHES[0])
    lines = [""]
    # a line may break at a space and between Chinese characters
    for piece in re.findall(r"[\u2e80-\uffff][，。；：、）]?|[^\s\u2e80-\uffff]+\s*|\s+", title):
        if lines[-1] and width(lines[-1] + piece, 10) > room:
            lines.append("")
        lines[-1] += piece
    return "\n".join(line.strip(" ") for line in lines)


def _column(estimates: "tuple[Estimate, ...] | list[Estimate]", side: Literal["value", "low", "high"]) -> np.ndarray:
    return np.array([np.nan if (value := known(getattr(e, side))) is None else value for e in estimates], dtype=float)


def _write_axis(axes: Axes, which: Literal["x", "y"], unit: Unit, language: Language, currency: str) -> None:
    """Ticks written in the unit and language."""
    axis = axes.yaxis if which == "y" else axes.xaxis

    def written(value: float, _position: object) -> str:
        places = axis.get_majorticklocs()
        step = float(places[1] - places[0]) if len(places) > 1 else abs(value) or 1.0
        return formats.axis(value, step, unit, language, currency)

    axis.set_major_formatter(FuncFormatter(written))
