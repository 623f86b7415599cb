"""The level model: against a Kalman filter, against plain conditioning of normals, and the noise it finds."""

import math

import numpy as np
import pytest
from statsmodels.tsa.statespace.kalman_filter import KalmanFilter

from crmtools.goals import level
from crmtools.goals.level import project, spread
from crmtools.goals.links import Link, Scaled

AHEAD = np.array([0.0, 1.0, 3.0, 6.0])


def past_of(z: np.ndarray, variances: np.ndarray, *, times: np.ndarray | None = None, coming: float = 0.02) -> Scaled:
    times = np.arange(len(z), dtype=float) if times is None else times
    return Scaled(Link("identity"), times, z, variances, coming, 100.0, int(times[-1]) + 1)


def wander(rng, size: int, tau: float, errors: np.ndarray) -> np.ndarray:
    return np.cumsum(rng.normal(0, tau, size)) + rng.normal(0, errors)


def only(monkeypatch, past: Scaled, *models: tuple[float, float, float, float]) -> None:
    """Leave these models (τ, ω, β, σ in the series' unit) on the grid, equally likely before data."""
    rows = np.array([[*(part / spread(past) for part in model), 1.0] for model in models])
    monkeypatch.setattr(level, "_grid", lambda long, years: rows)


def kalman(past: Scaled, tau: float, omega: float, slope: float) -> tuple[np.ndarray, np.ndarray, float]:
    """Means and variances of later readings and the likelihood, by statsmodels, with gaps as NaN."""
    steps = past.length + int(AHEAD[-1])
    y = np.full(steps, math.nan)
    y[past.times.astype(int)] = past.z
    noise = np.full(steps, past.coming)
    noise[past.times.astype(int)] = past.variances
    noise = noise + omega**2 + 1e-6 * spread(past) ** 2
    model = KalmanFilter(k_endog=1, k_states=2, k_posdef=2, loglikelihood_burn=0)
    model.bind(y)
    model["design"] = np.array([[1.0, 0.0]])
    model["obs_cov"] = noise[None, None, :]
    model["transition"] = np.array([[1.0, level.FADES], [0.0, level.FADES]])
    model["selection"] = np.array([[1.0, 1.0], [0.0, 1.0]])
    model["state_cov"] = np.diag([tau**2, slope**2 * (1 - level.FADES**2)])
    start = np.zeros((2, 2))
    start[1, 1] = slope**2
    # the first level is unknown: so wide a prior that the rest of the likelihood does not see it
    start[0, 0] = 1e5
    model.initialize_known(np.zeros(2), start)
    found = model.filter()
    at = past.length - 1 + AHEAD.astype(int)
    variances = found.forecasts_error_cov[0, 0, at] - noise[at] + past.coming + omega**2
    if not math.isnan(y[at[0]]):
        # the filter's forecast of the last period is made before its value is known
        variances[0] = found.filtered_state_cov[0, 0, at[0]] + past.coming + omega**2
    means = found.forecasts[0, at].copy()
    means[0] = found.filtered_state[0, at[0]]
    return means, variances, float(found.llf)


@pytest.mark.parametrize(("tau", "omega", "slope"), [(0.2, 0.0, 0.0), (0.0, 0.1, 0.0), (0.1, 0.1, 0.05)])
@pytest.mark.parametrize("gap", [False, True])
def test_long_series_as_a_kalman_filter_has_it(monkeypatch, rng, tau, omega, slope, gap) -> None:
    errors = rng.uniform(0.05, 0.3, 30)
    z = wander(rng, 30, 0.2, errors)
    times = np.arange(30.0) + (np.arange(30) > 11) * 3 if gap else None
    past = past_of(z, errors**2, times=times)
    only(monkeypatch, past, (tau, omega, slope, 0.0))
    found = project(past, AHEAD, season=99)
    means, variances, _ = kalman(past, tau, omega, slope)
    assert found.means[0] == pytest.approx(means, abs=2e-4)
    assert found.sds[0] ** 2 == pytest.approx(variances, rel=2e-3)


def test_models_are_weighted_by_their_likelihood(monkeypatch, rng) -> None:
    errors = rng.uniform(0.05, 0.3, 30)
    past = past_of(wander(rng, 30, 0.2, errors), errors**2)
    first, second = (0.1, 0.05, 0.02, 0.0), (0.3, 0.0, 0.0, 0.0)
    only(monkeypatch, past, first, second)
    weights = project(past, AHEAD, season=99).weights
    likelihoods = [kalman(past, *model[:3])[2] for model in (first, second)]
    assert math.log(weights[0] / weights[1]) == pytest.approx(likelihoods[0] - likelihoods[1], abs=1e-3)


def test_seasons_as_conditioned_normals(monkeypatch, rng) -> None:
    """The covariance written out, the height as a random number of variance 10⁴, a quarter missing."""
    keep = np.array([t for t in range(28) if t != 9], float)
    errors = np.full(27, 0.1)
    past = past_of(wander(rng, 27, 0.1, errors) + 0.5 * (keep % 4 == 1), errors**2, times=keep)
    only(monkeypatch, past, (0.1, 0.05, 0.0, 0.4))
    found = project(past, AHEAD, season=4)
    every = np.concatenate([keep, 27 + AHEAD])
    cov = np.array([[0.01 * min(a, b) + 0.16 * (a % 4 == b % 4) + 1e4 for b in every] for a in every])
    inside = cov[:27, :27] + np.diag(errors**2 + 0.05**2 + 1e-6 * spread(past) ** 2)
    gain = cov[27:, :27] @ np.linalg.inv(inside)
    assert found.means[0] == pytest.approx(gain @ past.z, abs=1e-3)
    variances = np.diag(cov[27:, 27:] - gain @ cov[:27, 27:]) + past.coming + 0.05**2
    assert found.sds[0] ** 2 == pytest.approx(variances, rel=1e-3)


def test_half_of_the_drift_is_carried_on(monkeypatch, rng) -> None:
    """Against least squares: without movement the level is the mean, and the drift the regression's slope."""
    z = 0.1 * np.arange(12) + rng.normal(0, 0.2, 12)
    past = past_of(z, np.full(12, 0.04))
    only(monkeypatch, past, (0.0, 0.0, 0.0, 0.0))
    found = project(past, AHEAD, season=12)
    slope = np.polyfit(np.arange(12), z, 1)[0]
    beyond = 11 + AHEAD - 5.5
    assert found.means[0] == pytest.approx(z.mean() + slope / 2 * beyond, rel=1e-4)
    sampling = 0.04 * (1 / 12 + beyond**2 / 2 / 143) + past.coming
    assert found.sds[0] ** 2 == pytest.approx(sampling, rel=1e-3)


@pytest.mark.parametrize("tau", [0.1, 0.2, 0.4])
def test_likelihood_finds_the_movement_without_bias(monkeypatch, rng, tau) -> None:
    """Sixty points with se 0.2, all τ equally likely before: the mean of τ over 50 series within a tenth."""
    errors, found = np.full(60, 0.2), []
    for _ in range(50):
        past = past_of(wander(rng, 60, tau, errors), errors**2)
        only(monkeypatch, past, *((candidate, 0.0, 0.0, 0.0) for candidate in np.arange(0.0, 0.8, 0.05)))
        found.append(project(past, AHEAD, season=99).level_sd)
    assert np.mean(found) == pytest.approx(tau, rel=0.1)
    # what taking the steps for the movement would give
    assert math.hypot(tau, 0.2 * math.sqrt(2)) > 1.2 * tau


@pytest.mark.parametrize(("tau", "least", "most"), [(0.1, 0.6, 1.0), (0.2, 0.8, 1.1), (0.4, 0.9, 1.1)])
def test_sampling_error_is_no_movement(rng, tau, least, most) -> None:
    """With all rivals on the grid little movement is drawn towards none; much is found within a tenth."""
    errors = np.full(60, 0.2)
    found = [project(past_of(wander(rng, 60, tau, errors), errors**2), AHEAD, season=99).level_sd for _ in range(15)]
    assert least < np.mean(found) / tau < most


def test_a_level_that_stands_still_is_hardly_given_movement(rng) -> None:
    errors = np.full(36, 0.2)
    found = [project(past_of(wander(rng, 36, 0, errors), errors**2), AHEAD, season=99).level_sd for _ in range(15)]
    assert np.mean(found) < 0.2 * 0.2


def test_quantiles_and_chances_agree_and_widen(rng) -> None:
    past = past_of(wander(rng, 20, 0.2, np.full(20, 0.1)), np.full(20, 0.01))
    found = project(past, AHEAD[1:], season=12)
    places = found.quantiles(np.array([0.05, 0.5, 0.95]))
    assert found.below(places) == pytest.approx(np.tile([0.05, 0.5, 0.95], (3, 1)), abs=1e-6)
    assert (np.diff(places[:, 2] - places[:, 0]) > 0).all()
    drawn = rng.choice(len(found.weights), 40_000, p=found.weights)
    simulated = found.means[drawn, 2] + found.sds[drawn, 2] * rng.normal(size=40_000)
    assert np.quantile(simulated, [0.05, 0.5, 0.95]) == pytest.approx(places[2], abs=0.05)


def test_only_the_last_sixty_points_are_used(rng) -> None:
    z, errors = wander(rng, 80, 0.2, np.full(80, 0.1)), np.full(80, 0.01)
    cut = Scaled(Link("identity"), np.arange(20.0, 80), z[20:], errors[20:], 0.02, 100.0, 80)
    whole = project(past_of(z, errors), AHEAD, season=99)
    # the spread that the grid is measured in is that of all points
    assert whole.means[0] == pytest.approx(project(cut, AHEAD, season=99).means[0], abs=0.1)
