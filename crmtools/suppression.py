"""Who must not be shown: figures about few people, and those that would give them away."""

import math
from collections.abc import Sequence

from crmtools.estimate import Estimate
from crmtools.indicators.catalogue import CATALOGUE
from crmtools.indicators.kinds import Concentration


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
