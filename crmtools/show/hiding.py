"""Which groups of a table are too small to be shown, by the rule that breakdowns follow."""

from collections.abc import Mapping
from typing import TypeVar

from crmtools.suppression import hidden_groups

Group = TypeVar("Group")


def small_ones(counts: Mapping[Group, int], smallest: int) -> set[Group]:
    """The groups, by name, that :func:`crmtools.suppression.hidden_groups` hides: small ones, and what would give them away."""
    groups = list(counts)
    return {groups[place] for place in hidden_groups([counts[group] for group in groups], smallest)}
