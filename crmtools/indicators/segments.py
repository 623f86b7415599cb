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
        return _scores(_beside_ones(points), self.centres).argmin(axis=0)


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
    cloud = _Cloud.of(points[there], weight[there])
    begin = [] if first is None else [first]
    begin += [cloud.far_apart(clusters, random) for _ in range(starts)]
    # a few rounds tell the starts apart; only the best is followed to its end
    best = min((cloud.lloyd(centres, SIFTING) for centres in begin), key=lambda found: found.spread)
    return cloud.lloyd(best.centres, ROUNDS)


@dataclass(frozen=True, slots=True)
class _Cloud:
    """Weighted points, and what all runs over them need.

    ``across`` are the points in columns, above a row of ones, ``squares`` their squared lengths, ``weighed`` the points times their weight, and the weight,
    in rows.
    """

    across: np.ndarray
    squares: np.ndarray
    weight: np.ndarray
    weighed: np.ndarray

    @classmethod
    def of(cls, points: np.ndarray, weight: np.ndarray) -> "_Cloud":
        weighed = np.column_stack([points, np.ones(len(points))]) * weight[:, None]
        return cls(_beside_ones(points), np.square(points).sum(axis=1), weight, weighed)

    def far_apart(self, clusters: int, random: np.random.Generator) -> np.ndarray:
        """Centres drawn far from each other: each with a chance in proportion to the square of the distance to those before."""
        drawn = [_drawn(self.weight, random)]
        far = np.full(len(self.weight), np.inf)
        for _ in range(1, clusters):
            centre = self.across[:-1, drawn[-1:]].T
            away = self.squares + _scores(self.across, centre)[0]
            away[away < 1e-12] = 0.0  # of the same place something is left in sums of squares
            np.minimum(far, away, out=far)
            chances = self.weight * far
            drawn.append(_drawn(chances if chances.any() else self.weight, random))
        return self.across[:-1, drawn].T

    def lloyd(self, centres: np.ndarray, rounds: int) -> Clusters:
        """Every point to its nearest centre, every centre to the middle of its points, until nothing moves."""
        labels, which = np.full(len(self.weight), -1), np.arange(len(centres))[:, None]
        for _ in range(rounds):
            found = _scores(self.across, centres).argmin(axis=0)
            if np.array_equal(found, labels):
                break
            labels = found
            sums = (labels == which).astype(float) @ self.weighed
            sizes = sums[:, -1:]
            # a cluster that lost all its customers stays where it was
            centres = np.where(sizes > 0, sums[:, :-1] / np.maximum(sizes, 1e-300), centres)
        lengths = (centres**2).sum(axis=1)
        return Clusters(centres, float(self.weight @ self.squares - sizes[:, 0] @ lengths) / float(self.weight.sum()))


def _drawn(chances: np.ndarray, random: np.random.Generator) -> int:
    sums = chances.cumsum()
    return min(int(sums.searchsorted(random.random() * sums[-1], side="right")), len(sums) - 1)


def _beside_ones(points: np.ndarray) -> np.ndarray:
    return np.vstack([points.T, np.ones(len(points))])


def _scores(across: np.ndarray, centres: np.ndarray) -> np.ndarray:
    """The square of the distance of every point to every centre, but for the point's own length, which is the same for all of them.

    Centres down, points across: along the long side argmin is several times faster.
    """
    return np.column_stack([-2 * centres, (centres**2).sum(axis=1)]) @ across


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
