"""Definition risk: the same indicator under every set of assumptions that somebody could defend as well.

A churn rate depends on who is counted below the line, a share of quiet customers on what is called quiet. How far that moves
the number stands here beside its sampling error: where definitions move it further than chance does, the definition is
what has to be agreed on first.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import pandas as pd

from crmtools.estimate import Estimate
from crmtools.estimating import MEANING, Where, computable, conditions, resolve
from crmtools.indicators.catalogue import Indicator, find
from crmtools.measuring import measure
from crmtools.period import Period
from crmtools.remembered import remembered
from crmtools.shown import Shown
from crmtools.sums import cells_together
from crmtools.suppression import people
from crmtools.tables.source import Data


@dataclass(frozen=True, slots=True)
class Stress(Shown):
    """An indicator under its defensible sets of assumptions, the set ``in_force`` first.

    ``changes`` holds for each estimate the assumptions that differ from those in force; the first is empty.
    """

    indicator: Indicator
    in_force: Mapping[str, object]
    estimates: tuple[Estimate, ...]
    changes: tuple[Mapping[str, object], ...]

    @property
    def values(self) -> tuple[float, ...]:
        """The values that could be computed."""
        return tuple(e.value for e in self.estimates if e.value is not None)

    @property
    def low(self) -> float | None:
        """The smallest value under any set."""
        return min(self.values, default=None)

    @property
    def high(self) -> float | None:
        """The largest value under any set."""
        return max(self.values, default=None)

    @property
    def spread(self) -> float | None:
        """How far the definitions alone move the value; None where there is only one. Sets that differ in last digits do not."""
        if len(self.values) < 2 or self.low is None or self.high is None:
            return None
        return 0.0 if math.isclose(self.low, self.high, rel_tol=1e-11, abs_tol=1e-15) else self.high - self.low

    @property
    def sampling(self) -> float | None:
        """How wide the interval under the assumptions in force is."""
        now = self.estimates[0]
        return now.high - now.low if now.low is not None and now.high is not None else None

    @property
    def frame(self) -> pd.DataFrame:
        """One row per set: the declared assumptions with their values, value, low, high, n."""
        rows = []
        for change, estimate in zip(self.changes, self.estimates, strict=True):
            said = {name: {**self.in_force, **change}[name] for name in self.indicator.defensible}
            rows.append({**said, "value": estimate.value, "low": estimate.low, "high": estimate.high, "n": estimate.n})
        return pd.DataFrame(rows).astype(dict.fromkeys(("value", "low", "high"), "Float64"))

    def __len__(self) -> int:
        return len(self.estimates)


@remembered(*MEANING, "publish")
def stress(
    indicator: str | Indicator,
    data: Data,
    *,
    period: Period | str | None = None,
    where: Where | None = None,
    **assumptions: object,
) -> Stress:
    """The indicator under every defensible set of assumptions that it declares.

    Parameters are those of :func:`crmtools.measure`: the assumptions given, else those of the parameters file, are the set in
    force, and the alternatives of the declaration vary around it.
    """
    item = find(indicator)
    in_force = resolve(item, data, assumptions)
    sets = _distinct(item, data, in_force)
    found = [measure(item, data, period=period, where=where, **sets[0])]
    if computable(item, data):
        cells_together(item, data, (found[0].period,), sets[1:], conditions(where))
    found += [measure(item, data, period=period, where=where, **chosen) for chosen in sets[1:]]
    changes = [{name: value for name, value in chosen.items() if value != in_force[name]} for chosen in sets]
    return Stress(item, in_force, _without_few(found, data), tuple(changes))


def _distinct(item: Indicator, data: Data, in_force: Mapping[str, object]) -> list[dict[str, object]]:
    """The defensible sets of assumptions, each once: what makes no difference in a set stands as it is in force."""
    found: list[dict[str, object]] = []
    for chosen in item.sets(in_force):
        real = resolve(item, data, chosen)
        settled = {name: value if item.acts(name, real) else in_force[name] for name, value in real.items()}
        if settled not in found:
            found.append(settled)
    return found


def _without_few(found: list[Estimate], data: Data) -> tuple[Estimate, ...]:
    """The estimates, hidden where a set differs from another in a few customers: the two together would tell about these.

    Only what is published hides people; an analyst's own frames are not.
    """
    if data.snapshot is None:
        return tuple(found)
    smallest, shown = data.settings.publish.smallest_group, list[int]()
    made = []
    for estimate in found:
        near = any(0 < abs(people(estimate) - other) < smallest for other in shown)
        made.append(estimate.hidden() if near else estimate)
        if not near:
            shown.append(people(estimate))
    return tuple(made)
