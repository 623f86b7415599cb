"""Customer lifetime models: who is still a customer, how often they will buy, what that is worth.

One path: ``customer_summary`` (or ``calibration_holdout``) on the engine, a model's ``fit`` and ``GammaGamma.fit``, their
questions, ``customer_value``. ``compare`` says which model to take; ``holdout_check`` and ``tracking``, whether to believe it.
"""

from crmtools.lifetime.beta_geo import BetaGeo, ModifiedBetaGeo
from crmtools.lifetime.beta_geo_beta_binomial import BetaGeoBetaBinomial
from crmtools.lifetime.compare import Comparison, compare
from crmtools.lifetime.evaluate import HoldoutCheck, holdout_check, purchase_calendar, tracking
from crmtools.lifetime.from_orders import calibration_holdout, customer_patterns, customer_summary, spend_patterns
from crmtools.lifetime.gamma_gamma import GammaGamma
from crmtools.lifetime.nbd import Nbd
from crmtools.lifetime.occasions import Counts
from crmtools.lifetime.opportunities import opportunities
from crmtools.lifetime.pareto_nbd import ParetoNbd
from crmtools.lifetime.plots import (
    customer_history,
    frequencies,
    history_matrix,
    plot_customer_history,
    plot_frequencies,
    plot_history_matrix,
    plot_holdout,
    plot_tracking,
)
from crmtools.lifetime.renewals import Renewals, count_renewals
from crmtools.lifetime.second_opinion import second_opinion
from crmtools.lifetime.shifted_beta_geo import ShiftedBetaGeo
from crmtools.lifetime.simulate import simulate_summary
from crmtools.lifetime.summary import CalibrationHoldout, Patterns, SpendPatterns, Summary
from crmtools.lifetime.value import CustomerValue, Total, customer_value

__all__ = [
    "BetaGeo",
    "BetaGeoBetaBinomial",
    "CalibrationHoldout",
    "Comparison",
    "Counts",
    "CustomerValue",
    "GammaGamma",
    "HoldoutCheck",
    "ModifiedBetaGeo",
    "Nbd",
    "ParetoNbd",
    "Patterns",
    "Renewals",
    "ShiftedBetaGeo",
    "SpendPatterns",
    "Summary",
    "Total",
    "calibration_holdout",
    "compare",
    "count_renewals",
    "customer_history",
    "customer_patterns",
    "customer_summary",
    "customer_value",
    "frequencies",
    "history_matrix",
    "holdout_check",
    "opportunities",
    "plot_customer_history",
    "plot_frequencies",
    "plot_history_matrix",
    "plot_holdout",
    "plot_tracking",
    "purchase_calendar",
    "second_opinion",
    "simulate_summary",
    "spend_patterns",
    "tracking",
]
