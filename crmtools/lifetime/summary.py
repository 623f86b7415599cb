"""Customer summary: what the lifetime models know about a customer.

``frequency`` counts *repeat* purchase days (the first one is not a repeat), ``recency`` is the customer's age
at the last purchase and ``T`` the age at the end of observation: the x, t_x and T of Fader, Hardie & Lee
(2005). Recency is therefore not the recency of RFM, which is ``days_since_last``. Everything is computed on
the engine; ages are exact days divided by the unit, never rounded to it (merging days into weeks moves the
parameters by tens of per cent).
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Literal

import ibis
import numpy as np
import pandas as pd

from crmtools.errors import DataError, Problem, SettingsError, few
from crmtools.lifetime.grid import count_distinct, unique_rows
from crmtools.lifetime.occasions import Counts, ZeroDays, check_choice, count_rows, fetch, purchase_days

TimeUnit = Literal["days", "weeks", "months"]

# A month is a twelfth of a mean Gregorian year: 365.25 / 12 days, so that twelve of them are a year.
DAYS_PER: dict[TimeUnit, float] = {"days": 1.0, "weeks": 7.0, "months": 365.25 / 12}


@dataclass(frozen=True, slots=True)
class Patterns:
    """Customers grouped by equal (x, t_x, T): four float arrays of one length, weight the customers."""

    x: np.ndarray
    t_x: np.ndarray
    T: np.ndarray
    weight: np.ndarray
    unit: TimeUnit

    def __post_init__(self) -> None:
        _check_ages(self.x, self.t_x, self.T)


@dataclass(frozen=True, slots=True, eq=False)
class Summary:
    """One row per customer, observed to the end of ``as_of``.

    ``frame`` is indexed by ``customer_id`` with frequency (int), recency, T, days_since_last (float; recency
    and T in ``unit``) and monetary_value (mean net per repeat occasion, NaN without one). ``counts`` says
    what became of the rows read; it is None when the summary was built from a frame of summaries.
    """

    frame: pd.DataFrame
    unit: TimeUnit
    as_of: date
    counts: Counts | None = None

    def __post_init__(self) -> None:
        check_choice("unit", self.unit, TimeUnit)
        missing = [name for name in ("frequency", "recency", "T") if name not in self.frame.columns]
        if missing:
            raise DataError(f"A summary needs {few(missing)}; found {few(self.frame.columns, 12)}.")
        _check_ages(*self.ages(), index=self.frame.index)

    def __len__(self) -> int:
        return len(self.frame)

    def patterns(self) -> Patterns:
        """The unique (x, t_x, T) with their number of customers."""
        (x, t_x, T), weight = count_distinct(*self.ages())
        return Patterns(x, t_x, T, weight.astype(float), self.unit)

    def compressed(self) -> tuple[Patterns, np.ndarray]:
        """Patterns, and for every customer the position of its pattern."""
        (x, t_x, T), position, weight = unique_rows(*self.ages())
        return Patterns(x, t_x, T, weight.astype(float), self.unit), position

    def ages(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """x, t_x and T as floats."""
        frequency, recency, T = (self.frame[name].to_numpy(float) for name in ("frequency", "recency", "T"))
        return frequency, recency, T


@dataclass(frozen=True, slots=True, eq=False)
class CalibrationHoldout:
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
) -> Summary:
    """Frequency, recency, T and monetary value of every customer with a counted purchase.

    orders: neutral orders table (see ``occasions`` for what counts), or a frame with the same columns.
    as_of: the day the data end; T runs to it. until: an earlier end of observation (a calibration period);
    orders after it are not looked at. unit: of recency and T. Raises DataError for missing columns,
    SettingsError for an ``until`` after ``as_of``.
    """
    check_choice("unit", unit, TimeUnit)
    end = _end_of_observation(_day(as_of), until)
    table = fetch(_per_customer(orders, end, zero_days))
    counts = count_rows(orders, until=end, zero_days=zero_days)
    return Summary(_to_frame(table, unit), unit, end, counts)


def customer_patterns(
    orders: ibis.Table | pd.DataFrame,
    *,
    as_of: date | str,
    unit: TimeUnit = "days",
    until: date | str | None = None,
    zero_days: ZeroDays = "count",
) -> Patterns:
    """Unique (x, t_x, T) with weights, grouped on the engine: enough to fit any number of customers."""
    check_choice("unit", unit, TimeUnit)
    end = _end_of_observation(_day(as_of), until)
    customers = _per_customer(orders, end, zero_days)
    table = fetch(customers.group_by("frequency", "recency", "T").agg(weight=customers.count()))
    table = table.sort_values(["frequency", "recency", "T"])
    scale = DAYS_PER[unit]
    x, t_x, T, weight = (table[name].to_numpy(float) for name in ("frequency", "recency", "T", "weight"))
    return Patterns(x, t_x / scale, T / scale, weight, unit)


def calibration_holdout(
    orders: ibis.Table | pd.DataFrame,
    *,
    calibration_until: date | str,
    holdout_until: date | str,
    unit: TimeUnit = "days",
    zero_days: ZeroDays = "count",
) -> CalibrationHoldout:
    """Summary up to ``calibration_until``, and purchases and spend of the same customers after it.

    Customers who first bought during the holdout are not in it. Spend is the sum of net per counted purchase
    day.
    """
    split, end = _day(calibration_until), _day(holdout_until)
    if end <= split:
        raise SettingsError(f"holdout_until {end} must be after calibration_until {split}.")
    calibration = customer_summary(orders, as_of=split, unit=unit, zero_days=zero_days)
    days = purchase_days(orders, until=end, zero_days=zero_days).filter(ibis._.day > split)
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


def _per_customer(orders: ibis.Table | pd.DataFrame, end: date, zero_days: ZeroDays) -> ibis.Table:
    days = purchase_days(orders, until=end, zero_days=zero_days)
    customers = days.group_by("customer_id").agg(
        first=days.day.min(),
        last=days.day.max(),
        occasions=days.count(),
        net=days.net.sum(),
        # argmin, not first(order_by): the portable form
        first_net=days.net.argmin(days.day),
    )
    end_day = ibis.literal(end)
    return customers.select(
        customer_id=customers.customer_id,
        frequency=customers.occasions - 1,
        recency=customers["last"].delta(customers["first"], unit="day"),
        T=end_day.delta(customers["first"], unit="day"),
        repeat_net=customers.net - customers.first_net,
    )


def _to_frame(table: pd.DataFrame, unit: TimeUnit) -> pd.DataFrame:
    """Engine rows (days) to the frame of a Summary, sorted by customer."""
    scale = DAYS_PER[unit]
    table = table.set_index("customer_id").sort_index()
    frequency = table["frequency"].astype("int64")
    return pd.DataFrame(
        {
            "frequency": frequency,
            "recency": table["recency"] / scale,
            "T": table["T"] / scale,
            "monetary_value": (table["repeat_net"] / frequency.where(frequency > 0)).astype("float64"),
            "days_since_last": (table["T"] - table["recency"]).astype("int64"),
        }
    )


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
