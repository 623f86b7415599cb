"""Measuring revenue per customer over 36 months from a million orders: crmtools on its engine, and plain pandas.

Prints both times and their ratio from one run; the numbers themselves must agree.
"""

import time
from datetime import date

import numpy as np
import pandas as pd

import crmtools as crm

ORDERS, CUSTOMERS, MONTHS = 1_000_000, 100_000, 36


def orders() -> pd.DataFrame:
    """A million orders of a hundred thousand customers over three years."""
    random = np.random.default_rng(20251231)
    start = np.datetime64("2023-01-01T00:00:00")
    return pd.DataFrame(
        {
            "order_id": np.arange(ORDERS).astype(str),
            "customer_id": random.integers(0, CUSTOMERS, ORDERS).astype(str),
            "ordered_at": start + random.integers(0, 1096 * 86_400, ORDERS).astype("timedelta64[s]"),
            "status": random.choice(["completed", "cancelled"], ORDERS, p=[0.95, 0.05]),
            "net_amount": np.round(random.lognormal(5, 0.8, ORDERS), 2),
        }
    )


def by_pandas(frame: pd.DataFrame) -> pd.Series:
    """The values alone, without intervals, by month."""
    done = frame[frame["status"] == "completed"]
    month = done["ordered_at"].dt.to_period("M")
    sums = done.groupby([month, "customer_id"])["net_amount"].sum()
    return sums.groupby(level=0).mean()


def main() -> None:
    """Print seconds, ratio and the largest difference."""
    frame = orders()
    begin = time.perf_counter()
    data = crm.open(orders=frame, as_of=date(2025, 12, 31))
    opened = time.perf_counter()
    trend = crm.trend("revenue_per_customer", data, by="month", periods=MONTHS)
    ours = time.perf_counter() - opened
    begin_pandas = time.perf_counter()
    plain = by_pandas(frame)
    theirs = time.perf_counter() - begin_pandas
    values = np.array([e.value for e in trend.estimates], dtype=float)
    print(f"door (parsing and checks)       {opened - begin:6.2f} s for {ORDERS:,} orders")
    print(f"crmtools, value and interval    {ours:6.2f} s")
    print(f"pandas, value alone             {theirs:6.2f} s, ratio {theirs / ours:.1f}")
    print(f"largest relative difference     {np.max(np.abs(values / plain.to_numpy() - 1)):.1e}")


if __name__ == "__main__":
    main()
