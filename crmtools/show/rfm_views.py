"""The chapter on RFM: who the best customers are, who is slipping away, and where the fifths are cut."""

import math

import pandas as pd

from crmtools import formats
from crmtools.indicators.units import UNITS
from crmtools.rfm import MEASURES, SEGMENTS, Rfm
from crmtools.show.blocks import TOO_FEW, figure_cell, grid, lead, named, rests_on, sentence_list
from crmtools.show.display import Display
from crmtools.show.paired_bars import Pair, paired_bars
from crmtools.show.sentences import say
from crmtools.show.trends import figure
from crmtools.suppression import small_ones
from crmtools.tables.source import Data
from crmtools.words import Language, Text, bracketed, word

SLIPPING = ("at_risk", "cant_lose_them")
"""Bought often or much, but not for long."""
FEWEST = 50
"""Customers below which fifths mean little."""


def rfm_answer(rfm: Rfm, data: Data, *, language: Language) -> Display:
    """How many are champions and what they brought, and how many good customers are slipping away.

    Segments too small to be shown are not spoken of, alone or in a sum.
    """
    table, hidden = _segments(rfm, data)
    customers = int(table["customers"].sum())
    n = formats.number(customers, language)
    best = table.loc[["champions"]].iloc[0]
    if "champions" in hidden:
        first = say(_BEST_HIDDEN, language, n=n)
    elif not best["customers"]:
        first = say(_NO_BEST, language, n=n)
    else:
        first = say(_BEST, language, n=n, **_words(best, language))
    rest = []
    slipping = table.loc[list(SLIPPING)]
    told = [key for key in SLIPPING if key not in hidden and table["customers"].loc[key]]
    if hidden & set(SLIPPING) and told:  # the sum would tell how many the hidden ones are
        rest += [
            say(
                _SLIPPING_ONE,
                language,
                segment=SEGMENTS[key].to(language),
                **_words(table.loc[[key]].iloc[0], language),
            )
            for key in told
        ]
        names = [SEGMENTS[key].to(language) for key in SLIPPING if key in hidden]
        rest.append(say(_SLIPPING_OTHER, language, segments=word("list", language).join(names)))
    elif hidden & set(SLIPPING):
        rest.append(_SLIPPING_HIDDEN.to(language))
    elif not slipping["customers"].sum():
        rest.append(_NOBODY_SLIPS.to(language))
    else:
        rest.append(say(_SLIPPING, language, **_words(slipping.sum(numeric_only=True), language)))
    if customers < FEWEST:
        rest.append(_FEW.to(language))
    return lead(first, *rest, language=language, result=_result(rfm, table, hidden))


def rfm_segments(rfm: Rfm, data: Data, *, language: Language) -> Display:
    """The segments as bars, share of customers and share of revenue, and as a table with medians."""
    table, hidden = _segments(rfm, data)
    names = {key: SEGMENTS[key].to(language) for key in table.index}
    title = _title(table, hidden, names, language)
    shown = [key for key in table.index if key not in hidden and table["customers"].loc[key]]
    pairs = [
        Pair(
            names[key], _known(table["share"].loc[key]), _known(table["revenue_share"].loc[key]),
            formats.percent(table["share"].loc[key], language), formats.percent(table["revenue_share"].loc[key], language),
        )
        for key in shown
    ]  # fmt: skip
    said = [f"{pair.name} {pair.first_words}{word('comma', language)}{pair.second_words}" for pair in pairs]
    labels = (_OF_CUSTOMERS.to(language), _OF_REVENUE.to(language))
    alt = say(_ALT, language, segments=word("semicolon", language).join(said))
    caption = [say(_CAPTION, language, n=formats.number(int(table["customers"].sum()), language))]
    if hidden:
        caption.append(
            say(
                _HIDDEN,
                language,
                segments=word("list", language).join(names[key] for key in sorted(hidden, key=list(names).index)),
            )
        )
    caption += rests_on("orders", rfm.as_of, language)
    picture = paired_bars(pairs, labels, alt=alt) if pairs else ""
    html = figure(picture, title, sentence_list(caption, language))
    heads = [text.to(language) for text in _HEADS]
    rows = [_row(names[key], table.loc[key], key in hidden, data.currency, language) for key in table.index]
    return Display(html + grid(heads, rows), f"{title}\n" + "\n".join(said), _result(rfm, table, hidden))


def rfm_bands(rfm: Rfm, data: Data, *, language: Language) -> Display:
    """What each score means: the range of values behind it and its customers.

    Ranges are those of the cut points, not of the smallest and largest customer.
    """
    smallest = data.settings.publish.smallest_group
    columns = []
    cut_points: dict[str, list[float]] = {}
    sizes: dict[str, dict[str, int | None]] = {}
    for measure, score in zip(MEASURES, "RFM"):
        cuts = [float(cut) for cut in rfm.thresholds.loc[measure].to_numpy(float)]
        scores = rfm.frame[score]
        counts = {number: int((scores == number).sum()) for number in range(1, 6)}
        hidden = small_ones(counts, smallest)
        band = {number: _band(measure, number, cuts, data.currency, language) for number in range(1, 6)}
        columns.append((band, counts, hidden))
        cut_points[measure] = cuts
        sizes[measure] = {str(number): None if number in hidden else counts[number] for number in counts}
    rows, lines = [], []
    for number in range(5, 0, -1):
        below = _BEST_SCORE.to(language) if number == 5 else _WORST_SCORE.to(language) if number == 1 else ""
        cells = [named(str(number), below)]
        words = [str(number)]
        for band, counts, hidden in columns:
            size = TOO_FEW.to(language) if number in hidden else formats.number(counts[number], language)
            values = band[number] if counts[number] else formats.MISSING
            cells.append(figure_cell(values, say(_COUNT, language, count=size) if counts[number] else ""))
            words.append(values + bracketed(size, language))
        rows.append(cells)
        lines.append(" · ".join(words))
    heads = [text.to(language) for text in _BAND_HEADS]
    result = {"kind": "rfm_bands", "cuts": cut_points, "customers": sizes}
    caption = sentence_list([*_rules(rfm, language), *rests_on("orders", rfm.as_of, language)], language)
    return Display(grid(heads, rows, caption=caption), "\n".join(lines), result)


def _rules(rfm: Rfm, language: Language) -> list[str]:
    """Where the cuts lie, what becomes of ties, and since when purchases count."""
    heads = dict(zip(MEASURES, _BAND_HEADS[1:]))
    given = word("list", language).join(heads[name].to(language) for name in rfm.given)
    if not given:
        cut = _FIFTHS.to(language)
    elif len(rfm.given) == len(MEASURES):
        cut = _ALL_GIVEN.to(language)
    else:
        cut = say(_GIVEN, language, measures=given)
    since = say(_SINCE, language, day=formats.day(rfm.since, language)) if rfm.since else ""
    return [cut, _TIES.to(language), since]


def _segments(rfm: Rfm, data: Data) -> tuple[pd.DataFrame, set[object]]:
    """The segments by key, best first, and which of them are too small to be shown."""
    table = rfm.segments().set_index("segment")
    hidden = small_ones(table["customers"].to_dict(), data.settings.publish.smallest_group)
    return table, hidden


def _words(row: pd.Series, language: Language) -> dict[str, str]:
    """Customers, their share, and the share of revenue as a clause that is empty where there is no revenue."""
    revenue = ""
    if not pd.isna(row["revenue_share"]):
        revenue = say(_BROUGHT, language, share=formats.percent(row["revenue_share"], language))
    return {
        "count": formats.number(int(row["customers"]), language),
        "share": formats.percent(row["share"], language),
        "revenue": revenue,
    }


def _title(table: pd.DataFrame, hidden: set[object], names: dict[str, str], language: Language) -> str:
    """The fewest segments that bring half of the revenue."""
    shown = table.drop(index=list(hidden)).dropna(subset="revenue_share").sort_values("revenue_share", ascending=False)
    shown = shown[shown["revenue_share"] > 0]
    if shown.empty:
        return _NO_TITLE.to(language)
    enough = min(int((shown["revenue_share"].cumsum() < 0.5).sum()) + 1, len(shown))
    top = shown.iloc[:enough]
    return say(
        _TITLE, language, segments=word("list", language).join(names[key] for key in top.index),
        share=formats.percent(top["share"].sum(), language), revenue=formats.percent(top["revenue_share"].sum(), language),
    )  # fmt: skip


def _row(name: str, row: pd.Series, hidden: bool, currency: str, language: Language) -> list[str]:
    if hidden:
        return [named(name), figure_cell(TOO_FEW.to(language)), *[figure_cell(formats.MISSING)] * (len(_HEADS) - 2)]
    cells = [
        formats.number(int(row["customers"]), language),
        formats.percent(row["share"], language),
        formats.money(row["revenue"], currency, language),
        formats.percent(row["revenue_share"], language),
        formats.number(row["recency_days"], language, _halves(row["recency_days"])),
        formats.number(row["frequency"], language, _halves(row["frequency"])),
        formats.money(row["monetary"], currency, language),
    ]
    return [named(name), *map(figure_cell, cells)]


def _halves(median: float) -> int:
    """Medians of whole numbers are whole or end in a half."""
    return 0 if pd.isna(median) or median == round(median) else 1


def _band(measure: str, score: int, cuts: list[float], currency: str, language: Language) -> str:
    """The range of values that get a score; a value equal to a cut point lies below it."""
    place = 5 - score if measure == "recency_days" else score - 1
    low = cuts[place - 1] if place else None
    high = cuts[place] if place < 4 else None
    if measure == "monetary":
        ends = {"low": formats.money(low, currency, language), "high": formats.money(high, currency, language)}
    else:
        least = 0 if measure == "recency_days" else 1
        first = least if low is None else math.floor(low) + 1
        last = None if high is None else math.floor(high)
        if last == first:
            return formats.number(first, language)
        ends = {"low": formats.number(first, language), "high": formats.number(last, language)}
        if last is not None:
            return say(_FROM_TO, language, **ends)
        return say(_FROM, language, **ends)
    if low is None:
        return say(_UP_TO, language, **ends)
    if high is None:
        return say(_OVER, language, **ends)
    return formats.interval(low, high, UNITS["money"], language, currency)


def _known(value: float) -> float | None:
    return None if pd.isna(value) else float(value)


def _result(rfm: Rfm, table: pd.DataFrame, hidden: set[object]) -> dict[str, object]:
    segments = []
    for key, row in table.iterrows():
        values = {name: None if key in hidden or pd.isna(row[name]) else row[name] for name in table.columns}
        segments.append({"segment": key, "suppressed": key in hidden, **values})
    return {"kind": "rfm", "as_of": str(rfm.as_of), "customers": int(table["customers"].sum()), "segments": segments}


_BEST = Text(
    "{n} 位客户中，{count} 位是冠军客户（{share}）{revenue}。",
    "Of {n} customers, {count} are champions ({share}){revenue}.",
)
_BROUGHT = Text("，贡献了 {share} 的收入", ", who brought {share} of the revenue")
_BEST_HIDDEN = Text("{n} 位客户中，冠军客户过少，不予公布。", "Of {n} customers, too few are champions to be shown.")
_NO_BEST = Text("{n} 位客户中没有冠军客户。", "Of {n} customers, none is a champion.")
_SLIPPING = Text(
    "另有 {count} 位优质客户正在远离（有流失风险或不能失去的客户，{share}）{revenue}。",
    "{count} good customers are slipping away (at risk or not to be lost, {share}){revenue}.",
)
_SLIPPING_HIDDEN = Text(
    "正在远离的优质客户过少，不予公布。", "Good customers who are slipping away are too few to be shown."
)
_SLIPPING_ONE = Text(
    "正在远离的优质客户：“{segment}” {count} 位（{share}）{revenue}。",
    "Good customers who are slipping away: {segment}, {count} ({share}){revenue}.",
)
_SLIPPING_OTHER = Text("“{segments}”人数过少，不予公布。", "Those of {segments} are too few to be shown.")
_NOBODY_SLIPS = Text("没有正在远离的优质客户。", "No good customer is slipping away.")
_FEW = Text(f"客户不足 {FEWEST} 位，五等分的意义有限。", f"With fewer than {FEWEST} customers, fifths mean little.")
_TITLE = Text(
    "{segments}占客户的 {share}，贡献 {revenue} 的收入", "{segments}: {share} of customers, {revenue} of revenue"
)
_NO_TITLE = Text("没有可公布的客户分层", "No segment can be shown with a share of revenue")
_OF_CUSTOMERS, _OF_REVENUE = Text("占客户", "Share of customers"), Text("占收入", "Share of revenue")
_ALT = Text(
    "条形图：各客户分层占客户与占收入的比例。{segments}。",
    "Bars: share of customers and of revenue by segment: {segments}.",
)
_CAPTION = Text(
    "n = {n} 位客户；收入为迄今全部订单的净额", "n = {n} customers; revenue is the net of all their orders so far"
)
_HIDDEN = Text("客户过少而不予公布：{segments}", "Too few to be shown: {segments}")
_HEADS = (
    Text("客户分层", "Segment"), Text("客户数", "Customers"), Text("占客户", "Share"), Text("收入", "Revenue"),
    Text("占收入", "Share of revenue"), Text("距上次购买天数（中位数）", "Days since last purchase, median"),
    Text("购买次数（中位数）", "Purchases, median"), Text("金额（中位数）", "Spent, median"),
)  # fmt: skip
_BAND_HEADS = (
    Text("得分", "Score"), Text("距上次购买天数（R）", "Days since last purchase (R)"),
    Text("购买次数（F）", "Purchases (F)"), Text("金额（M）", "Spent (M)"),
)  # fmt: skip
_BEST_SCORE, _WORST_SCORE = Text("最好", "best"), Text("最差", "worst")
_COUNT = Text("客户：{count}", "customers: {count}")
_FROM_TO, _FROM = Text("{low}–{high}", "{low}–{high}"), Text("{low} 及以上", "{low} or more")
_UP_TO, _OVER = Text("不超过 {high}", "up to {high}"), Text("超过 {low}", "over {low}")
_FIFTHS = Text("分界值取五分位数", "Cut at the fifths of the customers")
_GIVEN = Text(
    "{measures}按参数文件中的分界值，其余取五分位数",
    "{measures}: cut where the parameters file says; the others at the fifths",
)
_ALL_GIVEN = Text("按参数文件中的分界值", "Cut where the parameters file says")
_TIES = Text(
    "数值相同则得分相同；等于分界值的归入数值较小的一档，因此有的得分可能没有客户",
    "Equal values get equal scores; a value equal to a cut belongs with the smaller ones, so some scores may have no customers",
)
_SINCE = Text("只计 {day}及以后的购买", "Only purchases from {day} on count")
