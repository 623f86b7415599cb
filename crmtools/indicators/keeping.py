"""Tables that many indicators start from, each made once while they are asked for together (:mod:`crmtools.numbered`)."""

from contextvars import ContextVar
from datetime import date
from typing import Protocol

import ibis.expr.types as ir


class Keeper(Protocol):
    """Who keeps the tables."""

    moments: set[date]
    """The days that any of the indicators compares an order's day with."""

    def __call__(self, made: ir.Table) -> ir.Table:
        """The table that holds what is made."""
        ...


KEEPER: ContextVar[Keeper | None] = ContextVar("KEEPER", default=None)


def kept(made: ir.Table) -> ir.Table:
    """A table, or what the keeper, if there is one, has in its place."""
    keeper = KEEPER.get()
    return made if keeper is None else keeper(made)
