"""The questions behind each letter of SMART, each with what was found, what is asked for, and what would mend it."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

from crmtools import formats
from crmtools.estimate import Estimate
from crmtools.estimating import not_computable, resolve
from crmtools.goals.evidence import FEWEST, FEWEST_EVENTS, events_of
from crmtools.goals.goal import Goal
from crmtools.goals.smart_facts import FARTHEST, NOT_KNOWN, TRIVIAL, Facts, both
from crmtools.goals.smart_past import ALIKE, filled_shares, same, season_of
from crmtools.indicators.catalogue import CATALOGUE
from crmtools.indicators.kinds import Duration
from crmtools.intervals import z_of
from crmtools.measuring import measure
from crmtools.period import Step
from crmtools.words import Language, Text

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
SMALL_PART, PEAK = 0.05, 1.20
"""A part of the customers that is worth a goal, and the index of a high season."""
CYCLES = 2
NONE = Text("未声明", "not declared")


@dataclass(frozen=True, slots=True)
class Check:
    """One question to a goal. ``passed`` is None where the data cannot answer; ``remedy`` says what would mend a failed one."""

    letter: Letter
    key: str
    name: Text
    passed: bool | None
    found: Text
    asked: Text
    remedy: Text | None = None


def checks(f: Facts, others: Sequence[Goal] = ()) -> tuple[Check, ...]:
    """All questions to a goal, letter by letter; ``others`` are the report's other goals."""
    return (*_specific(f), *_measurable(f), *_achievable(f), *_relevant(f, others), *_timely(f))


def _check(
    letter: Letter, key: str, name: Text, passed: bool | None, found: Text, asked: Text, remedy: Text | None
) -> Check:
    return Check(letter, key, name, passed, found, asked, remedy if passed is False else None)


def _specific(f: Facts) -> Iterator[Check]:
    base, new = f.base, f.goal.kind == "establish_baseline"
    n, events = (base.n, events_of(base, f.goal.indicator.kind)) if base is not None else (0, math.inf)
    enough: bool | None = n >= FEWEST and events >= FEWEST_EVENTS
    found = both(lambda language: _customers(n, events, language))
    if base is not None and base.value is None and base.why is not None:
        # where nothing could be measured nobody was counted: that few are meant is not said
        enough, found = (enough if base.suppressed else None), base.why
    elif base is None and new:
        enough, found = None, NOT_KNOWN
    yield _check(
        "S", "customers", Text("涉及足够多的客户", "Enough customers"), enough, found,
        Text(f"至少 {FEWEST} 位客户、{FEWEST_EVENTS} 次事件", f"at least {FEWEST} customers and {FEWEST_EVENTS} events"),
        Text("放宽客户条件，或取更长的期间", "Widen the customers it is about, or measure over a longer time"),
    )  # fmt: skip
    owner = f.goal.settings.owner is not None
    yield _check(
        "S", "owner", Text("有人负责", "Somebody answers for it"), owner, f.goal.department if owner else NONE,
        Text("部门或负责人", "a department or a person"), Text("写明负责的部门或人（owner）", "Name who answers for it (owner)"),
    )  # fmt: skip
    action = f.goal.settings.action
    yield _check(
        "S", "action", Text("有行动，或写明没有", "An action, or the word that there is none"), action is not None, action or NONE,
        Text("写明", "declared"), Text("写明打算做什么，或写“无”（action）", "Write what will be done, or none (action)"),
    )  # fmt: skip


def _customers(n: int, events: float, language: Language) -> str:
    said = _CUSTOMERS.to(language, n=formats.number(n, language))
    return said if math.isinf(events) else said + _EVENTS.to(language, n=formats.number(round(events), language))


_CUSTOMERS, _EVENTS = Text("{n} 位客户", "{n} customers"), Text("、{n} 次事件", ", {n} events")


def _measurable(f: Facts) -> Iterator[Check]:
    lacks = not_computable(f.goal.indicator, f.data)
    if lacks is not None:
        yield _check(
            "M", "filled", Text("数据填写完整", "The data are filled in"), False, lacks, Text("可计算", "computable"),
            Text("补上缺少的数据", "Provide what is missing"),
        )  # fmt: skip
        return
    shares = filled_shares(f)
    where = min(shares, key=lambda name: shares[name], default="")
    share = shares.get(where)
    yield _check(
        "M", "filled", Text("数据填写完整", "The data are filled in"), None if share is None else share >= FULL,
        both(lambda language: NOT_KNOWN.to(language) if share is None else " ".join([formats.percent(share, language, 0), *([where] if share < 1 else [])])),
        both(lambda language: f"≥{formats.SPACE}{formats.percent(FULL, language, 0)}"), Text(f"补全 {where}", f"Have {where} filled in"),
    )  # fmt: skip
    start, new = f.start_value, f.goal.kind == "establish_baseline"
    if not new:
        yield _check(
            "M", "baseline", Text("基线可测", "The baseline exists"), start is not None, f.said(start) if start is not None else NOT_KNOWN,
            Text("有数值", "a value"), Text("先建立基线，或换一个有数据的基线期间", "Establish a baseline first, or take a period that has data"),
        )  # fmt: skip
    if f.wanted is not None and f.base is not None and not f.reached:
        yield from _resolved(f, f.base, abs(f.wanted))
    points = f.checkpoints
    yield _check(
        "M", "readings", Text("期限前的读数", "Readings before the deadline"), points >= CYCLES, Text(f"{points} 次", f"{points}"),
        Text(f"至少 {CYCLES} 次", f"at least {CYCLES}"), Text("改用更短的报告期间，或延后期限", "Report shorter periods, or set a later deadline"),
    )  # fmt: skip


def _resolved(f: Facts, base: Estimate, wanted: float) -> Iterator[Check]:
    """Whether the error is small beside the change that is wanted."""
    half = (base.high - base.low) / 2 if base.low is not None and base.high is not None else None
    exact = base.method == "census"
    no_error = Text("无抽样误差", "no sampling error")
    yield _check(
        "M", "interval", Text("区间够窄", "The interval is narrow enough"), True if exact else None if half is None else half <= wanted / 2,
        no_error if exact else _pm(f.moved(half)), _pm(f.moved(wanted / 2)), _more(f),
    )  # fmt: skip
    smallest = f.detectable
    nothing = half is not None and half > 0 and smallest is None
    seen = True if exact else False if nothing else None if smallest is None else smallest <= wanted
    yield _check(
        "M", "detectable", Text("目标变化可检出", "The wanted change can be detected"), seen,
        no_error if exact else Text("任何变化都检不出", "no change could be seen") if nothing else f.moved(smallest),
        Text(f"≤{formats.SPACE}{f.moved(wanted).zh}", f"≤{formats.SPACE}{f.moved(wanted).en}"), _more(f),
    )  # fmt: skip
    if f.goal.tolerance is None or exact:
        return
    least = f.needed_to_miss
    yield _check(
        "M", "shortfall", Text("差额达容差两倍时能看出未达成", "Missing it by twice the tolerance would show"), None if least is None else base.n >= least,
        _people(base.n), _at_least(least), _at_least(least, ask=True) if f.can_have(least) else _WIDER,
    )  # fmt: skip


def _people(number: int) -> Text:
    zh, en = (formats.number(number, language) for language in ("zh", "en"))
    return Text(f"{zh} 位客户", f"{en} customers")


def _at_least(number: int | None, *, ask: bool = False) -> Text:
    """How many customers a reading needs; ``ask`` words it as advice."""
    if number is None:
        return NOT_KNOWN
    said = _people(number)
    return (
        Text(f"每期至少 {said.zh}", f"Have at least {said.en} a period")
        if ask
        else Text(f"≥{formats.SPACE}{said.zh}", f"≥{formats.SPACE}{said.en}")
    )


def _pm(text: Text) -> Text:
    return text if text == NOT_KNOWN else Text(f"±{formats.SPACE}{text.zh}", f"±{formats.SPACE}{text.en}")


def _more(f: Facts) -> Text:
    """What would make the change detectable: more customers a period where there are so many, a larger change, or longer periods."""
    further, ways = f.modest_target, list[Text]()
    if f.needed is not None and f.can_have(f.needed):
        zh, en = (formats.number(f.needed, language) for language in ("zh", "en"))
        ways.append(Text(f"每期至少 {zh} 位客户", f"at least {en} customers a period"))
    if further is not None and f.detectable is not None and f.wanted is not None and f.detectable > abs(f.wanted):
        ways.append(Text(f"目标设为 {f.said(further).zh}", f"a target of {f.said(further).en}"))
    if (longer := longer_periods(f)) is not None:
        ways.append(longer)
    if not ways:
        return LESS_NOISE
    return Text("，或".join(way.zh for way in ways), _capital(", or ".join(way.en for way in ways)))


def longer_periods(f: Facts) -> Text | None:
    """Longer periods, and about how much longer they must be to show the change; so do baselines that are measured. None where no
    length would do, or so many times that nobody would wait."""
    times = f.longer
    if times is None:
        return Text("取更长的期间", "longer periods") if f.detectable is None and f.needed is None else None
    if isinstance(f.goal.baseline, float):
        found = Text(f"期间延长到约 {times} 倍", f"periods about {times} times as long")
    else:
        found = Text(f"基线期与读数期均延长到约 {times} 倍", f"periods about {times} times as long, the baseline's too")
    if f.leaves_time:
        return found
    return Text(f"{found.zh}（期限须延后，以容纳一期）", f"{found.en} (with a deadline late enough for one)")


LESS_NOISE = Text(
    "现有客户看不出这么小的变化：请换一个误差更小的指标",
    "As many customers as there are cannot show so small a change: take an indicator with a smaller error",
)
_WIDER = Text(
    "放宽容差（matters）：现有客户没有那么多", "Widen the tolerance (matters): there are not so many customers"
)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]


def _achievable(f: Facts) -> Iterator[Check]:
    if f.goal.kind == "establish_baseline":
        return
    if f.goal.controls:
        kept, of = f.kept
        yield _check(
            "A", "kept", Text("以前守住过的期间", "Periods that kept it before"), None if not of else kept > 0, Text(f"{of} 期中 {kept} 期", f"{kept} of {of}"),
            Text("至少一期", "at least one"), Text("先设更宽的界限", "Begin with a wider bound"),
        )  # fmt: skip
        return
    chance, place, far = f.chance, f.percentile, f.reach == "infeasible"
    easy = True if f.reached else None if chance is None else chance > TRIVIAL
    yield _check(
        "A", "chance", Text("不采取新行动也能达成的可能性", "Chance without doing anything"), None if easy is None else not easy,
        Text("基线已达到", "the baseline is there already") if f.reached else NOT_KNOWN if chance is None
        else both(lambda language: formats.percent(chance, language, 0)),
        both(lambda language: f"≤{formats.SPACE}{formats.percent(TRIVIAL, language, 0)}"), Text("目标太容易，应设得更远", "Too easy: set it further"),
    )  # fmt: skip
    found = NOT_KNOWN if place is None else Text(f"大于其中 {place:.0f}%", f"larger than {place:.0f} % of them")
    yield _check(
        "A", "past_changes", Text("与以往同样时长的变化相比", "Beside past changes over as long a time"),
        False if far else None if place is None else True, Text("超出指标的取值范围", "outside what the indicator can be") if far and place is None else found,
        Text(f"不超过最大变化的 {FARTHEST:.0f} 倍", f"at most {FARTHEST:.0f} times the best"),
        Text("目标太远，应分步走或给更多时间", "Too far: go in steps, or allow more time"),
    )  # fmt: skip


def _named(outcome: str, goals: Sequence[Goal]) -> Text:
    """The name of the goal or the indicator that an outcome is."""
    names = {name: item.name for name, item in CATALOGUE.items()} | {goal.id: goal.name for goal in goals}
    return names.get(outcome, Text(outcome, outcome))


def _relevant(f: Facts, others: Sequence[Goal]) -> Iterator[Check]:
    part: float | None = 1.0
    if f.goal.where and f.base is not None:
        whole = measure(f.goal.indicator, f.data, period=f.base.period)
        part = None if f.base.suppressed or not whole.n else f.base.n / whole.n
    yield _check(
        "R", "part", Text("涉及的客户占比", "Part of the customers"), None if part is None else part >= SMALL_PART,
        NOT_KNOWN if part is None else both(lambda language: formats.percent(part, language, 0)),
        both(lambda language: f"≥{formats.SPACE}{formats.percent(SMALL_PART, language, 0)}"), Text("并入更大的客户群", "Make it about a larger group"),
    )  # fmt: skip
    outcome = f.goal.settings.outcome
    yield _check(
        "R", "outcome", Text("服务于上级成果", "Serves an outcome"), bool(outcome), _named(outcome, others) if outcome else NONE, Text("写明", "declared"),
        Text("写明它服务于哪项指标或目标（outcome）", "Write the indicator or goal that it serves (outcome)"),
    )  # fmt: skip
    twin = next((other for other in others if other.id != f.goal.id and same(f, other)), None)
    name = twin.name if twin is not None else Text("无", "none")
    yield _check(
        "R", "duplicate", Text("不与其他目标重复", "Not another goal in disguise"), twin is None, name,
        Text(f"相关系数 < {ALIKE:.1f}", f"correlation < {ALIKE:.1f}"), Text(f"与“{name.zh}”合并", f"Merge it with “{name.en}”"),
    )  # fmt: skip
    if f.goal.indicator.dimension == "cost" or isinstance(f.goal.indicator.kind, Duration):
        rails = len(f.goal.settings.guardrails)
        yield _check(
            "R", "guardrail", Text("省钱或提速的目标有护栏", "A guardrail, since it saves money or time"), rails > 0, Text(f"{rails} 条", f"{rails}"),
            Text("至少 1 条", "at least 1"), Text("加一条护栏，例如满意度不低于当前值", "Add a guardrail, such as satisfaction not below its present value"),
        )  # fmt: skip


def _timely(f: Facts) -> Iterator[Check]:
    item, goal = f.goal.indicator, f.goal
    days = (goal.deadline - goal.start).days + 1
    least = item.follow_up_days(resolve(item, f.data, {})) + CYCLES * _days(f.step)
    yield _check(
        "T", "long_enough", Text("时间足够看到效果", "Long enough to show"), days >= least, Text(f"{days} 天", f"{days} days"), Text(f"≥{formats.SPACE}{least} 天", f"≥{formats.SPACE}{least} days"),
        Text(f"期限至少放到开始后第 {least} 天", f"Set the deadline at least {least} days after the start"),
    )  # fmt: skip
    season = season_of(f)
    seasonal = goal.settings.path.kind == "seasonal"
    found, high = NOT_KNOWN, None
    if season is not None:
        index, error = season
        sure = index - z_of(0.90) * error > 1
        high = False if seasonal or index <= PEAK else True if sure else None
        found = Text(
            f"该月季节指数 {index:.2f} ± {z_of(0.90) * error:.2f}",
            f"index of that month {index:.2f} ± {z_of(0.90) * error:.2f}",
        )
    yield _check(
        "T", "season", Text("期限不在旺季，或路径已考虑季节", "Deadline outside a high season, or a seasonal path"),
        True if seasonal else None if high is None else not high, found, Text(f"≤{formats.SPACE}{PEAK:.2f}", f"≤{formats.SPACE}{PEAK:.2f}"),
        Text("移开期限，或用季节路径（path: seasonal）", "Move the deadline, or take a seasonal path"),
    )  # fmt: skip


def _days(step: Step) -> int:
    return {"month": 30, "quarter": 91, "year": 365}[step]
