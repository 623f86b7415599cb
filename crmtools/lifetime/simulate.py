"""Customers drawn from BG/NBD, MBG/NBD or Pareto/NBD, and Gamma-Gamma, with known parameters, for tests and benchmarks."""

from datetime import date
from typing import Literal

import numpy as np
import pandas as pd

from crmtools.lifetime.summary import DAYS_PER, Summary, TimeUnit


def simulate_summary(
    *,
    customers: int,
    length: float,
    parameters: tuple[float, float, float, float] = (0.243, 4.414, 0.793, 2.426),
    spend: tuple[float, float, float] = (6.25, 3.74, 15.44),
    unit: TimeUnit = "weeks",
    as_of: date = date(2025, 12, 31),
    future: float = 0.0,
    daily: bool = False,
    model: Literal["BG/NBD", "MBG/NBD", "Pareto/NBD"] = "BG/NBD",
    seed: int = 0,
) -> Summary:
    """A Summary of ``customers`` who joined evenly over the first third of ``length`` (in ``unit``).

    parameters: r, alpha, a, b; r, alpha, s, beta of Pareto/NBD. spend: p, q, v. The frame has two more
    columns, future_purchases and future_spend: what each customer really buys in the ``future`` (in ``unit``) after the end
    of observation. With ``daily`` ages are rounded up to whole days, as data are, without merging days; otherwise they
    are continuous, as the model has them.
    """
    random = np.random.default_rng(seed)
    r, alpha, *leaving = parameters
    T = length - random.uniform(0, length / 3, customers)
    rate = random.gamma(r, 1 / alpha, customers)
    # a customer is gone after so many repeat purchases, 2**62 standing for never, or from some age on
    last, end = np.full(customers, 2**62), T + future
    if model != "Pareto/NBD":
        leave = random.beta(*leaving, customers)
        last = random.geometric(np.clip(leave, 1e-18, 1)).astype(np.int64) - (model == "MBG/NBD")
    else:
        s, beta = leaving
        leaves = np.maximum(random.gamma(s, 1 / beta, customers), 1e-300)
        end = np.minimum(end, random.exponential(size=customers) / leaves)
    x, later = np.zeros(customers, dtype=np.int64), np.zeros(customers, dtype=np.int64)
    t_x, age = np.zeros(customers), np.zeros(customers)
    active = np.flatnonzero((rate > 0) & (last > 0))
    while len(active):
        age[active] += random.exponential(1 / rate[active])
        active = active[age[active] <= end[active]]
        seen = active[age[active] <= T[active]]
        x[seen] += 1
        t_x[seen] = age[seen]
        later[active] += age[active] > T[active]
        active = active[x[active] + later[active] < last[active]]
    if daily:
        step = 1 / DAYS_PER[unit]
        t_x, T = np.ceil(t_x / step) * step, np.ceil(T / step) * step
    p, q, v = spend
    scale = random.gamma(q, 1 / v, customers)
    mean = random.gamma(np.maximum(p * x, 1.0)) / np.maximum(x, 1) / scale
    frame = pd.DataFrame(
        {
            "frequency": x,
            "recency": t_x,
            "T": T,
            "monetary_value": np.where(x > 0, mean, np.nan),
            "days_since_last": (T - t_x) * DAYS_PER[unit],
            "future_purchases": later,
            "future_spend": random.gamma(np.maximum(p * later, 1e-300)) / scale * (later > 0),
        },
        index=pd.RangeIndex(customers, name="customer_id"),
    )
    return Summary(frame, unit, as_of)
