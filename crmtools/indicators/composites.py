"""Several answers of one respondent put together: an index of its parts, and what was found less what was expected."""

from typing import Literal

import ibis
import ibis.expr.types as ir

from crmtools.indicators.facts import Periods, latest

Weights = Literal["equal", "stated"]
ROUNDING = 1e-9
"""What is equal by hand must not differ by the last digit of a sum."""


def index_of(
    survey_answers: ir.Table, survey_items: ir.Table, periods: Periods, metric: str, least_answered: float
) -> ir.Table:
    """One row per respondent and period: his last answers, each from 0 to 100 on its own scale, weighted by question.

    What he left out is taken as the mean of what he answered: nothing is borrowed from others, so that the index of a group
    does not hang on who else answered. ``incomplete`` is who answered less than ``least_answered`` of the questions that
    were asked in the period, and everybody where that was a single one: one question is no index.
    """
    items = survey_items.mutate(part=survey_items.weight.fill_null(1.0))
    items = items.filter(
        items.metric == metric,
        items.scale_max > items.scale_min,
        items.part > 0,
        items.direction.isnull() | (items.direction != "bad"),
    ).select("item_id", "scale_min", "scale_max", "part")
    asked = periods.rows(survey_answers, "answered_at").inner_join(items, "item_id")
    asked = asked.mutate(
        off_scale=(asked.value < asked.scale_min) | (asked.value > asked.scale_max), own=asked.weight.fill_null(1.0)
    )
    rows = latest(asked, "answered_at", of=("period", "customer_id", "item_id", "off_scale"))
    rows = rows.mutate(
        points=100 * (rows.value - rows.scale_min) / (rows.scale_max - rows.scale_min),
        excluded=ibis.cases((rows.off_scale, "off_scale"), else_=rows.excluded),
    )
    each = rows.group_by(["period", "customer_id", "excluded"]).aggregate(
        index=(rows.points * rows.part).sum() / rows.part.sum(), weight=rows.own.mean(), records=rows.count()
    )
    each = each.inner_join(asked.group_by("period").aggregate(parts=asked.item_id.nunique()), "period")
    few = (each.records < least_answered * each.parts - ROUNDING) | (each.parts < 2)
    return each.select(
        "period", "customer_id", "weight", "records",
        value=each["index"] * each.weight,
        excluded=ibis.cases((each.excluded.isnull() & few, "incomplete"), else_=each.excluded),
    )  # fmt: skip


def gaps_by_dimension(
    survey_answers: ir.Table, survey_items: ir.Table, periods: Periods, weights: Weights, scale_max: float
) -> ir.Table:
    """One row per respondent, period and dimension: what was found less what was expected, of his last questionnaire.

    Columns ``gap``, ``share`` (the dimension's part of the whole; a respondent's add up to 1), ``own`` (the respondent's
    weight), ``records`` and ``excluded``. ``incomplete`` is who left out a dimension of the questionnaire in one of the
    two roles; ``no_weights`` is who did not say how much each of them matters to him, where that is asked for.
    """
    roles = ("E", "P", "W") if weights == "stated" else ("E", "P")
    items = survey_items.filter(
        survey_items.metric == "servqual",
        survey_items.role.isin(roles),
        survey_items.dimension.notnull(),
        (survey_items.role == "W") | (survey_items.scale_max == scale_max),
    ).select("item_id", "dimension", "role", "scale_min", "scale_max", "direction")
    rows = _last_questionnaire(periods.rows(survey_answers, "answered_at").inner_join(items, "item_id"))
    # the questionnaire of 1988 words half of its dimensions negatively; turned round, a gap keeps its meaning
    turned = (rows.direction == "bad") & (rows.role != "W")
    rows = rows.mutate(
        score=ibis.ifelse(turned.fill_null(False), rows.scale_min + rows.scale_max - rows.value, rows.value)
    )
    each = rows.group_by(["period", "customer_id", "dimension", "excluded"]).aggregate(
        gap=rows.score.mean(where=rows.role == "P") - rows.score.mean(where=rows.role == "E"),
        stated=rows.score.sum(where=rows.role == "W"),
        own=rows.weight.fill_null(1.0).sum(),
        records=rows.count(),
    )
    whole = ibis.window(group_by=["period", "customer_id", "excluded"])
    each = each.mutate(
        paired=each.gap.count().over(whole),
        allotted=each.stated.count().over(whole),
        stated_in_all=each.stated.sum().over(whole),
        own=each.own.sum().over(whole) / each.records.sum().over(whole),
    )
    # what was asked in the period: a questionnaire that grows later leaves the past as it was
    asked = rows.group_by("period").aggregate(dimensions=rows.dimension.nunique(where=rows.role != "W"))
    each = each.inner_join(asked, "period")
    if weights == "stated":
        unweighted = (each.allotted < each.dimensions) | (each.stated_in_all <= 0)
        share = each.stated / each.stated_in_all.nullif(0)
    else:
        unweighted, share = ibis.literal(False), 1 / each.dimensions.nullif(0)
    return each.select(
        "period", "customer_id", "dimension", "gap", "own", "records",
        share=share,
        excluded=ibis.cases(
            (each.excluded.notnull(), each.excluded),
            (each.paired < each.dimensions, "incomplete"),
            (unweighted, "no_weights"),
            else_=ibis.null("string"),
        ),
    )  # fmt: skip


def _last_questionnaire(asked: ir.Table) -> ir.Table:
    """Mark what is not part of a customer's last questionnaire in the period: expected and found belong together."""
    asked = asked.mutate(off_scale=(asked.value < asked.scale_min) | (asked.value > asked.scale_max))
    filled_in = ibis.window(group_by=["period", "customer_id", "response_id", "off_scale"])
    asked = asked.mutate(ended=asked.answered_at.max().over(filled_in))
    last = asked.ended.max().over(ibis.window(group_by=["period", "customer_id", "off_scale"]))
    asked = asked.mutate(earlier=asked.ended < last)
    return asked.mutate(
        excluded=ibis.cases(
            (asked.off_scale, "off_scale"), (asked.earlier, "earlier_answer"), else_=ibis.null("string")
        )
    )
