"""The sums behind the estimates: one query per indicator for all periods and groups.

An indicator's facts are summed on the engine to *cells*: a period, a value of each attribute, a reason why rows do not count.
Customers belong to one cell of a period each, so the sums of coarser groups are sums of cells: one answer serves the value,
the trend and every segment. At the start of a report :func:`gather` asks for the cells of all indicators, those of orders over
one sort of them, and leaves them beside the snapshot; whoever measures finds them there, and asks his own question where
they are not.
"""

import hashlib
import math
from collections.abc import Callable, Mapping, Sequence
from functools import cache
from importlib.metadata import version
from pathlib import Path

import ibis.expr.types as ir
import numpy as np
import pandas as pd
import pyarrow as pa

from crmtools.indicators.catalogue import CATALOGUE, Indicator
from crmtools.indicators.moments import FromMoments, Key, key_of, per_unit
from crmtools.numbered import TABLES_NUMBERED, cell, numbered
from crmtools.period import Period, Step
from crmtools.questions import UNKNOWN, Where, facts, missing_columns, of_customers, uncut, usable
from crmtools.tables.source import Data

COMPUTING = ("goals", "indicators", "lifetime", "rfm", "tables")
"""The rooms of the package that numbers come from, beside its own files."""
LIBRARIES = ("duckdb", "ibis-framework", "lifetimes", "numpy", "pandas", "scipy", "statsmodels")
"""The libraries that numbers are computed with."""
LONG_PAST: dict[Step, int] = {"month": 48, "quarter": 24, "year": 8}
"""How many periods back the record of forecasts goes."""
MOST_CELLS = 2000
"""Combinations of the segments' values beyond which cells would be hardly fewer than customers."""


def cells(
    item: Indicator,
    data: Data,
    periods: tuple[Period, ...],
    in_force: Mapping[str, object],
    keys: tuple[str, ...],
    where: Where,
    made: Callable[[], ir.Table] | None = None,
) -> pd.DataFrame:
    """The sums of an indicator: columns ``period`` (its number), ``keys``, ``excluded``, the kind's labels, its sums.

    ``made`` gives the :func:`facts` with ``keys`` and conditions, for whoever needs them afterwards, too.
    """
    if set(where) <= set(segments(item, data)) and (found := gathered(item, data, in_force)) is not None:
        standard = standard_periods(item, data)
        if set(periods) <= set(standard) and set(keys) <= {*found.columns}:
            return _rolled_up(_renumbered(found, standard, periods), ("period", *keys), where)
    return data.ask(_query(item, data, periods, in_force, keys, where, made), again=True)


def cells_together(
    item: Indicator, data: Data, periods: tuple[Period, ...], sets: Sequence[Mapping[str, object]], where: Where
) -> None:
    """Ask for the cells of several sets of assumptions at once, for whoever asks for each of them next."""
    data.ask_together(
        _query(item, data, periods, in_force, (), where) for in_force in sets if gathered(item, data, in_force) is None
    )


def _query(
    item: Indicator,
    data: Data,
    periods: tuple[Period, ...],
    in_force: Mapping[str, object],
    keys: tuple[str, ...],
    where: Where,
    made: Callable[[], ir.Table] | None = None,
) -> ir.Table:
    """The question for an indicator's sums."""
    asked = made() if made else facts(item, data, periods, in_force, tuple(dict.fromkeys([*keys, *where])), where)
    return item.kind.query(asked, ("period", *keys, "excluded"), unique=item.unique)


def counted(frame: pd.DataFrame) -> pd.DataFrame:
    """The cells of the rows that count."""
    counting = frame["excluded"].isna().to_numpy()
    if not counting.all():
        frame = frame[counting].reset_index(drop=True)
    return frame.drop(columns="excluded")


def left_out(frame: pd.DataFrame, keys: tuple[str, ...]) -> dict[tuple[object, ...], tuple[tuple[str, int], ...]]:
    """Rows that do not count, by group and reason."""
    found: dict[tuple[object, ...], tuple[tuple[str, int], ...]] = {}
    out = frame["excluded"].notna().to_numpy()
    if not out.any():
        return found
    rows = frame[out].groupby([*keys, "excluded"], dropna=False)["rows"].sum()
    for labels, number in rows.items():
        *key, reason = key_of(labels)
        found[tuple(key)] = (*found.get(tuple(key), ()), (str(reason), int(number)))
    return found


def _renumbered(frame: pd.DataFrame, standard: tuple[Period, ...], periods: tuple[Period, ...]) -> pd.DataFrame:
    """The cells of these periods, numbered as they are asked for; a period asked for twice stands twice."""
    there = frame["period"].to_numpy()
    rows = [np.flatnonzero(there == standard.index(period)) for period in periods]
    numbers = np.repeat(np.arange(len(rows)), [len(own) for own in rows])
    return frame.take(np.concatenate(rows)).assign(period=numbers)


def _rolled_up(frame: pd.DataFrame, keys: tuple[str, ...], where: Where) -> pd.DataFrame:
    """The sums of cells over all that is not in ``keys``; by hand, for pandas takes ten times as long over so few rows."""
    frame = _let_through(frame, where)
    groups, group = [*keys, "excluded"], np.zeros(len(frame), np.int64)
    for name in groups:
        own, values = pd.factorize(frame[name], use_na_sentinel=False)
        group = group * len(values) + own
    order = np.argsort(group, kind="stable")
    starts = np.flatnonzero(np.diff(group[order], prepend=-1))
    rolled_up = {name: frame[name].to_numpy()[order[starts]] for name in groups}
    for name in frame.columns.difference(groups, sort=False):
        if pd.api.types.is_numeric_dtype(frame[name]):
            rolled_up[name] = _added(frame[name].to_numpy()[order], starts)
    return pd.DataFrame(rolled_up)


def _let_through(frame: pd.DataFrame, where: Where) -> pd.DataFrame:
    for name, allowed in where.items():
        known = frame[name].isin(list(allowed))
        frame = frame[known | frame[name].isna() if UNKNOWN in allowed else known]
    return frame


def _added(numbers: np.ndarray, starts: np.ndarray) -> np.ndarray:
    """Sums of stretches; with more digits than the numbers have, for the engine gives the cells in any order."""
    if not len(starts) or numbers.dtype.kind != "f":
        return np.add.reduceat(numbers, starts) if len(starts) else numbers
    known = np.where(np.isnan(numbers), 0.0, numbers).astype(np.longdouble)
    return np.add.reduceat(known, starts).astype(numbers.dtype)


# ---- the customers of small groups


def small_groups(
    item: Indicator,
    data: Data,
    periods: tuple[Period, ...],
    in_force: Mapping[str, object],
    keys: tuple[str, ...],
    where: Where,
    sizes: Mapping[Key, int],
) -> dict[Key, pd.DataFrame] | None:
    """What each customer of small groups adds, ``v`` and ``w``; None where the asker must ask himself.

    An indicator whose standard cells were gathered is asked once for the customers of all its small groups: the trend and
    every segment find theirs among them. ``sizes`` says how many customers a group has, and so whether all are there.
    """
    standard = report_periods(data)
    if not (set(periods) <= set(standard) and {*keys, *where} <= set(segments(item, data))):
        return None
    if (units := _units(item, data, in_force, standard)) is None:
        return None
    frame = _let_through(_renumbered(units, standard, periods), where)
    found = {key_of(key): group for key, group in frame.groupby(["period", *keys], dropna=False)}
    complete = all(key in found and int(found[key]["named"].sum()) == size for key, size in sizes.items())
    return found if complete else None


def _units(
    item: Indicator, data: Data, in_force: Mapping[str, object], periods: tuple[Period, ...]
) -> pd.DataFrame | None:
    """The customers of all groups that must be resampled, with their segments; None where cells were not gathered."""
    name = f"customers|{_name(item, data, in_force)}"
    if (known := data.answers.table(name)) is not None or (cells := gathered(item, data, in_force)) is None:
        return known
    own, frame = segments(item, data), _renumbered(cells, standard_periods(item, data), periods)
    asked = facts(item, data, periods, in_force, own)
    units = per_unit(asked.filter(asked.excluded.isnull()), ("period", *own), unique=item.unique)
    whole = [number for number, *_ in _resampled(item, frame, ("period",))]
    chosen = units.period.isin(whole)
    for by in own:
        spans: dict[object, list[object]] = {}
        for number, value in _resampled(item, frame, ("period", by)):
            if number not in whole:
                spans.setdefault(value, []).append(number)
        for value, numbers in spans.items():
            of_it = units[by].isnull() if value is None else units[by] == value
            chosen |= units.period.isin(numbers) & of_it
    rows = units.filter(chosen).select("period", *own, "v", "w", named=units.customer_id.notnull())
    found = data.ask(rows)
    _keep(name, data, found)
    return found


def _resampled(item: Indicator, frame: pd.DataFrame, keys: tuple[str, ...]) -> list[Key]:
    """The groups whose interval needs the customers themselves."""
    return item.kind.small(counted(_rolled_up(frame, keys, {})), keys) if isinstance(item.kind, FromMoments) else []


# ---- all at once


def standard_periods(item: Indicator, data: Data) -> tuple[Period, ...]:
    """The periods that a report asks an indicator for: the reported one, what it is compared with, the trend.

    Of an indicator that a goal is set on also the long past, by month and by the report's step: what forecasts rest on.
    """
    one, spans = data.period, [*report_periods(data)]
    if item.id in {goal.indicator for goal in data.settings.goals}:
        steps: dict[Step, None] = dict.fromkeys(("month", "month" if (kind := one.kind) == "days" else kind))
        spans += [span for step in steps for span in one.up_to(LONG_PAST[step], step)]
    return tuple(dict.fromkeys(spans))


def report_periods(data: Data) -> tuple[Period, ...]:
    """The same without the long past, whose limits nobody looks at."""
    report, one = data.settings.report, data.period
    baselines = [goal.baseline for goal in data.settings.goals if isinstance(goal.baseline, Period)]
    spans = [one, one.previous(), one.year_ago(), *one.up_to(report.trend_length, report.step), *baselines]
    return tuple(dict.fromkeys(spans))


def segments(item: Indicator, data: Data) -> tuple[str, ...]:
    """The report's segments that an indicator can be cut by, as attributes of its customers."""
    return tuple(n for n in data.segments if n in of_customers(item, data) and n not in item.splits)


def gathers(item: Indicator) -> bool:
    """Whether the sums of an indicator are few numbers that add up over customers."""
    return item.kind.adds and isinstance(item.kind, FromMoments) and item.waits_for is None


def gather(data: Data, assumptions: Mapping[str, Mapping[str, object]], items: Sequence[Indicator] = ()) -> int:
    """Ask for the standard cells of indicators, one statement each; how many statements it took.

    Those of orders share what is made of the orders (:mod:`crmtools.numbered`). ``assumptions`` holds those in force by indicator; ``items`` are by default all that can be computed.
    """
    chosen = [
        item
        for item in items or CATALOGUE.values()
        if gathers(item) and not missing_columns(item, data) and not uncut(item, data)
    ]
    if _combinations(data) > MOST_CELLS:
        return 0
    todo = [item for item in chosen if gathered(item, data, assumptions[item.id]) is None]
    _gather_numbered([item for item in todo if _numbers(item, data)], data, assumptions)
    for item in todo:
        if not _numbers(item, data):
            query = _query(item, data, standard_periods(item, data), assumptions[item.id], segments(item, data), {})
            _keep(_name(item, data, assumptions[item.id]), data, data.ask(query))
    return len(todo)


def _read(item: Indicator, data: Data) -> list[str]:
    """The tables that an indicator is given."""
    return [table for table in item.tables if usable(item, data, table)]


def _numbers(item: Indicator, data: Data) -> bool:
    """Whether an indicator reads nothing but tables whose customers can be numbered."""
    return item.by_customer and set(_read(item, data)) <= set(TABLES_NUMBERED)


def _combinations(data: Data) -> int:
    if not data.segments:
        return 1
    customers = data["customers"]
    values = {name: customers[name].nunique() for name in data.segments}
    return math.prod(int(count) + 1 for count in data.ask(customers.aggregate(**values)).iloc[0])


def _gather_numbered(items: Sequence[Indicator], data: Data, assumptions: Mapping[str, Mapping[str, object]]) -> None:
    """The same over orders and customers with numbers for ids: their cells are in the numbers."""
    if not items:
        return
    columns: dict[str, dict[str, None]] = {}
    for item in items:
        for table in _read(item, data):
            columns.setdefault(table, {}).update({name: None for name, _ in item.columns(table)})
    own = segments(items[0], data)
    with numbered(data, own, {table: tuple(names) for table, names in columns.items()}) as shared:

        def made(item: Indicator) -> ir.Table:
            return facts(item, data, standard_periods(item, data), assumptions[item.id], instead=shared.tables)

        for item, asked in shared.facts(made, items):
            query = item.kind.query(asked.mutate(cell=cell(asked)), ("period", "cell", "excluded"), unique=item.unique)
            frame = data.ask(query).merge(shared.cells, on="cell", how="left").drop(columns="cell")
            _keep(_name(item, data, assumptions[item.id]), data, frame)


def _keep(name: str, data: Data, frame: pd.DataFrame) -> None:
    data.answers.keep_table(name, pa.Table.from_pandas(frame, preserve_index=False))


def gathered(item: Indicator, data: Data, in_force: Mapping[str, object]) -> pd.DataFrame | None:
    """The standard cells of an indicator if somebody asked for them before."""
    return data.answers.table(_name(item, data, in_force)) if gathers(item) else None


def _name(item: Indicator, data: Data, in_force: Mapping[str, object]) -> str:
    """What the standard cells depend on besides the data. Compiling the query would take longer than computing the estimate."""
    told = [f"{name}={value!r}" for name, value in sorted(in_force.items())]
    spans = [period.id for period in standard_periods(item, data)]
    return "|".join(["cells", item.id, *told, *spans, *segments(item, data), made_by()])


@cache
def made_by() -> str:
    """What stands between a table and a number: the source of the package, and the libraries it computes with."""
    package = Path(__file__).parent
    files = [
        *package.glob("*.py"),
        *(f for part in COMPUTING for f in (package / part).rglob("*.py")),
    ]
    libraries = [f"{name} {version(name)}" for name in LIBRARIES]
    source = b"".join(file.read_bytes() for file in sorted(files))
    return hashlib.sha256(source + "|".join(libraries).encode()).hexdigest()[:16]
