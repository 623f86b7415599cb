"""What a figure found, as its title, and what it shows, as its alternative text."""

from crmtools import formats
from crmtools.estimate import Estimate, valued
from crmtools.goals.reading import Reading
from crmtools.goals.rest import apart
from crmtools.measuring import Breakdown, Trend
from crmtools.show import sentences
from crmtools.show.sentences import known, moved, say, since
from crmtools.words import Language, Text, word


def trend_title(trend: Trend, reading: Reading | None, language: Language, currency: str = "") -> str:
    """The last value against that of a year before (or the first), and how far the target is from it.

    Never a change that the intervals do not support; no distance where the goal is judged over another time than the last
    point stands for.
    """
    there = valued(trend.estimates)
    words = {"name": trend.indicator.name.to(language)}
    if not there:
        return say(_NO_VALUES, language, **words)
    last = there[-1]
    first = next((e for e in there if e.period == last.period.year_ago()), there[0])
    words |= {
        "value": _value(last, language, currency), "last": last.period.label(language),
        "before": _value(first, language, currency), "first": first.period.label(language),
    }  # fmt: skip
    made = since(last, first)
    if len(there) == 1 or made is None:
        title = say(_SINGLE, language, **words)
    else:
        title = say(_MOVED[moved(made)], language, **words)
    return title + _distance(reading, last, language, currency)


def _distance(reading: Reading | None, last: Estimate, language: Language, currency: str) -> str:
    if reading is None or reading.gap is None or reading.now.period != last.period:
        return ""
    unit, currency = reading.goal.indicator.unit, sentences.currency_of([reading.now], currency)
    if reading.gap <= 0:
        return _AT_TARGET.to(language)
    gap = formats.difference(reading.gap, unit, language, currency, signed=False, beside=reading.target)
    return say(_SHORT, language, gap=gap)


def trend_alt(trend: Trend, reading: Reading | None, language: Language, currency: str = "") -> str:
    """A line chart in a few sentences, for those who do not see it."""
    there = valued(trend.estimates)
    words: dict[str, object] = {"name": trend.indicator.name.to(language), "count": len(trend.estimates)}
    words |= {
        "first": trend.estimates[0].period.label(language) if trend.estimates else formats.MISSING,
        "last": trend.estimates[-1].period.label(language) if trend.estimates else formats.MISSING,
    }
    text = say(_CHART, language, **words)
    if there:
        low, high = min(there, key=lambda e: e.value or 0), max(there, key=lambda e: e.value or 0)
        text += say(_RANGE, language, start=_value(there[0], language, currency), end=_value(there[-1], language, currency),
            low=_value(low, language, currency), low_at=low.period.label(language),
            high=_value(high, language, currency), high_at=high.period.label(language),
        )  # fmt: skip
    if gaps := len(trend.estimates) - len(there):
        text += say(_WITHOUT, language, count=gaps)
    if reading is not None and reading.target is not None:
        currency = sentences.currency_of([reading.now], currency)
        target = formats.quantity(reading.target, reading.goal.indicator.unit, language, currency, trim=True)
        text += say(_TARGET, language, target=target, by=formats.day(reading.goal.deadline, language))
    return text


def breakdown_title(parts: Breakdown, total: Estimate, language: Language, currency: str = "") -> str:
    """Which groups differ from the total by more than chance, all comparisons taken together."""
    shown = valued(parts.estimates)
    words: dict[str, object] = {
        "name": parts.indicator.name.to(language),
        "by": in_sentence(sentences.attribute(parts.by, language, parts.indicator), language),
        "total": _value(total, language, currency),
    }
    if not shown or known(total.value) is None:
        return say(_NOTHING_BY, language, **words)
    if adds_up(parts):
        most = max(shown, key=lambda e: e.value or 0.0)
        return say(_MOST, language, group=_named(most, parts.by, language, currency), **words)
    verdicts = [*zip(shown, apart(parts, total), strict=True)]
    named = []
    for side in ("higher", "lower"):
        names = [_named(e, parts.by, language, currency) for e, verdict in verdicts if verdict == side]
        if names:
            named.append(say(_SIDE[side], language, groups=word("list", language).join(names)))
    if not named:
        unknown = all(verdict == "unknown" for _, verdict in verdicts)
        return say(_NO_ERROR_BY if unknown else _ALIKE_BY, language, **words)
    return say(_APART, language, sides=("，" if language == "zh" else "; ").join(named), **words)


def clear_of_total(parts: Breakdown, total: Estimate) -> list[Estimate]:
    """Groups whose interval leaves the total out, and which the title does not name for all that.

    Readers see them stand apart and must be told why nothing is said of them.
    """
    value, shown = known(total.value), valued(parts.estimates)
    if value is None or adds_up(parts):
        return []
    drawn = [
        one
        for one in shown
        if ((low := known(one.low)) is not None and low > value)
        or ((high := known(one.high)) is not None and high < value)
    ]
    verdicts = zip(shown, apart(parts, total), strict=True)
    told = {one.group for one, verdict in verdicts if verdict in ("higher", "lower")}
    return [one for one in drawn if one.group not in told]


def breakdown_alt(parts: Breakdown, total: Estimate, language: Language, currency: str = "") -> str:
    """A dot-and-whisker figure in words: every group with its value and interval."""
    said = []
    for e in valued(parts.estimates):
        limits = sentences.interval_of(e, language, currency, bare=True)
        bracketed = "" if limits == formats.MISSING else f"（{limits}）" if language == "zh" else f" ({limits})"
        said.append(f"{_group_name(e, parts.by, language)} {_value(e, language, currency)}{bracketed}")
    by = in_sentence(sentences.attribute(parts.by, language, parts.indicator), language)
    return say(_DOTS, language, name=parts.indicator.name.to(language), by=by, groups=word("list", language).join(said) or formats.MISSING,
        total=_value(total, language, currency),
    )  # fmt: skip


def in_sentence(text: str, language: Language) -> str:
    """A name as it stands inside a sentence."""
    return text if language == "zh" else text[:1].lower() + text[1:]


def _value(estimate: Estimate, language: Language, currency: str) -> str:
    return sentences.value_of(estimate, language, currency, bare=True)


def adds_up(parts: Breakdown) -> bool:
    """Whether the groups sum to the total, which no group can then be compared with."""
    return parts.indicator.kind.name == "total"


def _named(estimate: Estimate, by: str, language: Language, currency: str) -> str:
    """A group with its value in brackets."""
    name, value = _group_name(estimate, by, language), _value(estimate, language, currency)
    return f"{name}（{value}）" if language == "zh" else f"{name} ({value})"


def _group_name(estimate: Estimate, by: str, language: Language) -> str:
    return sentences.group(dict(estimate.group).get(by, ""), language)


_NO_VALUES = Text("{name}：这段时间内没有数值", "{name}: no value in this time")
_SINGLE = Text("{name}：仅有一个数值，{last}为 {value}", "{name}: a single value, {value} in {last}")
_MOVED: dict[sentences.Moved, Text] = {
    "higher": Text(
        "{name}由 {before}（{first}）升至 {value}（{last}）", "{name} rose from {before} ({first}) to {value} ({last})"
    ),
    "lower": Text(
        "{name}由 {before}（{first}）降至 {value}（{last}）", "{name} fell from {before} ({first}) to {value} ({last})"
    ),
    "same": Text("{name}：{first}与{last}均为 {value}", "{name}: {value} both in {first} and in {last}"),
    "undetectable": Text(
        "{name}：{first}（{before}）至{last}（{value}）未检出变化",
        "{name}: no detectable change between {first} ({before}) and {last} ({value})",
    ),
    "unknown": Text(
        "{name}：{first} {before}，{last} {value}；无法判断是否属于变化",
        "{name}: {before} in {first}, {value} in {last}; nobody can tell whether that is a change",
    ),
}
_AT_TARGET = Text("；已达到目标值", "; the target is reached")
_SHORT = Text("；距目标尚差 {gap}", "; {gap} short of the target")
_CHART = Text(
    "折线图：{name}，{first}至{last}，共 {count} 个期间。", "Line chart of {name}, {first} to {last}, {count} periods."
)
_RANGE = Text(
    "起始 {start}，最近 {end}；最低 {low}（{low_at}），最高 {high}（{high_at}）。",
    " From {start} to {end}; lowest {low} ({low_at}), highest {high} ({high_at}).",
)
_WITHOUT = Text("{count} 个期间没有数值。", " Periods without a value: {count}.")
_TARGET = Text("目标：{by}前达到 {target}。", " Target: {target} by {by}.")
_NOTHING_BY = Text("{name}：无法按{by}比较", "{name} cannot be compared by {by}")
_ALIKE_BY = Text(
    "{name}：按{by}划分，未检出与总体（{total}）的差异", "{name} by {by}: no group can be told from the total ({total})"
)
_NO_ERROR_BY = Text(
    "{name}：按{by}划分；无法判断各组与总体（{total}）的差异是否出于偶然",
    "{name} by {by}: whether groups differ from the total ({total}) by more than chance cannot be said",
)
_SIDE = {
    "higher": Text("{groups}高于总体", "higher in {groups}"),
    "lower": Text("{groups}低于总体", "lower in {groups}"),
}
_APART = Text("{name}：{sides}（{total}）", "{name}: {sides}, against {total} in total")
_MOST = Text(
    "{name}：按{by}划分，最多的是{group}，合计 {total}", "{name} by {by}: most in {group}, of {total} in total"
)
_DOTS = Text(
    "点须图：{name}，按{by}划分。{groups}。总体 {total}。",
    "Dot-and-whisker figure of {name} by {by}: {groups}. Total: {total}.",
)
