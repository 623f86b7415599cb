"""The whole study of a report: fit, check on held-back time, second opinion, value to come.

What it fits and to whom stands under ``lifetime`` in the parameters file. It is remembered beside the snapshot: both chapters, in
both languages, show the same one.
"""

import re
import warnings
from dataclasses import dataclass

import ibis
import pandas as pd

from crmtools.errors import CRMError, nearest
from crmtools.lifetime.beta_geo import ModifiedBetaGeo
from crmtools.lifetime.compare import Comparison, compare
from crmtools.lifetime.evaluate import HoldoutCheck, Wave, holdout_check, largest_wave, tracking
from crmtools.lifetime.from_orders import calibration_holdout, customer_patterns, customer_summary
from crmtools.lifetime.gamma_gamma import GammaGamma
from crmtools.lifetime.model import PurchaseModel
from crmtools.lifetime.occasions import COARSE, Counts, count_rows
from crmtools.lifetime.second_opinion import second_opinion
from crmtools.lifetime.summary import CalibrationHoldout, Summary
from crmtools.lifetime.value import CustomerValue, customer_value
from crmtools.remembered import remembered
from crmtools.settings import Lifetime
from crmtools.shown import Shown
from crmtools.tables.source import Data
from crmtools.words import Text

FEWEST, FEWEST_REPEAT = 100, 30
"""Customers, and customers with a repeat purchase, below which a fit says nothing."""
DEFAULT: type[PurchaseModel] = ModifiedBetaGeo
"""Where no time is held back to choose by: unlike BG/NBD it does not take every one-time buyer to be active."""
MOST_FOR_SECOND_OPINION = 20_000
MOST_FOR_PROFILES = 10_000
"""Customers up to whom the limits of parameters are those of profile likelihood; with more, Wald's are as good."""
MERGED_FROM = 0.02
"""The share of counted orders merged into another one from which on the page says so."""
NO_OPINION = Text(
    "lifetimes 软件包未能拟合同一数据，因此没有旁证。",
    "The package lifetimes could not fit the same data: there is no second opinion.",
)


@dataclass(frozen=True, slots=True, eq=False)
class Study(Shown):
    """What the lifetime chapter shows.

    ``counts`` is about all rows of the orders; ``split``, ``model``, ``spend``, ``opinion``, ``check`` and ``track`` about the
    customers of ``settings.where``, fitted up to the end of the calibration; ``value`` comes from a fit to everything known.
    ``comparison`` says which model and why, ``limits`` what ``model``'s parameters are with their intervals. ``why`` says why there is no fit; the fields that hang on it are then None. Without
    a calibration date ``comparison``, ``check`` and ``track`` are None, and MBG/NBD is fitted to everything known.
    """

    settings: Lifetime
    counts: Counts
    customers: int
    summary: Summary
    split: CalibrationHoldout | None = None
    comparison: Comparison | None = None
    model: PurchaseModel | None = None
    limits: pd.DataFrame | None = None
    spend: GammaGamma | None = None
    opinion: pd.DataFrame | None = None
    check: HoldoutCheck | None = None
    track: pd.DataFrame | None = None
    value: CustomerValue | None = None
    notes: tuple[Text, ...] = ()
    why: Text | None = None


@remembered("lifetime")
def study(data: Data) -> Study:
    """Fit, check and value as the parameters file asks; needs the table orders.

    What was asked before, here or by another notebook, is not fitted again.
    """
    with warnings.catch_warnings():
        # asked for in the parameters file, and said on the page
        for text in COARSE.values():
            warnings.filterwarnings("ignore", message=re.escape(text.en))
        return _worked_out(data, data.settings.lifetime)


def _worked_out(data: Data, settings: Lifetime) -> Study:
    orders = _chosen(data)
    unit, resolution = settings.unit, settings.resolution
    summary = customer_summary(orders, as_of=data.as_of, unit=unit, resolution=resolution)
    counts = _counts(data, settings, summary)
    if settings.calibration_until and settings.calibration_until >= data.as_of:
        raise CRMError(
            f"lifetime.calibration_until {settings.calibration_until} must lie before as_of {data.as_of}: nothing is held back."
        )
    split = (
        calibration_holdout(
            orders,
            calibration_until=settings.calibration_until,
            holdout_until=data.as_of,
            unit=unit,
            resolution=resolution,
        )
        if settings.calibration_until
        else None
    )
    basis = split.calibration if split else summary
    if why := _too_few(basis):
        return Study(settings, counts, len(summary), summary, split, why=why)
    comparison = compare(split, orders) if split else None
    model = (comparison.winner if comparison else None) or DEFAULT.fit(basis)
    limits = model.parameter_limits(basis) if len(basis) <= MOST_FOR_PROFILES else model.summary()
    spend = GammaGamma.fit(basis)
    now, now_spend = (model, spend) if basis is summary else (type(model).fit(summary), GammaGamma.fit(summary))
    value = customer_value(
        now, now_spend, summary,
        horizon_months=settings.horizon_months, annual_discount=settings.annual_discount, margin=settings.margin,
    )  # fmt: skip
    opinion = second_opinion(_sample(basis), type(model))
    track = tracking(model, comparison.calendar) if comparison else None
    notes = (*summary.notes, *value.notes, *_merged_note(counts, settings))
    if opinion is None:
        notes = (*notes, NO_OPINION)
    if track is not None and (wave := largest_wave(track)):
        notes = (*notes, _wave_note(wave))
    check = holdout_check(model, split) if split else None
    return Study(
        settings, counts, len(summary), summary, split, comparison, model, limits, spend, opinion, check, track, value, notes
    )  # fmt: skip


def _counts(data: Data, settings: Lifetime, summary: Summary) -> Counts:
    """What became of all rows of the orders, those of customers who are not chosen too."""
    if not settings.where and summary.counts is not None:
        return summary.counts
    if settings.resolution == "days":
        return count_rows(data["orders"], until=data.as_of)
    found = customer_patterns(data["orders"], as_of=data.as_of, resolution=settings.resolution).counts
    assert found is not None, "the engine counts what it reads"
    return found


def _merged_note(counts: Counts, settings: Lifetime) -> tuple[Text, ...]:
    """How many orders are not a purchase of their own, where that is noticeable."""
    counted = counts.occasions + counts.merged
    if not counted or counts.merged / counted < MERGED_FROM:
        return ()
    share = f"{100 * counts.merged / counted:.1f}"
    day = _SPANS[settings.resolution]
    return (
        Text(
            f"{share}% 的订单与同一客户{day.zh}的其他订单合并为一次购买：模型预期的是有购买的{_COUNTED[settings.resolution].zh}数，不是订单数；金额不受影响。",
            f"{share}\u00a0% of the orders were placed on {day.en} the customer had ordered already and were merged: the model "
            f"foresees {_COUNTED[settings.resolution].en} with a purchase, not orders. Amounts are not affected.",
        ),
    )


_SPANS = {
    "days": Text("同日", "a day on which"), "weeks": Text("同周", "a day of a week in which"), "months": Text("同月", "a day of a month in which"),
}  # fmt: skip
_COUNTED = {"days": Text("天", "days"), "weeks": Text("周", "weeks"), "months": Text("月", "months")}


def _wave_note(wave: Wave) -> Text:
    """Numbers as they are written in both languages: whole ones, dates in ISO form."""
    days = f"{wave.first_day.isoformat()} – {wave.last_day.isoformat()}"
    return Text(
        f"购买呈波动，模型没有季节：{days} 实际复购 {wave.actual:,} 次，按模型的走势应为 {wave.expected:,.0f} 次。临近旺季或淡季的预测会偏离。",
        f"Purchases come in waves, and the model has no seasons: in {days} {wave.actual:,} repeat purchases were made where its "
        f"course has {wave.expected:,.0f}. Forecasts that run into such a time will be off.",
    )


def _chosen(data: Data) -> ibis.Table:
    """The orders of the customers that ``lifetime.where`` names."""
    orders, where = data["orders"], data.settings.lifetime.where
    if not where:
        return orders
    if not data.has("customers"):
        raise CRMError("lifetime.where needs the table customers, which these data lack.")
    customers = data["customers"]
    for name, value in where.items():
        if name not in customers.columns:
            raise CRMError(f"lifetime.where: customers have no attribute '{name}'. {nearest(name, customers.columns)}")
        customers = customers.filter(customers[name].isin([value] if isinstance(value, str) else list(value)))
    return orders.semi_join(customers, "customer_id")


def _too_few(summary: Summary) -> Text | None:
    repeat = int((summary.frame["frequency"] > 0).sum())
    if len(summary) >= FEWEST and repeat >= FEWEST_REPEAT:
        return None
    return Text(
        f"客户仅 {len(summary)} 位、其中复购 {repeat} 位，不足以拟合模型（至少 {FEWEST} 位与 {FEWEST_REPEAT} 位）",
        f"{len(summary)} customers, {repeat} of them with a repeat purchase, are too few to fit a model "
        f"(at least {FEWEST} and {FEWEST_REPEAT})",
    )


def _sample(summary: Summary) -> Summary:
    """Every k-th customer when there are many: the second opinion takes seconds per hundred thousand."""
    step = -(-len(summary) // MOST_FOR_SECOND_OPINION)
    return summary if step == 1 else Summary(summary.frame.iloc[::step], summary.unit, summary.as_of)
