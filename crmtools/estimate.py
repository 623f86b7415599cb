"""An estimate: a value with its interval, what it rests on, and what was left out."""

import math
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from datetime import date, timedelta
from typing import TYPE_CHECKING, Self

from crmtools.period import Period
from crmtools.shown import Shown
from crmtools.words import Text

STALE = 45
"""Days before the end of a period up to which data may end."""
OUTDATED = Text("数据早于期末过多", "the data end too long before the period does")

if TYPE_CHECKING:
    import pandas as pd

METHODS: dict[str, Text] = {
    "clopper_pearson": Text(
        "Clopper–Pearson 精确区间（按有效样本量）",
        "exact (Clopper–Pearson) interval on the effective number of customers",
    ),
    "scenario": Text(
        "分摊方案的上下界，并非抽样区间", "band over ways to allocate shared cost, not a sampling interval"
    ),
    "odds_bootstrap_t": Text(
        "对数几率 bootstrap-t 区间（按客户重抽样）", "bootstrap-t interval on the log-odds scale, over customers"
    ),
    "influence": Text("影响函数法区间（按客户）", "interval by influence function, over customers"),
    "bootstrap": Text("bootstrap 百分位区间（按客户重抽样）", "bootstrap percentile interval over customers"),
    "bootstrap_of_items": Text("bootstrap 百分位区间（按条目重抽样）", "bootstrap percentile interval over items"),
    "wilson": Text("Wilson 区间（按有效样本量）", "Wilson interval on the effective number of customers"),
    "adjusted_wald": Text("调整 Wald 区间（净推荐值）", "adjusted Wald interval for a net score"),
    "clustered_t": Text("t 区间（按客户聚类）", "t interval, clustered by customer"),
    "bootstrap_t": Text("bootstrap-t 区间（按客户重抽样）", "bootstrap-t interval over customers"),
    "log_bootstrap_t": Text("对数 bootstrap-t 区间（按客户重抽样）", "log bootstrap-t interval over customers"),
    "log_delta": Text("对数尺度 delta 法区间（按客户）", "delta-method interval on the log scale, over customers"),
    "delta": Text("delta 法区间（按客户）", "delta-method interval over customers"),
    "garwood": Text("Garwood 精确区间（按有效事件数）", "exact Poisson (Garwood) interval on effective counts"),
    "poisson_inverse": Text(
        "新客户数的精确 Poisson 区间取倒数", "exact Poisson interval on the number of customers, inverted"
    ),
    "brookmeyer_crowley": Text(
        "Kaplan–Meier 分位数，Brookmeyer–Crowley 区间", "Kaplan–Meier quantile with Brookmeyer–Crowley interval"
    ),
    "parameter_draws": Text("模型参数与过程的模拟区间", "interval from draws of the model's parameters and process"),
    "crossing": Text(
        "累计均值置信带达到成本的月份", "the months in which the band of the cumulative mean reaches the cost"
    ),
    "model_delta": Text(
        "模型参数（delta 法）与购买随机性的区间",
        "delta-method interval of the model's parameters, with the chance of the purchases to come",
    ),
    "refits": Text("重抽样后各次重新聚类结果的百分位范围", "percentile range over refits to resampled customers"),
    "census": Text("全量统计，无抽样误差", "complete count: no sampling error"),
    "none": Text("未计算", "not computed"),
}
"""How an interval was made. The label comes with the numbers, so that the two cannot part."""


@dataclass(frozen=True, slots=True)
class Estimate(Shown):
    """A value with its interval, or the reason why there is none.

    ``value``, ``low`` and ``high`` are in the indicator's unit: shares as fractions (0.046 is 4.6 %), net scores from
    −100 to 100, durations in hours, money in the report's currency. ``n`` counts the sampled units (customers unless the
    indicator says otherwise), ``rows`` the facts behind them. ``excluded`` lists (reason, rows). ``why`` says why the
    value or the interval is missing. ``group`` holds (attribute, value) pairs for a part of the customers. ``currency`` is set for money.
    ``maturity`` is the share of the period whose follow-up was over at ``as_of``, ``data_until`` the last day on which the
    least recent of its tables has a row.
    """

    indicator: str
    period: Period
    as_of: date
    value: float | None = None
    low: float | None = None
    high: float | None = None
    se: float | None = None
    level: float = 0.95
    n: int = 0
    rows: int = 0
    numerator: float | None = None
    denominator: float | None = None
    method: str = "none"
    excluded: tuple[tuple[str, int], ...] = ()
    why: Text | None = None
    group: tuple[tuple[str, str], ...] = ()
    suppressed: bool = False
    currency: str = ""
    maturity: float | None = None
    data_until: date | None = None

    @property
    def out_of_date(self) -> bool:
        """Whether the data end so long before the period that its value says little of it: ``OUTDATED`` is why."""
        return self.data_until is not None and self.data_until < self.period.last_day - timedelta(days=STALE)

    @property
    def frame(self) -> "pd.DataFrame":
        """One row: indicator, period, the attributes of the group, value, low, high, n."""
        import pandas as pd

        numbers = {name: pd.array([getattr(self, name)], dtype="Float64") for name in ("value", "low", "high")}
        return pd.DataFrame(
            {
                "indicator": [self.indicator],
                "period": [self.period.id],
                **{k: [v] for k, v in self.group},
                **numbers,
                "n": [self.n],
            }
        )

    def to_dict(self) -> dict[str, object]:
        """Plain values for JSON; :meth:`from_dict` reads them back."""
        plain: dict[str, object] = {name: getattr(self, name) for name in self.__match_args__}
        plain["why"] = asdict(self.why) if self.why else None
        plain["period"] = {"id": self.period.id, "start": str(self.period.start), "end": str(self.period.end)}
        plain["as_of"] = str(self.as_of)
        plain["data_until"] = str(self.data_until) if self.data_until else None
        plain["group"] = dict(self.group)
        plain["excluded"] = dict(self.excluded)
        return plain

    @classmethod
    def from_dict(cls, plain: Mapping[str, object]) -> Self:
        """An estimate from what :meth:`to_dict` wrote."""
        values = dict(plain)
        period = values.pop("period")
        why = values.pop("why")
        return cls(
            **values
            | {
                "period": Period(date.fromisoformat(period["start"]), date.fromisoformat(period["end"])),  # type: ignore[index]
                "as_of": date.fromisoformat(str(values["as_of"])),
                "data_until": date.fromisoformat(str(values["data_until"])) if values.get("data_until") else None,
                "why": Text(**why) if why else None,  # type: ignore[arg-type]
                "group": tuple(values["group"].items()),  # type: ignore[attr-defined]
                "excluded": tuple(values["excluded"].items()),  # type: ignore[attr-defined]
            }
        )

    def hidden(self) -> "Estimate":
        """The same estimate with everything taken out that would tell about a small group."""
        return replace(
            self, value=None, low=None, high=None, se=None, numerator=None, denominator=None, n=0, rows=0,
            excluded=(), suppressed=True, why=Text("样本过少，或会泄露样本过少的一组，不予公布", "too few to be shown, or would give few away"),
        )  # fmt: skip


def valued(estimates: Iterable[Estimate]) -> list[Estimate]:
    """Those that have a value."""
    return [one for one in estimates if one.value is not None and math.isfinite(one.value)]
