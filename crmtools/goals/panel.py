"""How much two periods' estimates hang together, because the same customers are in both.

An estimate Σv/Σw moves by z = (v − r·w)/Σw when one customer is added or left out, its linearised value (Cochran 1977, ch. 2
and 6). The covariance of two periods' estimates is Σ z₀·z₁ over the customers who are in both; whoever is in one period only
adds to its variance and not to the covariance. So

    ρ = Σ_both z₀·z₁ / √(Σ z₀² · Σ z₁²)

which is the correlation over the shared customers when everybody is shared, and half of it when half of each wave is.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass

import ibis
import ibis.expr.types as ir

from crmtools import questions
from crmtools.errors import CRMError, nearest
from crmtools.estimating import MEANING, Where, conditions, not_computable, resolve
from crmtools.indicators.catalogue import Indicator, find
from crmtools.indicators.kinds import ALIKE, NO_DATA, Mean, NetShare, Rate, Ratio, Share
from crmtools.indicators.moments import per_unit
from crmtools.period import Period
from crmtools.questions import UNKNOWN
from crmtools.remembered import remembered
from crmtools.tables.source import Data
from crmtools.words import Text

LINEAR = (Share, NetShare, Mean, Ratio, Rate)
"""The kinds whose error is that of a sum over customers."""
CLOSEST = 0.999
"""The largest correlation that is ever claimed: a difference always keeps some error."""
NOT_A_SUM = Text(
    "该类指标的误差并非客户之和，两期按独立处理",
    "the error of this kind is no sum over customers: the periods are taken for independent",
)
NOBODY_TWICE = Text("两期没有共同客户", "no customer is in both periods")


@dataclass(frozen=True, slots=True)
class Panel:
    """What two periods of one indicator share.

    ``correlation`` is that of the two estimates, 0 with a reason in ``why`` where it is not known. ``both`` counts the
    customers who are in both periods, ``baseline`` and ``now`` those of each.
    """

    correlation: float
    both: int = 0
    baseline: int = 0
    now: int = 0
    why: Text | None = None


def correlation(
    indicator: str | Indicator,
    data: Data,
    baseline_period: Period | str,
    period: Period | str,
    where: Where | None = None,
    assumptions: Mapping[str, object] | None = None,
) -> float:
    """The correlation of two periods' estimates; :func:`panel` says what it rests on, or why it is 0."""
    return panel(indicator, data, baseline_period, period, where, assumptions).correlation


@remembered(*MEANING)
def panel(
    indicator: str | Indicator,
    data: Data,
    baseline_period: Period | str,
    period: Period | str,
    where: Where | None = None,
    assumptions: Mapping[str, object] | None = None,
) -> Panel:
    """The customers of two periods beside each other: one query of sums, however many they are.

    ``where`` and ``assumptions`` are those of :func:`crmtools.measure`. Periods that overlap may be asked for: rows
    that are in both are part of what the estimates share. Raises CRMError for an attribute that is not there.
    """
    item = find(indicator)
    spans = (Period.parse(baseline_period), Period.parse(period))
    if not isinstance(item.kind, LINEAR):
        return Panel(0.0, why=NOT_A_SUM)
    if why := not_computable(item, data):
        return Panel(0.0, why=why)
    possible = questions.attributes(item, data)
    for name in where or {}:
        if name not in possible:
            raise CRMError(f"'{item.id}' cannot be split by '{name}'. {nearest(name, possible)}")
    chosen = conditions(where)
    facts = questions.facts(item, data, spans, resolve(item, data, assumptions or {}), tuple(chosen), chosen)
    counting = facts.filter(facts.excluded.isnull())
    line = data.ask(_sums(per_unit(counting, ("period",), unique=item.unique))).iloc[0]
    return _panel({str(name): float(value) for name, value in line.fillna(0).items()})


@remembered(*MEANING)
def groups_together(
    indicator: str | Indicator,
    data: Data,
    period: Period,
    attribute: str,
    one: list[str],
    other: list[str],
    where: Where | None = None,
    assumptions: Mapping[str, object] | None = None,
) -> float:
    """The correlation of the estimates of two groups of one period: customers can be in both where rows carry the attribute.

    A customer who wrote by mail and rang, too, is in the groups of both channels. Where an attribute is one of the customers
    themselves, nobody is in two groups and the correlation is 0, as it is taken to be of a kind whose error is no sum over customers.
    """
    item = find(indicator)
    if attribute not in item.splits or not isinstance(item.kind, LINEAR) or not_computable(item, data):
        return 0.0
    chosen = conditions(where)
    chosen |= {attribute: [*one, *other]}
    facts = questions.facts(item, data, (period,), resolve(item, data, assumptions or {}), tuple(chosen), chosen)
    counting = facts.filter(facts.excluded.isnull())
    first = counting[attribute].isin(one)
    first = first | counting[attribute].isnull() if UNKNOWN in one else first.fill_null(False)
    apart = counting.mutate(period=ibis.ifelse(first, 0, 1))
    line = data.ask(_sums(per_unit(apart, ("period",), unique=item.unique))).iloc[0]
    return _panel({str(name): float(value) for name, value in line.fillna(0).items()}).correlation


def _sums(units: ir.Table) -> ir.Table:
    """One row: the sums of squares and products over customers, their two periods beside each other.

    ``v0`` and ``w0`` are what a customer adds in the baseline, 0 where he is not in it. Rows of nobody count in their own
    period and are never the same in another.
    """
    wide = units.group_by("customer_id").aggregate(
        **{
            f"{name}{number}": ibis.ifelse(units.period == number, units[name], 0.0).sum()
            for name in ("v", "w")
            for number in (0, 1)
        },
        **{f"there{number}": (units.period == number).cast("int64").max() for number in (0, 1)},
    )
    named = wide.customer_id.notnull().cast("int64")
    parts: dict[str, ir.NumericValue] = {"n0": named * wide.there0, "n1": named * wide.there1}
    parts["both"] = named * wide.there0 * wide.there1
    for number in (0, 1):
        v, w = wide[f"v{number}"], wide[f"w{number}"]
        parts |= {f"v{number}": v, f"w{number}": w, f"vv{number}": v * v, f"vw{number}": v * w, f"ww{number}": w * w}
    parts |= {f"{a}_{b}": wide[f"{a}0"] * wide[f"{b}1"] * named for a in "vw" for b in "vw"}
    return wide.aggregate(**{name: part.sum() for name, part in parts.items()})


def _panel(line: Mapping[str, float]) -> Panel:
    sizes = int(line["both"]), int(line["n0"]), int(line["n1"])
    if not (line["w0"] and line["w1"]):
        return Panel(0.0, *sizes, why=NO_DATA)
    if not sizes[0]:
        return Panel(0.0, *sizes, why=NOBODY_TWICE)
    r0, r1 = line["v0"] / line["w0"], line["v1"] / line["w1"]
    # the sums' last digits leave a little where all customers are alike
    squares = [
        line[f"vv{number}"] - 2 * r * line[f"vw{number}"] + r * r * line[f"ww{number}"]
        for number, r in enumerate((r0, r1))
    ]
    floor = [1e-12 * max(line[f"vv{number}"], r * r * line[f"ww{number}"]) for number, r in enumerate((r0, r1))]
    if not (squares[0] > floor[0] and squares[1] > floor[1]):
        return Panel(0.0, *sizes, why=ALIKE)
    products = line["v_v"] - r1 * line["v_w"] - r0 * line["w_v"] + r0 * r1 * line["w_w"]
    # the engine adds in another order each time: what is rounded off would not be the same twice
    together = round(products / math.sqrt(squares[0] * squares[1]), 12)
    return Panel(min(max(together, -CLOSEST), CLOSEST), *sizes)
