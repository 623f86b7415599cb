"""How likely a difference as large would be if nothing had changed: two-sided p by the test that suits the form.

Every test takes the difference over its error *without* a change, so that shares and rates are pooled. Customers who are in
both waves make the two estimates hang together; their correlation ρ lowers the error by 2ρ·se₀·se₁ in each of them, which
is the paired form of the test: with everybody in both waves the t below is the paired t, the z of shares is McNemar's up to
the pooling.
"""

import math

import scipy

from crmtools.goals.detectable import Waves


def p_of_z(difference: float, error: float) -> float:
    """Two-sided p of a difference whose error is known; without an error any difference is certain."""
    if not error > 0:
        return 1.0 if difference == 0 else 0.0
    return float(2 * scipy.special.ndtr(-abs(difference) / error))


def p_of_shares(before: float, now: float, waves: Waves) -> float:
    """Score test of two shares (Pearson's χ² without correction); the waves' sizes are effective numbers of customers.

    Against a given value it is the score test of one share, which Wilson's interval inverts.
    """
    share = pooled(before, now, waves)
    return p_of_z(now - before, math.sqrt(max(share * (1 - share), 0.0)) * waves.error)


def p_of_rates(before: float, now: float, waves: Waves) -> float:
    """Score test of two Poisson rates (Ng, Gu & Tang 2007); the waves' sizes are effective exposures.

    Events that cluster in few customers are counted for less: the exposure is divided by the design effect (quasi-Poisson).
    """
    return p_of_z(now - before, math.sqrt(pooled(before, now, waves)) * waves.error)


def p_of_means(difference: float, waves: Waves, customers_before: int, customers_now: int) -> float:
    """Welch's t test; the waves' sizes are 1/se², and a given baseline leaves the t test of one mean.

    With customers in both waves the degrees of freedom are those of the smaller wave, n − 1, as in the paired t test.
    """
    if not waves.error > 0:
        return p_of_z(difference, 0.0)
    before, now = 1 / waves.before, 1 / waves.n
    if waves.correlation:
        degrees = min(customers_before, customers_now) - 1.0
    else:
        squares = now**2 / (customers_now - 1) + (before**2 / (customers_before - 1) if before else 0.0)
        degrees = (before + now) ** 2 / squares
    return float(2 * scipy.special.stdtr(degrees, -abs(difference) / waves.error))


def pooled(before: float, now: float, waves: Waves) -> float:
    """The value of both waves together; a given baseline is infinitely large and stays what it is."""
    part = waves.n / (waves.n + waves.before)
    return before + part * (now - before)
