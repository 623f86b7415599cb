"""Expected purchases of BG/NBD as an integral over the chance of leaving, for where the hypergeometric form fails.

Given lambda and p the expectation is (1 - exp(-lambda p t)) / p (FHL 2005, eq. 7). Over lambda ~ Gamma(s, c) that is
g(p) = (1 - (1 + p t/c)^-s) / p, positive and smooth, and what is left to take is its mean over p ~ Beta(a, b): nothing is
singular at a = 1 or a + b = 1, and little cancels whatever the parameters.
"""

import numpy as np
from scipy.special import betaln, expit, log_expit

_STEP = 0.25
"""In the log odds of p: analytic within pi of the real line, the trapezoidal rule errs by exp(-2 pi^2 / step)."""
_FALL = 42.0
"""Powers of e below its peak at which the integrand is left out."""
_BLOCK = 1_000_000


def mean_over_leaving(a: float, b: np.ndarray, s: np.ndarray, growth: np.ndarray) -> np.ndarray:
    """E[(1 - (1 + p growth)^-s) / p] for p ~ Beta(a, b), elementwise; growth is t/c."""
    # an exponent below one half would need a very long grid; there g is compared with its value at that end of p
    ends = np.stack([np.full(len(b), a < 0.5), b < 0.5])
    A, B = a + ends[0], b + ends[1]
    middle, spread = np.log(A / B), np.sqrt(1 / A + 1 / B)
    # exp(A u) and exp(-B u) far out, double exponential next to a peak near an end
    low = middle - _FALL / A - np.log1p(_FALL / B) - 2
    high = middle + _FALL / B + np.log1p(_FALL / A) + 2
    nodes = int(np.ceil(((high - low) / np.minimum(_STEP, spread / 2)).max(initial=1))) + 1
    out, rows = np.empty(len(b)), max(1, _BLOCK // nodes)
    for begin in range(0, len(b), rows):
        own = slice(begin, begin + rows)
        odds = np.linspace(low[own], high[own], nodes, axis=1)
        out[own] = _trapezoid(a, b[own, None], s[own, None], growth[own, None], ends[:, own, None], odds)
    return out


def _trapezoid(
    a: float, b: np.ndarray, s: np.ndarray, growth: np.ndarray, ends: np.ndarray, odds: np.ndarray
) -> np.ndarray:
    left, right = ends
    p, stay = expit(odds), expit(-odds)
    at_zero, at_one = s * growth, -np.expm1(-s * np.log1p(growth))
    known = left * at_zero * stay + right * at_one * p
    g = -np.expm1(-s * np.log1p(p * growth)) / np.maximum(p, 1e-300)
    density = np.exp(a * log_expit(odds) + b * log_expit(-odds) - betaln(a, b))
    rest = (density * (g - known)).sum(axis=1) * (odds[:, 1] - odds[:, 0])
    return rest + ((left * at_zero * b + right * at_one * a) / (a + b))[:, 0]
