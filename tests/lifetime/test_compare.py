from dataclasses import replace
from datetime import date, timedelta

import numpy as np
import pandas as pd
import pytest
from matplotlib.figure import Figure
from scipy.stats import poisson

from crmtools.errors import DataError
from crmtools.lifetime import (
    BetaGeo,
    ModifiedBetaGeo,
    Nbd,
    compare,
    customer_history,
    frequencies,
    history_matrix,
    plot_customer_history,
    plot_frequencies,
    plot_history_matrix,
)
from crmtools.lifetime.compare import BASELINES, log_scores, measures


@pytest.fixture(scope="module")
def comparison(split, cdnow):
    return compare(split, cdnow)


def test_the_best_forecast_of_what_was_done_wins(comparison, split):
    frame = comparison.frame
    models = frame.index[frame["model"]]
    assert set(models) >= {"BG/NBD", "MBG/NBD", "NBD"}
    assert list(frame.loc[models, "log_score"]) == sorted(frame.loc[models, "log_score"], reverse=True)
    assert comparison.winner is comparison.fits[models[0]]
    assert frame.loc[models[0], "behind"] == 0
    # the model in which nobody ever leaves foresees too much, and is behind by more than chance
    nobody_leaves = frame.loc["NBD"]
    assert nobody_leaves["bias"] > 0.3
    assert nobody_leaves["behind"] > 3 * nobody_leaves["behind_error"]
    assert comparison.beaten == list(BASELINES)


def test_measures_of_cdnow_come_back(comparison, reference):
    expected = reference["beta_geo"]["holdout"]
    row = comparison.frame.loc["BG/NBD"]
    assert row["mae"] == pytest.approx(expected["mae"], abs=1e-6)
    assert row["rmse"] == pytest.approx(expected["rmse"], abs=1e-6)
    assert row["bias"] == pytest.approx(1653.409 / 1882 - 1, abs=1e-6)


def test_guesses_are_what_they_say(comparison, split, cdnow):
    """Recomputed from the orders with pandas."""
    frame, actual = split.calibration.frame, split.holdout["purchases"].to_numpy()
    x, T = frame["frequency"].to_numpy(float), frame["T"].to_numpy(float)
    days = cdnow.assign(day=cdnow["ordered_at"].dt.normalize())[["customer_id", "day"]].drop_duplicates()
    first = days.groupby("customer_id")["day"].transform("min")
    end = pd.Timestamp(split.calibration_until)
    since = end - (pd.Timestamp(split.holdout_until) - end)
    recent = days[(days["day"] > first) & (days["day"] > since) & (days["day"] <= end)]
    before = recent.groupby("customer_id").size().reindex(frame.index, fill_value=0)
    for key, guess in (
        ("own_rate", np.divide(x, T, out=np.full(len(x), x.sum() / T.sum()), where=T > 0) * split.duration),
        ("mean_rate", np.full(len(x), x.sum() / T.sum() * split.duration)),
        ("as_before", before.to_numpy(float)),
    ):
        assert comparison.frame.loc[key, "mae"] == pytest.approx(np.abs(guess - actual).mean(), rel=1e-12)
        assert comparison.frame.loc[key, "rmse"] == pytest.approx(np.sqrt(((guess - actual) ** 2).mean()), rel=1e-12)
    assert comparison.frame.loc["mean_rate", "gini"] == pytest.approx(0, abs=1e-12)


def test_order_and_groups_are_judged_by_hand():
    actual = np.array([0, 0, 0, 0, 0, 0, 0, 0, 2, 8], float)
    perfect = measures(actual.copy(), actual)
    assert perfect == pytest.approx({"mae": 0, "rmse": 0, "bias": 0, "calibration": 0, "gini": 1})
    backwards = measures(actual[::-1].copy(), actual)
    assert backwards["gini"] < 0
    assert backwards["bias"] == pytest.approx(0)
    # ten groups of one: the distances 8+2+2+8 over ten purchases
    assert backwards["calibration"] == pytest.approx(2)
    assert np.isnan(measures(np.ones(10), np.zeros(10))["gini"])


def test_a_score_is_the_logarithm_of_what_the_model_gave(split, summary):
    """NBD with everybody at one rate is a Poisson process, whose probabilities scipy knows."""
    model = replace(Nbd.fit(summary), r=1e5, alpha=1e5 / 0.05)
    found = log_scores(model, split)
    x, _, T = summary.ages()
    rate = (1e5 + x) / (1e5 / 0.05 + T) * split.duration
    np.testing.assert_allclose(found, poisson.logpmf(split.holdout["purchases"], rate), rtol=1e-3)


def test_frequencies_equal_the_published_ones(beta_geo, summary):
    """Expected numbers of customers by repeat purchases, BG/NBD on CDNOW (recomputed)."""
    table = frequencies(beta_geo, summary)
    assert table["actual"].tolist() == [1411, 439, 214, 100, 62, 38, 29, 64]
    expected = [1407.684, 460.323, 192.461, 101.164, 59.847, 38.120, 25.549, 71.851]
    assert table["expected"].tolist() == pytest.approx(expected, abs=6e-4)


def test_a_matrix_says_what_the_customers_say(beta_geo):
    frame = history_matrix(beta_geo, T=38.0, most=6, steps=38)
    assert frame.loc[0.0, 0] == 1
    assert frame.loc[0.0, 1:].isna().all()
    assert frame.loc[1.0:, 0].isna().all()
    assert frame.loc[20.0, 3] == pytest.approx(
        beta_geo.alive(beta_geo.parameters, np.array([3.0]), np.array([20.0]), np.array([38.0]))[0]
    )
    # the same silence says more of a frequent buyer
    assert (frame.loc[10.0, 1:].diff().dropna() < 0).all()
    coming = history_matrix(beta_geo, T=38.0, most=6, steps=38, horizon="26 weeks")
    assert coming.loc[38.0, 6] > coming.loc[38.0, 1] > 0


def test_a_history_is_told_day_by_day(cdnow, summary):
    model = ModifiedBetaGeo.fit(summary)
    days = cdnow.groupby("customer_id")["ordered_at"].nunique()
    customer = days.index[days == 6][0]
    told = customer_history(model, cdnow, customer, as_of=date(1998, 6, 30))
    own = cdnow[cdnow["customer_id"] == customer]["ordered_at"]
    assert told.index[0] == own.min()
    assert told["purchase"].sum() == 6
    # on a day of purchase the customer has just shown up: only the coin of that purchase is out
    on_purchase = told["probability_alive"][told["purchase"]]
    a, b = model.a, model.b
    assert on_purchase.tolist() == pytest.approx([(b + k) / (a + b + k) for k in range(6)])
    for day in own.sort_values().unique()[1:]:
        assert told.loc[day, "probability_alive"] > told.loc[day - timedelta(days=1), "probability_alive"]
    with pytest.raises(DataError, match="no purchase"):
        customer_history(model, cdnow, "nobody", as_of=date(1998, 6, 30))


@pytest.mark.parametrize("language", ["en", "zh"])
def test_plots_take_and_return_axes(beta_geo, summary, cdnow, language):
    one, two, three = Figure().subplots(1, 3)
    assert plot_frequencies(one, frequencies(beta_geo, summary), language=language) is one
    assert plot_history_matrix(two, history_matrix(beta_geo, T=38.0), language=language) is two
    told = customer_history(beta_geo, cdnow, cdnow["customer_id"].iloc[0], as_of=date(1998, 6, 30))
    assert plot_customer_history(three, told, language=language) is three
    assert [bar.get_height() for bar in one.patches][:8] == [1411, 439, 214, 100, 62, 38, 29, 64]
    for axes in (one, two, three):
        assert axes.get_ylabel().isascii() == (language == "en")


def test_a_fit_at_its_bound_is_not_taken(split, cdnow, monkeypatch):
    real = BetaGeo.fit
    monkeypatch.setattr(BetaGeo, "fit", classmethod(lambda cls, s: replace(real(s), at_bound=("a",)) if cls is BetaGeo else real(s)))  # fmt: skip
    found = compare(split, cdnow, candidates=(BetaGeo, Nbd))
    assert found.winner.TITLE == "NBD"
    assert list(found.frame.index[:2]) == ["NBD", "BG/NBD"]
