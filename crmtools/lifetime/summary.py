"""Customer summary: what the lifetime models know about a customer.

``frequency`` counts *repeat* purchase days (the first one is not a repeat), ``recency`` is the customer's age
at the last purchase and ``T`` the age at the end of observation: the x, t_x and T of Fader, Hardie & Lee
(2005). Recency is therefore not the recency of RFM, which is ``days_since_last``. DuckDB's rows are fetched and
sorted here (:mod:`crmtools.lifetime.in_order`), other engines group them.

``unit`` is what ages are given in: exact days divided by its length, never rounded. ``resolution`` is something else: what is
one purchase. Merging into weeks or months moves the parameters by tens of per cent (``occasions.COARSE``), so it is the day
unless somebody asks, who is then warned.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Literal, TypeVar

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa

from crmtools.errors import DataError, Problem, SettingsError, few
from crmtools.lifetime.grid import count_distinct, unique_rows
from crmtools.lifetime.in_order import PATTERN, at_hand, in_order
from crmtools.lifetime.occasions import (
    COARSE,
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
from crmtools.shown import Shown
from crmtools.words import Text

TimeUnit = Literal["days", "weeks", "months"]
Ages = TypeVar("Ages", pd.Series, np.ndarray)

# A month is a twelfth of a mean Gregorian year: 365.25 / 12 days, so that twelve of them are a year.
DAYS_PER: dict[TimeUnit, float] = {"days": 1.0, "weeks": 7.0, "months": 365.25 / 12}
_CHECKED = 16_384
"""Customers checked at a time: what is compared stays in the cache."""


@dataclass(frozen=True, slots=True)
class Patterns(Shown):
    """Customers grouped by equal (x, t_x, T): four float arrays of one length, weight the customers.

    ``counts`` says what became of the rows read where they were made of orders.
    """

    x: np.ndarray
    t_x: np.ndarray
    T: np.ndarray
    weight: np.ndarray
    unit: TimeUnit
    counts: Counts | None = None

    def __post_init__(self) -> None:
        _check_ages(self.x, self.t_x, self.T)


@dataclass(frozen=True, slots=True)
class SpendPatterns(Shown):
    """Repeat buyers grouped by equal (x, m), all that the Gamma-Gamma model asks: three float arrays of one length.

    ``m`` is the mean net per repeat occasion, ``weight`` the customers. Customers whose repeat occasions brought nothing in
    all are among them with m = 0.
    """

    x: np.ndarray
    m: np.ndarray
    weight: np.ndarray


@dataclass(frozen=True, slots=True, eq=False)
class Summary(Shown):
    """One row per customer, observed to the end of ``as_of``.

    ``frame`` is indexed by ``customer_id`` with frequency (int), recency, T, days_since_last (float; recency
    and T in ``unit``) and monetary_value (mean net per repeat occasion, NaN without one). ``counts`` says
    what became of the rows read; it is None when the summary was built from a frame of summaries. ``resolution`` is
    what was one occasion.
    """

    frame: pd.DataFrame
    unit: TimeUnit
    as_of: date
    counts: Counts | None = None
    resolution: Resolution = "days"

    def __post_init__(self) -> None:
        check_choice("unit", self.unit, TimeUnit)
        missing = [name for name in ("frequency", "recency", "T") if name not in self.frame.columns]
        if missing:
            raise DataError(f"A summary needs {few(missing)}; found {few(self.frame.columns, 12)}.")
        _check_ages(*self.ages(), index=self.frame.index)

    def __len__(self) -> int:
        return len(self.frame)

    @property
    def notes(self) -> tuple[Text, ...]:
        """What a reader of anything fitted to it must know."""
        return (COARSE[self.resolution],) if self.resolution in COARSE else ()

    def patterns(self) -> Patterns:
        """The unique (x, t_x, T) with their number of customers."""
        frequency = self.frame["frequency"]
        # whole numbers of numpy as they are: as floats they would be copied
        x = frequency.to_numpy() if frequency.dtype == np.int64 else frequency.to_numpy(float)
        (x, t_x, T), weight = count_distinct(x, *(self.frame[name].to_numpy(float) for name in ("recency", "T")))
        return Patterns(x, t_x, T, weight, self.unit)

    def compressed(self) -> tuple[Patterns, np.ndarray]:
        """Patterns, and for every customer the position of its pattern."""
        (x, t_x, T), position, weight = unique_rows(*self.ages())
        return Patterns(x, t_x, T, weight.astype(float), self.unit), position

    def ages(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """x, t_x and T as floats."""
        frequency, recency, T = (self.frame[name].to_numpy(float) for name in ("frequency", "recency", "T"))
        return frequency, recency, T


@dataclass(frozen=True, slots=True, eq=False)
class CalibrationHoldout(Shown):
    """Customers seen until ``calibration_until`` and what they did afterwards.

    ``holdout`` is indexed like ``calibration.frame``: purchases (purchase days) and spend (net) in the days
    after ``calibration_until`` up to and including ``holdout_until``; ``duration`` is that stretch in the
    summary's unit.
    """

    calibration: Summary
    holdout: pd.DataFrame
    calibration_until: date
    holdout_until: date

    @property
    def unit(self) -> TimeUnit:
        """The time unit of the calibration summary."""
        return self.calibration.unit

    @property
    def duration(self) -> float:
        """Length of the holdout in ``unit``."""
        return (self.holdout_until - self.calibration_until).days / DAYS_PER[self.unit]

    @property
    def frame(self) -> pd.DataFrame:
        """Calibration and holdout columns side by side, one row per customer."""
        return self.calibration.frame.join(self.holdout)


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
    check_choice("unit", unit, TimeUnit)
    warn_if_coarse(resolution)
    end = _end_of_observation(_day(as_of), until)
    orders = _on_engine(orders)
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
    check_choice("unit", unit, TimeUnit)
    warn_if_coarse(resolution)
    end = _end_of_observation(_day(as_of), until)
    orders = _on_engine(orders)
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
    return Patterns(x, _in_unit(t_x, resolution, unit), _in_unit(T, resolution, unit), weight, unit, counts)


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


def horizon_in(horizon: float | str, unit: TimeUnit) -> float:
    """A horizon in ``unit``: a number as it is, text such as "26 weeks" converted."""
    if isinstance(horizon, str):
        number, _, name = horizon.strip().partition(" ")
        name = name.strip() if name.strip().endswith("s") else name.strip() + "s"
        if name not in DAYS_PER or not number.replace(".", "", 1).isdigit():
            raise SettingsError(
                f"horizon is {horizon!r}. Write a number and a unit: '26 weeks', '180 days', '12 months'."
            )
        return float(number) * DAYS_PER[name] / DAYS_PER[unit]
    if not horizon > 0:
        raise SettingsError(f"horizon is {horizon!r}; it must be above zero.")
    return float(horizon)


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
            "recency": _in_unit(table["recency"], resolution, unit),
            "T": _in_unit(table["T"], resolution, unit),
            "monetary_value": (table["repeat_net"] / frequency.where(frequency > 0)).astype("float64"),
            "days_since_last": table["days_since_last"].astype("int64"),
        }
    )


def _in_unit(ages: Ages, resolution: Resolution, unit: TimeUnit) -> Ages:
    """Ages counted in periods of the resolution, in the unit; not rounded."""
    return ages * DAYS_PER[resolution] / DAYS_PER[unit]


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


def _check_ages(x: np.ndarray, t_x: np.ndarray, T: np.ndarray, index: pd.Index | None = None) -> None:
    """The impossible customers, each with its own sentence (after pymc-marketing's checks)."""
    starts = range(0, len(x), _CHECKED)
    if all(_possible(*(ages[begin : begin + _CHECKED] for ages in (x, t_x, T))) for begin in starts):
        return
    rules = (
        ("frequency", "must be a whole number, zero or more", (x < 0) | (x != np.floor(x)) | np.isnan(x)),
        ("recency", "must lie between 0 and T", (t_x < 0) | (t_x > T) | np.isnan(t_x) | np.isnan(T)),
        ("recency", "must be 0 when frequency is 0", (x == 0) & (t_x != 0)),
        ("recency", "must be above 0 when frequency is above 0", (x > 0) & (t_x == 0)),
    )
    problems = []
    for column, rule, bad in rules:
        if bad.any():
            where = np.flatnonzero(bad)
            ids = index[where] if index is not None else where
            problems.append(Problem(f"summary · {column}", f"{rule}; {len(where)} rows are not: {few(ids)}"))
    if problems:
        raise DataError.of(f"{len(problems)} problems in the customer summary", problems)


def _possible(x: np.ndarray, t_x: np.ndarray, T: np.ndarray) -> bool:
    """Whether nothing is wrong with any of the customers; what is missing compares false."""
    fits = (x >= 0) & (x == np.floor(x)) & (t_x >= 0) & (t_x <= T) & ((x > 0) == (t_x > 0))
    return bool(fits.all())
