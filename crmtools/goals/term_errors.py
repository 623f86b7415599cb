"""Intervals of the terms of a change, over customers.

A customer is there at both moments, so all that belongs to one, then and now, in whatever segment, is drawn together. Two ways:
resampling, where the customers are few enough to be fetched, and above that linearisation, which needs from the engine
only the products of sums within customers, added up over them. Both take the segments to be given and the number of
customers to be chance.
"""

import zlib
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy

from crmtools import intervals
from crmtools.goals.kitagawa import TOTALS, W0, W1, Numbers, States, halves, terms
from crmtools.intervals import BOOTSTRAP_DRAWS, USABLE_DRAWS, Floats

MIX, RATE, CHANGE = (TOTALS.index(name) for name in ("mix", "rate", "change"))
STEP = 1e-20
"""A step so small that its square is lost beside 1, and with it the error of the derivative (Squire & Trapp 1998)."""


@dataclass(frozen=True, slots=True)
class Errors:
    """Standard error and limits of every term, in the order of :func:`crmtools.goals.kitagawa.terms`; shape (3K + 5,)."""

    se: Floats
    low: Floats
    high: Floats
    method: str


def bootstrap(units: Floats, states: States, *, level: float) -> Errors | None:
    """Intervals from resampling customers: t around rate terms and the change, percentiles for the others.

    A rate term is nearly a difference of means, whose percentiles are too narrow where tails are heavy (with 300 customers they
    cover 92 to 93 % instead of 95 %, t with the resamples' error 96 %). A mix term is a product of two differences and skewed:
    there percentiles do one or two points better than t.

    ``units`` has one row per customer and 4·K columns: numerators and denominators of K segments then, and now. None where more
    than one resample in twenty loses a segment that is there: its terms would then be of another kind.
    """
    n, columns = units.shape
    digits = np.column_stack([intervals.settled(column) for column in units.T])
    order = np.lexsort(digits.T)
    units = units[order]
    # from the numbers alone, so that neither the rows' order nor the currency moves the interval
    draws = np.random.default_rng(zlib.crc32(digits[order].tobytes()))
    sums = intervals.resampled(units, draws).reshape(BOOTSTRAP_DRAWS, 4, columns // 4)
    lost = ((sums[:, W0] <= 0) & ~states.enters) | ((sums[:, W1] <= 0) & ~states.leaves)
    drawn_terms = np.asarray(terms(sums[~lost.any(axis=1)], states), float)
    if len(drawn_terms) < USABLE_DRAWS * BOOTSTRAP_DRAWS:
        return None
    low, high = np.quantile(drawn_terms, [(1 - level) / 2, (1 + level) / 2], axis=0)
    se, size = drawn_terms.std(axis=0, ddof=1), columns // 4
    value = np.asarray(terms(units.sum(axis=0).reshape(4, size), states), float)
    half = float(scipy.special.stdtrit(max(n - 1, 1), 0.5 + level / 2)) * se
    straight = np.isin(np.arange(len(se)), [*range(size, 2 * size), 3 * size + RATE, 3 * size + CHANGE])
    return Errors(se, np.where(straight, value - half, low), np.where(straight, value + half, high), "resampled")


def gradient(function: Callable[[Numbers, States], Numbers], sums: Floats, states: States) -> Floats:
    """The derivatives of what a function says by every sum, exact to rounding; one row for each answer, 4·K columns."""
    size = sums.size
    # relative to each sum's own size: money is in millions, a share's cases are a handful
    steps = np.where(sums.ravel() == 0, 1.0, np.abs(sums.ravel())) * STEP
    moved = np.broadcast_to(sums.astype(complex), (size, *sums.shape)).copy()
    moved.reshape(size, size)[np.diag_indices(size)] += 1j * steps
    return np.asarray((np.imag(function(moved, states)) / steps[:, None]).T, float)


def delta(sums: Floats, products: Floats, states: States, *, n: int, level: float) -> Errors:
    """Normal intervals by linearisation.

    ``sums`` has the shape (4, K), ``products`` the shape (4·K, 4·K): Σ x·xᵀ over customers, x being a customer's row of sums.
    A term does not change when all customers are doubled, so that its influences g·x add up to 0 and its variance is
    n/(n−1)·gᵀ(Σ x·xᵀ)g; for one ratio it is that of :func:`crmtools.intervals.linearised_variance`. A mix term where nothing
    changed is nearly nothing times nothing and has hardly a slope: what the product of both errors adds is added
    (Goodman 1960; for sums of products by Isserlis 1918).
    """
    covariance, size = n / (n - 1) * products, sums.shape[1]
    slopes = gradient(terms, sums, states)
    variance = np.einsum("ti,ij,tj->t", slopes, covariance, slopes)
    part, above = (gradient(lambda x, s, side=side: halves(x, s)[side], sums, states) for side in (0, 1))  # type: ignore[misc]
    of_parts, of_above, both = (a @ covariance @ b.T for a, b in ((part, part), (above, above), (part, above)))
    curved = of_parts * of_above + both * both.T
    variance[:size] += np.diag(curved)
    variance[3 * size + MIX] += curved.sum()
    se = np.sqrt(np.maximum(variance, 0.0))
    value, half = np.asarray(terms(sums, states), float), intervals.z_of(level) * se
    return Errors(se, value - half, value + half, "delta")
