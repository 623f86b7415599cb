"""Rows from the engine in whatever order it has them."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any


@contextmanager
def any_order(backend: Any) -> Iterator[None]:
    """While it lasts, DuckDB keeps rows in no order but the one that is asked for: keeping that of the files takes up to twice as long."""
    before = backend.raw_sql("SELECT current_setting('preserve_insertion_order')").fetchone()[0]
    backend.raw_sql("SET preserve_insertion_order = false")
    try:
        yield
    finally:
        backend.raw_sql(f"SET preserve_insertion_order = {before}")
