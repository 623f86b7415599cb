"""What a notebook calls to show something. Everything returned shows itself in JupyterLab and in the published book."""

from crmtools.show.answers import answer
from crmtools.show.cards import card, cards
from crmtools.show.display import Display
from crmtools.show.groups import breakdown, breakdown_table, breakdowns
from crmtools.show.headlines import headline
from crmtools.show.scorecards import gaps, paths, scorecard
from crmtools.show.trends import trend

__all__ = [
    "Display",
    "answer",
    "breakdown",
    "breakdown_table",
    "breakdowns",
    "card",
    "cards",
    "gaps",
    "headline",
    "paths",
    "scorecard",
    "trend",
]
