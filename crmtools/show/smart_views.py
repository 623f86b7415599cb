"""The chapter SMART: goals by letters, what failed with its remedy, and each goal as it would pass."""

from collections.abc import Sequence
from html import escape

from crmtools.goals.smart import REACH, Smart
from crmtools.goals.smart_checks import LETTERS, Check
from crmtools.show.blocks import bullets, grid, named, note
from crmtools.show.display import Display, tag
from crmtools.show.evidence_words import chance_words
from crmtools.show.look import Tone
from crmtools.show.sentences import say
from crmtools.words import Language, Text, word

MARKS: dict[bool | None, tuple[str, Text, Tone]] = {
    True: ("✔", Text("是", "yes"), "good"),
    False: ("✖", Text("否", "no"), "risk"),
    None: ("?", Text("未知", "open"), "none"),
}
"""Each answer has its icon and its word beside the colour."""


def smart(found: Sequence[Smart], *, language: Language) -> Display:
    """A grid of goals by letters, and below it what each goal lacks, how far away it is, and how it would pass.

    Parameters
    ----------
    found
        What :func:`crmtools.smart_goals` returned.
    """
    if not found:
        return note(_NO_GOALS.to(language))
    parts = [_goal(one, language) for one in found]
    lines = [_line(one, language) for one in found]
    html = _grid(found, language) + tag("p", escape(_KEY.to(language)), class_="crm-note") + "".join(parts)
    return Display(html, "\n".join(lines), {"kind": "smart", "goals": [record(one, language) for one in found]})


def record(one: Smart, language: Language) -> dict[str, object]:
    """The checks of a goal as plain values."""
    return {
        "goal": one.goal.id,
        "name": one.goal.name.to(language),
        "letters": {letter: one.passes(letter) for letter in LETTERS},
        "reach": one.reach,
        "chance": one.chance,
        "detectable": one.detectable,
        "needed": one.needed,
        "rewritten": None if one.rewritten is None else one.rewritten.to(language),
        "revised": None if one.revised is None else one.revised.to(language),
        "checks": [
            {
                "letter": check.letter,
                "check": check.key,
                "name": check.name.to(language),
                "passed": check.passed,
                "found": check.found.to(language),
                "asked": check.asked.to(language),
                "remedy": None if check.remedy is None else check.remedy.to(language),
            }
            for check in one.checks
        ],
    }


def mark(passed: bool | None, language: Language) -> str:
    """An answer as icon, word and colour."""
    icon, text, tone = MARKS[passed]
    # narrower than other chips: five of them stand in a row on a phone
    return tag("span", f"{icon} {text.to(language)}", class_=f"crm-chip {tone}", style="padding:.05rem .38rem")


def how_many(one: Smart, language: Language) -> str:
    """How many letters it passes."""
    return say(_OF_FIVE, language, n=one.letters, of=len(LETTERS))


def reached(one: Smart, language: Language) -> str:
    """How far away the target is, with the chance of getting there without doing anything."""
    said = REACH[one.reach].to(language)
    if one.chance is None:
        return say(_REACH, language, reach=said)
    return say(_REACH_CHANCE, language, reach=said, chance=chance_words(one.chance, language))


def tables(found: Sequence[Smart], language: Language) -> list[tuple[str, list[list[str]]]]:
    """For a terminal: the grid, then what failed in each goal; titles with the rows below them."""
    heads = [word("goal", language), *LETTERS, _PASSED.to(language)]
    rows = [
        [
            one.goal.name.to(language),
            *(MARKS[one.passes(letter)][0] for letter in LETTERS),
            f"{one.letters} / {len(LETTERS)}",
        ]
        for one in found
    ]
    legend = ", ".join(f"{letter} {text.to(language)}" for letter, text in LETTERS.items())
    made = [(legend, [heads, *rows])] if found else [(_NO_GOALS.to(language), [])]
    for one in found:
        lines = [
            [
                check.letter,
                check.name.to(language),
                check.found.to(language),
                check.asked.to(language),
                check.remedy.to(language) if check.remedy else "",
            ]
            for check in one.checks
            if check.passed is False
        ]
        title = f"{one.goal.name.to(language)}{word('colon', language)}{reached(one, language)}"
        said = [] if one.rewritten is None else [[f"{_PROPOSAL.to(language)}{one.rewritten.to(language)}"]]
        said += [] if one.revised is None else [[one.revised.to(language)]]
        made += [(title, lines), ("", said)] if lines else [(title, said)]
    return [(title, rows) for title, rows in made if title or rows]


def _grid(found: Sequence[Smart], language: Language) -> str:
    """Goals by letters. Narrow pages show the letters without their words, so that all five have room."""
    heads = tag("th", escape(word("goal", language)), scope="col")
    for letter, text in LETTERS.items():
        words = tag("span", escape(f"{text.to(language)}"), class_="crm-wide", style="font-weight:400")
        heads += tag("th", f"{letter} {words}", scope="col", style=_TIGHT, title=text.to(language))
    heads += tag("th", escape(_PASSED.to(language)), scope="col", class_="num crm-wide")
    rows = "".join(_grid_row(one, language) for one in found)
    table = tag("table", tag("thead", tag("tr", heads)) + tag("tbody", rows), class_="crm-table")
    return tag("div", table, class_="crm-scroll")


def _grid_row(one: Smart, language: Language) -> str:
    marks = (tag("td", mark(one.passes(letter), language), style=_TIGHT) for letter in LETTERS)
    name = tag(
        "th", escape(one.goal.name.to(language)), scope="row", style="font-weight:400;min-width:5em;padding-right:0"
    )
    return tag("tr", name + "".join(marks) + tag("td", f"{one.letters} / {len(LETTERS)}", class_="num crm-wide"))


def _goal(one: Smart, language: Language) -> str:
    """One goal below the grid."""
    title = f"{one.goal.name.to(language)}{word('colon', language)}{how_many(one, language)}"
    parts = [
        tag("p", escape(title), class_="crm-title", style="margin-top:1.4rem"),
        tag("p", escape(reached(one, language))),
    ]
    if failed := [check for check in one.checks if check.passed is False]:
        before = [None, *(check.remedy for check in failed)]
        items = [_failed(check, language, again=check.remedy == last) for check, last in zip(failed, before)]
        parts.append(bullets(items))
    if one.rewritten is not None:
        words = tag("b", escape(_PROPOSAL.to(language))) + escape(one.rewritten.to(language))
        parts.append(tag("p", words))
    if one.revised is not None:
        parts.append(note(one.revised.to(language)).html)
    parts.append(tag("details", tag("summary", escape(_ALL.to(language))) + _all(one, language)))
    return tag("section", "".join(parts))


def _failed(check: Check, language: Language, *, again: bool) -> str:
    """A question that failed: figure, threshold, and the remedy unless the one before has the same."""
    said = say(_FAILED, language, found=check.found.to(language), asked=check.asked.to(language))
    remedy = ""
    if check.remedy is not None and not again:
        words = say(_REMEDY, language, remedy=check.remedy.to(language))
        remedy = tag("small", escape(words), style="display:block")
    letter = LETTERS[check.letter].to(language)
    return (
        tag("b", escape(f"{letter} · {check.name.to(language)}")) + escape(f"{word('colon', language)}{said}") + remedy
    )


def _all(one: Smart, language: Language) -> str:
    heads = [text.to(language) for text in _HEADS]
    rows = [
        [
            named(check.name.to(language), LETTERS[check.letter].to(language)),
            tag("td", mark(check.passed, language), style="white-space:nowrap"),
            tag("td", escape(check.found.to(language)), style="min-width:7em"),
            tag("td", escape(check.asked.to(language)), style="min-width:7em"),
        ]
        for check in one.checks
    ]
    return grid(heads, rows, left=len(heads))


def _line(one: Smart, language: Language) -> str:
    """One goal for a terminal."""
    said = f"{one.goal.name.to(language)}{word('colon', language)}{how_many(one, language)}"
    more = [text.to(language) for text in (one.rewritten, one.revised) if text is not None]
    return " ".join([f"{said} · {reached(one, language)}", *more])


_TIGHT = "white-space:nowrap;padding:.35rem .12rem"
_NO_GOALS = Text("参数文件中没有设定目标。", "The parameters file names no goals.")
_KEY = Text(
    "依据目标开始前一天已知的数据；某一字母下没有未通过的检查即为“是”，全部无法回答则为“未知”。",
    "By what was known on the day before a goal starts. A letter is passed where none of its questions failed, and open where the data can answer none of them.",
)
_PASSED = Text("通过", "Passed")
_OF_FIVE = Text("五项中通过 {n} 项", "{n} of {of} letters passed")
_REACH = Text("难度：{reach}。", "Reach: {reach}.")
_REACH_CHANCE = Text(
    "难度：{reach}（不采取新行动时达成的可能性：{chance}）。",
    "Reach: {reach} (chance if nothing new is done: {chance}).",
)
_FAILED = Text("{found}（要求：{asked}）。", "{found}; asked for: {asked}.")
_REMEDY = Text("→ {remedy}", "→ {remedy}")
_PROPOSAL = Text("改写建议：", "Rewritten: ")
_ALL = Text("全部检查", "All questions")
_HEADS = (Text("检查", "Question"), Text("通过", "Passed"), Text("现状", "Found"), Text("要求", "Asked for"))
