"""What a goal is called."""

from crmtools.goal_settings import GoalSettings
from crmtools.indicators.catalogue import CATALOGUE
from crmtools.words import WORDS, Language, Text

NO_VALUE = ""
"""How a goal's ``where`` names customers without a value."""


def goal_name(goal: GoalSettings) -> Text:
    """A goal by its own name, else by its indicator and the customers that it is about: two numbers of one name would contradict
    each other.
    """
    name = goal.name or CATALOGUE[goal.indicator].name
    if goal.name or not goal.where:
        return name
    return Text(f"{name.zh}（{customers_of(goal, 'zh')}）", f"{name.en} ({customers_of(goal, 'en')})")


def customers_of(goal: GoalSettings, language: Language) -> str:
    """The customers that a goal is about, as ``region south``; empty where it is about all."""
    from crmtools.show.sentences import attribute

    told = []
    for name, allowed in goal.where.items():
        values = [allowed] if isinstance(allowed, str) else allowed
        named = [WORDS["unknown"].to(language) if value == NO_VALUE else value for value in values]
        about = attribute(name, language)
        told.append(f"{about.lower() if language == 'en' else about} {WORDS['list'].to(language).join(named)}")
    return WORDS["comma"].to(language).join(told)
