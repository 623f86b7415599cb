"""A goal as plain values: what is stored of it, printed for programs, and compared with what pages show."""

from typing import Any

from crmtools.goals.judgement import Judgement
from crmtools.goals.reading import Reading

READ = ("target", "gap", "gap_low", "gap_high", "progress", "progress_se", "expected", "elapsed", "status")
JUDGED = ("evidence", "chance", "verdict", "p_adjusted")


def reading_values(reading: Reading, judgement: Judgement | None) -> dict[str, Any]:
    """A reading of a goal as plain values; with what the data say about it, None where it could not be judged.

    ``course`` are the values of its trend by period.
    """
    goal, why = reading.goal, reading.why if judgement is None else judgement.why or reading.why
    told = dict.fromkeys(JUDGED) if judgement is None else {name: getattr(judgement, name) for name in JUDGED}
    return {
        "goal": reading.id,
        "indicator": goal.indicator.id,
        "name": {"zh": goal.name.zh, "en": goal.name.en},
        "department": {"zh": goal.department.zh, "en": goal.department.en},
        "start": str(goal.start),
        "deadline": str(goal.deadline),
        "weight": goal.weight,
        "baseline": reading.baseline.to_dict(),
        "now": reading.now.to_dict(),
        **{name: getattr(reading, name) for name in READ},
        "course": {one.period.id: one.value for one in reading.trend.estimates},
        **told,
        "why": None if why is None else {"zh": why.zh, "en": why.en},
        "breached": [] if judgement is None else [guard.now.indicator for guard in judgement.breached],
    }
