"""Who must not be shown: figures about few people, and those that would give them away."""

import math
from collections.abc import Mapping, Sequence
from typing import TypeVar

import numpy as np
import numpy.typing as npt

from crmtools.estimate import Estimate
from crmtools.indicators.catalogue import CATALOGUE
from crmtools.indicators.kinds import Concentration

Group = TypeVar("Group")
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


def small_ones(counts: Mapping[Group, int], smallest: int) -> set[Group]:
    """The groups, by name, that :func:`hidden_groups` hides: small ones, and what would give them away."""
    groups = list(counts)
    return {groups[place] for place in hidden_groups([counts[group] for group in groups], smallest)}


def hidden_cells(counts: Floats, smallest: int, hidden: Bools | None = None, *, columns: bool = True) -> Bools:
    """Which cells of a table of people must be hidden when the sums of its rows (and ``columns``) are known too.

    Cells with fewer than ``smallest`` people, and as many others of their row and column as :func:`hidden_groups` would hide,
    until no line gives any of them away; where columns are known, nor all lines together. ``hidden`` marks cells that are hidden
    anyway. With rows and columns changing places the same cells are hidden: two books may tell one table both ways, and what
    either hides must not stand in the other.
    """
    full = counts > 0
    hide = full & (counts < smallest) if hidden is None else full & (hidden | (counts < smallest))
    while True:
        before = hide.copy()
        # both views write into the same array, and all lines are judged by what was hidden before
        views = [(counts, before, hide), *([(counts.T, before.T, hide.T)] if columns else [])]
        for numbers, hidden_so_far, hiding in (line for view in views for line in zip(*view, strict=True)):
            hiding[_beside(numbers, hidden_so_far, smallest)] = True
        if columns and (hide == before).all():
            hide |= _beside_known(counts, hide, smallest)
        if (hide == before).all():
            return hide


def _beside(numbers: Floats, hidden: Bools, smallest: int) -> list[int]:
    """What must be hidden in a line of a table besides what is: the next smallest, as in :func:`hidden_groups`."""
    if not hidden.any():
        return []
    rest = [int(place) for place in np.argsort(numbers, kind="stable") if numbers[place] > 0 and not hidden[place]]
    count, size, more = int(hidden.sum()), float(numbers[hidden].sum()), list[int]()
    while rest and (count < 2 or size < smallest):
        place = rest.pop(0)
        more.append(place)
        count, size = count + 1, size + float(numbers[place])
    return more


def _beside_known(counts: Floats, hide: Bools, smallest: int) -> Bools:
    """Cells to be hidden because the sums of all lines together tell a hidden cell of few people, though no line alone does.

    Hidden cells join the lines that they stand in. One without which its row and its column do not hang together follows from the
    sums of one side. The smallest cells that join both sides again keep it, where there are any.
    """
    more = np.zeros_like(hide)
    for row, column in np.argwhere(hide & (counts < smallest)):
        others = hide.copy()
        others[row, column] = False
        rows, columns = _joined(others, row=row)
        if columns[column]:
            continue
        rows_beyond, columns_beyond = _joined(others, column=column)
        joins = (counts > 0) & ~hide & (np.outer(rows, columns_beyond) | np.outer(rows_beyond, columns))
        if joins.any():
            more |= joins & (counts == counts[joins].min())
            continue
        for size in np.unique(counts[(counts > 0) & ~hide]):  # over lines in which nothing is hidden so far
            joins = (counts > 0) & ~hide & (counts <= size)
            if _joined(others | joins, row=row)[1][column]:
                more |= joins
                break
    return more


def _joined(cells: Bools, *, row: int | None = None, column: int | None = None) -> tuple[Bools, Bools]:
    """The rows and the columns that hang together with a line through cells."""
    rows, columns = np.zeros(cells.shape[0], dtype=bool), np.zeros(cells.shape[1], dtype=bool)
    if row is not None:
        rows[row] = True
    if column is not None:
        columns[column] = True
    while True:
        more_columns = columns | cells[rows].any(axis=0)
        more_rows = rows | cells[:, more_columns].any(axis=1)
        if (more_rows == rows).all() and (more_columns == columns).all():
            return rows, columns
        rows, columns = more_rows, more_columns


def people(estimate: Estimate) -> int:
    """How many people a figure tells about: those counted, or of a concentration the few at the top."""
    item = CATALOGUE.get(estimate.indicator)
    if item is not None and isinstance(item.kind, Concentration):
        return math.ceil(item.kind.top * estimate.n)
    return estimate.n
