"""Customer summary: what the lifetime models know about a customer.

``frequency`` counts *repeat* purchase days (the first one is not a repeat), ``recency`` is the customer's age
at the last purchase and ``T`` the age at the end of observation: the x, t_x and T of Fader, Hardie & Lee
(2005). Recency is therefore not the recency of RFM, which is ``days_since_last``. They are made of orders in
:mod:`crmtools.lifetime.from_orders`.

``unit`` is what ages are given in: exact days divided by its length, never rounded. ``resolution`` is something else: what is
one purchase. Merging into weeks or months moves the parameters by tens of per cent (``occasions.COARSE``), so it is the day
unless somebody asks, who is then warned.
"""

from dataclasses import dataclass
from datetime import date
from typing import Literal, TypeVar

import numpy as np
import pandas as pd

from crmtools.errors import DataError, Problem, SettingsError, few
from crmtools.lifetime.grid import count_distinct, unique_rows
from crmtools.lifetime.occasions import COARSE, Counts, Resolution, check_choice
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


def in_unit(ages: Ages, resolution: Resolution, unit: TimeUnit) -> Ages:
    """Ages counted in periods of the resolution, in the unit; not rounded."""
    return ages * DAYS_PER[resolution] / DAYS_PER[unit]


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
