"""What changed since the baseline: the difference with its interval, a test, and a verdict in closed words.

**Interval.** MOVER (:mod:`crmtools.goals.mover`) from the two estimates' own intervals, for every kind: Newcombe's interval
for shares, skewed for money and waiting times, whose limits were made on the log scale.

**Test.** By form (:mod:`crmtools.goals.form`): score test for shares and for rates on effective numbers, z with adjusted
variances for a net share, Welch's t for means, z on the log scale for ratios, unit costs, waiting times and modelled money, z
from the intervals for all others. Customers in both periods: see :mod:`crmtools.goals.significance`.

**Verdict.** A change is *seen* where p is below 1 − level and the interval leaves 0 out; both must say so, that words, p and
interval never contradict each other. An improvement that is seen is then held against the tolerance, the smallest change
that matters, by two one-sided tests (Schuirmann 1987) read off the same interval:

=====================  ====================================================================================
improved_matters       seen, and the whole interval is at least the tolerance
improved_trivial       seen, and the whole interval is below the tolerance
improved               seen, and the interval holds the tolerance, or no tolerance was declared
changed                seen, where neither higher nor lower is better
worsened               seen, in the wrong direction, however small
no_detectable_change   not seen; :attr:`Change.detectable` says what would have been
not_comparable         no verdict can be given; :attr:`Change.why` says why
=====================  ====================================================================================

The 95 % interval makes each one-sided test one at 2.5 %, stricter than the customary 5 %: the words are those that a reader
would find for the interval that is printed. Counts of everything have no interval; their difference itself is judged.
"""

import math
from dataclasses import dataclass
from typing import Literal

import pandas as pd

from crmtools.errors import CRMError
from crmtools.estimate import OUTDATED, Estimate
from crmtools.goals.detectable import Waves, smallest_between
from crmtools.goals.form import Form, form_of, is_given, size_of
from crmtools.goals.mover import Limits, mover
from crmtools.goals.significance import p_of_means, p_of_rates, p_of_shares, p_of_z
from crmtools.indicators.catalogue import Better
from crmtools.indicators.kinds import CENSUS
from crmtools.indicators.moments import Kind
from crmtools.shown import Shown
from crmtools.words import Text

Verdict = Literal[
    "improved_matters", "improved_trivial", "improved", "changed", "worsened", "no_detectable_change", "not_comparable"
]  # fmt: skip

VERDICTS: dict[Verdict, Text] = {
    "improved_matters": Text("有实质改善", "Improved, and it matters"),
    "improved_trivial": Text("有改善，但幅度可忽略", "Improved, but trivially"),
    "improved": Text("有改善", "Improved"),
    "changed": Text("有变化", "Changed"),
    "worsened": Text("恶化", "Worsened"),
    "no_detectable_change": Text("未检出变化", "No detectable change"),
    "not_comparable": Text("不可比", "Not comparable"),
}
METHODS: dict[str, Text] = {
    "shares": Text(
        "MOVER（Newcombe）区间；得分检验（按有效样本量）",
        "MOVER (Newcombe) interval; score test on effective numbers of customers",
    ),
    "net_shares": Text("MOVER 区间；调整方差的 z 检验", "MOVER interval; z test with adjusted variances"),
    "means": Text("MOVER 区间；Welch t 检验", "MOVER interval; Welch's t test"),
    "paired_means": Text(
        "MOVER 区间；配对形式的 t 检验（计入两期共有客户）",
        "MOVER interval; t test in its paired form, for customers in both periods",
    ),
    "rates": Text(
        "MOVER 区间；Poisson 得分检验（按有效事件数）", "MOVER interval; Poisson score test on effective counts"
    ),
    "logs": Text("MOVER 区间；对数尺度 z 检验", "MOVER interval; z test on the log scale"),
    "plain": Text("MOVER 区间；z 检验（误差取自区间）", "MOVER interval; z test with the errors of the intervals"),
    "count": Text("两期数字直接相减，未作检验", "the two figures subtracted, without a test"),
    "none": Text("未比较", "not compared"),
}
_OF_FORM: dict[Form, str] = {
    "share": "shares", "net_share": "net_shares", "mean": "means", "rate": "rates", "log": "logs", "plain": "plain",
    "count": "count",
}  # fmt: skip
MATURE = 0.80
"""The share of a period that must have had its follow-up: what is still to come would pass for a change."""

HIDDEN = Text(
    "样本过少，或会泄露样本过少的一组，未予公布，无法比较",
    "a figure is hidden because it rests on too few, or would give few away, and what it changed by is hidden too",
)
SAME = Text("基线即为本期", "the baseline is the period itself")
OVERLAP = Text(
    "两期重叠，需给出其相关系数", "the two periods overlap: the correlation of their estimates must be given"
)
CURRENCIES = Text("两期币种不同", "the two figures are in different currencies")
IMMATURE = Text(
    "{period}的观察期未满，数字仍会变动", "{period} has not had its follow-up yet: its figure will still move"
)
NO_ERROR = Text("某一期没有区间，无法判断", "one of the two has no interval, so that chance cannot be told from change")
BAND = Text(
    "按同一分摊方案相减；换一种方案差额可能不同",
    "under the one way to allocate shared cost; another may give another difference",
)
NO_TOLERANCE = Text(
    "未设定有意义的最小变化，仅作常规检验", "no smallest change that matters was declared: a plain test only"
)
OPEN = Text("幅度是否达到有意义的最小变化尚不确定", "whether it reaches the smallest change that matters is open")
NOT_TO_BE_SEEN = Text(
    "以该样本量，朝改善方向的任何变化都无法检出", "with so few customers no change for the better could be seen at all"
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Change(Shown):
    """The difference between a baseline and a later value of the same indicator.

    ``difference`` (now minus baseline), ``low``, ``high``, ``detectable`` and ``tolerance`` are in the indicator's unit: a
    share's 0.02 is two percentage points. ``p`` is two-sided and not adjusted for other comparisons (see
    :mod:`crmtools.goals.multiplicity`). ``detectable`` is the smallest true change in the wanted direction that these two
    samples find in four of five cases, None where there is none. ``within_tolerance`` says whether the whole interval is
    smaller than the tolerance either way: beside "no detectable change" it means that none that matters has happened. ``why``
    gives the reason where a verdict needs one.
    """

    baseline: Estimate
    now: Estimate
    better: Better
    verdict: Verdict
    difference: float | None = None
    low: float | None = None
    high: float | None = None
    p: float | None = None
    level: float = 0.95
    method: str = "none"
    correlation: float = 0.0
    detectable: float | None = None
    tolerance: float | None = None
    within_tolerance: bool | None = None
    why: Text | None = None

    @property
    def frame(self) -> pd.DataFrame:
        """One row: indicator, baseline, now, difference, low, high, p, verdict."""
        said = {name: [getattr(self, name)] for name in ("difference", "low", "high", "p", "verdict")}
        return pd.DataFrame(
            {"indicator": [self.now.indicator], "baseline": [self.baseline.value], "now": [self.now.value], **said}
        )

    @property
    def gain(self) -> float | None:
        """The difference counted so that more is better; None where neither direction is."""
        sign = _sign(self.better)
        return sign * self.difference if sign and self.difference is not None else None

    @property
    def how(self) -> Text:
        """What interval and test were used."""
        return METHODS[self.method]


def change(
    baseline: Estimate,
    now: Estimate,
    kind: Kind,
    *,
    better: Better,
    correlation: float = 0.0,
    tolerance: float | None = None,
    not_comparable: Text | None = None,
) -> Change:
    """What changed between two estimates of one indicator.

    Parameters
    ----------
    baseline, now
        Two estimates of the same indicator for the same customers, or a value that was written down and a later estimate.
    kind
        The indicator's kind.
    better
        The direction that is an improvement; of a goal on an indicator that is best within a range, the goal's direction.
    correlation
        That of the two estimates: :func:`crmtools.goals.panel.correlation`. 0 is for waves of different customers; for waves
        that share customers it makes interval and p too wide where their answers hang together. A given baseline has none.
    tolerance
        The smallest change that matters, above 0, in the indicator's unit.
    not_comparable
        Why the two must not be compared, where the asker knows: a definition that changed in between.

    Raises
    ------
    CRMError
        Where the estimates are not of one indicator, group and level, or an argument is outside its range.
    """
    if not (math.isfinite(correlation) and -1 <= correlation <= 1):
        raise CRMError(f"A correlation lies between -1 and 1, found {correlation:g}.")
    if tolerance is not None and not (isinstance(tolerance, int | float) and 0 < tolerance < math.inf):
        raise CRMError(f"The smallest change that matters is a number above 0, found {tolerance!r}.")
    _check_alike(baseline, now)
    correlation = 0.0 if is_given(baseline) else correlation
    form = form_of(kind, baseline, now)
    why = not_comparable or _obstacle(baseline, now, correlation)
    if why is not None or baseline.value is None or now.value is None:
        return Change(baseline, now, better, "not_comparable", level=now.level, tolerance=tolerance, why=why)
    difference = now.value - baseline.value
    if form == "count":
        return _of_counts(baseline, now, better, difference, tolerance)
    found = between(baseline, now, kind, correlation)
    if found is None:
        why = next((e.why for e in (now, baseline) if e.why is not None and not is_given(e)), NO_ERROR)
        return Change(
            baseline, now, better, "not_comparable", difference, level=now.level, tolerance=tolerance, why=why
        )
    low, high, p = found.low, found.high, found.p
    detectable = smallest_between(baseline.value, form, found.waves, better)
    verdict, why = _verdict(low, high, p, better, tolerance, now.level)
    if verdict == "no_detectable_change" and detectable is None:
        why = NOT_TO_BE_SEEN
    return Change(
        baseline, now, better, verdict, difference, low, high, p, now.level,
        found.method, correlation, detectable, tolerance,
        None if tolerance is None else -tolerance < low and high < tolerance, why,
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Between:
    """What lies between two estimates of one indicator: the limits of the difference, its p, how both were found, their errors."""

    low: float
    high: float
    p: float
    method: str
    waves: Waves


def between(one: Estimate, other: Estimate, kind: Kind, correlation: float) -> Between | None:
    """The interval and the test of ``other`` minus ``one``; None where either has no error that could be compared."""
    form = form_of(kind, one, other)
    before, after = size_of(one, form, kind), size_of(other, form, kind)
    if before is None or after is None or one.value is None or other.value is None:
        return None
    waves = Waves(after, before, correlation, other.level)
    low, high = mover(_limits(one), _limits(other), correlation=correlation)
    p = _p(form, one.value, other.value, waves, one.n, other.n)
    return Between(low, high, p, "paired_means" if form == "mean" and correlation else _OF_FORM[form], waves)


def is_seen(low: float, high: float, p: float, level: float) -> bool:
    """Whether a difference is seen: test and interval must both say so, that words, p and interval never contradict each other."""
    return p < 1 - level and (low > 0 or high < 0)


def _check_alike(baseline: Estimate, now: Estimate) -> None:
    if baseline.indicator != now.indicator:
        raise CRMError(f"A change is of one indicator, found '{baseline.indicator}' and '{now.indicator}'.")
    if baseline.group != now.group:
        raise CRMError(f"A change is of one group, found {dict(baseline.group)} and {dict(now.group)}.")
    if baseline.level != now.level:
        raise CRMError(f"Both intervals must have one level, found {baseline.level:g} and {now.level:g}.")
    if is_given(now):
        raise CRMError("The later value must be measured: only a baseline can be given.")


def _obstacle(baseline: Estimate, now: Estimate, correlation: float) -> Text | None:
    """Why no difference may be taken, or said; None where it may."""
    if baseline.suppressed or now.suppressed:
        return HIDDEN
    for name, estimate in ((Text("基线", "baseline"), baseline), (Text("本期", "this period"), now)):
        if estimate.value is None:
            told = estimate.why or Text("原因未知", "for a reason that is not known")
            return Text(
                f"{name.zh}无数值：{told.zh}", f"no value for the {name.en}: {told.en}".replace("the this", "this")
            )
    if baseline.currency != now.currency and not is_given(baseline):
        return CURRENCIES
    for e in (now, baseline):
        if e.maturity is not None and e.maturity < MATURE and not is_given(e):
            zh, en = e.period.label("zh"), e.period.label("en")
            return Text(IMMATURE.zh.format(period=zh), IMMATURE.en.format(period=en))
    if now.out_of_date or (baseline.out_of_date and not is_given(baseline)):
        return OUTDATED
    if is_given(baseline):
        return None
    if baseline.period == now.period:
        return SAME
    overlap = baseline.period.start < now.period.end and now.period.start < baseline.period.end
    return OVERLAP if overlap and not correlation else None


def _limits(estimate: Estimate) -> Limits:
    value = float(estimate.value or 0.0)
    if is_given(estimate) or estimate.low is None or estimate.high is None:
        return value, value, value
    return value, estimate.low, estimate.high


def _p(form: Form, before: float, now: float, waves: Waves, customers_before: int, customers_now: int) -> float:
    match form:
        case "share":
            return p_of_shares(before, now, waves)
        case "rate":
            return p_of_rates(before, now, waves)
        case "mean":
            return p_of_means(now - before, waves, customers_before, customers_now)
        case "log":
            return p_of_z(math.log(now) - math.log(before), waves.error)
        case _:
            return p_of_z(now - before, waves.error)


def _sign(better: Better) -> float:
    return {"higher": 1.0, "lower": -1.0}.get(better, 0.0)


def _verdict(
    low: float, high: float, p: float, better: Better, tolerance: float | None, level: float
) -> tuple[Verdict, Text | None]:
    """The words for an interval and a p, and what must be said beside them."""
    if not is_seen(low, high, p, level):
        return "no_detectable_change", None
    sign = _sign(better)
    if not sign:
        return "changed", None
    least, most = sorted((sign * low, sign * high))
    if most < 0:
        return "worsened", None
    if tolerance is None:
        return "improved", NO_TOLERANCE
    if least >= tolerance:
        return "improved_matters", None
    return ("improved_trivial", None) if most < tolerance else ("improved", OPEN)


def _of_counts(baseline: Estimate, now: Estimate, better: Better, difference: float, tolerance: float | None) -> Change:
    """Where everything was counted the difference is a fact; whether it would come again is not asked."""
    verdict, _ = _verdict(difference, difference, 0.0, better, tolerance, now.level)
    return Change(
        baseline, now, better, verdict, difference, level=now.level, method="count", tolerance=tolerance,
        within_tolerance=None if tolerance is None else abs(difference) < tolerance,
        why=BAND if "scenario" in (baseline.method, now.method) else CENSUS,
    )  # fmt: skip
