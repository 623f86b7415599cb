"""What a change is made of: did the segments become better, or did the mix of customers change?

The arithmetic is in :mod:`crmtools.goals.kitagawa`, the intervals in :mod:`crmtools.goals.term_errors`. Segments of few people
are put together before anything is worked out (:mod:`crmtools.goals.segment_sums`): what is told knows nothing of them.
"""

import math
from dataclasses import replace

import numpy as np

from crmtools import formats
from crmtools.errors import CRMError, nearest
from crmtools.estimate import Estimate
from crmtools.estimating import Where, conditions, not_computable, resolve
from crmtools.goals.kitagawa import TOTALS, V0, V1, W0, W1, States, rates, shares, terms, totals
from crmtools.goals.segment_sums import Question, Segments, fetched, products, segments
from crmtools.goals.term_errors import Errors, bootstrap, delta
from crmtools.goals.terms import Decomposition, Line, Piece, State, Term
from crmtools.indicators.catalogue import Indicator, find
from crmtools.indicators.kinds import (
    ALIKE,
    CENSUS,
    SMALL_FOR_MEAN,
    Census,
    Mean,
    NetShare,
    Rate,
    Ratio,
    Share,
    too_few,
)  # fmt: skip
from crmtools.period import Period
from crmtools.publishable import shown
from crmtools.questions import UNKNOWN, attributes
from crmtools.tables.source import Data
from crmtools.words import WORDS, Language, Text

MOST_ROWS = 40_000
"""Rows (a customer in a period and line) that are fetched to be resampled: 20,000 customers in both periods. Above, the terms are
so nearly normal that linearising on the engine says the same, and no row leaves it."""
SAME = 1e-9
"""Relative difference up to which two sums are one: they may have been added up in another order."""
MOST_OF_THE_WEIGHT = 0.5
"""Part of the weight that must move against the total for the total to be called misleading."""

NO_PART = Text(
    "有客户群的分母为负，或分母为零而分子不为零，无法计算占比",
    "a segment's denominator is below 0, or 0 under a numerator: it has no part of the whole",
)
OFTEN_LOST = Text(
    "重抽样时常有客户群消失，不给出区间", "resampling often loses a segment: an interval would claim too much"
)
ONE_SEGMENT = Text(
    "只有一个可公布的客户群，构成不会变化", "there is one segment only that may be told: no mix can change"
)
MISLEADS = Text(
    "总体变化为 {change}，而占权重 {weight} 的客户群自身变化方向相反（合计 {rates}）：应看各客户群，不宜只看总体。",
    "The total changed by {change}, but segments with {weight} of the weight changed the other way ({rates} together): "
    "read the segments, not the total alone.",
)


def decompose(
    indicator: str | Indicator,
    data: Data,
    *,
    by: str,
    baseline: Period | str,
    period: Period | str | None = None,
    where: Where | None = None,
    target: float | None = None,
    **assumptions: object,
) -> Decomposition:
    """Split the change of an indicator between two periods into rate and mix by segment.

    Parameters
    ----------
    indicator
        One whose value is a ratio of sums over customers: share, net share, mean, ratio, rate, share of a complete count.
    by
        An attribute that :func:`crmtools.breakdown` takes. One of customers is known as it is today and taken for both periods:
        nobody changes his segment. One that facts carry (a plan, a channel) is the one of then and of now, so that a customer who
        changes it leaves one line and enters another; his rows are still drawn together.
    baseline, period
        From when to when; ``period`` is by default the one that is reported.
    target
        In the indicator's unit; what remains to it is then the last piece.

    Returns
    -------
    Decomposition
        Exact to rounding (Kitagawa 1955, symmetric). Every term has an interval over customers, or says why not. Where
        nothing can be said it has no lines, and ``why`` is the reason.

    Raises
    ------
    CRMError
        For kinds that do not add up, an unknown attribute, equal periods, a target that is no number.
    """
    item = find(indicator)
    then, now = Period.parse(baseline), Period.parse(period) if period is not None else data.period
    _check(item, then, now, target)
    in_force = resolve(item, data, assumptions)
    before, after = shown(item, data, (then, now), where=where, assumptions=assumptions)
    empty = Decomposition(item, by, before, after, target=target, currency=data.currency)
    if why := not_computable(item, data):
        return replace(empty, why=why)
    if by not in attributes(item, data):
        raise CRMError(f"'{item.id}' cannot be split by '{by}'. {nearest(by, attributes(item, data))}")
    for estimate in (before, after):
        if estimate.value is None and estimate.why is not None:
            zh, en = (estimate.period.label(language) for language in ("zh", "en"))
            why = Text(f"{zh}：{estimate.why.zh}", f"{en}: {estimate.why.en}")
            return replace(empty, baseline=before, now=after, why=why)
    chosen = conditions(where)
    question = Question(item, data, (then, now), in_force, by, chosen)
    found = segments(question, smallest=data.settings.publish.smallest_group)
    weights, values = found.sums[[W0, W1]], found.sums[[V0, V1]]
    if (weights < 0).any() or ((weights == 0) & (values != 0)).any():
        return replace(empty, why=NO_PART)
    _check_sum(item, found, before, after)
    return _told(empty, question, found)


def _check(item: Indicator, then: Period, now: Period, target: float | None) -> None:
    if not isinstance(item.kind, Share | NetShare | Mean | Ratio | Rate | Census):
        raise CRMError(
            f"'{item.id}' ({item.kind.label.en}) is no ratio of sums over customers: its segments do not add up to it. "
            "Decompose a share, net share, mean, ratio or rate."
        )
    if then == now:
        raise CRMError(f"Baseline and period are both {now.id}: there is no change. Name an earlier baseline.")
    if target is not None and not math.isfinite(target):
        raise CRMError(f"A target must be a number, found {target!r}.")


def _check_sum(item: Indicator, found: Segments, before: Estimate, after: Estimate) -> None:
    """A value that is corrected after the sums, for the errors of a test, is not the mean of its segments."""
    for total, estimate in zip(totals(found.sums), (before, after), strict=True):
        told = float(estimate.value or 0.0)
        if abs(float(np.real(total)) - told) > SAME * max(abs(told), 1.0):
            raise CRMError(f"'{item.id}' is corrected after adding up, so that its segments do not add up to it.")


def _told(empty: Decomposition, question: Question, found: Segments) -> Decomposition:
    """The decomposition in words and numbers."""
    states, size = States.of(found.sums), found.size
    values = np.asarray(terms(found.sums, states), float)
    errors = _errors(question, found, states, n=max(empty.baseline.n, empty.now.n))

    def term(place: int, piece: Piece, n: int, why: Text | None = None) -> Term:
        value = float(values[place])
        why = why or (errors if isinstance(errors, Text) else too_few(SMALL_FOR_MEAN) if n < SMALL_FOR_MEAN else None)
        if why is not None or isinstance(errors, Text):
            return Term(piece, value, why=why)
        se = float(errors.se[place])
        if not se > SAME * float(np.abs(values).max(initial=SAME)):
            return Term(piece, value, why=ALIKE)
        return Term(piece, value, float(errors.low[place]), float(errors.high[place]), se)

    alone = ONE_SEGMENT if size == 1 else None
    lines = []
    (s0, s1), (r0, r1) = shares(found.sums), rates(found.sums)
    for k, members in enumerate(found.members):
        state: State = "both" if states.stays[k] else "entered" if states.enters[k] else "left"
        n0, n1 = int(found.n[0, k]), int(found.n[1, k])
        others = found.merged and k == size - 1
        few = min(n for n, there in ((n0, state != "entered"), (n1, state != "left")) if there)
        both = state == "both"
        lines.append(
            Line(
                WORDS["others"] if others else WORDS["unknown"] if members[0] == UNKNOWN else Text(members[0], members[0]),
                None if others else members[0], len(members) if others else 0, state, n0, n1, float(s0[k]), float(s1[k]),
                float(r0[k]) if state != "entered" else None, float(r1[k]) if state != "left" else None,
                mix=term(k, "mix", few, alone) if both else None,
                rate=term(size + k, "rate", few) if both else None,
                moved=term(2 * size + k, state, few) if state != "both" else None,
            )
        )  # fmt: skip
    few = min(empty.baseline.n, empty.now.n)
    places = {name: 3 * size + number for number, name in enumerate(TOTALS)}
    return replace(
        empty,
        lines=tuple(lines),
        mix=term(places["mix"], "mix", few, alone),
        rate=term(places["rate"], "rate", few),
        entered=term(places["entered"], "entered", few) if states.enters.any() else None,
        left=term(places["left"], "left", few) if states.leaves.any() else None,
        change=term(places["change"], "change", few),
        remaining=_remaining(empty),
        method="census" if errors is CENSUS else "none" if isinstance(errors, Text) else errors.method,
        warning=misleading(lines, float(values[places["change"]]), empty),
    )


def _errors(question: Question, found: Segments, states: States, *, n: int) -> Errors | Text:
    """Standard errors and limits of all terms, or why there are none."""
    if isinstance(question.item.kind, Census):
        return CENSUS
    if n < SMALL_FOR_MEAN:
        return too_few(SMALL_FOR_MEAN)
    level = question.data.settings.report.confidence
    if found.n.sum() > MOST_ROWS:
        return delta(found.sums, products(question, found), states, n=n, level=level)
    return bootstrap(fetched(question, found), states, level=level) or OFTEN_LOST


def _remaining(empty: Decomposition) -> Term | None:
    """What is missing from now to the target, signed; with the interval that the value now has."""
    now, target = empty.now, empty.target
    if target is None or now.value is None:
        return None
    low, high = (None if limit is None else target - limit for limit in (now.high, now.low))
    return Term("remaining", target - now.value, low, high, now.se, now.why)


def misleading(lines: list[Line], change: float, found: Decomposition) -> Text | None:
    """A warning where the total goes one way and segments with more than half of the weight the other (Simpson 1951).

    The weight of a segment is the mean of then and now. Signs are those of the values; their intervals stand with the terms.
    """
    against = [line for line in lines if line.rate is not None and line.rate.value * change < 0]
    weight = sum((line.weight_before + line.weight_now) / 2 for line in against)
    if not weight > MOST_OF_THE_WEIGHT:
        return None
    moved = sum(line.rate.value for line in against if line.rate is not None)

    def said(language: Language) -> str:
        unit, currency = found.indicator.unit, found.now.currency
        return MISLEADS.to(
            language,
            change=formats.difference(change, unit, language, currency),
            weight=formats.percent(weight, language, 0),
            rates=formats.difference(moved, unit, language, currency),
        )

    return Text(said("zh"), said("en"))
