"""Rows from the engine in whatever order it has them."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

_LOCK = threading.Lock()
_INSIDE: dict[int, tuple[int, object]] = {}
"""Of a backend, by its place in memory: how many are inside, and what the setting was before the first came."""


@contextmanager
def any_order(backend: Any) -> Iterator[None]:
    """While it lasts, DuckDB keeps rows in no order but the one that is asked for: keeping that of the files takes up to twice as long.

    The setting is one of the whole database: who leaves last, of several threads, puts it back.
    """
    with _LOCK:
        inside, before = _INSIDE.get(id(backend), (0, None))
        if not inside:
            before = backend.raw_sql("SELECT current_setting('preserve_insertion_order')").fetchone()[0]
            backend.raw_sql("SET preserve_insertion_order = false")
        _INSIDE[id(backend)] = inside + 1, before
    try:
        yield
    finally:
        with _LOCK:
            inside, before = _INSIDE.pop(id(backend))
            if inside > 1:
                _INSIDE[id(backend)] = inside - 1, before
            else:
                backend.raw_sql(f"SET preserve_insertion_order = {before}")
