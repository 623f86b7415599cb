"""What the gap of a goal is made of: a waterfall per attribute, why the others have none, and where these moved."""

from html import escape

from crmtools.goals.moved import Moves
from crmtools.goals.parts import Parts
from crmtools.indicators.catalogue import Indicator
from crmtools.show.blocks import note
from crmtools.show.display import Display, joined, tag
from crmtools.show.product_waterfalls import product_waterfall
from crmtools.show.sentences import say
from crmtools.show.waterfall import among, attribute_words, gap_waterfall
from crmtools.words import Language, Text, word


def goal_parts(parts: Parts, *, language: Language, currency: str = "", value_per_unit: float | None = None) -> Display:
    """One waterfall after the other, that by the factors of revenue last; a sentence for every attribute without one."""
    item, moved = parts.reading.goal.indicator, {one.by: one for one in parts.moves}
    # every picture has the same gap: what it is in customers is said once
    drawn = [
        gap_waterfall(
            found,
            language=language,
            currency=currency,
            value_per_unit=value_per_unit,
            at_stake=place == 0,
            moves=moved.get(found.by),
        )
        for place, found in enumerate(parts.made)
    ]
    said = [
        say(_NONE, language, why=why.to(language))
        if not by
        else say(_NOT_BY, language, by=attribute_words(by, item, language), why=why.to(language))
        for by, why in parts.why
    ]
    split = {found.by for found in parts.made}
    unseen = [one for one in parts.moves if one.by not in split and one.named]
    said += [*(_moved(one, item, language) for one in unseen), *(among(one, language) for one in unseen[:1])]
    if parts.factors is not None:
        drawn.append(product_waterfall(parts.factors, language=language, currency=currency))
    if not drawn:
        return note(("" if language == "zh" else " ").join(said))
    first = tag("p", escape(_SAME_GAP.to(language)), class_="crm-note") if len(parts.made) > 1 else ""
    shown = joined(*drawn)
    html = first + shown.html + "".join(note(text).html for text in said)
    return Display(html, "\n".join([shown.text, *said]), shown.result)


def _moved(moves: Moves, item: Indicator, language: Language) -> str:
    """In which groups a goal moved that no picture shows."""
    comma, colon = word("list", language), word("colon", language)
    told = ((_IMPROVED, moves.improved), (_WORSE, moves.worse), (_CHANGED, moves.changed), (_STILL, moves.still))
    parts = [say(text, language, groups=comma.join(groups)) for text, groups in told if groups]
    by = say(_BY, language, by=attribute_words(moves.by, item, language))
    return by + colon + ("；".join(parts) + "。" if language == "zh" else "; ".join(parts) + ".")


_NONE = Text("变化无法按客户群拆分：{why}。", "The change cannot be split by segment: {why}.")
_NOT_BY = Text("未按{by}拆分：{why}。", "Not split by {by}: {why}.")
_SAME_GAP = Text(
    "每张图都是同一变化的另一种拆分，各图之间不能相加。",
    "Each picture splits the same change in another way: they must not be added up.",
)
_BY = Text("按{by}", "By {by}")
_IMPROVED = Text("在“{groups}”有改善", "improved in {groups}")
_WORSE = Text("在“{groups}”恶化", "got worse in {groups}")
_CHANGED = Text("在“{groups}”有变化", "changed in {groups}")
_STILL = Text("在“{groups}”未检出变化", "no change seen in {groups}")
