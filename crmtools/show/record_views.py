"""The track record: when it was said that something is likely, how often did it come true?"""

from html import escape

from crmtools import formats
from crmtools.goals.backtest import SAID_OFTEN, Backtest, Bin
from crmtools.show.blocks import figure_cell, grid, lead, note
from crmtools.show.chart import Series, Span, Tick, line_chart
from crmtools.show.display import Display, tag
from crmtools.show.sentences import say
from crmtools.show.trends import figure
from crmtools.words import Language, Text

EXAMPLE = 0.7
ALIKE = 0.02
"""A skill smaller than this is none."""
SHARES = Span(0.0, 1.0, (0.0, 0.25, 0.5, 0.75, 1.0), 0.25)
MANY = 1000


def track_record(backtest: Backtest, *, language: Language) -> Display:
    """What was stated against what came: the sentence, the scores in words, the figure, and the table behind a fold.

    Parameters
    ----------
    backtest
        What :func:`crmtools.track_record` returned.

    Returns
    -------
    Display
        One sentence with the reason where there is too little past.
    """
    plain = result(backtest)
    if backtest.why is not None:
        said = say(_NOTHING, language, why=backtest.why.to(language))
        return Display(note(said).html, said, plain)
    first = sentence(backtest, language)
    rest = [_brier(backtest, language), _skill(backtest.skill_over_last_value, _LAST, language),
            _skill(backtest.skill_over_coin, _COIN, language)]  # fmt: skip
    answer = lead(first, *rest, language=language)
    dates = say(
        _DATES,
        language,
        dates=formats.number(backtest.origins, language),
        cases=formats.number(len(backtest.cases), language),
    )
    picture = figure(_reliability(backtest, language), _TITLE.to(language), _KEY.to(language))
    folded = tag("details", tag("summary", escape(_FOLD.to(language))) + _table(backtest, language))
    html = answer.html + picture + tag("p", escape(dates), class_="crm-note") + folded
    rows = [_line(one, language) for one in backtest.reliability if one.count]
    return Display(html, "\n".join([answer.text, dates, *rows]), plain)


def result(backtest: Backtest) -> dict[str, object]:
    """The record as plain values, without its single cases."""
    return {
        "kind": "track_record",
        "origins": backtest.origins,
        "cases": len(backtest.cases),
        "brier": backtest.brier,
        "skill_over_last_value": backtest.skill_over_last_value,
        "skill_over_coin": backtest.skill_over_coin,
        "reliability": [
            {"low": b.low, "high": b.high, "count": b.count, "stated": b.stated, "observed": b.observed}
            for b in backtest.reliability
        ],
        "why": None if backtest.why is None else backtest.why.en,
    }


def sentence(backtest: Backtest, language: Language) -> str:
    """When about 70 % was said, how often it happened."""
    stated, came = backtest.near(EXAMPLE)
    words = {
        "said": formats.percent(EXAMPLE, language, 0),
        "n": formats.number(stated, language),
        "x": formats.number(came, language),
    }
    if stated < SAID_OFTEN:
        return say(_SELDOM, language, **words)
    return say(_CAME, language, share=formats.percent(came / stated, language, 0), **words)


def _brier(backtest: Backtest, language: Language) -> str:
    return say(_BRIER, language, score=formats.number(backtest.brier, language, 2))


def _skill(skill: float | None, rule: Text, language: Language) -> str:
    """A skill in words: how much smaller the error is than that of a simple rule."""
    if skill is None:
        return ""
    text = _ALIKE if abs(skill) < ALIKE else _LESS if skill > 0 else _MORE
    return say(text, language, share=formats.percent(abs(skill), language, 0), rule=rule.to(language))


def _reliability(backtest: Backtest, language: Language) -> str:
    """Observed against stated by tenths; the dotted line is what was stated."""
    bins = backtest.reliability
    line = Series([b.observed for b in bins], words=[_line(b, language) if b.count else "" for b in bins])
    ticks = [Tick(_middle(b, language), _short(b.count, language)) for b in bins]
    return line_chart(
        [line], ticks, SHARES, written=lambda value: formats.percent(value, language, 0), path=[b.stated for b in bins],
        alt=" ".join([_TITLE.to(language), *(_line(b, language) for b in bins if b.count)]),
    )  # fmt: skip


def _middle(one: Bin, language: Language) -> str:
    """A tenth by its middle, without the sign: ten labels must fit on a phone."""
    return formats.number(round(50 * (one.low + one.high)), language)


def _short(count: int, language: Language) -> str:
    if count < MANY:
        return str(count)
    return f"{count / MANY:.0f}k" if count >= 10 * MANY else f"{count / MANY:.1f}k"


def _line(one: Bin, language: Language) -> str:
    return say(
        _ROW, language, range=_range(one, language), n=formats.number(one.count, language),
        stated=formats.percent(one.stated, language, 0), observed=formats.percent(one.observed, language, 0),
    )  # fmt: skip


def _range(one: Bin, language: Language) -> str:
    return f"{formats.number(round(100 * one.low), language)}–{formats.percent(one.high, language, 0)}"


def _table(backtest: Backtest, language: Language) -> str:
    heads = [text.to(language) for text in _HEADS]
    rows = [
        [
            tag("th", escape(_range(one, language)), scope="row", style="font-weight:400"),
            figure_cell(formats.number(one.count, language)),
            figure_cell(formats.percent(one.stated, language, 0)),
            figure_cell(formats.percent(one.observed, language, 0)),
        ]
        for one in backtest.reliability
    ]
    return grid(heads, rows)


_NOTHING = Text("尚无预测记录：{why}。", "There is no track record yet: {why}.")
_CAME = Text(
    "回测中给出约 {said} 的可能性时，{n} 次中有 {x} 次达成（{share}）。",
    "When this report's method said {said}, it happened {x} of {n} times ({share}).",
)
_SELDOM = Text(
    "约 {said} 的可能性只给出过 {n} 次，无法检验。",
    "A chance of about {said} was stated only {n} times: too seldom to check it.",
)
_BRIER = Text(
    "Brier 分数为 {score}（0 为完美；若一律说“五成”，则为 0.25）。",
    "The Brier score is {score} (0 is perfect; always saying one half gives 0.25).",
)
_LESS = Text("误差比{rule}的做法小 {share}。", "Its error is {share} smaller than that of {rule}.")
_MORE = Text("误差比{rule}的做法大 {share}。", "Its error is {share} larger than that of {rule}.")
_ALIKE = Text("误差与{rule}的做法相当。", "Its error is about that of {rule}.")
_LAST = Text("只看最近一期", "going by the last value")
_COIN = Text("只看以往达成频率", "going by how often such targets were attained before")
_DATES = Text(
    "共 {dates} 个预测时点、{cases} 个判断；同一指标的判断相互重叠，并非各自独立。",
    "{cases} statements on {dates} dates of forecasts; those on one indicator overlap and are not independent.",
)
_TITLE = Text("给出的可能性与实际达成的比例", "What was stated, and how often it happened")
_KEY = Text(
    "横轴：给出的可能性（%），下方为判断次数；实线：实际达成的比例；点线：给出的平均值。两线越近越可信。",
    "Across: the stated chance in per cent, below it how many statements; line: the share that happened; dotted: what was "
    "stated. The closer the two, the better.",
)
_FOLD = Text("逐档数字", "The figures by tenths")
_HEADS = (
    Text("给出的可能性", "Stated chance"),
    Text("次数", "Statements"),
    Text("平均给出", "Mean stated"),
    Text("实际达成", "Happened"),
)
_ROW = Text(
    "{range}：{n} 次，平均 {stated}，实际 {observed}",
    "{range}: {n} statements, {stated} on average, {observed} happened",
)
