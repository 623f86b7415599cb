"""Migration: in which segment the members of each segment are found at a later date."""

from dataclasses import dataclass
from datetime import date

import numpy as np
import pandas as pd

from crmtools.errors import SettingsError
from crmtools.rfm.scores import SEGMENTS, Rfm
from crmtools.shown import Shown
from crmtools.suppression import hidden_cells, hidden_groups

UNSEEN, QUIET = "not_yet", "no_longer"
"""Customers who are scored at the later date only, and those who are scored at the earlier one only."""


@dataclass(frozen=True, slots=True, eq=False)
class Moves(Shown):
    """Customers by segment at the earlier date (rows, and UNSEEN) and at the later one (columns, and QUIET)."""

    counts: pd.DataFrame
    earlier: date
    later: date

    def row(self, segment: str) -> dict[str, int]:
        """Where the customers of a segment went, by segment."""
        return {str(name): int(count) for name, count in self.counts.loc[segment].to_dict().items()}

    def hidden(self, smallest: int, *, totals_known: bool) -> set[tuple[str, str]]:
        """Which cells must not be shown where the sum of every row is known, and with ``totals_known`` of every column."""
        numbers = self.counts.to_numpy(float)
        cells = np.zeros(numbers.shape, dtype=bool)
        cells[sorted(hidden_groups([int(n) for n in numbers.sum(axis=1)], smallest))] = True
        if totals_known:
            cells[:, sorted(hidden_groups([int(n) for n in numbers.sum(axis=0)], smallest))] = True
        found = hidden_cells(numbers, smallest, cells, columns=totals_known)
        return {(str(self.counts.index[i]), str(self.counts.columns[j])) for i, j in np.argwhere(found)}

    def flow(self, origins: tuple[str, ...], ends: tuple[str, ...]) -> dict[tuple[str, str], int]:
        """How many of the members of some segments are in some others later, cell by cell."""
        return {(origin, end): self.row(origin)[end] for origin in origins for end in ends}


def moves(earlier: Rfm, later: Rfm) -> Moves:
    """Where the customers of each segment went.

    Both must be cut at the same points (``rfm(…, like=earlier)``): else customers would move because others bought.
    """
    if not earlier.as_of < later.as_of:
        raise SettingsError(
            f"Moves lead from an earlier date to a later one, not from {earlier.as_of} to {later.as_of}."
        )
    if not earlier.thresholds.equals(later.thresholds):
        raise SettingsError("The two dates are cut at different points: score the later one with like=earlier.")
    both = pd.DataFrame({"from": earlier.frame["segment"], "to": later.frame["segment"]})
    table = pd.crosstab(both["from"].fillna(UNSEEN), both["to"].fillna(QUIET))
    table = table.reindex(index=[*SEGMENTS, UNSEEN], columns=[*SEGMENTS, QUIET], fill_value=0)
    return Moves(table.astype("int64"), earlier.as_of, later.as_of)
