"""What the gap of a goal is made of: a waterfall per attribute, and why the others have none."""

from html import escape

from crmtools.goals.parts import Parts
from crmtools.show.blocks import note
from crmtools.show.display import Display, joined, tag
from crmtools.show.product_waterfalls import product_waterfall
from crmtools.show.sentences import say
from crmtools.show.waterfall import attribute_words, gap_waterfall
from crmtools.words import Language, Text


def goal_parts(parts: Parts, *, language: Language, currency: str = "", value_per_unit: float | None = None) -> Display:
    """One waterfall after the other, that by the factors of revenue last; a sentence for every attribute without one."""
    item = parts.reading.goal.indicator
    # every picture has the same gap: what it is in customers is said once
    drawn = [
        gap_waterfall(found, language=language, currency=currency, value_per_unit=value_per_unit, at_stake=place == 0)
        for place, found in enumerate(parts.made)
    ]
    said = [
        say(_NONE, language, why=why.to(language))
        if not by
        else say(_NOT_BY, language, by=attribute_words(by, item, language), why=why.to(language))
        for by, why in parts.why
    ]
    if parts.factors is not None:
        drawn.append(product_waterfall(parts.factors, language=language, currency=currency))
    if not drawn:
        return note(("" if language == "zh" else " ").join(said))
    first = tag("p", escape(_SAME_GAP.to(language)), class_="crm-note") if len(parts.made) > 1 else ""
    shown = joined(*drawn)
    html = first + shown.html + "".join(note(text).html for text in said)
    return Display(html, "\n".join([shown.text, *said]), shown.result)


_NONE = Text("变化无法按客户群拆分：{why}。", "The change cannot be split by segment: {why}.")
_NOT_BY = Text("未按{by}拆分：{why}。", "Not split by {by}: {why}.")
_SAME_GAP = Text(
    "每张图都是同一变化的另一种拆分，各图之间不能相加。",
    "Each picture splits the same change in another way: they must not be added up.",
)
