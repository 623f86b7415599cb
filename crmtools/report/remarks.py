"""What a person should know before a report is believed, and no number shows."""

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path

from crmtools import formats
from crmtools.estimating import nobody_meant, not_computable, resolve, tables_read, too_early
from crmtools.indicators import CATALOGUE
from crmtools.period import Period
from crmtools.report.notebooks import read_notebook
from crmtools.report.plan import Job
from crmtools.settings import Settings
from crmtools.tables.how_far import first_day
from crmtools.tables.source import Data
from crmtools.words import Text

MANY = 0.05
"""The share of customers above which those who joined before the orders begin are told of."""
REPLACE, ERSATZ = "REPLACE", "请替换"
"""The word that a text begins with which `crmtools new` writes and somebody has to write anew, a colon behind it."""


def remarks(data: Data, jobs: Sequence[Job] = ()) -> list[str]:
    """All of them; ``jobs`` are the notebooks that the report runs."""
    return [
        *about_nobody(data),
        *without_baseline(data),
        *older_than_orders(data),
        *unequal(data.settings),
        *unfinished(data.settings, jobs),
    ]


def about_nobody(data: Data) -> list[str]:
    """Goals about customers that there are none of: a value was misspelt, most likely, and they can never be judged."""
    found = ((goal, nobody_meant(goal.where, data)) for goal in data.settings.goals if goal.where)
    return [f"Beware: the goal {goal.id or goal.indicator} is about nobody: {why.en}" for goal, why in found if why]


def without_baseline(data: Data) -> list[str]:
    """Goals that start from a period of which the data can tell nothing: no change and no progress could ever be read."""
    found = []
    for goal in data.settings.goals:
        item, period = CATALOGUE[goal.indicator], goal.baseline
        if not isinstance(period, Period) or not_computable(item, data) is not None:
            continue
        if (why := too_early(item, data, resolve(item, data, {}), period)) is None:
            firsts = [day for table in tables_read(item, data, {}) if (day := first_day(data, table)) is not None]
            if not firsts or min(firsts) <= period.last_day:
                continue
            why = Text("", f"its data begin on {formats.day(min(firsts), 'en')}")
        found.append(f"Beware: the goal {goal.id or goal.indicator} has no baseline in {period.id}: {why.en}.")
    return found


def older_than_orders(data: Data) -> list[str]:
    """That many customers joined before the orders begin: what they bought before is not there, and their next order is their first."""
    first = first_day(data, "orders") if data.has("orders") else None
    if first is None or not data.has("customers", "acquired_at"):
        return []
    joined = data["customers"].acquired_at.cast("date")
    found = data.ask(data["customers"].aggregate(old=(joined < first).sum(), all=joined.count())).fillna(0)
    old, all_of_them = int(found["old"].iloc[0]), int(found["all"].iloc[0])
    if not all_of_them or old < MANY * all_of_them:
        return []
    day = formats.day(first, "en")
    said = f"{old:,} of {all_of_them:,} customers joined before the orders begin ({day}). At their first order in the data they count"
    return [
        f"Beware: {said} as first-time buyers: repeat_purchase_rate and the cohorts of the first months are about them too."
    ]


def unequal(settings: Settings) -> list[str]:
    """That goals start from a period of another length than the one reported: money and counts of a year are no baseline of a quarter."""
    period = settings.report.period
    names = [
        f"{goal.id or goal.indicator} (baseline {goal.baseline.id})"
        for goal in settings.goals
        if isinstance(goal.baseline, Period) and goal.baseline.kind != period.kind
    ]
    if not names:
        return []
    said = f"baselines are not as long as the period {period.id}: {', '.join(names)}."
    return [f"Beware: {said} What adds up over time, money or counts, cannot be compared so; scores can."]


def unfinished(settings: Settings, jobs: Sequence[Job] = ()) -> list[str]:
    """That texts of a beginning were left as `crmtools new` wrote them: readers would see them."""
    places = [*_keys(settings.model_dump(mode="json"))]
    for item in map(CATALOGUE.__getitem__, dict.fromkeys(job.indicator for job in jobs if job.indicator)):
        texts = (item.name, item.meaning, item.caveat, *item.assumption_words.values())
        if any(_begun(text.zh) or _begun(text.en) for text in texts):
            places.append(f"the indicator {item.id}")
    places += [f"notebooks/{file.name}" for file in dict.fromkeys(job.notebook for job in jobs) if _says(file)]
    if not places:
        return []
    return [f"Beware: texts are marked {REPLACE} still, and readers will see them: {', '.join(places)}."]


def _says(notebook: Path) -> bool:
    """Whether a text of a notebook is one to be replaced; its code and its outputs may say what they like."""
    return any(_begun(cell.source) for cell in read_notebook(notebook).cells if cell.cell_type == "markdown")


def _keys(value: object, place: str = "") -> Iterator[str]:
    """The keys of a parameters file whose text is one to be replaced."""
    if isinstance(value, str) and _begun(value):
        yield place.rpartition(".")[0] if place.endswith((".en", ".zh")) else place
    elif isinstance(value, Mapping):
        found = (key for name, part in value.items() for key in _keys(part, f"{place}.{name}" if place else str(name)))
        yield from dict.fromkeys(found)
    elif isinstance(value, list):
        yield from (key for number, part in enumerate(value, 1) for key in _keys(part, f"{place}[{number}]"))


def _begun(text: str) -> bool:
    return re.search(f"({REPLACE}|{ERSATZ})[:：]", text) is not None
