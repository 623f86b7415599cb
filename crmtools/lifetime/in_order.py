"""Customers from orders put in order: all rows of a customer come one behind another and are looked at once.

There are nearly as many days as orders, so that grouping by customer and day, and then by customer, is two groupings as
large as the data. Where the engine is in this process its rows are at hand: a few numbers of each are fetched and sorted
here, which costs less than one of the groupings. Where they are more than the memory that the engine is allowed, that is
done for some of the customers at a time.

Other engines group (``occasions.by_customer``): their rows would have to be sent here.
"""

import os
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from functools import partial
from typing import Any

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa

from crmtools.any_order import any_order
from crmtools.lifetime.occasions import (
    COUNTED,
    REASONS,
    Resolution,
    ZeroDays,
    as_table,
    check_choice,
    no_purchase,
    period_of,
    row_fate,
)

PATTERN = ("frequency", "recency", "T")
"""What tells customers apart in a pattern."""
_BLOCK = 2**18
"""Rows looked at at a time: what is computed of them stays in the cache."""
_BYTES = {"B": 1, "bytes": 1, "KiB": 2**10, "MiB": 2**20, "GiB": 2**30, "TiB": 2**40, "PiB": 2**50}
_PER_ROW = 128
"""Bytes of a row while it is sorted: what is fetched, as the engine hands it out and as arrays, and the keys of the sort."""
_PER_ID = 64
"""Bytes of a row's customer_id, where that is fetched too."""


@dataclass(frozen=True, slots=True)
class InOrder:
    """Customers with a counted occasion: one number of each in every array of ``columns``; their ids where asked for.

    columns: frequency, recency, T (whole periods of the resolution), and with ids days_since_last and repeat_net. fates: the rows
    read, for ``counts_of``.
    """

    columns: dict[str, np.ndarray]
    customer_id: pa.ChunkedArray | None
    fates: pd.DataFrame


@ibis.udf.scalar.builtin(name="hash", signature=((None,), "uint64"))
def _hash(value: object) -> int:  # type: ignore[empty-body]
    """DuckDB's own, of 64 bits: never the same for two whole numbers, for two texts once in 2**64 times."""


def at_hand(orders: ibis.Table) -> bool:
    """Whether the orders are DuckDB's, which works inside this process."""
    return bool(orders.get_backend().name == "duckdb")


def in_order(
    orders: ibis.Table, *, until: date, zero_days: ZeroDays, resolution: Resolution, ids: bool = False
) -> InOrder:
    """Every customer with a counted occasion, in no order that means anything, and what became of all rows.

    Customers are told apart by a hash of 64 bits: among ten million, two are taken for one in one case of four hundred thousand.
    """
    check_choice("zero_days", zero_days, ZeroDays)
    read = _to_fetch(orders, until, resolution, ids=ids)
    slices = slices_of(int(orders.count().to_pyarrow().as_py()), memory_of(orders), _PER_ROW + _PER_ID * ids)
    nobody = _customers(_NOBODY, zero_days, np.zeros(0, np.int64), 1)
    wanted = [*nobody.columns] if ids else [*PATTERN]
    parts: dict[str, list[np.ndarray]] = {name: [nobody.columns[name]] for name in wanted}
    fates, names = np.zeros((2, len(REASONS) + 1), np.int64), []
    # numpy lets go of the interpreter while it gathers and sorts
    with any_order(orders.get_backend()), ThreadPoolExecutor(os.cpu_count()) as threads:
        for place in range(slices):
            rows = (read if slices == 1 else read.filter(read.key % slices == place)).to_pyarrow()
            named = rows["customer_id"] if ids else None
            columns = {name: rows[name].to_numpy() for name in rows.column_names if name != "customer_id"}
            del rows  # or each slice would lie here twice
            fate = columns.pop("fate")
            good = fate == COUNTED
            fates[0] += np.bincount(fate[~good], minlength=fates.shape[1])
            look = partial(_customers, columns, zero_days)
            found = list(threads.map(look, *_blocks(columns["key"], np.flatnonzero(good))))
            fates += sum(part.fates for part in found)
            for name, of_it in parts.items():
                of_it += [part.columns[name] for part in found]
            if named is not None:
                at = np.concatenate([part.row for part in found]) if found else np.zeros(0, np.int64)
                names += named.take(pa.array(at)).chunks
            del columns, look, good, fate, found, named  # before the next are fetched
    joined = {name: np.concatenate(parts.pop(name)) for name in wanted}
    table = pd.DataFrame({"fate": np.arange(fates.shape[1]), "rows": fates[0], "occasions": fates[1], "customers": 0})
    table.loc[COUNTED, "customers"] = len(joined["T"])
    customer_id = pa.chunked_array(names, read.schema()["customer_id"].to_pyarrow()) if ids else None
    return InOrder(joined, customer_id, table[table["rows"] > 0])


def slices_of(rows: int, memory: int, per_row: int) -> int:
    """In how many parts the customers are taken, so that the rows of one are sorted in so many bytes of memory."""
    return max(1, -(-rows * per_row // memory))


def memory_of(orders: ibis.Table) -> int:
    """The bytes that rows may take here: half of what the engine is allowed, which needs the other half itself."""
    backend: Any = orders.get_backend()
    number, unit = backend.raw_sql("SELECT current_setting('memory_limit')").fetchone()[0].split()
    return int(float(number) * _BYTES[unit] / 2)


def _to_fetch(orders: ibis.Table, until: date, resolution: Resolution, *, ids: bool) -> ir.Table:
    """What is looked at of every row: fate, key, day and period (how many before those of the end), paid, refunded."""
    table, end = as_table(orders), ibis.literal(until)
    days = end.delta(table.day, unit="day")
    columns = {"fate": row_fate(table, until=until), "key": _hash(table.customer_id), "day": days.cast("int32")}
    if resolution != "days":
        columns["period"] = (period_of(end, resolution) - period_of(table.day, resolution)).cast("int32")
    columns |= {"paid": table.paid.cast("float64"), "refunded": table.refunded}
    if ids:
        columns["customer_id"] = table.customer_id
    return table.select(**columns).fill_null({name: 0 for name in ("day", "period") if name in columns})


def _blocks(key: np.ndarray, good: np.ndarray) -> tuple[list[np.ndarray], list[int]]:
    """The places of good rows in order of the upper bits of their keys, in blocks that part no customer, and how many bits are lower."""
    # the upper bits of the key and the place of the row in one number, which sorts four times as fast as a place by a key
    bits = max(len(key) - 1, 1).bit_length()
    places = np.uint64(2**bits - 1)
    packed = key[good]
    packed &= ~places
    packed |= good.view(np.uint64)
    packed.sort()
    blocks, begin = [], 0
    while begin < len(packed):
        end = begin + _BLOCK
        if end < len(packed):
            end = int(np.searchsorted(packed, packed[end - 1] | places, side="right"))
        blocks.append((packed[begin:end] & places).view(np.int64))
        begin = end
    return blocks, [bits] * len(blocks)


def _sorted(columns: dict[str, np.ndarray], row: np.ndarray, bits: int) -> dict[str, np.ndarray]:
    """The rows of a block customer by customer, the latest of each first; ``row`` is their place."""
    key, day = columns["key"][row], columns["day"][row]
    order = _order(key, day, bits)
    row = row[order]
    found = {"row": row, "key": key[order], "day": day[order]}
    return found | {name: column[row] for name, column in columns.items() if name not in ("key", "day")}


def _order(key: np.ndarray, day: np.ndarray, bits: int) -> np.ndarray:
    """The order by key and day of rows that lie in order of their keys but for the lower bits."""
    new = _begins(key)
    customer = np.zeros(len(key), np.int64)
    customer[new[1:]] = 1
    customer = np.cumsum(customer)
    for_day, for_place = int(day.max(initial=0)).bit_length(), len(key).bit_length()
    # customers that share the upper bits may lie in each other's rows
    if len(new) > len(_begins(key >> np.uint64(bits))) or len(new).bit_length() + for_day + for_place > 63:
        return np.lexsort((day, key))
    packed = (customer << for_day | day) << for_place | np.arange(len(key))
    packed.sort()
    return packed & (2**for_place - 1)


@dataclass(frozen=True, slots=True)
class _Part:
    """Customers of a block: a row of each, their columns, and rows and occasions by fate."""

    row: np.ndarray
    columns: dict[str, np.ndarray]
    fates: np.ndarray


def _customers(columns: dict[str, np.ndarray], zero_days: ZeroDays, row: np.ndarray, bits: int) -> _Part:
    """The rows of a block merged into occasions and these into customers."""
    block = _sorted(columns, row, bits)
    key, day = block["key"], block["day"]
    period = block.get("period", day)
    at = _begins(key, period)
    paid, refunded = (np.add.reduceat(block[name], at) if len(at) else block[name] for name in ("paid", "refunded"))
    net = paid - refunded
    fate = np.full(len(at), COUNTED, np.int8)
    for code, which in reversed(no_purchase(net, refunded, zero_days)):
        fate[which] = code
    rows, fates = np.diff(at, append=len(key)), len(REASONS) + 1
    by_fate = np.array([np.bincount(fate, weights=rows, minlength=fates), np.bincount(fate, minlength=fates)], np.int64)
    counted = fate == COUNTED
    if not counted.all():
        at, net = at[counted], net[counted]
    key, day, period = key[at], day[at], period[at]
    last = _begins(key)
    first = np.append(last[1:], len(key))[: len(last)] - 1
    total = np.add.reduceat(net, last) if len(last) else net
    found = {
        "frequency": (first - last).astype(np.int32),
        "recency": period[first] - period[last],
        "T": period[first],
        "days_since_last": day[last],
        "repeat_net": total - net[first],
    }
    return _Part(block["row"][at[last]], found, by_fate)


def _begins(*columns: np.ndarray) -> np.ndarray:
    """Where rows begin that differ from the one before."""
    new = np.zeros(len(columns[0]), bool)
    new[:1] = True
    for column in columns:
        new[1:] |= column[1:] != column[:-1]
    return np.flatnonzero(new)


_NOBODY = {
    name: np.zeros(0, kind)
    for name, kind in (("row", int), ("key", "u8"), ("day", "i4"), ("paid", float), ("refunded", float))
}
