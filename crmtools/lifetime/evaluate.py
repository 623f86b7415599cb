"""Is the model good? What it forecast for days it had not seen, against what happened."""

from dataclasses import dataclass
from datetime import date

import ibis
import numpy as np
import pandas as pd

from crmtools.errors import DataError, SettingsError
from crmtools.lifetime.model import PurchaseModel
from crmtools.lifetime.occasions import ZeroDays, fetch, purchase_days
from crmtools.lifetime.summary import DAYS_PER, CalibrationHoldout
from crmtools.shown import Shown

_GROUP_FROM = 7
_WAVE = 4


@dataclass(frozen=True, slots=True, eq=False)
class HoldoutCheck(Shown):
    """Actual and expected purchase days after the calibration.

    mae, rmse and bias (expected minus actual, per customer) and correlation are over customers; by_frequency
    has one row per calibration frequency 0..6, 7+: customers, actual, expected (means per customer),
    actual_total, expected_total.
    """

    customers: int
    actual_total: int
    expected_total: float
    mae: float
    rmse: float
    bias: float
    correlation: float
    by_frequency: pd.DataFrame

    @property
    def error(self) -> float:
        """Expected total over actual total, minus one; NaN when nobody bought."""
        return self.expected_total / self.actual_total - 1 if self.actual_total else float("nan")


def holdout_check(model: PurchaseModel, split: CalibrationHoldout) -> HoldoutCheck:
    """Compare ``model`` (fitted on ``split.calibration``) with the holdout, customer by customer."""
    if not len(split.calibration):
        raise DataError("There are no customers in the calibration.")
    expected = model.expected_purchases(split.calibration, horizon=split.duration)["value"]
    actual = split.holdout["purchases"]
    error = (expected - actual).to_numpy()
    varied = np.ptp(actual) > 0 and np.ptp(expected) > 0
    frequency = split.calibration.frame["frequency"].clip(upper=_GROUP_FROM)
    label = frequency.astype(str).mask(frequency == _GROUP_FROM, f"{_GROUP_FROM}+")
    order = [*map(str, range(_GROUP_FROM)), f"{_GROUP_FROM}+"]
    groups = pd.DataFrame({"actual": actual, "expected": expected}).groupby(label.to_numpy())
    table = groups.mean().assign(customers=groups.size()).join(groups.sum().add_suffix("_total")).reindex(order)
    table["customers"] = table["customers"].fillna(0).astype("int64")
    columns = ["customers", "actual", "expected", "actual_total", "expected_total"]
    return HoldoutCheck(
        customers=len(actual),
        actual_total=int(actual.sum()),
        expected_total=float(expected.sum()),
        mae=float(np.abs(error).mean()),
        rmse=float(np.sqrt((error**2).mean())),
        bias=float(error.mean()),
        correlation=float(np.corrcoef(actual, expected)[0, 1]) if varied else float("nan"),
        by_frequency=table[columns].rename_axis("frequency"),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Calendar:
    """Repeat purchase days per day, and customers by the day of their first purchase, of those met in a calibration.

    ``births`` and ``sold`` are indexed by day; counted on the engine, only counts per day leave it.
    """

    births: pd.Series
    sold: pd.Series
    calibration_until: date
    until: date


def purchase_calendar(
    orders: ibis.Table | pd.DataFrame, *, calibration_until: date, until: date, zero_days: ZeroDays = "count"
) -> Calendar:
    """What ``tracking`` follows, counted once for any number of models.

    Raises SettingsError for an ``until`` before the calibration's end, DataError when nobody had bought by then.
    """
    if until < calibration_until:
        raise SettingsError(f"until {until} is before calibration_until {calibration_until}.")
    days = purchase_days(orders, until=until, zero_days=zero_days)
    first = days.group_by("customer_id").agg(born=days.day.min())
    known = first.filter(first.born <= calibration_until)
    births = fetch(known.group_by("born").agg(customers=known.count())).set_index("born")["customers"].sort_index()
    if births.empty:
        raise DataError(f"Nobody bought up to {calibration_until}.")
    repeat = days.inner_join(known, "customer_id")
    repeat = repeat.filter(repeat.day > repeat.born)
    sold = fetch(repeat.group_by("day").agg(purchases=repeat.count())).set_index("day")["purchases"]
    return Calendar(births, sold.sort_index(), calibration_until, until)


def tracking(model: PurchaseModel, calendar: Calendar, *, step_days: int = 7) -> pd.DataFrame:
    """Repeat purchase days per step, actual and expected, of the customers met in the calibration.

    Indexed by ``end``, the last day of the step (steps begin with the first customer's first day; a last,
    incomplete one is left out): actual, expected (in the step), actual_cumulative, expected_cumulative,
    calibration (True while the step lies in the calibration).
    """
    births, sold = calendar.births, calendar.sold
    origin = births.index.min()
    # the first step is the first step_days days, both ends counted, as in BTYD's tracking tables
    steps = ((pd.Timestamp(calendar.until) - origin).days + 1) // step_days
    offset = np.arange(1, steps + 1) * step_days
    sold_at = np.asarray((sold.index - origin).days)
    born_at = np.asarray((births.index - origin).days)
    sums = np.concatenate([[0], np.cumsum(sold.to_numpy())])
    actual = sums[np.searchsorted(sold_at, offset)]
    # E[X(t)] once per whole age in days, then a sum over birth days for every step
    ages = np.arange(1, offset.max(initial=1) + 1) / DAYS_PER[model.unit]
    growth = np.concatenate([[0.0], np.asarray(model.expected_purchases_new_customer(horizon=ages))])
    counts = births.to_numpy(float)
    expected = np.array([counts @ growth[np.maximum(end - born_at, 0)] for end in offset])
    ends = origin + pd.to_timedelta(offset - 1, unit="D")
    return pd.DataFrame(
        {
            "actual": np.diff(actual, prepend=0),
            "expected": np.diff(expected, prepend=0),
            "actual_cumulative": actual,
            "expected_cumulative": expected,
            "calibration": ends <= pd.Timestamp(calendar.calibration_until),
        },
        index=pd.Index(ends, name="end"),
    )


@dataclass(frozen=True, slots=True)
class Wave:
    """Four weeks in which customers bought far more, or far less, than a model without seasons expects."""

    first_day: date
    last_day: date
    actual: int
    expected: float


def largest_wave(weeks: pd.DataFrame) -> Wave | None:
    """The largest of them in the frame of ``tracking``; None when no four weeks stray by a quarter and by more than chance.

    Purchases of many customers are close to a Poisson count: five standard errors, since the largest of many is looked for.
    What the model misses as a whole is taken out first: a level that is wrong is not a season.
    """
    if len(weeks) < 2 * _WAVE or weeks["expected"].sum() <= 0:
        return None
    level = weeks["actual"].sum() / weeks["expected"].sum()
    sums = weeks[["actual", "expected"]].rolling(_WAVE).sum().dropna()
    expected = sums["expected"] * level
    off = (sums["actual"] - expected).abs()
    far = off[(off > 0.25 * expected) & (off > 5 * np.sqrt(expected)) & (expected > 25)]
    if far.empty:
        return None
    end = (far / expected[far.index]).idxmax()
    first = end - pd.Timedelta(days=7 * _WAVE - 1)
    return Wave(first.date(), end.date(), int(sums["actual"][end]), float(expected[end]))
