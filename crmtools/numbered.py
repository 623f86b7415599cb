"""Orders and customers with numbers for ids, for the time of one large question.

Ids are texts of sixteen signs: grouping ten million orders by them costs several times what grouping by a number does, and
each attribute asked for costs another join. So the tables are read with a number for each customer whose high part is the
*cell*, the combination of the segments' values that the customer belongs to: after that a customer's attributes are a
division, and no join. What many indicators start from is made of them once, into the engine's memory.
"""

from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any

import ibis
import ibis.expr.operations as ops
import ibis.expr.types as ir
import pandas as pd

from crmtools.any_order import any_order
from crmtools.indicators.buying import marked
from crmtools.indicators.catalogue import Indicator
from crmtools.indicators.keeping import KEEPER
from crmtools.tables.reading import quote
from crmtools.tables.source import Data
from crmtools.tables.statement import statement

CELL = 2**32
"""A customer's number is his cell times this, and his place."""
TABLES_NUMBERED = ("orders", "customers")
"""The tables whose customers get numbers. In others the engine meets ids of other things beside those of customers, which stay texts."""


@dataclass(frozen=True, slots=True)
class Numbered:
    """The tables by name, and ``cells``: the number of every cell with its attributes."""

    tables: Mapping[str, ir.Table]
    cells: pd.DataFrame
    keeper: "_Keeper"

    def facts(
        self, make: Callable[[Indicator], ir.Table], items: Sequence[Indicator]
    ) -> Iterator[tuple[Indicator, ir.Table]]:
        """What is made for each indicator. All of it is put together once before, to hear what they have in common."""
        self.keeper.listens = True
        for item in items:
            make(item)
        self.keeper.listens = False
        return ((item, make(item)) for item in items)


def cell(facts: ir.Table) -> ir.IntegerColumn:
    """The cell of the customer of each row."""
    return facts.customer_id >> 32


@contextmanager
def numbered(data: Data, attributes: Sequence[str], columns: Mapping[str, Sequence[str]]) -> Iterator[Numbered]:
    """The tables with these columns, customers as numbers; they and what was kept of them are gone afterwards.

    ``columns`` are those wanted of each table; one that the source lacks is empty.
    """
    backend: Any = data.backend
    with any_order(backend):
        try:
            everyone = not data.has("customers")
            tables = _renamed(data, attributes, columns, everyone=everyone)
            keeper = _Keeper(backend)
            token = KEEPER.set(keeper)
            try:
                if not everyone and _without_number(tables):
                    # who ordered before the day of acquisition is not among the customers yet
                    _drop(data)
                    keeper.forget()
                    tables = _renamed(data, attributes, columns, everyone=True)
                yield Numbered(tables, backend.raw_sql("SELECT * FROM numbered_cells").df(), keeper)
            finally:
                KEEPER.reset(token)
        finally:
            _drop(data)


class _Keeper:
    """Puts an expression into a table of its own, the first time that it is asked for; while it listens, it keeps nothing.

    The engine would share it among the parts of one statement as well; ten indicators of ten million orders in one statement
    were seen to wait for each other for ever.
    """

    def __init__(self, backend: Any) -> None:
        self.backend = backend
        self.tables: dict[ops.Node, ir.Table] = {}
        self.built: dict[Hashable, ir.Table] = {}
        self.moments: set[date] = set()
        self.listens = False

    def __call__(self, made: ir.Table) -> ir.Table:
        if self.listens:
            return made
        if made.op() not in self.tables:
            name = f"numbered_{len(self.tables)}"
            self.backend.raw_sql(f"CREATE TEMP TABLE {name} AS {statement(made, self.backend)}")
            self.tables[made.op()] = self.backend.table(name)
        return self.tables[made.op()]

    def once(self, asked: Hashable, make: Callable[[], ir.Table]) -> ir.Table:
        if (known := self.built.get((self.listens, asked))) is None:
            known = self.built[self.listens, asked] = make()
        return known

    def forget(self) -> None:
        """Keep nothing of what was kept."""
        self.tables.clear()
        self.built.clear()


def _renamed(
    data: Data, attributes: Sequence[str], columns: Mapping[str, Sequence[str]], *, everyone: bool
) -> dict[str, ir.Table]:
    """Views of the tables with numbers for ids: what is made of them is kept, and not they themselves, which are wide."""
    backend: Any = data.backend
    _number(data, attributes, everyone=everyone)
    # a number is met faster than a text; the engine's hash has 64 bits, and where two customers share one the texts are met
    alone = "SELECT count(DISTINCT hash(customer_id)) = count(*) FROM numbered_keys"
    met = "hash({}.customer_id)" if backend.raw_sql(alone).fetchone()[0] else "{}.customer_id"
    for name, wanted in columns.items():
        rows = data.needed(name, tuple((column, False) for column in wanted))
        backend.raw_sql(
            f"CREATE TEMP VIEW numbered_{name} AS SELECT rows.* REPLACE (keys.number AS customer_id) "
            f"FROM ({statement(rows, backend)}) AS rows "
            f"LEFT JOIN numbered_keys AS keys ON {met.format('rows')} = {met.format('keys')}"
        )
    return {name: backend.table(f"numbered_{name}") for name in columns}


def _without_number(tables: Mapping[str, ir.Table]) -> bool:
    """Whether somebody ordered who is not among the customers; looked for in what is kept, where it costs nothing."""
    if "orders" not in tables:
        return False
    customers = marked(tables["orders"]).customer_id
    return bool(customers.isnull().any().execute())


def _drop(data: Data) -> None:
    backend: Any = data.backend
    for kind in ("view", "table"):
        made = backend.raw_sql(f"SELECT {kind}_name FROM duckdb_{kind}s() WHERE temporary").fetchall()
        for (name,) in made:
            if name.startswith("numbered_"):
                backend.raw_sql(f"DROP {kind} {name}")


def _number(data: Data, attributes: Sequence[str], *, everyone: bool) -> None:
    """The cells, and the number of every customer: those of the table of customers, or ``everyone`` who ordered, too."""
    backend: Any = data.backend
    ids = [data[name].select("customer_id") for name in TABLES_NUMBERED if data.has(name)]
    people = statement(ibis.union(*ids, distinct=True) if len(ids) > 1 else ids[0].distinct(), backend)
    if data.has("customers"):
        with_attributes = statement(data["customers"].select("customer_id", *attributes), backend)
        joined = f"SELECT * FROM ({people}) AS ids LEFT JOIN ({with_attributes}) AS known USING (customer_id)"
        people = joined if everyone else with_attributes
    named = "".join(f", {quote(name)}" for name in attributes)
    alike = "".join(f" AND people.{quote(n)} IS NOT DISTINCT FROM cells.{quote(n)}" for n in attributes)
    distinct = f"SELECT DISTINCT {named.removeprefix(', ')} FROM ({people})" if attributes else "SELECT 0"
    backend.raw_sql(
        f"CREATE TEMP TABLE numbered_cells AS SELECT row_number() OVER () - 1 AS cell{named} FROM ({distinct})"
    )
    backend.raw_sql(
        f"CREATE TEMP TABLE numbered_keys AS SELECT customer_id, cell * {CELL} + row_number() OVER () AS number "
        f"FROM ({people}) AS people JOIN numbered_cells AS cells ON true{alike}"
    )
