"""Fitting BG/NBD: crmtools and the archived package lifetimes on the same customers, in one run."""

import time
import warnings

import numpy as np

from crmtools.lifetime import BetaGeo, Summary, simulate_summary


def ours(summary: Summary) -> tuple[float, float]:
    """Seconds and log-likelihood, compression included."""
    begin = time.perf_counter()
    model = BetaGeo.fit(summary)
    return time.perf_counter() - begin, model.log_likelihood


def theirs(summary: Summary) -> tuple[float, float]:
    """The same by lifetimes, on rows as its users give them."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from lifetimes import BetaGeoFitter

        x, t_x, age = (summary.frame[name].to_numpy(float) for name in ("frequency", "recency", "T"))
        fitter = BetaGeoFitter()
        begin = time.perf_counter()
        fitter.fit(x, t_x, age)
        seconds = time.perf_counter() - begin
        parameters = np.log(fitter.params_[list(BetaGeo.NAMES)].to_numpy(float))
        mean = fitter._negative_log_likelihood(parameters, x, t_x, age, np.ones(len(x)), 0.0)  # noqa: SLF001
    return seconds, -float(mean) * len(x)


def main() -> None:
    """Print seconds, ratio and the difference of the log-likelihoods at three sizes."""
    for customers in (10_000, 100_000, 1_000_000):
        summary = simulate_summary(customers=customers, length=104, daily=True)
        (mine, my_top), (other, other_top) = ours(summary), theirs(summary)
        print(f"{customers:>9,} customers: crmtools {mine:7.3f} s, lifetimes {other:7.3f} s, ratio {other / mine:6.1f}, "
              f"log-likelihood {my_top - other_top:+.1e}")  # fmt: skip


if __name__ == "__main__":
    main()
