"""Log-likelihood of BG/NBD and MBG/NBD with exact gradient and Hessian, on weighted patterns.

For one customer with x repeat purchases, the last at age t_x, observed to age T (Fader, Hardie & Lee 2005, eq. 6; Batislam
et al. 2007 for the modified model, in which a customer may leave right after the first purchase)::

    l = lnG(r+x) - lnG(r) + r ln alpha + ln B(a, k+x) - ln B(a, b) - (r+x) ln(alpha+T) + softplus(z)
    z = ln a - ln(k+x-1) + (r+x) ln((alpha+T) / (alpha+t_x))

with k = b and no softplus at x = 0 for BG/NBD, k = b+1 for MBG/NBD; 1 / (1 + exp(z)) is the probability of being alive.
Terms in x alone are taken once per distinct x and terms in T once per distinct T, logarithms of times from a table; one
exponential and one logarithm are left for a pattern, in blocks that stay in the cache.
"""

from typing import NamedTuple

import numpy as np

from crmtools.lifetime.grid import coded
from crmtools.lifetime.newton import Likelihood

NAMES = ("r", "alpha", "a", "b")
BLOCK = 8192
"""Patterns at a time: their arrays fit the cache, and products are too short for threads, which would slow them down."""
CUT = 512
CUTS = np.arange(0, BLOCK, CUT)


def log_odds_gone(
    parameters: np.ndarray, x: np.ndarray, t_x: np.ndarray, T: np.ndarray, *, modified: bool = False
) -> np.ndarray:
    """z of the module's formula; for BG/NBD x > 0."""
    r, alpha, a, b = parameters
    # log1p of the ratio, not a difference of logs: exact when T - t_x is small
    return np.log(a) - np.log(b + modified + x - 1) + (r + x) * np.log1p((T - t_x) / (alpha + t_x))


class Rising(NamedTuple):
    """ln G(c+x) / G(c) at some whole x, with its first and second derivative in c."""

    log: np.ndarray
    first: np.ndarray
    second: np.ndarray

    @classmethod
    def of(cls, c: float, x: np.ndarray) -> "Rising":
        """As sums over the factors: a difference of two gamma functions loses its digits where c is large."""
        steps = c + np.arange(x.max(initial=0))
        inverse = 1 / steps
        sums = [np.concatenate([[0.0], np.cumsum(part)])[x] for part in (np.log(steps), inverse, -inverse * inverse)]
        return cls(*sums)


def likelihood_of(
    x: np.ndarray, t_x: np.ndarray, T: np.ndarray, weight: np.ndarray, *, modified: bool = False
) -> Likelihood:
    """The function of (r, alpha, a, b) that returns value, gradient (4) and Hessian (4 x 4)."""
    times, (last, end) = coded(t_x, T)
    x = x.astype(np.int64)
    n_x = np.bincount(x, weights=weight)
    n_T = np.bincount(end, weights=weight)
    nx_T = np.bincount(end, weights=weight * x)
    counts, ages = np.flatnonzero(n_x), np.flatnonzero(n_T)
    n_x, n_T, nx_T, ages = n_x[counts], n_T[ages], nx_T[ages], times[ages]
    n = float(weight.sum())
    if not modified:  # one-time buyers have no softplus
        weight = np.where(x > 0, weight, 0.0)
    blocks = []
    for begin in range(0, len(x), BLOCK):
        block = slice(begin, begin + BLOCK)
        blocks.append((block, np.flatnonzero(weight[block] != 1)))

    def likelihood(parameters: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        r, alpha, a, b = parameters
        gradient, hessian = np.zeros(4), np.zeros((4, 4))
        k = b + modified

        # terms in x alone
        rates, stays, leaves = Rising.of(r, counts), Rising.of(k, counts), Rising.of(a + k, counts)
        value = n_x @ (rates.log + stays.log - leaves.log) + n * r * np.log(alpha)
        gradient[0] = n_x @ rates.first + n * np.log(alpha)
        gradient[2] = -n_x @ leaves.first
        gradient[3] = gradient[2] + n_x @ stays.first
        hessian[0, 0] = n_x @ rates.second
        hessian[2, 2] = hessian[2, 3] = -n_x @ leaves.second
        hessian[3, 3] = hessian[2, 2] + n_x @ stays.second
        if modified:  # B(a, b+1) / B(a, b) = b / (a+b)
            value += n * np.log(b / (a + b))
            gradient[2] -= n / (a + b)
            gradient[3] += n * a / (b * (a + b))
            hessian[2, 2] += n / (a + b) ** 2
            hessian[2, 3] += n / (a + b) ** 2
            hessian[3, 3] += n * (1 / (a + b) ** 2 - 1 / b**2)

        # terms in T
        age = alpha + ages
        rate = r * n_T + nx_T
        value -= rate @ np.log(age)
        gradient[0] -= n_T @ np.log(age)
        gradient[1] = n * r / alpha - rate @ (1 / age)
        hessian[0, 1] = n / alpha - n_T @ (1 / age)
        hessian[1, 1] = -n * r / alpha**2 + rate @ (1 / age**2)

        # softplus(z)
        log_time = np.log(alpha + times)
        inverse = 1 / (alpha + times)
        top = int(x.max(initial=0))
        # k + x - 1 at x = 0 has no weight in BG/NBD
        stay = k + np.arange(top + 1) - 1 if modified else np.concatenate([[1.0], k + np.arange(top)])
        odds, g = np.log(a / stay), -1 / stay
        slopes = np.empty((4, BLOCK))
        slopes[2] = 1 / a
        for block, more in blocks:
            bx, bl, be, w = x[block], last[block], end[block], weight[block]
            own = slopes[:, : len(bx)]
            shape = r + bx
            inverse_last, inverse_end = inverse[bl], inverse[be]
            e = inverse_end - inverse_last
            np.subtract(log_time[be], log_time[bl], out=own[0])
            np.multiply(shape, e, out=own[1])
            own[3] = g[bx]
            z = shape * own[0]
            z += odds[bx]
            small = np.exp(-np.abs(z))
            both = 1 + small
            # logarithms of products, none above 2**512, and one more for each customer who shares a pattern
            value += w @ np.maximum(z, 0) + np.log(np.multiply.reduceat(both, CUTS[: -(-len(bx) // CUT)])).sum()
            value += (w[more] - 1) @ np.log(both[more])
            gone = np.where(z > 0, 1.0, small) / both
            u = w * gone
            gradient += own @ u
            hessian += (own * (u * (1 - gone))) @ own.T
            cross = u @ e
            hessian[0, 1] += cross
            hessian[1, 1] -= (u * own[1]) @ (inverse_last + inverse_end)
            hessian[2, 2] -= u.sum() / a**2
            hessian[3, 3] += u @ (own[3] * own[3])

        return float(value), gradient, np.triu(hessian) + np.triu(hessian, 1).T

    return likelihood
