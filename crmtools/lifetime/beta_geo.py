"""BG/NBD: how often customers buy while they are active, and whether they still are.

Fader, Hardie & Lee (2005), "Counting Your Customers the Easy Way", Marketing Science 24(2). While active a
customer buys at rate lambda ~ Gamma(r, alpha); after every purchase the customer leaves for good with
probability p ~ Beta(a, b). ``alpha`` is a rate: its unit is the time unit of the data, the other three have
none.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import pandas as pd

from crmtools.errors import DataError, SettingsError
from crmtools.lifetime.beta_geo_formulas import alive, purchases_if_alive
from crmtools.lifetime.beta_geo_likelihood import NAMES, likelihood_of
from crmtools.lifetime.fitted import (
    NOT_IDENTIFIED,
    fit_notes,
    identified,
    parameter_table,
    quantiles_over_draws,
)
from crmtools.lifetime.newton import draw_parameters, maximise
from crmtools.lifetime.summary import DAYS_PER, Patterns, Summary, TimeUnit, horizon_in
from crmtools.words import Text

# Scaled to T = 1, beyond these a parameter is not identified: the likelihood is flat to the last digit.
_LOW, _HIGH = 1e-5, 1e5


@dataclass(frozen=True, slots=True, eq=False)
class BetaGeo:
    """A fitted BG/NBD model.

    r, alpha, a, b; covariance (4 x 4, that order, NaN for a parameter at its bound); log_likelihood at the
    data's time unit; n customers of whom one_time bought once; longest, the longest age observed; converged
    and message of the optimiser; at_bound, names of parameters the data do not identify.
    """

    r: float
    alpha: float
    a: float
    b: float
    covariance: np.ndarray
    log_likelihood: float
    n: int
    one_time: int
    longest: float
    unit: TimeUnit
    converged: bool
    message: str
    at_bound: tuple[str, ...] = ()

    NAMES: ClassVar[tuple[str, ...]] = NAMES

    @classmethod
    def fit(cls, summary: Summary | Patterns) -> "BetaGeo":
        """Maximum likelihood. Ages are scaled to the longest, so the unit does not matter to the optimiser.

        Raises DataError for an empty summary or one in which nobody was observed for any time. A fit that did
        not converge or ended at a bound is returned and says so.
        """
        p = summary.patterns() if isinstance(summary, Summary) else summary
        if not len(p.x) or p.T.max() <= 0:
            raise DataError(f"BG/NBD needs customers observed for some time; found {len(p.x)} with T = 0 or none.")
        longest = float(p.T.max())
        function = likelihood_of(p.x, p.t_x / longest, p.T / longest, p.weight)
        end = maximise(function, np.array([0.5, 0.2, 1.0, 2.0]), low=np.full(4, _LOW), high=np.full(4, _HIGH))
        scale = np.array([1, longest, 1, 1])
        r, alpha, a, b = (float(value) for value in end.parameters * scale)
        return cls(
            r,
            alpha,
            a,
            b,
            covariance=end.covariance * np.outer(scale, scale),
            # density of t_x: x purchases, each at a time measured in units `longest` times smaller
            log_likelihood=float(end.log_likelihood - (p.weight @ p.x) * np.log(longest)),
            n=int(p.weight.sum()),
            one_time=int(p.weight[p.x == 0].sum()),
            longest=longest,
            unit=p.unit,
            converged=end.converged,
            message=end.message,
            at_bound=tuple(name for name, stuck in zip(NAMES, end.at_bound, strict=True) if stuck),
        )

    @property
    def parameters(self) -> np.ndarray:
        """r, alpha, a, b."""
        return np.array([self.r, self.alpha, self.a, self.b])

    def summary(self, *, level: float = 0.95) -> pd.DataFrame:
        """One row per parameter: estimate, se, low, high (Wald on the log scale, so never below zero)."""
        return parameter_table(NAMES, self.parameters, self.covariance, level)

    @property
    def identified(self) -> bool:
        """Whether the data say enough about every parameter; if not, there are no draws and no intervals."""
        return self.converged and identified(self.parameters, self.covariance)

    def draws(self, count: int, *, seed: int = 0) -> pd.DataFrame:
        """``count`` parameter sets from the approximate sampling distribution (normal on the log scale).

        Raises DataError when the parameters are not ``identified``.
        """
        if not self.identified:
            raise DataError(f"{type(self).__name__}: {NOT_IDENTIFIED.en}")
        drawn = draw_parameters(self.parameters, self.covariance, count=count, seed=seed)
        return pd.DataFrame(drawn, columns=list(NAMES))

    def probability_alive(
        self, summary: Summary, *, level: float | None = None, draws: int = 200, seed: int = 0
    ) -> pd.DataFrame:
        """Is the customer still active at the end of observation? (FHL 2005; Hardie note 021)

        Frame indexed by customer: ``value``, and with ``level`` also ``low`` and ``high`` (uncertainty of the
        parameters; NaN when they are not ``identified``). Exactly 1 for one-time buyers: this model lets
        customers leave only after a repeat purchase.
        """
        return self._answer(summary, alive, level=level, draws=draws, seed=seed)

    def expected_purchases(
        self,
        summary: Summary,
        *,
        horizon: float | str,
        level: float | None = None,
        draws: int = 200,
        seed: int = 0,
    ) -> pd.DataFrame:
        """How many purchase days are expected in the next ``horizon``? (FHL 2005, eq. 10)

        horizon: a number in the model's unit, or "26 weeks". Frame indexed by customer: ``value``, and with
        ``level`` also ``low`` and ``high`` of the expectation (uncertainty of the parameters, not of the
        purchases themselves).
        """
        length = self.in_unit(horizon)

        def question(parameters: np.ndarray, x: np.ndarray, t_x: np.ndarray, T: np.ndarray) -> np.ndarray:
            return alive(parameters, x, t_x, T) * purchases_if_alive(parameters, x, T, length)

        return self._answer(summary, question, level=level, draws=draws, seed=seed)

    def probability_of_purchase(
        self,
        summary: Summary,
        *,
        horizon: float | str,
        level: float | None = None,
        draws: int = 200,
        seed: int = 0,
    ) -> pd.DataFrame:
        """Will the customer buy at least once in the next ``horizon``? Asked like expected_purchases.

        While active the next purchase comes at rate lambda | x, T ~ Gamma(r+x, alpha+T):
        P = P(alive) * (1 - ((alpha+T) / (alpha+T+H))^(r+x)).
        """
        length = self.in_unit(horizon)

        def question(parameters: np.ndarray, x: np.ndarray, t_x: np.ndarray, T: np.ndarray) -> np.ndarray:
            r, alpha = parameters[:2]
            none = -(r + x) * np.log1p(length / (alpha + T))
            return alive(parameters, x, t_x, T) * -np.expm1(none)

        return self._answer(summary, question, level=level, draws=draws, seed=seed)

    def expected_purchases_new_customer(self, *, horizon: float | str | np.ndarray) -> float | np.ndarray:
        """Repeat purchases expected of a new customer in the first ``horizon`` (FHL 2005, eq. 9).

        A number, or an array for an array of horizons in the model's unit.
        """
        many = isinstance(horizon, np.ndarray)
        lengths = horizon if isinstance(horizon, np.ndarray) else np.array([self.in_unit(horizon)])
        born = np.zeros(len(lengths))
        expected = purchases_if_alive(self.parameters, born, born, lengths)
        return expected if many else float(expected[0])

    def notes(self) -> tuple[Text, ...]:
        """What a reader has to know before believing the numbers, in both languages."""
        notes = fit_notes(self.converged, self.at_bound, self.identified)
        if self.n:
            share = f"{100 * self.one_time / self.n:.1f}"
            notes.append(
                Text(
                    f"{share}% 的客户只购买过一次；BG/NBD 把他们全部视为仍然活跃，因此预期购买次数和价值中，"
                    "有一部分落在实际上已经流失的客户身上。",
                    f"{share}\u00a0% of the customers bought once; BG/NBD takes every one of them to be still "
                    "active, so part of the expected purchases and value is expected of customers who have left.",
                )
            )
        if self.longest * DAYS_PER[self.unit] < 182:
            days = round(self.longest * DAYS_PER[self.unit])
            notes.append(
                Text(
                    f"观察期仅 {days} 天，不足半年，长期预测不可靠。",
                    f"Only {days} days of history, less than half a year: forecasts far ahead are not reliable.",
                )
            )
        return tuple(notes)

    def in_unit(self, horizon: float | str) -> float:
        """A horizon in the model's time unit: a number as it is, "26 weeks" converted."""
        return horizon_in(horizon, self.unit)

    def _answer(
        self,
        summary: Summary,
        question: Callable[..., np.ndarray],
        *,
        level: float | None,
        draws: int,
        seed: int,
    ) -> pd.DataFrame:
        """Ask once per pattern, give the answer back per customer."""
        if summary.unit != self.unit:
            raise SettingsError(f"The model was fitted in {self.unit}, the summary is in {summary.unit}.")
        p, position = summary.compressed()
        columns = {"value": question(self.parameters, p.x, p.t_x, p.T)}
        if level is not None:
            drawn = self.draws(draws, seed=seed).to_numpy() if self.identified else None
            columns |= quantiles_over_draws(
                lambda theta, s: question(theta, p.x[s], p.t_x[s], p.T[s]), drawn, len(p.x), level
            )
        return pd.DataFrame({name: values[position] for name, values in columns.items()}, index=summary.frame.index)
