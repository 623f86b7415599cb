"""How facts become a value and an interval: one kind per form of indicator.

A kind asks the engine for sums over sampled units (:mod:`crmtools.indicators.moments`) and turns one line of sums into
:class:`Figures <crmtools.indicators.moments.Figures>`. Rows reach Python only where a small sample needs resampling, or as
counts per distinct waiting time.
"""

from crmtools.indicators.kinds.concentration import Concentration
from crmtools.indicators.kinds.duration import Duration
from crmtools.indicators.kinds.models import Account, Coefficient, Model
from crmtools.indicators.kinds.reasons import (
    ALIKE,
    ALL_AT_TOP,
    CENSUS,
    NO_DATA,
    NO_SHARE,
    NO_SPEND,
    NO_UPPER,
    NOBODY_WON,
    NOT_REACHED,
    NOTHING_BELOW,
    SINGLE,
    SMALL_FOR_MEAN,
    SMALL_FOR_RATIO,
    TOO_FEW,
    too_few,
)
from crmtools.indicators.kinds.scenario import Scenario
from crmtools.indicators.kinds.sums import (
    BOOTSTRAP_FROM,
    Census,
    Mean,
    NetShare,
    Rate,
    Ratio,
    Share,
    Total,
    UnitCost,
)

__all__ = [
    "ALIKE",
    "ALL_AT_TOP",
    "BOOTSTRAP_FROM",
    "CENSUS",
    "NOBODY_WON",
    "NOTHING_BELOW",
    "NOT_REACHED",
    "NO_DATA",
    "NO_SHARE",
    "NO_SPEND",
    "NO_UPPER",
    "SINGLE",
    "SMALL_FOR_MEAN",
    "SMALL_FOR_RATIO",
    "TOO_FEW",
    "Account",
    "Census",
    "Coefficient",
    "Concentration",
    "Duration",
    "Mean",
    "Model",
    "NetShare",
    "Rate",
    "Ratio",
    "Scenario",
    "Share",
    "Total",
    "UnitCost",
    "too_few",
]
