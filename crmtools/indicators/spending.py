"""What was spent in a period on some purposes, with the part of the shared cost that they are given."""

from collections.abc import Sequence
from typing import Literal

import ibis
import ibis.expr.types as ir

from crmtools.indicators.facts import Periods
from crmtools.words import Text

Key = Literal["none", "direct", "equal", "all"]
KEYS = ("none", "direct", "equal", "all")
KEY_WORDS = Text(
    "公共费用如何分摊：none 不分摊，direct 按直接费用占比，equal 按用途均分，all 全部计入",
    "how shared cost is allocated: none of it, in proportion to the direct spend, the same for each purpose, or all of it",
)
DIRECT = ("acquisition", "retention", "service")


def spent(spend: ir.Table, periods: Periods, on: Sequence[str], shared: Key) -> ir.Table:
    """One row per period with spend: ``value`` under the key, ``least`` and ``most`` under any, ``records`` that made it up.

    Columns ``period``, ``first_day``, ``end_day`` besides. Where nothing is booked directly, there is no proportion, and the
    key ``direct`` gives each purpose the same.
    """
    rows = periods.rows(spend.rename(spent_on="period"), "spent_on")
    own, pool = rows.category.isin(list(on)), rows.category == "shared"
    direct = rows.category.isin(list(DIRECT))
    sums = rows.group_by(["period", "first_day", "end_day"]).aggregate(
        own=ibis.ifelse(own, rows.amount, 0.0).sum(),
        direct=ibis.ifelse(direct, rows.amount, 0.0).sum(),
        pool=ibis.ifelse(pool, rows.amount, 0.0).sum(),
        records=(own | pool).cast("int64").sum(),
    )
    equal = len(on) / len(DIRECT)
    parts = {
        "none": ibis.literal(0.0),
        "direct": (sums.own / sums.direct.nullif(0)).fill_null(equal).clip(0.0, 1.0),
        "equal": ibis.literal(equal),
        "all": ibis.literal(1.0),
    }
    return sums.select(
        "period",
        "first_day",
        "end_day",
        "records",
        value=sums.own + parts[shared] * sums.pool,
        least=sums.own + ibis.least(sums.pool, 0.0),
        most=sums.own + ibis.greatest(sums.pool, 0.0),
    )
