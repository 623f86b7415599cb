"""The arithmetic of a change: by hand, for random segments, against a regression decomposition; and its errors."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.oaxaca import OaxacaBlinder

from crmtools import intervals
from crmtools.goals.kitagawa import TOTALS, States, rates, shares, terms, totals
from crmtools.goals.term_errors import bootstrap, delta, gradient


def told(sums: np.ndarray) -> dict[str, float]:
    return dict(zip(TOTALS, terms(sums, States.of(sums))[-len(TOTALS) :], strict=True))


def sums_of(weights0: list[float], rates0: list[float], weights1: list[float], rates1: list[float]) -> np.ndarray:
    w0, r0, w1, r1 = (np.array(part, float) for part in (weights0, rates0, weights1, rates1))
    return np.array([w0 * r0, w0, w1 * r1, w1])


# ---- by hand


def test_both_segments_fall_and_the_total_rises() -> None:
    """0.5·0.70 + 0.5·0.21 = 0.455, then 0.6·0.696 + 0.4·0.206 = 0.500: −0.004 of rate and +0.049 of mix are +0.045."""
    sums = sums_of([50, 50], [0.70, 0.21], [60, 40], [0.696, 0.206])
    found = told(sums)
    assert found["rate"] == pytest.approx(-0.004, abs=1e-12)
    assert found["mix"] == pytest.approx(0.049, abs=1e-12)
    assert found["change"] == pytest.approx(0.045, abs=1e-12)
    # mix by segment, against the mean of both totals, 0.4775: 0.1·(0.698 − 0.4775) and −0.1·(0.208 − 0.4775)
    assert terms(sums, States.of(sums))[:2] == pytest.approx([0.02205, 0.02695])
    assert terms(sums, States.of(sums))[2:4] == pytest.approx([0.55 * -0.004, 0.45 * -0.004])


def test_what_enters_and_leaves_has_its_own_terms() -> None:
    """Shares 0.75 and 0.25 of a and b become 0.5 and 0.5 of a and c: 0.4 → 0.6, the centre is 0.5."""
    sums = sums_of([3, 1, 0], [0.4, 0.4, 0], [1, 0, 1], [0.5, 0, 0.7])
    mix, rate, moved = terms(sums, States.of(sums))[:9].reshape(3, 3)
    assert mix == pytest.approx([-0.25 * (0.45 - 0.5), 0, 0])
    assert rate == pytest.approx([0.625 * 0.1, 0, 0])
    assert moved == pytest.approx([0, -0.25 * (0.4 - 0.5), 0.5 * (0.7 - 0.5)])
    found = told(sums)
    assert found["left"] == pytest.approx(0.025)
    assert found["entered"] == pytest.approx(0.1)
    assert found["mix"] + found["rate"] + found["left"] + found["entered"] == pytest.approx(0.2)


def test_a_mix_term_says_that_one_above_the_average_grew() -> None:
    grows = sums_of([40, 60], [0.9, 0.1], [60, 40], [0.9, 0.1])
    assert (terms(grows, States.of(grows))[:2] > 0).all()
    shrinks = sums_of([60, 40], [0.9, 0.1], [40, 60], [0.9, 0.1])
    assert (terms(shrinks, States.of(shrinks))[:2] < 0).all()


# ---- always


@st.composite
def any_sums(draw: st.DrawFn) -> np.ndarray:
    """From one to eight segments; some only then, some only now; values of any sign, weights of very different size."""
    size = draw(st.integers(1, 8))
    weight = st.one_of(st.just(0.0), st.floats(1e-2, 1e5))
    weights = [draw(st.lists(weight, min_size=size, max_size=size).filter(any)) for _ in range(2)]
    values = [draw(st.lists(st.floats(-100, 100), min_size=size, max_size=size)) for _ in range(2)]
    return sums_of(weights[0], values[0], weights[1], values[1])


@given(any_sums())
def test_terms_add_up_to_the_change(sums) -> None:
    states = States.of(sums)
    before, after = totals(sums)
    size = sums.shape[1]
    found = terms(sums, states)
    assert found[: 3 * size].sum() == pytest.approx(after - before, abs=1e-9)
    assert found[3 * size : -1].sum() == pytest.approx(after - before, abs=1e-9)
    assert found[-1] == pytest.approx(after - before, abs=1e-12)
    # a segment that is at one moment only has neither mix nor rate, one that stays does not move
    mix, rate, moved = found[: 3 * size].reshape(3, size)
    assert not mix[~states.stays].any()
    assert not rate[~states.stays].any()
    assert not moved[states.stays].any()


@given(any_sums())
def test_turned_round_in_time_every_term_changes_sign(sums) -> None:
    """Symmetric: no moment is the standard for the other."""
    back = sums[[2, 3, 0, 1]]
    forth_terms, back_terms = terms(sums, States.of(sums)), terms(back, States.of(back))
    size = sums.shape[1]
    assert back_terms[: 3 * size] == pytest.approx(-forth_terms[: 3 * size], abs=1e-9)


@given(any_sums(), st.floats(1e-3, 1e3), st.floats(1e-3, 1e3))
def test_twice_as_many_customers_of_one_moment_change_nothing(sums, then, now) -> None:
    scaled = sums * np.array([then, then, now, now])[:, None]
    states = States.of(sums)
    assert terms(scaled, states) == pytest.approx(terms(sums, states), abs=1e-9)


def test_many_samples_at_once_are_as_one_by_one(rng) -> None:
    many = rng.uniform(1, 9, (5, 4, 3))
    states = States.of(many[0])
    assert terms(many, states) == pytest.approx(np.array([terms(one, states) for one in many]))
    assert shares(many)[0].sum(axis=-1) == pytest.approx(np.ones(5))


# ---- against a regression


def test_agrees_with_oaxaca_and_blinder_where_their_standard_is_the_mean_of_both_moments(rng) -> None:
    """With nothing but dummies a regression's coefficients are the segments' means, and the means of its columns their shares.

    "Explained" is then (shares now − then)·β* and "unexplained" what is left; with β* half of either moment's coefficients
    (Reimers 1983) these are Σ Δs·r̄, in which the centre cancels, and Σ s̄·Δr. The usual pooled β* weighs by the number of
    rows, so that only this configuration must agree.
    """
    n, size = 400, 4
    now = np.arange(n) % 2
    segment = np.where(
        now == 1, rng.choice(size, n, p=[0.4, 0.3, 0.2, 0.1]), rng.choice(size, n, p=[0.1, 0.2, 0.3, 0.4])
    )
    y = rng.normal(size=n) + segment * np.where(now == 1, 1.0, 0.8)
    dummies = (segment[:, None] == np.arange(1, size)).astype(float)
    # the moment as 0 for now: the gap is that of the first group over the second
    model = OaxacaBlinder(y, np.column_stack([1 - now, dummies]), 0, hasconst=False, swap=False)
    unexplained, explained, gap = model.two_fold(two_fold_type="reimers").params[:3]
    sums = np.array(
        [[part[(now == t) & (segment == k)].sum() for k in range(size)] for t in (0, 1) for part in (y, np.ones(n))]
    )
    found = told(sums)
    assert found["change"] == pytest.approx(gap, abs=1e-10)
    assert found["mix"] == pytest.approx(explained, abs=1e-10)
    assert found["rate"] == pytest.approx(unexplained, abs=1e-10)
    pooled = model.two_fold(two_fold_type="pooled").params
    assert abs(pooled[1] - found["mix"]) > 1e-4


# ---- errors


def people(rng: np.random.Generator, n: int, size: int = 3, *, heavy: float = 0.5) -> np.ndarray:
    """Customers who are mostly in both periods, in one segment."""
    units = np.zeros((n, 2, 2, size))
    segment = rng.choice(size, n)
    lasting = rng.normal(size=n)
    for period in range(2):
        # the first segment comes less often later, the last more often: the mix changes
        there = rng.random(n) < 0.6 + 0.3 * (segment - (size - 1) / 2) * (period - 0.5)
        w = 1.0 + rng.poisson(1, n)
        units[np.arange(n), period, 1, segment] = there * w
        units[np.arange(n), period, 0, segment] = (
            there * w * np.exp(heavy * (lasting + rng.normal(size=n)) + segment / 2)
        )
    return units.reshape(n, 4 * size)


def test_derivatives_are_those_of_small_steps(rng) -> None:
    sums = sums_of([30, 40, 20, 0], [1, 2, 3, 0], [50, 20, 0, 9], [2, 2, 0, 5])
    states = States.of(sums)
    slopes = gradient(terms, sums, states)
    for place in np.flatnonzero(sums.ravel()):
        step = np.zeros(16)
        step[place] = 1e-5
        ahead, behind = (terms(sums + sign * step.reshape(4, 4), states) for sign in (1, -1))
        assert slopes[:, place] == pytest.approx((ahead - behind) / 2e-5, abs=1e-8)
    # nothing changes when all customers are doubled: what influence the customers have adds up to nothing
    assert slopes @ sums.ravel() == pytest.approx(np.zeros(len(slopes)), abs=1e-12)


def test_the_change_of_one_segment_has_the_variance_of_a_difference_of_two_ratios(rng) -> None:
    """Different customers then and now: the variances of both ratios add up."""
    n = 200
    units = np.zeros((2 * n, 4))
    units[:n, 0], units[:n, 1] = rng.lognormal(0, 1, n), 1
    units[n:, 2], units[n:, 3] = rng.lognormal(0, 1, n), 1
    sums = units.sum(axis=0).reshape(4, 1)
    found = delta(sums, units.T @ units, States.of(sums), n=2 * n, level=0.95)
    either = [
        intervals.linearised_variance(n, v.sum(), n, (v * v).sum(), v.sum(), n) * (n - 1) / n
        for v in (units[:n, 0], units[n:, 2])
    ]
    assert found.se[-1] == pytest.approx(np.sqrt(sum(either) * 2 * n / (2 * n - 1)))
    assert found.se[1] == pytest.approx(found.se[-1])


def test_those_who_are_there_twice_are_drawn_together(rng) -> None:
    """The same customers with the same values then and now: no change, and no error of it."""
    v = rng.lognormal(0, 1, 60)
    units = np.column_stack([v, np.ones(60), v, np.ones(60)])
    states = States.of(units.sum(axis=0).reshape(4, 1))
    found = bootstrap(units, states, level=0.95)
    assert found is not None
    assert found.se == pytest.approx(np.zeros(8), abs=1e-12)
    apart = np.concatenate([units * [1, 1, 0, 0], units * [0, 0, 1, 1]])
    assert bootstrap(apart, states, level=0.95).se[-1] > 0.1


def test_resampling_and_linearising_agree(rng) -> None:
    """At 3,000 customers within 6 % for every error: the resamples' own is 1.6 % (one in √(2·1999)), the rest is curvature.

    Also where a mix term is nothing times nothing: the middle segment keeps its part and is the mean.
    """
    units = people(rng, 3000)
    sums = units.sum(axis=0).reshape(4, 3)
    states = States.of(sums)
    drawn, linear = bootstrap(units, states, level=0.95), delta(sums, units.T @ units, states, n=3000, level=0.95)
    used = linear.se > 0
    assert used.sum() == 9
    assert drawn.se[used] == pytest.approx(linear.se[used], rel=0.06)
    assert drawn.low[used] == pytest.approx(linear.low[used], abs=0.2 * linear.se[used].max())
    assert drawn.high[used] == pytest.approx(linear.high[used], abs=0.2 * linear.se[used].max())


def test_where_nothing_changed_a_mix_still_has_an_error(rng) -> None:
    """Segments that are all alike and keep their parts: the slopes alone would say half the error or less."""
    units = np.zeros((4000, 2, 2, 4))
    segment = rng.choice(4, 4000)
    for period in range(2):
        units[np.arange(4000), period, 1, segment] = rng.random(4000) < 0.8
        units[np.arange(4000), period, 0, segment] = units[np.arange(4000), period, 1, segment] * rng.lognormal(
            0, 1, 4000
        )
    units = units.reshape(4000, 16)
    sums = units.sum(axis=0).reshape(4, 4)
    states = States.of(sums)
    drawn, linear = bootstrap(units, states, level=0.95), delta(sums, units.T @ units, states, n=4000, level=0.95)
    assert drawn.se[[0, 1, 2, 3, -5]] == pytest.approx(linear.se[[0, 1, 2, 3, -5]], rel=0.08)


def test_neither_order_nor_currency_moves_the_interval(rng) -> None:
    units = people(rng, 150)
    states = States.of(units.sum(axis=0).reshape(4, 3))
    first = bootstrap(units, states, level=0.9)
    assert bootstrap(units[rng.permutation(150)], states, level=0.9).low == pytest.approx(first.low, rel=1e-9)
    money = np.repeat([7.1, 1, 7.1, 1], 3)
    assert bootstrap(units * money, states, level=0.9).high == pytest.approx(7.1 * first.high, rel=1e-9)


@pytest.mark.parametrize("columns", [[1, 3], [5, 7]], ids=["then", "now"])
def test_no_interval_where_resampling_loses_a_segment(rng, columns) -> None:
    units = people(rng, 60, size=2)
    units[:20, 1::2] = 1
    units[:, columns] = 0  # nobody in the second segment at one moment …
    units[0, columns] = 1  # … but one: every third resample goes without
    states = States.of(units.sum(axis=0).reshape(4, 2))
    assert states.stays.all()
    assert bootstrap(units, states, level=0.95) is None


def test_t_around_rates_and_percentiles_for_mixes(rng) -> None:
    units = people(rng, 80, heavy=1.2)
    sums = units.sum(axis=0).reshape(4, 3)
    found, value = bootstrap(units, States.of(sums), level=0.9), terms(sums, States.of(sums))
    middle = (found.low + found.high) / 2
    straight = [3, 4, 5, 10, 13]
    assert middle[straight] == pytest.approx(value[straight])
    half = stats.t.ppf(0.95, 79) * found.se
    assert (found.high - value)[straight] == pytest.approx(half[straight])
    assert abs(middle - value)[[0, 1, 2, 9]].min() > 1e-3 * found.se[0]


def test_rates_of_what_is_not_there_are_zero_not_missing() -> None:
    then, now = rates(sums_of([1, 0], [2, 0], [0, 4], [0, 3]))
    assert then.tolist() == [2, 0]
    assert now.tolist() == [0, 3]
