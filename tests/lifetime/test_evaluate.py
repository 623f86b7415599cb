from dataclasses import replace
from datetime import date

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure

from crmtools.errors import DataError, SettingsError
from crmtools.lifetime import holdout_check, plot_holdout, plot_tracking, purchase_calendar, tracking
from crmtools.lifetime.evaluate import largest_wave

CALIBRATION, HOLDOUT = date(1997, 9, 30), date(1998, 6, 30)


@pytest.fixture(scope="module")
def weeks(beta_geo, cdnow):
    return tracking(beta_geo, purchase_calendar(cdnow, calibration_until=CALIBRATION, until=HOLDOUT))


def test_holdout_equals_recomputed_cdnow(beta_geo, split, reference):
    expected = reference["beta_geo"]["holdout"]
    check = holdout_check(beta_geo, split)
    assert (check.customers, check.actual_total) == (2357, 1882)
    assert check.expected_total == pytest.approx(expected["expected"], abs=0.001)
    for name in ("mae", "rmse", "correlation"):
        assert getattr(check, name) == pytest.approx(expected[name], abs=1e-6)
    assert check.bias == pytest.approx((expected["expected"] - 1882) / 2357, abs=1e-6)
    assert check.error == pytest.approx(1653.409 / 1882 - 1, abs=1e-6)


def test_holdout_by_frequency_equals_btyd_and_adds_up(beta_geo, split, reference):
    check = holdout_check(beta_geo, split)
    table = check.by_frequency
    assert list(table.index) == ["0", "1", "2", "3", "4", "5", "6", "7+"]
    assert table["customers"].tolist() == reference["cdnow"]["frequencies"]
    expected = reference["beta_geo"]["holdout"]["by_frequency"]
    btyd = replace(beta_geo, **dict(zip(beta_geo.NAMES, reference["beta_geo"]["btyd_parameters"])))
    assert holdout_check(btyd, split).by_frequency["expected"].tolist() == pytest.approx(expected, rel=1e-6)
    assert table["expected"].tolist() == pytest.approx(expected, rel=5e-5)
    assert table["actual_total"].sum() == check.actual_total
    assert table["expected_total"].sum() == pytest.approx(check.expected_total)


def test_tracking_equals_btyd(weeks, reference):
    rows = reference["beta_geo"]["tracking"]
    table = weeks.iloc[rows["weeks"][0] - 1 : rows["weeks"][-1]]
    assert table["actual_cumulative"].tolist() == rows["actual_cumulative"]
    assert table["actual"].tolist() == rows["actual"]
    assert table["expected_cumulative"].tolist() == pytest.approx(rows["expected_cumulative"], abs=0.005)
    assert table["expected"].tolist() == pytest.approx(rows["expected"], abs=1e-3)


def test_tracking_covers_every_day_once(weeks, reference):
    facts = reference["cdnow"]
    assert len(weeks) == 78
    assert weeks["actual"].sum() == facts["repeat_purchases"] + facts["holdout_purchases"]
    assert weeks.loc[weeks["calibration"], "actual"].sum() == facts["repeat_purchases"]
    assert weeks["calibration"].sum() == 39


def test_tracking_expectation_equals_a_sum_over_customers(beta_geo, summary, weeks):
    born = summary.frame["T"].max() - summary.frame["T"].to_numpy()
    for week in (1, 20, 60):
        ages = week - born[born < week]
        expected = beta_geo.expected_purchases_new_customer(horizon=ages).sum()
        assert weeks["expected_cumulative"].iloc[week - 1] == pytest.approx(expected, rel=1e-9)


def test_customers_met_after_the_calibration_are_not_tracked(beta_geo):
    orders = pd.DataFrame(
        {
            "customer_id": ["a", "a", "a", "b", "b"],
            "ordered_at": pd.to_datetime(["2025-01-01", "2025-01-07", "2025-01-20", "2025-01-10", "2025-01-12"]),
            "net_amount": 1.0,
        }
    )
    found = tracking(beta_geo, purchase_calendar(orders, calibration_until=date(2025, 1, 7), until=date(2025, 1, 21)))
    assert found["actual"].tolist() == [1, 0, 1]
    assert found.index.strftime("%m-%d").tolist() == ["01-07", "01-14", "01-21"]


def test_wrong_windows_are_refused(beta_geo, cdnow, split):
    with pytest.raises(SettingsError, match="before calibration_until"):
        purchase_calendar(cdnow, calibration_until=HOLDOUT, until=CALIBRATION)
    with pytest.raises(DataError, match="Nobody bought"):
        purchase_calendar(cdnow, calibration_until=date(1990, 1, 1), until=HOLDOUT)


@pytest.mark.parametrize("language", ["en", "zh"])
def test_plots_show_the_frames_in_the_language(beta_geo, split, weeks, language):
    check = holdout_check(beta_geo, split)
    left, right = Figure().subplots(1, 2)
    assert plot_tracking(left, weeks, cumulative=False, language=language) is left
    assert plot_holdout(right, check, language=language) is right
    np.testing.assert_array_equal(left.lines[0].get_ydata(), weeks["actual"])
    heights = [bar.get_height() for bar in right.patches]
    assert heights == check.by_frequency["actual"].tolist() + check.by_frequency["expected"].tolist()
    texts = [
        left.get_ylabel(),
        right.get_xlabel(),
        *(text.get_text() for text in left.get_legend().get_texts()),
    ]
    assert all(text.isascii() == (language == "en") for text in texts)


def test_a_season_is_seen_and_chance_is_not(weeks):
    random = np.random.default_rng(3)
    ends = pd.date_range("2024-01-07", periods=104, freq="7D", name="end")
    expected = np.full(104, 60.0)
    for _ in range(200):
        frame = pd.DataFrame({"actual": random.poisson(expected), "expected": expected}, index=ends)
        assert largest_wave(frame) is None
        # a level that is wrong is not a season
        assert largest_wave(frame.assign(expected=expected * 1.7)) is None
    season = expected * np.where(np.arange(104) % 52 >= 46, 1.9, 1.0)
    wave = largest_wave(pd.DataFrame({"actual": random.poisson(season), "expected": expected}, index=ends))
    assert wave.last_day.month == 12
    assert wave.actual > 1.5 * wave.expected
    assert largest_wave(weeks.head(5)) is None
