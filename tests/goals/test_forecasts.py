"""Forecasts of whole series: what is taken from where, legal ranges, reasons for none."""

import math
from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from crmtools import CRMError, Estimate, Period
from crmtools.goals.forecast import chance_of, forecast, reading_ahead
from crmtools.goals.links import link_of, scaled
from crmtools.goals.outlook import METHODS, attains
from crmtools.goals.series import Series
from crmtools.indicators import CATALOGUE
from crmtools.measuring import Trend
from crmtools.words import Text

AS_OF = date(2025, 12, 31)


def share(cases, trials: float = 300.0) -> Series:
    values = [None if c is None else c / trials for c in cases]
    errors = [None if v is None else math.sqrt(v * (1 - v) / trials) for v in values]
    return Series.plain(values, errors, kind="share", n=trials, low=0.0, high=1.0)


def some_share(rng, size: int, level: float = 0.1) -> Series:
    return share(rng.binomial(300, level, size).astype(float))


def months(count: int, last: str = "2025-12") -> tuple[Period, ...]:
    return Period.parse(last).up_to(count, "month")


def estimates(series: Series, *, last: str = "2025-12", indicator: str = "churn_rate") -> tuple[Estimate, ...]:
    lines = zip(months(len(series), last), series.values, series.errors, series.n)
    return tuple(Estimate(indicator, period, AS_OF, v, se=e, n=int(n), method="wilson") for period, v, e, n in lines)


# ---- series


def test_a_series_of_estimates(rng) -> None:
    made = list(estimates(some_share(rng, 10)))
    made[3] = made[3].hidden()
    made[9] = replace(made[9], maturity=0.5)
    made[8] = replace(made[8], maturity=0.9)
    for past in (made, Trend(CATALOGUE["churn_rate"], tuple(made))):
        series = Series.of(past)
        assert (series.kind, series.step, series.season, series.low, series.high) == ("share", "month", 12, 0.0, 1.0)
        assert [i for i, value in enumerate(series.values) if value is None] == [3, 9]
        assert (len(series), series.known, series.n[9]) == (10, 8, 0.0)
        assert series.values[0] == made[0].value
        assert series.until(4).values == series.values[:4]


def test_complete_counts_have_no_error_and_quarters_a_season_of_four() -> None:
    quarters = Period.parse("2025-Q4").up_to(3, "quarter")
    made = [Estimate("new_customers", q, AS_OF, 5.0, n=5, method="census") for q in quarters]
    if "new_customers" not in CATALOGUE:
        made = [replace(e, indicator="churn_rate", value=0.5) for e in made]
    series = Series.of(made)
    assert (series.step, series.season, series.errors) == ("quarter", 4, (0.0, 0.0, 0.0))


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"values": [0.1, math.nan]}, "numbers or gaps"),
        ({"values": [0.1, 1.2]}, "outside what the series can be"),
        ({"values": [0.1], "errors": [-0.1]}, "finite number of 0 or more"),
        ({"values": [0.1, 0.2], "errors": [0.1]}, "as many errors"),
        ({"values": [0.1], "step": "week"}, "no step of a series"),
    ],
)
def test_what_is_no_series(given, words) -> None:
    with pytest.raises(CRMError, match=words):
        Series.plain(**{"errors": None, "low": 0.0, "high": 1.0, **given})


def test_estimates_that_are_no_series(rng) -> None:
    made = estimates(some_share(rng, 4))
    with pytest.raises(CRMError, match="at least one period"):
        Series.of([])
    with pytest.raises(CRMError, match="consecutive"):
        Series.of([made[0], made[2]])


# ---- scales


def test_scales_and_back() -> None:
    forms = {
        "logit": Series.plain([0.2, 0.3], kind="share", low=0.0, high=1.0),
        "log": Series.plain([200.0, 300.0], 10.0, kind="ratio"),
        "identity": Series.plain([20.0, -300.0], 10.0, kind="ratio"),
    }
    for form, series in forms.items():
        link = link_of(series)
        assert link.form == form
        x = np.array([v for v in series.values if v is not None])
        assert link.back(link.to(x)) == pytest.approx(x)
        assert link.slope(x) == pytest.approx((link.to(x * 1.0001) - link.to(x * 0.9999)) / (0.0002 * x), rel=1e-4)
    assert link_of(Series.plain([20.0, 300.0], 15.0, kind="ratio")).form == "identity"
    assert link_of(Series.plain([0.0, 3.0], 1.0, kind="rate", low=0.0)).form == "log"
    net = Series.plain([20.0, 30.0], 5.0, kind="net_share", low=-100.0, high=100.0)
    assert link_of(net).to(0.0) == pytest.approx(0.0)


def test_the_variance_of_a_share_on_the_logit_scale(rng) -> None:
    """1/(n·p·(1 − p)) at the averaged level, smaller where a month has more customers."""
    trials = np.array([100.0] * 6 + [400.0] * 6)
    values = np.full(12, 0.2)
    series = Series.plain(list(values), list(np.sqrt(0.16 / trials)), kind="share", n=list(trials), low=0.0, high=1.0)
    past = scaled(series)
    assert past.variances == pytest.approx(1 / (trials * 0.16), rel=0.04)
    assert past.coming == pytest.approx(1 / (250 * 0.16), rel=0.01)
    assert past.value(past.place([0.0, 0.2, 1.0])) == pytest.approx([0.0, 0.2, 1.0], abs=1e-12)


def test_the_variance_of_one_unit_is_averaged_over_five_periods() -> None:
    errors = [0.1, 0.1, 0.1, 0.1, 0.1, 0.2, 0.1, 0.1, 0.1]
    past = scaled(Series.plain([4.0] * 9, errors, kind="mean", n=[100.0] * 4 + [50.0] * 5))
    for at in (2, 3, 5, 8):
        near = range(max(at - 2, 0), min(at + 3, 9))
        sizes = [(100, 50)[i > 3] for i in near]
        unit = sum(n * n * errors[i] ** 2 for n, i in zip(sizes, near)) / sum(sizes)
        assert past.variances[at] == pytest.approx(unit / (100, 50)[at > 3])


def test_variance_with_few_cases(rng) -> None:
    """Three cases expected of 300: against drawn samples; with thirty the delta method is right."""
    for level in (0.01, 0.1):
        drawn = rng.binomial(300, level, (4000, 12)) / 300
        pulled = (drawn * 300 + 0.5) / 301
        true = np.log(pulled / (1 - pulled)).var()
        found = [scaled(share(row * 300)).coming for row in drawn[:60]]
        assert np.mean(found) == pytest.approx(true, rel=0.12)


def test_edges_near_the_ends_are_whole_cases() -> None:
    """Of 300: half a case or more is one, which lies beyond ½ + ½; at most half a case is none, which lies before it."""
    past = scaled(share([3.0, 4, 2, 3, 1, 5, 3, 2, 4, 3]))
    one, two = (np.log(cases / (301 - cases)) for cases in (1.0, 2.0))
    assert past.edge([0.0, 0.5 / 300, 1 / 300, 1.5 / 300], "higher") == pytest.approx([-np.inf, one, one, two])
    assert past.edge([0.0, 0.5 / 300, 1 / 300, 1.5 / 300], "lower") == pytest.approx([one, one, two, two])
    mirrored = 1 - np.array([0.0, 0.5, 1.0, 1.5]) / 300
    assert past.edge(mirrored, "lower") == pytest.approx([np.inf, -one, -one, -two])
    assert past.edge(mirrored, "higher") == pytest.approx([-one, -one, -two, -two])
    assert past.edge(0.1, "higher") == pytest.approx(past.place(0.1))
    assert forecast(share([3.0] * 9), horizon=2, target=0.0, better="higher").chance == 1.0
    none = forecast(share([1.0, 0, 2, 0, 1, 1, 0, 1, 2, 1]), horizon=2, target=0.0, better="lower").chance
    assert none == pytest.approx(math.exp(-0.9), abs=0.12)  # Poisson, and a little for movement


def test_net_scores_reach_their_ends() -> None:
    series = Series.plain([90.0] * 5 + [94.0] * 5, 4.0, kind="net_share", n=50, low=-100.0, high=100.0)
    assert forecast(series, horizon=2, target=100.0, better="lower").chance == 1.0
    assert forecast(series, horizon=2, target=-100.0, better="higher").chance == 1.0


def test_months_without_a_case_are_not_certain(rng) -> None:
    past = scaled(share([0.0] * 6 + [3.0] * 6))
    assert (past.variances > 0.05).all()
    assert np.isfinite(past.z).all()
    # nearly always none: a forecast that knows it, and does not fear 42 % because the delta method's variance has no end
    assert 0.05 < scaled(share([0.0] * 12)).coming < 0.2
    events = scaled(Series.plain([0.0] * 6 + [0.3] * 6, [0.0] * 6 + [0.1] * 6, kind="rate", n=100, low=0.0))
    assert (events.variances > 0.05).all()
    assert np.isfinite(events.z).all()


# ---- the last period


def test_a_steady_share_far_from_and_near_its_target(rng) -> None:
    series = some_share(rng, 20)
    easy, hard = (forecast(series, horizon=3, target=t, better="lower") for t in (0.2, 0.02))
    assert easy.method == "drift"
    assert easy.label == METHODS["drift"]
    assert easy.chance is not None
    assert hard.chance is not None
    assert easy.chance > 0.97
    assert hard.chance < 0.03
    other = forecast(series, horizon=3, target=0.2, better="higher")
    assert other.chance == pytest.approx(1 - easy.chance)
    assert forecast(some_share(rng, 24), horizon=3, target=0.2, better="lower").method == "damped"


def test_path_chance_and_legal_range(rng) -> None:
    for series in (
        some_share(rng, 12, 0.01),
        some_share(rng, 30, 0.99),
        Series.plain(list(rng.normal(90, 4, 12)), 4.0, kind="net_share", n=50, low=-100.0, high=100.0),
        Series.plain(list(rng.lognormal(0, 1, 12)), 0.1, kind="rate", n=50, low=0.0),
        Series.plain(list(rng.poisson(3, 30).astype(float)), 0.0, kind="total", low=0.0),
    ):
        made = forecast(series, horizon=12, target=next(v for v in series.values if v), better="higher")
        path = np.array(made.path)
        assert path.shape == (12, 5)
        assert (np.diff(path, axis=1) > 0).all()
        assert all(series.legal(value) for value in path.ravel())
    for row, target in zip((0.95, 0.5, 0.25), path[-1, [0, 2, 3]]):
        assert forecast(series, horizon=12, target=target, better="higher", fan=False).chance == pytest.approx(
            row, abs=1e-4
        )


def test_same_question_same_answer(rng) -> None:
    series = some_share(rng, 12)
    assert forecast(series, horizon=3, target=0.1, better="higher") == forecast(
        series, horizon=3, target=0.1, better="higher"
    )


def test_target_already_reached_is_not_yet_attained(rng) -> None:
    series = share([30.0] * 11 + [24.0])
    made = forecast(series, horizon=6, target=0.085, better="lower")
    assert made.chance is not None
    assert 0.1 < made.chance < 0.5  # seven of eight months before it were at 10 %


def test_horizon_0_is_the_reading_itself_and_a_gap_is_forecast(rng) -> None:
    series = some_share(rng, 12)
    now = series.values[-1]
    assert now is not None
    made = forecast(series, horizon=0, target=now, better="higher")
    assert (made.method, made.chance, made.path) == ("known", 1.0, ((now,) * 5,))
    assert forecast(series, horizon=0, target=now + 0.01, better="higher").chance == 0
    gap = replace(series, values=(*series.values[:-1], None))
    unknown = forecast(gap, horizon=0, target=now, better="higher")
    assert unknown.method == "drift"
    assert unknown.chance is not None
    assert 0 < unknown.chance < 1
    assert len(unknown.path) == 1


def test_a_missing_value_is_a_gap_and_no_zero(rng) -> None:
    cases = [30.0, 33, 28, 31, 27, 34, 30, 29, 32, 31, 28, 30]
    whole = forecast(share(cases), horizon=3, target=0.1, better="higher")
    gap = forecast(share([*cases[:5], None, *cases[6:]]), horizon=3, target=0.1, better="higher")
    assert gap.points == 11
    assert gap.chance == pytest.approx(whole.chance, abs=0.05)


def test_equal_values(rng) -> None:
    """With sampling error equal values say that it hardly moves; a complete count says nothing of how far it may."""
    sampled = forecast(share([30.0] * 14), horizon=3, target=0.1, better="higher")
    assert sampled.chance == pytest.approx(0.5, abs=0.05)
    width = sampled.path[-1][4] - sampled.path[-1][0]
    assert 3.2 * math.sqrt(0.09 / 300) < width < 6 * math.sqrt(0.09 / 300)
    none = forecast(share([0.0] * 14), horizon=3, target=0.02, better="lower")
    assert none.chance is not None
    assert none.chance > 0.95
    counted = forecast(Series.plain([30.0] * 14, 0.0, kind="total"), horizon=3, target=30, better="higher")
    assert (counted.chance, counted.method) == (None, "none")
    assert counted.why is not None
    assert "nothing shows how far" in counted.why.en


def test_complete_counts_move_by_what_they_did(rng) -> None:
    """No sampling error: a random walk of logarithms with sd 0.1, 6 months ahead."""
    z = np.cumsum(rng.normal(0, 0.1, 48))
    past, ahead = reading_ahead(Series.plain(list(np.exp(7 + z)), 0.0, kind="total"), [6])  # type: ignore[misc]
    low, high = ahead.quantiles(np.array([0.16, 0.84]))[0]
    assert (high - low) / 2 == pytest.approx(0.1 * math.sqrt(6), rel=0.5)
    assert past.variances.max() == 0
    assert ahead.level_sd == pytest.approx(0.1, rel=0.4)


def test_a_season_is_carried_on(rng) -> None:
    """Three years, every December 0.6 higher on the log scale: expected for the coming one, not for the month before."""
    december = (np.arange(36) % 12 == 11) * 0.6
    series = Series.plain(list(np.exp(5 + december + rng.normal(0, 0.05, 36))), 7.0, kind="ratio", n=100)
    path = np.log(np.array(forecast(series, horizon=12, target=150, better="higher").path)[:, 2])
    assert path[11] - path[10] == pytest.approx(0.6, abs=0.12)
    assert abs(path[10] - 5) < 0.1
    short = np.log(np.array(forecast(series.until(23), horizon=12, target=150, better="higher").path)[:, 2])
    assert np.ptp(np.diff(short)) < 0.01


def test_reasons_for_no_forecast(rng) -> None:
    short = forecast(some_share(rng, 7), horizon=3, target=0.1, better="higher")
    assert short.why == Text(
        "只有 7 个期间有数值，至少需要 8 个，不预测", "7 periods have a value and a forecast needs 8: none is given"
    )
    assert (short.chance, short.path, short.method, short.points) == (None, (), "none", 7)
    far = forecast(some_share(rng, 10), horizon=11, target=0.1, better="higher")
    assert far.why is not None
    assert "11 periods ahead and only 10" in far.why.en
    assert "11" in far.why.zh
    assert forecast(Series.plain([], kind="mean"), horizon=1, target=1, better="higher").why is not None


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"horizon": -1}, "whole number of periods"),
        ({"horizon": 2.5}, "whole number of periods"),
        ({"better": "up"}, "no direction"),
        ({"target": 1.5}, "is no target"),
        ({"target": math.nan}, "is no target"),
    ],
)
def test_what_cannot_be_asked(rng, given, words) -> None:
    with pytest.raises(CRMError, match=words):
        forecast(some_share(rng, 12), **{"horizon": 3, "target": 0.1, "better": "higher", **given})


def test_attaining_forgives_the_last_digits() -> None:
    assert attains(0.1 + 0.2, 0.3, "lower")
    assert attains(0.3, 0.1 + 0.2, "higher")
    assert not attains(0.3, 0.301, "higher")


def test_chances_of_several_targets_at_once(rng) -> None:
    series = some_share(rng, 12)
    past, ahead = reading_ahead(series, [3, 6])  # type: ignore[misc]
    targets = np.array([[0.08, 0.1], [0.08, 0.1]])
    table = chance_of(past, ahead, targets, "higher")
    assert table[0, 1] == pytest.approx(forecast(series, horizon=3, target=0.1, better="higher").chance)
    assert table[1, 0] == pytest.approx(forecast(series, horizon=6, target=0.08, better="higher").chance)
