"""Where changes came from: the groups that moved while others did not, and what moved with them, in sentences."""

from collections.abc import Sequence
from html import escape

from crmtools.goals.drivers import Driver
from crmtools.show.display import Display, tag
from crmtools.show.sentences import attribute, say
from crmtools.words import Language, Text, word


def drivers(found: Sequence[Driver], *, language: Language = "en") -> Display:
    """One sentence per goal that moved in some groups only; nothing but a note where none did.

    What moved alike is told once: goals of one story share a sentence. What a goal serves (its declared outcome) is named behind it,
    and the actions that were declared for it are told.
    """
    if not found:
        said = _NONE.to(language)
        return Display(tag("p", escape(said), class_="crm-note"), said, _result(found))
    lines = [_sentence(*part, language) for story in _stories(found) for part in _parts(story)]
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


def _parts(story: Sequence[Driver]) -> list[tuple[list[Driver], list[Driver]]]:
    """The goals of a story that serve others of it, with these, nearest first; and the goals that have nothing to do with them."""
    served = [_served(one, story) for one in story]
    sources = [one for one, after in zip(story, served) if after and not any(one in others for others in served)]
    told = [(one, after) for one, after in zip(story, served) if any(one in _served(s, story) for s in sources)]
    reached = [one for one, after in sorted(told, key=lambda pair: -len(pair[1]))]
    alone = [one for one in story if one not in sources and one not in reached]
    return [part for part in ((sources, reached), (alone, [])) if part[0]]


def _served(one: Driver, story: Sequence[Driver]) -> list[Driver]:
    """The goals of a story that a goal's declared outcome leads to, one after the other."""
    found, last = list[Driver](), one
    while (following := _outcome(last, story)) is not None and following not in (one, *found):
        found.append(following)
        last = following
    return found


def _outcome(one: Driver, story: Sequence[Driver]) -> Driver | None:
    outcome = one.reading.goal.settings.outcome
    others = [other for other in story if other is not one and outcome]
    return next((o for o in others if outcome in (o.reading.id, o.reading.goal.indicator.id)), None)


def _sentence(sources: Sequence[Driver], reached: Sequence[Driver], language: Language) -> str:
    first, comma = sources[0], word("list", language)

    def named(drivers: Sequence[Driver]) -> str:
        return comma.join(one.reading.goal.name.to(language) for one in drivers)

    groups, still = comma.join(first.groups), comma.join(first.still)
    words = {"names": named(sources), "by": attribute(first.by, language), "groups": groups, "still": still}
    said = [say(_BETTER if first.improved else _WORSE, language, **words)]
    if reached:
        text = _ALSO_BETTER if first.improved else _ALSO_WORSE
        said.append(say(text, language, names=named(reached)))
    actions = [one.reading.goal.settings.action for one in sources]
    written = dict.fromkeys(action.to(language) for action in actions if action is not None)
    if written:
        said.append(say(_ACTION, language, actions=("；" if language == "zh" else "; ").join(written)))
    return ("" if language == "zh" else " ").join(said)


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
    "{names}：在{by}“{groups}”恶化，在“{still}”未检出变化。",
    "{names}: got worse in {groups} ({by}), no change seen in {still}.",
)
_ALSO_BETTER = Text(
    "其所服务的{names}也在同样的客户群有改善。", "So did what it was to serve, in the same groups: {names}."
)
_ALSO_WORSE = Text(
    "其所服务的{names}也在同样的客户群恶化。", "So did what it was to serve, in the same groups: {names}."
)
_ACTION = Text("写明的行动：{actions}。", "Action that was declared: {actions}.")
_HINT = Text(
    "一起变化的目标彼此可能有关：这是线索，不是证明；请结合在这些客户群采取过的行动判断。",
    "Goals that moved together may have to do with each other. That is a hint and no proof: hold it against what was done in these groups.",
)
