"""How a goal was judged: forecast, test, status rules, guardrails, path and history, folded below the answer."""

from html import escape

from crmtools import formats
from crmtools.goal_settings import PathKind
from crmtools.goals.change import VERDICTS
from crmtools.goals.evidence import EVIDENCE, HYSTERESIS
from crmtools.goals.guardrails import GUARD_STATES, Guard, State
from crmtools.goals.judgement import Judgement
from crmtools.goals.multiplicity import FALSE_SHARE
from crmtools.goals.reading import Reading
from crmtools.goals.status import STATUS
from crmtools.indicators.catalogue import find
from crmtools.period import Period
from crmtools.show import goal_words, sentences
from crmtools.show.blocks import bullets
from crmtools.show.display import tag
from crmtools.show.look import Tone, chip
from crmtools.show.sentences import known, say
from crmtools.words import Language, Text, bracketed, word

PATHS: dict[PathKind, Text] = {
    "linear": Text("匀速（按日历天）", "evenly, day by day"),
    "working_days": Text("按工作日匀速（未计公共假期）", "evenly over working days; public holidays are not known"),
    "seasonal": Text("按过去两年的季节规律", "with the season of the two years before"),
    "delayed": Text("{day}之前不要求变化，此后匀速", "nothing before {day}, evenly from then on"),
    "logistic": Text("先慢、中间快、后慢（S 形）", "slowly, then fast, then slowly (an S)"),
    "points": Text("按参数文件给定的各时点", "through the points that the parameters file gives"),
}
GUARD_CHIPS: dict[State, tuple[str, Tone]] = {
    "kept": ("✔", "good"),
    "undecided": ("◐", "wait"),
    "breached": ("▲", "risk"),
    "no_evidence": ("?", "none"),
}
Fact = tuple[Text, list[str]]
"""A heading, and what is said below it as HTML; more than one line becomes a list."""


def goal_method(reading: Reading, judgement: Judgement, *, language: Language, currency: str) -> str:
    """The fold with all that the answer rests on, as HTML."""
    facts = [
        *_status(reading, judgement, language),
        *_forecast(reading, judgement, language),
        *_change(reading, judgement, language, currency),
        *_plan(reading, language, currency),
        *_guards(reading, language, currency),
        *_history(reading, language),
    ]
    body = "".join(_fact(heading, lines, language) for heading, lines in facts if lines)
    return tag("details", tag("summary", escape(_SUMMARY.to(language))) + body)


def _fact(heading: Text, lines: list[str], language: Language) -> str:
    colon = word("colon", language)
    name = tag("b", escape(heading.to(language) + colon.rstrip()))
    if len(lines) == 1:
        return tag("p", name + colon[1:] + lines[0], style="margin:.4rem 0")
    return tag("p", name, style="margin:.4rem 0 0") + bullets(lines)


def _status(reading: Reading, judgement: Judgement, language: Language) -> list[Fact]:
    plan, evidence = STATUS[reading.status].to(language), EVIDENCE[judgement.evidence].to(language)
    rule = _BOUND_RULE if reading.goal.controls else _PLAN_RULE
    lines = [escape(f"{say(_BY_EVIDENCE, language, status=evidence)}"), escape(say(rule, language, status=plan))]
    if judgement.why is not None:
        lines.append(escape(say(_REASON, language, why=judgement.why.to(language))))
    if judgement.forecast is not None and judgement.chance is not None:
        step = formats.number(round(100 * HYSTERESIS), language)
        lines.append(escape(say(_SETTLED, language, points=step)))
    return [(_STATUS, lines)]


def _forecast(reading: Reading, judgement: Judgement, language: Language) -> list[Fact]:
    if reading.goal.controls or reading.goal.kind == "establish_baseline":
        return [(_FORECAST, [escape(_NO_FORECAST.to(language))])]
    found = judgement.forecast
    if found is None or found.chance is None:
        return [(_FORECAST, [escape(goal_words.no_forecast(judgement).to(language))])]
    words = {"points": found.points, "horizon": found.horizon, "label": found.label.to(language)}
    chance = formats.percent(found.chance, language, 0)
    return [(_FORECAST, [escape(say(_RESTS, language, **words, chance=chance))])]


def _change(reading: Reading, judgement: Judgement, language: Language, currency: str) -> list[Fact]:
    change, unit, verdict = judgement.change, reading.goal.indicator.unit, goal_words.verdict_of(judgement)
    if change is None or verdict is None:
        return []
    said = VERDICTS[verdict].to(language)
    lines = [escape(f"{said}{word('colon', language)}{change.how.to(language)}{word('stop', language)}")]
    if (reason := judgement.verdict_why or change.why) is not None:
        why = reason.to(language)
        lines.append(escape(why[:1].upper() + why[1:] + word("stop", language)))
    if change.correlation:
        lines.append(escape(say(_TOGETHER, language, rho=formats.number(change.correlation, language, 2))))
    if change.p is not None:
        lines.append(escape(say(_P, language, p=_p(change.p, language))))
        if judgement.p_adjusted is not None:
            share = formats.percent(FALSE_SHARE, language, 0)
            lines.append(escape(say(_ADJUSTED, language, p=_p(judgement.p_adjusted, language), share=share)))
    if change.detectable is not None:
        least = formats.difference(abs(change.detectable), unit, language, currency, signed=False)
        lines.append(escape(say(_DETECTABLE, language, least=least)))
    if change.tolerance is not None:
        least = formats.difference(change.tolerance, unit, language, currency, signed=False)
        lines.append(escape(say(_TOLERANCE, language, least=least)))
    return [(_TEST, lines)]


def _p(p: float, language: Language) -> str:
    return f"= {formats.number(p, language, 3)}" if p >= 0.001 else "< 0.001"


def _plan(reading: Reading, language: Language, currency: str) -> list[Fact]:
    goal, unit = reading.goal, reading.goal.indicator.unit
    facts: list[Fact] = []
    if goal.baseline is not None:
        value = formats.quantity(reading.baseline.value, unit, language, currency)
        if isinstance(goal.baseline, Period):
            text = say(_MEASURED, language, period=goal.baseline.label(language), value=value)
            if known(reading.baseline.value) is not None:
                text += bracketed(sentences.certainty(reading.baseline, language, currency), language)
        else:
            text = say(_GIVEN, language, value=value)
        facts.append((_BASELINE, [escape(text)]))
    if not goal.controls and goal.settings.target is not None:
        path = goal.settings.path
        text = say(PATHS[path.kind], language, day=formats.day(path.delayed or goal.start, language))
        since = formats.day(goal.start, language)
        facts.append(
            (_PATH, [escape(say(_FROM_TO, language, path=text, start=since, by=formats.day(goal.deadline, language)))])
        )
    return facts


def _guards(reading: Reading, language: Language, currency: str) -> list[Fact]:
    if not reading.guards:
        return [(_GUARDS, [escape(_NO_GUARDS.to(language))])]
    return [(_GUARDS, [_guard(guard, language, currency) for guard in reading.guards])]


def _guard(guard: Guard, language: Language, currency: str) -> str:
    item = find(guard.now.indicator)
    bound = formats.quantity(guard.bound, item.unit, language, currency, trim=True)
    value = sentences.value_of(guard.now, language, currency)
    around = sentences.certainty(guard.now, language, currency)
    text = _ABOVE if guard.side == "above" else _BELOW
    said = say(text, language, name=sentences.name_of(guard.now, language), bound=bound, value=value, around=around)
    icon, tone = GUARD_CHIPS[guard.state]
    return f"{escape(said)} {chip(f'{icon} {escape(GUARD_STATES[guard.state].to(language))}', tone)}"


def _history(reading: Reading, language: Language) -> list[Fact]:
    revisions = reading.goal.settings.history
    if not revisions:
        return [(_HISTORY, [escape(_UNCHANGED.to(language))])]
    colon = word("colon", language)
    lines = [escape(f"{formats.day(one.day, language, short=True)}{colon}{one.what.to(language)}") for one in revisions]
    return [(say_version(reading.goal.version), lines)]


def say_version(version: int) -> Text:
    """The heading of a goal's history, with the number of its version."""
    return Text(f"{_HISTORY.zh}（第{version}版）", f"{_HISTORY.en} (version {version})")


_SUMMARY = Text("如何得出这一判断", "How this was judged")
_STATUS, _FORECAST, _TEST = (
    Text("状态", "Status"),
    Text("预测", "Forecast"),
    Text("与基线比较", "Comparison with the baseline"),
)
_BASELINE, _PATH = Text("基线", "Baseline"), Text("计划路径", "Planned path")
_GUARDS, _HISTORY = Text("护栏", "Guardrails"), Text("目标的变更", "Changes of the goal")
_BY_EVIDENCE = Text(
    "证据状态：{status}，依据区间与可能性。", "By the evidence: {status}, from the interval and the chance."
)
_PLAN_RULE = Text(
    "计划状态：{status}，只比较数值与计划，不考虑误差。",
    "By the plan: {status}, from the value and the time that is over, whatever its error.",
)
_BOUND_RULE = Text(
    "计划状态：{status}，只看本期数值是否在界限内，不考虑误差。",
    "By the plan: {status}, from this period's value and the bound, whatever its error.",
)
_REASON = Text("说明：{why}。", "Reason: {why}.")
_SETTLED = Text(
    "状态不因预测的微小波动而改变：可能性须变动{points}个百分点以上，或新状态持续两期。",
    "A status does not change with every breath of the forecast: the chance must move by {points} percentage points, or the new "
    "status must hold for two periods.",
)
_NO_FORECAST = Text("此类目标不作预测。", "A goal of this kind is not forecast.")
_RESTS = Text(
    "{label}；依据{points}个期间，预测{horizon}期；达成的可能性为{chance}。",
    "{label}; from {points} periods, {horizon} ahead; the chance is {chance}.",
)
_TOGETHER = Text(
    "两期含相同客户，估计值的相关系数为{rho}，已计入。",
    "The same customers are in both periods; their correlation of {rho} is allowed for.",
)
_P = Text("单独看，p {p}。", "By itself p {p}.")
_ADJUSTED = Text(
    "在报告的全部目标中，校正后 p {p}：不超过 {share} 时才称为变化（Benjamini–Hochberg）。",
    "Among all goals of the report the adjusted p {p}: a change is claimed up to {share} (Benjamini–Hochberg).",
)
_DETECTABLE = Text(
    "以两期的样本量，有八成把握检出的最小真实变化约为{least}。",
    "With these two samples, a true change of about {least} would be found in four of five cases.",
)
_TOLERANCE = Text("有意义的最小变化：{least}。", "The smallest change that matters: {least}.")
_MEASURED = Text("{period}实测{value}", "measured in {period}: {value}")
_GIVEN = Text("{value}（给定值，无抽样误差）", "{value}, given as a value: it has no sampling error")
_FROM_TO = Text("{start}至{by}，{path}", "{path}, from {start} to {by}")
_ABOVE = Text("{name}不低于{bound}：当前{value}（{around}）", "{name} at {bound} or more: now {value} ({around})")
_BELOW = Text("{name}不高于{bound}：当前{value}（{around}）", "{name} at {bound} or less: now {value} ({around})")
_NO_GUARDS = Text("未设定护栏。", "none are set.")
_UNCHANGED = Text("设定以来未变更。", "none since it was set.")
