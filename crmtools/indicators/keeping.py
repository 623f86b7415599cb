"""Tables that many indicators start from, each made once while they are asked for together (:mod:`crmtools.numbered`)."""

from collections.abc import Callable, Hashable
from contextvars import ContextVar
from datetime import date
from functools import partial, wraps
from typing import ParamSpec, Protocol

import ibis.expr.types as ir


class Keeper(Protocol):
    """Who keeps the tables."""

    moments: set[date]
    """The days that any of the indicators compares an order's day with."""

    def __call__(self, made: ir.Table) -> ir.Table:
        """The table that holds what is made."""
        ...

    def once(self, asked: Hashable, make: Callable[[], ir.Table]) -> ir.Table:
        """What was made when this was asked before, else what is made now."""
        ...


Given = ParamSpec("Given")
KEEPER: ContextVar[Keeper | None] = ContextVar("KEEPER", default=None)


def kept(made: ir.Table) -> ir.Table:
    """A table, or what the keeper, if there is one, has in its place."""
    keeper = KEEPER.get()
    return made if keeper is None else keeper(made)


def made_once(make: Callable[Given, ir.Table]) -> Callable[Given, ir.Table]:
    """Of the same arguments, while there is a keeper, the expression is built once: on few rows that takes longer than the engine does."""

    @wraps(make)
    def once(*given: Given.args, **named: Given.kwargs) -> ir.Table:
        keeper = KEEPER.get()
        if keeper is None:
            return make(*given, **named)
        alike = tuple(one.op() if isinstance(one, ir.Table) else one for one in (*given, *named.values()))
        return keeper.once((make, *named, alike), partial(make, *given, **named))

    return once
