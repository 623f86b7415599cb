"""The correlation of two periods' estimates, from customer rows in plain pandas and numpy; and against resampled customers."""

import numpy as np
import pandas as pd
import pytest
from by_hand import Tables, complaint_rate, csat_mean, inactivity_rate, nps, overdue_ratio, revenue_per_customer
from two_waves import BEFORE, NOW, company

import crmtools as crm
from crmtools import CRMError, Period
from crmtools.goals.panel import NOBODY_TWICE, NOT_A_SUM, Panel, correlation, panel
from crmtools.indicators.kinds import ALIKE, NO_DATA

BY_HAND = (complaint_rate, csat_mean, inactivity_rate, nps, overdue_ratio, revenue_per_customer)


@pytest.fixture(scope="module")
def data() -> crm.Data:
    return company()[1]


@pytest.fixture(scope="module")
def tables(tmp_path_factory) -> Tables:
    folder = tmp_path_factory.mktemp("company")
    for name, frame in company()[0].items():
        frame.to_parquet(folder / f"{name}.parquet")
    return Tables.read(folder)


def by_customer(rows: pd.DataFrame) -> pd.DataFrame:
    return rows.groupby("unit")[["v", "w"]].sum()


def linearised(customers: pd.DataFrame) -> pd.Series:
    return (customers["v"] - customers["v"].sum() / customers["w"].sum() * customers["w"]) / customers["w"].sum()


def by_numpy(one: pd.DataFrame, other: pd.DataFrame) -> tuple[float, int, int, int]:
    z = [linearised(by_customer(rows)) for rows in (one, other)]
    both = z[0].index.intersection(z[1].index)
    shared = (z[0][both].to_numpy() * z[1][both].to_numpy()).sum()
    return shared / np.sqrt((z[0] ** 2).sum() * (z[1] ** 2).sum()), len(both), len(z[0]), len(z[1])


@pytest.mark.parametrize("made", BY_HAND, ids=lambda made: made.__name__)
@pytest.mark.parametrize("before", ["2025-Q3", "2025-07-01..2025-11-15"])
def test_equals_the_recomputation_from_customer_rows(data, tables, made, before) -> None:
    """Quarters that follow each other, and spans that overlap, whose estimates are in part of the same rows."""
    span = Period.parse(before)
    parts = [made(tables, pd.Timestamp(p.start), pd.Timestamp(p.end)) for p in (span, NOW)]
    rho, both, n0, n1 = by_numpy(*parts)
    found = panel(made.__name__, data, span, NOW)
    assert found.correlation == pytest.approx(rho, rel=1e-9, abs=1e-11)
    assert (found.both, found.baseline, found.now, found.why) == (both, n0, n1, None)
    assert correlation(made.__name__, data, before, "2025-Q4") == found.correlation
    assert before == "2025-Q3" or found.correlation > 0.05


def test_only_the_customers_that_are_asked_for(data, tables) -> None:
    where = {"region": "south"}
    chosen = tables.only("region", "south")
    parts = [revenue_per_customer(chosen, pd.Timestamp(p.start), pd.Timestamp(p.end)) for p in (BEFORE, NOW)]
    found = panel("revenue_per_customer", data, BEFORE, NOW, where)
    assert (found.correlation, *(found.both, found.baseline, found.now)) == pytest.approx(by_numpy(*parts), rel=1e-9)
    assert found.baseline < panel("revenue_per_customer", data, BEFORE, NOW).baseline
    assert found == panel("revenue_per_customer", data, BEFORE, NOW, {"region": ["south"]})


def test_assumptions_are_those_of_the_measurement(data, tables) -> None:
    strict = panel("nps", data, "2025-Q3", "2025-Q4", None, {"promoter_from": 10})
    assert strict.correlation != panel("nps", data, "2025-Q3", "2025-Q4").correlation


def test_one_query(data, monkeypatch) -> None:
    asked = []
    ask = crm.Data.ask
    monkeypatch.setattr(crm.Data, "ask", lambda self, query: asked.append(query) or ask(self, query))
    panel("aov", data, BEFORE, NOW, {"region": "south"})
    assert len(asked) == 1
    assert len(asked[0].execute()) == 1


def test_agrees_with_resampled_customers(rng) -> None:
    """Sixty of a hundred customers are in both periods; both estimates are made anew from customers drawn again."""
    n = 160
    level = rng.normal(0, 1, n)
    there = np.array([[True, True]] * 60 + [[True, False]] * 40 + [[False, True]] * 60)
    value = np.exp(level[:, None] + rng.normal(0, 0.7, (n, 2)))
    days = [pd.Timestamp("2025-08-15"), pd.Timestamp("2025-11-15")]
    orders = pd.DataFrame(
        [
            {"order_id": f"o{i}-{k}", "customer_id": f"c{i}", "ordered_at": days[k], "net_amount": value[i, k], "status": "completed"}
            for i in range(n)
            for k in (0, 1)
            if there[i, k]
        ]
    )  # fmt: skip
    data = crm.open(orders=orders, as_of=NOW.last_day)
    found = panel("revenue_per_customer", data, "2025-Q3", "2025-Q4")
    assert (found.both, found.baseline, found.now) == (60, 100, 120)
    means = []
    for _ in range(4000):
        drawn = rng.integers(0, n, n)
        means.append([value[drawn, k][there[drawn, k]].mean() for k in (0, 1)])
    assert found.correlation == pytest.approx(np.corrcoef(np.array(means).T)[0, 1], abs=0.05)
    nobody = panel("revenue_per_customer", data, "2025-Q2", "2025-Q4")
    assert (nobody.correlation, nobody.both, nobody.now, nobody.why) == (0.0, 0, 120, NO_DATA)


def test_nobody_in_both_and_everybody_alike() -> None:
    def of(amounts: list[float], customers: list[str]) -> Panel:
        orders = pd.DataFrame(
            {
                "order_id": ["a", "b", "c", "d"], "customer_id": customers, "status": "completed", "net_amount": amounts,
                "ordered_at": pd.to_datetime(["2025-08-01", "2025-08-02", "2025-11-01", "2025-11-02"]),
            }
        )  # fmt: skip
        return panel("revenue_per_customer", crm.open(orders=orders, as_of=NOW.last_day), "2025-Q3", "2025-Q4")

    apart = of([1.0, 2.0, 3.0, 5.0], ["p", "q", "r", "s"])
    assert (apart.correlation, apart.both, apart.why) == (0.0, 0, NOBODY_TWICE)
    alike = of([0.1, 0.1, 3.0, 5.0], ["p", "q", "p", "q"])
    assert (alike.correlation, alike.both, alike.why) == (0.0, 2, ALIKE)
    # two customers are always on one line; the correlation stops short of 1
    assert of([1.0, 2.0, 3.0, 5.0], ["p", "q", "p", "q"]).correlation == 0.999
    assert of([1.0, 2.0, 5.0, 3.0], ["p", "q", "p", "q"]).correlation == -0.999


def test_kinds_that_are_no_sums_over_customers_say_so(data) -> None:
    for name in ("resolution_time", "cac", "backlog", "clv_expected", "revenue_concentration", "retention_cost"):
        found = panel(name, data, BEFORE, NOW)
        assert found == Panel(0.0, why=NOT_A_SUM)
        assert correlation(name, data, BEFORE, NOW) == 0


def test_what_cannot_be_asked(data) -> None:
    without = crm.open(customers=company()[0]["customers"], as_of=NOW.last_day)
    found = panel("nps", without, BEFORE, NOW)
    assert found.correlation == 0
    assert "survey_answers" in found.why.en
    with pytest.raises(CRMError, match="Did you mean 'region'"):
        panel("nps", data, BEFORE, NOW, {"regoin": "south"})
