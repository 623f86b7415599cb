"""RFM over time: where the customers of each segment went, and what they did in the period after they were scored."""

from collections.abc import Sequence
from html import escape

import pandas as pd

from crmtools import formats
from crmtools.indicators.units import UNITS
from crmtools.intervals import wilson
from crmtools.rfm import QUIET, SEGMENTS, UNSEEN, Moves, Study
from crmtools.rfm.next_period import ALL
from crmtools.show.blocks import TOO_FEW, figure_cell, grid, named, note, rests_on, sentence_list
from crmtools.show.chart import span_of
from crmtools.show.display import Display, tag
from crmtools.show.groups import STRIP
from crmtools.show.heat import heat_cell, heat_table
from crmtools.show.rfm_views import SLIPPING
from crmtools.show.sentences import known, say
from crmtools.show.sparks import axis_row, strip
from crmtools.show.trends import figure
from crmtools.suppression import small_ones
from crmtools.tables.source import Data
from crmtools.words import Language, Text, bracketed, word

GOOD = ("champions", "loyal")
_SHARE = UNITS["percent"]
Row = dict[str, float]
Rows = dict[str, Row]
Cells = set[tuple[str, str]]


def rfm_moves(study: Study, data: Data, *, language: Language) -> Display:
    """The matrix of segments before the report's period by segments at its end, as shares of each row.

    Cells with too few customers are hidden, and others by which they could be worked out.
    """
    if study.moves is None:
        return note(_NOBODY_BEFORE.to(language))
    moves, smallest = study.moves, data.settings.publish.smallest_group
    hidden = moves.hidden(smallest, totals_known=study.totals_known)
    rows = [name for name in map(str, moves.counts.index) if any(moves.row(name).values())]
    columns = [str(name) for name in moves.counts.columns if moves.counts[name].sum()]
    dates = {"earlier": formats.day(moves.earlier, language), "later": formats.day(moves.later, language)}
    sentences = [_flow(study, hidden, origins, ends, text, smallest, language) for origins, ends, text in _FLOWS]
    title = _moves_title(moves, dates["earlier"], language)
    heads = [say(_FROM_TO, language, **dates), *(_name(name, language) for name in columns)]
    body = [_move_row(moves, hidden, name, columns, smallest, language) for name in rows]
    caption = [_KEY.to(language), _HELD.to(language)]
    if hidden:
        caption.append(_HIDDEN.to(language))
    caption += rests_on("orders", moves.later, language)
    html = "".join(tag("p", escape(sentence)) for sentence in sentences if sentence)
    html += figure(heat_table(heads, body, title, wrap=True), title, sentence_list(caption, language))
    return Display(html, "\n".join([title, *filter(None, sentences)]), _moves_result(moves, hidden, smallest))


def rfm_next(study: Study, data: Data, *, language: Language) -> Display:
    """What the members of each segment did in the report's period: who bought, how often, for how much.

    Segments with too few members are hidden; amounts also where too few of the members bought.
    """
    if study.behaviour is None or study.earlier is None:
        return note(_NOBODY_BEFORE.to(language))
    rows, smallest = by_segment(study.behaviour), data.settings.publish.smallest_group
    whole = rows.pop(ALL)
    small = small_ones({key: int(row["customers"]) for key, row in rows.items()}, smallest)
    secret = small | small_ones({key: int(row["buyers"]) for key, row in rows.items()}, smallest)
    shown = {key: row for key, row in rows.items() if key not in small and row["customers"]}
    few = whole["customers"] < smallest
    period = study.period.label(language)
    title = _next_title(shown, period, language)
    picture = "" if few or not shown else _strips(shown, whole, language)
    caption = [
        say(
            _NEXT_KEY,
            language,
            level=formats.percent(study.level, language, 0),
            earlier=formats.day(study.earlier.as_of, language),
            period=period,
        ),
        say(_FEW_BUYERS, language, smallest=smallest) if secret else "",
        *rests_on("orders", study.period.last_day, language),
    ]
    lines = [
        _next_row(_name(key, language), row, key in small, key in secret, data.currency, language)
        for key, row in rows.items()
    ]
    lines.append(_next_row(word("all", language), whole, few, few, data.currency, language))
    said = [f"{_name(key, language)}{word('colon', language)}{_share(row, language)}" for key, row in shown.items()]
    html = figure(picture, title, sentence_list(caption, language))
    heads = [text.to(language) for text in _NEXT_HEADS]
    return Display(html + grid(heads, lines), "\n".join([title, *said]), _next_result(study, small, secret))


def by_segment(behaviour: pd.DataFrame | None) -> Rows:
    """The rows of ``next_period`` by segment."""
    table = pd.DataFrame() if behaviour is None else behaviour
    return {str(key): {str(name): float(value) for name, value in row.items()} for key, row in table.iterrows()}


def _name(key: str, language: Language) -> str:
    return (_OUTSIDE.get(key) or SEGMENTS[key]).to(language)


def _flow(
    study: Study,
    hidden: Cells,
    origins: tuple[str, ...],
    ends: tuple[str, ...],
    text: Text,
    smallest: int,
    language: Language,
) -> str:
    """A sentence on those of some segments who are in others later; empty where it would tell of few people."""
    assert study.moves is not None
    cells = study.moves.flow(origins, ends)
    count, size = sum(cells.values()), sum(sum(study.moves.row(name).values()) for name in origins)
    # what the table hides is the difference between this sum and what it shows
    secret = sum(cells[cell] for cell in cells.keys() & hidden)
    if size < smallest or 0 < count < smallest or 0 < secret < smallest:
        return ""
    low, high = wilson(count / size, size, study.level)
    return say(
        text,
        language,
        size=formats.number(size, language),
        share=formats.percent(count / size, language),
        level=formats.percent(study.level, language, 0),
        limits=formats.interval(low, high, _SHARE, language),
        earlier=formats.day(study.moves.earlier, language),
        later=formats.day(study.moves.later, language),
    )


def _moves_title(moves: Moves, earlier: str, language: Language) -> str:
    rows = {name: moves.row(name) for name in SEGMENTS}
    stayed, everybody = sum(rows[name][name] for name in SEGMENTS), sum(sum(row.values()) for row in rows.values())
    return say(_MOVES_TITLE, language, share=formats.percent(stayed / everybody, language, 0), earlier=earlier)


def _move_row(moves: Moves, hidden: Cells, name: str, columns: Sequence[str], smallest: int, language: Language) -> str:
    counts = moves.row(name)
    size = sum(counts.values())
    head = named(_name(name, language), "" if size < smallest else f"n = {formats.number(size, language)}")
    if all((name, column) in hidden for column in columns if counts[column]):
        return tag("tr", head + tag("td", escape(TOO_FEW.to(language)), colspan=len(columns), style="text-align:left"))
    cells = [head]
    for column in columns:
        share = counts[column] / size
        shown = formats.number(100 * share, language, 0 if share >= 0.01 or not share else 1)
        cell = heat_cell(shown, share, strong=name == column) if share else tag("td", "0")
        cells.append(tag("td", "…") if (name, column) in hidden else cell)
    return tag("tr", "".join(cells))


def _strips(shown: Rows, whole: Row, language: Language) -> str:
    """The share that bought, segment by segment, all customers as the dashed line."""
    total, part = whole["bought"], list(shown.values())
    limits = [row[name] for row in part for name in ("bought_low", "bought_high")]
    span = span_of([*(row["bought"] for row in part), total, 0.0], limits, low=0.0, high=1.0)
    said = {
        key: f"{_name(key, language)}{word('colon', language)}{_share(row, language)}" for key, row in shown.items()
    }
    lines = []
    for key, row in shown.items():
        picture = strip(row["bought"], row["bought_low"], row["bought_high"], span, total=total, words=said[key])
        head = tag("th", escape(_name(key, language)), scope="row", style="text-align:left;font-weight:400")
        value = tag("td", escape(formats.percent(row["bought"], language)), class_="num")
        lines.append(tag("tr", head + tag("td", picture, style=STRIP) + value))
    labels = [formats.axis(tick, span.step, _SHARE, language) for tick in span.ticks]
    axis = tag("tr", f"<td></td>{tag('td', axis_row(span, labels), style=STRIP)}<td></td>", aria_hidden="true")
    return tag(
        "table",
        tag("tbody", "".join(lines) + axis),
        class_="crm-table",
        aria_label=word("semicolon", language).join(said.values()),
    )


def _share(row: Row, language: Language) -> str:
    limits = formats.interval(row["bought_low"], row["bought_high"], _SHARE, language)
    n = f"n = {formats.number(row['customers'], language)}"
    return formats.percent(row["bought"], language) + bracketed(limits + word("comma", language) + n, language)


def _next_row(name: str, row: Row, hidden: bool, secret: bool, currency: str, language: Language) -> list[str]:
    if hidden or not row["customers"]:
        first = TOO_FEW.to(language) if hidden else "0"
        return [named(name), figure_cell(first), *[figure_cell(formats.MISSING)] * (len(_NEXT_HEADS) - 2)]
    cells = [named(name), figure_cell(formats.number(int(row["customers"]), language))]
    bought = formats.interval(row["bought_low"], row["bought_high"], _SHARE, language)
    cells.append(figure_cell(formats.percent(row["bought"], language), bought))
    if secret:
        return [*cells, *[figure_cell(TOO_FEW.to(language))] * 2]
    for column, unit in (("purchases", _TIMES), ("spend", UNITS["money"])):
        value = formats.quantity(row[column], unit, language, currency, bare=True)
        limits = formats.interval(row[f"{column}_low"], row[f"{column}_high"], unit, language, currency, bare=True)
        cells.append(figure_cell(value, "" if limits == formats.MISSING else limits))
    return cells


def _next_title(shown: Rows, period: str, language: Language) -> str:
    """The segments that bought most and least often, where the intervals tell them apart."""
    if not shown:
        return _NOTHING_SHOWN.to(language)
    best, worst = (choose(shown, key=lambda key: shown[key]["bought"]) for choose in (max, min))
    if not shown[best]["bought_low"] > shown[worst]["bought_high"]:
        return say(_NO_DIFFERENCE, language, period=period)
    most, least = (formats.percent(shown[key]["bought"], language, 0) for key in (best, worst))
    names = {"best": _name(best, language), "worst": _name(worst, language)}
    return say(_NEXT_TITLE, language, period=period, most=most, least=least, **names)


def _moves_result(moves: Moves, hidden: Cells, smallest: int) -> dict[str, object]:
    rows = []
    for name in map(str, moves.counts.index):
        counts = moves.row(name)
        cells = {column: None if (name, column) in hidden else count for column, count in counts.items()}
        size = sum(counts.values())
        rows.append({"segment": name, "customers": None if 0 < size < smallest else size, "to": cells})
    return {"kind": "rfm_moves", "earlier": str(moves.earlier), "later": str(moves.later), "rows": rows}


def _next_result(study: Study, small: set[str], secret: set[str]) -> dict[str, object]:
    segments = []
    for key, row in by_segment(study.behaviour).items():
        public = {
            name: known(value)
            for name, value in row.items()
            if key not in small and not (key in secret and name.startswith(("purchases", "spend", "revenue")))
        }
        segments.append({"segment": key, "suppressed": key in small, **public})
    return {"kind": "rfm_next", "period": study.period.id, "level": study.level, "segments": segments}


_FEW_BUYERS = Text(
    "不足 {smallest} 人购买的分层不公布次数与金额，有时另隐去一个分层，以免推算",
    "No amounts where fewer than {smallest} bought, nor, at times, of one more by which these could be worked out",
)
_TIMES = UNITS["per_customer_month"]
"""Two decimals; its name is left out."""
_OUTSIDE = {UNSEEN: Text("此前未购买", "Not yet a customer"), QUIET: Text("窗口内未购买", "No purchase in the window")}
_NOBODY_BEFORE = Text(
    "报告期之前没有客户购买过，无法比较前后。",
    "Nobody had bought before the report's period: there is nothing to compare with.",
)
_FROM_TO = Text("{earlier}所在分层 → {later}", "Segment on {earlier} → on {later}")
_MOVES_TITLE = Text("{share} 的客户仍在 {earlier}所在的分层", "{share} of customers are where they were on {earlier}")
_KEY = Text(
    "每行为该分层客户在期末的去向（%），加粗为留在原分层",
    "Each row: where the customers of that segment are at the end, in per cent; bold: still there",
)
_HELD = Text(
    "前后两次用期初的同一分界值打分，客户不会因他人的购买而变动",
    "Both dates are cut where the earlier one is, so that nobody moves because others bought",
)
_HIDDEN = Text("…：客户过少，或会泄露过少的一格，不予公布", "…: too few to be shown, or would give away a cell that is")
_FLOWS = (
    (
        GOOD,
        SLIPPING,
        Text(
            "{earlier}的 {size} 位冠军与忠诚客户中，{share}（{level} 区间 {limits}）到 {later}已在远离（有流失风险或不能失去的客户）。",
            "Of {size} champions and loyal customers of {earlier}, {share} ({level} interval {limits}) are slipping away on "
            "{later} (at risk or not to be lost).",
        ),
    ),
    (
        SLIPPING,
        GOOD,
        Text(
            "当时正在远离的 {size} 位客户中，{share}（{limits}）已回到冠军或忠诚客户。",
            "Of {size} who were slipping away then, {share} ({limits}) are back among the champions and loyal customers.",
        ),
    ),
)
_NEXT_HEADS = (
    Text("期初的分层", "Segment before the period"), Text("客户数", "Customers"), Text("购买的占比", "Bought"),
    Text("人均购买次数", "Purchases per customer"), Text("人均金额", "Spent per customer"),
)  # fmt: skip
_NEXT_TITLE = Text(
    "{period}有购买的客户：{best}中 {most}，{worst}中 {least}",
    "In {period} {most} of {best} bought, and {least} of {worst}",
)
_NO_DIFFERENCE = Text(
    "{period}各分层有购买的客户占比未检出差异",
    "In {period} no segment can be told to have bought more often than another",
)
_NOTHING_SHOWN = Text("各分层客户过少，不予公布", "The segments have too few customers to be shown")
_NEXT_KEY = Text(
    "{earlier}打分，{period}的购买；小字与横线：{level} 区间；虚线：全部客户；未购买的客户计为 0",
    "Scored on {earlier}, purchases of {period}; small print and whisker: {level} interval; dashed line: all customers; who did not buy counts as 0",
)
