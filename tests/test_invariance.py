"""What must not matter to any indicator of the catalogue: the currency, the time zone, how many are alike. And what must."""

from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest

import crmtools as crm
from crmtools import CATALOGUE, Period
from crmtools.estimating import not_computable
from crmtools.goal_settings import GoalSettings
from crmtools.goals.goal import goal_from
from crmtools.goals.reading import read
from crmtools.indicators.catalogue import Indicator
from crmtools.indicators.kinds import Coefficient, Model, Total
from crmtools.measuring import measure
from crmtools.simulate import simulate_frames
from crmtools.tables import TABLES
from crmtools.tables.answers import Answers

Frames = dict[str, pd.DataFrame]
AS_OF, Q4 = date(2025, 12, 31), Period.parse("2025-Q4")
every_indicator = pytest.mark.parametrize("name", [n for n, item in CATALOGUE.items() if item.waits_for is None])
COPIES = 40


@pytest.fixture(scope="module")
def frames() -> Frames:
    return simulate_frames(seed=12, customers=300, months=30, as_of=AS_OF)


@pytest.fixture(scope="module")
def data(frames) -> crm.Data:
    return crm.open(**frames, as_of=AS_OF)


def columns(table: str, frame: pd.DataFrame, *types: str) -> list[str]:
    return [c.name for c in TABLES[table].columns if c.type in types and c.name in frame]


def agree(one: crm.Estimate, other: crm.Estimate, *, factor: float = 1.0, rel: float = 1e-6) -> None:
    assert one.why == other.why
    assert one.n == other.n
    for part in ("value", "low", "high"):
        a, b = getattr(one, part), getattr(other, part)
        assert (a is None) == (b is None), part
        if a is not None:
            assert b == pytest.approx(factor * a, rel=rel, abs=1e-9), part


# ---- the currency


@pytest.fixture(scope="module")
def other_money(frames) -> tuple[crm.Data, crm.Data]:
    """Everything in one currency, and every amount seven times as large."""
    made: list[Frames] = [{}, {}]
    for name, frame in frames.items():
        plain = frame.drop(columns="currency", errors="ignore") if name != "fx_rates" else frame
        amounts = [*columns(name, plain, "money"), *(["amount"] if name == "order_lines" else [])]
        made[0][name] = plain
        made[1][name] = plain.assign(**{amount: 7 * plain[amount] for amount in amounts})
    return crm.open(**made[0], as_of=AS_OF), crm.open(**made[1], as_of=AS_OF)


@pytest.mark.in_turns
@every_indicator
def test_money_in_another_currency_changes_amounts_and_nothing_else(name, other_money) -> None:
    one, seven = (measure(name, data, period=Q4) for data in other_money)
    item = CATALOGUE[name]
    # money is put into steps before a model sees it: of about one per cent, or coarser where it is clustered
    steps = 0.1 if isinstance(item.kind, Coefficient) else 0.02 if isinstance(item.kind, Model) else 1e-6
    agree(one, seven, factor=7.0 if item.unit.form == "money" else 1.0, rel=steps)


# ---- the time zone


@pytest.fixture(scope="module")
def elsewhere(frames) -> crm.Data:
    """The same moments written in universal time."""
    made = {}
    for name, frame in frames.items():
        moments = {
            column: frame[column].dt.tz_localize("Asia/Shanghai").dt.tz_convert("UTC")
            for column in columns(name, frame, "time")
        }
        made[name] = frame.assign(**moments)
    return crm.open(**made, as_of=AS_OF)


@pytest.mark.in_turns
@every_indicator
def test_moments_written_in_another_time_zone_are_the_same_moments(name, data, elsewhere) -> None:
    agree(measure(name, data, period=Q4), measure(name, elsewhere, period=Q4))


# ---- one customer, and many who are alike


def busiest(frames: Frames) -> str:
    """The customer who stands in the most tables."""
    held = [frame["customer_id"] for frame in frames.values() if "customer_id" in frame]
    return pd.concat([ids.drop_duplicates() for ids in held]).value_counts().index[0]


def only(frames: Frames, customer: str) -> Frames:
    made = {n: f[f["customer_id"] == customer] if "customer_id" in f else f for n, f in frames.items()}
    for name, column, parent in (
        ("order_lines", "order_id", "orders"), ("ratings", "case_id", "tickets"), ("feedback_codes", "feedback_id", "feedback"),
        ("stage_history", "opportunity_id", "opportunities"),
    ):  # fmt: skip
        key = TABLES[parent].key[0]
        made[name] = made[name][made[name][column].isin(made[parent][key])]
    return made


def copied(frames: Frames) -> Frames:
    """Everybody there is, so many times over, each time under other ids."""
    made = {}
    for name, frame in frames.items():
        if name in ("survey_items", "fx_rates", "campaigns", "spend"):
            made[name] = frame
            continue
        ids = [c for c in columns(name, frame, "id") if TABLES[name][c].refers != "campaigns"]
        parts = [
            frame.assign(**{c: frame[c].where(frame[c].isna(), frame[c].astype("string") + f"-{n}") for c in ids})
            for n in range(COPIES)
        ]
        made[name] = pd.concat(parts, ignore_index=True)
    return made


@pytest.fixture(scope="module")
def one_and_many(frames) -> tuple[crm.Data, crm.Data]:
    alone = only(frames, busiest(frames))
    return crm.open(**alone, as_of=AS_OF), crm.open(**copied(alone), as_of=AS_OF)


@pytest.mark.in_turns
@every_indicator
def test_one_customer_is_told_and_claims_little(name, one_and_many) -> None:
    found = measure(name, one_and_many[0], period="2025")
    assert found.n <= 1 or not CATALOGUE[name].by_customer
    if found.value is None:
        assert found.why is not None
    for limit in (found.low, found.high):
        assert limit is None or np.isfinite(limit)
    if found.low is not None and found.value is not None:
        assert found.low <= found.value
    if found.low is None and found.high is None:
        assert found.why is not None


@pytest.mark.in_turns
@every_indicator
def test_customers_who_are_all_alike_have_the_value_of_one(name, one_and_many) -> None:
    item = CATALOGUE[name]
    alone, many = (measure(name, data, period="2025") for data in one_and_many)
    spends = "spend" in item.tables  # the money stays as it is, and is shared by more
    if alone.value is None or isinstance(item.kind, Model) or spends:
        assert many.value is None or np.isfinite(many.value)
    else:
        assert many.value == pytest.approx((COPIES if isinstance(item.kind, Total) else 1) * alone.value, rel=1e-9)
    if many.low is not None and many.high is not None and many.value is not None:
        assert many.low <= many.value <= many.high
    if many.value is not None and many.low is None:
        assert many.why is not None


# ---- the direction


def _written(value: float, item: Indicator) -> str | float:
    """A value as a parameters file holds it."""
    return f"{100 * value:.12f}%" if item.unit.form == "percent" else value


@pytest.mark.in_turns
@every_indicator
def test_a_goal_in_the_better_direction_is_a_gap_until_it_is_reached(name, data) -> None:
    item = CATALOGUE[name]
    now = measure(name, data)
    if now.value is None or item.better == "range":
        return
    step = max(abs(now.value), 0.01) / 10
    side = 1 if item.better == "higher" else -1
    for ahead in (True, False):
        target = now.value + (side if ahead else -side) * step
        if (item.unit.high is not None and target > item.unit.high) or (
            item.unit.low is not None and target < item.unit.low
        ):
            continue  # nothing better can be
        written = GoalSettings(
            indicator=name,
            target={"to": _written(target, item)},
            baseline=_written(now.value - 2 * side * step, item),
            by=date(2026, 6, 30),
            **{"from": date(2025, 1, 1)},
        )
        reading = read(goal_from(written), data)
        assert (reading.gap > 0) == ahead
        assert reading.progress == pytest.approx(2 / 3 if ahead else 2, rel=1e-4)


def test_what_waits_says_for_what(data) -> None:
    for name, item in CATALOGUE.items():
        if item.waits_for is not None:
            found = measure(name, data)
            assert (found.value, found.n) == (None, 0)
            assert found.why.en == f"not computable yet: {item.waits_for.en}"
            assert not_computable(name, replace(data, answers=Answers(""))) == found.why
