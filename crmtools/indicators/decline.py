"""Which customers are in touch less than they used to be: counts before and lately to a share, for the kind ``Model``."""

import numpy as np
import pandas as pd
import scipy

from crmtools import intervals
from crmtools.indicators.kinds import NO_DATA
from crmtools.indicators.moments import Assumptions, Figures

PATTERN = ("recent", "baseline")


def share_in_decline(patterns: pd.DataFrame, assumptions: Assumptions, level: float) -> Figures:
    """Of the customers of one group, the share whose recent count is too low for the baseline to be chance.

    With a steady rate the recent ones among a customer's n contacts are binomial with the share of the weeks that are recent
    (Przyborowski & Wilenski 1940). The one-sided p-values of all customers of the group go through the procedure of
    Benjamini & Hochberg (1995), which keeps the expected share of false flags among the flags below ``false_share``.
    """
    recent, baseline, weight = (patterns[name].to_numpy(float) for name in (*PATTERN, "weight"))
    weeks, before = (float(assumptions[name]) for name in ("recent_weeks", "baseline_weeks"))  # type: ignore[arg-type]
    n = weight.sum()
    if not n:
        return Figures(why=NO_DATA)
    p = scipy.stats.binom.cdf(recent, recent + baseline, weeks / (weeks + before))
    order = np.argsort(p, kind="stable")
    # customers with the same counts share a p-value, and the rank of the last of them
    ranks = np.cumsum(weight[order])
    passed = np.flatnonzero(p[order] <= float(assumptions["false_share"]) * ranks / n)  # type: ignore[arg-type]
    flagged = float(ranks[passed[-1]]) if len(passed) else 0.0
    share = flagged / n
    low, high = intervals.wilson(share, n, level)
    se = float(np.sqrt(share * (1 - share) / n))
    return Figures(share, low, high, se, int(n), int(n), flagged, float(n), "wilson")
