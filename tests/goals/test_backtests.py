"""The track record: what is compared with what, and nothing known from later."""

import math
from dataclasses import replace

import numpy as np
import pytest

from crmtools import CRMError
from crmtools.goals.backtest import PLACES, Backtest, Case, backtest
from crmtools.goals.forecast import forecast
from crmtools.goals.series import Series


def walk(rng, size: int = 30, *, kind: str = "ratio") -> Series:
    z = 5 + np.cumsum(rng.normal(0, 0.1, size)) + rng.normal(0, 0.05, size)
    return Series.plain(list(np.exp(z)), list(0.05 * np.exp(z)), kind=kind, n=100)


@pytest.fixture(scope="module")
def pasts() -> list[Series]:
    rng = np.random.default_rng(7)
    return [walk(rng) for _ in range(3)]


@pytest.fixture(scope="module")
def found(pasts) -> Backtest:
    return backtest(pasts, better=["higher", "lower", "higher"], horizons=(3, 6), every=3)


def test_every_case_is_the_forecast_of_the_cut_series(pasts, found) -> None:
    for case in found.cases[::37]:
        series, better = pasts[case.series], ("higher", "lower", "higher")[case.series]
        then = series.until(case.origin + 1)
        again = forecast(then, horizon=case.horizon, target=case.target, better=better, fan=False)
        assert case.stated == pytest.approx(again.chance, abs=1e-9)
        came, now = series.values[case.origin + case.horizon], series.values[case.origin]
        sign = 1 if better == "higher" else -1
        assert case.happened == (sign * came >= sign * case.target)
        assert case.already == (sign * now >= sign * case.target)


def test_nothing_from_later_is_known(pasts, found) -> None:
    """With another future the chances and targets of the past are the same."""
    changed = [replace(s, values=(*s.values[:20], *(v * 3 for v in s.values[20:]))) for s in pasts]
    other = backtest(changed, better=["higher", "lower", "higher"], horizons=(3, 6), every=3)
    early = [[(c.target, c.stated, c.coin) for c in made.cases if c.origin < 17] for made in (found, other)]
    assert early[0]
    # the coins know outcomes up to the origin, which is before the change
    assert early[0] == early[1]


def test_targets_lie_from_easy_to_hard_and_chances_spread(found) -> None:
    one = [
        c for c in found.cases if (c.series, c.origin, c.horizon) == (found.cases[0].series, found.cases[0].origin, 3)
    ]
    assert [c.place for c in one] == list(range(len(PLACES)))
    assert (np.diff([c.stated for c in one]) < 0).all()
    stated = np.array([c.stated for c in found.cases])
    assert np.histogram(stated, 10, (0, 1))[0].min() > 10


def test_scores_by_hand(found) -> None:
    stated, happened = (np.array([float(getattr(c, name)) for c in found.cases]) for name in ("stated", "happened"))
    already = np.array([float(c.already) for c in found.cases])
    assert found.brier == pytest.approx(((stated - happened) ** 2).mean())
    assert found.of_last_value == pytest.approx((already != happened).mean())
    assert found.skill_over_last_value == pytest.approx(1 - found.brier / (already != happened).mean())
    assert found.skill_over_coin == pytest.approx(1 - found.brier / found.of_coin)
    assert found.origins == len({(c.series, c.origin) for c in found.cases}) < len(found.cases)
    assert sum(b.count for b in found.reliability) == len(found.cases)
    seventh = found.reliability[6]
    inside = (stated >= 0.6) & (stated < 0.7)
    assert (seventh.low, seventh.count) == (0.6, inside.sum())
    assert seventh.stated == pytest.approx(stated[inside].mean())
    assert seventh.observed == pytest.approx(happened[inside].mean())


def test_the_coin_is_what_had_been_attained_by_then(found) -> None:
    for case in found.cases[::29]:
        known = [
            c.happened
            for c in found.cases
            if (c.horizon, c.place) == (case.horizon, case.place) and c.origin + c.horizon <= case.origin
        ]
        assert case.coin == pytest.approx((sum(known) + 0.5) / (len(known) + 1))


def test_series_that_begin_later_are_aligned_at_the_end(pasts) -> None:
    late = pasts[1]
    late = replace(late, values=late.values[-24:], errors=late.errors[-24:], n=late.n[-24:])
    made = backtest([pasts[0], late], better="higher", horizons=(3,), every=1)
    last = [max(c.origin for c in made.cases if c.series == number) for number in (0, 1)]
    assert last == [26, 20]
    first = min((c for c in made.cases if c.series == 1), key=lambda c: c.origin)
    date = first.origin + 6
    known = [
        c.happened
        for c in made.cases
        if c.place == first.place and c.origin + c.horizon + (6 if c.series else 0) <= date
    ]
    assert first.coin == pytest.approx((sum(known) + 0.5) / (len(known) + 1))


def test_statements_of_about_the_same_chance() -> None:
    cases = [Case(0, i, 3, 0, 1.0, 0.66 + 0.001 * i, i % 10 < 7, False) for i in range(80)]
    made = Backtest(tuple(cases), 80, 0.2, 0.3, 0.25)
    assert made.near(0.7) == (80, 56)
    assert made.near(0.1) == (0, 0)
    with pytest.raises(CRMError, match="between 0 and 1"):
        made.near(70)


def test_too_little_past(rng) -> None:
    made = backtest([walk(rng, 20)], better="higher", horizons=(6,))
    assert made.why is not None
    assert "too little past: 3 dates" in made.why.en
    assert "3 个" in made.why.zh
    assert (made.brier, made.skill_over_coin, made.reliability) == (None, None, ())
    assert made.near(0.7)[0] < 20
    assert backtest([], better="higher").origins == 0


def test_gaps_are_no_outcomes(pasts) -> None:
    gap = replace(pasts[0], values=(*pasts[0].values[:25], None, *pasts[0].values[26:]))
    made = backtest([gap, pasts[1]], better="higher", horizons=(3,))
    assert not any(c.series == 0 and c.origin in (22, 25) for c in made.cases)
    assert all(math.isfinite(c.stated) for c in made.cases)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"better": ["higher"]}, "one for each"),
        ({"better": "more"}, "'higher' or 'lower'"),
        ({"horizons": (0,)}, "from 1 on"),
        ({"horizons": ()}, "from 1 on"),
        ({"first": 5}, "8 or more"),
        ({"every": 0}, "1 or more"),
    ],
)
def test_what_cannot_be_backtested(pasts, given, words) -> None:
    with pytest.raises(CRMError, match=words):
        backtest(pasts, **{"better": "higher", **given})
