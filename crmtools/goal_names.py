"""What a goal is called."""

from collections.abc import Mapping, Sequence

from crmtools.goal_settings import GoalSettings
from crmtools.indicators.catalogue import CATALOGUE
from crmtools.words import Language, Text, word

NO_VALUE = ""
"""How a goal's ``where`` names customers without a value."""


def goal_name(goal: GoalSettings) -> Text:
    """A goal by its own name, else by its indicator and the customers that it is about: two numbers of one name would contradict
    each other.
    """
    name = goal.name or CATALOGUE[goal.indicator].name
    if goal.name or not goal.where:
        return name
    return Text(f"{name.zh}（{customers_named(goal.where, 'zh')}）", f"{name.en} ({customers_named(goal.where, 'en')})")


def customers_named(where: Mapping[str, str | Sequence[str]], language: Language) -> str:
    """The customers that meet all conditions, as ``region south``."""
    from crmtools.show.sentences import attribute

    told = []
    for name, allowed in where.items():
        about = attribute(name, language)
        told.append(f"{about.lower() if language == 'en' else about} {values_named(allowed, language)}")
    return word("comma", language).join(told)


def values_named(allowed: str | Sequence[str], language: Language) -> str:
    """The values that a condition lets through; what a report calls customers without one where it lets those through."""
    values = [allowed] if isinstance(allowed, str) else allowed
    return word("list", language).join(word("unknown", language) if value == NO_VALUE else value for value in values)
