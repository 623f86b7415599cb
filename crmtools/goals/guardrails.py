"""What must not suffer while a goal is pursued: other indicators with a bound each."""

from dataclasses import dataclass
from typing import Literal

from crmtools.estimate import Estimate
from crmtools.goal_settings import Guardrail
from crmtools.goals.evidence import FEWEST, RIPE
from crmtools.goals.goal import Goal, written_value
from crmtools.indicators.catalogue import find
from crmtools.measuring import measure
from crmtools.questions import attributes
from crmtools.tables.source import Data
from crmtools.words import Text

State = Literal["kept", "undecided", "breached", "no_evidence"]
GUARD_STATES: dict[State, Text] = {
    "kept": Text("守住", "kept"),
    "undecided": Text("无法判断", "cannot tell"),
    "breached": Text("突破", "breached"),
    "no_evidence": Text("数据不足", "no evidence"),
}


@dataclass(frozen=True, slots=True)
class Guard:
    """A guardrail as it stands: the indicator's value now, the bound, and which side of it is allowed."""

    now: Estimate
    bound: float
    side: Literal["above", "below"]

    @property
    def state(self) -> State:
        """Kept or breached where the whole interval lies on one side of the bound, undecided where the bound is in it."""
        low, high = self.now.low, self.now.high
        ripe = self.now.maturity is None or self.now.maturity >= RIPE
        if self.now.value is None or not ripe or (self.now.n < FEWEST and self.now.method != "census"):
            return "no_evidence"
        if self.now.method == "census":
            low = high = self.now.value
        if low is None or high is None:
            return "undecided"
        if self.side == "below":
            low, high = -high, -low
        bound = self.bound if self.side == "above" else -self.bound
        return "kept" if low >= bound else "breached" if high < bound else "undecided"


def guards(goal: Goal, data: Data) -> tuple[Guard, ...]:
    """The guardrails of a goal, of the customers that it is about where the indicator can be cut so."""
    return tuple(_guard(rail, goal, data) for rail in goal.settings.guardrails)


def _guard(rail: Guardrail, goal: Goal, data: Data) -> Guard:
    item = find(rail.indicator)
    where = goal.where if set(goal.where) <= set(attributes(item, data)) else {}
    side: Literal["above", "below"] = "above" if rail.stay_above is not None else "below"
    return Guard(measure(item, data, where=where), written_value(rail.bound, item), side)
