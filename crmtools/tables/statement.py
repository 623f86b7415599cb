"""Our own questions as statements for the engine to run, not for people to read."""

from threading import Lock
from typing import Any

import ibis
import ibis.expr.types as ir

_ALONE = Lock()
"""The option is one for the whole process: two that changed it at once would leave it changed."""


def statement(expression: ir.Table, backend: Any) -> str:
    """The SQL of an expression, one step of it after the other.

    Ibis would also fuse the steps into as few as it can, which is a third of the time that it takes to write a question; the
    engine finds the same plan by itself, at once. Only an order that another order or ``distinct()`` comes after is lost without
    it, which none of our questions has: those of an analyst are written by ``backend.compile``.
    """
    options = ibis.options.sql
    with _ALONE:
        fused, options.fuse_selects = options.fuse_selects, False
        try:
            return str(backend.compile(expression))
        finally:
            options.fuse_selects = fused
