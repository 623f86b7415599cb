"""crmtools: does a company reach its customer-relationship goals, by how much not, and how sure is that?

::

    import crmtools as crm

    data = crm.open("demo")                        # a parameters file, or crm.open(orders=my_frame)
    crm.measure("nps", data)                       # a value with its interval
    crm.trend("churn_rate", data, by="month")      # the same over time
    crm.breakdown("churn_rate", data, by="region") # the same by segment
    crm.stress("churn_rate", data)                 # the same under other defensible definitions
    crm.compare("nps", data, "2024-Q4")            # what changed since then, and whether by more than chance
    crm.contrast("nps", data, {"region": "south"}) # whether a group differs from the others by more than chance
    crm.scorecard(data)                            # every goal: now, target, gap, progress, status
    crm.judge("nps", data)         # one goal: chance, evidence, change since the baseline
"""

__version__ = "0.1.0"

from typing import TYPE_CHECKING

from crmtools.on_demand import on_demand

if TYPE_CHECKING:
    from crmtools import cohorts, lifetime, rfm, show
    from crmtools.errors import CRMError, DataError, RunError, SettingsError
    from crmtools.estimate import Estimate
    from crmtools.estimating import computable
    from crmtools.goals.change import Change
    from crmtools.goals.compared import compare
    from crmtools.goals.contrasted import Contrast, contrast
    from crmtools.goals.drivers import Driver, drivers
    from crmtools.goals.factors import revenue_factors
    from crmtools.goals.judgement import Judgement, judge, judgements
    from crmtools.goals.named import goal
    from crmtools.goals.parts import Parts, goal_parts
    from crmtools.goals.reading import Reading, Scorecard, goal_on, scorecard
    from crmtools.goals.record import track_record
    from crmtools.goals.scores import scores
    from crmtools.goals.smart import smart, smart_goals
    from crmtools.indicators import CATALOGUE
    from crmtools.measuring import Breakdown, Trend, breakdown, measure, splits, sql, trend
    from crmtools.period import Period
    from crmtools.stressing import Stress, stress
    from crmtools.tables.source import Data
    from crmtools.tables.source import open as open
    from crmtools.words import Text

__getattr__, __dir__ = on_demand(__name__)

# not `open`: a star import would take the place of Python's own
__all__ = [
    "CATALOGUE",
    "Breakdown",
    "CRMError",
    "Change",
    "Contrast",
    "Data",
    "DataError",
    "Driver",
    "Estimate",
    "Judgement",
    "Parts",
    "Period",
    "Reading",
    "RunError",
    "Scorecard",
    "SettingsError",
    "Stress",
    "Text",
    "Trend",
    "breakdown",
    "cohorts",
    "compare",
    "computable",
    "contrast",
    "drivers",
    "goal",
    "goal_on",
    "goal_parts",
    "judge",
    "judgements",
    "lifetime",
    "measure",
    "revenue_factors",
    "rfm",
    "scorecard",
    "scores",
    "show",
    "smart",
    "smart_goals",
    "splits",
    "sql",
    "stress",
    "track_record",
    "trend",
]
