"""Expressions as statements for the engine to run, not for people to read."""

from typing import Any

import ibis
import ibis.expr.types as ir


def statement(expression: ir.Table, backend: Any) -> str:
    """The SQL of an expression, one step of it after the other.

    Ibis would also fuse the steps into as few as it can, which is a third of the time that it takes to write a question; the
    engine does the same by itself, at once. For people, ``backend.compile`` says the same in fewer words.
    """
    options = ibis.options.sql
    fused, options.fuse_selects = options.fuse_selects, False
    try:
        return str(backend.compile(expression))
    finally:
        options.fuse_selects = fused
