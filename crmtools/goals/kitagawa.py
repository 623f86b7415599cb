"""The arithmetic of a change: how much is rate, how much is mix, and what entered or left.

A total R = Σ s_k·r_k over segments k, with r_k = v_k / w_k and s_k = w_k / Σw, changes between two moments by

* rate_k = ½(s_k0 + s_k1)·(r_k1 − r_k0): the segment itself became better or worse,
* mix_k = (s_k1 − s_k0)·(½(r_k0 + r_k1) − C): it became a larger or smaller part,
* entered_k = s_k1·(r_k1 − C) and left_k = −s_k0·(r_k0 − C): it is there at one moment only and has no change of its own,

which add up to R1 − R0 whatever C is, because Σ(s_k1 − s_k0) = 0 (Kitagawa 1955, the symmetric form). C = ½(R0 + R1) makes a
mix term positive where a segment above the average grew, or one below it shrank.
"""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Numbers = npt.NDArray[np.float64] | npt.NDArray[np.complex128]
"""Complex numbers come from the derivatives, which are taken by a step into the imaginary."""
Mask = npt.NDArray[np.bool_]
V0, W0, V1, W1 = range(4)
"""The rows of the sums: numerators and denominators, then and now."""
TOTALS = ("mix", "rate", "entered", "left", "change")
"""What follows the segments' own terms in :func:`terms`."""


@dataclass(frozen=True, slots=True)
class States:
    """Which segments are there at both moments, which only now, which only then; each of shape (K,)."""

    stays: Mask
    enters: Mask
    leaves: Mask

    @classmethod
    def of(cls, sums: Numbers) -> "States":
        """From sums of shape (4, K): a segment is there where its denominator is above zero."""
        then, now = np.real(sums[W0]) > 0, np.real(sums[W1]) > 0
        return cls(then & now, now & ~then, then & ~now)


def shares(sums: Numbers) -> tuple[Numbers, Numbers]:
    """The segments' parts of the denominator, then and now; shape (..., K)."""
    then, now = sums[..., W0, :], sums[..., W1, :]
    return then / then.sum(axis=-1, keepdims=True), now / now.sum(axis=-1, keepdims=True)


def rates(sums: Numbers) -> tuple[Numbers, Numbers]:
    """The segments' values then and now; 0 where the denominator is 0; shape (..., K)."""
    then, now = (
        sums[..., v, :] / np.where(sums[..., w, :] == 0, 1.0, sums[..., w, :]) for v, w in ((V0, W0), (V1, W1))
    )
    return then, now


def totals(sums: Numbers) -> tuple[Numbers, Numbers]:
    """The values over all segments, then and now; shape (...)."""
    added = sums.sum(axis=-1)
    return added[..., V0] / added[..., W0], added[..., V1] / added[..., W1]


def halves(sums: Numbers, states: States) -> tuple[Numbers, Numbers]:
    """What a mix term is the product of: how much larger a part became, and how far it lies above C; each of shape (..., K)."""
    (s0, s1), (r0, r1), (before, after) = shares(sums), rates(sums), totals(sums)
    above = (r0 + r1) / 2 - ((before + after) / 2)[..., None]
    return np.where(states.stays, s1 - s0, 0.0), np.where(states.stays, above, 0.0)


def terms(sums: Numbers, states: States) -> Numbers:
    """Every term of the change from R0 to R1.

    ``sums`` has the shape (..., 4, K): numerators and denominators of K segments, then and now. The answer has the shape
    (..., 3K + 5): K mix terms, K rate terms, K terms of what entered or left, and the sums named in ``TOTALS``. What does not
    apply to a segment is 0.
    """
    s0, s1 = shares(sums)
    r0, r1 = rates(sums)
    before, after = totals(sums)
    centre = ((before + after) / 2)[..., None]
    mix = np.prod(halves(sums, states), axis=0)
    rate = np.where(states.stays, (s0 + s1) / 2 * (r1 - r0), 0.0)
    entered = np.where(states.enters, s1 * (r1 - centre), 0.0)
    left = np.where(states.leaves, -s0 * (r0 - centre), 0.0)
    added = [part.sum(axis=-1) for part in (mix, rate, entered, left)]
    return np.concatenate([mix, rate, entered + left, np.stack([*added, after - before], axis=-1)], axis=-1)
