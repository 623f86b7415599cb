"""Which model? Candidates fitted to the first part of a history and judged by the rest, beside guesses that need no model."""

from dataclasses import dataclass

import ibis
import numpy as np
import pandas as pd

from crmtools.lifetime.beta_geo import BetaGeo, ModifiedBetaGeo
from crmtools.lifetime.evaluate import Calendar, purchase_calendar, tracking
from crmtools.lifetime.grid import unique_rows
from crmtools.lifetime.model import PurchaseModel
from crmtools.lifetime.nbd import Nbd
from crmtools.lifetime.occasions import ZeroDays, fetch, purchase_days
from crmtools.lifetime.pareto_nbd import ParetoNbd
from crmtools.lifetime.summary import CalibrationHoldout
from crmtools.shown import Shown
from crmtools.words import Text

CANDIDATES: tuple[type[PurchaseModel], ...] = (BetaGeo, ModifiedBetaGeo, ParetoNbd, Nbd)
GROUPS = 10
BASELINES = {
    "own_rate": Text("每位客户保持自己的历史频率", "every customer goes on at his own past rate"),
    "mean_rate": Text("每位客户都按平均频率", "every customer buys at the mean rate"),
    "as_before": Text(
        "每位客户重复前一段同样长的时间", "every customer repeats what he did in the stretch before, as long"
    ),
}
"""Guesses that need no model; a model that does not beat them is not worth its parameters."""


@dataclass(frozen=True, slots=True, eq=False)
class Comparison(Shown):
    """The candidates and the guesses on the held-back time.

    ``frame`` is indexed by the model's title or the guess's key, models first, the best first: ``model`` (True),
    ``log_score``, ``behind``, ``behind_error``, ``mae``, ``rmse``, ``bias`` (expected over actual total, minus one),
    ``calibration``, ``gini``, ``tracking``, ``bic`` and ``usable``. See :func:`compare`. ``fits``: the fitted candidates.
    """

    frame: pd.DataFrame
    fits: dict[str, PurchaseModel]
    calendar: Calendar

    @property
    def winner(self) -> PurchaseModel | None:
        """The best usable model; None when none is."""
        usable = self.frame.index[self.frame["model"] & self.frame["usable"]]
        return self.fits[usable[0]] if len(usable) else None

    @property
    def beaten(self) -> list[str]:
        """The guesses that the winner beats, by its root mean square error."""
        if self.winner is None:
            return []
        rmse = self.frame["rmse"]
        return [key for key in BASELINES if rmse[self.winner.TITLE] < rmse[key]]

    @property
    def clear(self) -> bool:
        """Whether the winner's lead over the next usable model is more than chance makes (two standard errors)."""
        rest = self.frame[self.frame["model"] & self.frame["usable"]].iloc[1:]
        return bool(rest.empty or rest["behind"].iloc[0] > 2 * rest["behind_error"].iloc[0])


def compare(
    split: CalibrationHoldout,
    orders: ibis.Table | pd.DataFrame,
    *,
    candidates: tuple[type[PurchaseModel], ...] = CANDIDATES,
    zero_days: ZeroDays = "count",
) -> Comparison:
    """Fit every candidate to the calibration and rank them by the held-back time, beside the guesses of ``BASELINES``.

    ``log_score`` decides: the mean logarithm of the probability that a model gave to what each customer then did. It cannot
    be won by a forecast that is right in the mean only, or by one that always says "nothing", as the mean absolute error
    can. ``behind`` is how far behind the best, with its standard error over customers. The others tell where a model
    fails: ``mae`` and ``rmse`` per customer, ``calibration`` (customers in ten groups by expectation: mean distance between
    what a group did and was expected to do, over the mean), ``gini`` (how well the order is foreseen: 1 for the true one, 0
    for none), ``tracking`` (mean distance of the cumulative purchases of the held-back weeks, relative). ``usable``: the
    fit converged, away from its bounds.
    """
    calendar = purchase_calendar(
        orders, calibration_until=split.calibration_until, until=split.holdout_until, zero_days=zero_days
    )
    fits = {model.TITLE: model.fit(split.calibration) for model in candidates}
    actual = split.holdout["purchases"].to_numpy(float)
    rows, scores = {}, {}
    for title, model in fits.items():
        expected = model.expected_purchases(split.calibration, horizon=split.duration)["value"].to_numpy()
        scores[title] = log_scores(model, split)
        rows[title] = measures(expected, actual) | {
            "model": True, "log_score": scores[title].mean(), "tracking": _tracking_error(model, calendar), "bic": model.bic,
            "usable": model.converged and not model.at_bound,
        }  # fmt: skip
    best = max(scores, key=lambda title: (rows[title]["usable"], rows[title]["log_score"]))
    for title, score in scores.items():
        gap = scores[best] - score
        rows[title] |= {"behind": gap.mean(), "behind_error": gap.std() / np.sqrt(len(gap))}
    ranked = sorted(rows, key=lambda title: (not rows[title]["usable"], -rows[title]["log_score"]))
    for key, expected in _guesses(split, orders, zero_days).items():
        rows[key] = measures(expected, actual) | {"model": False, "usable": True}
    frame = pd.DataFrame.from_dict(rows, orient="index").loc[[*ranked, *BASELINES]].rename_axis("name")
    columns = ["model", "usable", "log_score", "behind", "behind_error", "mae", "rmse", "bias", "calibration", "gini", "tracking", "bic"]  # fmt: skip
    return Comparison(frame[columns].astype({"model": bool, "usable": bool}), fits, calendar)


def log_scores(model: PurchaseModel, split: CalibrationHoldout) -> np.ndarray:
    """The logarithm of the probability of what each customer did in the holdout, given the calibration."""
    x, t_x, T = split.calibration.ages()
    (x, t_x, T, count), position, _ = unique_rows(x, t_x, T, split.holdout["purchases"].to_numpy(float))
    here = model.alive(model.parameters, x, t_x, T)
    chance = here * model.chances_if_alive(model.parameters, x, T, split.duration, count) + (1 - here) * (count == 0)
    return np.log(np.maximum(chance, 1e-300))[position]


def measures(expected: np.ndarray, actual: np.ndarray) -> dict[str, float]:
    """mae, rmse, bias, calibration and gini of expected purchases; NaN where nobody bought."""
    error = expected - actual
    total = actual.sum()
    order = np.argsort(expected, kind="stable")
    groups = np.array_split(order, GROUPS)
    off = np.array([error[group].sum() for group in groups])
    return {
        "mae": float(np.abs(error).mean()),
        "rmse": float(np.sqrt((error**2).mean())),
        "bias": float(expected.sum() / total - 1) if total else float("nan"),
        "calibration": float(np.abs(off).sum() / total) if total else float("nan"),
        "gini": _gini(expected, actual),
    }


def _gini(expected: np.ndarray, actual: np.ndarray) -> float:
    """Area between the concentration curve of ``actual`` in the order of ``expected`` and chance, over that of its own order."""

    def area(key: np.ndarray) -> float:
        # customers of equal expectation share what they bought, or the order of the rows would decide
        _, place = np.unique(-key, return_inverse=True)
        share, people = np.bincount(place, weights=actual), np.bincount(place)
        height = np.concatenate([[0.0], np.cumsum(share)]) / actual.sum()
        return float(((height[1:] + height[:-1]) / 2 * people).sum() / len(actual) - 0.5)

    if not actual.sum() or not area(actual):
        return float("nan")
    return area(expected) / area(actual)


def _tracking_error(model: PurchaseModel, calendar: Calendar) -> float:
    """Mean distance of the cumulative purchases of the held-back weeks, relative to those made; NaN without a week."""
    weeks = tracking(model, calendar)
    held = weeks[~weeks["calibration"]]
    if held.empty or weeks["actual_cumulative"].iloc[-1] == 0:
        return float("nan")
    return float((held["expected_cumulative"] / held["actual_cumulative"].clip(lower=1) - 1).abs().mean())


def _guesses(
    split: CalibrationHoldout, orders: ibis.Table | pd.DataFrame, zero_days: ZeroDays
) -> dict[str, np.ndarray]:
    """Expected purchases of every customer by the guesses that need no model."""
    x, _, T = split.calibration.ages()
    mean = float(x.sum() / T.sum()) if T.sum() else 0.0
    own = np.divide(x, T, out=np.full(len(x), mean), where=T > 0)
    days = purchase_days(orders, until=split.calibration_until, zero_days=zero_days)
    since = split.calibration_until - (split.holdout_until - split.calibration_until)
    born = days.group_by("customer_id").agg(born=days.day.min())
    recent = days.filter(days.day > since).inner_join(born, "customer_id")
    recent = recent.filter(recent.day > recent.born)
    before = fetch(recent.group_by("customer_id").agg(purchases=recent.count())).set_index("customer_id")["purchases"]
    made = before.reindex(split.calibration.frame.index, fill_value=0).to_numpy(float)
    return {
        "own_rate": own * split.duration,
        "mean_rate": np.full(len(x), mean * split.duration),
        "as_before": made,
    }
