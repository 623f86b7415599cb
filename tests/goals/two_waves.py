"""Estimates of one indicator made from numbers of customers, as the package's own kinds make them."""

from functools import cache

import numpy as np
import pandas as pd

import crmtools as crm
from crmtools import Estimate, Period, intervals
from crmtools.goals.detectable import Waves, needed, smallest_between
from crmtools.goals.form import form_of, size_of
from crmtools.indicators.moments import Request, Sums
from crmtools.simulate import simulate_frames

BEFORE, NOW = Period.parse("2024-Q4"), Period.parse("2025-Q4")
AS_OF = NOW.last_day
REQUEST = Request(None, (), None, {}, 0.95)


def estimate(kind, v, w=None, *, period=NOW, rows=None) -> Estimate:
    """The estimate of one wave; ``v`` and ``w`` are per customer, ``rows`` the rows of each (one unless said)."""
    v = np.asarray(v, dtype=float)
    w = np.ones(len(v)) if w is None else np.asarray(w, dtype=float)
    squares = w.sum() if rows is None else float((w**2 / np.asarray(rows)).sum())
    count = len(v) if rows is None else int(np.sum(rows))
    sums = Sums(len(v), count, v.sum(), w.sum(), (v * v).sum(), (v * w).sum(), (w * w).sum(), np.abs(v).sum(), squares)
    found = kind.figures(sums, REQUEST, pd.DataFrame({"v": v, "w": w}) if kind.resample(sums) else None)
    return Estimate(
        "made_up", period, AS_OF, found.value, found.low, found.high, found.se, n=found.n, rows=found.rows,
        numerator=found.numerator, denominator=found.denominator, method=found.method, why=found.why,
    )  # fmt: skip


def shares(cases: int, of: int, *, period=NOW, rare: bool = False) -> Estimate:
    """So many cases among so many independent customers, taken at their full number."""
    share = cases / of
    low, high = (intervals.clopper_pearson if rare else intervals.wilson)(share, of)
    return Estimate(
        "made_up", period, AS_OF, share, low, high, float(np.sqrt(share * (1 - share) / of)), n=of, rows=of,
        numerator=float(cases), denominator=float(of), method="clopper_pearson" if rare else "wilson",
    )  # fmt: skip


def median(times, *, period=NOW) -> Estimate:
    """The median of waits that all ended, one a customer."""
    times = np.sort(np.asarray(times, dtype=float))
    value, low, high = intervals.survival_quantile(times, np.ones(len(times)), np.zeros(len(times)), quantile=0.5)
    se = None if high is None else (high - low) / (2 * intervals.z_of(0.95))
    return Estimate(
        "made_up", period, AS_OF, value, low, high, se, n=len(times), rows=len(times), method="brookmeyer_crowley"
    )


def given(value: float, *, period=NOW) -> Estimate:
    """A baseline that was written down."""
    return Estimate("made_up", period, AS_OF, value)


def around(value: float, half: float, *, period=NOW, n: int = 1000) -> Estimate:
    """A mean with an interval of that half-width, as from very many customers."""
    return Estimate(
        "made_up", period, AS_OF, value, value - half, value + half, half / intervals.z_of(0.95), n=n, rows=n,
        method="clustered_t",
    )  # fmt: skip


def smallest_change(baseline: Estimate, kind, *, n: float | None = None, better: str = "range") -> float | None:
    """The smallest detectable change from a measured baseline to a wave of ``n`` customers, by default as many."""
    form = form_of(kind, baseline)
    size = size_of(baseline, form, kind)
    if size is None:
        return None
    now = size if n is None else size * n / baseline.n
    return smallest_between(baseline.value, form, Waves(now, size), better)


def customers_needed(baseline: Estimate, kind, change: float, *, better: str = "range") -> int | None:
    """How many customers the later wave needs, found by going through waves that are measured in customers."""
    if smallest_change(baseline, kind, better=better) is None and smallest_change(baseline, kind, n=1e9) is None:
        return None
    return needed(lambda waves: smallest_change(baseline, kind, n=waves.n, better=better), change)


@cache
def company() -> tuple[dict[str, pd.DataFrame], crm.Data]:
    """A small simulated company: its frames, and what the package opens of them."""
    frames = simulate_frames(seed=12, customers=250, months=15, as_of=AS_OF)
    return frames, crm.open(**frames, as_of=AS_OF)
