"""Histories on whole opportunities, for BG/BB: did a customer buy in a calendar period or not?

For companies whose customers buy at most once per period (a donation a year, a box a month), or where only that is known.
Where days are known, purchases merged into periods tell the other models less than the days do.
"""

from datetime import date, timedelta
from typing import Literal

import ibis
import pandas as pd

from crmtools.lifetime.occasions import ZeroDays, check_choice, count_rows, fetch, purchase_days
from crmtools.lifetime.summary import Summary
from crmtools.period import Period

Every = Literal["weeks", "months"]


def opportunities(
    orders: ibis.Table | pd.DataFrame, *, as_of: date | str, every: Every = "months", zero_days: ZeroDays = "count"
) -> Summary:
    """One opportunity per calendar period after that of a customer's first purchase: purchase days in it, or none.

    orders: neutral orders table (see ``occasions`` for what counts), or a frame with the same columns. as_of: the day the data
    end; a period that it cuts short is no opportunity, and orders in it are not looked at. Weeks begin on Monday.

    The summary's frequency counts opportunities with a purchase, recency is the number of the last of them, T how many there
    were (unit: ``every``); monetary_value is the mean net of an opportunity with a purchase, NaN without one. Its as_of is the
    end of the last whole period. Raises DataError for missing columns, SettingsError for an unknown period.
    """
    check_choice("every", every, Every)
    end = _last_whole(pd.Timestamp(as_of).date(), every)
    days = purchase_days(orders, until=end, zero_days=zero_days)
    days = days.mutate(period=_number(days.day, every))
    born = days.group_by("customer_id").agg(born=days.period.min(), last_day=days.day.max())
    periods = days.group_by("customer_id", "period").agg(net=days.net.sum()).inner_join(born, "customer_id")
    later = periods.period > periods.born
    table = fetch(
        periods.group_by("customer_id", "born", "last_day").agg(
            frequency=periods.count(where=later),
            last=periods.period.max(),
            net=periods.net.sum(where=later),
            T=_number(ibis.literal(end), every) - periods.born.max(),
        )
    )
    table = table.set_index("customer_id").sort_index()
    frequency = table["frequency"].astype("int64")
    frame = pd.DataFrame(
        {
            "frequency": frequency,
            "recency": (table["last"] - table["born"]).astype("float64"),
            "T": table["T"].astype("float64"),
            "monetary_value": (table["net"] / frequency.where(frequency > 0)).astype("float64"),
            "days_since_last": (pd.Timestamp(end) - table["last_day"]).dt.days.astype("int64"),
        }
    )
    return Summary(frame, every, end, count_rows(orders, until=end, zero_days=zero_days))


def _number(day: ibis.Value, every: Every) -> ibis.Value:
    """The running number of the calendar period that holds a day."""
    if every == "months":
        return day.year() * 12 + day.month()
    # the first day of the calendar was a Monday
    return (day.delta(ibis.literal(date(1, 1, 1)), unit="day") // 7).cast("int64")


def _last_whole(as_of: date, every: Every) -> date:
    """The last day of the last period that has ended by the end of ``as_of``."""
    tomorrow = as_of + timedelta(days=1)
    first = (
        Period.containing(tomorrow, "month").start if every == "months" else tomorrow - timedelta(tomorrow.weekday())
    )
    return first - timedelta(days=1)
