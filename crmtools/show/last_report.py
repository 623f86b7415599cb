"""What changed since the last report, for the summary: one sentence and a small table, from the history of the report's runs."""

from collections.abc import Sequence
from datetime import datetime
from html import escape
from typing import TYPE_CHECKING
from zoneinfo import ZoneInfo

from crmtools import formats
from crmtools.errors import RunError
from crmtools.estimate import Estimate
from crmtools.estimating import resolve
from crmtools.indicators.catalogue import Indicator, find
from crmtools.measuring import measure
from crmtools.period import Period
from crmtools.show.display import Display, tag
from crmtools.show.look import Tone, chip
from crmtools.show.sentences import known, moved, say, since
from crmtools.show.sparks import sparkline
from crmtools.show.stated import of_counts, of_earlier, of_moved, says
from crmtools.tables.source import Data
from crmtools.words import Language, Text, word

if TYPE_CHECKING:
    import pandas as pd

    from crmtools.report.differences import Moved
    from crmtools.report.revisions import Earlier

POINTS = 12
"""The most values of a sparkline, that of this report among them."""


def since_last(
    data: Data, indicators: Sequence[str | Indicator], *, language: Language = "en", page: str = "changes.html"
) -> Display:
    """What the last published report said of these indicators, and what moved since; nothing where there was none.

    A change is called one only where the data can tell it from chance. ``page`` is the page with all changes.
    """
    # the parts of a report are only read where one was made
    from crmtools.report.history import folder_of, read_history, rows_of
    from crmtools.report.marks import definition_marks, marks_of
    from crmtools.report.revisions import since_last as looked_back

    settings = data.settings
    if data.snapshot is None or not folder_of(settings.root, settings.name).is_dir():
        return Display("")
    try:
        history = read_history(settings.root, settings.name)
    except RunError as error:
        return Display(tag("p", escape(str(error)), class_="crm-note"), str(error))
    items = list({item.id: item for item in map(find, indicators)}.values())
    marks = marks_of(data)
    definitions = definition_marks({item.id: resolve(item, data, {}) for item in items})
    now = {item.id: measure(item, data) for item in items}

    def present(estimates: list[Estimate]) -> "pd.DataFrame":
        # the run's own name and moment are no part of what is said
        moment = datetime.fromisoformat(f"{data.as_of}T00:00:00+00:00")
        return rows_of(estimates, run_id="", run_at=moment, definitions=definitions, marks=marks)

    smallest = settings.publish.smallest_group
    earlier = looked_back(history, present(list(now.values())), smallest=smallest)
    if earlier is None:
        return Display("")
    again = {item.id: measure(item, data, period=Period.parse(earlier.period)) for item in items}
    earlier = looked_back(history, present([*now.values(), *again.values()]), smallest=smallest)
    assert earlier is not None  # the same history as a moment ago
    told = [(one, *_verdict(one, now[one.indicator], again[one.indicator], language)) for one in earlier.headlines]
    courses = {one.indicator: _course(history, one, definitions, data.period) for one in earlier.headlines}
    return _shown(earlier, told, courses, data, language, page)


def _verdict(one: "Moved", now: Estimate, again: Estimate, language: Language) -> tuple[str, Tone]:
    """What the data say of the change from the earlier period to this one, both as measured now."""
    made = since(now, again) if one.period != one.period_before else None
    if made is None:
        return "", "none"
    direction, better = moved(made), find(one.indicator).better
    if direction in ("higher", "lower"):
        if better == "range":
            return _CHANGED.to(language), "none"
        return (_IMPROVED.to(language), "good") if direction == better else (_WORSENED.to(language), "risk")
    return {"same": _SAME, "undetectable": _UNDETECTED}.get(direction, _UNKNOWN).to(language), "none"


def _course(history: "pd.DataFrame", one: "Moved", definitions: dict[str, str], period: Period) -> list[float | None]:
    """The value of each report so far, as it was said last, and today's; by one definition and for periods of one length."""
    rows = history[
        (history["indicator"] == one.indicator)
        & (history["group"] == "")
        & (history["period"] == history["report_period"])
        & (history["definition"] == definitions[one.indicator])
        & (history["period"] != one.period)
    ]
    # what was published of a period goes before what was computed for it afterwards
    rows = rows.sort_values("backfilled", ascending=False, kind="stable").drop_duplicates("period", keep="last")
    rows = rows.sort_values("period_start", kind="stable")
    kind = period.kind
    values = [
        None if value is None or value != value else float(value)
        for name, value in zip(rows["period"], rows["value"].astype("float64"))
        if (found := Period.parse(name)).kind == kind and found.start < period.start
    ]
    return [*values[1 - POINTS :], one.now]


def _shown(
    earlier: "Earlier",
    told: list[tuple["Moved", str, Tone]],
    courses: dict[str, list[float | None]],
    data: Data,
    language: Language,
    page: str,
) -> Display:
    from crmtools.report import change_words as words

    sentence, counts = _sentence(earlier, told, data, language)
    moved = {
        one.indicator: {
            "before": one.before,
            "now": one.now,
            "change": one.change,
            "currency": one.currency,
            "points": _points(courses[one.indicator]),
        }
        for one, *_ in told
        if not one.hidden
    }
    # when the last report was made, and about what
    facts = {"run_at": earlier.run_at.isoformat(), "zone": data.settings.report.time_zone, "period": earlier.period}
    numbers = [*of_counts("since_last", counts, language), *of_earlier(facts, language)]
    more = tag("a", escape(_MORE.to(language)), href=page)
    html, text = (
        tag("p", escape(sentence) + ("" if language == "zh" else " ") + more, data_of=says(sentence, numbers)),
        [sentence],
    )
    rows = []
    for one, verdict, tone in told:
        if one.hidden or not one.why.causes:
            continue
        name = words.name_of(one.indicator, "", language)
        then, value = (words.value(one.indicator, each, language, one.currency) for each in (one.before, one.now))
        amount, why = words.amount(one, one.change, language), words.due_to(one.why, language, matured=one.matured)
        course = courses[one.indicator]
        alt = say(_ALT, language, name=name, n=_points(course))
        mine = tuple(of_moved({one.indicator: moved[one.indicator]}, language))
        cells = [
            tag("th", escape(name), scope="row", style="font-weight:400"),
            tag("td", sparkline(course, alt=alt, says=says(alt, mine)) if len(course) > 1 else ""),
            tag("td", escape(then), class_="num", data_of=says(then, mine)),
            tag("td", escape(value), class_="num", data_of=says(value, mine)),
            tag(
                "td",
                escape(amount) + (f" {chip(escape(verdict), tone)}" if verdict else ""),
                data_of=says(amount, mine),
            ),
            tag("td", escape(why)),
        ]
        rows.append(tag("tr", "".join(cells)))
        text.append("\t".join([name, then, value, amount, verdict, why]))
    if rows:
        named = (_COURSE, _THEN, _NOW, _CHANGE, _DUE)
        heads = [word("indicator", language), *(each.to(language) for each in named)]
        head = "".join(
            tag("th", escape(each), scope="col", class_="num" if at in (2, 3) else None)
            for at, each in enumerate(heads)
        )
        table = tag("table", tag("thead", tag("tr", head)) + tag("tbody", "".join(rows)), class_="crm-table")
        html += tag("div", table, class_="crm-scroll")
    result = {
        "kind": "since_last",
        "run": earlier.run_id,
        "moved": [one.to_dict() for one, *_ in told if not one.hidden],
        "told": {"since_last": {"counts": counts, "moved": moved, "earlier": facts}},
    }
    return Display(html, "\n".join(text), result)


def _points(course: Sequence[float | None]) -> int:
    return sum(known(each) is not None for each in course)


def _sentence(
    earlier: "Earlier", told: list[tuple["Moved", str, Tone]], data: Data, language: Language
) -> tuple[str, dict[str, int]]:
    """Since when, how many changed by more than chance, how many numbers of then were revised; and these counts."""
    zone = ZoneInfo(data.settings.report.time_zone)
    day = formats.day(earlier.run_at.astimezone(zone).date(), language)
    period = Period.parse(earlier.period).label(language)
    verdicts = [verdict for one, verdict, _ in told if not one.hidden]
    counts = [
        say(text, language, n=n)
        for verdict, text in ((_IMPROVED, _N_IMPROVED), (_WORSENED, _N_WORSE), (_CHANGED, _N_CHANGED))
        if (n := verdicts.count(verdict.to(language)))
    ]
    comma = "，" if language == "zh" else ", "
    if earlier.period == data.period.id:
        said = _SAME_PERIOD.to(language)
    elif counts:
        said = say(_OF, language, total=len(verdicts), counts=comma.join(counts))
    else:
        said = _NONE.to(language)
    revised = sum(bool({"data", "definition", "code", "unknown"} & {*one.why.causes}) for one, *_ in told)
    after = say(_ONE_REVISED if revised == 1 else _REVISED, language, n=revised) if revised else ""
    since_when = say(_SINCE, language, day=day, period=period)
    told_of = {"total": len(verdicts), "revised": revised}
    told_of |= {name: verdicts.count(verdict.to(language)) for name, verdict in _VERDICTS.items()}
    return f"{since_when}{said}{after}", told_of


_SINCE = Text("与{day}的报告（{period}）相比：", "Since the report of {day} ({period}): ")
_OF = Text(
    "{total} 项指标中，{counts}；其余无法与偶然波动区分。",
    "of {total} indicators {counts}; the others cannot be told from chance.",
)
_N_IMPROVED = Text("{n} 项改善", "{n} improved")
_N_WORSE = Text("{n} 项恶化", "{n} got worse")
_N_CHANGED = Text("{n} 项有变化", "{n} changed")
_NONE = Text("没有能与偶然波动区分的变化。", "no change can be told from chance.")
_SAME_PERIOD = Text("期间相同。", "it was about the same period.")
_REVISED = Text("当时的 {n} 个数值现已修订。", " {n} numbers of then are revised.")
_ONE_REVISED = Text("当时的 {n} 个数值现已修订。", " {n} number of then is revised.")
_MORE = Text("全部变化", "All changes")
_IMPROVED, _WORSENED, _CHANGED = Text("改善", "improved"), Text("恶化", "worse"), Text("有变化", "changed")
_VERDICTS = {"improved": _IMPROVED, "worse": _WORSENED, "changed": _CHANGED}
_SAME, _UNDETECTED = Text("相同", "the same"), Text("未检出变化", "no detectable change")
_UNKNOWN = Text("无法判断", "cannot be told from chance")
_COURSE, _THEN, _NOW = Text("历次报告", "Reports so far"), Text("当时", "Then"), Text("现在", "Now")
_CHANGE, _DUE = Text("变动", "Change"), Text("原因", "Laid to")
_ALT = Text("{name}：历次报告的 {n} 个数值", "{name}: the values of {n} reports")
