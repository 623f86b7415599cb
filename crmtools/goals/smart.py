"""Whether a goal is specific, measurable, achievable, relevant and timely, computed before it starts.

Each letter has its checks; each check says what was found, what is asked for, and what would mend it. The data are those that
were known on the day before the goal starts, or are known now where it has not started. *Measurable* asks for a smallest
detectable change that is no larger than the wanted one; *achievable* asks how likely the target is if nothing new is done.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

import numpy as np

from crmtools import formats
from crmtools.estimate import Estimate
from crmtools.goals.detectable import customers_needed, smallest_change
from crmtools.goals.evidence import FEWEST, FEWEST_EVENTS
from crmtools.goals.forecast import forecast
from crmtools.goals.goal import Goal
from crmtools.goals.paths import seasonal_index
from crmtools.goals.series import Series
from crmtools.indicators.kinds import Duration
from crmtools.measure import Trend, estimates, measure, resolve, trend
from crmtools.period import MONTHS_IN, Period, Step
from crmtools.readiness import readiness
from crmtools.tables.source import Data
from crmtools.words import Text

Letter = Literal["S", "M", "A", "R", "T"]
LETTERS: dict[Letter, Text] = {
    "S": Text("明确", "Specific"),
    "M": Text("可衡量", "Measurable"),
    "A": Text("可达成", "Achievable"),
    "R": Text("相关", "Relevant"),
    "T": Text("有时限", "Timely"),
}
FULL = 0.95
"""Share of the rows in which a needed column must be filled."""
TRIVIAL, INFEASIBLE, STRETCH = 0.90, 0.05, 90
"""Chance without doing anything above which a goal is trivial and below which it is a stretch at least; and the percentile of
past changes over the same time beyond which the wanted one is a stretch."""
FARTHEST = 2.0
"""A target further than this many times the best change that was ever seen is out of reach."""
SMALL_PART, ALIKE, PEAK = 0.05, 0.90, 1.20
"""A part of the customers that is worth a goal, the correlation from which two goals are one, and the index of a high season."""
CYCLES = 2


@dataclass(frozen=True, slots=True)
class Check:
    """One question to a goal. ``passed`` is None where the data cannot answer; ``remedy`` says what would mend it."""

    letter: Letter
    name: Text
    passed: bool | None
    found: Text
    asked: Text
    remedy: Text | None = None


@dataclass(frozen=True, slots=True)
class Smart:
    """The checks of one goal. ``chance`` is that of reaching the target if nothing new is done, ``reach`` what that makes it.

    ``needed`` are the customers a period must have for the wanted change to be detectable, ``detectable`` the smallest change
    that can be seen with as many as there are, in the indicator's unit.
    """

    goal: Goal
    checks: tuple[Check, ...]
    detectable: float | None
    needed: int | None
    chance: float | None
    reach: Literal["trivial", "fair", "stretch", "infeasible", "unknown"]

    def passes(self, letter: Letter) -> bool:
        """Whether no check of a letter failed."""
        return all(check.passed is not False for check in self.checks if check.letter == letter)

    @property
    def letters(self) -> int:
        """How many of the five letters the goal passes."""
        return sum(map(self.passes, LETTERS))

    @property
    def proposal(self) -> tuple[Text, ...]:
        """What to change in the goal, one sentence each; nothing where it passes."""
        said = [check.remedy for check in self.checks if check.passed is False and check.remedy is not None]
        return tuple(dict.fromkeys(said))


REACH: dict[str, Text] = {
    "trivial": Text("不用做什么也会达成", "would be reached without doing anything"),
    "fair": Text("需要努力，但可达成", "needs work, and can be done"),
    "stretch": Text("挑战性目标", "a stretch"),
    "infeasible": Text("超出以往任何表现", "beyond anything seen so far"),
    "unknown": Text("历史数据不足，无法判断", "too little history to say"),
}


def smart(goal: Goal, data: Data, others: Sequence[Goal] = ()) -> Smart:
    """Check one goal; ``others`` are the report's other goals, to find those that are the same goal under another name."""
    before = goal.start - timedelta(days=1)
    known = data.at(before) if before < data.as_of else data
    step: Step = "month" if data.period.kind == "days" else data.period.kind
    last = Period.containing(goal.start, step).previous()
    last = last if last.last_day <= known.as_of else data.period
    past = _past(goal, known, last)
    base = _base(goal, known, past)
    facts = _Facts(goal, known, step, past, base)
    checks = (
        *_specific(facts),
        *_measurable(facts),
        *_achievable(facts),
        *_relevant(facts, data, others),
        *_timely(facts),
    )
    return Smart(goal, checks, facts.detectable, facts.needed, facts.chance, facts.reach)


def _past(goal: Goal, data: Data, last: Period) -> Trend:
    """The goal's indicator over the periods before it starts, those without a value left out at the beginning."""
    count = {"month": 36, "quarter": 16, "year": 8}[last.kind] if last.kind != "days" else 36
    spans = last.up_to(count, "month" if last.kind == "days" else last.kind)
    found = list(estimates(goal.indicator, data, spans, where=goal.where))
    while found and found[0].value is None:
        found.pop(0)
    return Trend(goal.indicator, tuple(found))


def _base(goal: Goal, data: Data, past: Trend) -> Estimate | None:
    """What the goal starts from, with its error: the baseline period, or the last period where a value was given."""
    if isinstance(goal.baseline, Period):
        return measure(goal.indicator, data, period=goal.baseline, where=goal.where)
    return past.estimates[-1] if past.estimates else None


@dataclass(frozen=True)
class _Facts:
    """What the checks of one goal look at."""

    goal: Goal
    data: Data
    step: Step
    past: Trend
    base: Estimate | None

    @property
    def start_value(self) -> float | None:
        baseline = self.goal.baseline
        if isinstance(baseline, float):
            return baseline
        return None if self.base is None else self.base.value

    @property
    def target(self) -> float | None:
        """The target; of a goal to keep a bound, the bound that is nearest to where it starts."""
        start, goal = self.start_value, self.goal
        if goal.kind == "establish_baseline" or start is None:
            return None
        if goal.controls:
            return min((b for b in goal.bounds if math.isfinite(b)), key=lambda bound: abs(bound - start))
        return goal.target(start)

    @property
    def wanted(self) -> float | None:
        """The change that is wanted; of a goal to keep a bound, the distance to it."""
        return None if self.target is None or self.start_value is None else self.target - self.start_value

    @property
    def sign(self) -> float:
        return self.goal.sign or math.copysign(1.0, self.wanted or 1.0)

    @property
    def better(self) -> Literal["higher", "lower"]:
        return "higher" if self.sign > 0 else "lower"

    @property
    def horizon(self) -> int:
        """Periods from the last one before the start to the one in which the deadline lies."""
        last = self.past.estimates[-1].period if self.past.estimates else self.data.period
        end, count = Period.containing(self.goal.deadline, self.step), 0
        while last.start < end.start and count < 600:
            last, count = last.shift(MONTHS_IN[self.step]), count + 1
        return count

    @property
    def checkpoints(self) -> int:
        """Periods that end between the start and the deadline."""
        one, count = Period.containing(self.goal.start, self.step), 0
        while one.last_day <= self.goal.deadline and count < 600:
            count, one = count + (one.start >= self.goal.start), one.shift(MONTHS_IN[self.step])
        return count

    @property
    def detectable(self) -> float | None:
        if self.base is None or self.base.value is None:
            return None
        return smallest_change(self.base, self.goal.indicator.kind, better=self.better)

    @property
    def needed(self) -> int | None:
        if self.base is None or self.base.value is None or not self.wanted:
            return None
        return customers_needed(self.base, self.goal.indicator.kind, abs(self.wanted), better=self.better)

    @property
    def chance(self) -> float | None:
        """Of reaching the target with nothing new done."""
        if self.target is None or self.goal.controls or not self.past.estimates:
            return None
        series = Series.of(self.past)
        return forecast(series, horizon=self.horizon, target=self.target, better=self.better).chance

    @property
    def past_changes(self) -> list[float]:
        """The changes over as long a time as the goal has, counted so that more is better."""
        values = [estimate.value for estimate in self.past.estimates]
        pairs = zip(values, values[self.horizon :], strict=False)
        return [self.sign * (b - a) for a, b in pairs if a is not None and b is not None] if self.horizon else []

    @property
    def percentile(self) -> float | None:
        """The place of the wanted change among the past ones, in per cent."""
        changes, wanted = self.past_changes, self.wanted
        if len(changes) < 4 or wanted is None:
            return None
        return 100 * float(np.mean([change < self.sign * wanted for change in changes]))

    @property
    def reach(self) -> Literal["trivial", "fair", "stretch", "infeasible", "unknown"]:
        values = [e.value for e in self.past.estimates if e.value is not None]
        if self.target is None or self.wanted is None or not values:
            return "unknown"
        low, high = self.goal.indicator.unit.low, self.goal.indicator.unit.high
        if (low is not None and self.target < low) or (high is not None and self.target > high):
            return "infeasible"
        if self.chance is None and self.percentile is None:
            return "unknown"
        if self.chance is not None and self.chance > TRIVIAL:
            return "trivial"
        best, seen = max(self.past_changes, default=0.0), max(self.sign * value for value in values)
        if best > 0 and self.sign * self.wanted > FARTHEST * best and self.sign * self.target > seen:
            return "infeasible"
        unlikely = self.chance is not None and self.chance < INFEASIBLE
        return "stretch" if unlikely or (self.percentile is not None and self.percentile > STRETCH) else "fair"

    def said(self, value: float | None) -> Text:
        """A value of the indicator in both languages."""
        unit, currency = self.goal.indicator.unit, self.data.currency
        return _both(lambda language: formats.quantity(value, unit, language, currency))

    def moved(self, change: float | None) -> Text:
        """A change of the indicator in both languages."""
        unit, currency = self.goal.indicator.unit, self.data.currency
        if change is None:
            return NOT_KNOWN
        return _both(lambda language: formats.difference(abs(change), unit, language, currency, signed=False))


NOT_KNOWN = Text("未知", "not known")
YES, NONE = Text("已声明", "declared"), Text("未声明", "not declared")


def _both(written) -> Text:  # type: ignore[no-untyped-def]
    return Text(written("zh"), written("en"))


def _count(number: float) -> Text:
    return _both(lambda language: formats.number(number, language))


def _specific(f: _Facts) -> Iterator[Check]:
    n = f.base.n if f.base is not None else 0
    events = min(_events(f.base), math.inf) if f.base is not None else 0.0
    enough = n >= FEWEST and events >= FEWEST_EVENTS
    yield Check(
        "S", Text("涉及足够多的客户", "Enough customers"), enough, _count(n),
        Text(f"至少 {FEWEST} 位客户、{FEWEST_EVENTS} 次事件", f"at least {FEWEST} customers and {FEWEST_EVENTS} events"),
        None if enough else Text("放宽客户条件，或取更长的期间", "Widen the customers it is about, or measure over a longer time"),
    )  # fmt: skip
    owner = f.goal.settings.owner is not None
    yield Check(
        "S", Text("有人负责", "Somebody answers for it"), owner, f.goal.department if owner else NONE,
        Text("部门或负责人", "a department or a person"), None if owner else Text("写明 owner（部门、负责人）", "Name an owner: department and person"),
    )  # fmt: skip
    action = f.goal.settings.action
    yield Check(
        "S", Text("有行动，或写明没有", "An action, or the word that there is none"), action is not None, action or NONE,
        Text("action", "action"), None if action else Text("写明 action：打算做什么，或 none", "Write the action: what will be done, or none"),
    )  # fmt: skip


def _events(estimate: Estimate) -> float:
    """The rarer of what happened and what did not, of a share; else there are always enough."""
    value, above, below = estimate.value, estimate.numerator, estimate.denominator
    if (
        value is None
        or above is None
        or below is None
        or estimate.method not in ("wilson", "clopper_pearson", "garwood")
    ):
        return math.inf if value is not None else 0.0
    return min(above, below - above) if estimate.method != "garwood" else above


def _measurable(f: _Facts) -> Iterator[Check]:
    found = readiness(f.data, [f.goal.indicator])[f.goal.indicator.id]
    fills = [fill for fill in found.fills if fill.needed and not fill.later]
    emptiest = min(fills, key=lambda fill: fill.share, default=None)
    share = emptiest.share if emptiest is not None else 1.0
    where = f"{emptiest.table}.{emptiest.column}" if emptiest is not None else ""
    yield Check(
        "M", Text("数据填写完整", "The data are filled in"), share >= FULL,
        _both(lambda language: f"{formats.percent(share, language, 0)} {where}".strip()),
        _both(lambda language: f"≥ {formats.percent(FULL, language, 0)}"),
        None if share >= FULL else Text(f"补全 {where}", f"Have {where} filled in"),
    )  # fmt: skip
    start = f.start_value
    yield Check(
        "M", Text("基线可测", "The baseline exists"), start is not None, f.said(start), Text("有数值", "a value"),
        None if start is not None else Text("先设“建立基线”的目标，或换一个有数据的基线期间", "Establish a baseline first, or take a period that has data"),
    )  # fmt: skip
    if f.wanted is not None and f.base is not None and not f.goal.controls:
        yield from _resolved(f, f.base, abs(f.wanted))
    points = f.checkpoints
    yield Check(
        "M", Text("期限前的读数", "Readings before the deadline"), points >= CYCLES, _count(points), Text("至少 2 次", "at least 2"),
        None if points >= CYCLES else Text("改用更短的报告期间，或延后期限", "Report shorter periods, or set a later deadline"),
    )  # fmt: skip


def _resolved(f: _Facts, base: Estimate, wanted: float) -> Iterator[Check]:
    """Whether the error is small beside the change that is wanted."""
    half = (base.high - base.low) / 2 if base.low is not None and base.high is not None else None
    exact = base.method == "census"
    fine = True if exact else None if half is None else half <= wanted / 2
    yield Check(
        "M", Text("区间够窄", "The interval is narrow enough"), fine, Text("无抽样误差", "no sampling error") if exact else _pm(f.moved(half)),
        _pm(f.moved(wanted / 2)), None if fine is not False else _more(f),
    )  # fmt: skip
    smallest = f.detectable
    seen = True if exact else None if smallest is None else smallest <= wanted
    yield Check(
        "M", Text("最小可检出变化不大于目标变化", "The wanted change can be detected"), seen,
        Text("任何变化", "any change") if exact else f.moved(smallest), Text(f"≤ {f.moved(wanted).zh}", f"≤ {f.moved(wanted).en}"),
        None if seen is not False else _more(f),
    )  # fmt: skip


def _pm(text: Text) -> Text:
    return Text(f"± {text.zh}", f"± {text.en}")


def _more(f: _Facts) -> Text:
    """What would make the change detectable: more customers a period, or a larger change."""
    needed, smallest, start = f.needed, f.detectable, f.start_value
    further = None if smallest is None or start is None else f.said(start + f.sign * smallest)
    zh = [f"每期至少 {formats.number(needed, 'zh')} 位客户"] if needed is not None else []
    en = [f"at least {formats.number(needed, 'en')} customers a period"] if needed is not None else []
    if further is not None:
        zh.append(f"目标设为 {further.zh}")
        en.append(f"a target of {further.en}")
    zh.append("取更长的期间")
    en.append("a longer period")
    return Text("，或".join(zh), _capital(", or ".join(en)))


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _achievable(f: _Facts) -> Iterator[Check]:
    if f.goal.kind == "establish_baseline":
        return
    chance, place = f.chance, f.percentile
    if f.goal.controls:
        low, high = f.goal.bounds
        past = [e.value for e in f.past.estimates if e.value is not None]
        kept = sum(low <= value <= high for value in past)
        yield Check(
            "A", Text("过去守住的期间", "Periods that kept it before"), None if not past else kept > 0, Text(f"{kept} / {len(past)}", f"{kept} of {len(past)}"),
            Text("至少一次", "at least one"), Text("先设更宽的界限", "Begin with a wider bound"),
        )  # fmt: skip
        return
    yield Check(
        "A", Text("不采取新行动也能达成的可能", "Chance without doing anything"), None if chance is None else chance <= TRIVIAL,
        NOT_KNOWN if chance is None else _both(lambda language: formats.percent(chance, language, 0)),
        _both(lambda language: f"≤ {formats.percent(TRIVIAL, language, 0)}"), Text("目标太容易：设得更远", "Too easy: set it further"),
    )  # fmt: skip
    yield Check(
        "A", Text("与以往同样时长的变化相比", "Beside past changes over as long a time"), None if place is None else f.reach != "infeasible",
        NOT_KNOWN if place is None else Text(f"大于其中 {place:.0f}%", f"larger than {place:.0f} % of them"),
        Text(f"不超过最大变化的 {FARTHEST:.0f} 倍", f"at most {FARTHEST:.0f} times the best"),
        Text("目标太远：分几步，或给更多时间", "Too far: go in steps, or allow more time"),
    )  # fmt: skip


def _relevant(f: _Facts, data: Data, others: Sequence[Goal]) -> Iterator[Check]:
    part = 1.0
    if f.goal.where and f.base is not None:
        whole = measure(f.goal.indicator, f.data, period=f.base.period)
        part = f.base.n / whole.n if whole.n else 0.0
    yield Check(
        "R", Text("涉及的客户占比", "Part of the customers"), part >= SMALL_PART, _both(lambda language: formats.percent(part, language, 0)),
        _both(lambda language: f"≥ {formats.percent(SMALL_PART, language, 0)}"), Text("并入更大的客户群", "Make it about a larger group"),
    )  # fmt: skip
    outcome = f.goal.settings.outcome
    yield Check(
        "R", Text("服务于上级成果", "Serves an outcome"), bool(outcome), Text(outcome, outcome) if outcome else NONE, Text("outcome", "outcome"),
        None if outcome else Text("写明 outcome：它服务于哪项指标或目标", "Write the outcome: the indicator or goal that it serves"),
    )  # fmt: skip
    twin = next((other for other in others if other.id != f.goal.id and _same(f.goal, other, data)), None)
    yield Check(
        "R", Text("不与其他目标重复", "Not another goal in disguise"), twin is None,
        Text("无", "none") if twin is None else twin.name, Text(f"相关系数 < {ALIKE:.1f}", f"correlation < {ALIKE:.1f}"),
        None if twin is None else Text(f"与“{twin.name.zh}”合并", f"Merge it with “{twin.name.en}”"),
    )  # fmt: skip
    pressing = f.goal.indicator.dimension == "cost" or isinstance(f.goal.indicator.kind, Duration)
    if pressing:
        rails = len(f.goal.settings.guardrails)
        yield Check(
            "R", Text("省钱或提速的目标有护栏", "A guardrail, since it saves money or time"), rails > 0, _count(rails), Text("至少 1 条", "at least 1"),
            None if rails else Text("加一条护栏，例如满意度不低于现值", "Add a guardrail, such as satisfaction not below its present value"),
        )  # fmt: skip


def _same(goal: Goal, other: Goal, data: Data) -> bool:
    """Whether two goals' indicators moved together so far that they are one."""
    if goal.indicator.id == other.indicator.id and goal.where == other.where:
        return True
    lines = [trend(g.indicator, data, where=g.where).estimates for g in (goal, other)]
    pairs = [(a.value, b.value) for a, b in zip(*lines, strict=True) if a.value is not None and b.value is not None]
    if len(pairs) < 8 or any(len({pair[side] for pair in pairs}) < 2 for side in (0, 1)):
        return False
    return abs(float(np.corrcoef(np.array(pairs).T)[0, 1])) >= ALIKE


def _timely(f: _Facts) -> Iterator[Check]:
    item, goal = f.goal.indicator, f.goal
    days = (goal.deadline - goal.start).days + 1
    least = item.follow_up_days(resolve(item, f.data, {})) + CYCLES * _days(f.step)
    yield Check(
        "T", Text("时间足够看到效果", "Long enough to show"), days >= least, Text(f"{days} 天", f"{days} days"), Text(f"≥ {least} 天", f"≥ {least} days"),
        None if days >= least else Text(f"把期限放到开始后 {least} 天以外", f"Set the deadline at least {least} days after the start"),
    )  # fmt: skip
    index = _index(f)
    month = None if index is None else index[goal.deadline.month]
    peak = month is not None and month > PEAK and goal.settings.path.kind != "seasonal"
    yield Check(
        "T", Text("期限不在旺季，或路径已计季节", "Deadline outside a high season, or a seasonal path"), None if month is None else not peak,
        NOT_KNOWN if month is None else Text(f"该月指数 {month:.2f}", f"index of that month {month:.2f}"), Text(f"≤ {PEAK:.2f}", f"≤ {PEAK:.2f}"),
        Text("移开期限，或设 path: seasonal", "Move the deadline, or write path: seasonal") if peak else None,
    )  # fmt: skip


def _days(step: Step) -> int:
    return {"month": 30, "quarter": 91, "year": 365}[step]


def _index(f: _Facts) -> dict[int, float] | None:
    last = Period.containing(f.goal.start, "month").previous()
    months = [last.shift(-back) for back in range(24)]
    if months[0].last_day > f.data.as_of:
        return None
    found = estimates(f.goal.indicator, f.data, months, where=f.goal.where)
    return seasonal_index({e.period.start: e.value for e in found if e.value is not None})
