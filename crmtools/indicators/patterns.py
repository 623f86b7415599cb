"""Customers' buying histories as patterns, and the lifetime models fitted to them.

A history is what the models know of a customer at the end of a period: ``x`` repeat purchase days, age ``t_x`` on the last
of them, age ``T`` at the end, in days. All indicators that rest on the models start from these tables, and share the fits.
"""

import hashlib
from collections.abc import Callable
from datetime import timedelta
from typing import Literal

import ibis
import ibis.expr.types as ir
import numpy as np
import pandas as pd

from crmtools.errors import DataError
from crmtools.indicators.facts import Periods
from crmtools.lifetime.beta_geo import BetaGeo, ModifiedBetaGeo
from crmtools.lifetime.fitted import Fitted
from crmtools.lifetime.gamma_gamma import GammaGamma
from crmtools.lifetime.model import PurchaseModel
from crmtools.lifetime.occasions import purchase_days
from crmtools.lifetime.pareto_nbd import ParetoNbd
from crmtools.lifetime.summary import Patterns
from crmtools.words import Text

AGES = ("x", "t_x", "T")
WITH_MONEY = ("role", *AGES, "money")
HISTORY, SPEND, PAID, WON = "history", "spend", "paid", "won"
"""What a row of patterns with money is: a customer's history, mean spend, money spent on winning customers, one who was won."""
BINS = 100
"""Mean spends are told apart to one part in so many, on the log scale; sums of them stay exact."""
MOST_FITS = 200

ModelName = Literal["bg_nbd", "mbg_nbd", "pareto_nbd"]
MODELS: dict[str, type[PurchaseModel]] = {"bg_nbd": BetaGeo, "mbg_nbd": ModifiedBetaGeo, "pareto_nbd": ParetoNbd}
"""The models of purchases that an indicator may be asked for."""
MODEL_WORDS = Text(
    "购买模型：bg_nbd 视仅购买一次者仍为客户，其余两种则不然",
    "the model of purchases: bg_nbd takes who bought once to be a customer still, the other two need not",
)

_fits: dict[bytes, Fitted | None] = {}


# ---- on the engine


def histories(orders: ir.Table, periods: Periods) -> ir.Table:
    """One row per period and customer seen by its end: ``x``, ``t_x``, ``T``, ``mean`` (net per repeat purchase day)."""
    until = max(period.last_day for period in periods.periods)
    days = purchase_days(orders, until=until)
    own = ibis.window(group_by="customer_id", order_by="day")
    days = days.mutate(
        nth=ibis.row_number().over(own),
        next_day=days.day.lead().over(own),
        first=days.day.min().over(group_by="customer_id"),
    )
    so_far = ibis.cumulative_window(group_by="customer_id", order_by="day")
    days = days.mutate(repeat=ibis.ifelse(days.nth > 0, days.net, 0.0).sum().over(so_far))
    # the stretch between two purchase days that holds the period's end has the whole history on it
    last = ibis.literal(until + timedelta(days=1))
    rows = periods.standing(days, after=days.day, until=days.next_day.fill_null(last), at="end_day")
    return rows.select(
        "period",
        "customer_id",
        x=rows.nth.cast("int64"),
        t_x=rows.day.delta(rows["first"], unit="day"),
        T=rows.end_day.delta(rows["first"], unit="day") - 1,
        mean=ibis.ifelse(rows.nth > 0, rows.repeat / rows.nth.nullif(0), 0.0),
    )


def histories_with_money(orders: ir.Table, periods: Periods) -> ir.Table:
    """Every history twice: with its age, and with its mean spend to the bin.

    Crossing the two would make nearly as many patterns as customers. Nothing is lost: expected spend is linear in the mean,
    whose sum every pattern carries, and the spend model knows no ages.
    """
    rows = histories(orders, periods)
    rows = rows.mutate(value=ibis.greatest(rows["mean"], 0.0))
    spent = rows.filter((rows.x > 0) & (rows["mean"] > 0))
    none = ibis.literal(0, "int64")
    whole = rows.select("period", "customer_id", "x", "t_x", "T", "value", role=ibis.literal(HISTORY), money=none)
    means = spent.select(
        "period",
        "customer_id",
        "x",
        "value",
        role=ibis.literal(SPEND),
        t_x=none,
        T=none,
        money=(spent["mean"].ln() * BINS).round().cast("int64"),
    )
    columns = ["period", "customer_id", *WITH_MONEY, "value"]
    return ibis.union(whole.select(columns), means.select(columns))


# ---- in Python


def ages(patterns: pd.DataFrame) -> Patterns:
    """The histories among patterns, without their money."""
    rows = patterns[patterns["role"] == HISTORY] if "role" in patterns else patterns
    x, t_x, age, weight = (rows[name].to_numpy(float) for name in (*AGES, "weight"))
    return Patterns(x, t_x, age, weight, "days")


def purchase_model(seen: Patterns, name: str) -> PurchaseModel | None:
    """A model of ``MODELS`` of these histories; None where it did not converge or the data do not identify its parameters."""

    def fit() -> PurchaseModel | None:
        model = MODELS[name].fit(seen)
        return model if model.identified else None

    found = _once(name, (seen.x, seen.t_x, seen.T, seen.weight), fit)
    return found if isinstance(found, PurchaseModel) else None


def spend_model(patterns: pd.DataFrame) -> GammaGamma | None:
    """Gamma-Gamma of the mean spends among patterns; None as for :func:`purchase_model`."""
    rows = patterns[patterns["role"] == SPEND]
    x, weight = rows["x"].to_numpy(float), rows["weight"].to_numpy(float)
    mean = rows["value"].to_numpy(float) / weight

    def fit() -> GammaGamma | None:
        model = GammaGamma.fit_means(x, mean, weight)
        return model if model.identified else None

    found = _once("gamma_gamma", (x, mean, weight), fit)
    return found if isinstance(found, GammaGamma) else None


def _once(name: str, arrays: tuple[np.ndarray, ...], fit: Callable[[], Fitted | None]) -> Fitted | None:
    """The same patterns are asked for by several indicators and by every set of assumptions: fitted once in a process."""
    digest = hashlib.blake2b(name.encode())
    for array in arrays:
        digest.update(np.ascontiguousarray(array).tobytes())
    key = digest.digest()
    if key not in _fits:
        if len(_fits) >= MOST_FITS:
            _fits.clear()
        try:
            _fits[key] = fit()
        except DataError:
            _fits[key] = None
    return _fits[key]
