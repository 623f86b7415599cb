"""Intervals from sums over customers.

Every function takes plain numbers or arrays and returns ``(low, high)``. The sums are over sampled units, usually
customers: ``v`` is what a unit adds to the numerator, ``w`` what it adds to the denominator.
"""

import math

import numpy as np
import numpy.typing as npt
import scipy

Floats = npt.NDArray[np.float64]
BOOTSTRAP_DRAWS = 1999
AT_ONCE = 12_000
"""Numbers of a block of resamples: 96 kB stay in the processor's cache and are not asked of the system anew for every block,
which makes drawing and counting three times faster."""
USABLE_DRAWS = 0.95
"""Share of the resamples that must have an error of their own."""
STEPS = 1e6 / math.sqrt(2)
"""Steps in the mean size that tell numbers apart. Irrational: a number made of fractions never lies between two of them,
where its last digit would decide."""


def z_of(level: float) -> float:
    """The normal quantile of a two-sided level: 1.96 for 0.95."""
    return float(scipy.special.ndtri(0.5 + level / 2))


def linearised_variance(n: int, sv: float, sw: float, svv: float, svw: float, sww: float) -> float:
    """Variance of Σv/Σw with the unit as cluster: n/(n−1)·Σ(v−r·w)²/(Σw)² (Cochran 1977, eq. 2.45, without fpc)."""
    if n < 2 or sw == 0:
        return math.nan
    ratio = sv / sw
    squares = max(svv - 2 * ratio * svw + ratio**2 * sww, 0.0)
    return n / (n - 1) * squares / sw**2


def wilson(share: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """Wilson's score interval for a share (Wilson 1927); ``n`` may be an effective, non-integer number."""
    z = z_of(level)
    centre = (share + z**2 / (2 * n)) / (1 + z**2 / n)
    half = z / (1 + z**2 / n) * math.sqrt(max(share * (1 - share), 0) / n + z**2 / (4 * n**2))
    # at 0 and 1 rounding would leave the value itself outside
    return min(max(centre - half, 0.0), share), max(min(centre + half, 1.0), share)


def clopper_pearson(share: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """Exact interval of a share (Clopper & Pearson 1934); ``n`` may be an effective, non-integer number.

    Without a single case its upper limit is the one of Pluto & Tasche (2005) for portfolios without defaults.
    """
    tail, cases = (1 - level) / 2, share * n
    low = float(scipy.special.betaincinv(cases, n - cases + 1, tail)) if cases > 0 else 0.0
    high = float(scipy.special.betaincinv(cases + 1, n - cases, 1 - tail)) if cases < n else 1.0
    return min(low, share), max(high, share)


def effective_n(share: float, variance: float, units: float, rows: float) -> float:
    """The number of independent answers that would give a share the same variance.

    ``units`` is used where the variance says nothing (share 0 or 1), ``rows`` is the most that is ever claimed.
    """
    if not variance > 0 or share in (0.0, 1.0):
        return units
    return min(share * (1 - share) / variance, rows)


def effective_n_of_net(net: float, either: float, variance: float, n: int, units: float, rows: float) -> float:
    """The same for a net share: independent answers that would give it the variance that the customers show.

    With one answer of weight 1 from each customer it is their number.
    """
    spread = either - net**2
    if not (variance > 0 and spread > 0 and n > 1):
        return units
    return min(spread / variance * n / (n - 1), rows)


def net_share(net: float, either: float, n: float, level: float = 0.95) -> tuple[float, float]:
    """Interval of promoters minus detractors, as fractions of ``n``, by the adjusted Wald method.

    Adds ¾ promoters, 1½ passives and ¾ detractors; ``either`` is the share of promoters plus detractors.
    """
    more = n + 3
    centre, spread = net * n / more, (either * n + 1.5) / more
    half = z_of(level) * math.sqrt(max(spread - centre**2, 0) / more)
    # a handful of equal answers is pulled towards 0 so far that the value itself would lie outside
    return min(max(centre - half, -1.0), net), max(min(centre + half, 1.0), net)


def t_interval(mean: float, variance: float, n: int, level: float = 0.95) -> tuple[float, float]:
    """Student's t interval with n−1 degrees of freedom around a mean with the given variance."""
    half = float(scipy.special.stdtrit(n - 1, 0.5 + level / 2)) * math.sqrt(variance)
    return mean - half, mean + half


def log_delta(ratio: float, variance: float, level: float = 0.95) -> tuple[float, float]:
    """Interval of a positive ratio, symmetric on the log scale (delta method)."""
    half = z_of(level) * math.sqrt(variance) / ratio
    return ratio * math.exp(-half), ratio * math.exp(half)


def settled(x: Floats) -> Floats:
    """Numbers counted in small steps of their mean size: what neither the currency moves nor the last digits of a sum,
    which hang on the order in which the engine adds."""
    size = float(np.abs(x).mean()) if len(x) else 0.0
    return np.asarray(np.round(x / size * STEPS) + 0.0 if size > 0 else x)


def resampled(units: Floats, draws: np.random.Generator) -> Floats:
    """The column sums of ``BOOTSTRAP_DRAWS`` resamples of the rows (units × columns): one row for each resample."""
    n, columns = units.shape
    block, sums = max(1, AT_ONCE // n), np.empty((BOOTSTRAP_DRAWS, columns))
    for first in range(0, BOOTSTRAP_DRAWS, block):
        own = sums[first : first + block]
        # how often each unit stands in each resample: counting drawn numbers is several times faster than multinomial()
        drawn = draws.integers(0, n, (len(own), n))
        drawn += np.arange(len(own))[:, None] * n
        counts = np.bincount(drawn.ravel(), minlength=drawn.size).reshape(drawn.shape)
        np.matmul(counts.astype(float), units, out=own)
    return sums


def bootstrap_t(v: Floats, w: Floats, *, log: bool, seed: int, level: float = 0.95) -> tuple[float, float] | None:
    """Bootstrap-t interval of Σv/Σw, resampling units; on the log scale where the ratio is positive.

    For heavy-tailed money the log scale covers 89–95 % at n = 30–500 where the delta method covers 81–92 %. None where
    the sum hangs on so few units that resampling cannot see its error: more than one resample in twenty lacks them.
    """
    n, draws = len(v), np.random.default_rng(seed)
    # in an order of their own, so that neither the rows' order nor the names of the units move the interval
    order = np.lexsort((settled(w), settled(v)))
    v, w = v[order], w[order]
    sums = resampled(np.column_stack([v, w, v * v, v * w, w * w]), draws)
    sums = sums[(sums[:, 1] > 0) & ((sums[:, 0] > 0) | (not log))]
    ratios = sums[:, 0] / sums[:, 1]
    squares = np.maximum(sums[:, 2] - 2 * ratios * sums[:, 3] + ratios**2 * sums[:, 4], 0)
    errors = np.sqrt(n / (n - 1) * squares) / sums[:, 1]
    ratio = float(v.sum() / w.sum())
    variance = linearised_variance(n, v.sum(), w.sum(), (v * v).sum(), (v * w).sum(), (w * w).sum())
    error = math.sqrt(variance)
    # a resample whose units are all alike has no error of its own and says nothing about t
    usable = errors > 1e-6 * error
    if usable.sum() < USABLE_DRAWS * BOOTSTRAP_DRAWS:
        return None
    tail = [(1 - level) / 2, (1 + level) / 2]
    if log:
        pivots = (np.log(ratios[usable]) - math.log(ratio)) * ratios[usable] / errors[usable]
        lower, upper = (float(limit) for limit in np.quantile(pivots, tail))
        low, high = ratio * math.exp(-upper * error / ratio), ratio * math.exp(-lower * error / ratio)
    else:
        lower, upper = (float(limit) for limit in np.quantile((ratios[usable] - ratio) / errors[usable], tail))
        low, high = ratio - upper * error, ratio - lower * error
    return min(low, ratio), max(high, ratio)


def top_share(amounts: Floats, top: float) -> tuple[Floats, Floats]:
    """The share of the sum that the largest ``top`` of the units hold, and its standard error, for each row of amounts.

    ``amounts`` has one sample a row, each in descending order; the unit in whom the top is completed counts in part. The
    error is that of the influence function: (y − q)·[y > q] + q·p − T·y, q being the edge of the top (Langel & Tillé 2011).
    """
    n = amounts.shape[1]
    edge, total = amounts[:, math.ceil(n * top) - 1, None], amounts.sum(axis=1)
    above = amounts > edge
    held = np.where(above, amounts, 0.0).sum(axis=1) + (top * n - above.sum(axis=1)) * edge[:, 0]
    share = held / total
    influence = np.where(above, amounts - edge, 0.0) + edge * top - share[:, None] * amounts
    return share, np.sqrt((influence**2).sum(axis=1) * n / (n - 1)) / total


def bootstrap_top_share(amounts: Floats, top: float, *, seed: int, level: float = 0.95) -> tuple[float, float] | None:
    """Bootstrap-t interval of :func:`top_share` on the log-odds scale, resampling units; None where it cannot tell."""
    draws, size = np.random.default_rng(seed), len(amounts)
    ordered = np.sort(amounts)
    # positions are sorted instead of amounts: a whole number is sorted much faster than a float
    drawn = np.sort(draws.integers(0, size, (BOOTSTRAP_DRAWS // 2, size)), axis=1)[:, ::-1]
    shares, errors = top_share(ordered[drawn], top)
    share, error = (float(part[0]) for part in top_share(ordered[None, ::-1], top))
    usable = (shares < 1) & (errors > 1e-6 * error)
    if not (0 < share < 1 and error > 0) or usable.sum() < USABLE_DRAWS * len(shares):
        return None
    odds, scale = np.log(shares[usable] / (1 - shares[usable])), shares[usable] * (1 - shares[usable])
    centre, spread = math.log(share / (1 - share)), error / (share * (1 - share))
    lower, upper = np.quantile((odds - centre) * scale / errors[usable], [(1 - level) / 2, (1 + level) / 2])
    low, high = (1 / (1 + math.exp(-(centre - pivot * spread))) for pivot in (float(upper), float(lower)))
    return min(low, share), max(high, share)


def garwood(events: float, level: float = 0.95) -> tuple[float, float]:
    """Exact interval of a Poisson count (Garwood 1936); effective, non-integer counts are allowed."""
    tail = (1 - level) / 2
    low = float(scipy.special.gammaincinv(events, tail)) if events > 0 else 0.0
    return low, float(scipy.special.gammaincinv(events + 1, 1 - tail))


def survival(times: Floats, events: Floats, censored: Floats) -> tuple[Floats, Floats]:
    """Kaplan–Meier curve and Greenwood's sum at each distinct time, from counts per time (ascending)."""
    leaving = events + censored
    at_risk = leaving.sum() - np.concatenate([[0.0], np.cumsum(leaving)[:-1]])
    curve = np.cumprod(1 - events / at_risk)
    left = at_risk - events
    with np.errstate(divide="ignore"):
        greenwood = np.cumsum(np.where(left > 0, events / (at_risk * left), np.where(events > 0, np.inf, 0.0)))
    return curve, greenwood


def survival_quantile(
    times: Floats, events: Floats, censored: Floats, *, quantile: float, deff: float = 1.0, level: float = 0.95
) -> tuple[float | None, float | None, float | None]:
    """Quantile of a time and its Brookmeyer–Crowley interval on the log(−log) scale (Brookmeyer & Crowley 1982).

    ``deff`` widens Greenwood's variance where one customer has several times. A limit that the data do not reach is None.
    """
    curve, greenwood = survival(times, events, censored)
    rest = 1 - quantile
    with np.errstate(divide="ignore", invalid="ignore"):
        half = z_of(level) * np.sqrt(deff * greenwood) / np.abs(np.log(curve))
        lower, upper = curve ** np.exp(half), curve ** np.exp(-half)
    lower = np.where(np.isfinite(lower), lower, curve)
    upper = np.where(np.isfinite(upper), upper, curve)
    # once everyone has had the event the curve is 0 and the formula gives no band: keep the last upper limit
    upper = np.where(curve > 0, upper, np.inf)

    def first_at_or_below(band: Floats) -> float | None:
        reached = np.flatnonzero(band <= rest + 1e-12)
        return float(times[reached[0]]) if reached.size else None

    return first_at_or_below(curve), first_at_or_below(lower), first_at_or_below(upper)
