"""Whether customers answer when asked, and are answered when they speak."""

import ibis.expr.types as ir

from crmtools.indicators.catalogue import indicator
from crmtools.indicators.facts import Periods
from crmtools.indicators.kinds import Share
from crmtools.words import Text


@indicator(
    name=Text("调查回收率", "Survey response rate"),
    meaning=Text("已送达的问卷邀请中得到答复的占比。", "Share of the delivered survey invitations that were answered."),
    kind=Share(), unit="percent", better="higher", owner="customer_success", source="aapor2023",
    formula=r"\frac{\#\{j : r_j\}}{\#\{j\}}",
    uses={"survey_invites": ("customer_id", "sent_at", "responded_at", "delivered?")},
    caveat=Text("近期发出的邀请可能仍会得到答复。", "Invitations sent lately may still be answered."),
)  # fmt: skip
def survey_response_rate(survey_invites: ir.Table, periods: Periods) -> ir.Table:
    """One row per delivered invitation: whether it was answered."""
    rows = periods.rows(survey_invites.filter(survey_invites.delivered.fill_null(True)), "sent_at")
    return rows.select("period", "customer_id", value=rows.responded_at.notnull().cast("float64"))
