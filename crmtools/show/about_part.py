"""What a report of some customers says of itself: who they are, and which goals are not about them."""

from html import escape
from itertools import groupby

from crmtools.part_of_customers import part_label
from crmtools.settings import Settings
from crmtools.show.display import Display, tag
from crmtools.show.sentences import say
from crmtools.words import Language, Text, word


def about_part(settings: Settings, language: Language) -> Display | None:
    """Which customers the report is about, and the goals that it leaves out; None where it is about all of them."""
    if (part := settings.report.part) is None:
        return None
    said = say(_ABOUT, language, part=part_label(*part).to(language))
    if aside := _set_aside(settings, language):
        said += ("" if language == "zh" else " ") + aside
    return Display(tag("p", escape(said), class_="crm-note"), said)


def _set_aside(settings: Settings, language: Language) -> str:
    """The goals that are left out, and why, as one sentence; those with the same reason together."""
    pairs = sorted(
        ((one.why.to(language), one.name.to(language)) for one in settings.set_aside), key=lambda pair: pair[0]
    )
    groups = [
        say(_GOALS, language, names=word("list", language).join(name for _, name in found), why=why)
        for why, found in groupby(pairs, key=lambda pair: pair[0])
    ]
    return say(_LEFT_OUT, language, goals=_BETWEEN.to(language).join(groups)) if groups else ""


_ABOUT = Text("本报告只涉及部分客户：{part}。", "This report is about some of the customers only: {part}.")
_LEFT_OUT = Text("未列入的目标：{goals}。", "Goals left out: {goals}.")
_GOALS = Text("{names}（{why}）", "{names} ({why})")
_BETWEEN = Text("；", "; ")
