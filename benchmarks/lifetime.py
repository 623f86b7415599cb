"""Lifetime models: crmtools and the archived package lifetimes on the same simulated customers, in one run, one thread each.

Prints seconds, ratios and the differences of the log-likelihoods. Ours counts everything from a frame of customers on, equal
histories included; lifetimes is given rows, and once rows that its user grouped first (grouping not counted).
"""
# ruff: noqa: E402 - numpy reads the number of threads when it is imported

import os

for name in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS"):
    os.environ[name] = "1"

import time
import warnings
from collections.abc import Callable
from datetime import date
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

from crmtools.lifetime import (
    BetaGeo,
    GammaGamma,
    ParetoNbd,
    Patterns,
    Summary,
    calibration_holdout,
    customer_value,
    simulate_summary,
)
from crmtools.lifetime.model import PurchaseModel
from crmtools.lifetime.second_opinion import FITTERS

TWO_YEARS = 104


def clock(function: Callable[[], object], *, best_of: int = 1) -> tuple[float, object]:
    """Seconds, and what came out; the best of some tries for what takes milliseconds."""
    times, out = [], None
    for _ in range(best_of):
        begin = time.perf_counter()
        out = function()
        times.append(time.perf_counter() - begin)
    return min(times), out


def theirs(model: type[PurchaseModel], columns: tuple[np.ndarray, ...], weights: np.ndarray | None = None) -> object:
    """lifetimes' fit of the same model."""
    import lifetimes

    fitter = getattr(lifetimes, FITTERS[model.TITLE])()
    fitter.fit(*columns, weights=weights)
    return fitter


def log_likelihood(model: type[PurchaseModel], fitter: object, summary: Summary) -> float:
    """Ours, at their parameters."""
    p = summary.patterns()
    return model.likelihood(p.x, p.t_x, p.T, p.weight)(fitter.params_[list(model.NAMES)].to_numpy(float))[0]


def say(what: str, mine: float, other: float, note: str = "") -> None:
    print(f"{what:<58} crmtools {mine:8.4f} s, lifetimes {other:8.3f} s, ratio {other / mine:6.0f}{note}", flush=True)


def fits(what: str, model: type[PurchaseModel], summary: Summary, *, best_of: int = 3, grouped: bool = False) -> None:
    """A fit with standard errors, equal histories counted by us."""
    mine, ours = clock(lambda: model.fit(summary), best_of=best_of)
    columns = summary.ages()
    other, fitter = clock(lambda: theirs(model, columns))
    gap = ours.log_likelihood - log_likelihood(model, fitter, summary)
    say(f"{model.TITLE}, {what}", mine, other, f", log-likelihood {gap:+.1e}")
    if grouped:
        p = summary.patterns()
        short, _ = clock(lambda: theirs(model, (p.x, p.t_x, p.T), p.weight))
        say(f"{model.TITLE}, {what}, grouped by its user", mine, short)


def cdnow() -> Summary:
    """The sample of CDNOW, from the file that lifetimes carries."""
    file = Path(find_spec("lifetimes").submodule_search_locations[0]) / "datasets" / "CDNOW_sample.txt"
    raw = pd.read_csv(file, sep=r"\s+", header=None, usecols=[1, 2, 4], names=["a", "customer_id", "ordered_at", "c", "net_amount"], dtype={"customer_id": str, "ordered_at": str})  # fmt: skip
    orders = raw.assign(ordered_at=pd.to_datetime(raw["ordered_at"], format="%Y%m%d"))
    split = calibration_holdout(
        orders, calibration_until=date(1997, 9, 30), holdout_until=date(1998, 6, 30), unit="weeks"
    )
    return split.calibration


def spend(summary: Summary) -> None:
    """Gamma-Gamma of everyone who bought again."""
    import lifetimes

    used = summary.frame[summary.frame["frequency"] > 0]
    mine, _ = clock(lambda: GammaGamma.fit(summary), best_of=3)
    fitter = lifetimes.GammaGammaFitter()
    other, _ = clock(lambda: fitter.fit(used["frequency"], used["monetary_value"]))
    say(f"Gamma-Gamma, {len(summary):,} customers", mine, other)


def values(summary: Summary) -> None:
    """What every customer is worth over twelve months, from fitted models; ours with an interval of the total."""
    import lifetimes

    model, money = BetaGeo.fit(summary), GammaGamma.fit(summary)
    frame = summary.frame
    used = frame[frame["frequency"] > 0]
    their_model = lifetimes.BetaGeoFitter()
    their_model.fit(*(frame[name].iloc[:20_000] for name in ("frequency", "recency", "T")))
    their_money = lifetimes.GammaGammaFitter()
    their_money.fit(used["frequency"].iloc[:20_000], used["monetary_value"].iloc[:20_000])
    columns = [frame[name] for name in ("frequency", "recency", "T")]
    other, _ = clock(
        lambda: their_money.customer_lifetime_value(
            their_model, *columns, frame["monetary_value"].fillna(0), time=12, freq="W"
        )
    )
    mine, _ = clock(
        lambda: customer_value(model, money, summary, horizon_months=12, annual_discount=0.1, level=None), best_of=3
    )
    say(f"12-month value, {len(summary):,} customers", mine, other)
    mine, _ = clock(lambda: customer_value(model, money, summary, horizon_months=12, annual_discount=0.1))
    say("  with limits for the total", mine, other)


def ten_million() -> None:
    """Ten million customers, as their distinct histories."""
    parts = [
        simulate_summary(customers=2_000_000, length=TWO_YEARS, daily=True, seed=seed).patterns() for seed in range(5)
    ]
    frame = pd.DataFrame(
        {name: np.concatenate([getattr(p, name) for p in parts]) for name in ("x", "t_x", "T", "weight")}
    )
    frame = frame.groupby(["x", "t_x", "T"], as_index=False)["weight"].sum()
    p = Patterns(*(frame[name].to_numpy(float) for name in ("x", "t_x", "T", "weight")), "weeks")
    seconds, _ = clock(lambda: BetaGeo.fit(p), best_of=3)
    print(f"BG/NBD, {p.weight.sum():,.0f} customers in {len(p.x):,} patterns: {seconds:.3f} s")


def main() -> None:
    """All of it; some minutes, nearly all of them theirs."""
    warnings.simplefilter("ignore")
    fits("CDNOW, 2,357 customers", BetaGeo, cdnow(), best_of=20)
    fits("CDNOW, 2,357 customers", ParetoNbd, cdnow(), best_of=5)
    fits("100,000 customers", ParetoNbd, simulate_summary(customers=100_000, length=TWO_YEARS, daily=True))
    summary = simulate_summary(customers=1_000_000, length=TWO_YEARS, daily=True)
    fits("1,000,000 customers", BetaGeo, summary, grouped=True)
    spend(summary)
    values(summary)
    ten_million()


if __name__ == "__main__":
    main()
