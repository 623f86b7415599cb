"""What BG/NBD says about an active customer, as functions of (r, alpha, a, b) and arrays of x and T.

MBG/NBD says the same with b + 1: once a customer is active, the two models differ only in how many coins have been tossed.
"""

from collections.abc import Callable
from functools import lru_cache

import numpy as np
from scipy.special import betainc, betaln, expit, gammaln, hyp2f1

from crmtools.lifetime.beta_geo_likelihood import BLOCK, log_odds_gone
from crmtools.lifetime.grid import over_pairs

_NEAR = 1e-4
"""A difference from one, or a distance from zero, below which the closed form has lost too many digits."""
_NODES = 48
"""Chebyshev nodes over ln(alpha + T): error below 1e-12 (largest of 300 random models)."""
_KEPT = 16_384
"""Distinct pairs of x and T up to which answers are kept: a hundred kilobytes each."""
_NODES_V, _ROWS = np.linspace(-14, 14, 897), 256


def alive(parameters: np.ndarray, x: np.ndarray, t_x: np.ndarray, T: np.ndarray) -> np.ndarray:
    """P(alive | x, t_x, T) of BG/NBD: one minus the odds of the likelihood's two ways to be silent since t_x."""
    out = np.ones(len(x))
    repeat = np.flatnonzero(x > 0)
    for begin in range(0, len(repeat), BLOCK):
        own = repeat[begin : begin + BLOCK]
        out[own] = expit(-log_odds_gone(parameters, x[own], t_x[own], T[own]))
    return out


def modified_alive(parameters: np.ndarray, x: np.ndarray, t_x: np.ndarray, T: np.ndarray) -> np.ndarray:
    """P(alive | x, t_x, T) of MBG/NBD, below 1 for one-time buyers too."""
    out = np.empty(len(x))
    for begin in range(0, len(x), BLOCK):
        own = slice(begin, begin + BLOCK)
        out[own] = expit(-log_odds_gone(parameters, x[own], t_x[own], T[own], modified=True))
    return out


def purchases_if_alive(parameters: np.ndarray, x: np.ndarray, T: np.ndarray, horizon: float | np.ndarray) -> np.ndarray:
    """E[purchases in the next horizon | alive at T]; with x = T = 0 that of a new customer.

    FHL 2005 eq. 10, Euler-transformed, for the textbook form overflows for frequent or young customers::

        (c/(a-1)) (1 - q^(a-1) 2F1(a-1, c-r-x; c; 1-q)),  c = a+b+x-1,  q = (alpha+T)/(alpha+T+horizon)

    Where it loses its digits (near a = 1 and c = 0, which are no edges of the expectation, and for short horizons) the
    chance to leave is integrated over. Many ages at one horizon are interpolated from a few.
    """
    if np.ndim(horizon):
        r, alpha, a, b = parameters
        return _expected(r, alpha, a, b, x, T, np.broadcast_to(horizon, x.shape))
    return purchases_over(parameters, x, T)(float(horizon))


def purchases_over(parameters: np.ndarray, x: np.ndarray, T: np.ndarray) -> Callable[[float], np.ndarray]:
    """:func:`purchases_if_alive` as a function of one horizon for all: what histories are alike is seen once for all horizons.

    The last ones are kept: assumptions that differ in discount or in length ask for the same months.
    """
    x_u, T_u, position = over_pairs(x, T)
    if len(x_u) > _KEPT:
        expected = _over(parameters, x_u, T_u)
    else:
        expected = _kept(tuple(parameters.tolist()), x_u.tobytes(), T_u.tobytes())
    return lambda horizon: expected(horizon)[position]


@lru_cache(maxsize=24)
def _kept(parameters: tuple[float, ...], x: bytes, T: bytes) -> Callable[[float], np.ndarray]:
    return lru_cache(maxsize=64)(_over(np.array(parameters), np.frombuffer(x), np.frombuffer(T)))


def forget() -> None:
    """Give back the memory of what was kept."""
    _kept.cache_clear()


def _over(parameters: np.ndarray, x: np.ndarray, T: np.ndarray) -> Callable[[float], np.ndarray]:
    """The same at distinct pairs."""
    r, alpha, a, b = parameters
    interpolated = over_ages(alpha, x, T)
    return lambda horizon: interpolated(lambda x, T: _expected(r, alpha, a, b, x, T, np.full(len(x), horizon)))


Smooth = Callable[[np.ndarray, np.ndarray], np.ndarray]


def over_ages(alpha: float, x: np.ndarray, T: np.ndarray) -> Callable[[Smooth], np.ndarray]:
    """Smooth functions of x and ln(alpha + T) at pairs: from Chebyshev nodes in T where there are more ages than those."""
    counts, row = np.unique(x, return_inverse=True)
    if len(x) < 4 * _NODES * len(counts):
        return lambda function: function(x, T)
    angle = np.pi * (np.arange(_NODES) + 0.5) / _NODES
    low, high = np.log(alpha + T.min()), np.log(alpha + T.max())
    nodes = np.exp((low + high) / 2 + (high - low) / 2 * np.cos(angle)) - alpha
    ages, column = np.unique(T, return_inverse=True)
    apart = (np.log(alpha + ages) - (low + high) / 2) / ((high - low) / 2) - np.cos(angle)[:, None]
    apart[apart == 0] = 1e-300
    share = (-1.0) ** np.arange(_NODES)[:, None] * np.sin(angle)[:, None] / apart
    share /= share.sum(axis=0)

    def interpolated(function: Smooth) -> np.ndarray:
        known = function(np.repeat(counts, _NODES), np.tile(nodes, len(counts))).reshape(len(counts), _NODES)
        return (known @ share)[row, column]

    return interpolated


def chances_if_alive(
    parameters: np.ndarray, x: np.ndarray, T: np.ndarray, horizon: float, count: np.ndarray
) -> np.ndarray:
    """P(count purchases in the next horizon | alive at T), elementwise; with x = T = 0 that of a new customer.

    FHL 2005 eq. 8 with the parameters that the history has updated. The second term, gone after the last of them, is a tail
    of the negative binomial: as an incomplete beta function it keeps its digits where one minus a sum loses them.
    """
    r, alpha, a, b = parameters
    shape, rate, stay = r + x, alpha + T, b + x
    share = horizon / (rate + horizon)
    log_here = (
        betaln(a, stay + count) - betaln(a, stay)
        + gammaln(shape + count) - gammaln(shape) - gammaln(count + 1)
        - shape * np.log1p(horizon / rate) + count * np.log(share)
    )  # fmt: skip
    some = np.maximum(count, 1)
    log_left = betaln(a + 1, stay + some - 1) - betaln(a, stay)
    return np.exp(log_here) + np.where(count > 0, np.exp(log_left) * betainc(some, shape, share), 0.0)


def _expected(
    r: float, alpha: float, a: float, b: float, x: np.ndarray, T: np.ndarray, horizon: np.ndarray
) -> np.ndarray:
    """The closed form, or the integral where that has too few digits."""
    s, c = r + x, a + b + x - 1
    log_q = -np.log1p(horizon / (alpha + T))
    with np.errstate(all="ignore"):
        tail = np.exp((a - 1) * log_q) * hyp2f1(a - 1, c - s, c, -np.expm1(log_q))
        out = c / (a - 1) * (1 - tail)
    few_digits = ~(np.abs(1 - tail) > _NEAR) | (np.abs(c) < _NEAR) | ~np.isfinite(out)
    # within 1e-13 of zero scipy takes a - 1 for zero in one place and not in another, and may give any number
    hard = np.flatnonzero(few_digits | (abs(a - 1) < _NEAR**2))
    for begin in range(0, len(hard), _ROWS):
        own = hard[begin : begin + _ROWS, None]
        out[own[:, 0]] = _integral(s[own], a, b + x[own], horizon[own] / (alpha + T[own]))
    return out


def _integral(s: np.ndarray, a: float, stay: np.ndarray, y: np.ndarray) -> np.ndarray:
    """What one expects who leaves with probability p ~ Beta(a, stay), horizon / (alpha+T) = y: E[(1 - (1+py)^-s) / p].

    Without edges, at three hundred times the cost. Trapezoids over v, log odds of p = middle + spread sinh(v): the double
    exponential rule, which both flat and steep ends of a beta distribution fit into; error below 1e-11 from stay = 1e-3 on.
    """
    u = np.log(a / stay) + np.sqrt(1 / a + 1 / stay) * np.sinh(_NODES_V)
    log_p, log_stay = -np.logaddexp(0, -u), -np.logaddexp(0, u)
    log_weight = a * log_p + stay * log_stay
    weight = np.exp(log_weight - log_weight.max(axis=1, keepdims=True)) * np.cosh(_NODES_V)
    p = np.maximum(np.exp(log_p), 1e-200)
    return (weight * -np.expm1(-s * np.log1p(p * y)) / p).sum(axis=1) / weight.sum(axis=1)
