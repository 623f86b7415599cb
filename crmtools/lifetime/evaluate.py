"""Is the model good? What it forecast for days it had not seen, against what happened."""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd

from crmtools.errors import DataError, SettingsError
from crmtools.lifetime.beta_geo import BetaGeo
from crmtools.lifetime.occasions import ZeroDays, fetch, purchase_days
from crmtools.lifetime.summary import DAYS_PER, CalibrationHoldout
from crmtools.words import Language, Text

if TYPE_CHECKING:  # matplotlib is imported by whoever has an Axes
    from matplotlib.axes import Axes

ACTUAL, EXPECTED = Text("实际", "actual"), Text("模型预期", "expected")
_GROUP_FROM = 7


@dataclass(frozen=True, slots=True, eq=False)
class HoldoutCheck:
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


def holdout_check(model: BetaGeo, split: CalibrationHoldout) -> HoldoutCheck:
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


def tracking(
    model: BetaGeo,
    orders: ibis.Table | pd.DataFrame,
    *,
    calibration_until: date,
    until: date,
    step_days: int = 7,
    zero_days: ZeroDays = "count",
) -> pd.DataFrame:
    """Repeat purchase days per step, actual and expected, of the customers met in the calibration.

    Indexed by ``end``, the last day of the step (steps begin with the first customer's first day; a last,
    incomplete one is left out): actual, expected (in the step), actual_cumulative, expected_cumulative,
    calibration (True while the step lies in the calibration). Counted on the engine; only counts per day
    leave it.
    """
    if until < calibration_until:
        raise SettingsError(f"until {until} is before calibration_until {calibration_until}.")
    days = purchase_days(orders, until=until, zero_days=zero_days)
    first = days.group_by("customer_id").agg(born=days.day.min())
    known = first.filter(first.born <= calibration_until)
    births = fetch(known.group_by("born").agg(customers=known.count())).set_index("born")["customers"]
    if births.empty:
        raise DataError(f"Nobody bought up to {calibration_until}.")
    repeat = days.inner_join(known, "customer_id")
    repeat = repeat.filter(repeat.day > repeat.born)
    sold = fetch(repeat.group_by("day").agg(purchases=repeat.count())).set_index("day")["purchases"]

    origin = births.index.min()
    # the first step is the first step_days days, both ends counted, as in BTYD's tracking tables
    steps = ((pd.Timestamp(until) - origin).days + 1) // step_days
    offset = np.arange(1, steps + 1) * step_days
    sold_at = (sold.index - origin).days.to_numpy()
    born_at = (births.index - origin).days.to_numpy()
    actual = np.array([sold.to_numpy()[sold_at < end].sum() for end in offset])
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
            "calibration": ends <= pd.Timestamp(calibration_until),
        },
        index=pd.Index(ends, name="end"),
    )


def plot_tracking(ax: "Axes", frame: pd.DataFrame, *, cumulative: bool = True, language: Language = "en") -> "Axes":
    """Draw ``tracking``'s frame: actual and expected repeat purchases; a line ends the calibration."""
    suffix = "_cumulative" if cumulative else ""
    ax.plot(frame.index, frame[f"actual{suffix}"], label=ACTUAL.to(language), color="black", linewidth=1.5)
    ax.plot(frame.index, frame[f"expected{suffix}"], label=EXPECTED.to(language), color="C0", linestyle="--")
    seen = frame.index[frame["calibration"]]
    if 0 < len(seen) < len(frame):
        ax.axvline(seen[-1], color="grey", linestyle=":", linewidth=1)
    title = (
        Text("累计复购次数", "Cumulative repeat purchases") if cumulative else Text("每期复购次数", "Repeat purchases")
    )
    ax.set_ylabel(title.to(language))
    ax.set_ylim(bottom=0)
    ax.legend(frameon=False)
    return ax


def plot_holdout(ax: "Axes", check: HoldoutCheck, *, language: Language = "en") -> "Axes":
    """Mean purchases in the holdout by calibration frequency, without empty groups."""
    table = check.by_frequency[check.by_frequency["customers"] > 0]
    place = np.arange(len(table))
    ax.bar(place - 0.2, table["actual"], width=0.4, label=ACTUAL.to(language), color="dimgrey")
    ax.bar(place + 0.2, table["expected"], width=0.4, label=EXPECTED.to(language), color="C0")
    ax.set_xticks(place, list(table.index))
    ax.set_xlabel(Text("校准期复购次数", "Repeat purchases in the calibration").to(language))
    ax.set_ylabel(Text("验证期人均购买次数", "Purchases per customer in the holdout").to(language))
    ax.legend(frameon=False)
    return ax
