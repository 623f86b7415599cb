"""All indicators of orders at once, 36 months and three segment attributes, from ten million orders on disk.

Prints seconds, peak memory and two ratios of one run: to one plain scan of the columns that are read, and to the same values
in straightforward pandas. ``python benchmarks/catalogue.py 1000000`` takes another number of orders. Each side runs in a
process of its own, so that its peak is its own.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
from datetime import date
from pathlib import Path

import duckdb
import ibis
import pandas as pd

import crmtools as crm
from crmtools import sums
from crmtools.estimating import resolve
from crmtools.settings import Settings
from crmtools.tables.door_report import DoorReport
from crmtools.tables.source import Data

ORDERS, AS_OF = 10_000_000, date(2025, 12, 31)
SEGMENTS = ("region", "customer_type", "acquired_channel")
TABLES = {"orders", "customers"}


def draw(folder: Path, orders: int) -> None:
    """Orders of a tenth as many customers over three years, in the order of time, and who the customers are."""
    customers = orders // 10
    con = duckdb.connect()
    con.execute(
        f"""COPY (SELECT md5(i::VARCHAR)[:16] AS customer_id, ['north', 'south', 'east', 'west'][1 + (hash(i + 1) % 4)::INT] AS region,
        ['consumer', 'business'][1 + (hash(i + 2) % 4 = 0)::INT] AS customer_type,
        ['search', 'social', 'referral', 'partner', 'direct'][1 + (hash(i + 3) % 5)::INT] AS acquired_channel,
        DATE '2023-01-01' + (hash(i + 4) % 700)::INT AS acquired_at FROM range({customers}) t(i))
        TO '{folder}/customers.parquet' (FORMAT parquet, COMPRESSION zstd)"""
    )
    con.execute(
        f"""COPY (SELECT md5((hash(i) % {customers})::VARCHAR)[:16] AS customer_id,
        TIMESTAMP '2023-01-01' + to_days((hash(hash(i) % {customers} + 4) % 700)::INT)
          + to_seconds((hash(i + 77) % (86400 * (1095 - hash(hash(i) % {customers} + 4) % 700)))::BIGINT) AS ordered_at,
        round(exp(4 + (hash(i + 5) % 1000) / 500.0), 2) AS net_amount, round(exp(3 + (hash(i + 5) % 1000) / 500.0), 2) AS cogs,
        CASE WHEN hash(i + 11) % 20 = 0 THEN round(exp(2 + (hash(i + 5) % 1000) / 500.0), 2) END AS refund_amount,
        CASE WHEN hash(i + 9) % 20 = 0 THEN 'cancelled' ELSE 'completed' END AS status
        FROM range({orders}) t(i) ORDER BY ordered_at) TO '{folder}/orders.parquet' (FORMAT parquet, COMPRESSION zstd)"""
    )


def opened(folder: Path) -> Data:
    """The files as a snapshot of the door would lie there."""
    backend = ibis.duckdb.connect()
    backend.raw_sql("SET memory_limit = '3GB'")
    tables = {name: backend.read_parquet(folder / f"{name}.parquet", table_name=name) for name in sorted(TABLES)}
    report = {
        "title": "benchmark", "as_of": AS_OF, "period": "2025-12", "segments": list(SEGMENTS), "trend": "month", "trend_length": 36,
    }  # fmt: skip
    settings = Settings.model_validate({"report": report, "source": {"folder": "."}})
    return Data(settings, AS_OF, "benchmark", DoorReport(()), backend, tables)


def chosen() -> list[str]:
    """The indicators of orders whose sums add up over customers."""
    return [
        name for name, item in crm.CATALOGUE.items() if sums.gathers(item) and set(item.tables) - item.optional <= TABLES
        and "orders" in item.tables
    ]  # fmt: skip


def scan(folder: Path) -> float:
    """One plain scan of the columns that are read; the best of three."""
    con, times = duckdb.connect(), []
    for _ in range(3):
        begin = time.perf_counter()
        con.execute(
            "SELECT max(customer_id), max(ordered_at), sum(net_amount), sum(refund_amount), sum(cogs), max(status) "
            f"FROM '{folder}/orders.parquet'"
        ).fetchall()
        times.append(time.perf_counter() - begin)
    return min(times)


def ours(folder: Path, names: list[str]) -> dict[str, object]:
    """Cells for every month and segment, and the values and intervals made of them."""
    data = opened(folder)
    best = scan(folder)
    begin = time.perf_counter()
    statements = sums.gather(
        data, {n: resolve(crm.CATALOGUE[n], data, {}) for n in names}, [crm.CATALOGUE[n] for n in names]
    )
    engine = time.perf_counter() - begin
    values = {n: [e.value for e in crm.trend(n, data, by="month", periods=36).estimates] for n in names}
    for name in names:
        for by in sums.segments(crm.CATALOGUE[name], data):
            crm.breakdown(name, data, by=by)
    whole = time.perf_counter() - begin
    return {"scan": best, "engine": engine, "whole": whole, "statements": statements, "values": values} | peak()


def peak() -> dict[str, float]:
    return {"gigabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2}


# ---- the same values in straightforward pandas


def month_ends() -> pd.DatetimeIndex:
    return pd.date_range("2023-01-01", "2026-01-01", freq="MS")


def cut(frame: pd.DataFrame, value: str, people: pd.DataFrame) -> float:
    """The mean of a column for everyone and by each segment, which is what takes a report its time."""
    whole = float(frame[value].mean())
    with_names = frame.merge(people, on="customer_id", how="left")
    for segment in SEGMENTS:
        with_names.groupby(segment)[value].mean()
    return whole


def quotient(frame: pd.DataFrame, above: str, below: str, people: pd.DataFrame) -> float:
    with_names = frame.merge(people, on="customer_id", how="left")
    for segment in SEGMENTS:
        sums = with_names.groupby(segment)[[above, below]].sum()
        sums[above] / sums[below]
    return float(frame[above].sum() / frame[below].sum())


class Pandas:
    """Everything of one analysis: orders read once, days of purchase made once."""

    def __init__(self, folder: Path) -> None:
        self.people = pd.read_parquet(folder / "customers.parquet")
        orders = pd.read_parquet(folder / "orders.parquet")
        orders = orders[orders["status"] == "completed"].copy()
        orders["day"] = orders["ordered_at"].dt.normalize()
        orders["month"] = orders["day"].values.astype("datetime64[M]").astype("datetime64[ns]")
        orders["net"] = orders["net_amount"] - orders["refund_amount"].fillna(0)
        orders["margin"] = orders["net"] - orders["cogs"]
        self.orders = orders
        self.days = orders[["customer_id", "day"]].drop_duplicates().sort_values(["customer_id", "day"])
        self.days["next_day"] = self.days.groupby("customer_id")["day"].shift(-1)
        self.first = self.days.groupby("customer_id")["day"].min()
        self.monthly = orders.groupby(["month", "customer_id"], as_index=False).agg(
            net=("net", "sum"), orders=("net", "size"), margin=("margin", "sum")
        )
        self.edges = month_ends()

    def by_month(self) -> list[tuple[pd.Timestamp, pd.Timestamp]]:
        return list(zip(self.edges[:-1], self.edges[1:], strict=True))

    def revenue_per_customer(self) -> list[float]:
        return [cut(f, "net", self.people) for _, f in self.monthly.groupby("month")]

    def aov(self) -> list[float]:
        return [quotient(f, "net", "orders", self.people) for _, f in self.monthly.groupby("month")]

    def customer_margin(self) -> list[float]:
        return [cut(f, "margin", self.people) for _, f in self.monthly.groupby("month")]

    def repeat_purchase_rate(self) -> list[float]:
        firsts = self.days[self.days["day"] == self.days["customer_id"].map(self.first)]
        window, out = pd.Timedelta(days=90), []
        for start, end in self.by_month():
            new = firsts[(firsts["day"] >= start - window) & (firsts["day"] < end - window)]
            again = new.assign(value=(new["next_day"] - new["day"]) <= window)
            out.append(cut(again, "value", self.people))
        return out

    def _last_before(self, moment: pd.Timestamp, within: int) -> pd.DataFrame:
        held = self.days[(self.days["day"] < moment) & ~(self.days["next_day"] < moment)]
        return held[held["day"] >= moment - pd.Timedelta(days=within)]

    def inactivity_rate(self) -> list[float]:
        out = []
        for _, end in self.by_month():
            base = self._last_before(end - pd.Timedelta(days=90), 365)
            out.append(cut(base.assign(value=~(base["next_day"] < end)), "value", self.people))
        return out

    def retention_rate(self) -> list[float]:
        out = []
        for start, end in self.by_month():
            base = self._last_before(start, 365)
            stays = (base["next_day"] < end) | (base["day"] >= end - pd.Timedelta(days=365))
            out.append(cut(base.assign(value=stays), "value", self.people))
        return out

    def winback_rate(self) -> list[float]:
        out = []
        for _, end in self.by_month():
            moment = end - pd.Timedelta(days=90)
            base = self._last_before(moment, 90 + 365)
            base = base[base["day"] < moment - pd.Timedelta(days=90)]
            out.append(cut(base.assign(value=base["next_day"] < end), "value", self.people))
        return out

    def cohort_retention(self) -> list[float]:
        cohort = self.first.dt.to_period("M")
        active = self.days.assign(month=self.days["day"].dt.to_period("M"))[["customer_id", "month"]].drop_duplicates()
        out = []
        for start, _ in self.by_month():
            month = start.to_period("M")
            members = cohort[cohort == month - 3].index.to_frame(index=False)
            here = active.loc[active["month"] == month, "customer_id"]
            out.append(cut(members.assign(value=members["customer_id"].isin(here)), "value", self.people))
        return out

    def purchase_frequency(self) -> list[float]:
        acquired = pd.to_datetime(self.people.set_index("customer_id")["acquired_at"]).astype("datetime64[us]")
        first = self.first.astype("datetime64[us]")
        acquired = acquired.reindex(first.index)
        since = first.where(~(acquired < first), acquired)
        out = []
        for start, end in self.by_month():
            base = self._last_before(end, 365)[["customer_id"]]
            inside = self.days[(self.days["day"] >= start) & (self.days["day"] < end)]
            counts = inside.groupby("customer_id").size()
            begin = base["customer_id"].map(since).clip(lower=start)
            rows = base.assign(days=base["customer_id"].map(counts).fillna(0), years=(end - begin).dt.days / 365.25)
            out.append(quotient(rows, "days", "years", self.people))
        return out

    def clv_historic(self) -> list[float]:
        out = []
        for start, end in self.by_month():
            age = pd.DateOffset(months=12)
            cohort = self.first[(self.first >= start - age) & (self.first < end - age)]
            rows = self.orders[self.orders["customer_id"].isin(cohort.index)]
            until = rows["customer_id"].map((cohort + age).to_dict())
            young = rows[rows["day"] < pd.to_datetime(until)].groupby("customer_id", as_index=False)["margin"].sum()
            out.append(cut(young, "margin", self.people))
        return out


def theirs(folder: Path, names: list[str]) -> dict[str, object]:
    begin = time.perf_counter()
    frames = Pandas(folder)
    values = {name: getattr(frames, name)() for name in names}
    return {"whole": time.perf_counter() - begin, "values": values} | peak()


def asked(side: str, folder: Path, names: str) -> dict[str, object]:
    """One side in a process of its own."""
    done = subprocess.run(
        [sys.executable, __file__, side, str(folder), names], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def apart(one: list[float | None], other: list[float]) -> float:
    """The largest relative difference where both have a value."""
    pairs = [(a, b) for a, b in zip(one, other, strict=True) if a is not None and b == b]
    return max((abs(a - b) / abs(b) if b else abs(a) for a, b in pairs), default=0.0)


def main() -> None:
    """Print what each side took, the ratios, and how far the values lie apart."""
    orders = int(sys.argv[1]) if len(sys.argv) > 1 else ORDERS
    names = [name for name in chosen() if hasattr(Pandas, name)]
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        draw(folder, orders)
        one, other = asked("ours", folder, ",".join(names)), asked("theirs", folder, ",".join(names))
    print(
        f"{orders:,} orders, 36 months, {len(SEGMENTS)} segment attributes, {len(names)} indicators: {', '.join(names)}"
    )
    print(f"one plain scan                {one['scan']:7.2f} s")
    print(
        f"crmtools, sums on the engine  {one['engine']:7.2f} s in {one['statements']} statements, {one['engine'] / one['scan']:.1f} scans"
    )
    print(
        f"crmtools, with intervals      {one['whole']:7.2f} s, {one['whole'] / one['scan']:.1f} scans, peak {one['gigabytes']:.1f} GB"
    )
    print(
        f"pandas, values alone          {other['whole']:7.2f} s, ratio {other['whole'] / one['whole']:.1f}, peak {other['gigabytes']:.1f} GB"
    )
    worst = {name: apart(one["values"][name], other["values"][name]) for name in names}
    print(f"largest relative difference   {max(worst.values()):.1e} ({max(worst, key=worst.__getitem__)})")


if __name__ == "__main__":
    if len(sys.argv) > 2:
        wanted = sys.argv[3].split(",")
        print(
            json.dumps(ours(Path(sys.argv[2]), wanted) if sys.argv[1] == "ours" else theirs(Path(sys.argv[2]), wanted))
        )
    else:
        main()
