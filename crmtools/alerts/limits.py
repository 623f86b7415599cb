"""The rule on control limits: the trend of an indicator on the chart that fits its kind."""

import math
from collections.abc import Callable, Iterator

from crmtools import formats
from crmtools.alert_settings import AlertRule, Chart
from crmtools.alerts.alert import Alert
from crmtools.alerts.charts import ControlChart, ewma, individuals, laney_p, laney_u
from crmtools.estimate import Estimate
from crmtools.indicators import CATALOGUE, Indicator
from crmtools.report.results import Results
from crmtools.settings import Settings
from crmtools.words import Text

OF_KIND: dict[str, Chart] = {"share": "p", "rate": "u"}
"""Charts of kinds that count something; all others are charts of single values."""
RIPE = 0.80
"""Maturity below which a period is not judged: its value will still move."""
CHARTS: dict[Chart, Text] = {
    "p": Text("Laney p′ 图", "Laney p′ chart"),
    "u": Text("Laney u′ 图", "Laney u′ chart"),
    "individuals": Text("单值图", "individuals chart"),
    "ewma": Text("EWMA 图", "EWMA chart"),
}
SIGNALS = {
    "above": Text("高于控制上限", "above the upper control limit"),
    "below": Text("低于控制下限", "below the lower control limit"),
    "run_above": Text("连续八期高于中心线", "eight in a row above the centre"),
    "run_below": Text("连续八期低于中心线", "eight in a row below the centre"),
}


def limits(rule: AlertRule, results: Results, settings: Settings) -> Iterator[Alert | str]:
    """An alert for each thing that the last point of the trend says, or why nothing can be said."""
    item = CATALOGUE[rule.indicator]
    series = _series(rule.indicator, results, settings)
    if len(series) <= rule.points:
        yield f"limits: {item.id} has {max(len(series) - 1, 0)} points before the last, {rule.points} are needed"
        return
    last = series[-1]
    if last.maturity is not None and last.maturity < RIPE:
        yield f"limits: {item.id} is not mature in {last.period.id}"
        return
    kind, scale, chart = _chart(rule.chart, item, series)
    numbers = [scale(float(values[-1])) for values in (chart.points, chart.low, chart.high)]
    en, zh = (
        [formats.quantity(one, item.unit, language, last.currency, bare=place > 0) for place, one in enumerate(numbers)]
        for language in ("en", "zh")
    )
    for signal in chart.signals:
        said = SIGNALS[signal]
        text = Text(
            f"{item.name.zh}，{last.period.label('zh')}：{zh[0]}，{said.zh}（控制限 {zh[1]} 至 {zh[2]}，{CHARTS[kind].zh}）",
            f"{item.name.en}, {last.period.label('en')}: {en[0]}, {said.en} (limits {en[1]} to {en[2]}, {CHARTS[kind].en})",
        )
        yield Alert(f"limits:{item.id}:{kind}:{signal}:{last.period.id}", text, rule.send)


def _series(indicator: str, results: Results, settings: Settings) -> list[Estimate]:
    """The trend for all customers, earliest first, without points that may not be shown."""
    points = {
        one.period: one
        for one in results.estimates
        if one.indicator == indicator and not one.group and one.period.kind == settings.report.step
    }
    shown = [points[period] for period in sorted(points)]
    return [
        one
        for one in shown
        if one.value is not None and not one.suppressed and one.n >= settings.publish.smallest_group
    ]


def _chart(
    asked: Chart, item: Indicator, series: list[Estimate]
) -> tuple[Chart, Callable[[float], float], ControlChart]:
    """The chart, what its numbers must be put through to be in the indicator's unit, and its name."""
    kind = OF_KIND.get(item.kind.name, "individuals") if asked == "auto" else asked
    before = len(series) - 1
    counted = all(one.numerator is not None and one.denominator for one in series)
    if kind in ("p", "u") and not counted:
        kind = "individuals"
    if kind in ("p", "u"):
        per = float(getattr(item.kind, "per", 1.0))
        above = [float(one.numerator or 0) / per for one in series]
        below = [float(one.denominator or 0) for one in series]
        chart = (laney_p if kind == "p" else laney_u)(above, below, baseline=before)
        return kind, lambda value: per * value, chart
    values = [float(one.value) for one in series if one.value is not None]
    waits = item.kind.name == "duration" and min(values) > 0  # waiting times are skewed: their logarithms are not
    points = [math.log(value) for value in values] if waits else values
    made = ewma(points, baseline=before) if kind == "ewma" else individuals(points, baseline=before)
    return kind, math.exp if waits else float, made
