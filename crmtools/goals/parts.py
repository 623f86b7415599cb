"""What the change of a goal since its baseline is made of, by every attribute of the report that can say so.

Of a goal on what customers or orders bring, also by factor: revenue = customers × orders per customer × revenue per order.
"""

from dataclasses import dataclass

from crmtools.estimate import OUTDATED
from crmtools.estimating import resolve
from crmtools.goals.decomposition import ONE_SEGMENT, decompose
from crmtools.goals.factors import Product, revenue_factors
from crmtools.goals.moved import Moves, moves_of, not_split_by
from crmtools.goals.reading import NO_BASELINE, Reading
from crmtools.goals.terms import Decomposition
from crmtools.indicators.catalogue import Indicator
from crmtools.indicators.kinds import Census, Mean, NetShare, Rate, Ratio, Share
from crmtools.indicators.screening import ScreenedShare
from crmtools.period import Period
from crmtools.remembered import remembered
from crmtools.shown import Shown
from crmtools.tables.source import Data
from crmtools.words import Text

ADDS_UP = (Share, NetShare, Mean, Ratio, Rate, Census)
"""Kinds whose value is a mean of their segments' values."""

OF_REVENUE = ("revenue_per_customer", "aov")
"""Indicators that are factors of revenue, or made of two."""

NO_ATTRIBUTES = Text("参数文件没有列出分组维度", "the parameters file names no attributes to split by")
GIVEN_WHOLE = Text(
    "基线为给定值，没有各客户群的数据", "the baseline was given as a value: nothing is known of its segments"
)
NO_SUM = Text(
    "该类指标（{kind}）的总值不由各客户群相加而成",
    "the segments of this kind of indicator ({kind}) do not add up to it",
)
CORRECTED = Text(
    "数值相加后经过校正，各客户群之和与总值不符",
    "the value is corrected after adding up: its segments do not add up to it",
)
SAME_PERIOD = Text("基线即为本期，没有变化可拆分", "the baseline is the period itself: there is no change to split")


@dataclass(frozen=True, slots=True)
class Parts(Shown):
    """The decompositions of a goal's change, one per attribute, and why the others are missing.

    ``why`` holds (attribute, reason); the attribute is empty where the reason holds for all of them. ``factors`` splits the
    revenue of a goal on a factor of revenue; None for the other goals. ``moves`` says by attribute in which groups the indicator
    moved beyond chance, also where the kind does not add up.
    """

    reading: Reading
    made: tuple[Decomposition, ...] = ()
    why: tuple[tuple[str, Text], ...] = ()
    factors: Product | None = None
    moves: tuple[Moves, ...] = ()


@remembered()
def goal_parts(reading: Reading, data: Data) -> Parts:
    """Split the change since the baseline by each of the report's attributes (``report.segments``).

    Only where the baseline is a period and the kind of the indicator adds up; what remains to the target is the last piece, but
    for goals to keep a bound, which have no way to go.
    """
    goal, made, why = reading.goal, list[Decomposition](), list[tuple[str, Text]]()
    baseline = goal.baseline
    if (obstacle := _obstacle(reading, data)) is not None or not isinstance(baseline, Period):
        return Parts(reading, why=(("", obstacle or GIVEN_WHOLE),))
    factors = None
    if goal.indicator.id in OF_REVENUE:
        factors = revenue_factors(data, baseline=baseline, period=reading.now.period, where=goal.where or None)
    moved = moves_of(reading, data)
    if (obstacle := _no_segments(goal.indicator, data)) is not None:
        return Parts(reading, why=(("", obstacle),), factors=factors, moves=moved)
    target = None if goal.controls else reading.target
    for by in data.segments:
        reason = not_split_by(by, reading, data)
        if reason is None:
            found = decompose(
                goal.indicator,
                data,
                by=by,
                baseline=baseline,
                period=reading.now.period,
                where=goal.where or None,
                target=target,
            )
            reason = found.why or (ONE_SEGMENT if len(found.lines) < 2 else None)
            if reason is None:
                made.append(found)
                continue
        why.append((by, reason))
    reasons = {reason for _, reason in why}
    if not made and len(why) > 1 and len(reasons) == 1:
        why = [("", why[0][1])]
    return Parts(reading, tuple(made), tuple(why), factors, moved)


def _obstacle(reading: Reading, data: Data) -> Text | None:
    """Why the change cannot be split at all; None where it may."""
    goal = reading.goal
    if not isinstance(goal.baseline, Period):
        return NO_BASELINE if goal.baseline is None else GIVEN_WHOLE
    if goal.baseline == reading.now.period:
        return SAME_PERIOD
    hidden = next((one for one in (reading.baseline, reading.now) if one.suppressed), None)
    if hidden is not None:
        return hidden.why
    return OUTDATED if reading.baseline.out_of_date or reading.now.out_of_date else None


def _no_segments(indicator: Indicator, data: Data) -> Text | None:
    """Why no attribute can split the change of an indicator; None where one may."""
    kind, in_force = indicator.kind, resolve(indicator, data, {})
    if isinstance(kind, ScreenedShare) and not in_force["sensitivity"] == in_force["specificity"] == 1:
        return CORRECTED
    if not isinstance(kind, ADDS_UP):
        return Text(NO_SUM.to("zh", kind=kind.label.zh), NO_SUM.to("en", kind=kind.label.en))
    return None if data.segments else NO_ATTRIBUTES
