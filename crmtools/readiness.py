"""Which indicators can be computed from the tables at hand, what the others lack, and which addition would change most.

All of it follows from the declarations of the indicators and of the tables. An addition is a set of pieces: ``tickets`` is
a table that the source does not have, ``tickets.due_at`` a column that its table lacks.
"""

import itertools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Literal

from crmtools.estimating import not_computable
from crmtools.indicators.catalogue import CATALOGUE, DIMENSIONS, Indicator
from crmtools.questions import missing_columns, uncut, usable
from crmtools.tables import TABLES
from crmtools.tables.source import Data
from crmtools.words import Text

State = Literal["computable", "missing", "waits", "whole"]
STATES: Mapping[State, Text] = {
    "computable": Text("可计算", "computable"),
    "missing": Text("缺少数据", "data missing"),
    "waits": Text("暂不可计算", "not yet"),
    "whole": Text("仅限全体客户", "all customers only"),
}
Way = frozenset[str]


@dataclass(frozen=True, slots=True)
class Fill:
    """The share of a table's rows that have a value in a column; ``needed`` columns are those nothing goes without.

    In ``later`` columns nothing stands until something has happened: an empty one is no gap.
    """

    table: str
    column: str
    needed: bool
    later: bool
    share: float

    @property
    def gap(self) -> bool:
        """Whether values are missing that should be there; one that is filled in later is only if it never is."""
        return self.needed and (self.share == 0 if self.later else self.share < 1)


@dataclass(frozen=True, slots=True)
class Addition:
    """Pieces that the source lacks, how to get them, and the indicators that they would make computable."""

    pieces: tuple[str, ...]
    indicators: tuple[Indicator, ...]
    how: Text


@dataclass(frozen=True, slots=True)
class Readiness:
    """Whether an indicator can be computed, and if not, why and what to do.

    ``why`` and ``missing`` are as :func:`crmtools.estimating.not_computable` and :func:`crmtools.questions.missing_columns` say, ``ways`` are the
    smallest additions that would do, ``cheapest`` the one of them that makes most indicators computable per piece. An
    indicator that ``waits`` for something that does not exist yet has no way, nor has one that is computed for the ``whole``
    company only while a part of its customers is asked for. ``fills`` are the columns it reads.
    """

    indicator: Indicator
    state: State
    why: Text | None = None
    missing: tuple[str, ...] = ()
    ways: tuple[Way, ...] = ()
    fills: tuple[Fill, ...] = ()
    cheapest: Addition | None = None
    either: Text | None = None
    """How to get what is missing, with every way that would do."""

    @property
    def gaps(self) -> tuple[Fill, ...]:
        """The needed columns that are not full, emptiest first."""
        return tuple(sorted((fill for fill in self.fills if fill.gap), key=lambda fill: fill.share))

    @property
    def emptiest(self) -> Fill | None:
        """The emptiest needed column: one with gaps, else any."""
        return next(iter(self.gaps), next((fill for fill in self.fills if fill.needed and not fill.later), None))


def readiness(data: Data, items: Iterable[Indicator] | None = None) -> dict[str, Readiness]:
    """The readiness of indicators by id, dimension by dimension; of the whole catalogue by default.

    What an addition gains is counted over ``items``.
    """
    chosen = list(CATALOGUE.values() if items is None else items)
    in_order = [item for dimension in DIMENSIONS for item in chosen if item.dimension == dimension]
    found = [_look(item, data) for item in in_order]
    return {one.indicator.id: _with_advice(one, found) for one in found}


def gains(found: Mapping[str, Readiness]) -> tuple[Addition, ...]:
    """What to add, the cheapest gain first: most indicators per piece, a column before a table.

    Each step counts the indicators that come on top of those of the steps before it, so that every indicator for which
    data are missing stands in one of them.
    """
    left = [one for one in found.values() if one.state == "missing"]
    added: Way = frozenset()
    steps = []
    while left:
        best = _best((way - added for one in left for way in one.ways), left, added)
        gained = _gained(left, added | best)
        steps.append(_addition(best, gained))
        added |= best
        left = [one for one in left if one not in gained]
    return tuple(steps)


def _look(item: Indicator, data: Data) -> Readiness:
    whole = item.waits_for is None and bool(uncut(item, data))
    missing = () if whole else tuple(missing_columns(item, data))
    state: State = "waits" if item.waits_for is not None else "missing" if missing else "computable"
    state = "whole" if whole else state
    return Readiness(
        item,
        state,
        not_computable(item, data),
        missing,
        _ways(item, data) if state == "missing" else (),
        tuple(_fills(item, data)),
    )


def _ways(item: Indicator, data: Data) -> tuple[Way, ...]:
    """The smallest sets of pieces that would make it computable; several where one of several tables would do."""

    def lacks(table: str) -> Way:
        return frozenset(data.missing(table, item.columns(table)))

    always: Way = frozenset().union(*(lacks(table) for table in item.tables if table not in item.optional))
    open_groups = [group for group in item.one_of if not any(usable(item, data, table) for table in group)]
    ways = [always.union(*map(lacks, chosen)) for chosen in itertools.product(*open_groups)]
    return tuple(dict.fromkeys(way for way in ways if not any(other < way for other in ways)))


def _fills(item: Indicator, data: Data) -> Iterable[Fill]:
    shares = {report.table: report.filled for report in data.door.tables}
    either = {table for group in item.one_of for table in group}
    for table in item.tables:
        for column, needed in item.columns(table):
            if data.has(table, column) and column in shares.get(table, {}):
                counts = needed and (table not in item.optional or table in either)
                yield Fill(table, column, counts, TABLES[table][column].later, shares[table][column])


def _with_advice(one: Readiness, found: Sequence[Readiness]) -> Readiness:
    if not one.ways:
        return one
    best = _best(one.ways, found)
    hows = [_how(way, _gained(found, way)) for way in (best, *(way for way in one.ways if way != best))]
    either = Text("；或者：".join(how.zh for how in hows), "; or: ".join(how.en for how in hows))
    return replace(one, cheapest=_addition(best, _gained(found, best)), either=either)


def _best(ways: Iterable[Way], among: Sequence[Readiness], added: Way = frozenset()) -> Way:
    """The way that makes most indicators computable per piece; at equal gain the one with fewer tables."""

    def worth(way: Way) -> tuple[float, int, int]:
        gained = len(_gained(among, added | way))
        return gained / len(way), -sum("." not in piece for piece in way), gained

    return max(dict.fromkeys(ways), key=worth)


def _gained(among: Sequence[Readiness], added: Way) -> list[Readiness]:
    return [one for one in among if any(way <= added for way in one.ways)]


def _addition(way: Way, gained: Sequence[Readiness]) -> Addition:
    return Addition(_sorted(way), tuple(one.indicator for one in gained), _how(way, gained))


def _sorted(way: Way) -> tuple[str, ...]:
    tables = list(TABLES)
    return tuple(sorted(way, key=lambda piece: (tables.index(piece.partition(".")[0]), piece)))


# ---- in words


def _how(way: Way, gained: Sequence[Readiness]) -> Text:
    """What to export or to add: tables with the columns that the indicators need, columns with their meaning."""
    by_table: dict[str, list[str]] = {}
    for piece in _sorted(way):
        table, _, column = piece.partition(".")
        by_table.setdefault(table, []).append(column)
    parts = [
        _column_words(table, columns) if all(columns) else _table_words(table, [one.indicator for one in gained])
        for table, columns in by_table.items()
    ]
    return Text("；".join(part.zh for part in parts), "; ".join(part.en for part in parts))


def _table_words(name: str, readers: Sequence[Indicator]) -> Text:
    table = TABLES[name]
    wanted = {column for item in readers if name in item.uses for column, needed in item.columns(name) if needed}
    wanted |= set(table.required)
    if table.generated_key:
        wanted -= set(table.key)  # the door numbers the rows itself
    columns = [column.name for column in table.columns if column.name in wanted]
    return Text(
        f"导出数据表 {name}，内容为“{table.meaning.zh}”，至少包含列 {'、'.join(columns)}",
        f"export the table {name} ({table.meaning.en}) with at least the columns {', '.join(columns)}",
    )


def _column_words(name: str, columns: Sequence[str]) -> Text:
    table = TABLES[name]
    zh = "、".join(f"{column}（{table[column].meaning.zh}）" for column in columns)
    en = ", ".join(f"{column} ({table[column].meaning.en})" for column in columns)
    return Text(f"在数据表 {name} 中补充列 {zh}", f"add to the table {name} the column{'s'[: len(columns) > 1]} {en}")
