"""Ages as whole numbers: equal histories found with one sort, and tables over times instead of logarithms of every row.

Ages in data are whole days (or weeks, or hours), given in any unit. Where that step can be seen, an age is a position on
the grid of its multiples; otherwise its rank among the ages there are.
"""

from math import prod

import numpy as np

from crmtools.errors import SettingsError

_STEPS = (1.0, 7.0, 365.25 / 12, 24.0)
"""Steps to a unit that are tried: of the unit itself, days to a week or a month, hours to a day."""
_BLOCK = 16_384
_MOST_CELLS = 4_000_000
"""Grids up to this size are looked up in a table rather than sorted."""


def coded(*columns: np.ndarray) -> tuple[np.ndarray, list[np.ndarray]]:
    """Values that are not negative, as positions in one ascending array of them: that array, and the positions."""
    top = _top(*columns)
    for step in _STEPS:
        if top * step < _MOST_CELLS:
            codes = np.split(np.empty(sum(map(len, columns)), np.int64), _ends(columns))
            if all(_append(code, column, step, 0) for code, column in zip(codes, columns, strict=True)):
                return _multiples(top, step), codes
    levels, code = np.unique(np.concatenate(columns), return_inverse=True)
    return levels, np.split(code, _ends(columns))


def _ends(columns: tuple[np.ndarray, ...]) -> np.ndarray:
    """Where columns that lie one behind another end, but for the last."""
    return np.cumsum([len(column) for column in columns])[:-1]


def _top(*columns: np.ndarray) -> float:
    return max((float(column.max()) for column in columns if len(column)), default=0.0)


def _multiples(top: float, step: float) -> np.ndarray:
    return np.arange(round(top * step) + 1) / step


def _append(key: np.ndarray, column: np.ndarray, step: float, size: int) -> bool:
    """Key times size plus the column in whole steps, in place; False, and the key spoilt, where a value is no such number.

    Size 0: nothing is in the key yet.
    """
    for begin in range(0, len(column), _BLOCK):
        block = slice(begin, begin + _BLOCK)
        scaled = column[block] * step
        whole = np.rint(scaled)
        scaled -= whole
        if max(scaled.max(), -scaled.min()) > 1e-7:
            return False
        if size:
            key[block] *= size
            key[block] += whole.astype(key.dtype)
        else:
            key[block] = whole
    return True


def unique_rows(*columns: np.ndarray) -> tuple[list[np.ndarray], np.ndarray, np.ndarray]:
    """Distinct rows of columns that are not negative, as (columns, position of each row among them, counts)."""
    key, levels = _keys(columns)
    keys, position, counts = np.unique(key, return_inverse=True, return_counts=True)
    return _rows(keys, levels), position, counts


def count_distinct(*columns: np.ndarray) -> tuple[list[np.ndarray], np.ndarray]:
    """Distinct rows and their counts, all floats: far faster than with the positions."""
    key, levels = _keys(columns)
    key.sort()
    changes = np.ones(len(key), bool)
    np.not_equal(key[1:], key[:-1], out=changes[1:])
    first = np.flatnonzero(changes)
    # in one piece, which the system hands out in large pages
    *rows, counts = np.empty((len(columns) + 1, len(first)))
    for begin in range(0, len(first), _BLOCK):
        block = slice(begin, begin + _BLOCK)
        for row, values in zip(rows, _rows(key[first[block]], levels), strict=True):
            row[block] = values
    np.subtract(first[1:], first[:-1], out=counts[:-1])
    counts[-1:] = len(key) - first[-1:]
    return rows, counts


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
    tops = [_top(column) for column in columns]
    steps = [_step(column, top) for column, top in zip(columns, tops, strict=True)]
    if all(steps):
        levels = [_multiples(top, step) for top, step in zip(tops, steps, strict=True)]
        key = _empty_key(len(columns[0]), levels)
        sizes = [0, *(len(values) for values in levels[1:])]
        if all(_append(key, *part) for part in zip(columns, steps, sizes, strict=True)):
            return key, levels
    codes = [coded(column) for column in columns]
    levels = [values for values, _ in codes]
    key = _empty_key(len(columns[0]), levels)
    for values, (code,) in codes:
        key *= max(len(values), 1)
        key += code.astype(key.dtype)
    return key, levels


def _step(column: np.ndarray, top: float) -> float:
    """The step that the first values are multiples of, or 0."""
    start = column[:_BLOCK]
    fits = (s for s in _STEPS if top * s < _MOST_CELLS and _append(np.empty(len(start)), start, s, 0))
    return next(fits, 0.0)


def _empty_key(rows: int, levels: list[np.ndarray]) -> np.ndarray:
    """Zeros in 32 bits where these tell all rows apart: they are sorted twice as fast."""
    size = prod(max(len(values), 1) for values in levels)
    if size >= 2**62:
        raise SettingsError("The histories are too different from each other to be told apart by one number.")
    return np.zeros(rows, np.uint32 if size < 2**32 else np.int64)


def _rows(keys: np.ndarray, levels: list[np.ndarray]) -> list[np.ndarray]:
    out = []
    for values in reversed(levels):
        size = max(len(values), 1)
        rest = keys // size
        out.append(values[keys - rest * size] if len(values) else values)
        keys = rest
    return out[::-1]
