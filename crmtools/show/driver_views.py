"""Where changes came from: the groups that moved while others did not, and what moved with them, in sentences."""

from collections.abc import Sequence
from html import escape

from crmtools.goals.drivers import Driver
from crmtools.show.display import Display, tag
from crmtools.show.sentences import attribute, say
from crmtools.words import Language, Text, word


def drivers(found: Sequence[Driver], *, language: Language = "en") -> Display:
    """One sentence per goal that moved in some groups only; nothing but a note where none did.

    What moved alike is told once: goals of one story share a sentence.
    """
    if not found:
        said = _NONE.to(language)
        return Display(tag("p", escape(said), class_="crm-note"), said, _result(found))
    lines = [_sentence(story, language) for story in _stories(found)]
    hint = _HINT.to(language) if any(len(story) > 1 for story in _stories(found)) else ""
    html = tag("ul", "".join(tag("li", escape(line)) for line in lines)) + (
        tag("p", escape(hint), class_="crm-note") if hint else ""
    )
    return Display(html, "\n".join([*lines, *([hint] if hint else [])]), _result(found))


def _stories(found: Sequence[Driver]) -> list[list[Driver]]:
    """The drivers by what they have in common: the attribute, the groups, and the direction."""
    stories: dict[tuple[str, tuple[str, ...], bool], list[Driver]] = {}
    for one in found:
        stories.setdefault((one.by, one.groups, one.improved), []).append(one)
    return list(stories.values())


def _sentence(story: Sequence[Driver], language: Language) -> str:
    first, comma = story[0], word("list", language)
    names = comma.join(one.reading.goal.name.to(language) for one in story)
    words = {
        "names": names, "by": attribute(first.by, language), "groups": comma.join(first.groups), "still": comma.join(first.still),
    }  # fmt: skip
    return say(_BETTER if first.improved else _WORSE, language, **words)


def _result(found: Sequence[Driver]) -> dict[str, object]:
    return {
        "kind": "drivers",
        "drivers": [
            {
                "goal": one.reading.id,
                "by": one.by,
                "improved": one.improved,
                "groups": list(one.groups),
                "still": list(one.still),
                "alike": [other.id for other in one.alike],
            }
            for one in found
        ],
    }


_NONE = Text(
    "与基线相比，没有哪项目标只在部分客户群中发生了可检出的变化。",
    "Since the baselines no goal has moved in some groups of customers and not in the others, as far as the data can tell.",
)
_BETTER = Text(
    "{names}：在{by}“{groups}”有改善，在“{still}”未检出变化。",
    "{names}: improved in {groups} ({by}), no change seen in {still}.",
)
_WORSE = Text(
    "{names}：在{by}“{groups}”变差，在“{still}”未检出变化。",
    "{names}: got worse in {groups} ({by}), no change seen in {still}.",
)
_HINT = Text(
    "一起变化的目标彼此可能有关：这是线索，不是证明；请结合在这些客户群采取过的行动判断。",
    "Goals that moved together may have to do with each other. That is a hint and no proof: hold it against what was done in these groups.",
)
