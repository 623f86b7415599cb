"""What the members of each segment, as scored at one date, did in the period after it."""

from datetime import date

import ibis
import numpy as np
import pandas as pd

from crmtools import intervals
from crmtools.errors import SettingsError
from crmtools.indicators.kinds.reasons import SMALL_FOR_MEAN, SMALL_FOR_RATIO
from crmtools.indicators.moments import seed_of
from crmtools.lifetime.occasions import ZeroDays, fetch, purchase_days
from crmtools.rfm.scores import SEGMENTS, Rfm

ALL = "all"


def next_period(
    scored: Rfm,
    orders: ibis.Table | pd.DataFrame,
    *,
    until: date,
    level: float = 0.95,
    zero_days: ZeroDays = "count",
) -> pd.DataFrame:
    """Who bought, how often and for how much, in the days after ``scored.as_of`` up to ``until``.

    One row per segment, best first, and ``all``: customers, buyers, bought (share with a purchase day), purchases and spend (purchase
    days and net per member, those who did not buy included), revenue (net of all members), each of the first three with
    ``_low`` and ``_high`` (Wilson for the share, :func:`mean_interval` for the means). NaN for empty segments.
    """
    if until <= scored.as_of:
        raise SettingsError(f"until {until} must be after the date of the scores, {scored.as_of}.")
    days = purchase_days(orders, until=until, zero_days=zero_days).filter(ibis._.day > scored.as_of)
    later = fetch(days.group_by("customer_id").agg(purchases=days.count(), spend=days.net.sum())).set_index(
        "customer_id"
    )
    members = later.reindex(scored.frame.index, fill_value=0).astype("float64")
    rows = {
        key: _row(members if key == ALL else members[scored.frame["segment"] == key], level) for key in (*SEGMENTS, ALL)
    }
    table = pd.DataFrame.from_dict(rows, orient="index").rename_axis("segment")
    return table.astype({"customers": "int64", "buyers": "int64"})


def _row(members: pd.DataFrame, level: float) -> dict[str, float]:
    n = len(members)
    buyers = int((members["purchases"] > 0).sum())
    row = {"customers": n, "buyers": buyers, "revenue": float(members["spend"].sum())}
    bought = buyers / n if n else np.nan
    row |= _named("bought", bought, intervals.wilson(bought, n, level) if n else (np.nan, np.nan))
    for name in ("purchases", "spend"):
        values = members[name].to_numpy(float)
        row |= _named(name, float(values.mean()) if n else np.nan, mean_interval(values, level))
    return row


def mean_interval(values: np.ndarray, level: float) -> tuple[float, float]:
    """The interval of a mean with heavy tails, as the catalogue's ratios have it.

    Bootstrap-t on the log scale below 2,000 customers, the delta method above; NaN below 30 customers and where all are equal.
    Not on the log scale where refunds of earlier purchases put customers below zero.
    """
    n, ones = len(values), np.ones(len(values))
    if n < SMALL_FOR_MEAN or np.ptp(values) == 0:
        return np.nan, np.nan
    mean, log = float(values.mean()), bool(values.min() >= 0)
    found = None
    if n < SMALL_FOR_RATIO:
        found = intervals.bootstrap_t(values, ones, log=log, seed=seed_of(values, ones), level=level)
    if found is None:
        variance = float(values.var(ddof=1)) / n
        found = intervals.log_delta(mean, variance, level) if log else intervals.t_interval(mean, variance, n, level)
    return found


def _named(name: str, value: float, limits: tuple[float, float]) -> dict[str, float]:
    return {name: value, f"{name}_low": limits[0], f"{name}_high": limits[1]}
