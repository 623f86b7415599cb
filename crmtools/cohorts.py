"""Cohorts by first purchase: how many come back, and what they bring, by age.

A customer belongs to the period of the first counted purchase; age k is the k-th period after it, age 0 the
period itself. A cell is *mature* when its whole calendar period has been observed; an immature cell is
hidden, because the end of an unfinished period always looks like churn.
"""

from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Literal

import ibis
import numpy as np
import pandas as pd
from statsmodels.stats.proportion import proportion_confint

from crmtools.errors import DataError
from crmtools.indicators.kinds.reasons import SMALL_FOR_MEAN
from crmtools.intervals import z_of
from crmtools.lifetime.occasions import Counts, ZeroDays, check_choice, count_rows, fetch, purchase_days
from crmtools.shown import Shown
from crmtools.words import Language, Text

if TYPE_CHECKING:  # matplotlib is imported by whoever has an Axes
    from matplotlib.axes import Axes

    from crmtools.cohort_projection import RetentionProjection

CohortBy = Literal["month", "quarter", "year"]

PER_YEAR: dict[CohortBy, int] = {"month": 12, "quarter": 4, "year": 1}
_FREQUENCY: dict[CohortBy, str] = {"month": "M", "quarter": "Q", "year": "Y"}
_AGE: dict[CohortBy, Text] = {
    "month": Text("首购后第几个月", "Months since the first purchase"),
    "quarter": Text("首购后第几个季度", "Quarters since the first purchase"),
    "year": Text("首购后第几年", "Years since the first purchase"),
}
_ENDS = ("", "_low", "_high")
_COHORT, _RETENTION = Text("首购时间", "First purchase"), Text("留存率", "Retention")


@dataclass(frozen=True, slots=True, eq=False)
class Cohorts(Shown):
    """Retention and revenue by cohort and age.

    ``cells`` has one row per cohort and age from 0 to the age the cohort has begun at ``as_of``: cohort
    (first day, datetime64), label ("2025-03", "2025-Q1", "2025"), age, size, mature, and, NaN while immature:
    active, retention, low, high (Wilson), revenue (net), revenue_per_customer, cumulative_revenue_per_customer (over the
    size), each of these two with ``_low`` and ``_high`` (delta method on the log scale, over customers with those who did not
    buy as 0; NaN for cohorts below 30 customers).
    """

    cells: pd.DataFrame
    by: CohortBy
    as_of: date
    level: float
    counts: Counts

    @property
    def frame(self) -> pd.DataFrame:
        """The ``cells``."""
        return self.cells

    def matrix(self, column: str = "retention") -> pd.DataFrame:
        """One column of ``cells`` as cohort labels x ages."""
        # one row per cell, so there is nothing for pivot_table to aggregate
        return self.cells.pivot(index="label", columns="age", values=column)  # noqa: PD010

    def pooled(self) -> pd.DataFrame:
        """Retention by age over all mature cells: cohorts, active, size, retention, low, high.

        Sum of active over sum of size, so that a cohort counts by its customers; ages with no mature cell are
        left out.
        """
        mature = self.cells[self.cells["mature"]]
        table = mature.groupby("age").agg(cohorts=("size", "count"), active=("active", "sum"), size=("size", "sum"))
        return table.assign(retention=table["active"] / table["size"], **_wilson(table, self.level))


def retention(
    orders: ibis.Table | pd.DataFrame,
    *,
    as_of: date,
    by: CohortBy = "month",
    level: float = 0.95,
    zero_days: ZeroDays = "count",
) -> Cohorts:
    """Cohorts of first purchase by month, quarter or year, up to and including ``as_of``.

    Grouped on the engine: only one row per cohort and age leaves it. Raises DataError when nobody bought.
    """
    check_choice("by", by, CohortBy)
    days = purchase_days(orders, until=as_of, zero_days=zero_days)
    days = days.mutate(period=_period_number(days.day, by))
    # periods of a customer first, cohorts second
    active = days.group_by("customer_id", "period").agg(revenue=days.net.sum())
    first = active.group_by("customer_id").agg(born=active.period.min())
    joined = active.inner_join(first, "customer_id")
    joined = joined.mutate(age=joined.period - joined.born)
    # what a customer has brought by now: its square grows by this, so that sums over ages are sums over customers
    so_far = ibis.window(group_by="customer_id", order_by="age", preceding=None, following=0)
    joined = joined.mutate(total=joined.revenue.sum().over(so_far))
    growth = joined.total * joined.total - (joined.total - joined.revenue) * (joined.total - joined.revenue)
    found = fetch(
        joined.group_by("born", "age").agg(
            active=joined.count(),
            revenue=joined.revenue.sum(),
            squares=(joined.revenue * joined.revenue).sum(),
            growth=growth.sum(),
        )
    )
    if found.empty:
        raise DataError(f"Nobody has a counted purchase up to {as_of}.")
    counts = count_rows(orders, until=as_of, zero_days=zero_days)
    return Cohorts(_cells(found, by, as_of, level), by, as_of, level, counts)


def project(orders: ibis.Table | pd.DataFrame, cohorts: Cohorts, *, ahead: int = 12) -> "RetentionProjection | None":
    """What BG/NBD expects of the retention by age: see :func:`crmtools.cohort_projection.project_retention`."""
    from crmtools.cohort_projection import project_retention

    return project_retention(orders, cohorts, ahead=ahead)


def plot_retention_heatmap(ax: "Axes", cohorts: Cohorts, *, language: Language = "en") -> "Axes":
    """Retention by cohort and age, the share printed in every mature cell; age 0 (100 %) is left out."""
    matrix = cohorts.matrix().drop(columns=0, errors="ignore")
    values = matrix.to_numpy(float)
    top = np.nanmax(values, initial=0.01)
    ax.imshow(np.ma.masked_invalid(values), aspect="auto", cmap="Blues", vmin=0, vmax=top)
    for row, column in zip(*np.nonzero(np.isfinite(values)), strict=True):
        share = values[row, column]
        colour = "white" if share > 0.7 * top else "black"
        ax.text(column, row, f"{100 * share:.0f}", ha="center", va="center", fontsize=8, color=colour)
    ax.set_xticks(range(matrix.shape[1]), [str(age) for age in matrix.columns])
    ax.set_yticks(range(matrix.shape[0]), list(matrix.index))
    ax.set_xlabel(_AGE[cohorts.by].to(language))
    ax.set_ylabel(_COHORT.to(language))
    return ax


def plot_retention_curve(ax: "Axes", cohorts: Cohorts, *, language: Language = "en") -> "Axes":
    """Pooled retention by age with its interval; axis in per cent."""
    table = cohorts.pooled().drop(index=0, errors="ignore")
    ax.fill_between(table.index, 100 * table["low"], 100 * table["high"], alpha=0.2, linewidth=0)
    ax.plot(table.index, 100 * table["retention"], marker="o", markersize=4)
    ax.set_ylim(bottom=0)
    ax.set_xlabel(_AGE[cohorts.by].to(language))
    ax.set_ylabel(f"{_RETENTION.to(language)} (%)")
    return ax


def _period_number(day: ibis.Value, by: CohortBy) -> ibis.Value:
    """Periods counted through the years, so that ages are differences."""
    within = {"month": day.month(), "quarter": day.quarter(), "year": ibis.literal(1)}[by]
    return (day.year() * PER_YEAR[by] + within - 1).cast("int64")


def _cells(found: pd.DataFrame, by: CohortBy, as_of: date, level: float) -> pd.DataFrame:
    """Fill the triangle (no purchase is a zero, not a hole) and hide what was not observed to its end."""
    size = found[found["age"] == 0].set_index("born")["active"]
    now = pd.Period(as_of, _FREQUENCY[by])
    last = _number(now, by)
    # the period of as_of itself is complete only when as_of is its last day
    complete = last if now.end_time.date() == as_of else last - 1
    grid = [(born, age) for born in sorted(size.index) for age in range(last - born + 1)]
    cells = found.set_index(["born", "age"]).reindex(
        pd.MultiIndex.from_tuples(grid, names=["born", "age"]), fill_value=0
    )
    cells = cells.reset_index()
    born = cells["born"].to_numpy()
    periods = {number: pd.Period(ordinal=now.ordinal - (last - number), freq=_FREQUENCY[by]) for number in size.index}
    out = pd.DataFrame(
        {
            "cohort": [periods[number].start_time for number in born],
            "label": [_label(periods[number], by) for number in born],
            "age": cells["age"].astype("int64"),
            "size": size.loc[born].to_numpy("int64"),
            "mature": born + cells["age"] <= complete,
            "active": cells["active"].astype("float64"),
            "revenue": cells["revenue"].astype("float64"),
        }
    )
    by_cohort = cells.groupby("born")[["revenue", "growth"]].cumsum()
    out["retention"] = out["active"] / out["size"]
    for name, values in _wilson(out, level).items():
        out[name] = values
    out["revenue_per_customer"] = out["revenue"] / out["size"]
    out["cumulative_revenue_per_customer"] = by_cohort["revenue"].to_numpy() / out["size"]
    sums = {
        "revenue_per_customer": (out["revenue"], cells["squares"]),
        "cumulative_revenue_per_customer": (by_cohort["revenue"], by_cohort["growth"]),
    }
    for name, (total, squares) in sums.items():
        limits = _mean_limits(out["size"].to_numpy(float), total.to_numpy(float), squares.to_numpy(float), level)
        out[f"{name}_low"], out[f"{name}_high"] = limits
    hidden = ["active", "retention", "low", "high", "revenue", *(f"{name}{end}" for name in sums for end in _ENDS)]
    out[hidden] = out[hidden].where(out["mature"])
    return out[["cohort", "label", "age", "size", "mature", *hidden]]


def _mean_limits(n: np.ndarray, total: np.ndarray, squares: np.ndarray, level: float) -> tuple[np.ndarray, np.ndarray]:
    """The interval of total / n over customers, from sums; NaN below 30 customers and where nothing was brought."""
    mean = total / n
    known = (n >= SMALL_FOR_MEAN) & (mean > 0)
    with np.errstate(divide="ignore", invalid="ignore"):
        variance = np.maximum(squares / n - mean**2, 0) / (n - 1)
        reach = np.exp(z_of(level) * np.sqrt(variance) / mean)
    return np.where(known, mean / reach, np.nan), np.where(known, mean * reach, np.nan)


def _wilson(table: pd.DataFrame, level: float) -> dict[str, np.ndarray]:
    active, size = table["active"].to_numpy(float), table["size"].to_numpy(float)
    low, high = proportion_confint(active, size, alpha=1 - level, method="wilson")
    # at 0 % and 100 % rounding leaves the share outside by one last digit
    return {"low": np.minimum(low, active / size), "high": np.maximum(high, active / size)}


def _number(period: pd.Period, by: CohortBy) -> int:
    within = {"month": period.month, "quarter": period.quarter, "year": 1}[by]
    return period.year * PER_YEAR[by] + within - 1


def _label(period: pd.Period, by: CohortBy) -> str:
    return {
        "month": f"{period.year}-{period.month:02d}",
        "quarter": f"{period.year}-Q{period.quarter}",
        "year": str(period.year),
    }[by]
