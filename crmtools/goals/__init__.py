"""Goals: what shall be reached, and how far the data say it is."""

from crmtools.goals.goal import Goal
from crmtools.goals.reading import STATUS, Goals, Reading, goals

__all__ = ["STATUS", "Goal", "Goals", "Reading", "goals"]
