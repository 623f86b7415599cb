"""Which display a result has when a notebook cell ends with it: that of the book, where the book shows such a thing.

A class stands here by its name and its nearest parent counts. What the book has no page for, a summary of customers or a count of rows, is shown as a
table of what it holds.
"""

from collections.abc import Callable
from dataclasses import dataclass, fields, is_dataclass, replace
from datetime import date
from html import escape
from types import SimpleNamespace
from typing import Any

import pandas as pd

from crmtools import formats, shown
from crmtools.goals.change import VERDICTS
from crmtools.goals.evidence import EVIDENCE
from crmtools.goals.reading import Scorecard
from crmtools.period import Period
from crmtools.settings import Publish, Report
from crmtools.show.blocks import figure_cell, grid, named
from crmtools.show.card_views import card
from crmtools.show.change_views import change, contrast
from crmtools.show.cohort_maps import cohort_map
from crmtools.show.cohort_views import cohort_answer
from crmtools.show.display import Display, joined, tag
from crmtools.show.driver_views import drivers
from crmtools.show.goal_answers import judged_rows
from crmtools.show.goal_part_views import goal_parts
from crmtools.show.goal_words import verdict_of
from crmtools.show.groups import breakdown_table
from crmtools.show.lifetime_checks import lifetime_check
from crmtools.show.lifetime_fit import purchase_model, spend_model
from crmtools.show.lifetime_models import lifetime_choice, lifetime_trust
from crmtools.show.lifetime_views import lifetime_value
from crmtools.show.product_waterfalls import product_waterfall
from crmtools.show.quality import door
from crmtools.show.record_views import track_record
from crmtools.show.rfm_move_views import rfm_moves
from crmtools.show.rfm_views import rfm_answer, rfm_segments
from crmtools.show.score_views import scores
from crmtools.show.scorecards import scorecard
from crmtools.show.smart_views import smart
from crmtools.show.stress_views import stress
from crmtools.show.tables import table
from crmtools.show.trends import trend
from crmtools.show.waterfall import gap_waterfall
from crmtools.words import Language, Text, word

View = Callable[[Any, "About", Language], Display]
ROWS = 20


@dataclass(frozen=True, slots=True)
class About:
    """What a display asks of the data that a result came from, as far as the result does not say it itself."""

    currency: str
    settings: Any
    as_of: date | None = None


def display_of(thing: object, language: Language) -> Display:
    """The display of a result."""
    currency, smallest = shown.terms()
    publish = Publish(smallest_group=smallest) if smallest else Publish()
    about = About(currency, SimpleNamespace(publish=publish), getattr(thing, "as_of", None))
    for one in type(thing).__mro__:
        if view := VIEWS.get(f"{one.__module__}.{one.__qualname__}".removeprefix("crmtools.")):
            return view(thing, about, language)
    return held(thing, about, language)


def held(thing: object, about: About, language: Language) -> Display:
    """What a record holds, a line for each field; frames as tables below."""
    if isinstance(frame := getattr(thing, "frame", None), pd.DataFrame):
        return table(frame, language=language, currency=about.currency, rows=ROWS)
    own = [(one.name, getattr(thing, one.name)) for one in fields(thing)] if is_dataclass(thing) else []
    rows = [(name, _said(value, language)) for name, value in own if not isinstance(value, pd.DataFrame)]
    plain = grid(("", ""), [[named(name), figure_cell(value, wrap=True)] for name, value in rows])
    text = "\n".join(f"{name} {value}" for name, value in rows)
    frames = [
        table(value, language=language, currency=about.currency, rows=ROWS)
        for _, value in own
        if isinstance(value, pd.DataFrame)
    ]
    return joined(Display(plain, text), *frames) if rows else joined(*frames)


def _said(value: object, language: Language) -> str:
    if isinstance(value, Text):
        return value.to(language)
    if isinstance(value, Period):
        return value.label(language)
    if isinstance(value, date):
        return formats.day(value, language)
    if isinstance(value, float | int) and not isinstance(value, bool):
        return formats.number(value, language, 0 if isinstance(value, int) else 3)
    if isinstance(value, tuple | list | dict):
        return formats.number(len(value), language)
    return formats.MISSING if value is None else str(value)


def _sentence(text: str) -> Display:
    return Display(tag("p", escape(text)), text)


def _breakdown(thing: Any, about: About, language: Language) -> Display:
    # the total that the book draws belongs to another question
    return breakdown_table(thing, language=language, currency=about.currency)


def _readings(thing: Scorecard, language: Language) -> Display:
    """The goals by the plan; a reading does not know the data that it would be judged by."""
    found = scorecard(thing, language=language)
    if not len(thing):
        return found
    note = _BY_THE_PLAN.to(language)
    return replace(found, html=f"{found.html}{tag('p', escape(note), class_='crm-note')}", text=f"{found.text}\n{note}")


def _judgement(thing: Any, about: About, language: Language) -> Display:
    # the goal itself is the reading's: crm.show.goal_answer(reading, judgement) has both
    alone: Any = SimpleNamespace(goal=SimpleNamespace(indicator=thing.past.indicator))
    rows = [(_EVIDENCE.to(language), "", EVIDENCE[thing.evidence].to(language), "")]
    if thing.why is not None:
        rows[0] = (*rows[0][:3], thing.why.to(language))
    rows += judged_rows(alone, thing, language, about.currency)
    if (verdict := verdict_of(thing)) is not None:
        why = thing.verdict_why or thing.change.why
        rows.append((_VERDICT.to(language), "", VERDICTS[verdict].to(language), why.to(language) if why else ""))
    cells = [
        [named(name, below), figure_cell(value, wrap=True), figure_cell(around, wrap=True)]
        for name, below, value, around in rows
    ]
    text = "\n".join(f"{name}{word('colon', language)}{value} {around}".rstrip() for name, _, value, around in rows)
    found = Display(grid(("", word("value", language), ""), cells), text)
    return joined(found, trend(thing.past, language=language))


_BY_THE_PLAN = Text(
    '以上为计划状态，只比较数值与计划。数据能说明什么、达成的可能性有多大：crm.judge("目标的 id", data)，全部目标用 crm.judgements(scorecard, data)。',
    "These are plan statuses: each value alone against its plan. What the data can say, and how likely each goal is: "
    'crm.judge("ID", data), or crm.judgements(scorecard, data) for all.',
)
_EVIDENCE, _VERDICT = Text("数据所示", "Evidence"), Text("变化的判断", "The change is judged as")


def _cohorts(thing: Any, about: Any, language: Language) -> Display:
    smallest = about.settings.publish.smallest_group
    return joined(
        cohort_answer(thing, language=language, smallest_group=smallest),
        cohort_map(thing, about, language=language),
    )


def _rfm(thing: Any, about: Any, language: Language) -> Display:
    return joined(rfm_answer(thing, about, language=language), rfm_segments(thing, about, language=language))


def _rfm_study(thing: Any, about: Any, language: Language) -> Display:
    return joined(_rfm(thing.now, about, language), rfm_moves(thing, about, language=language))


def _moves(thing: Any, about: Any, language: Language) -> Display:
    level = Report.model_fields["confidence"].default
    alone: Any = SimpleNamespace(moves=thing, totals_known=True, level=level)
    return rfm_moves(alone, about, language=language)


def _model(thing: Any, about: Any, language: Language) -> Display:
    return purchase_model(SimpleNamespace(limits=None, opinion=None), thing, language)  # type: ignore[arg-type]


def _comparison(thing: Any, about: Any, language: Language) -> Display:
    n = int(next(iter(thing.fits.values())).n)
    alone = SimpleNamespace(why=None, comparison=thing, model=None, split=SimpleNamespace(calibration=range(n)))
    return lifetime_choice(alone, language=language)  # type: ignore[arg-type]


def _value(thing: Any, about: Any, language: Language) -> Display:
    return lifetime_value(SimpleNamespace(why=None, value=thing), about, language=language)  # type: ignore[arg-type]


def _check(thing: Any, about: Any, language: Language) -> Display:
    alone, smallest = SimpleNamespace(why=None, check=thing, split=None), about.settings.publish.smallest_group
    made = lifetime_check(alone, language=language, smallest_group=smallest)  # type: ignore[arg-type]
    return Display(
        made.html, made.text.partition("\n")[2], made.result
    )  # its first line is about dates, which are not here


def _lifetime_study(thing: Any, about: Any, language: Language) -> Display:
    return joined(
        lifetime_trust(thing, language=language),
        lifetime_choice(thing, language=language),
    )


VIEWS: dict[str, View] = {
    "estimate.Estimate": lambda one, about, language: card(one, language=language),
    "measuring.Trend": lambda one, about, language: trend(one, language=language),
    "measuring.Breakdown": _breakdown,
    "stressing.Stress": lambda one, about, language: stress(one, language=language),
    "goals.reading.Reading": lambda one, about, language: _readings(Scorecard((one,)), language),
    "goals.reading.Scorecard": lambda one, about, language: _readings(one, language),
    "goals.change.Change": lambda one, about, language: change(one, language=language, currency=about.currency),
    "goals.contrasted.Contrast": lambda one, about, language: contrast(one, language=language, currency=about.currency),
    "goals.judgement.Judgement": _judgement,
    "goals.parts.Parts": lambda one, about, language: goal_parts(one, language=language),
    "goals.terms.Decomposition": lambda one, about, language: gap_waterfall(one, language=language),
    "goals.factors.Product": lambda one, about, language: product_waterfall(one, language=language),
    "goals.drivers.Driver": lambda one, about, language: drivers((one,), language=language),
    "goals.scores.Scores": lambda one, about, language: scores(one, language=language),
    "goals.smart.Smart": lambda one, about, language: smart((one,), language=language),
    "goals.backtest.Backtest": lambda one, about, language: track_record(one, language=language),
    "cohorts.Cohorts": _cohorts,
    "rfm.scores.Rfm": _rfm,
    "rfm.moves.Moves": _moves,
    "rfm.study.Study": _rfm_study,
    "lifetime.model.PurchaseModel": _model,
    "lifetime.gamma_gamma.GammaGamma": lambda one, about, language: spend_model(one, language),
    "lifetime.compare.Comparison": _comparison,
    "lifetime.evaluate.HoldoutCheck": _check,
    "lifetime.value.CustomerValue": _value,
    "lifetime.study.Study": _lifetime_study,
    "tables.source.Data": lambda one, about, language: door(one, language=language),
    "period.Period": lambda one, about, language: _sentence(one.label(language)),
    "words.Text": lambda one, about, language: _sentence(one.to(language)),
}
