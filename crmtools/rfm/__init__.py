"""RFM: scores and ten segments, how customers move between them, and what each segment did next.

``rfm`` scores at one date; ``study`` does what the parameters file asks, at the end of the report's period and before it.
"""

from crmtools.rfm.moves import QUIET, UNSEEN, Moves, moves
from crmtools.rfm.next_period import next_period
from crmtools.rfm.scores import GRID, MEASURES, SEGMENTS, Rfm, rfm
from crmtools.rfm.study import Study, study

__all__ = [
    "GRID",
    "MEASURES",
    "QUIET",
    "SEGMENTS",
    "UNSEEN",
    "Moves",
    "Rfm",
    "Study",
    "moves",
    "next_period",
    "rfm",
    "study",
]
