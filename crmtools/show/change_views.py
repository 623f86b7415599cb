"""A difference, between two periods or between two groups, for those who ask for one outside of a goal."""

from collections.abc import Sequence

from crmtools import formats
from crmtools.estimate import Estimate
from crmtools.estimating import AND
from crmtools.goals import contrasted
from crmtools.goals.change import VERDICTS, Change
from crmtools.goals.contrasted import Contrast
from crmtools.indicators.catalogue import find
from crmtools.show import sentences
from crmtools.show.blocks import figure_cell, grid, named
from crmtools.show.display import Display
from crmtools.words import Language, Text, word

Row = tuple[str, str, str]


def change(made: Change, *, language: Language, currency: str = "") -> Display:
    """The two values, what lies between them with its interval, the verdict, the test, and what could have been seen."""
    spans = [one.period.label(language) for one in (made.baseline, made.now)]
    ends = _values((made.baseline, made.now), language, currency)
    rows = [
        (_FROM_TO.to(language), f"{ends[0]} → {ends[1]}", f"{spans[0]} → {spans[1]}"),
        *_between(made, made.now, _MOVED, language, currency),
        (_VERDICT.to(language), VERDICTS[made.verdict].to(language), made.why.to(language) if made.why else ""),
        *_tested(made, made.now, _DETECTABLE, language, currency),
    ]
    return _table(rows, language)


def contrast(made: Contrast, *, language: Language, currency: str = "") -> Display:
    """The two groups' values, what lies between them with its interval, the verdict, the test, and what could have been seen."""
    ends = _values((made.one, made.other), language, currency)
    rows = [
        *((_group(each, language), value, _n(each, language)) for each, value in zip((made.one, made.other), ends)),
        *_between(made, made.one, _DIFFERENCE, language, currency),
        (
            _JUDGED.to(language),
            contrasted.VERDICTS[made.verdict].to(language),
            made.why.to(language) if made.why else "",
        ),
        *_tested(made, made.one, _SMALLEST, language, currency),
    ]
    return _table(rows, language)


def _values(estimates: Sequence[Estimate], language: Language, currency: str) -> list[str]:
    return [
        formats.quantity(one.value, find(one.indicator).unit, language, one.currency or currency)
        if one.value is not None
        else formats.MISSING
        for one in estimates
    ]


def _group(estimate: Estimate, language: Language) -> str:
    values = [value for _, joined in estimate.group for value in joined.split(AND)]
    return word("list", language).join(sentences.group(value, language) for value in values)


def _n(estimate: Estimate, language: Language) -> str:
    return f"n = {formats.number(estimate.n, language)}" if estimate.value is not None else ""


def _between(made: Change | Contrast, of: Estimate, name: Text, language: Language, currency: str) -> list[Row]:
    """The difference with its limits, where there is one."""
    if made.difference is None:
        return []
    unit, given = find(of.indicator).unit, of.currency or currency
    sizes = [made.difference, made.low, made.high]
    moved, *limits = [formats.difference(one, unit, language, given) for one in sizes if one is not None]
    return [(name.to(language), moved, f"{limits[0]} {word('to', language)} {limits[1]}" if limits else "")]


def _tested(made: Change | Contrast, of: Estimate, name: Text, language: Language, currency: str) -> list[Row]:
    """The test, and the smallest difference that it finds."""
    rows = []
    if made.p is not None:
        p = "< 0.001" if made.p < 0.001 else formats.number(made.p, language, 3)
        rows.append(("p", p, word("semicolon", language).join([made.how.to(language), _ALONE.to(language)])))
    if made.detectable is not None:
        unit, given = find(of.indicator).unit, of.currency or currency
        least = formats.difference(made.detectable, unit, language, given, signed=False)
        rows.append((name.to(language), least, _FOUR_IN_FIVE.to(language)))
    return rows


def _table(rows: Sequence[Row], language: Language) -> Display:
    cells = [
        [named(name), figure_cell(value, wrap=True), figure_cell(around, wrap=True)] for name, value, around in rows
    ]
    text = "\n".join(
        f"{name}{word('colon', language)}{value}" + (f"{word('comma', language)}{around}" if around else "")
        for name, value, around in rows
    )
    return Display(grid(("", word("value", language), ""), cells), text)


_FROM_TO, _MOVED, _DIFFERENCE = Text("数值", "Value"), Text("变化", "Change"), Text("差异", "Difference")
_DETECTABLE = Text("可检出的最小变化", "Smallest change to be seen")
_ALONE = Text(
    "仅就这一次比较而言，报告则把所有比较一并判断",
    "of this comparison alone: a report judges all of its comparisons together",
)
_SMALLEST = Text("可检出的最小差异", "Smallest difference to be seen")
_FOUR_IN_FIVE = Text("以该样本量五次中有四次能检出", "seen in four of five such samples")
_VERDICT = Text("变化的判断", "The change is judged as")
_JUDGED = Text("前者与后者相比", "The first, against the second")
