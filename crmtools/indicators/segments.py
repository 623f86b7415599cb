"""How stable segments of customers are: k-means on recency, frequency and money, refitted to resampled customers.

Clusters always appear; whether they would appear again is what is measured (Hennig 2007). Customers are counted by pattern
on the engine; here every pattern stands with its weight.
"""

from dataclasses import dataclass

import numpy as np
import pandas as pd

from crmtools.indicators.moments import Assumptions, Figures
from crmtools.words import Text

RFM = ("weeks", "days", "money")
FEWEST, REFITS = 50, 100
STARTS, STARTS_OF_REFIT, SIFTING, ROUNDS = 8, 2, 3, 100
TOO_FEW = Text(f"活跃客户不足 {FEWEST} 位", f"fewer than {FEWEST} active customers")
TOO_ALIKE = Text("不同的购买情形少于细分数", "customers differ in fewer ways than there are segments")


@dataclass(frozen=True, slots=True)
class Clusters:
    """Centres, and the mean square of the distances to them."""

    centres: np.ndarray
    spread: float

    def nearest(self, points: np.ndarray) -> np.ndarray:
        """The cluster of every point."""
        return _nearest(points, self.centres)


def stability(patterns: pd.DataFrame, assumptions: Assumptions, level: float) -> Figures:
    """Mean adjusted Rand index between the segments and those of a hundred refits to resampled customers.

    The limits are percentiles over the refits: between them lies how alike two such segmentations are. They say nothing of how exactly
    the mean is known.
    """
    clusters = int(assumptions["clusters"])
    weight = patterns["weight"].to_numpy(float)
    n = int(weight.sum())
    if n < FEWEST:
        return Figures(n=n, rows=n, why=TOO_FEW)
    if len(patterns) < clusters or clusters < 2:
        return Figures(n=n, rows=n, why=TOO_ALIKE)
    points = standardised(patterns, weight)
    random = np.random.default_rng(20070915)
    base = k_means(points, weight, clusters, random, starts=STARTS)
    labels, found = base.nearest(points), []
    for _ in range(REFITS):
        again = random.multinomial(n, weight / n).astype(float)
        # the segments themselves are one more start: a refit leaves them for better ones, not for want of finding them
        refit = k_means(points, again, clusters, random, starts=STARTS_OF_REFIT, first=base.centres)
        found.append(adjusted_rand(labels, refit.nearest(points), weight))
    value = float(np.mean(found))
    low, high = np.quantile(found, [0.5 - level / 2, 0.5 + level / 2])
    return Figures(
        value, min(float(low), value), max(float(high), value), float(np.std(found)), n, n, method="refits"
    )  # fmt: skip


def standardised(patterns: pd.DataFrame, weight: np.ndarray) -> np.ndarray:
    """Logarithms of the three measures, each with mean 0 and variance 1 over the customers."""
    logs = [np.log1p(patterns["weeks"]), np.log(patterns["days"]), patterns["money"]]
    points = np.column_stack([part.to_numpy(float) for part in logs])
    points -= weight @ points / weight.sum()
    spread = np.sqrt(weight @ points**2 / weight.sum())
    return points / np.where(spread > 0, spread, 1.0)


def k_means(
    points: np.ndarray,
    weight: np.ndarray,
    clusters: int,
    random: np.random.Generator,
    *,
    starts: int,
    first: np.ndarray | None = None,
) -> Clusters:
    """The best of several runs of Lloyd's algorithm, started by k-means++ (and from ``first``)."""
    there = weight > 0
    points, weight = points[there], weight[there]
    begin = [] if first is None else [first]
    begin += [_plus_plus(points, weight, clusters, random) for _ in range(starts)]
    # a few rounds tell the starts apart; only the best is followed to its end
    best = min((_lloyd(points, weight, centres, SIFTING) for centres in begin), key=lambda found: found.spread)
    return _lloyd(points, weight, best.centres, ROUNDS)


def _plus_plus(points: np.ndarray, weight: np.ndarray, clusters: int, random: np.random.Generator) -> np.ndarray:
    """Centres drawn far from each other: each with a chance in proportion to the square of the distance to those before."""
    centres = [points[_drawn(weight, random)]]
    far = np.full(len(points), np.inf)
    for _ in range(1, clusters):
        far = np.minimum(far, ((points - centres[-1]) ** 2).sum(axis=1))
        chances = weight * far
        centres.append(points[_drawn(chances if chances.sum() > 0 else weight, random)])
    return np.array(centres)


def _drawn(chances: np.ndarray, random: np.random.Generator) -> int:
    sums = np.cumsum(chances)
    return int(np.searchsorted(sums, random.random() * sums[-1], side="right").clip(max=len(sums) - 1))


def _lloyd(points: np.ndarray, weight: np.ndarray, centres: np.ndarray, rounds: int) -> Clusters:
    squares, total = float(weight @ (points**2).sum(axis=1)), float(weight.sum())
    weighed, labels, clusters = (points * weight[:, None]).T, np.full(len(points), -1), len(centres)
    for _ in range(rounds):
        found = _nearest(points, centres)
        if np.array_equal(found, labels):
            break
        labels = found
        sizes = np.bincount(labels, weight, clusters)
        sums = np.column_stack([np.bincount(labels, part, clusters) for part in weighed])
        # a cluster that lost all its customers stays where it was
        centres = np.where(sizes[:, None] > 0, sums / np.maximum(sizes, 1e-300)[:, None], centres)
    sizes = np.bincount(labels, weight, clusters)
    return Clusters(centres, (squares - float(sizes @ (centres**2).sum(axis=1))) / total)


def _nearest(points: np.ndarray, centres: np.ndarray) -> np.ndarray:
    # centres down, points across: along the long side argmin is several times faster
    return np.argmin((centres**2).sum(axis=1)[:, None] - 2 * (centres @ points.T), axis=0)


def adjusted_rand(one: np.ndarray, other: np.ndarray, weight: np.ndarray) -> float:
    """Hubert and Arabie's index: agreement of two partitions over pairs of customers, 1 alike, 0 as by chance."""
    size = int(other.max()) + 1
    cells = np.bincount(one * size + other, weight)

    def pairs(counts: np.ndarray) -> float:
        return float((counts * (counts - 1)).sum() / 2)

    rows, columns, n = np.bincount(one, weight), np.bincount(other, weight), weight.sum()
    both, left, right = pairs(cells), pairs(rows), pairs(columns)
    chance = left * right / (n * (n - 1) / 2)
    most = (left + right) / 2
    return (both - chance) / (most - chance) if most != chance else 1.0
