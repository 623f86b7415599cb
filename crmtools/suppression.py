"""Who must not be shown: figures about few people, and those that would give them away."""

import math
from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from crmtools.estimate import Estimate
from crmtools.indicators.catalogue import CATALOGUE
from crmtools.indicators.kinds import Concentration

Floats = npt.NDArray[np.float64]
Bools = npt.NDArray[np.bool_]


def hidden_groups(sizes: Sequence[int], smallest: int) -> set[int]:
    """Which groups of a whole must be hidden, as positions in ``sizes``: those with fewer than ``smallest`` people.

    What is hidden can be worked out together by taking the rest from the total. So the next smallest groups are hidden too
    until there are at least two, with ``smallest`` people or more among them. Empty groups hide nobody.
    """
    by_size = sorted((size, place) for place, size in enumerate(sizes) if size)
    hide = [item for item in by_size if item[0] < smallest]
    rest = by_size[len(hide) :]
    while hide and rest and (len(hide) < 2 or sum(size for size, _ in hide) < smallest):
        hide.append(rest.pop(0))
    return {place for _, place in hide}


def hidden_cells(counts: Floats, smallest: int, hidden: Bools | None = None, *, columns: bool = True) -> Bools:
    """Which cells of a table of people must be hidden when the sums of its rows (and ``columns``) are known too.

    Cells with fewer than ``smallest`` people, and as many others of their row and column as :func:`hidden_groups` would hide,
    until no line gives any of them away. ``hidden`` marks cells that are hidden anyway.
    """
    full = counts > 0
    hide = full & (counts < smallest) if hidden is None else full & (hidden | (counts < smallest))
    while True:
        before = hide.copy()
        # both views write into the same array
        for numbers, hiding in [*zip(counts, hide), *(zip(counts.T, hide.T) if columns else ())]:
            rest = [place for place in np.argsort(numbers, kind="stable") if numbers[place] > 0 and not hiding[place]]
            while hiding.any() and rest and (hiding.sum() < 2 or numbers[hiding].sum() < smallest):
                hiding[rest.pop(0)] = True
        if (hide == before).all():
            return hide


def people(estimate: Estimate) -> int:
    """How many people a figure tells about: those counted, or of a concentration the few at the top."""
    item = CATALOGUE.get(estimate.indicator)
    if item is not None and isinstance(item.kind, Concentration):
        return math.ceil(item.kind.top * estimate.n)
    return estimate.n


def suppressed(found: Sequence[Estimate], smallest: int) -> list[Estimate]:
    """The groups of a whole, those hidden that must be."""
    hidden = hidden_groups([people(e) for e in found], smallest)
    return [e.hidden() if place in hidden else e for place, e in enumerate(found)]
