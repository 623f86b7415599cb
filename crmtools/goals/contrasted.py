"""Whether an indicator differs between two groups of customers by more than chance."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from crmtools.errors import CRMError
from crmtools.estimate import Estimate
from crmtools.estimating import Where, conditions
from crmtools.goals.change import METHODS, between, is_seen
from crmtools.goals.detectable import smallest_between
from crmtools.goals.form import form_of
from crmtools.goals.panel import groups_together
from crmtools.indicators.catalogue import Indicator, find
from crmtools.indicators.kinds import CENSUS
from crmtools.measuring import breakdown, measure
from crmtools.period import Period
from crmtools.questions import UNKNOWN
from crmtools.shown import Shown
from crmtools.tables.source import Data, as_opened
from crmtools.words import Text, word

Verdict = Literal["higher", "lower", "no_detectable_difference", "not_comparable"]

VERDICTS: dict[Verdict, Text] = {
    "higher": Text("更高", "Higher"),
    "lower": Text("更低", "Lower"),
    "no_detectable_difference": Text("未检出差异", "No detectable difference"),
    "not_comparable": Text("不可比", "Not comparable"),
}
_PAIRED = Text(
    "MOVER 区间；配对形式的 t 检验（计入两组共有客户）",
    "MOVER interval; t test in its paired form, for customers in both groups",
)
_HIDDEN = Text(
    "样本过少，或会泄露样本过少的一组，未予公布，差异也不公布",
    "a figure is hidden because it rests on too few, or would give few away, and so is the difference",
)
_TOGETHER = Text(
    "{values}不予公布：样本过少，或会泄露样本过少的一组。请让每一组同时包含它们，或都不包含",
    "{values} are hidden, for they are few or would give few away: let each group have all of them, or none",
)
_NO_ERROR = Text(
    "某一组没有区间，无法判断", "one of the two has no interval, so that chance cannot be told from a difference"
)


@dataclass(frozen=True, slots=True)
class Contrast(Shown):
    """The difference between two groups of one period: ``one`` minus ``other``, in the indicator's unit.

    ``low``, ``high`` and ``p`` are made as those of a :class:`crmtools.goals.change.Change`. ``p`` is two-sided and that of one
    comparison: among many some fall below 5 % by chance alone. ``verdict`` says whether ``one`` is seen to be higher or lower.
    ``detectable`` is the smallest true surplus that two such samples find in four of five cases. ``why`` gives the reason where
    nothing can be compared.
    """

    one: Estimate
    other: Estimate
    verdict: Verdict
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    level: float = 0.95
    method: str = "none"
    correlation: float = 0.0
    detectable: float | None = None
    why: Text | None = None

    @property
    def frame(self) -> pd.DataFrame:
        """One row: indicator, the values of one and other, difference, low, high, p, verdict."""
        said = {name: [getattr(self, name)] for name in ("difference", "low", "high", "p", "verdict")}
        return pd.DataFrame(
            {"indicator": [self.one.indicator], "one": [self.one.value], "other": [self.other.value], **said}
        )

    @property
    def how(self) -> Text:
        """What interval and test were used."""
        return _PAIRED if self.method == "paired_means" else METHODS[self.method]


def contrast(
    indicator: str | Indicator,
    data: Data,
    one: Where,
    other: Where | None = None,
    *,
    period: Period | str | None = None,
    **assumptions: object,
) -> Contrast:
    """Whether two groups differ, ``one`` minus ``other``, with an interval, a test and a verdict.

    Parameters
    ----------
    indicator
        An id from the catalogue.
    data
        What :func:`crmtools.open` returned.
    one
        The conditions of the first group: ``{"region": "south"}``.
    other
        Those of the second: ``{"region": ["north", "east"]}``. They differ in the values of one attribute and have none of them in
        common. By default all others: of the same conditions, but with every other value of the only (or the last) attribute.
    period
        By default the period that is reported.
    assumptions
        As in :func:`crmtools.measure`, for both groups.

    Returns
    -------
    Contrast
        Customers who are in both groups, which can be where rows and not customers carry the attribute, are taken into account.

    Raises
    ------
    CRMError
        Where indicator, attribute or assumption is none, the groups overlap, or differ in no attribute or in several.
    """
    item = find(indicator)
    span = Period.parse(period) if period is not None else as_opened(data).period
    first = _conditions(one)
    *_, attribute = first
    second = None if other is None else _conditions(other)
    if second is not None:
        attribute = _apart(first, second)
    shared = {name: values for name, values in first.items() if name != attribute}
    parts = breakdown(item, data, by=attribute, period=span, where=shared, **assumptions).estimates
    if second is None:
        second = shared | {attribute: _rest(attribute, first[attribute], parts, span)}
    found, against = (measure(item, data, period=span, where=each, **assumptions) for each in (first, second))
    level = found.level
    if (
        (why := _obstacle(found, against, _hidden(parts, attribute))) is not None
        or found.value is None
        or against.value is None
    ):
        return Contrast(found, against, "not_comparable", level=level, why=why)
    difference = found.value - against.value
    form = form_of(item.kind, against, found)
    if form == "count":
        said: Verdict = "higher" if difference > 0 else "lower" if difference < 0 else "no_detectable_difference"
        return Contrast(found, against, said, difference, level=level, method="count", why=CENSUS)
    together = groups_together(item, data, span, attribute, first[attribute], second[attribute], shared, assumptions)
    apart = between(against, found, item.kind, together)
    if apart is None:
        why = next((each.why for each in (found, against) if each.why is not None), _NO_ERROR)
        return Contrast(found, against, "not_comparable", difference, level=level, why=why)
    verdict: Verdict = "no_detectable_difference"
    if is_seen(apart.low, apart.high, apart.p, level):
        verdict = "higher" if difference > 0 else "lower"
    detectable = smallest_between(against.value, form, apart.waves, "higher")
    return Contrast(
        found, against, verdict, difference, apart.low, apart.high, apart.p, level, apart.method, together, detectable
    )


def _conditions(group: Where) -> dict[str, list[str]]:
    """The conditions of a group, each as a list of values."""
    if not isinstance(group, Mapping) or not group:
        raise CRMError(f'A group has at least one condition, as in {{"region": "south"}}; found {group!r}.')
    return conditions(group)


def _rest(attribute: str, values: Sequence[str], parts: Sequence[Estimate], period: Period) -> list[str]:
    """Every other value of an attribute."""
    there = [dict(part.group).get(attribute, UNKNOWN) for part in parts]
    if rest := [value for value in there if value not in values]:
        return rest
    listed = ", ".join(there) or "no value at all"
    raise CRMError(f"Nobody is left to compare with: of {attribute}, {period.id} has {listed}.")


def _hidden(parts: Sequence[Estimate], attribute: str) -> list[str]:
    """The values that a table by the attribute hides."""
    return [dict(part.group).get(attribute, UNKNOWN) for part in parts if part.suppressed]


def _apart(first: Mapping[str, list[str]], second: Mapping[str, list[str]]) -> str:
    """The attribute by which two groups are told apart."""
    differing = [name for name in {**first, **second} if sorted(first.get(name, ())) != sorted(second.get(name, ()))]
    if len(differing) != 1 or differing[0] not in first or differing[0] not in second:
        told = " and ".join(differing) or "none"
        raise CRMError(
            f"Two groups are compared that differ in one attribute, found {told}. Name the same attributes for both, "
            "and other values of one of them."
        )
    (name,) = differing
    if common := sorted({*first[name]} & {*second[name]}):
        raise CRMError(f"{name} '{common[0]}' is in both groups. Name different values.")
    return name


def _obstacle(one: Estimate, other: Estimate, hidden: Sequence[str]) -> Text | None:
    """Why no difference may be taken; None where it may. Values that are ``hidden`` in a table are so in all that is made of some of them."""
    if one.suppressed or other.suppressed:
        if len(hidden) < 2:
            return _HIDDEN
        named_zh, named_en = ([value or word("unknown", language) for value in hidden] for language in ("zh", "en"))
        zh, en = "、".join(named_zh), f"{', '.join(named_en[:-1])} and {named_en[-1]}"
        return Text(_TOGETHER.zh.format(values=zh), _TOGETHER.en.format(values=en))
    for estimate in (one, other):
        if estimate.value is None:
            group = "; ".join(f"{name} {value or 'unknown'}" for name, value in estimate.group)
            told = estimate.why or Text("原因未知", "for a reason that is not known")
            return Text(f"{group} 无数值：{told.zh}", f"no value for {group}: {told.en}")
    return None
