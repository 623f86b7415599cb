"""One goal in sentences, for readers who never heard of an interval: where it stands, whether it will be reached, what changed."""

import math

from crmtools import formats
from crmtools.goals.change import Change, Verdict
from crmtools.goals.evidence import LIKELY, UNLIKELY, Evidence
from crmtools.goals.judgement import Judgement
from crmtools.goals.reading import Reading
from crmtools.period import Period
from crmtools.show import sentences
from crmtools.show.evidence_words import chance_words
from crmtools.show.sentences import known, say, when
from crmtools.words import Language, Text

NO_PAST = Text("没有可供预测的历史数据", "there is no past that a forecast could rest on")


def stands(reading: Reading, judgement: Judgement, language: Language, currency: str) -> str:
    """Where it stands, what is missing, and what the plan expects by now."""
    goal, unit = reading.goal, reading.goal.indicator.unit
    words = {
        "name": goal.name.to(language),
        "when": when(reading.now.period, language),
        "now": sentences.value_of(reading.now, language, currency),
        "by": formats.day(goal.deadline, language),
    }
    if known(reading.now.value) is None:
        return say(_NO_VALUE, language, **words, why=sentences.why(reading.now, language))
    if goal.kind == "establish_baseline":
        return say(_TO_KNOW, language, **words)
    if reading.target is None or reading.gap is None:
        return say(_NO_WAY, language, **words, why=_why_no_way(reading, language))
    gap = amount_words(abs(reading.gap), reading, language, currency, beside=reading.target)
    words |= {"gap": gap, "target": formats.quantity(reading.target, unit, language, currency, bare=True, trim=True)}
    if goal.controls:
        text = _INSIDE if reading.gap <= 0 else _OUTSIDE
        said = say(text, language, **words, bounds=bounds_words(reading, language, currency))
        return said + _kept(reading, judgement, language)
    passed = reading.gap <= 0
    if reading.progress is None:
        return say(_HELD if passed else _LOST, language, **words)
    stated = say((_AT if not reading.gap else _BEYOND) if passed else _AWAY, language, **words)
    if reading.expected is None or reading.elapsed <= 0 or reading.elapsed >= 1:
        return stated + _STOP.to(language)
    return stated + say(
        _EXPECTED, language, expected=formats.quantity(reading.expected, unit, language, currency, bare=True)
    )


def outlook(reading: Reading, judgement: Judgement, language: Language) -> str:
    """Whether it will be reached as far as the data say, with the chance in tenths."""
    goal = reading.goal
    if judgement.evidence == "not_started":
        return say(_STARTS, language, start=formats.day(goal.start, language))
    if judgement.evidence == "no_evidence":
        told = reading.gap is None and goal.kind != "establish_baseline"
        if told or known(reading.now.value) is None or judgement.why is None:
            return ""  # the first sentence has said why
        return say(_UNKNOWN, language, why=judgement.why.to(language))
    if goal.kind == "establish_baseline":
        return _THERE.to(language)
    if judgement.breached and judgement.evidence == "undecided" and judgement.why is not None:
        return say(_HARMED, language, why=judgement.why.to(language)) + _after_harm(judgement, language)
    if goal.controls:
        text = (_KEPT_OVER if _over(reading) else _KEPT)[judgement.evidence].to(language)
    elif judgement.evidence == "undecided":
        text = _undecided(judgement, language)
    else:
        text = (_JUDGED_OVER if _over(reading) else _JUDGED)[judgement.evidence].to(language)
        text += _chance(judgement, _ENDS.get(judgement.evidence), language)
    if judgement.breached and judgement.why is not None:
        text += ("" if language == "zh" else " ") + say(_BREACHED, language, why=judgement.why.to(language))
    return text


def since_baseline(reading: Reading, judgement: Judgement, language: Language, currency: str) -> str:
    """What changed since the baseline, as it stands among all goals; where nothing was seen, how large a change would have been."""
    change, verdict = judgement.change, verdict_of(judgement)
    if change is None or verdict is None:
        return ""
    if verdict == "not_comparable" or known(change.baseline.value) is None:
        why = change.why.to(language) if change.why is not None else sentences.why(change.baseline, language)
        return say(_NOT_COMPARABLE, language, why=why)
    unit = reading.goal.indicator.unit
    base = formats.quantity(change.baseline.value, unit, language, currency, bare=True)
    then = reading.goal.baseline
    first = (
        say(_SINCE, language, baseline=base, when=when(then, language))
        if isinstance(then, Period)
        else say(_SINCE_GIVEN, language, baseline=base)
    )
    if verdict == "no_detectable_change":
        if change.verdict != verdict and judgement.verdict_why is not None:
            return first + say(_UNSEEN, language, why=judgement.verdict_why.to(language))
        return first + _undetected(change, reading, language, currency)
    text = _COUNTED.get(verdict) if change.method == "count" else _VERDICTS[verdict]
    return first + (text or _VERDICTS[verdict]).to(language)


def verdict_of(judgement: Judgement) -> Verdict | None:
    """The verdict on the change that every page shows: among all goals of the report, by itself where it was not judged so."""
    return judgement.verdict or (None if judgement.change is None else judgement.change.verdict)


def amount_words(
    amount: float, reading: Reading, language: Language, currency: str, *, beside: float | None = None
) -> str:
    """An amount of the indicator without a plus; a rate's long unit is left to where its value is said."""
    unit = reading.goal.indicator.unit
    named = unit.form != "rate"
    return formats.difference(amount, unit, language, currency, signed=False, named=named, beside=beside)


def bounds_words(reading: Reading, language: Language, currency: str) -> str:
    """What a goal to keep a bound allows."""
    unit = reading.goal.indicator.unit
    low, high = (
        formats.quantity(b, unit, language, currency, bare=True, trim=True) if math.isfinite(b) else ""
        for b in reading.goal.bounds
    )
    return say(_AT_LEAST if not high else _AT_MOST if not low else _BETWEEN, language, low=low, high=high)


def _over(reading: Reading) -> bool:
    return reading.now.period.end > reading.goal.deadline


def _why_no_way(reading: Reading, language: Language) -> str:
    if known(reading.baseline.value) is None:
        return say(_BASELINE, language, why=sentences.why(reading.baseline, language))
    return (reading.why or sentences.NO_REASON).to(language)


def _kept(reading: Reading, judgement: Judgement, language: Language) -> str:
    """How many periods kept the bound: of all since it began, which the trend of the reading may be too short for."""
    (low, high), start = reading.goal.bounds, reading.goal.start
    since = [e.value for e in judgement.past.estimates if e.value is not None and e.period.start >= start]
    if not since:
        return ""
    times, periods = (formats.number(n, language) for n in (sum(low <= value <= high for value in since), len(since)))
    gap = "" if language == "zh" else " "
    return gap + say(_TIMES, language, times=times, periods=periods)


def _undecided(judgement: Judgement, language: Language) -> str:
    """Why it is open, where the chance alone would say something."""
    said, chance = _JUDGED["undecided"].to(language), judgement.chance
    if chance is None:
        return said + _chance(judgement, _MIDDLE, language)
    text = _LOW if chance < UNLIKELY else _HIGH if chance >= LIKELY else _MIDDLE
    return said + say(text, language, chance=chance_words(chance, language))


def _chance(judgement: Judgement, ending: Text | None, language: Language) -> str:
    """The end of the sentence: the chance, or why there is none, where one is asked for."""
    if ending is None:
        return _STOP.to(language)
    if judgement.chance is not None:
        return say(ending, language, chance=chance_words(judgement.chance, language))
    if judgement.evidence == "met":
        return _STOP.to(language)  # nothing is left to be attained; the table says why there is no chance
    return say(_NO_CHANCE, language, why=no_forecast(judgement).to(language))


def _after_harm(judgement: Judgement, language: Language) -> str:
    if judgement.chance is None:
        return _STOP.to(language)
    return say(_STILL, language, chance=chance_words(judgement.chance, language))


def no_forecast(judgement: Judgement) -> Text:
    """Why there is no forecast."""
    if judgement.forecast is not None and judgement.forecast.why is not None:
        return judgement.forecast.why
    return judgement.why if judgement.forecast is None and judgement.why is not None else NO_PAST


def _undetected(change: Change, reading: Reading, language: Language, currency: str) -> str:
    if change.method == "count":
        return _SAME.to(language)
    if change.detectable is None:
        return say(_UNSEEN, language, why=change.why.to(language)) if change.why else _NO_CHANGE.to(language)
    least = amount_words(abs(change.detectable), reading, language, currency, beside=change.baseline.value)
    return say(_TOO_SMALL if not change.within_tolerance else _NONE_THAT_MATTERS, language, least=least)


_STOP = Text("。", ".")
_NO_VALUE = Text("{when}，{name}没有数值：{why}。", "{name} has no value {when}: {why}.")
_TO_KNOW = Text(
    "{when}，{name}为{now}；目标是在{by}前弄清这一水平。",
    "{name} was {now} {when}; the goal is to know where it stands by {by}.",
)
_NO_WAY = Text(
    "{when}，{name}为{now}，但无法判断距离目标多远：{why}。",
    "{name} was {now} {when}, but nobody can say how far that is from the goal: {why}.",
)
_BASELINE = Text("基线没有数值（{why}）", "the baseline has no value ({why})")
_AWAY = Text(
    "{when}，{name}为{now}，距离{by}前达到{target}的目标还差{gap}",
    "{name} was {now} {when}, still {gap} away from the target of {target} by {by}",
)
_BEYOND = Text(
    "{when}，{name}为{now}，比{by}前达到{target}的目标好{gap}",
    "{name} was {now} {when}, which is {gap} better than the target of {target} by {by}",
)
_AT = Text(
    "{when}，{name}为{now}，正好是{by}前的目标值{target}",
    "{name} was {now} {when}, exactly the target of {target} by {by}",
)
_EXPECTED = Text("；按计划此时应为{expected}。", "; the plan expects {expected} by now.")
_HELD = Text(
    "{when}，{name}为{now}；目标值{target}在基线时已达到，因此目标是保持到{by}，目前优于目标值{gap}。",
    "{name} was {now} {when}; the target of {target} was reached at the baseline already, so the goal is to stay there until "
    "{by}. It is {gap} better than that.",
)
_LOST = Text(
    "{when}，{name}为{now}；目标值{target}在基线时已达到，目标是保持到{by}，但目前还差{gap}。",
    "{name} was {now} {when}; the target of {target} was reached at the baseline already, and the goal is to stay there until "
    "{by}. It is {gap} away from that now.",
)
_INSIDE = Text(
    "{when}，{name}为{now}；目标是在{by}前一直{bounds}，目前在界限之内，余地{gap}。",
    "{name} was {now} {when}; the goal is to keep it {bounds} until {by}. It is inside, with {gap} to spare.",
)
_OUTSIDE = Text(
    "{when}，{name}为{now}；目标是在{by}前一直{bounds}，目前已越界{gap}。",
    "{name} was {now} {when}; the goal is to keep it {bounds} until {by}. It is outside, by {gap}.",
)
_TIMES = Text(
    "目标开始以来的{periods}期中，有{times}期守住。", "Of {periods} periods since the goal began, {times} kept it."
)
_AT_LEAST, _AT_MOST = Text("不低于{low}", "at {low} or more"), Text("不高于{high}", "at {high} or less")
_BETWEEN = Text("保持在{low}与{high}之间", "between {low} and {high}")
_STARTS = Text("目标自{start}开始，此前不作判断。", "The goal starts on {start}; nothing is judged before.")
_UNKNOWN = Text("数据不足以作出判断：{why}。", "The data do not allow a judgement: {why}.")
_THERE = Text("基线已经建立，可据此设定目标值。", "That baseline is there now, and a target can be set against it.")
_JUDGED: dict[Evidence, Text] = {
    "met": Text("即使考虑偶然误差，目标值目前也已达到", "Even allowing for chance, the target is reached now"),
    "on_track": Text("到期时很可能达成", "It will probably be reached"),
    "undecided": Text("能否达成尚难判断", "It is too early to tell whether it will be reached"),
    "at_risk": Text(
        "达成确有风险：落后于计划的程度超出了偶然误差",
        "It is at risk: it lies further behind the plan than chance explains",
    ),
}
_JUDGED_OVER: dict[Evidence, Text] = {
    "met": Text(
        "期限已过，即使考虑偶然误差，目标也已达成",
        "The deadline is over; even allowing for chance, the target was reached",
    ),
    "met_within_error": Text(
        "期限已过，数值已达到目标，但偶然误差也足以解释超出的部分",
        "The deadline is over; the value is beyond the target, but by so little that chance may explain it",
    ),
    "missed": Text(
        "期限已过，目标未达成，差距超出了偶然误差",
        "The deadline is over and the target was missed, by more than chance explains",
    ),
    "missed_within_error": Text(
        "期限已过，不能确认目标已达成，但差距也未超出偶然误差",
        "The deadline is over; the data do not confirm that the target was reached, but chance may explain what is missing",
    ),
}
_KEPT: dict[Evidence, Text] = {
    "met": Text("即使考虑偶然误差，各期也都守住了界限。", "Even allowing for chance, every period kept the bound."),
    "on_track": Text(
        "迄今各期即使考虑偶然误差也都守住了界限。", "So far every period kept the bound, even allowing for chance."
    ),
    "undecided": Text(
        "部分期间离界限太近，是否守住无法与偶然误差区分。",
        "Some periods lie so close to the bound that chance hides whether they kept it.",
    ),
    "at_risk": Text(
        "至少有一期越界，且程度超出了偶然误差。", "At least one period broke the bound, by more than chance explains."
    ),
}
_KEPT_OVER: dict[Evidence, Text] = {
    "met": Text(
        "期限已过，即使考虑偶然误差，各期也都守住了界限。",
        "The deadline is over; even allowing for chance, every period kept the bound.",
    ),
    "met_within_error": Text(
        "期限已过；部分期间离界限太近，是否守住无法与偶然误差区分。",
        "The deadline is over; some periods lie so close to the bound that chance hides whether they kept it.",
    ),
    "missed": Text(
        "期限已过，至少有一期越界，且程度超出了偶然误差。",
        "The deadline is over and at least one period broke the bound, by more than chance explains.",
    ),
    "missed_within_error": Text(
        "期限已过，有期间越界，但程度未超出偶然误差。",
        "The deadline is over; a period broke the bound, but by so little that chance may explain it.",
    ),
}
_MIDDLE = Text("：可能性{chance}。", ": the chance is {chance}.")
_ENDS: dict[Evidence, Text] = {
    "met": Text("；到期时仍达到的可能性{chance}。", "; the chance that it still is at the deadline is {chance}."),
    "on_track": _MIDDLE,
    "at_risk": Text("，达成的可能性{chance}。", ", and the chance is {chance}."),
}
_LOW = Text(
    "：可能性只有{chance}，但尚无足够依据认定有风险。",
    ": the chance is only {chance}, yet the data are not clear enough to call it at risk.",
)
_HIGH = Text(
    "：可能性{chance}，但数据波动较大，尚不足以认定。",
    ": the chance is {chance}, but the data are too uncertain to rely on it.",
)
_NO_CHANCE = Text("；无法给出可能性（{why}）。", "; a chance cannot be given ({why}).")
_HARMED = Text("{why}，因此不判为达成或很可能达成", "It is not called met or likely, because {why}")
_STILL = Text("；达到目标值本身的可能性{chance}。", "; the chance of reaching the target itself is {chance}.")
_BREACHED = Text("注意：{why}。", "Note that {why}.")
_NOT_COMPARABLE = Text("与基线不可比：{why}。", "It cannot be compared with the baseline: {why}.")
_SINCE = Text("与基线（{when}，{baseline}）相比，", "Against the baseline ({baseline} {when}), ")
_SINCE_GIVEN = Text("与给定的基线{baseline}相比，", "Against the baseline of {baseline} that was given, ")
_VERDICTS: dict[Verdict, Text] = {
    "improved_matters": Text(
        "有实质改善，超出了偶然误差。", "it has improved, by more than chance explains and enough to matter."
    ),
    "improved_trivial": Text(
        "有改善，但幅度小到可以忽略。", "it has improved by more than chance explains, but by too little to matter."
    ),
    "improved": Text("有改善，超出了偶然误差。", "it has improved, by more than chance explains."),
    "changed": Text("有变化，超出了偶然误差。", "it has changed, by more than chance explains."),
    "worsened": Text("已恶化，超出了偶然误差。", "it has become worse, by more than chance explains."),
}
_COUNTED: dict[Verdict, Text] = {
    "improved_matters": Text("有实质改善。", "it has improved by enough to matter."),
    "improved_trivial": Text("有改善，但幅度小到可以忽略。", "it has improved, but by too little to matter."),
    "improved": Text("有改善。", "it has improved."),
    "changed": Text("有变化。", "it has changed."),
    "worsened": Text("已恶化。", "it has become worse."),
}
_SAME = Text("没有变化。", "it is unchanged.")
_NO_CHANGE = Text("未检出变化。", "no change can be told from chance.")
_UNSEEN = Text("未检出变化：{why}。", "no change can be told from chance: {why}.")
_TOO_SMALL = Text(
    "未检出变化：小于约{least}的变化，以目前的样本难以看出。",
    "no change can be told from chance; one of less than about {least} could hardly have been seen.",
)
_NONE_THAT_MATTERS = Text(
    "未检出变化，且可以排除有意义的变化（小于约{least}的变化难以看出）。",
    "no change can be told from chance, and one that matters can be ruled out (less than about {least} could hardly be seen).",
)
