"""The plan status: the classic traffic light of goal tracking, on the value alone.

It is what managers know from their tools. What the data can say is the evidence status (:mod:`crmtools.goals.evidence`), which
stands beside it.
"""

from typing import Literal

from crmtools.words import Text

PlanStatus = Literal["reached", "on_track", "behind", "at_risk", "missed", "not_started", "no_evidence"]

STATUS: dict[PlanStatus, Text] = {
    "reached": Text("已达到目标值", "Reached"),
    "on_track": Text("进展正常", "On track"),
    "behind": Text("落后于计划", "Behind plan"),
    "at_risk": Text("存在风险", "At risk"),
    "missed": Text("未达成", "Missed"),
    "not_started": Text("尚未开始", "Not started"),
    "no_evidence": Text("数据不足", "No evidence"),
}
BEHIND, AT_RISK = 0.165, 0.33
"""Shares of the way by which progress may lag the plan before it is called behind, and at risk: the thresholds that
goal-tracking tools show by default."""


def held_status(gap: float, elapsed: float, *, over: bool) -> PlanStatus:
    """The status of a goal whose target was reached when it began: to stay there is all it asks."""
    if gap <= 0:
        return "reached"
    return "missed" if over else "not_started" if elapsed <= 0 else "at_risk"


def plan_status(progress: float, covered: float | None, *, elapsed: float, over: bool) -> PlanStatus:
    """Progress against the part of the way that the plan has covered; None where the path cannot be told."""
    if progress >= 1:
        return "reached"
    if over:
        return "missed"
    if elapsed <= 0:
        return "not_started"
    if covered is None:
        return "no_evidence"
    lag = covered - progress
    return "on_track" if lag < BEHIND else "behind" if lag < AT_RISK else "at_risk"
