"""Krippendorff's alpha of nominal codes from counts of patterns, with an interval by resampling the items."""

import zlib

import numpy as np
import pandas as pd

from crmtools.indicators.moments import Assumptions, Figures
from crmtools.intervals import Floats
from crmtools.words import Text

BETWEEN = "␟"
"""Stands between the codes of one item; nobody writes it in a code."""
DRAWS = 999
USABLE_DRAWS = 0.95
"""Share of the resamples in which more than one code must occur."""
FEWEST = 10

ONE_CODE = Text(
    "所有编码相同，一致性无从谈起", "only one code was given: agreement by chance is certain, alpha has no meaning"
)
TOO_FEW = Text(
    f"双重编码的反馈不足 {FEWEST} 条，不给出区间",
    f"fewer than {FEWEST} items coded twice: an interval would claim too much",
)
NO_ERROR = Text("编码完全一致，无法估计误差", "all items are coded alike: the data show no error to measure")  # fmt: skip


def alpha(counts: Floats, items: Floats) -> Floats:
    """Krippendorff's alpha for nominal data; NaN where a single code was given.

    ``counts`` says how often each code (column) was given in each pattern (row); ``items``, one or more rows of them, how
    many items show the pattern. Patterns with fewer than two codes cannot disagree and are not pairable: leave them out.
    """
    coders = counts.sum(axis=1)
    disagreeing = (coders**2 - (counts**2).sum(axis=1)) / (coders - 1)
    values, of_code = items @ coders, items @ counts
    expected = values**2 - (of_code**2).sum(axis=-1)
    with np.errstate(invalid="ignore", divide="ignore"):
        made: Floats = 1 - np.where(expected > 0, (values - 1) * (items @ disagreeing) / expected, np.nan)
    return made


def counted(patterns: "pd.Series[str]") -> Floats:
    """How often each code stands in each pattern: one row per pattern, one column per code."""
    split = [pattern.split(BETWEEN) for pattern in patterns]
    codes = {code: place for place, code in enumerate(sorted({code for given in split for code in given}))}
    counts = np.zeros((len(split), len(codes)))
    for row, given in enumerate(split):
        for code in given:
            counts[row, codes[code]] += 1
    return counts


def agreement(patterns: pd.DataFrame, assumptions: Assumptions, level: float) -> Figures:
    """Alpha over the items that two or more have coded; its interval holds the choice of the items, not of the coders."""
    counts, items = counted(patterns["codes"]), patterns["weight"].to_numpy(float)
    n, rows = int(items.sum()), int(items @ counts.sum(axis=1))
    value = float(alpha(counts, items))
    if not np.isfinite(value):
        return Figures(n=n, rows=rows, why=ONE_CODE)
    if n < FEWEST:
        return Figures(value, n=n, rows=rows, why=TOO_FEW)
    # the same table of counts gives the same interval
    seed = zlib.crc32(np.column_stack([counts, items]).tobytes())
    resampled = alpha(counts, np.random.default_rng(seed).multinomial(n, items / n, size=DRAWS).astype(float))
    resampled = resampled[np.isfinite(resampled)]
    if len(resampled) < USABLE_DRAWS * DRAWS or not np.ptp(resampled) > 0:
        return Figures(value, n=n, rows=rows, why=NO_ERROR)
    low, high = np.quantile(resampled, [0.5 - level / 2, 0.5 + level / 2])
    return Figures(
        value, min(float(low), value), max(float(high), value), float(resampled.std()), n, rows,
        method="bootstrap_of_items",
    )  # fmt: skip
