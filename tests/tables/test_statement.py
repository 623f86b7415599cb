"""Our questions are written for the engine without being fused; those of an analyst keep the order that they ask for."""

from concurrent.futures import ThreadPoolExecutor

import ibis
import numpy as np
import pandas as pd
import pytest

import crmtools as crm
from crmtools.tables.statement import statement


@pytest.fixture(scope="module")
def data():
    rng = np.random.default_rng(20261128)
    days = pd.Timestamp("2025-01-01") + pd.to_timedelta(rng.integers(0, 5, 50_000), unit="D")
    ids = rng.permutation(50_000).astype(str)
    return crm.open(orders=pd.DataFrame({"order_id": ids, "customer_id": ids, "ordered_at": days, "net_amount": 1.0}))


def test_the_order_of_an_order_is_kept(data):
    found = data.execute(data.orders.order_by("order_id").order_by("ordered_at"))
    again = found.sort_values(["ordered_at", "order_id"], ignore_index=True)
    assert found["order_id"].tolist() == again["order_id"].tolist()
    assert data.execute(data.orders.select("ordered_at").order_by("ordered_at").distinct())[
        "ordered_at"
    ].is_monotonic_increasing


def test_both_ways_say_the_same(data):
    orders = data.orders.mutate(day=data.orders.ordered_at.date()).filter(lambda t: t.net_amount > 0)
    asked = orders.mutate(place=ibis.row_number().over(group_by="day", order_by="order_id")).filter(
        lambda t: t.place < 3
    )
    asked = asked.group_by("day").aggregate(n=lambda t: t.count()).order_by("day")
    assert statement(asked, data.backend).count("SELECT") > data.backend.compile(asked).count("SELECT")
    pd.testing.assert_frame_equal(data.ask(asked), data.execute(asked))


def test_the_option_is_as_before_however_many_ask(data):
    with ThreadPoolExecutor(4) as pool:
        list(pool.map(lambda _: statement(data.orders.limit(1), data.backend), range(200)))
    assert ibis.options.sql.fuse_selects
