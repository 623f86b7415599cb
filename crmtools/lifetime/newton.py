"""Damped Newton on log-parameters: the optimiser of every likelihood here.

A likelihood in two to five positive parameters with an exact Hessian needs six to eight steps from a fixed
start, and the Hessian at the end is the covariance. Quasi-Newton methods stop on "precision loss" at the
optimum; here the end is judged by the Newton decrement, so "converged" means what it says.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

# value, gradient and Hessian of a log-likelihood at positive parameters
Likelihood = Callable[[np.ndarray], tuple[float, np.ndarray, np.ndarray]]

_STEP_CAP = 2.0
_DECREMENT = 1e-10
# The decrement of a full step may fall to so little of the one before: then the next would be below its cube by that one's
# square, and the Hessian, which moves as the step does, has four digits that stay.
_SHRUNK = 3e-5
_EPSILON = float(np.finfo(float).eps)
# Twice the log-likelihood still to be gained: the estimate is within a two-hundredth of a standard error.
_NEGLIGIBLE = 1e-5
_EVALUATIONS = 200
_MANY, _EVERY = 60_000, 16
"""From so many rows on, the start is found on about a sixteenth of them."""


@dataclass(frozen=True, slots=True)
class Maximum:
    """The maximum: parameters, covariance on the natural scale (NaN at a bound), how it ended."""

    parameters: np.ndarray
    covariance: np.ndarray
    log_likelihood: float
    converged: bool
    at_bound: np.ndarray
    message: str
    evaluations: int


def maximise(likelihood: Likelihood, start: np.ndarray, *, low: np.ndarray, high: np.ndarray) -> Maximum:
    """Maximise from ``start`` with every parameter kept in [low, high].

    A parameter that leaves through a bound stays there and is reported in ``at_bound``: the data do not
    identify it. Never raises for lack of convergence; read ``converged`` and ``message``.
    """
    lower, upper = np.log(low), np.log(high)
    theta = np.clip(np.log(start), lower, upper)
    value, gradient, hessian = _on_log_scale(likelihood, theta)
    evaluations, converged, message = 1, False, f"no maximum within {_EVALUATIONS} evaluations"
    before = 0.0  # the decrement that the last step was made at, where that was a full step of Newton's
    while evaluations < _EVALUATIONS:
        step = _step_inside(theta, gradient, hessian, lower, upper)
        decrement = gradient @ step
        # of a sum of a hundred million no less can be seen
        enough = max(_DECREMENT, 4 * _EPSILON * abs(value))
        if decrement < enough or (decrement < _SHRUNK * before and decrement**3 / before**2 < enough):
            # convergence is quadratic: a last full step makes the parameters exact to the last digits, gains half of the
            # decrement, and changes the Hessian by less than _SHRUNK, so that nothing is left to be evaluated
            theta, value = np.clip(theta + step, lower, upper), value + decrement / 2
            converged, message = True, f"Newton decrement {decrement:.1e} after {evaluations} evaluations"
            break
        shorter = min(1.0, _STEP_CAP / np.abs(step).max(), _room(theta, step, lower, upper))
        step, before = step * shorter, decrement if shorter == 1 else 0.0
        for _ in range(40):
            trial = np.clip(theta + step, lower, upper)
            new = _on_log_scale(likelihood, trial)
            evaluations += 1
            # NaN compares false, so a step into nowhere is halved like a step too long
            if new[0] >= value + 1e-4 * (gradient @ step):
                break
            step, before = step / 2, 0.0
        else:
            # no uphill step is left: what remains to be gained is below what double precision shows of this
            # sum
            converged = bool(decrement < _NEGLIGIBLE)
            message = f"stopped at rounding error with Newton decrement {decrement:.1e}"
            break
        theta, (value, gradient, hessian) = trial, new
    at_bound = (theta <= lower) | (theta >= upper)
    parameters = np.exp(theta)
    return Maximum(
        parameters,
        _covariance(parameters, hessian, ~at_bound),
        value,
        converged,
        at_bound,
        message,
        evaluations,
    )


def maximise_rows(
    likelihood_of: Callable[..., Likelihood],
    columns: tuple[np.ndarray, ...],
    start: np.ndarray,
    *,
    low: np.ndarray,
    high: np.ndarray,
) -> Maximum:
    """Maximise the likelihood of rows, the last column their weights; of many, some give the start, which saves most steps.

    They are drawn at equal distances of cumulated weight, so that in sorted rows they hardly differ from all of them.
    """
    *_, weight = columns
    if len(weight) > _MANY:
        along = np.cumsum(weight)
        along *= len(weight) / _EVERY / along[-1]
        np.floor(along, out=along)
        some = np.flatnonzero(np.diff(along)) + 1
        rows = (*(column[some] for column in columns[:-1]), np.diff(along[some], prepend=along[0]))
        first = maximise(likelihood_of(*rows), start, low=low, high=high)
        start = first.parameters if first.converged and not first.at_bound.any() else start
    return maximise(likelihood_of(*columns), start, low=low, high=high)


def draw_parameters(parameters: np.ndarray, covariance: np.ndarray, *, count: int, seed: int) -> np.ndarray:
    """``count`` x parameters: normal on the log scale, never negative; parameters at a bound stay put."""
    root = root_of(parameters, covariance)
    normal = np.random.default_rng(seed).standard_normal((count, root.shape[1]))
    return parameters * np.exp(normal @ root.T)


def root_of(parameters: np.ndarray, covariance: np.ndarray) -> np.ndarray:
    """A square root of the log-scale covariance: parameters x free ones; rows of zeros for those at a bound."""
    free = np.isfinite(np.diag(covariance))
    values, vectors = np.linalg.eigh(covariance[np.ix_(free, free)] / np.outer(parameters[free], parameters[free]))
    root = np.zeros((len(parameters), int(free.sum())))
    root[free] = vectors * np.sqrt(np.clip(values, 0, None))
    return root


def _on_log_scale(likelihood: Likelihood, theta: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
    parameters = np.exp(theta)
    value, gradient, hessian = likelihood(parameters)
    gradient = gradient * parameters
    return value, gradient, hessian * np.outer(parameters, parameters) + np.diag(gradient)


def _step_inside(
    theta: np.ndarray, gradient: np.ndarray, hessian: np.ndarray, lower: np.ndarray, upper: np.ndarray
) -> np.ndarray:
    """Newton step of the parameters that are not held at a bound, by their gradient or by the step itself."""
    at_low, at_high = theta <= lower, theta >= upper
    held = (at_low & (gradient < 0)) | (at_high & (gradient > 0))
    while True:
        step = np.zeros_like(theta)
        step[~held] = _newton_step(gradient[~held], hessian[np.ix_(~held, ~held)])
        leaving = (at_low & (step < 0)) | (at_high & (step > 0))
        if not leaving.any():
            return step
        held |= leaving


def _room(theta: np.ndarray, step: np.ndarray, lower: np.ndarray, upper: np.ndarray) -> float:
    """How many steps fit before a bound; clipping instead would bend the direction downhill."""
    bound = np.where(step > 0, upper, lower)
    moving = step != 0
    return float(((bound - theta)[moving] / step[moving]).min())


def _newton_step(gradient: np.ndarray, hessian: np.ndarray) -> np.ndarray:
    """Uphill Newton step: curvature of the wrong sign is used by its absolute value, with a floor."""
    if not len(gradient):
        return gradient
    values, vectors = np.linalg.eigh(-hessian)
    curvature = np.abs(values)
    curvature = np.maximum(curvature, 1e-9 * curvature.max() + 1e-12)
    return vectors @ ((vectors.T @ gradient) / curvature)


def _covariance(parameters: np.ndarray, log_hessian: np.ndarray, free: np.ndarray) -> np.ndarray:
    """Inverse of minus the log-scale Hessian of the free parameters, on the natural scale; NaN elsewhere."""
    covariance = np.full_like(log_hessian, np.nan)
    inner = -log_hessian[np.ix_(free, free)]
    if free.any() and np.linalg.eigvalsh(inner).min() > 0:
        scale = np.outer(parameters[free], parameters[free])
        covariance[np.ix_(free, free)] = np.linalg.inv(inner) * scale
    return covariance
