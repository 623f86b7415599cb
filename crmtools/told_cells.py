"""What may be told of a table of people by two attributes, when its sums by one attribute may be told or not.

All that is told is sums of cells. A figure follows from others where its cells are a combination of theirs, so that what is kept from
a reader is a question of linear algebra: is it in the space that is spanned by what he sees?
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from crmtools.suppression import Bools, Floats, hidden_cells

SAME = 1e-7
"""What is left of a vector of ones and zeros, projected, that is taken for nothing."""


@dataclass(frozen=True, slots=True)
class ToldCells:
    """A table of which ``hidden`` cells are not told, and a basis of what is told of them by sums (shape: sums, hidden cells)."""

    hidden: Bools
    basis: Floats

    def tells(self, rows: Iterable[int], columns: Iterable[int]) -> bool:
        """Whether the sum of all cells in these rows and columns may be told: it follows from what is told anyway."""
        chosen = np.zeros(self.hidden.shape, dtype=bool)
        chosen[np.ix_([*rows], [*columns])] = True
        return bool(_follows(chosen[self.hidden][None].astype(float), self.basis).all())


def told_cells(
    counts: Floats, smallest: int, *, hidden_rows: Sequence[int] = (), hidden_columns: Sequence[int] = ()
) -> ToldCells:
    """Hide the cells of a table that would tell of fewer than ``smallest`` people, and those from which a hidden sum would follow.

    ``counts`` are people by row and column, ``hidden_rows`` and ``hidden_columns`` the lines whose sums are not told; the sum of all is.
    With every cell hidden nothing more can be: who knows besides which cells are empty may still learn one from sums of lines alone.
    """
    hidden = hidden_cells(counts, smallest)
    kept_rows, kept_columns = _marks(counts.shape[0], hidden_rows), _marks(counts.shape[1], hidden_columns)
    while True:
        basis = _basis(hidden, ~kept_rows, ~kept_columns)
        leaks = _leaks(counts, hidden, basis, smallest, kept_rows, kept_columns)
        shown: Bools = (counts > 0) & ~hidden
        if not leaks.any() or not shown.any():
            return ToldCells(hidden, basis)
        lines: Bools = np.logical_or.outer(leaks.any(axis=1), leaks.any(axis=0))
        near = next(cells for cells in (shown & leaks, shown & lines, shown) if cells.any())
        hidden = hidden_cells(counts, smallest, hidden | (near & (counts == counts[near].min())))


def _marks(size: int, places: Sequence[int]) -> Bools:
    marks = np.zeros(size, dtype=bool)
    marks[[*places]] = True
    return marks


def _basis(hidden: Bools, rows: Bools, columns: Bools) -> Floats:
    """An orthonormal basis of the sums that are told, as combinations of the hidden cells."""
    of_rows, of_columns = np.nonzero(hidden)
    told = np.vstack(
        [
            of_rows[None] == np.flatnonzero(rows)[:, None],
            of_columns[None] == np.flatnonzero(columns)[:, None],
            np.ones((1, len(of_rows)), dtype=bool),
        ]
    ).astype(float)
    if not told.shape[1]:
        return np.zeros((0, 0))
    _, sizes, vectors = np.linalg.svd(told, full_matrices=False)
    basis: Floats = vectors[sizes > SAME * max(told.shape)]
    return basis


def _follows(wanted: Floats, basis: Floats) -> Bools:
    """Which of some sums follow from those that are told."""
    if not wanted.shape[1]:
        return np.ones(len(wanted), dtype=bool)
    left = wanted - (wanted @ basis.T) @ basis
    follows: Bools = np.abs(left).max(axis=1) < SAME
    return follows


def _leaks(counts: Floats, hidden: Bools, basis: Floats, smallest: int, kept_rows: Bools, kept_columns: Bools) -> Bools:
    """The cells of everything that follows and must not: small cells, and lines whose sum is kept."""
    leaks = np.zeros_like(hidden)
    targets = [_cell(hidden.shape, row, column) for row, column in np.argwhere(hidden & (counts < smallest))]
    targets += [_cell(hidden.shape, row, slice(None)) & (counts > 0) for row in np.flatnonzero(kept_rows)]
    targets += [_cell(hidden.shape, slice(None), column) & (counts > 0) for column in np.flatnonzero(kept_columns)]
    if targets:
        wanted = np.array([target[hidden] for target in targets], dtype=float)
        for target, follows in zip(targets, _follows(wanted, basis), strict=True):
            if follows:
                leaks |= target
    return leaks


def _cell(shape: tuple[int, ...], row: np.signedinteger | slice, column: np.signedinteger | slice) -> Bools:
    marks = np.zeros(shape, dtype=bool)
    marks[row, column] = True
    return marks
