"""The data dictionary: every table and column a source may have, in both languages, from the schema."""

from pathlib import Path
from typing import Any

import crmtools
from crmtools.tables import TABLES
from crmtools.tables.schema import TYPE_WORDS, Column, Table

FILE = Path(crmtools.__file__).parent.parent / "data" / "README.md"

INTRODUCTION = """\
# Data dictionary · 数据字典

Written by `crmtools dictionary --write` from the schema in `crmtools/tables/`; do not edit it here.
由 `crmtools dictionary --write` 根据 `crmtools/tables/` 中的表结构生成，请勿直接修改本文件。

Every table is optional: an indicator whose tables are missing says so, and the report goes on without it. A
file is named after its table (`orders.csv`, `.tsv`, `.parquet`, `.xlsx`); other names, headers and values are
mapped in the parameters file under `source.tables`. Columns marked ● are needed once the table is there.
Identifiers are replaced by pseudonyms, columns marked *personal* are dropped when the data are read, unless
`source.keep_personal` names them with a reason.

所有表均为可选：缺少某表时，相关指标会注明无法计算，报告照常生成。文件以表名命名；其他名称、列名与取值可在
参数文件的 `source.tables` 中对应。标 ● 的列在该表存在时必填。标识列读入时即替换为化名；标“个人信息”的列读入时即
丢弃，除非在 `source.keep_personal` 中写明理由予以保留。

Times are read in the report's time zone; amounts are in the row's `currency`, or in the report's currency where
it is empty.

时间按报告时区读取；金额以该行 `currency` 为准，留空则为报告币种。
"""


def as_records() -> list[dict[str, Any]]:
    """Every column as plain values, in the order of the schema."""
    return [
        {
            "table": table.name,
            "column": column.name,
            "type": column.type,
            "required": column.required,
            "key": column.name in table.key,
            "personal": column.personal,
            "values": list(column.values),
            "refers": column.refers,
            "meaning": {"zh": column.meaning.zh, "en": column.meaning.en},
        }
        for table in TABLES.values()
        for column in table.columns
    ]


def as_text() -> str:
    """The dictionary as Markdown."""
    contents = "\n".join(
        f"- [`{table.name}`](#{table.name}): {table.meaning.en} · {table.meaning.zh}" for table in TABLES.values()
    )
    return "\n".join([INTRODUCTION, contents, "", *(_table(table) for table in TABLES.values())]).rstrip() + "\n"


def _table(table: Table) -> str:
    key = ", ".join(f"`{name}`" for name in table.key) or "none · 无"
    lines = [
        f"## {table.name}",
        "",
        f"{_first_upper(table.meaning.en)}. {table.meaning.zh}。",
        "",
        f"Key · 主键: {key}." + (f" A row begins to exist at · 行的起始时间: `{table.time}`." if table.time else ""),
        "",
        "| column · 列 | type · 类型 | ● | legal values · 取值 | meaning | 含义 |",
        "|---|---|---|---|---|---|",
        *(_row(column) for column in table.columns),
        "",
    ]
    return "\n".join(lines)


def _row(column: Column) -> str:
    kind = f"{TYPE_WORDS[column.type].en} · {TYPE_WORDS[column.type].zh}"
    if column.personal:
        kind += ", *personal · 个人信息*"
    values = ", ".join(f"`{value}`" for value in column.values)
    if column.refers:
        values = f"→ `{column.refers}`"
    cells = [
        f"`{column.name}`",
        kind,
        "●" if column.required else "",
        values,
        column.meaning.en,
        column.meaning.zh,
    ]
    return "| " + " | ".join(cell.replace("|", "\\|") for cell in cells) + " |"


def _first_upper(text: str) -> str:
    return text[:1].upper() + text[1:]
