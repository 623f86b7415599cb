"""Days sales outstanding from what is open and what was billed month by month."""

from datetime import date

import pandas as pd

from crmtools.indicators.kinds import CENSUS
from crmtools.indicators.ledger import NOTHING
from crmtools.indicators.moments import Assumptions, Figures
from crmtools.period import add_months
from crmtools.words import Text

PATTERN = ("end_day", "months_ago")
OPEN = -1
"""``months_ago`` of the rows that hold what is open; 0 is the month that ends with the period."""
MOST_MONTHS = 24
SIMPLE_MONTHS = 3
TOO_MUCH = Text(
    "未收金额超过最近 24 个月的赊销额，无法倒推",
    "more is open than was sold on credit in 24 months: it cannot be counted back",
)
NO_SALES = Text("最近三个月没有赊销", "nothing was sold on credit in the last three months")


def days_outstanding(patterns: pd.DataFrame, assumptions: Assumptions, level: float) -> Figures:
    """The days of sales that are open at the period's end; ``weight`` of the open rows is the number of customers."""
    end = pd.Timestamp(patterns["end_day"].iloc[0]).date()
    amounts = dict(zip(patterns["months_ago"], patterns["value"], strict=True))
    counts = dict(zip(patterns["months_ago"], patterns["weight"], strict=True))
    owed = float(amounts.get(OPEN, 0.0))
    sales = [float(amounts.get(back, 0.0)) for back in range(MOST_MONTHS)]
    if assumptions["method"] == "simple":
        sold = sum(sales[:SIMPLE_MONTHS])
        days = owed / sold * (end - add_months(end, -SIMPLE_MONTHS)).days if sold > 0 else None
        why = NO_SALES
    else:
        days, why = _counted_back(owed, sales, end), TOO_MUCH
    n, rows = int(counts.get(OPEN, 0)), int(patterns["rows"].sum())
    if days is None:
        return Figures(n=n, rows=rows, numerator=owed, why=why)
    return Figures(days, n=n, rows=rows, numerator=owed, method="census", why=CENSUS)


def _counted_back(owed: float, sales: list[float], end: date) -> float | None:
    """The days whose sales make up what is owed, latest month first and the last month in part."""
    days = 0.0
    for back, sold in enumerate(sales):
        if owed <= NOTHING:
            return days
        length = (add_months(end, -back) - add_months(end, -back - 1)).days
        if owed <= sold:
            return days + length * owed / sold
        owed, days = owed - sold, days + length
    return days if owed <= NOTHING else None
