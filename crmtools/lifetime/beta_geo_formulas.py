"""What BG/NBD says about one customer, as functions of (r, alpha, a, b) and arrays of x, t_x, T."""

import numpy as np
from scipy.special import expit, hyp2f1

from crmtools.lifetime.beta_geo_likelihood import log_odds_gone
from crmtools.lifetime.summary import unique_rows

# Within this distance of a removable singularity the value is interpolated across it (error below 1e-9).
_NEAR = 1e-5


def alive(parameters: np.ndarray, x: np.ndarray, t_x: np.ndarray, T: np.ndarray) -> np.ndarray:
    """P(alive | x, t_x, T): one minus the odds of the likelihood's two ways to be silent since t_x."""
    out = np.ones(len(x))
    repeat = x > 0
    out[repeat] = expit(-log_odds_gone(parameters, x[repeat], t_x[repeat], T[repeat]))
    return out


def purchases_if_alive(parameters: np.ndarray, x: np.ndarray, T: np.ndarray, horizon: float | np.ndarray) -> np.ndarray:
    """E[purchases in the next horizon | alive at T]; with x = T = 0 that of a new customer.

    Euler-transformed from FHL 2005 eq. 10: the textbook form overflows for frequent or young customers::

        (c/(a-1)) (1 - q^(a-1) 2F1(a-1, a+b-1-r; c; 1-q)),  c = a+b+x-1,  q = (alpha+T)/(alpha+T+horizon)

    Both removable singularities, a = 1 and c = 0, are bridged by linear interpolation.
    """
    horizon = np.broadcast_to(np.asarray(horizon, dtype=float), x.shape)
    (x_u, T_u, h_u), position, _ = unique_rows(x, T, horizon)
    r, alpha, a, b = parameters
    return _bridge_a(r, alpha, a, b, x_u, T_u, h_u)[position]


def _bridge_a(
    r: float, alpha: float, a: float, b: float, x: np.ndarray, T: np.ndarray, horizon: np.ndarray
) -> np.ndarray:
    """Across a = 1."""
    if abs(a - 1) >= _NEAR:
        return _bridge_c(r, alpha, a, b, x, T, horizon)
    left, right = (_bridge_c(r, alpha, 1 + side * _NEAR, b, x, T, horizon) for side in (-1, 1))
    share = (a - 1 + _NEAR) / (2 * _NEAR)
    return left * (1 - share) + right * share


def _bridge_c(
    r: float, alpha: float, a: float, b: float, x: np.ndarray, T: np.ndarray, horizon: np.ndarray
) -> np.ndarray:
    """Across c = 0."""
    c = a + b + x - 1
    near = np.abs(c) < _NEAR
    # moving b moves c and the second argument of 2F1 together, as the formula wants
    shift = np.where(near, _NEAR - c, 0.0)
    right = _euler(r, alpha, a, b + shift, c + shift, T, horizon)
    if not near.any():
        return right
    left = _euler(r, alpha, a, b + shift - 2 * _NEAR * near, c + shift - 2 * _NEAR * near, T, horizon)
    share = np.where(near, (c + _NEAR) / (2 * _NEAR), 1.0)
    return left * (1 - share) + right * share


def _euler(
    r: float, alpha: float, a: float, b: float | np.ndarray, c: np.ndarray, T: np.ndarray, horizon: np.ndarray
) -> np.ndarray:
    total = alpha + T + horizon
    z = horizon / total
    tail = np.exp((a - 1) * np.log1p(-z)) * hyp2f1(a - 1, a + b - 1 - r, c, z)
    return c / (a - 1) * (1 - tail)
