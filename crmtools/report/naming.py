"""What the Markdown of a notebook may name in double braces: the report, and the goal or the indicator that its page is about."""

from crmtools import formats
from crmtools.goal_names import goal_name
from crmtools.indicators import CATALOGUE, DIMENSIONS
from crmtools.report.plan import Job
from crmtools.settings import Settings


def names_for(job: Job, settings: Settings) -> dict[str, str]:
    """The names and their texts in the language of a job."""
    report, language = settings.report, job.language
    found = {
        "report.title": report.title.to(language),
        "report.period": report.period.label(language),
        "report.as_of": formats.day(report.as_of, language),
    }
    goal = next((g for g in settings.goals if job.goal and (g.id or g.indicator) == job.goal), None)
    if goal is not None:
        found |= {"goal.id": job.goal, "goal.name": goal_name(goal).to(language)}
    if about := goal.indicator if goal is not None else job.indicator:
        item = CATALOGUE[about]
        found |= {
            "indicator.id": item.id,
            "indicator.name": item.name.to(language),
            "indicator.meaning": item.meaning.to(language),
            "indicator.formula": item.formula,
            "indicator.source": item.source,
            "indicator.dimension": DIMENSIONS[item.dimension].to(language),
            "indicator.caveat": item.caveat.to(language),
        }
    return found
