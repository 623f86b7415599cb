"""RFM: how recently, how often and for how much a customer bought, scored 1 to 5, and ten segments.

Recency here is days since the last purchase (smaller is better), not the recency of the lifetime models.
Frequency counts purchase days, the first one included. See ``lifetime.occasions`` for which orders count.

The rule for ties: a score depends on the value alone, so equal values get equal scores; a value equal to a cut point belongs
below it, that is with the smaller values.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date

import ibis
import numpy as np
import pandas as pd

from crmtools.cut_points import MEASURES, cut_problem
from crmtools.errors import DataError, SettingsError, few
from crmtools.lifetime.occasions import Counts, ZeroDays, count_rows, fetch, purchase_days
from crmtools.shown import Shown
from crmtools.words import Language, Text

# Best first. (name, recency scores, frequency-and-money scores): every one of the 25 cells in exactly one
# segment. The usual grid on recency and frequency, with the second axis the mean of the F and M scores.
SEGMENTS: dict[str, Text] = {
    "champions": Text("冠军客户", "Champions"),
    "loyal": Text("忠诚客户", "Loyal Customers"),
    "potential_loyalist": Text("潜在忠诚客户", "Potential Loyalist"),
    "new_customers": Text("新客户", "New Customers"),
    "promising": Text("有潜力的客户", "Promising"),
    "need_attention": Text("需要关注的客户", "Need Attention"),
    "about_to_sleep": Text("即将沉睡的客户", "About To Sleep"),
    "at_risk": Text("有流失风险的客户", "At Risk"),
    "cant_lose_them": Text("不能失去的客户", "Can't Lose Them"),
    "lost": Text("流失客户", "Lost"),
}
_CELLS: tuple[tuple[str, tuple[int, ...], tuple[int, ...]], ...] = (
    ("champions", (5,), (4, 5)),
    ("loyal", (3, 4), (4, 5)),
    ("potential_loyalist", (4, 5), (2, 3)),
    ("new_customers", (5,), (1,)),
    ("promising", (4,), (1,)),
    ("need_attention", (3,), (3,)),
    ("about_to_sleep", (3,), (1, 2)),
    ("at_risk", (1, 2), (3, 4)),
    ("cant_lose_them", (1, 2), (5,)),
    ("lost", (1, 2), (1, 2)),
)
GRID: dict[tuple[int, int], str] = {
    (recency, value): name for name, rows, columns in _CELLS for recency in rows for value in columns
}


@dataclass(frozen=True, slots=True, eq=False)
class Rfm(Shown):
    """Scores and segment of every customer.

    ``frame`` is indexed by customer_id: recency_days, frequency (purchase days), monetary (net, summed), the
    scores R, F, M (1 worst to 5 best), FM (mean of F and M, halves up) and segment (a key of ``SEGMENTS``).
    ``thresholds`` has the four cut points of each measure, one row per measure; ``given`` names the measures whose cut points
    were given, the others are cut at their fifths. ``since`` is the first day that counts, None where all do.
    """

    frame: pd.DataFrame
    thresholds: pd.DataFrame
    as_of: date
    counts: Counts
    since: date | None = None
    given: tuple[str, ...] = ()

    def segments(self, *, language: Language = "en") -> pd.DataFrame:
        """One row per segment, best first, empty ones included.

        Indexed by the segment's name in ``language``: segment (key), customers, share, revenue,
        revenue_share, and the medians recency_days, frequency, monetary.
        """
        groups = self.frame.groupby("segment")
        table = groups[list(MEASURES)].median()
        table.insert(0, "revenue", groups["monetary"].sum())
        table.insert(0, "customers", groups.size())
        table = table.reindex(pd.Index(SEGMENTS, name="segment"))
        table["customers"] = table["customers"].fillna(0).astype("int64")
        table["revenue"] = table["revenue"].fillna(0.0)
        customers, revenue = table["customers"].sum(), table["revenue"].sum()
        table.insert(1, "share", table["customers"] / customers if customers else np.nan)
        table.insert(3, "revenue_share", table["revenue"] / revenue if revenue else np.nan)
        names = pd.Index([text.to(language) for text in SEGMENTS.values()], name="name")
        return table.reset_index().set_index(names)

    def bands(self) -> pd.DataFrame:
        """What each score means, by measure and score: low and high (inclusive, observed), customers."""
        rows = []
        for measure, score in zip(MEASURES, "RFM", strict=True):
            band = self.frame.groupby(score)[measure].agg(low="min", high="max", customers="size")
            band.index = pd.MultiIndex.from_product([[measure], band.index], names=["measure", "score"])
            rows.append(band)
        return pd.concat(rows)


def rfm(
    orders: ibis.Table | pd.DataFrame,
    *,
    as_of: date,
    since: date | None = None,
    cuts: Mapping[str, Sequence[float]] | None = None,
    like: Rfm | None = None,
    zero_days: ZeroDays = "count",
) -> Rfm:
    """Score every customer with a counted purchase in [since, as_of].

    cuts: four increasing cut points for some of recency_days, frequency, monetary (``{"recency_days": (30,
    90, 180, 365)}``); the others are cut at their quintiles, each cut being a value that occurs. like: cut everything where
    these scores were cut, so that two dates compare. Where many customers are equal (most bought once) some scores stay
    empty; ``bands`` shows it.
    """
    cuts = {name: points for name, points in (cuts or {}).items() if points is not None}
    if like is not None and cuts:
        raise SettingsError("Give either cuts or like: both say where to cut.")
    check_cuts(cuts)
    days = purchase_days(orders, until=as_of, since=since, zero_days=zero_days)
    per_customer = days.group_by("customer_id").agg(
        recency_days=ibis.literal(as_of).delta(days.day.max(), unit="day"),
        frequency=days.count(),
        monetary=days.net.sum(),
    )
    frame = fetch(per_customer).set_index("customer_id").sort_index()
    if frame.empty:
        raise DataError(f"Nobody has a counted purchase up to {as_of}.")
    frame = frame.astype({"recency_days": "int64", "frequency": "int64", "monetary": "float64"})
    # sums of money differ in their last digits with the order of addition: equal sums must stay equal
    frame["monetary"] = frame["monetary"].round(6)
    thresholds = like.thresholds if like is not None else _thresholds(frame, cuts)
    above = {name: np.searchsorted(thresholds.loc[name], frame[name], side="left") for name in MEASURES}
    frame["R"] = 5 - above["recency_days"]
    frame["F"] = 1 + above["frequency"]
    frame["M"] = 1 + above["monetary"]
    frame["FM"] = (frame["F"] + frame["M"] + 1) // 2
    frame["segment"] = [GRID[cell] for cell in zip(frame["R"], frame["FM"], strict=True)]
    counts = count_rows(orders, until=as_of, since=since, zero_days=zero_days)
    given = like.given if like is not None else tuple(name for name in MEASURES if name in cuts)
    return Rfm(frame, thresholds, as_of, counts, since, given)


def _thresholds(frame: pd.DataFrame, cuts: Mapping[str, Sequence[float]]) -> pd.DataFrame:
    """The four cut points of every measure, as given or at the fifths."""
    fifths = (0.2, 0.4, 0.6, 0.8)
    rows = [
        np.asarray(cuts[name], dtype=float)
        if name in cuts
        else np.quantile(frame[name].to_numpy(float), fifths, method="inverted_cdf")
        for name in MEASURES
    ]
    return pd.DataFrame(
        rows, index=pd.Index(MEASURES, name="measure"), columns=["cut_1", "cut_2", "cut_3", "cut_4"], dtype=float
    )


def check_cuts(cuts: Mapping[str, Sequence[float]]) -> None:
    """Raise SettingsError for cut points that cannot be."""
    unknown = [name for name in cuts if name not in MEASURES]
    if unknown:
        raise SettingsError(f"cuts has {few(unknown)}. Allowed: {few(MEASURES)}.")
    for name, points in cuts.items():
        if problem := cut_problem(name, points):
            raise SettingsError(f"cuts[{name!r}] is {tuple(points)}; {problem}.")
