"""BG/NBD log-likelihood with exact gradient and Hessian, on weighted patterns.

For one customer with x repeat purchases, the last at age t_x, observed to age T (Fader, Hardie & Lee 2005,
eq. 6)::

    l = lnG(r+x) - lnG(r) + r ln alpha + ln B(a, b+x) - ln B(a, b) - (r+x) ln(alpha+T) + 1[x>0] softplus(z)
    z = ln a - ln(b+x-1) + (r+x) ln((alpha+T) / (alpha+t_x))

so that 1 / (1 + exp(z)) is the probability of being alive. Terms in x alone are taken once per distinct x,
terms in T once per distinct T; only softplus is left for every pattern.
"""

from collections.abc import Callable

import numpy as np
from scipy.special import expit, gammaln, polygamma, psi

NAMES = ("r", "alpha", "a", "b")


def log_odds_gone(parameters: np.ndarray, x: np.ndarray, t_x: np.ndarray, T: np.ndarray) -> np.ndarray:
    """z of the module's formula, for x > 0."""
    r, alpha, a, b = parameters
    # log1p of the ratio, not a difference of logs: exact when T - t_x is small
    return np.log(a) - np.log(b + x - 1) + (r + x) * np.log1p((T - t_x) / (alpha + t_x))


def dot(left: np.ndarray, right: np.ndarray) -> float:
    """Inner product without BLAS, whose threads make short products of this kind twenty times slower."""
    return float(np.einsum("i,i->", left, right))


def likelihood_of(
    x: np.ndarray, t_x: np.ndarray, T: np.ndarray, weight: np.ndarray
) -> Callable[[np.ndarray], tuple[float, np.ndarray, np.ndarray]]:
    """The function of (r, alpha, a, b) that returns value, gradient (4) and Hessian (4 x 4)."""
    xs, code = np.unique(x, return_inverse=True)
    n_x = np.bincount(code, weights=weight)
    ages, code = np.unique(T, return_inverse=True)
    n_T = np.bincount(code, weights=weight)
    nx_T = np.bincount(code, weights=weight * x)
    n = weight.sum()

    repeat = x > 0
    rx, rt, rT, rw = x[repeat], t_x[repeat], T[repeat], weight[repeat]
    times, code = np.unique(np.concatenate([rt, rT]), return_inverse=True)
    at_last, at_end = code[: len(rt)], code[len(rt) :]
    _, x_code = np.unique(rx, return_inverse=True)
    distinct_rx = xs[xs > 0]

    def likelihood(parameters: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        r, alpha, a, b = parameters
        gradient, hessian = np.zeros(4), np.zeros((4, 4))

        # terms in x alone
        value = n_x @ (gammaln(r + xs) + gammaln(b + xs) - gammaln(a + b + xs))
        value += n * (gammaln(a + b) - gammaln(r) - gammaln(b) + r * np.log(alpha))
        trigamma_ab = n * polygamma(1, a + b) - n_x @ polygamma(1, a + b + xs)
        gradient[2] = n * psi(a + b) - n_x @ psi(a + b + xs)
        gradient[3] = gradient[2] + n_x @ psi(b + xs) - n * psi(b)
        hessian[2, 2] = hessian[2, 3] = trigamma_ab
        hessian[3, 3] = trigamma_ab + n_x @ polygamma(1, b + xs) - n * polygamma(1, b)
        gradient[0] = n_x @ psi(r + xs) - n * psi(r) + n * np.log(alpha)
        hessian[0, 0] = n_x @ polygamma(1, r + xs) - n * polygamma(1, r)

        # terms in T
        end = alpha + ages
        rate = r * n_T + nx_T
        value -= rate @ np.log(end)
        gradient[0] -= n_T @ np.log(end)
        gradient[1] = n * r / alpha - rate @ (1 / end)
        hessian[0, 1] = n / alpha - n_T @ (1 / end)
        hessian[1, 1] = -n * r / alpha**2 + rate @ (1 / end**2)

        # softplus(z) of those who bought again
        if len(rx):
            log_time, inverse = np.log(alpha + times), 1 / (alpha + times)
            d = log_time[at_end] - log_time[at_last]
            e = inverse[at_end] - inverse[at_last]
            f = inverse[at_last] ** 2 - inverse[at_end] ** 2
            g = 1 / (b + distinct_rx - 1)
            z = np.log(a) + np.log(g)[x_code] + (r + rx) * d
            g = g[x_code]
            value += dot(rw, np.logaddexp(0, z))
            gone = expit(z)
            u = rw * gone
            s = u * (1 - gone)
            z_alpha = (r + rx) * e
            slopes = (d, z_alpha, np.full_like(d, 1 / a), -g)
            gradient += [dot(u, slope) for slope in slopes]
            hessian[0, 1] += dot(u, e)
            hessian[1, 1] += dot(u, (r + rx) * f)
            hessian[2, 2] -= u.sum() / a**2
            hessian[3, 3] += dot(u, g * g)
            for i, slope in enumerate(slopes):
                weighted = slope * s
                for j in range(i, 4):
                    hessian[i, j] += dot(weighted, slopes[j])

        return float(value), gradient, np.triu(hessian) + np.triu(hessian, 1).T

    return likelihood
