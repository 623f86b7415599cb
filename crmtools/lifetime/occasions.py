"""From orders to purchase occasions: one row per customer and day, on the engine.

Every model of this package, RFM and the cohorts count the same occasions, so the rules are written once:

* only completed orders count (an empty status means completed) and only up to the end of the window;
* refunds are netted per customer and day: ``net_amount`` minus ``refund_amount``;
* orders of one customer on one day are one occasion;
* a day whose net is negative, or whose refunds cancel everything paid, is no purchase;
* a day that cost nothing (a free order, never paid, never refunded) is a purchase by default, as in the
  published CDNOW figures; ``zero_days="drop"`` leaves it out.

Days are calendar days of ``ordered_at``, which the door has already turned into local time.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal, get_args

import ibis
import pandas as pd
import pyarrow as pa

from crmtools.errors import DataError, Problem, SettingsError, few, nearest
from crmtools.words import Text

ZeroDays = Literal["count", "drop"]

# Sums of money are floats on the engine; anything below half a cent is nothing.
_HALF_CENT = 0.005

REASONS: dict[str, Text] = {
    "incomplete": Text("缺少客户、日期或金额", "no customer, day or amount"),
    "outside": Text("不在观察期内", "outside the window of days"),
    "status": Text("已取消或已退货", "cancelled or returned"),
    "negative": Text("当日净额为负", "net of the day is negative"),
    "refunded": Text("当日全额退款", "refunds cancel the whole day"),
    "zero": Text("当日金额为零", "the day cost nothing"),
}


@dataclass(frozen=True, slots=True)
class Counts:
    """What became of every row read: ``rows == occasions + merged + sum(dropped)``.

    ``merged`` are rows that share a customer and a day with another counted row; ``dropped`` holds rows by
    reason (a key of ``REASONS``), reasons without rows left out.
    """

    rows: int
    merged: int
    dropped: tuple[tuple[str, int], ...]
    occasions: int
    customers: int

    def frame(self, language: Literal["en", "zh"] = "en") -> pd.DataFrame:
        """One row per fate of a row: what, rows."""
        lines = [(Text("读入的行", "rows read"), self.rows)]
        lines += [(REASONS[reason], -count) for reason, count in self.dropped]
        lines += [
            (Text("同日合并的行", "merged into the same day"), -self.merged),
            (Text("购买日", "purchase days"), self.occasions),
        ]
        return pd.DataFrame({"what": [text.to(language) for text, _ in lines], "rows": [n for _, n in lines]})


def as_table(orders: ibis.Table | pd.DataFrame) -> ibis.Table:
    """The orders as a table of the engine with the five columns used here.

    A frame is wrapped, not copied. ``status`` and ``refund_amount`` may be missing. Raises DataError for the
    rest.
    """
    if isinstance(orders, pd.DataFrame):
        needed = [name for name in _COLUMNS if name in orders.columns]
        orders = ibis.memtable(pa.Table.from_pandas(orders[needed], preserve_index=False))
    missing = [name for name in ("customer_id", "ordered_at", "net_amount") if name not in orders.columns]
    schema = orders.schema()
    problems = [Problem(f"orders · {name}", f"column missing. Found {few(orders.columns, 12)}.") for name in missing]
    if "ordered_at" in orders.columns and not (schema["ordered_at"].is_temporal()):
        problems.append(
            Problem(
                "orders · ordered_at",
                f"holds {schema['ordered_at']}, not dates: convert it first; days are not compared as text.",
            )
        )
    if problems:
        raise DataError.of(f"{len(problems)} problems in orders", problems)
    status = orders.status.fill_null("completed") if "status" in orders.columns else ibis.literal("completed")
    refund = orders.refund_amount.fill_null(0) if "refund_amount" in orders.columns else ibis.literal(0.0)
    return orders.select(
        customer_id=orders.customer_id,
        day=orders.ordered_at.date(),
        status=status,
        paid=orders.net_amount.cast("float64"),
        refunded=refund.cast("float64"),
    )


_COLUMNS = ("customer_id", "ordered_at", "status", "net_amount", "refund_amount")


def purchase_days(
    orders: ibis.Table | pd.DataFrame,
    *,
    until: date,
    since: date | None = None,
    zero_days: ZeroDays = "count",
) -> ibis.Table:
    """Counted occasions in [since, until]: customer_id, day, net, rows (orders merged into the day)."""
    days = _days(_countable(as_table(orders), since=since, until=until))
    return days.filter(_fate(days, zero_days) == "counted").select("customer_id", "day", "net", "rows")


def count_rows(
    orders: ibis.Table | pd.DataFrame,
    *,
    until: date,
    since: date | None = None,
    zero_days: ZeroDays = "count",
) -> Counts:
    """The record of rows read, merged and dropped behind ``purchase_days``; two small queries."""
    table = as_table(orders)
    reason = _row_fate(table, since=since, until=until)
    before = fetch(table.mutate(fate=reason).group_by("fate").agg(rows=ibis._.count()))
    days = _days(_countable(table, since=since, until=until))
    after = fetch(
        days.mutate(fate=_fate(days, zero_days))
        .group_by("fate")
        .agg(rows=ibis._.rows.sum(), days=ibis._.count(), customers=ibis._.customer_id.nunique())
    )
    counted = {name: int(after.loc[after["fate"] == "counted", name].sum()) for name in after.columns[1:]}
    fates = pd.concat([before[before["fate"] != "counted"], after]).set_index("fate")["rows"]
    return Counts(
        rows=int(before["rows"].sum()),
        merged=counted["rows"] - counted["days"],
        dropped=tuple((reason, int(fates[reason])) for reason in REASONS if reason in fates.index),
        occasions=counted["days"],
        customers=counted["customers"],
    )


def fetch(table: ibis.Table) -> pd.DataFrame:
    """The rows of a small result, dates as datetime64.

    By way of Arrow, because ibis 12 asks pandas 3 for a deprecated option when it makes a frame itself.
    """
    return table.to_pyarrow().to_pandas(date_as_object=False)


def check_choice(name: str, value: object, allowed: object) -> None:
    """Raise SettingsError when an argument is not one of a ``Literal``."""
    choices = get_args(allowed)
    if value not in choices:
        raise SettingsError(f"{name} is {value!r}. {nearest(str(value), choices)}")


def _row_fate(table: ibis.Table, *, since: date | None, until: date) -> ibis.Value:
    incomplete = table.customer_id.isnull() | table.day.isnull() | table.paid.isnull()
    outside = table.day > until
    if since is not None:
        outside = outside | (table.day < since)
    return ibis.cases(
        (incomplete, "incomplete"),
        (outside, "outside"),
        (table.status != "completed", "status"),
        else_="counted",
    )


def _countable(table: ibis.Table, *, since: date | None, until: date) -> ibis.Table:
    return table.filter(_row_fate(table, since=since, until=until) == "counted")


def _days(table: ibis.Table) -> ibis.Table:
    return (
        table.group_by("customer_id", "day")
        .agg(paid=table.paid.sum(), refunded=table.refunded.sum(), rows=table.count())
        .mutate(net=ibis._.paid - ibis._.refunded)
    )


def _fate(days: ibis.Table, zero_days: ZeroDays) -> ibis.Value:
    check_choice("zero_days", zero_days, ZeroDays)
    nothing = days.net.abs() < _HALF_CENT
    cases = [(days.net <= -_HALF_CENT, "negative"), (nothing & (days.refunded >= _HALF_CENT), "refunded")]
    if zero_days == "drop":
        cases.append((nothing, "zero"))
    return ibis.cases(*cases, else_="counted")
