"""Customer summary from ten million orders on disk: seconds, scans and peak memory, beside the archived package lifetimes.

Each side runs in a process of its own, so that its peak is its own. Seconds depend on what else the machine does; the
ratios are of one run. lifetimes is given a frame that was read beforehand, and only the rows that count (it needs some
gigabytes for ten million). ``python benchmarks/customer_summary.py 1000000`` takes another number of orders; with a second
number, ``... 10000000 100000000``, the pattern-count form of so many orders is made within two gigabytes of engine memory.
"""

import json
import resource
import subprocess
import sys
import tempfile
import time
import warnings
from datetime import date
from pathlib import Path

import duckdb
import ibis

from crmtools.lifetime import customer_patterns, customer_summary

ORDERS, AS_OF = 10_000_000, date(2025, 12, 31)
COLUMNS = "max(customer_id), max(ordered_at), sum(net_amount), sum(refund_amount), max(status)"


def draw(folder: Path, orders: int) -> Path:
    """Orders of a tenth as many customers over three years, a twentieth cancelled and as many refunded in part."""
    customers, file = orders // 10, folder / f"orders_{orders}.parquet"
    con = duckdb.connect()
    con.execute(f"SET temp_directory = '{folder}'; SET memory_limit = '2GB'; SET preserve_insertion_order = false")
    con.execute(
        f"""COPY (SELECT md5((hash(i) % {customers})::VARCHAR)[:16] AS customer_id,
        TIMESTAMP '2023-01-01' + to_days((hash(hash(i) % {customers} + 4) % 700)::INT)
          + to_seconds((hash(i + 77) % (86400 * (1095 - hash(hash(i) % {customers} + 4) % 700)))::BIGINT) AS ordered_at,
        round(exp(4 + (hash(i + 5) % 1000) / 500.0), 2) AS net_amount,
        CASE WHEN hash(i + 11) % 20 = 0 THEN round(exp(2 + (hash(i + 5) % 1000) / 500.0), 2) END AS refund_amount,
        CASE WHEN hash(i + 9) % 20 = 0 THEN 'cancelled' ELSE 'completed' END AS status
        FROM range({orders}) t(i)) TO '{file}' (FORMAT parquet, COMPRESSION zstd)"""
    )
    return file


def scan(file: Path) -> float:
    """One plain scan of the columns that are read; the best of three."""
    con, times = duckdb.connect(), []
    for _ in range(3):
        begin = time.perf_counter()
        con.execute(f"SELECT {COLUMNS} FROM '{file}'").fetchall()
        times.append(time.perf_counter() - begin)
    return min(times)


def opened(file: Path, limit: str = "") -> ibis.Table:
    """The orders as a table of the engine, which spills beside the file."""
    backend = ibis.duckdb.connect()
    backend.raw_sql(f"SET temp_directory = '{file.parent}'")
    if limit:
        backend.raw_sql(f"SET memory_limit = '{limit}'")
        backend.raw_sql("SET preserve_insertion_order = false")
    return backend.read_parquet(file, table_name="orders")


def ours(file: Path) -> dict[str, float]:
    """The frame of customers, index and counts included; the best of two."""
    orders, best, times = opened(file), scan(file), []
    for _ in range(2):
        begin = time.perf_counter()
        summary = customer_summary(orders, as_of=AS_OF)
        times.append(time.perf_counter() - begin)
    return _told(min(times), scan=min(best, scan(file)), rows=len(summary), sums=float(summary.frame["recency"].sum()))


def patterns(file: Path, limit: str = "") -> dict[str, float]:
    """The pattern-count form."""
    orders, best = opened(file, limit), scan(file)
    begin = time.perf_counter()
    found = customer_patterns(orders, as_of=AS_OF)
    seconds = time.perf_counter() - begin
    customers = float(found.weight.sum())
    return _told(seconds, scan=best, rows=len(found.x), customers=customers, sums=float(found.t_x @ found.weight))


def theirs(file: Path) -> dict[str, float]:
    """lifetimes on a frame of completed orders, netted; reading and netting are not counted."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from lifetimes.utils import summary_data_from_transaction_data

        frame = duckdb.sql(
            f"SELECT customer_id, ordered_at, net_amount - coalesce(refund_amount, 0) AS net FROM '{file}' "
            "WHERE status = 'completed'"
        ).df()
        begin = time.perf_counter()
        found = summary_data_from_transaction_data(
            frame, "customer_id", "ordered_at", "net", observation_period_end=AS_OF
        )
        seconds = time.perf_counter() - begin
    return _told(seconds, rows=len(found), sums=float(found["recency"].sum()))


def _told(seconds: float, **more: float) -> dict[str, float]:
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024**2
    return {"seconds": seconds, "gigabytes": peak, **more}


SIDES = {"ours": ours, "theirs": theirs, "patterns": patterns}


def asked(side: str, file: Path, *more: str) -> dict[str, float]:
    """One side in a process of its own."""
    command = [sys.executable, __file__, side, str(file), *more]
    return json.loads(subprocess.run(command, capture_output=True, text=True, check=True).stdout.splitlines()[-1])


def line(name: str, took: dict[str, float], more: str = "") -> None:
    scans = f", {took['seconds'] / took['scan']:5.1f} scans of {took['scan']:.2f} s" if "scan" in took else ""
    rows = f"{int(took['rows']):,} rows"
    print(f"{name:<42}{took['seconds']:8.2f} s{scans}, peak {took['gigabytes']:.1f} GB, {rows}{more}")


def main(orders: int, many: int) -> None:
    """Print what each side took, the ratios, and whether the results agree."""
    with tempfile.TemporaryDirectory() as place:
        file = draw(Path(place), orders)
        mine, other = asked("ours", file), asked("theirs", file)
        line(f"crmtools, {orders:,} orders", mine)
        line(f"lifetimes, {orders:,} orders", other, f", ratio {other['seconds'] / mine['seconds']:.1f}")
        print(f"sums of recency {'agree' if mine['sums'] == other['sums'] else 'DIFFER'}")
        line(f"crmtools, {orders:,} orders, patterns", asked("patterns", file))
        if many:
            file.unlink()
            took = asked("patterns", draw(Path(place), many), "2GB")
            customers = f" for {int(took['customers']):,} customers"
            line(f"crmtools, {many:,} orders, patterns, 2 GB", took, customers)


if __name__ == "__main__":
    if len(sys.argv) > 2 and sys.argv[1] in SIDES:
        print(json.dumps(SIDES[sys.argv[1]](Path(sys.argv[2]), *sys.argv[3:])))
    else:
        main(*(int(text) for text in [*sys.argv[1:], *(str(ORDERS), "0")[len(sys.argv) - 1 :]][:2]))
