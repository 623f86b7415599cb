"""What came through the door, and how full the columns are."""

from collections.abc import Sequence
from html import escape

from crmtools import formats
from crmtools.show import sentences
from crmtools.show.display import Display, tag
from crmtools.show.sentences import before_comma, say
from crmtools.show.sparks import bar
from crmtools.tables import TABLES
from crmtools.tables.door_report import TableReport
from crmtools.tables.source import Data
from crmtools.words import Language, Text, word

LEFT_OUT: dict[str, Text] = {
    "empty": Text("空表", "a table without rows"),
    "missing": Text("必填项为空", "a needed value is empty"),
    "unparsed": Text("无法识别的值", "a value that cannot be read"),
    "values": Text("不在已知取值中", "a word that is not known"),
    "duplicates": Text("编号重复", "an id that stands twice"),
    "orphans": Text("找不到所属记录", "belongs to nothing"),
    "order": Text("时间先后颠倒", "times in the wrong order"),
    "negative": Text("不应为负的负数", "negative where it cannot be"),
    "test_account": Text("测试、员工或内部账户", "test, staff or inter-company accounts"),
}
"""Why rows were left out at the door."""


def door(data: Data, *, language: Language = "en") -> Display:
    """Per table: where it was read, rows read, kept and left out by reason, first and last day, columns dropped or not used."""
    heads = (_TABLE, _READ, _KEPT, _OUT, _DAYS, _COLUMNS)
    rows = [_door_row(item, data, language) for item in data.door.tables]
    text = "\n".join(_door_line(item, language) for item in data.door.tables)
    html = _grid([head.to(language) for head in heads], rows, numbers=(1, 2))
    if data.part:
        html += tag("p", escape(_OF_ALL.to(language)), class_="crm-note")
    return Display(html, text)


def _door_row(item: TableReport, data: Data, language: Language) -> list[str]:
    out = [
        escape(sentences.say(_COUNTED, language, rows=formats.number(rows, language), why=reason(kind, language)))
        for kind, rows in item.left_out.items()
        if rows
    ]
    if later := data.cut.get(item.table, 0):
        out.append(
            escape(
                say(
                    _LATER,
                    language,
                    rows=formats.number(later, language),
                    day=formats.day(data.as_of, language, short=True),
                )
            )
        )
    columns = [
        escape(label.to(language) + word("colon", language) + word("list", language).join(names))
        for label, names in (
            (_PERSONAL, item.dropped_personal),
            (_UNUSED, item.unused),
            (_UNMAPPED, _unmapped(item, data, language)),
        )
        if names
    ]
    return [
        escape(_name(item.table, language)) + tag("small", escape(item.place)),
        formats.number(item.read, language),
        formats.number(item.kept, language),
        tag("div", "<br>".join(out), style="min-width:9em") if out else formats.MISSING,
        _days(item),
        "<br>".join(columns) or formats.MISSING,
    ]


def _unmapped(item: TableReport, data: Data, language: Language) -> list[str]:
    """The words of a column that nobody translated, those of few rows by their number alone."""
    said = []
    for column, words in item.unmapped.items():
        named = [name for name, rows in words.items() if rows >= data.settings.publish.smallest_group]
        if few := len(words) - len(named):
            named.append(say(_FEW_WORDS, language, n=formats.number(few, language)))
        said.append(f"{column} ({word('list', language).join(named)})")
    return said


def _days(item: TableReport) -> str:
    if not item.first:
        return formats.MISSING
    return tag("span", f"{escape(item.first)}<br>{escape(item.last)}", style="white-space:nowrap")


def _door_line(item: TableReport, language: Language) -> str:
    read, kept = (formats.number(rows, language) for rows in (item.read, item.kept))
    return f"{_name(item.table, language)}{word('colon', language)}{say(_LINE, language, read=read, kept=kept)}"


def reason(kind: str, language: Language) -> str:
    """Why rows were left out."""
    return LEFT_OUT[kind].to(language) if kind in LEFT_OUT else kind.replace("_", " ")


def filled(data: Data, *, language: Language = "en") -> Display:
    """The columns with gaps, table by table, emptiest first; tables without gaps in one line."""
    full = [item.table for item in data.door.tables if all(share >= 1 for share in item.filled.values())]
    rows, lines = [], []
    for item in data.door.tables:
        gaps = sorted(((share, name) for name, share in item.filled.items() if share < 1), key=lambda pair: pair)
        for place, (share, name) in enumerate(gaps):
            known = name in TABLES[item.table] if item.table in TABLES else False
            meaning = before_comma(TABLES[item.table][name].meaning.to(language)) if known else ""
            rows.append([
                escape(_name(item.table, language)) if place == 0 else "",
                tag("code", escape(name)) + (tag("small", escape(meaning)) if meaning else ""),
                bar(share),
                share_words(share, language),
            ])  # fmt: skip
            lines.append(f"{item.table}.{name}{word('colon', language)}{share_words(share, language)}")
    html = _grid([head.to(language) for head in (_TABLE, _COLUMN, _FILLED, _SHARE)], rows, numbers=(3,)) if rows else ""
    if full:
        names = word("list", language).join(_name(table, language) for table in full)
        html += tag("p", escape(say(_FULL, language, tables=names)), class_="crm-note")
    return Display(html, "\n".join(lines) or say(_FULL, language, tables=word("all", language)))


def share_words(share: float, language: Language) -> str:
    """A share that never rounds to 100 % or 0 % when it is not."""
    shown = min(max(share, 0.001), 0.999) if 0 < share < 1 else share
    return formats.percent(shown, language)


def _name(table: str, language: Language) -> str:
    text = before_comma(TABLES[table].meaning.to(language)) if table in TABLES else table
    return text[:1].upper() + text[1:]


def _grid(heads: Sequence[str], rows: Sequence[Sequence[str]], *, numbers: Sequence[int] = ()) -> str:
    """A table; the cells are HTML."""

    def kind(place: int) -> str | None:
        return "num" if place in numbers else None

    head = "".join(tag("th", escape(text), scope="col", class_=kind(place)) for place, text in enumerate(heads))
    body = "".join(
        tag("tr", tag("th", row[0], scope="row", style="font-weight:400")
            + "".join(tag("td", cell, class_=kind(place)) for place, cell in enumerate(row) if place))
        for row in rows
    )  # fmt: skip
    return tag(
        "div", tag("table", tag("thead", tag("tr", head)) + tag("tbody", body), class_="crm-table"), class_="crm-scroll"
    )


_TABLE, _READ, _KEPT = Text("数据表", "Table"), Text("读入行数", "Rows read"), Text("保留", "Kept")
_OUT, _DAYS = Text("剔除及原因", "Left out, and why"), Text("最早 / 最晚日期", "First / last day")
_COLUMNS, _PERSONAL, _UNUSED, _UNMAPPED = (
    Text("列的说明", "Columns"),
    Text("个人信息，不读入", "personal, not taken"),
    Text("未使用", "not used"),
    Text("未译，按原样保留的词", "words left as written, for want of a line in values"),
)
_FEW_WORDS = Text("另有 {n} 个少见的词", "{n} rare")
_COUNTED, _LATER = (
    Text("{rows} 行：{why}", "{rows}: {why}"),
    Text("{rows} 行晚于 {day}，不采用", "{rows} after {day}: not looked at"),
)
_OF_ALL = Text(
    "只计本报告所涉及的客户的行；读入时剔除的行见全体客户的报告。",
    "Rows of the customers of this report only; what was left out when the files were read stands in the report of all customers.",
)
_LINE = Text("读入 {read} 行，保留 {kept} 行", "{read} rows read, {kept} kept")
_COLUMN, _FILLED, _SHARE = Text("列", "Column"), Text("填写率", "Filled"), Text("占比", "Share")
_FULL = Text("每一列都已填满：{tables}。", "Full in every column: {tables}.")
