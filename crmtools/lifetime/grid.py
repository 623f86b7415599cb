"""Ages as whole numbers: equal histories found with one sort, and tables over times instead of logarithms of every row.

Ages in data are whole days (or weeks, or hours), given in any unit. Where that step can be seen, an age is a position on
the grid of its multiples; otherwise its rank among the ages there are.
"""

import numpy as np

from crmtools.errors import SettingsError

_STEPS = (1.0, 7.0, 365.25 / 12, 24.0)
"""Steps to a unit that are tried: of the unit itself, days to a week or a month, hours to a day."""
_BLOCK = 16_384
_MOST_CELLS = 4_000_000
"""Grids up to this size are looked up in a table rather than sorted."""


def coded(*columns: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """Values that are not negative, as positions in one ascending array of them: that array, and the positions."""
    top = max((float(column.max()) for column in columns if len(column)), default=0.0)
    for step in _STEPS:
        if top * step < _MOST_CELLS and (codes := _on_grid(columns, step)):
            return np.arange(int(max(code.max(initial=0) for code in codes)) + 1) / step, codes
    levels, code = np.unique(np.concatenate(columns), return_inverse=True)
    return levels, np.split(code, np.cumsum([len(column) for column in columns])[:-1])


def _on_grid(columns: tuple[np.ndarray, ...], step: float) -> list[np.ndarray] | None:
    """The columns in whole steps, or None when a value is not a whole number of them."""
    codes = []
    for column in columns:
        code = np.empty(len(column), np.int64)
        for begin in range(0, len(column), _BLOCK):
            scaled = column[begin : begin + _BLOCK] * step
            whole = np.rint(scaled)
            code[begin : begin + _BLOCK] = whole
            scaled -= whole
            if max(scaled.max(), -scaled.min()) > 1e-7:
                return None
        codes.append(code)
    return codes


def unique_rows(*columns: np.ndarray) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Distinct rows of columns that are not negative, as (columns, position of each row among them, counts)."""
    key, levels = _keys(columns)
    keys, position, counts = np.unique(key, return_inverse=True, return_counts=True)
    return _rows(keys, levels), position, counts


def count_distinct(*columns: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """Distinct rows and their counts: seven times as fast as with the positions."""
    key, levels = _keys(columns)
    key.sort()
    first = np.flatnonzero(np.diff(key, prepend=-1))
    return _rows(key[first], levels), np.diff(first, append=len(key))


def over_pairs(left: np.ndarray, right: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Distinct pairs, and the position of every row's pair among them; without sorting where the grid is small."""
    key, levels = _keys((left, right))
    cells = int(np.prod([len(level) for level in levels]))
    if cells > _MOST_CELLS:
        keys, position = np.unique(key, return_inverse=True)
    else:
        there = np.zeros(cells, bool)
        there[key] = True
        keys = np.flatnonzero(there)
        place = np.zeros(cells, np.int32)
        place[keys] = np.arange(len(keys), dtype=np.int32)
        position = place[key]
    x, T = _rows(keys, levels)
    return x, T, position


def _keys(columns: tuple[np.ndarray, ...]) -> tuple[np.ndarray, list[np.ndarray]]:
    """One whole number per row, and the levels of every column that it is made of."""
    key, levels, size = np.zeros(len(columns[0]), np.int64), [], 1
    for column in columns:
        values, (code,) = coded(column)
        size *= max(len(values), 1)
        if size >= 2**62:
            raise SettingsError("The histories are too different from each other to be told apart by one number.")
        key *= max(len(values), 1)
        key += code
        levels.append(values)
    return key, levels


def _rows(keys: np.ndarray, levels: list[np.ndarray]) -> list[np.ndarray]:
    out = []
    for values in reversed(levels):
        keys, code = np.divmod(keys, max(len(values), 1))
        out.append(values[code] if len(values) else values)
    return out[::-1]
