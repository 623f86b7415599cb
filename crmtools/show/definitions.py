"""What an indicator means and how it is computed, from its declaration and the data at hand."""

import re
from html import escape, unescape

from latex2mathml.converter import convert

from crmtools import formats
from crmtools.estimating import not_computable, resolve, tables_read
from crmtools.indicators.catalogue import CATALOGUE, DIMENSIONS, EXCLUSIONS, OWNERS, Indicator, Tier, find
from crmtools.measuring import measure, sql
from crmtools.readiness import readiness
from crmtools.show.card_views import reason_words
from crmtools.show.display import Display, tag
from crmtools.show.readiness_views import advice, what_is_missing
from crmtools.show.sentences import before_comma, say
from crmtools.tables import TABLES
from crmtools.tables.source import Data
from crmtools.words import Language, Text, word


def definition(indicator: str | Indicator, data: Data, *, language: Language = "en") -> Display:
    """Meaning, formula, unit, direction, assumptions in force, worked example, source, tables, what is left out, and the query.

    Works for an indicator that cannot be computed from these data, too: it then says what is missing.
    """
    item = find(indicator)
    rows = [(label.to(language), content) for label, content in _rows(item, data, language) if content]
    body = "".join(tag("tr", tag("th", escape(name), scope="row") + tag("td", content)) for name, content in rows)
    html = tag(
        "div", tag("table", tag("tbody", body), class_="crm-table crm-definition"), class_="crm-scroll"
    ) + _query(item, data, language)
    colon = word("colon", language)
    text = "\n".join(f"{name}{colon}{_plain(content, item)}" for name, content in rows)
    return Display(html, text)


def _plain(content: str, item: Indicator) -> str:
    """A cell for a terminal, the formula as its LaTeX."""
    if "<math" in content:
        return item.formula
    return " ".join(unescape(re.sub(r"<[^>]+>", " ", content)).split())


def formula(latex: str) -> str:
    """A formula as MathML, which browsers draw without a script; its LaTeX where it cannot be turned into one."""
    try:
        element = convert(latex)
    except Exception:  # noqa: BLE001  # latex2mathml raises some twenty unrelated classes
        return tag("code", escape(latex))
    named = element.replace("<math ", f'<math displaystyle="true" alttext="{escape(latex)}" ', 1)
    return tag("span", named, class_="crm-formula notranslate")


def _rows(item: Indicator, data: Data, language: Language) -> list[tuple[Text, str]]:
    source = _citation(item.source)
    return [
        (_MEANING, escape(item.meaning.to(language))),
        (_FORMULA, formula(item.formula) if item.formula else ""),
        (_WORKED, tag("code", escape(item.worked)) + tag("small", _BY_HAND.to(language)) if item.worked else ""),
        (_DIMENSION, escape(DIMENSIONS[item.dimension].to(language))),
        (
            _KIND,
            escape(f"{item.kind.label.to(language)} · {item.unit.name.to(language)} · {word(item.better, language)}"),
        ),
        (_TIER, escape(TIERS[item.tier].to(language))),
        (_ASSUMPTIONS, _assumptions(item, data, language)),
        (_TABLES, _tables(item, data, language)),
        (_MISSING, _missing(item, data, language)),
        (_EXCLUDED, _excluded(item, data, language)),
        (_CAVEAT, escape(item.caveat.to(language))),
        (_OWNER, escape(OWNERS[item.owner].to(language))),
        (_SOURCE, escape(source)),
    ]


def _assumptions(item: Indicator, data: Data, language: Language) -> str:
    """Every assumption with the value in force; one that differs from the declaration says so."""
    parts = []
    for name, value in resolve(item, data, {}).items():
        meaning = item.assumption_words[name].to(language)
        changed = value != item.assumptions[name]
        note = say(_CHANGED, language, default=written(item.assumptions[name], language)) if changed else ""
        if name in item.choices:
            note += say(_CHOICES, language, choices=word("list", language).join(item.choices[name]))
        small = tag("small", escape(meaning + note))
        parts.append(tag("div", tag("code", escape(name)) + " = " + escape(written(value, language)) + small))
    return "".join(parts)


def written(value: object, language: Language) -> str:
    """The value of an assumption."""
    if isinstance(value, bool):
        return (_YES if value else _NO).to(language)
    return formats.number(value, language) if isinstance(value, int | float) else str(value)


def _tables(item: Indicator, data: Data, language: Language) -> str:
    """The tables and columns it is made of; what it can do without is in brackets."""
    lines = []
    for name in tables_read(item, data, {}):
        columns = ", ".join(column if needed else f"({column})" for column, needed in item.columns(name))
        lines.append(
            tag(
                "div",
                escape(before_comma(TABLES[name].meaning.to(language)))
                + tag("small", tag("code", escape(f"{name}: {columns}"))),
            )
        )
    return "".join(lines)


def _missing(item: Indicator, data: Data, language: Language) -> str:
    """What is missing and how to get it, or what the indicator waits for."""
    if not not_computable(item, data):
        return ""
    one = readiness(data, {**CATALOGUE, item.id: item}.values())[item.id]
    how = advice(one, language)
    return escape(what_is_missing(one, language)) + (tag("small", escape(how)) if how else "")


def _excluded(item: Indicator, data: Data, language: Language) -> str:
    """Why rows may not count, with how many did not in the period that is reported."""
    if not item.excludes:
        return ""
    found = dict(measure(item, data).excluded)
    lines = []
    for reason in item.excludes:
        words = EXCLUSIONS[reason].to(language) if reason in EXCLUSIONS else reason_words(reason, language)
        rows = formats.number(found.get(reason, 0), language)
        lines.append(tag("div", escape(say(_ROWS, language, words=words, rows=rows))))
    return "".join(lines)


def _query(item: Indicator, data: Data, language: Language) -> str:
    """The query, folded; nothing where the indicator cannot be computed."""
    if not_computable(item, data):
        return ""
    summary = tag("summary", escape(_QUERY.to(language)))
    return tag("details", summary + tag("pre", tag("code", escape(sql(item, data)))), class_="crm-query")


def _citation(key: str) -> str:
    """``reichheld2003`` as a reader writes it."""
    if key in _BODIES:
        return _BODIES[key]
    if match := re.fullmatch(r"([a-z]+)(\d{4})[a-z]*", key):
        return f"{match[1].capitalize()} ({match[2]})"
    if match := re.fullmatch(r"(iso|cos|gb|gbt)(\d+)", key):
        return f"{match[1].upper()} {match[2]}"
    return key


_MEANING, _FORMULA = Text("含义", "Meaning"), Text("公式", "Formula")
_BODIES = {"aapor2023": "AAPOR (2023)", "crf": "Credit Research Foundation", "ifrs9": "IFRS 9"}
"""Sources that are no persons, as a reader writes them."""
_WORKED = Text("手算示例", "Worked example")
_BY_HAND = Text("微型公司 2025 年第四季度", "the tiny company, Q4 2025")
_DIMENSION, _KIND = Text("维度", "Dimension"), Text("类型 · 单位 · 方向", "Kind · unit · direction")
_TIER = Text("层次", "Tier")
TIERS: dict[Tier, Text] = {
    "core": Text("核心：两篇源文章所列", "core: named in the two source articles"),
    "extension": Text("扩展：源文章之外", "extension: beyond the two source articles"),
}
_ASSUMPTIONS, _TABLES = Text("口径（本报告所用）", "Assumptions in force"), Text("所用数据", "Data it reads")
_MISSING, _EXCLUDED = Text("缺少", "Missing"), Text("不计入", "Left out")
_CAVEAT, _OWNER, _SOURCE = Text("注意", "Beware"), Text("负责部门", "Owner"), Text("来源", "Source")
_CHOICES = Text("；可选：{choices}", "; one of {choices}")
_CHANGED = Text("（默认值 {default}）", " (by default {default})")
_ROWS = Text("{words}：本期 {rows} 条", "{words}: {rows} in this period")
_QUERY = Text("查询语句（SQL）", "The query (SQL)")
_YES, _NO = Text("是", "yes"), Text("否", "no")
