"""Customer lifetime models: who is still a customer, how often they will buy, what that is worth.

One path: ``customer_summary`` (or ``calibration_holdout``) on the engine, ``BetaGeo.fit`` and
``GammaGamma.fit``, their questions, ``customer_value``; ``holdout_check`` and ``tracking`` say whether to
believe it.
"""

from crmtools.lifetime.beta_geo import BetaGeo
from crmtools.lifetime.evaluate import HoldoutCheck, holdout_check, plot_holdout, plot_tracking, tracking
from crmtools.lifetime.gamma_gamma import GammaGamma
from crmtools.lifetime.occasions import Counts
from crmtools.lifetime.renewals import Renewals, count_renewals
from crmtools.lifetime.second_opinion import second_opinion
from crmtools.lifetime.shifted_beta_geo import ShiftedBetaGeo
from crmtools.lifetime.simulate import simulate_summary
from crmtools.lifetime.summary import (
    CalibrationHoldout,
    Patterns,
    Summary,
    calibration_holdout,
    customer_patterns,
    customer_summary,
)
from crmtools.lifetime.value import CustomerValue, Total, customer_value

__all__ = [
    "BetaGeo",
    "CalibrationHoldout",
    "Counts",
    "CustomerValue",
    "GammaGamma",
    "HoldoutCheck",
    "Patterns",
    "Renewals",
    "ShiftedBetaGeo",
    "Summary",
    "Total",
    "calibration_holdout",
    "count_renewals",
    "customer_patterns",
    "customer_summary",
    "customer_value",
    "holdout_check",
    "plot_holdout",
    "plot_tracking",
    "second_opinion",
    "simulate_summary",
    "tracking",
]
