"""The report of some customers: what becomes of its title and of its goals.

Tables are cut where they are opened (:mod:`crmtools.tables.part`); what is written in the parameters file follows here. A goal
holds for a part as it does for the whole where it is about what customers do on average: a share, a mean, a ratio, a duration. An
amount of the whole company (so many open tickets) is none that a part could reach, and a goal about other customers is not about
these: such goals are left out, and the first page says so.
"""

from collections.abc import Mapping

from crmtools.goal_names import NO_VALUE, customers_named, goal_name
from crmtools.goal_settings import GoalSettings
from crmtools.indicators.catalogue import CATALOGUE
from crmtools.indicators.kinds import Total
from crmtools.part_names import called_unknown
from crmtools.period import Period
from crmtools.settings import SetAside, Settings
from crmtools.words import WORDS, Language, Text

AMOUNT = Text("全公司的总量", "an amount of the whole company")
OTHERS = Text("针对其他客户，即{who}", "about other customers, {who}")
TITLE = Text("{title} · {part}", "{title} · {part}")


def for_part(settings: Settings, only: Mapping[str, str]) -> Settings:
    """The settings of the customers with one value of an attribute; as they are where ``only`` is empty."""
    report = settings.report.model_copy(update={"only": dict(only)})
    if (part := report.part) is None:
        return settings.model_copy(update={"report": report})
    label = part_label(*part)
    title = Text(*(TITLE.to(lang, title=report.title.to(lang), part=label.to(lang)) for lang in ("zh", "en")))
    why = {number: _why_not(goal, part) for number, goal in enumerate(settings.goals)}
    return settings.model_copy(
        update={
            "report": report.model_copy(update={"title": title}),
            "goals": tuple(
                _without(goal, part[0]) for number, goal in enumerate(settings.goals) if why[number] is None
            ),
            "set_aside": tuple(
                SetAside(name=_name(goal), why=reason)
                for number, goal in enumerate(settings.goals)
                if (reason := why[number]) is not None
            ),
        }
    )


def part_label(attribute: str, value: str) -> Text:
    """What a part is called: the attribute as the report names it, and the value as it stands in the data, or that there is none."""
    named = WORDS["unknown"] if called_unknown(value) else Text(value, value)
    return Text(*(f"{attribute_name(attribute, language)} {named.to(language)}" for language in ("zh", "en")))


def attribute_name(attribute: str, language: Language) -> str:
    """What an attribute of customers is called."""
    from crmtools.show.sentences import attribute as name_of

    return name_of(attribute, language)


def _name(goal: GoalSettings) -> Text:
    return goal_name(goal)


def _why_not(goal: GoalSettings, part: tuple[str, str]) -> Text | None:
    """Why a goal is not about a part; None where it is."""
    attribute, value = part
    if (others := goal.where.get(attribute)) is not None:
        values = [others] if isinstance(others, str) else others
        if value not in values and not (NO_VALUE in values and called_unknown(value)):
            who = {attribute: values}
            return Text(
                OTHERS.zh.format(who=customers_named(who, "zh")), OTHERS.en.format(who=customers_named(who, "en"))
            )
    return AMOUNT if is_amount(goal) else None


def is_amount(goal: GoalSettings) -> bool:
    """Whether a goal names an amount of the whole company; a change relative to a baseline that is measured names none."""
    item = CATALOGUE.get(goal.indicator)
    if item is None or not isinstance(item.kind, Total) or goal.target is None:
        return False
    return goal.target.relative is None or not isinstance(goal.baseline, Period)


def _without(goal: GoalSettings, attribute: str) -> GoalSettings:
    """The goal without a condition that all customers of the part meet."""
    where = {name: value for name, value in goal.where.items() if name != attribute}
    return goal.model_copy(update={"where": where})
