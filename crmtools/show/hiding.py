"""Which groups are too small to be shown, by the rule that breakdowns follow."""

from collections.abc import Mapping
from typing import TypeVar

Group = TypeVar("Group")


def small_ones(counts: Mapping[Group, int], smallest: int) -> set[Group]:
    """The groups with fewer than ``smallest`` customers; empty ones are no secret.

    If that is a single one, the next larger is hidden too: the one could be worked out from the total.
    """
    by_size = sorted((group for group in counts if counts[group]), key=lambda group: counts[group])
    hidden = [group for group in by_size if counts[group] < smallest]
    if len(hidden) == 1 and len(by_size) > 1:
        hidden.append(by_size[1])
    return set(hidden)
