"""Intervals of the terms of a change, over customers.

A customer is there at both moments, so all that belongs to one, then and now, in whatever segment, is drawn together. Two ways:
resampling, where the customers are few enough to be fetched, and above that linearisation, which needs from the engine
only the products of sums within customers, added up over them. Both take the segments to be given and the number of
customers to be chance.
"""

import zlib
from dataclasses import dataclass

import numpy as np

from crmtools import intervals
from crmtools.goals.kitagawa import W0, W1, States, terms
from crmtools.intervals import BOOTSTRAP_DRAWS, USABLE_DRAWS, Floats

AT_ONCE = 4_000_000
"""Numbers of a block of resamples: 32 MB."""
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
    """Percentile intervals from resampling customers.

    ``units`` has one row per customer and 4·K columns: numerators and denominators of K segments then, and now. None where more
    than one resample in twenty loses a segment that is there: its terms would then be of another kind.
    """
    n, columns = units.shape
    digits = np.column_stack([intervals.settled(column) for column in units.T])
    order = np.lexsort(digits.T)
    units = units[order]
    # from the numbers alone, so that neither the rows' order nor the currency moves the interval
    draws = np.random.default_rng(zlib.crc32(digits[order].tobytes()))
    block, found = max(1, AT_ONCE // n), list[Floats]()
    for first in range(0, BOOTSTRAP_DRAWS, block):
        size = min(block, BOOTSTRAP_DRAWS - first)
        drawn = draws.integers(0, n, (size, n)) + np.arange(size)[:, None] * n
        counts = np.bincount(drawn.ravel(), minlength=size * n).reshape(size, n).astype(float)
        sums = (counts @ units).reshape(size, 4, columns // 4)
        lost = ((sums[:, W0] <= 0) & ~states.enters) | ((sums[:, W1] <= 0) & ~states.leaves)
        found.append(np.asarray(terms(sums[~lost.any(axis=1)], states), float))
    drawn_terms = np.concatenate(found)
    if len(drawn_terms) < USABLE_DRAWS * BOOTSTRAP_DRAWS:
        return None
    low, high = np.quantile(drawn_terms, [(1 - level) / 2, (1 + level) / 2], axis=0)
    return Errors(drawn_terms.std(axis=0, ddof=1), low, high, "bootstrap")


def gradient(sums: Floats, states: States) -> Floats:
    """The derivatives of every term by every sum, exact to rounding; shape (3K + 5, 4·K)."""
    size = sums.size
    # relative to each sum's own size: money is in millions, a share's cases are a handful
    steps = np.where(sums.ravel() == 0, 1.0, np.abs(sums.ravel())) * STEP
    moved = np.broadcast_to(sums.astype(complex), (size, *sums.shape)).copy()
    moved.reshape(size, size)[np.diag_indices(size)] += 1j * steps
    return np.asarray((np.imag(terms(moved, states)) / steps[:, None]).T, float)


def delta(sums: Floats, products: Floats, states: States, *, n: int, level: float) -> Errors:
    """Normal intervals by linearisation.

    ``sums`` has the shape (4, K), ``products`` the shape (4·K, 4·K): Σ x·xᵀ over customers, x being a customer's row of sums.
    A term does not change when all customers are doubled, so that its influences g·x add up to 0 and its variance is
    n/(n−1)·gᵀ(Σ x·xᵀ)g; for one ratio it is that of :func:`crmtools.intervals.linearised_variance`.
    """
    slopes = gradient(sums, states)
    squares = np.maximum(np.einsum("ti,ij,tj->t", slopes, products, slopes), 0.0)
    se = np.sqrt(n / (n - 1) * squares)
    value, half = np.asarray(terms(sums, states), float), intervals.z_of(level) * se
    return Errors(se, value - half, value + half, "delta")
