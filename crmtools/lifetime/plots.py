"""The pictures analysts know, each beside the function that returns its data; every one takes and returns an Axes."""

from datetime import date
from typing import TYPE_CHECKING

import ibis
import numpy as np
import pandas as pd

from crmtools.errors import DataError
from crmtools.lifetime.evaluate import HoldoutCheck
from crmtools.lifetime.model import PurchaseModel
from crmtools.lifetime.occasions import ZeroDays, fetch, purchase_days
from crmtools.lifetime.summary import DAYS_PER, Patterns, Summary
from crmtools.words import Language, Text

if TYPE_CHECKING:  # matplotlib is imported by whoever has an Axes
    from matplotlib.axes import Axes

ACTUAL, EXPECTED = Text("实际", "actual"), Text("模型预期", "expected")
REPEATS = Text("复购次数", "Repeat purchases")
CUSTOMERS = Text("客户数", "Customers")


# ---- how often customers bought


def frequencies(model: PurchaseModel, summary: Summary | Patterns, *, most: int = 7) -> pd.DataFrame:
    """Customers by repeat purchases, actual and as the model expects of them from the day they came.

    Indexed "0", "1", … ``most`` with a plus: actual, expected. The expectation is a sum of probabilities over the ages at
    the end of observation, not one simulation.
    """
    p = summary.patterns() if isinstance(summary, Summary) else summary
    ages, code = np.unique(p.T, return_inverse=True)
    people = np.bincount(code, weights=p.weight)
    born = np.zeros(len(ages))
    theta = model.parameters
    here = model.alive(theta, born, born, born)
    chance = np.stack(
        [
            np.where(ages > 0, here * _of_new(model, ages, float(n)) + (n == 0) * (1 - here), float(n == 0))
            for n in range(most)
        ]
    )
    expected = chance @ people
    actual = np.bincount(np.minimum(p.x, most).astype(int), weights=p.weight, minlength=most + 1)
    names = [*map(str, range(most)), f"{most}+"]
    columns = {"actual": actual.astype(int), "expected": [*expected, people.sum() - expected.sum()]}
    return pd.DataFrame(columns, index=pd.Index(names, name="frequency"))


def plot_frequencies(ax: "Axes", frame: pd.DataFrame, *, language: Language = "en") -> "Axes":
    """Draw the frame of ``frequencies``."""
    return _paired(ax, frame, REPEATS.to(language), CUSTOMERS.to(language), language)


def _of_new(model: PurchaseModel, ages: np.ndarray, count: float) -> np.ndarray:
    """P(count repeat purchases by each age | alive at birth)."""
    zero, one = np.zeros(1), np.full(1, count)
    return np.array(
        [model.chances_if_alive(model.parameters, zero, zero, float(age), one)[0] if age > 0 else 0.0 for age in ages]
    )


# ---- the time held back


def plot_holdout(ax: "Axes", check: HoldoutCheck, *, language: Language = "en") -> "Axes":
    """Mean purchases in the holdout by calibration frequency (``check.by_frequency``), without empty groups."""
    table = check.by_frequency[check.by_frequency["customers"] > 0]
    x = Text("校准期复购次数", "Repeat purchases in the calibration").to(language)
    return _paired(
        ax, table, x, Text("留出期人均购买次数", "Purchases per customer in the holdout").to(language), language
    )


def plot_tracking(ax: "Axes", frame: pd.DataFrame, *, cumulative: bool = True, language: Language = "en") -> "Axes":
    """Draw the frame of ``tracking``: actual and expected repeat purchases; a line ends the calibration."""
    suffix = "_cumulative" if cumulative else ""
    ax.plot(frame.index, frame[f"actual{suffix}"], label=ACTUAL.to(language), color="black", linewidth=1.5)
    ax.plot(frame.index, frame[f"expected{suffix}"], label=EXPECTED.to(language), color="C0", linestyle="--")
    seen = frame.index[frame["calibration"]]
    if 0 < len(seen) < len(frame):
        ax.axvline(seen[-1], color="grey", linestyle=":", linewidth=1)
    title = (
        Text("累计复购次数", "Cumulative repeat purchases") if cumulative else Text("每期复购次数", "Repeat purchases")
    )
    ax.set_ylabel(title.to(language))
    ax.set_ylim(bottom=0)
    ax.legend(frameon=False)
    return ax


# ---- what a history says


def history_matrix(
    model: PurchaseModel, *, T: float, most: int = 20, steps: int = 40, horizon: float | str | None = None
) -> pd.DataFrame:
    """P(alive), or with ``horizon`` expected purchases in it, of customers of age T by frequency and recency.

    Columns 0 … most repeat purchases, rows the age at the last of them in ``steps`` equal steps up to T; NaN where no such
    customer can be: a repeat purchase needs time to have passed, and no repeat leaves none.
    """
    ages = np.linspace(0, T, steps + 1)
    x, t_x = (grid.ravel() for grid in np.meshgrid(np.arange(most + 1.0), ages))
    legal = (x > 0) == (t_x > 0)
    end = np.full(int(legal.sum()), float(T))
    out = np.full(len(x), np.nan)
    if horizon is None:
        out[legal] = model.alive(model.parameters, x[legal], t_x[legal], end)
    else:
        out[legal] = model.expected(model.parameters, (x[legal], t_x[legal], end), model.in_unit(horizon))
    frame = pd.DataFrame(out.reshape(len(ages), most + 1), index=pd.Index(ages, name="recency"))
    return frame.rename_axis(columns="frequency")


def plot_history_matrix(ax: "Axes", frame: pd.DataFrame, *, language: Language = "en") -> "Axes":
    """Draw the frame of ``history_matrix`` as a heat map; the last purchase is most recent at the top."""
    rows, columns = frame.index.to_numpy(), frame.columns.to_numpy()
    step = rows[1] / 2
    edges = (columns[0] - 0.5, columns[-1] + 0.5, rows[0] - step, rows[-1] + step)
    picture = ax.imshow(frame.to_numpy(), origin="lower", aspect="auto", extent=edges, cmap="Blues")
    ax.figure.colorbar(picture, ax=ax)
    ax.set_xlabel(REPEATS.to(language))
    ax.set_ylabel(Text("末次购买时的客龄", "Age at the last purchase").to(language))
    return ax


# ---- one customer


def customer_history(
    model: PurchaseModel,
    orders: ibis.Table | pd.DataFrame,
    customer: str,
    *,
    as_of: date,
    zero_days: ZeroDays = "count",
) -> pd.DataFrame:
    """P(alive) of one customer on every day from the first purchase to ``as_of``, as that day knew it.

    Indexed by day: probability_alive, purchase (True on purchase days). Raises DataError for an unknown customer.
    """
    days = purchase_days(orders, until=as_of, zero_days=zero_days)
    own = pd.DatetimeIndex(fetch(days.filter(days.customer_id == customer).select("day"))["day"]).sort_values()
    if own.empty:
        raise DataError(f"Customer {customer!r} has no purchase up to {as_of}.")
    span = pd.date_range(own[0], pd.Timestamp(as_of), freq="D", name="day")
    seen = np.searchsorted(own, span, side="right")
    scale = DAYS_PER[model.unit]
    T = np.arange(len(span)) / scale
    t_x = np.asarray((own[seen - 1] - own[0]).days) / scale
    alive = model.alive(model.parameters, seen - 1.0, t_x, T)
    return pd.DataFrame({"probability_alive": alive, "purchase": span.isin(own)}, index=span)


def plot_customer_history(ax: "Axes", frame: pd.DataFrame, *, language: Language = "en") -> "Axes":
    """Draw the frame of ``customer_history``: the probability as a line, purchases as dotted lines."""
    ax.plot(frame.index, frame["probability_alive"], color="C0")
    for day in frame.index[frame["purchase"]]:
        ax.axvline(day, color="grey", linestyle=":", linewidth=1)
    ax.set_ylim(0, 1.05)
    ax.set_ylabel(Text("仍活跃的概率", "Probability of being active").to(language))
    return ax


def _paired(ax: "Axes", frame: pd.DataFrame, x: str, y: str, language: Language) -> "Axes":
    place = np.arange(len(frame))
    ax.bar(place - 0.2, frame["actual"], width=0.4, label=ACTUAL.to(language), color="dimgrey")
    ax.bar(place + 0.2, frame["expected"], width=0.4, label=EXPECTED.to(language), color="C0")
    ax.set_xticks(place, list(frame.index))
    ax.set_xlabel(x)
    ax.set_ylabel(y)
    ax.legend(frameon=False)
    return ax
