"""What all kinds share: the sums asked of the engine, and reading one line of them per group."""

import math
import zlib
from collections.abc import Callable, Hashable, Mapping, Sequence
from dataclasses import dataclass
from typing import ClassVar, Protocol

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crmtools import intervals
from crmtools.words import Text

Run = Callable[[ir.Table], pd.DataFrame]
Key = tuple[object, ...]
Assumptions = Mapping[str, object]


@dataclass(frozen=True, slots=True)
class Figures:
    """What a kind makes of the facts of one group."""

    value: float | None = None
    low: float | None = None
    high: float | None = None
    se: float | None = None
    n: int = 0
    rows: int = 0
    numerator: float | None = None
    denominator: float | None = None
    method: str = "none"
    why: Text | None = None


@dataclass(frozen=True, slots=True)
class Request:
    """What a kind is asked: the facts that count (or who makes them), the columns that name a group, and how to have a query run.

    ``answer`` is what :meth:`Kind.query` would give, where it is known already. ``unique`` says that the facts hold one row
    per customer and period. Without ``resample`` the limits of what is read from sums come from formulas also where these
    are not trusted: for those who look at values and standard errors only, which are the same.
    """

    source: ir.Table | Callable[[], ir.Table]
    keys: tuple[str, ...]
    run: Run
    assumptions: Assumptions
    level: float
    answer: pd.DataFrame | None = None
    unique: bool = False
    resample: bool = True
    customers: Callable[[Mapping[Key, int]], dict[Key, pd.DataFrame] | None] | None = None

    @property
    def facts(self) -> ir.Table:
        """The facts; where the answer is known they are only put together for those who ask for more."""
        return self.source if isinstance(self.source, ir.Table) else self.source()

    def answered(self, kind: "Kind") -> pd.DataFrame:
        """The answer to the kind's query."""
        return self.run(kind.query(self.facts, self.keys, unique=self.unique)) if self.answer is None else self.answer


class Kind(Protocol):
    """A form of indicator.

    The answer to its query has the columns ``keys`` and ``labels``, and sums. The sums of disjoint groups of customers add
    up where it ``adds``: the answer for coarser keys is then the sum over the finer ones.
    """

    name: ClassVar[str]
    label: ClassVar[Text]
    adds: ClassVar[bool]

    @property
    def labels(self) -> tuple[str, ...]:
        """What the sums are split by within a group: a waiting time, a pattern."""
        ...

    def query(self, facts: ir.Table, keys: tuple[str, ...], *, unique: bool = False) -> ir.Table:
        """The query whose answer the value is read from; ``rows`` counts the records of the source."""
        ...

    def read(self, request: Request) -> dict[Key, Figures]:
        """Figures for every group that has facts."""
        ...


def per_unit(facts: ir.Table, keys: Sequence[str], *, unique: bool = False) -> ir.Table:
    """Facts summed per group and customer: ``v``, ``w``, ``rows``, ``squares`` (Σ weight² over rows)."""
    value = facts.value.cast("float64")
    weight = facts.weight.cast("float64") if "weight" in facts.columns else ibis.literal(1.0)
    records = facts.records if "records" in facts.columns else ibis.literal(1)
    made = {"v": value, "w": weight, "rows": records, "squares": weight * weight}
    if unique:
        copies = facts.copies if "copies" in facts.columns else ibis.literal(1)
        return facts.select(*keys, "customer_id", **made, copies=copies)
    number = facts.count()
    summed = {name: part.sum() if isinstance(part, ir.Column) else number * part for name, part in made.items()}
    return facts.group_by([*keys, "customer_id"]).aggregate(**summed)


def moments(facts: ir.Table, keys: Sequence[str], *, unique: bool = False) -> ir.Table:
    """The sums that every interval is made of: per group Σv, Σw, Σv², Σvw, Σw², Σ|v| over customers, n, rows."""
    units = per_unit(facts, keys, unique=unique)
    people = units.customer_id.notnull().cast("int64")
    parts = {
        "n": people, "rows": units.rows, "sv": units.v, "sw": units.w, "svv": units.v * units.v, "svw": units.v * units.w,
        "sww": units.w * units.w, "sav": units.v.abs(), "squares": units.squares,
    }  # fmt: skip
    if "copies" in facts.columns and unique:
        parts = {name: part * units.copies for name, part in parts.items()}
    return units.group_by(list(keys)).aggregate(**{name: part.sum() for name, part in parts.items()})


@dataclass(frozen=True, slots=True)
class Sums:
    """One group's line of :func:`moments`; ``ratio`` is the value, ``variance`` the linearised one over customers."""

    n: int
    rows: int
    sv: float
    sw: float
    svv: float
    svw: float
    sww: float
    sav: float
    squares: float

    @property
    def has_weight(self) -> bool:
        return bool(self.sw) and math.isfinite(self.sw)

    @property
    def ratio(self) -> float:
        return self.sv / self.sw

    @property
    def figures(self) -> "Figures":
        """The value without an interval."""
        return Figures(self.ratio, n=self.n, rows=self.rows, numerator=self.sv, denominator=self.sw)

    @property
    def variance(self) -> float:
        return intervals.linearised_variance(self.n, self.sv, self.sw, self.svv, self.svw, self.sww)


def key_of(values: object) -> Key:
    """A group's values as pandas gives them, as a key: what is missing is None, which unlike NaN equals itself."""
    listed = values if isinstance(values, tuple) else (values,)
    return tuple(None if value != value else value for value in listed)


def keyed(frame: pd.DataFrame, keys: Sequence[str]) -> list[tuple[Key, dict[Hashable, object]]]:
    """The rows of a frame with the group each belongs to."""
    rows = zip(*(frame[name].tolist() for name in frame.columns), strict=True)
    records: list[dict[Hashable, object]] = [dict(zip(frame.columns, row, strict=True)) for row in rows]
    return [(key_of(tuple(record[key] for key in keys)), record) for record in records]


def _lines(answer: pd.DataFrame, keys: Sequence[str]) -> dict[Key, Sums]:
    """The sums of each group, from the answer to :func:`moments`."""
    return {
        key: Sums(**{name: record[name] for name in Sums.__slots__})  # type: ignore[arg-type]
        for key, record in keyed(answer, keys)
    }


class FromMoments:
    """Shared reading of one line of sums per group; a kind adds :meth:`figures`."""

    name: ClassVar[str]
    label: ClassVar[Text]
    adds: ClassVar[bool] = True

    @property
    def labels(self) -> tuple[str, ...]:
        """None: one line of sums per group."""
        return ()

    def query(self, facts: ir.Table, keys: tuple[str, ...], *, unique: bool = False) -> ir.Table:
        """Sums over customers per group."""
        return moments(facts, keys, unique=unique)

    def read(self, request: Request) -> dict[Key, Figures]:
        """Figures from the sums; the customers themselves are fetched only for groups that must be resampled."""
        frame = request.answered(self)
        sums = _lines(frame, request.keys)
        counted = {key: item for key, item in sums.items() if item.has_weight}
        few = {key: item.n for key, item in counted.items() if request.resample and self.resample(item)}
        small = small_groups(request, few)
        # customers of groups too small to resample come along with the others, and must not make their interval another one
        figures = {
            key: self.figures(item, request, small.get(key) if key in few else None) for key, item in counted.items()
        }
        empty = {key: self.without_weight(item) for key, item in sums.items() if key not in counted}
        return figures | {key: item for key, item in empty.items() if item is not None}

    def small(self, answer: pd.DataFrame, keys: Sequence[str]) -> list[Key]:
        """The groups whose interval needs the customers themselves."""
        return [key for key, item in _lines(answer, keys).items() if item.has_weight and self.resample(item)]

    def without_weight(self, sums: Sums) -> Figures | None:
        """What to say of a group with nothing in the denominator; None is that there is nothing to count."""
        return None

    def resample(self, sums: Sums) -> bool:
        """Whether the interval needs the customers themselves."""
        return False

    def figures(self, sums: Sums, request: Request, units: pd.DataFrame | None) -> Figures:
        """The value and interval of one group."""
        raise NotImplementedError


def small_groups(request: Request, sizes: Mapping[Key, int]) -> dict[Key, pd.DataFrame]:
    """The customers of the groups that must be resampled, ``v`` and ``w`` of each; ``sizes`` says how many they are.

    One query for all of them; larger groups stay on the engine, others that are no larger come along.
    """
    if not sizes:
        return {}
    if request.customers and (found := request.customers(sizes)) is not None:
        return found
    units = per_unit(request.facts, request.keys, unique=request.unique)
    counted = units.group_by(list(request.keys)).mutate(units_in_group=units.customer_id.count())
    rows = request.run(
        counted.filter(counted.units_in_group <= max(sizes.values()))
        .select(*request.keys, "customer_id", "v", "w")
        .order_by([*request.keys, "customer_id"])
    )
    return {key_of(key): group for key, group in rows.groupby(list(request.keys), dropna=False)}


def bootstrap(units: pd.DataFrame | None, request: Request, *, log: bool) -> tuple[float, float] | None:
    """The bootstrap-t interval of the customers, None where they were not fetched or resampling cannot tell."""
    if units is None:
        return None
    v, w = units.v.to_numpy(float), units.w.to_numpy(float)
    return intervals.bootstrap_t(v, w, log=log, seed=seed_of(v, w), level=request.level)


def seed_of(v: intervals.Floats, w: intervals.Floats) -> int:
    """A seed that depends on the numbers alone, so that a rerun gives the same interval, in any currency."""
    digits = np.column_stack([intervals.settled(v), intervals.settled(w)])
    return zlib.crc32(digits[np.lexsort(digits.T)].tobytes())
