"""The goals as a table of one line each: now, target, progress, course, plan status, gap, owner."""

from collections.abc import Mapping, Sequence
from html import escape
from types import MappingProxyType

from crmtools import formats
from crmtools.goal_names import values_named
from crmtools.goals.evidence import EVIDENCE
from crmtools.goals.judgement import Judgement
from crmtools.goals.reading import Reading, Scorecard
from crmtools.goals.status import STATUS, PlanStatus
from crmtools.goals.values import reading_values
from crmtools.show import findings, sentences
from crmtools.show.display import Display, tag
from crmtools.show.evidence_words import chance_of, evidence_chip
from crmtools.show.look import Tone, chip
from crmtools.show.sentences import currency_of, known, say, undecided
from crmtools.show.sparks import bullet, sparkline
from crmtools.show.stated import Stated, of_goal, says
from crmtools.words import Language, Text, word

ICONS: dict[PlanStatus, tuple[str, Tone]] = {
    "reached": ("✔", "good"),
    "on_track": ("●", "good"),
    "behind": ("◐", "wait"),
    "at_risk": ("▲", "risk"),
    "missed": ("✖", "risk"),
    "not_started": ("○", "none"),
    "no_evidence": ("?", "none"),
}
"""Each status has its own icon and its word beside the colour."""

_SHORT_NAME = 8
"""A unit's name of so many letters stands behind the number, a longer one below it."""

_WRAP = "white-space:normal"
_COLUMN = (
    "min-width:9.5rem",
    None,
    None,
    None,
    None,
    "min-width:7.5rem",
    "min-width:6.5rem;word-break:keep-all",
    "min-width:5.5rem",
)

NO_LINKS: Mapping[str, str] = MappingProxyType({})


def scorecard(
    scorecard: Scorecard,
    *,
    language: Language = "en",
    links: Mapping[str, str] = NO_LINKS,
    pages: Mapping[str, str] = NO_LINKS,
    currency: str = "",
    judgements: Sequence[Judgement] = (),
) -> Display:
    """The table of goals.

    ``links`` gives the page of an indicator by its id, or by that of the goal; ``pages`` the goal's own page by the goal's id.
    The name of a goal leads to its own page, and what it measures, in the line below, to the indicator; without a page of its own
    the name leads to the indicator. With ``judgements`` (of :func:`crmtools.judgements`, one per reading) the table has a column
    of what the data can say, with the chance where there is one.
    """
    if not len(scorecard):
        return Display(tag("p", _NO_GOALS.to(language), class_="crm-note"), _NO_GOALS.to(language), result(scorecard))
    told: Sequence[Judgement | None] = judgements or [None] * len(scorecard)
    rows = [
        _row(reading, judgement, language, currency_of([reading.now], currency), links, pages)
        for reading, judgement in zip(scorecard, told, strict=True)
    ]
    heads = [*_HEADS[:5], EVIDENCE_HEAD if judgements else _HEADS[5], *_HEADS[6:]]
    head = "".join(
        tag("th", escape(text.to(language)), scope="col", class_="num" if at == 1 else None)
        for at, text in enumerate(heads)
    )
    table = tag("table", tag("thead", tag("tr", head)) + tag("tbody", "".join(rows)), class_="crm-score")
    text = "\n".join(
        _line(reading, judgement, language, currency_of([reading.now], currency))
        for reading, judgement in zip(scorecard, told, strict=True)
    )
    html = tag("div", table, class_="crm-scroll")
    if judgements:
        html += tag("p", escape(TWO_STATUSES.to(language)), class_="crm-note")
    elif any(map(undecided, scorecard)):
        html += tag("p", escape(UNDECIDED.to(language)), class_="crm-note")
    return Display(html, text, result(scorecard, judgements))


def result(scorecard: Scorecard, judgements: Sequence[Judgement] = ()) -> dict[str, object]:
    """Every reading as plain values, the estimates behind it included; with evidence, chance and verdict where it was judged."""
    goals = []
    for r, row in zip(scorecard, scorecard.frame.to_dict("records") if len(scorecard) else []):
        goals.append({**row, "baseline": r.baseline.to_dict(), "now": r.now.to_dict()})
    for plain, j in zip(goals, judgements):
        plain |= {"evidence": j.evidence, "chance": j.chance, "verdict": j.verdict, "p_adjusted": j.p_adjusted}
    return {"kind": "scorecard", "goals": goals}


def status_chip(status: PlanStatus, language: Language) -> str:
    """A plan status as icon, word and colour."""
    icon, tone = ICONS[status]
    return chip(f"{icon} {escape(STATUS[status].to(language))}", tone)


def judged(reading: Reading, language: Language) -> str:
    """The plan status, and below it that the data cannot tell whether the target is reached, where they cannot."""
    mark = (
        tag("div", chip(f"◐ {escape(CANNOT_TELL.to(language))}", "wait"), style="margin-top:.2rem")
        if undecided(reading)
        else ""
    )
    return tag("div", status_chip(reading.status, language)) + mark


def gap_words(reading: Reading, language: Language, currency: str) -> tuple[str, str]:
    """What is still missing, or by how much the target is passed, and the words below the number."""
    if reading.gap is None:
        return formats.MISSING, ""
    unit = reading.goal.indicator.unit
    amount = formats.difference(
        abs(reading.gap), unit, language, currency, signed=False, named=False, beside=reading.target
    )
    name = formats.change_name(unit, language, one=amount == "1")
    if len(name) <= _SHORT_NAME:
        amount, name = (
            formats.difference(abs(reading.gap), unit, language, currency, signed=False, beside=reading.target),
            "",
        )
    said = say(_BEYOND if reading.gap <= 0 else _TO_GO, language, amount=amount, name=name).strip()
    return (said, name) if language == "zh" else (amount, said)


def reading_alt(reading: Reading, language: Language, currency: str) -> str:
    """The bullet of a goal in words."""
    if reading.progress is None or reading.target is None:
        return f"{reading.goal.name.to(language)}{word('colon', language)}{formats.MISSING}"
    unit = reading.goal.indicator.unit
    values = {
        name: formats.quantity(value, unit, language, currency, bare=True)
        for name, value in (
            ("baseline", reading.baseline.value), ("now", reading.now.value), ("target", reading.target), ("expected", reading.expected),
        )
    }  # fmt: skip
    done = formats.percent(reading.progress, language, 0)
    limits = sentences.interval_of(reading.now, language, currency, bare=True)
    return say(_ALT, language, name=reading.goal.name.to(language), progress=done, limits=limits, **values)


def evidence_cell(judgement: Judgement, language: Language, numbers: Sequence[Stated] = ()) -> str:
    """The evidence status, and below it the chance."""
    chance = chance_of(judgement, language)
    below = _small(say(_CHANCE, language, chance=chance), numbers) if chance else ""
    return tag("div", evidence_chip(judgement.evidence, language), class_="crm-both") + below


def _row(
    reading: Reading,
    judgement: Judgement | None,
    language: Language,
    currency: str,
    links: Mapping[str, str],
    pages: Mapping[str, str],
) -> str:
    goal, unit = reading.goal, reading.goal.indicator.unit
    name = tag("b", escape(goal.name.to(language)))
    own, link = pages.get(goal.id), links.get(goal.id) or links.get(goal.indicator.id)
    measured = escape(about(reading, language))
    if own and link:
        measured = tag("a", measured, href=link)
    numbers = tuple(of_goal(reading_values(reading, judgement), language, currency))
    value = sentences.value_of(reading.now, language, currency, bare=True)
    # why there is no value is a sentence
    wrap = _WRAP if known(reading.now.value) is None else None
    now = escape(value) + "".join(_small(line, numbers, wrap) for line in _below_now(reading, language, currency))
    target = formats.quantity(reading.target, unit, language, currency, bare=True, trim=True)
    gap, below = gap_words(reading, language, currency)
    alt = findings.trend_alt(reading.trend, reading, language, currency)
    values = [known(e.value) for e in reading.trend.estimates]
    course = sparkline(values, target=reading.target, alt=alt, says=says(alt, numbers))
    way = reading_alt(reading, language, currency)
    person = tag("small", escape(goal.person), style=_WRAP) if goal.person else ""
    cells = (
        (tag("a", name, href=own or link) if own or link else name) + tag("small", measured),
        now,
        escape(target) + tag("small", escape(formats.month(goal.deadline, language))),
        bullet(reading, alt=way, says=says(way, numbers)),
        course,
        judged(reading, language) if judgement is None else both_statuses(reading, judgement, language, numbers),
        escape(gap) + (tag("small", escape(below), style=_WRAP) if below else ""),
        escape(goal.department.to(language)) + person,
    )
    # what stands in the cells themselves, outside of their small print
    said = {1: says(value, numbers), 2: says(target, numbers), 6: says(gap, numbers)}
    return tag(
        "tr",
        "".join(
            tag("td", cell, class_="num" if at == 1 else None, style=_COLUMN[at], data_of=said.get(at))
            for at, cell in enumerate(cells)
        ),
    )


def _small(text: str, numbers: Sequence[Stated], style: str | None = None) -> str:
    return tag("small", escape(text), style=style, data_of=says(text, numbers))


def both_statuses(reading: Reading, judgement: Judgement, language: Language, numbers: Sequence[Stated] = ()) -> str:
    """What the data say, and in small print what the plan alone would say."""
    plan = say(_BY_PLAN, language, status=STATUS[reading.status].to(language))
    return evidence_cell(judgement, language, numbers) + tag("small", escape(plan), style=_WRAP)


def about(reading: Reading, language: Language) -> str:
    """What is measured: unit beyond the sign, and the customers where it is not all of them."""
    goal = reading.goal
    parts = []
    if goal.settings.name and goal.name != goal.indicator.name:
        parts.append(goal.indicator.name.to(language))
    suffix = goal.indicator.unit.suffix.to(language)
    if suffix and goal.indicator.unit.form in ("percent", "rate"):
        parts.append({"/月": "每月"}.get(suffix, suffix))
    for name, allowed in goal.where.items():
        about_whom = sentences.attribute(name, language, goal.indicator)
        parts.append(f"{about_whom}{word('colon', language)}{values_named(allowed, language)}")
    return (parts and word("comma", language).join(parts)) or first_clause(
        goal.indicator.meaning.to(language), language
    )


def first_clause(text: str, language: Language) -> str:
    """A meaning up to its first pause: what fits under a name."""
    stops = "，；。：" if language == "zh" else ",;.:"
    return text[: next((place for place, letter in enumerate(text) if letter in stops), len(text))]


def _below_now(reading: Reading, language: Language, currency: str) -> list[str]:
    """Interval and n, or why there is nothing."""
    if known(reading.now.value) is None:
        return [sentences.why(reading.now, language)]
    limits = sentences.interval_of(reading.now, language, currency, bare=True)
    n = f"n = {formats.number(reading.now.n, language)}"
    return [n] if limits == formats.MISSING else [limits, n]


def _line(reading: Reading, judgement: Judgement | None, language: Language, currency: str) -> str:
    """One goal for a terminal."""
    status = STATUS[reading.status].to(language)
    if judgement is not None:
        told = [EVIDENCE[judgement.evidence].to(language), chance_of(judgement, language)]
        status = f"{' '.join(filter(None, told))} · {status}"
    stated = f"{reading.goal.name.to(language)}{word('colon', language)}{sentences.value_of(reading.now, language, currency)}"
    return f"{stated} · {sentences.aimed(reading, language, currency)} · {status}"


_HEADS = (
    Text("目标", "Goal"), Text("当前值", "Now"), Text("目标值", "Target"), Text("进度", "Progress"), Text("走势", "Course"),
    Text("计划状态", "Plan status"), Text("差距", "Gap"), Text("负责部门", "Owner"),
)  # fmt: skip
_BY_PLAN = Text("按计划：{status}", "plan: {status}")
EVIDENCE_HEAD = Text("数据所示", "Evidence")
TWO_STATUSES = Text(
    "“数据所示”看区间与预测：达成的可能性七成以上为很可能，不足三成、且落后于计划的程度超出数值与计划两者的误差，为确有风险；“计划状态”只比较数值与计划。两者不一致时以数据所示为准。",
    "Evidence goes by intervals and forecast: likely from a chance of 7 in 10 on, at risk where it is below 3 in 10 and the value "
    "is behind the plan by more than the errors of both. Plan status compares the value alone with the plan. Where they differ, go by the "
    "evidence.",
)
_CHANCE = Text("可能性：{chance}", "chance {chance}")
_NO_GOALS = Text("参数文件中没有设定目标。", "The parameters file names no goals.")
_TO_GO, _BEYOND = Text("尚差 {amount}", "{name} to go"), Text("超出 {amount}", "{name} beyond")
CANNOT_TELL = Text("尚难判断", "Cannot tell")
UNDECIDED = Text(
    "“尚难判断”：差距的区间包含 0，数据不足以判断目标是否达成。",
    "Cannot tell: the interval of the gap holds 0, so the data cannot settle whether the target is reached.",
)
_ALT = Text(
    "{name}：进度 {progress}；基线 {baseline}，当前 {now}（区间 {limits}），按计划应达 {expected}，目标 {target}",
    "{name}: {progress} of the way; baseline {baseline}, now {now} (interval {limits}), expected by now {expected}, target {target}",
)
