"""A study is fitted once per state of the data, and anew when anything that it hangs on differs."""

import warnings
from dataclasses import fields, is_dataclass, replace

import numpy as np
import pandas as pd
import pytest

import crmtools as crm
from crmtools.lifetime import study as module
from crmtools.lifetime.fitted import Fitted
from crmtools.lifetime.occasions import COARSE
from crmtools.lifetime.study import Study, study
from crmtools.lifetime.value import Worth
from crmtools.plain import from_text, to_text
from crmtools.settings import Lifetime


def orders_of(customers=400, twice=False):
    """Customers of one company who buy at their own rates for two years; ``twice``: every order has a second one that day."""
    random = np.random.default_rng(12)
    rows = []
    for customer in range(customers):
        first = random.integers(0, 300)
        gaps = np.cumsum(random.exponential(40 / random.gamma(1.5), random.integers(0, 12)))
        for day in [first, *(first + 1 + gaps[gaps < 700 - first])]:
            rows += [(f"c{customer:04}", int(day), random.gamma(4, 10))] * (1 + twice)
    frame = pd.DataFrame(rows, columns=["customer_id", "day", "net_amount"])
    frame["ordered_at"] = pd.Timestamp("2024-01-01") + pd.to_timedelta(frame["day"], unit="D")
    frame["order_id"] = [f"o{n}" for n in range(len(frame))]
    return frame.drop(columns="day")


@pytest.fixture(scope="module")
def data():
    return opened()


def opened(*, twice=False, **settings):
    data = crm.open(orders=orders_of(twice=twice))
    lifetime = Lifetime(calibration_until="2025-06-30", unit="days", **settings)
    return replace(data, settings=data.settings.model_copy(update={"lifetime": lifetime}))


def same(one, other):
    """Equal to the last digit, whatever they are made of."""
    if isinstance(one, pd.DataFrame):
        pd.testing.assert_frame_equal(one, other, check_exact=True, check_freq=False)
    elif isinstance(one, pd.Series):
        pd.testing.assert_series_equal(one, other, check_exact=True, check_freq=False)
    elif isinstance(one, np.ndarray):
        np.testing.assert_array_equal(one, other)
    elif isinstance(one, Worth):
        same(
            [*one.histories, one.purchases, one.spend, one.terms],
            [*other.histories, other.purchases, other.spend, other.terms],
        )
    elif is_dataclass(one):
        assert type(one) is type(other)
        for field in fields(one):
            if not (isinstance(one, Fitted) and field.name == "n"):
                same(getattr(one, field.name), getattr(other, field.name))
    elif isinstance(one, dict):
        assert list(one) == list(other)
        same(list(one.values()), list(other.values()))
    elif isinstance(one, list | tuple):
        assert len(one) == len(other)
        for left, right in zip(one, other, strict=True):
            same(left, right)
    elif isinstance(one, float) and np.isnan(one):
        assert np.isnan(other)
    else:
        assert one == other


def test_what_is_remembered_is_the_study_to_the_last_digit():
    fresh = study(opened())
    again = from_text(to_text(fresh))
    assert fresh.model is not None
    assert fresh.comparison is not again.comparison
    same(fresh, again)
    groups = pd.Series(["one", "two"] * 200, index=fresh.value.frame.index)
    pd.testing.assert_frame_equal(again.value.by_group(groups), fresh.value.by_group(groups))


def test_who_asks_again_does_not_wait_for_fits(data, monkeypatch):
    study(data)
    monkeypatch.setattr(module, "_worked_out", lambda *_: pytest.fail("fitted again"))
    study(data)


@pytest.mark.parametrize(
    "change", [{"horizon_months": 6}, {"annual_discount": 0.2}, {"margin": 0.5}, {"calibration_until": None}]
)
def test_other_settings_are_another_study(data, change, monkeypatch):
    study(data)
    asked = []
    monkeypatch.setattr(
        module, "_worked_out", lambda _, settings: asked.append(settings) or Study(settings, None, 0, None)
    )
    lifetime = data.settings.lifetime.model_copy(update=change)
    study(replace(data, settings=data.settings.model_copy(update={"lifetime": lifetime})))
    assert asked == [lifetime]


def test_orders_merged_into_weeks_or_months_are_said_and_counted():
    by_day = study(opened())
    for resolution in ("weeks", "months"):
        with warnings.catch_warnings():
            warnings.simplefilter("error")
            found = study(opened(resolution=resolution))
        assert COARSE[resolution] in found.notes
        assert found.counts.merged > by_day.counts.merged
        assert found.counts.occasions == (found.summary.frame["frequency"] + 1).sum()
        assert found.counts.rows == by_day.counts.rows
    assert not set(COARSE.values()) & set(by_day.notes)


def test_a_noticeable_share_of_orders_of_one_day_is_said():
    once, twice = study(opened()), study(opened(twice=True))
    assert not [note for note in once.notes if "merged" in note.en]
    (note,) = [note for note in twice.notes if "merged" in note.en]
    share = 100 * twice.counts.merged / (twice.counts.merged + twice.counts.occasions)
    assert f"{share:.1f}\u00a0%" in note.en
    assert f"{share:.1f}%" in note.zh
    assert twice.counts.occasions == once.counts.occasions
