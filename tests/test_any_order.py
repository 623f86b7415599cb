"""The engine's setting for the order of rows is as it was when everybody has left, however they left."""

import ibis
import pytest

from crmtools.any_order import any_order


def setting(backend) -> object:
    return backend.raw_sql("SELECT current_setting('preserve_insertion_order')").fetchone()[0]


@pytest.mark.parametrize("before", [True, False])
def test_it_is_put_back_by_who_leaves_last(before) -> None:
    backend = ibis.duckdb.connect()
    backend.raw_sql(f"SET preserve_insertion_order = {before}")
    first, second = any_order(backend), any_order(backend)
    first.__enter__()
    second.__enter__()
    assert setting(backend) is False
    first.__exit__(None, None, None)
    assert setting(backend) is False
    second.__exit__(None, None, None)
    assert setting(backend) is before


def test_it_is_put_back_after_an_error() -> None:
    backend = ibis.duckdb.connect()
    with pytest.raises(ZeroDivisionError), any_order(backend):
        _ = 1 / 0
    assert setting(backend) is True
