"""Frames as tables for readers: labels and numbers of their language, one semantic table that follows light and dark.

Made by hand rather than with great-tables: its tables bring their own colours and some five kilobytes of style each, keep a
white ground in the dark and do not give way on a phone.
"""

from collections.abc import Callable, Mapping
from datetime import date
from html import escape
from types import MappingProxyType

import pandas as pd

from crmtools import formats as write
from crmtools.errors import SettingsError, nearest
from crmtools.indicators.units import UNITS, Unit
from crmtools.show import sentences
from crmtools.show.display import Display, tag
from crmtools.words import WORDS, Language, Text, word

Format = str | Unit | Callable[[object], str]
"""How a column is written: a unit or its id, one of ``FORMATS``, or a function from the value to plain text."""

FORMATS = ("text", "integer", "number", "day", "month", "yes_no")

COLUMNS: dict[str, Text] = {
    "now": Text("当前值", "Now"),
    "low": Text("区间下限", "Lower limit"),
    "high": Text("区间上限", "Upper limit"),
    "expected": Text("按计划应达", "Expected by now"),
    "elapsed": Text("已过时间", "Time over"),
    "gap_low": Text("差距下限", "Gap, lower limit"),
    "gap_high": Text("差距上限", "Gap, upper limit"),
    "progress_se": Text("进度的标准误", "Standard error of the progress"),
    "weight": Text("权重", "Weight"),
    "share": Text("占比", "Share"),
    "start": Text("开始", "Start"),
}
"""Headings of the frames that crmtools itself returns, beyond the shared words."""

NOTHING: Mapping[str, object] = MappingProxyType({})


def table(
    frame: pd.DataFrame,
    *,
    language: Language = "en",
    formats: Mapping[str, Format] = NOTHING,  # type: ignore[assignment]
    labels: Mapping[str, str | Text] = NOTHING,  # type: ignore[assignment]
    caption: str = "",
    currency: str = "",
    rows: int = 50,
) -> Display:
    """A frame as a table.

    Parameters
    ----------
    frame
        A named index becomes the first columns; a plain row number is left out.
    formats
        Per column: ``"percent"``, ``"money"``, ``"hours"`` or another unit, ``"integer"``, ``"day"``, a function. Columns that
        are not named are written by their type.
    labels
        Headings per column; those not given come from the shared words and the dictionary of tables, else from the name.
    caption, currency
        What the table shows; the currency of ``money`` columns.
    rows
        The most rows that are shown; a line below says how many there are.
    """
    if unknown := [name for name in formats if name not in {*frame.columns, *frame.index.names}]:
        raise SettingsError(f"formats names '{unknown[0]}'. {nearest(unknown[0], map(str, frame.columns))}")
    whole = frame if _numbered(frame) else frame.reset_index()
    shown = whole.head(rows)
    columns = [str(name) for name in shown.columns]
    numeric = [_is_number(shown.iloc[:, at], formats.get(name)) for at, name in enumerate(columns)]
    writers = [_writer(shown.iloc[:, at], formats.get(name), language, currency) for at, name in enumerate(columns)]
    heads = [_label(name, labels, language) for name in columns]
    head = "".join(
        tag("th", escape(text), scope="col", class_="num" if right else None) for text, right in zip(heads, numeric)
    )
    lines, text = [], ["\t".join(heads)]
    for record in shown.itertuples(index=False, name=None):
        cells = [writer(value) for writer, value in zip(writers, record)]
        first = tag("th", escape(cells[0]), scope="row", style="font-weight:400") if not numeric[0] else None
        rest = [tag("td", escape(cell), class_="num" if right else None) for cell, right in zip(cells, numeric)]
        lines.append(tag("tr", (first or rest[0]) + "".join(rest[1:])))
        text.append("\t".join(cells))
    above = tag("caption", escape(caption)) if caption else ""
    html = tag("table", above + tag("thead", tag("tr", head)) + tag("tbody", "".join(lines)), class_="crm-table")
    html = tag("div", html, class_="crm-scroll")
    if len(whole) > len(shown):
        more = sentences.say(
            _MORE, language, shown=write.number(len(shown), language), rows=write.number(len(whole), language)
        )
        html += tag("p", escape(more), class_="crm-note")
        text.append(more)
    return Display(html, "\n".join(text))


def _numbered(frame: pd.DataFrame) -> bool:
    return isinstance(frame.index, pd.RangeIndex) and frame.index.name is None


def _label(name: str, labels: Mapping[str, str | Text], language: Language) -> str:
    given = labels.get(name)
    if isinstance(given, Text):
        return given.to(language)
    if given is not None:
        return given
    if name == "n":
        return name
    if name in COLUMNS:
        return COLUMNS[name].to(language)
    if name in WORDS:
        return word(name, language)
    label = sentences.attribute(name, language)
    return label[:1].upper() + label[1:]


def _is_number(column: pd.Series, form: Format | None) -> bool:
    if isinstance(form, Unit) or form in ("integer", "number") or form in UNITS:
        return True
    if form is not None:
        return False
    return pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column)


def _writer(column: pd.Series, form: Format | None, language: Language, currency: str) -> Callable[[object], str]:
    if form is None:
        form = _form_of(column)
    if callable(form):
        return form
    unit = form if isinstance(form, Unit) else UNITS.get(form)
    if unit is not None and form not in FORMATS:
        return lambda value: write.quantity(_number(value), unit, language, currency, bare=True)
    match form:
        case "integer":
            return lambda value: write.number(_number(value), language, 0)
        case "number":
            return lambda value: write.number(_number(value), language)
        case "day":
            return lambda value: write.day(_day(value), language, short=True)
        case "month":
            return lambda value: write.month(_day(value), language)
        case "yes_no":
            return lambda value: write.MISSING if _gone(value) else (_YES if value else _NO).to(language)
        case "text":
            return lambda value: _text(value, language)
    raise SettingsError(f"'{form}' is no format. {nearest(str(form), [*FORMATS, *UNITS])}")


def _form_of(column: pd.Series) -> Format:
    if pd.api.types.is_bool_dtype(column):
        return "yes_no"
    if pd.api.types.is_integer_dtype(column):
        return "integer"
    if pd.api.types.is_numeric_dtype(column):
        return "number"
    if pd.api.types.is_datetime64_any_dtype(column):
        return "day"
    return "text"


def _number(value: object) -> float | None:
    return None if _gone(value) else float(value)  # type: ignore[arg-type]


def _day(value: object) -> date | None:
    if _gone(value):
        return None
    return value if isinstance(value, date) else pd.Timestamp(value).date()  # type: ignore[arg-type]


def _gone(value: object) -> bool:
    return value is None or (pd.api.types.is_scalar(value) and bool(pd.isna(value)))


def _text(value: object, language: Language) -> str:
    if isinstance(value, Text):
        return value.to(language)
    if _gone(value):
        return write.MISSING
    if isinstance(value, bool):
        return (_YES if value else _NO).to(language)
    if isinstance(value, date):
        return write.day(value, language, short=True)
    return write.number(value, language) if isinstance(value, int | float) else str(value)


_YES, _NO = Text("是", "yes"), Text("否", "no")
_MORE = Text("显示前 {shown} 行，共 {rows} 行。", "The first {shown} of {rows} rows.")
