"""A change between two periods, for those who ask for one outside of a goal."""

from crmtools import formats
from crmtools.goals.change import VERDICTS, Change
from crmtools.indicators.catalogue import find
from crmtools.show.blocks import figure_cell, grid, named
from crmtools.show.display import Display
from crmtools.words import Language, Text, word


def change(made: Change, *, language: Language, currency: str = "") -> Display:
    """The two values, what lies between them with its interval, the verdict, the test, and what could have been seen."""
    unit, given = find(made.now.indicator).unit, made.now.currency or currency
    ends = [
        formats.quantity(one.value, unit, language, given) if one.value is not None else formats.MISSING
        for one in (made.baseline, made.now)
    ]
    spans = [one.period.label(language) for one in (made.baseline, made.now)]
    rows = [(_FROM_TO.to(language), f"{ends[0]} → {ends[1]}", f"{spans[0]} → {spans[1]}")]
    if made.difference is not None:
        sizes = [made.difference, made.low, made.high]
        moved, *limits = [formats.difference(one, unit, language, given) for one in sizes if one is not None]
        between = f"{limits[0]} {word('to', language)} {limits[1]}" if limits else ""
        rows.append((_MOVED.to(language), moved, between))
    verdict = VERDICTS[made.verdict].to(language)
    rows.append((_VERDICT.to(language), verdict, made.why.to(language) if made.why else ""))
    if made.p is not None:
        p = "< 0.001" if made.p < 0.001 else formats.number(made.p, language, 3)
        rows.append(("p", p, made.how.to(language)))
    if made.detectable is not None:
        least = formats.difference(made.detectable, unit, language, given, signed=False)
        rows.append((_DETECTABLE.to(language), least, _FOUR_IN_FIVE.to(language)))
    cells = [
        [named(name), figure_cell(value, wrap=True), figure_cell(around, wrap=True)] for name, value, around in rows
    ]
    text = "\n".join(
        f"{name}{word('colon', language)}{value}" + (f"{word('comma', language)}{around}" if around else "")
        for name, value, around in rows
    )
    return Display(grid(("", word("value", language), ""), cells), text)


_FROM_TO, _MOVED = Text("数值", "Value"), Text("变化", "Change")
_DETECTABLE = Text("可检出的最小变化", "Smallest change to be seen")
_FOUR_IN_FIVE = Text("以该样本量五次中有四次能检出", "seen in four of five such samples")
_VERDICT = Text("变化的判断", "The change is judged as")
