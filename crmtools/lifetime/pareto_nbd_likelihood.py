"""Log-likelihood of Pareto/NBD with exact gradient and Hessian, on weighted patterns, without a hypergeometric function.

For one customer with x repeat purchases, the last at age t_x, observed to age T (Schmittlein, Morrison & Colombo 1987; Fader &
Hardie 2005, "A Note on Deriving the Pareto/NBD Model")::

    l = lnG(r+x) - lnG(r) + r ln alpha + s ln beta + ln(A(T) + s F(t_x) - s F(T))
    A(t) = (alpha+t)^-(r+x) (beta+t)^-s                                     alive at t
    F(t) = integral from t on of (alpha+u)^-(r+x) (beta+u)^-(s+1) du        gone at some u after t

The integral ends at the longest age of all customers. What it has too much for a customer, s F(T), is less than A(T), so
that nothing cancels. A and F belong to pairs of x and a time, of which there are far fewer than patterns: each integral is
taken once, and its derivatives with it. Where the integrand f is taken as a density, the gradient of ln F is E[d ln f]
and its Hessian is E[d2 ln f] + Cov[d ln f].
"""

from typing import NamedTuple

import numpy as np

from crmtools.lifetime.beta_geo_likelihood import BLOCK, Rising
from crmtools.lifetime.grid import over_pairs
from crmtools.lifetime.newton import Likelihood
from crmtools.lifetime.quadrature import integral, panels

NAMES = ("r", "alpha", "s", "beta")
_PAIRS = 1024
"""Pairs at a time: with their nodes they fit the cache."""
_UPPER = np.triu_indices(4)


class Logs(NamedTuple):
    """Logarithms of functions of the parameters, one a row: with gradient (rows x 4) and Hessian (its ten cells x rows)."""

    value: np.ndarray
    gradient: np.ndarray
    hessian: np.ndarray


def likelihood_of(x: np.ndarray, t_x: np.ndarray, T: np.ndarray, weight: np.ndarray) -> Likelihood:
    """The function of (r, alpha, s, beta) that returns value, gradient (4) and Hessian (4 x 4)."""
    pair_x, pair_t, last, end = _pairs(x, t_x, T)
    counts, n_x = np.unique(x.astype(np.int64), return_inverse=True)
    n_x, n = np.bincount(n_x, weights=weight), float(weight.sum())
    blocks = [slice(begin, begin + BLOCK) for begin in range(0, len(x), BLOCK)]

    def likelihood(parameters: np.ndarray) -> tuple[float, np.ndarray, np.ndarray]:
        r, alpha, s, beta = parameters
        rates = Rising.of(r, counts)
        value = n_x @ rates.log + n * (r * np.log(alpha) + s * np.log(beta))
        gradient = np.array([n_x @ rates.first + n * np.log(alpha), n * r / alpha, n * np.log(beta), n * s / beta])
        hessian = np.diag([n_x @ rates.second, -n * r / alpha**2, 0.0, -n * s / beta**2])
        hessian[0, 1], hessian[2, 3] = n / alpha, n / beta
        hessian += np.triu(hessian, 1).T

        here, gone = _here(parameters, pair_x, pair_t), _gone(parameters, pair_x, pair_t)
        by_here, by_last, by_end = (np.empty(len(x)) for _ in range(3))
        for block in blocks:
            bl, be, w = last[block], end[block], weight[block]
            log_here, log_gone = here.value[be], gone.value[bl]
            top = np.maximum(log_here, log_gone)
            parts = np.exp([log_here - top, log_gone - top, gone.value[be] - top])
            total = parts[0] + parts[1] - parts[2]
            value += w @ (top + np.log(total))
            parts /= total
            by_here[block], by_last[block], by_end[block] = w * parts
            a, f, g = (part[:, None] for part in parts)
            slope = a * here.gradient[be] + f * gone.gradient[bl] - g * gone.gradient[be]
            hessian -= (slope * w[:, None]).T @ slope
        size = len(pair_x)
        weights = (
            np.bincount(end, weights=by_here, minlength=size),
            np.bincount(last, weights=by_last, minlength=size) - np.bincount(end, weights=by_end, minlength=size),
        )
        curvature = np.zeros((4, 4))
        for own, part in zip(weights, (here, gone)):
            gradient += own @ part.gradient
            hessian += (own[:, None] * part.gradient).T @ part.gradient
            curvature[_UPPER] += part.hessian @ own
        hessian += curvature + np.triu(curvature, 1).T
        return float(value), gradient, hessian

    return likelihood


def alive(parameters: np.ndarray, x: np.ndarray, t_x: np.ndarray, T: np.ndarray) -> np.ndarray:
    """P(alive at T | x, t_x, T): the share of A in the likelihood (Fader & Hardie 2005, eq. 21)."""
    pair_x, pair_t, last, end = _pairs(x, t_x, T)
    _, _, s, _ = parameters
    log_here = _log_here(parameters, pair_x, pair_t)[end]
    log_gone = _log_gone(parameters, pair_x, pair_t)
    odds = s * (np.exp(np.minimum(log_gone[last] - log_here, 700)) - np.exp(log_gone[end] - log_here))
    return 1 / (1 + np.maximum(odds, 0))


def _pairs(x: np.ndarray, t_x: np.ndarray, T: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    """Distinct pairs of x and a time, and the positions among them of (x, t_x) and of (x, T)."""
    pair_x, pair_t, position = over_pairs(np.tile(x, 2), np.concatenate([t_x, T]))
    return pair_x, pair_t, position[: len(x)], position[len(x) :]


def _log_here(parameters: np.ndarray, x: np.ndarray, t: np.ndarray) -> np.ndarray:
    """ln A."""
    r, alpha, s, beta = parameters
    return -(r + x) * np.log(alpha + t) - s * np.log(beta + t)


def _here(parameters: np.ndarray, x: np.ndarray, t: np.ndarray) -> Logs:
    """ln A with its derivatives."""
    r, alpha, s, beta = parameters
    shape, by_alpha, by_beta = r + x, 1 / (alpha + t), 1 / (beta + t)
    gradient = -np.stack([np.log(alpha + t), shape * by_alpha, np.log(beta + t), s * by_beta], axis=1)
    return Logs(_log_here(parameters, x, t), gradient, _curvature(shape, by_alpha, by_alpha**2, s, by_beta, by_beta**2))


def _curvature(
    a: np.ndarray,
    by_alpha: np.ndarray,
    square_alpha: np.ndarray,
    b: float,
    by_beta: np.ndarray,
    square_beta: np.ndarray,
) -> np.ndarray:
    """Hessian of -a ln(alpha+t) - b ln(beta+t), a = r + x and b = s or s + 1, from 1/(alpha+t), its square, and so on."""
    out = np.zeros((10, len(a)))
    out[1], out[4], out[8], out[9] = -by_alpha, a * square_alpha, -by_beta, b * square_beta
    return out


class _Integrand:
    """f from t on, over w = ln((m+u) / (m+t)) with m the smaller of alpha and beta, as a multiple of f(t) (m+t)."""

    def __init__(self, parameters: np.ndarray, x: np.ndarray, t: np.ndarray, end: float) -> None:
        r, alpha, s, beta = parameters
        self.alpha_is_near = bool(alpha <= beta)
        near_far = (alpha, beta) if self.alpha_is_near else (beta, alpha)
        powers: tuple[np.ndarray, np.ndarray] = (r + x, np.full(len(x), s + 1))
        self.near, self.far = (rate + t for rate in near_far)
        self.near_power, self.far_power = powers if self.alpha_is_near else powers[::-1]
        self.ratio, self.slope = self.near / self.far, 1 - self.near_power
        self.length = np.log1p((end - t) / self.near)
        self.log_scale = self.slope * np.log(self.near) - self.far_power * np.log(self.far)

    def parts(self, rows: np.ndarray, w: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
        """ln f; how often the nearer of alpha+u and beta+u is its value at t, and the farther; the logarithm of the latter."""
        nearer = np.exp(w)
        farther = (nearer - 1) * self.ratio[rows]
        farther += 1
        grown = np.log(farther)
        return self.slope[rows] * w - self.far_power[rows] * grown, nearer, farther, grown

    def __call__(self, rows: np.ndarray, w: np.ndarray) -> np.ndarray:
        return self.parts(rows, w)[0]


def _log_gone(parameters: np.ndarray, x: np.ndarray, t: np.ndarray) -> np.ndarray:
    """ln F; minus infinity at the end of time."""
    end, out = t.max(initial=0.0), np.empty(len(x))
    for begin in range(0, len(x), _PAIRS):
        own = slice(begin, begin + _PAIRS)
        f = _Integrand(parameters, x[own], t[own], end)
        out[own] = f.log_scale + _log(integral(f, f.length))
    return out


def _gone(parameters: np.ndarray, x: np.ndarray, t: np.ndarray) -> Logs:
    """ln sF with its derivatives."""
    r, alpha, s, beta = parameters
    end, log_scale, moments = t.max(initial=0.0), np.empty(len(x)), np.zeros((15, len(x)))
    for begin in range(0, len(x), _PAIRS):
        own = slice(begin, begin + _PAIRS)
        f = _Integrand(parameters, x[own], t[own], end)
        log_scale[own] = f.log_scale
        _add_moments(f, moments[:, own])
    size = moments[0]
    moments[1:] /= np.maximum(size, 1e-300)
    mean, product = moments[1:5], moments[5:]
    scale = np.array([np.ones(len(x)), r + x, np.ones(len(x)), np.full(len(x), s + 1)])
    rows, columns = _UPPER
    hessian = (product - mean[rows] * mean[columns]) * scale[rows] * scale[columns]
    hessian += _curvature(r + x, mean[1], product[4], s + 1, mean[3], product[9])
    hessian[7] -= 1 / s**2
    gradient = -scale * mean
    gradient[0] -= np.log(alpha + t)
    gradient[2] += 1 / s - np.log(beta + t)
    return Logs(log_scale + _log(size) + np.log(s), np.ascontiguousarray(gradient.T), hessian)


def _add_moments(f: _Integrand, moments: np.ndarray) -> None:
    """The integrals of f, of f times each of four functions of u, and of f times each of their ten products.

    The four are the logarithm by which alpha+u has grown since t, 1/(alpha+u), and the same for beta.
    """
    for rows, w, share in panels(f, f.length):
        log_f, nearer, farther, grown = f.parts(rows, w)
        share = share * np.exp(log_f)
        near, far = (w, 1 / (f.near[rows] * nearer)), (grown, 1 / (f.far[rows] * farther))
        seen = [*near, *far] if f.alpha_is_near else [*far, *near]
        weighted = [part * share for part in seen]
        sums = [share.sum(axis=0), *(part.sum(axis=0) for part in weighted)]
        sums += [np.einsum("np,np->p", weighted[i], seen[j]) for i, j in zip(*_UPPER)]
        moments[:, rows] += sums


def _log(size: np.ndarray) -> np.ndarray:
    """ln, minus infinity of nothing."""
    return np.log(size, out=np.full(len(size), -np.inf), where=size > 0)
