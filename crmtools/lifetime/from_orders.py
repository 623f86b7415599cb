"""Customer summaries and patterns from orders.

DuckDB's rows are fetched and sorted here (:mod:`crmtools.lifetime.in_order`), which takes half the time of grouping them
twice; other engines group.
"""

from datetime import date, datetime, timedelta

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa

from crmtools.errors import SettingsError
from crmtools.lifetime.grid import count_distinct
from crmtools.lifetime.in_order import PATTERN, at_hand, in_order
from crmtools.lifetime.occasions import (
    COUNTED,
    Counts,
    Resolution,
    ZeroDays,
    by_customer,
    check_choice,
    counts_of,
    fetch,
    period_of,
    purchase_days,
    warn_if_coarse,
)
from crmtools.lifetime.order_frame import parsed
from crmtools.lifetime.summary import CalibrationHoldout, Patterns, SpendPatterns, Summary, TimeUnit, in_unit


def customer_summary(
    orders: ibis.Table | pd.DataFrame,
    *,
    as_of: date | str,
    unit: TimeUnit = "days",
    until: date | str | None = None,
    zero_days: ZeroDays = "count",
    resolution: Resolution = "days",
) -> Summary:
    """Frequency, recency, T and monetary value of every customer with a counted purchase.

    orders: neutral orders table (see ``occasions`` for what counts), or a frame with the same columns.
    as_of: the day the data end; T runs to it. until: an earlier end of observation (a calibration period);
    orders after it are not looked at. unit: of recency and T. resolution: what is one occasion; ages of weeks and months are
    then whole numbers of them, and a warning says what that does to a fit. Raises DataError for missing columns and values
    that cannot be understood, SettingsError for an ``until`` after ``as_of``.

    Where the orders are DuckDB's (or a frame), customers are told apart by a hash of 64 bits: of ten million, two are taken for one
    in one case of four hundred thousand.
    """
    warn_if_coarse(resolution)
    orders, end = _observed(orders, as_of, until, unit)
    customers, counts = (_by_sorting if at_hand(orders) else _by_grouping)(orders, end, zero_days, resolution)
    return Summary(_to_frame(customers, resolution, unit), unit, end, counts, resolution)


def customer_patterns(
    orders: ibis.Table | pd.DataFrame,
    *,
    as_of: date | str,
    unit: TimeUnit = "days",
    until: date | str | None = None,
    zero_days: ZeroDays = "count",
    resolution: Resolution = "days",
) -> Patterns:
    """Unique (x, t_x, T) with weights: enough to fit any number of customers, within the engine's memory.

    Where the engine sorts, customers are told apart by a hash of 64 bits: of ten million, two are taken for one in one case of
    four hundred thousand.
    """
    warn_if_coarse(resolution)
    orders, end = _observed(orders, as_of, until, unit)
    if at_hand(orders):
        found = in_order(orders, until=end, zero_days=zero_days, resolution=resolution)
        (x, t_x, T), weight = count_distinct(*(found.columns[name] for name in PATTERN))
        counts = counts_of(found.fates)
    else:
        customers, keys = _per_customer(orders, end, zero_days, resolution), ["fate", "frequency", "recency", "T"]
        sums = {"customers": customers.count(), "rows": customers.rows.sum(), "occasions": customers.occasions.sum()}
        table = fetch(customers.group_by(keys).agg(**sums).order_by(keys))
        counted = table[table["fate"] == COUNTED]
        x, t_x, T, weight = (counted[name].to_numpy(float) for name in (*keys[1:], "customers"))
        counts = counts_of(table)
    return Patterns(x, in_unit(t_x, resolution, unit), in_unit(T, resolution, unit), weight, unit, counts)


def spend_patterns(
    orders: ibis.Table | pd.DataFrame,
    *,
    as_of: date | str,
    until: date | str | None = None,
    zero_days: ZeroDays = "count",
    resolution: Resolution = "days",
    step: float = 0.01,
) -> SpendPatterns:
    """Unique (x, mean net per repeat occasion) with weights, grouped on the engine, of customers with a repeat.

    What a customer brought is rounded to ``step`` before it is divided by x: the default only takes away what floats add to
    cents; a larger step gives fewer rows, and no mean is off by more than half of it.
    """
    warn_if_coarse(resolution)
    if not step > 0:
        raise SettingsError(f"step is {step!r}; it must be above zero: 0.01 is a cent.")
    end = _end_of_observation(_day(as_of), until)
    customers = _per_customer(orders, end, zero_days, resolution).filter(ibis._.frequency > 0)
    # floor, since engines round halves each in their way
    steps = (customers.repeat_net / step + 0.5).floor().cast("int64")
    found = customers.group_by(customers.frequency, steps=steps).agg(weight=ibis._.count())
    table = fetch(found).sort_values(["frequency", "steps"])
    x, total, weight = (table[name].to_numpy(float) for name in ("frequency", "steps", "weight"))
    return SpendPatterns(x, total * step / x, weight)


def calibration_holdout(
    orders: ibis.Table | pd.DataFrame,
    *,
    calibration_until: date | str,
    holdout_until: date | str,
    unit: TimeUnit = "days",
    zero_days: ZeroDays = "count",
    resolution: Resolution = "days",
) -> CalibrationHoldout:
    """Summary up to ``calibration_until``, and purchases and spend of the same customers after it.

    Customers who first bought during the holdout are not in it. Spend is the sum of net per counted purchase day, and
    purchases are days whatever the resolution of the calibration is: what came about is not merged.
    """
    split, end = _day(calibration_until), _day(holdout_until)
    if end <= split:
        raise SettingsError(f"holdout_until {end} must be after calibration_until {split}.")
    table = _on_engine(orders)
    calibration = customer_summary(table, as_of=split, unit=unit, zero_days=zero_days, resolution=resolution)
    days = purchase_days(table, since=split + timedelta(days=1), until=end, zero_days=zero_days)
    later = fetch(days.group_by("customer_id").agg(purchases=days.count(), spend=days.net.sum()))
    holdout = later.set_index("customer_id").reindex(calibration.frame.index, fill_value=0)
    return CalibrationHoldout(calibration, holdout.astype({"purchases": "int64", "spend": "float64"}), split, end)


def _on_engine(orders: ibis.Table | pd.DataFrame) -> ibis.Table:
    """A frame is parsed once, however many queries are asked of it."""
    return ibis.memtable(parsed(orders)) if isinstance(orders, pd.DataFrame) else orders


def _by_sorting(
    orders: ibis.Table, end: date, zero_days: ZeroDays, resolution: Resolution
) -> tuple[pd.DataFrame, Counts]:
    """Customers in order of their ids, and the record of rows."""
    found = in_order(orders, until=end, zero_days=zero_days, resolution=resolution, ids=True)
    table = pa.table({"customer_id": found.customer_id, "place": np.arange(len(found.columns["T"]))})
    by_id = ibis.memtable(table).order_by("customer_id")
    # on the engine that has the orders, whichever ibis takes for its own
    named = orders.get_backend().to_pyarrow(by_id).to_pandas(date_as_object=False)
    place = named.pop("place").to_numpy()
    return named.assign(**{name: column[place] for name, column in found.columns.items()}), counts_of(found.fates)


def _by_grouping(
    orders: ibis.Table, end: date, zero_days: ZeroDays, resolution: Resolution
) -> tuple[pd.DataFrame, Counts]:
    """The same from any engine."""
    customers = _per_customer(orders, end, zero_days, resolution).order_by("fate", "customer_id")
    table = fetch(customers.mutate(customers=1))
    counted = table[table["fate"] == COUNTED]
    if not counted["customer_id"].is_monotonic_increasing:  # databases may order texts in another way
        counted = counted.sort_values("customer_id")
    return counted, counts_of(table)


def _per_customer(
    orders: ibis.Table | pd.DataFrame, end: date, zero_days: ZeroDays, resolution: Resolution
) -> ibis.Table:
    """By customer and fate: frequency, recency and T in ``resolution``, days since the last purchase, and money.

    What is not counted has only fate, rows and occasions.
    """
    customers = by_customer(orders, until=end, zero_days=zero_days, resolution=resolution)
    end_day = ibis.literal(end)

    def age(begin: ir.Value, to: ir.Value) -> ir.Value:
        return to.delta(begin, unit="day") if resolution == "days" else to - begin

    counts = customers.fate == COUNTED
    first, last = counts.ifelse(customers["first"], None), customers["last"]
    return customers.select(
        fate=customers.fate,
        customer_id=customers.customer_id,
        frequency=counts.ifelse(customers.occasions - 1, None),
        recency=age(first, last),
        T=age(first, period_of(end_day, resolution)),
        days_since_last=end_day.delta(customers.last_day, unit="day"),
        repeat_net=customers.net - customers.first_net,
        rows=customers.rows,
        occasions=customers.occasions,
    )


def _to_frame(table: pd.DataFrame, resolution: Resolution, unit: TimeUnit) -> pd.DataFrame:
    """Customers in order to the frame of a Summary."""
    table = table.set_index("customer_id")
    frequency = table["frequency"].astype("int64")
    return pd.DataFrame(
        {
            "frequency": frequency,
            "recency": in_unit(table["recency"], resolution, unit),
            "T": in_unit(table["T"], resolution, unit),
            "monetary_value": (table["repeat_net"] / frequency.where(frequency > 0)).astype("float64"),
            "days_since_last": table["days_since_last"].astype("int64"),
        }
    )


def _observed(
    orders: ibis.Table | pd.DataFrame, as_of: date | str, until: date | str | None, unit: TimeUnit
) -> tuple[ibis.Table, date]:
    """The orders on an engine, and the day on which observation ends."""
    check_choice("unit", unit, TimeUnit)
    end = _end_of_observation(_day(as_of), until)
    return _on_engine(orders), end


def _end_of_observation(as_of: date, until: date | str | None) -> date:
    end = as_of if until is None else _day(until)
    if end > as_of:
        raise SettingsError(f"until {end} is after as_of {as_of}: nothing is known about those days.")
    return end


def _day(value: date | str) -> date:
    """A date from a date, a timestamp or ISO text."""
    if isinstance(value, datetime):
        return value.date()
    return value if isinstance(value, date) else date.fromisoformat(value)
