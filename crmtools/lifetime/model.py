"""What every model of purchases is asked, whatever it takes customers to be.

A model is its likelihood and what it says about one customer; fitting, errors, intervals, totals, notes and JSON are the
same for all and stand here. Customers are independent given the parameters, and a history says two things: how likely the
customer is still active, and how an active one will go on. Every answer is put together from these two.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from typing import ClassVar, Self

import numpy as np
import pandas as pd

from crmtools.errors import DataError, SettingsError
from crmtools.lifetime.fitted import Fitted, Link, answer_with_limits, limits_of_total, totals_by
from crmtools.lifetime.newton import Likelihood, Maximum, maximise, maximise_rows
from crmtools.lifetime.profile import profile_limits
from crmtools.lifetime.summary import DAYS_PER, Patterns, Summary, TimeUnit, horizon_in
from crmtools.words import Text

# Scaled to T = 1, beyond these a parameter is not identified: the likelihood is flat to the last digit.
LOW, HIGH = 1e-5, 1e5
HALF_A_YEAR = 182

Ages = tuple[np.ndarray, np.ndarray, np.ndarray]
"""x, t_x and T."""


@dataclass(frozen=True, eq=False, kw_only=True)
class PurchaseModel(Fitted, ABC):
    """A fitted model of when customers buy; log_likelihood at the data's time unit.

    Beside what every fit has: one_time, the customers who bought once; longest, the longest age observed; unit of time.
    """

    one_time: int
    longest: float
    unit: TimeUnit

    START: ClassVar[tuple[float, ...]]
    """Where the optimiser starts, ages scaled to the longest."""
    TIMED: ClassVar[tuple[str, ...]] = ()
    """Parameters that are counted in the unit of time."""
    WHOLE: ClassVar[bool] = False
    """Whether ages and horizons count opportunities: whole numbers, x <= t_x <= T."""

    # ---- what a model has to say

    @classmethod
    @abstractmethod
    def likelihood(cls, x: np.ndarray, t_x: np.ndarray, T: np.ndarray, weight: np.ndarray) -> Likelihood:
        """The log-likelihood of weighted patterns, with gradient and Hessian, as a function of the parameters."""

    @staticmethod
    @abstractmethod
    def alive(parameters: np.ndarray, x: np.ndarray, t_x: np.ndarray, T: np.ndarray) -> np.ndarray:
        """P(alive at T | history)."""

    @staticmethod
    @abstractmethod
    def purchases_if_alive(
        parameters: np.ndarray, x: np.ndarray, T: np.ndarray, horizon: float | np.ndarray
    ) -> np.ndarray:
        """E[purchases in the next horizon | alive at T, history]; one horizon, or one for each history."""

    @classmethod
    def purchases_over(cls, parameters: np.ndarray, x: np.ndarray, T: np.ndarray) -> Callable[[float], np.ndarray]:
        """``purchases_if_alive`` as a function of the horizon, for those who ask for many."""
        return lambda horizon: cls.purchases_if_alive(parameters, x, T, horizon)

    @staticmethod
    @abstractmethod
    def chances_if_alive(
        parameters: np.ndarray, x: np.ndarray, T: np.ndarray, horizon: float, count: np.ndarray
    ) -> np.ndarray:
        """P(count purchases in the next horizon | alive at T, history), elementwise."""

    @staticmethod
    @abstractmethod
    def future_if_alive(
        parameters: np.ndarray, x: np.ndarray, T: np.ndarray, horizon: float, random: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """One future of customers alive at T: whose every purchase is (position), and when (time from now)."""

    # ---- fitting

    @classmethod
    def fit(cls, summary: Summary | Patterns) -> Self:
        """Maximum likelihood.

        Raises DataError for an empty summary or one in which nobody was observed for any time. A fit that did
        not converge or ended at a bound is returned and says so.
        """
        p = summary.patterns() if isinstance(summary, Summary) else summary
        if not len(p.x) or p.T.max() <= 0:
            raise DataError(f"{cls.TITLE} needs customers observed for some time; found {len(p.x)} with T = 0 or none.")
        end = cls._maximum(p)
        return cls(
            **dict(zip(cls.NAMES, map(float, end.parameters), strict=True)),
            covariance=end.covariance,
            log_likelihood=float(end.log_likelihood),
            n=int(p.weight.sum()),
            one_time=int(p.weight[p.x == 0].sum()),
            longest=float(p.T.max()),
            unit=p.unit,
            converged=end.converged,
            message=end.message,
            at_bound=tuple(name for name, stuck in zip(cls.NAMES, end.at_bound, strict=True) if stuck),
        )

    @classmethod
    def _maximum(cls, p: Patterns, start: np.ndarray | None = None) -> Maximum:
        # Newton on logarithms does not mind the unit of time; where it starts and must stop does
        scale = np.array([p.T.max() if name in cls.TIMED else 1.0 for name in cls.NAMES])
        rows, low, high = (p.x, p.t_x, p.T, p.weight), LOW * scale, HIGH * scale
        if start is None:
            return maximise_rows(cls.likelihood, rows, np.array(cls.START) * scale, low=low, high=high)
        return maximise(cls.likelihood(*rows), start, low=low, high=high)

    def notes(self) -> tuple[Text, ...]:
        """What a reader has to know before believing the numbers, in both languages."""
        notes = super().notes()
        days = round(self.longest * DAYS_PER[self.unit])
        if days >= HALF_A_YEAR:
            return notes
        short = Text(
            f"观察期仅 {days} 天，不足半年，长期预测不可靠。",
            f"Only {days} days of history, less than half a year: forecasts far ahead are not reliable.",
        )
        return (*notes, short)

    def parameter_limits(self, summary: Summary | Patterns, *, level: float = 0.95) -> pd.DataFrame:
        """One row per parameter, as of ``summary(level=)``: estimate, se, low, high, the limits by profile likelihood.

        summary: what the model was fitted to. A hundred times the work of the fit, and worth it up to some thousand customers;
        0 or infinity where a side is open, NaN when the parameters are not ``identified``.
        """
        frame = Fitted.summary(self, level=level)
        if not self.identified:
            return frame.assign(low=np.nan, high=np.nan)
        p = summary.patterns() if isinstance(summary, Summary) else summary
        likelihood = self.likelihood(p.x, p.t_x, p.T, p.weight)
        low, high = profile_limits(likelihood, self.parameters, self.covariance, level=level)
        return frame.assign(low=low, high=high)

    # ---- questions about customers

    def probability_alive(self, summary: Summary, *, level: float | None = None) -> pd.DataFrame:
        """Is the customer still active at the end of observation?

        Frame indexed by customer: ``value``, and with ``level`` also ``low`` and ``high`` (uncertainty of the
        parameters, delta method on the log odds; NaN when they are not ``identified``).
        """
        return self._answer(summary, lambda theta, ages: self.alive(theta, *ages), level, "logit")

    def expected_purchases(self, summary: Summary, *, horizon: float | str, level: float | None = None) -> pd.DataFrame:
        """How many purchase days are expected in the next ``horizon``?

        horizon: a number in the model's unit, or "26 weeks". Frame indexed by customer: ``value``, and with
        ``level`` also ``low`` and ``high`` of the expectation (uncertainty of the parameters, delta method on the log
        scale, not of the purchases themselves: for those see ``purchase_distribution`` and ``total_purchases``).
        """
        length = self.in_unit(horizon)
        return self._answer(summary, lambda theta, ages: self.expected(theta, ages, length), level, "log")

    def probability_of_purchase(
        self, summary: Summary, *, horizon: float | str, level: float | None = None
    ) -> pd.DataFrame:
        """Will the customer buy at least once in the next ``horizon``? Asked like ``probability_alive``."""
        length = self.in_unit(horizon)
        return self._answer(summary, lambda theta, ages: 1 - self.silent(theta, ages, length), level, "logit")

    def purchase_distribution(self, summary: Summary, *, horizon: float | str, most: int = 10) -> pd.DataFrame:
        """How likely are 0, 1, … ``most`` purchase days in the next ``horizon``, and more than that?

        Frame indexed by customer with columns 0 to ``most`` and "more"; every row sums to one.
        """
        p, position = self._of_this_unit(summary).compressed()
        here = self.alive(self.parameters, p.x, p.t_x, p.T)
        table = self._chances(p.x, p.T, self.in_unit(horizon), most) * here[:, None]
        table[:, 0] += 1 - here
        return _distribution(table[position], summary.frame.index)

    def expected_purchases_new_customer(self, *, horizon: float | str | np.ndarray) -> float | np.ndarray:
        """Repeat purchases expected of a new customer in the first ``horizon``.

        A number, or an array for an array of horizons in the model's unit.
        """
        many = isinstance(horizon, np.ndarray)
        lengths = horizon if isinstance(horizon, np.ndarray) else np.array([self.in_unit(horizon)])
        born = np.zeros(len(lengths))
        each = self.expected(self.parameters, (born, born, born), lengths)
        return each if many else float(each[0])

    def purchase_distribution_new_customer(self, *, horizon: float | str, most: int = 10) -> pd.Series:
        """How likely are 0, 1, … ``most`` repeat purchases of a new customer in the first ``horizon``, and more?"""
        born = np.zeros(1)
        here = self.alive(self.parameters, born, born, born)[0]
        table = self._chances(born, born, self.in_unit(horizon), most) * here
        table[0, 0] += 1 - here
        return _distribution(table, pd.RangeIndex(1)).iloc[0].rename("probability")

    def total_purchases(
        self, summary: Summary, *, horizon: float | str, by: pd.Series | None = None, level: float = 0.95, seed: int = 0
    ) -> pd.DataFrame:
        """How many purchase days will each group of customers make in the next ``horizon``?

        by: the group of every customer, indexed like the summary; without it all are one. Frame indexed by group:
        customers, value, low, high: limits for what the group will do, so that they hold both the uncertainty of the
        parameters (delta method, log scale) and what chance makes of the purchases. NaN when not ``identified``.
        """
        length = self.in_unit(horizon)
        index = self._of_this_unit(summary).frame.index
        ages = summary.ages()
        each = self.expected(self.parameters, ages, length)

        def limits(where: np.ndarray) -> tuple[float, float]:
            own = (ages[0][where], ages[1][where], ages[2][where])

            def total(theta: np.ndarray) -> float:
                return float(self.expected(theta, own, length).sum())

            def play(theta: np.ndarray, random: np.random.Generator) -> np.ndarray:
                owner, _ = self.future(theta, own, length, random)
                return np.bincount(owner, minlength=len(where))

            return limits_of_total(each[where], total, play, self.parameters, self.known_covariance, level, seed)

        return totals_by(each, by, index, limits)

    @classmethod
    def expected(cls, parameters: np.ndarray, ages: Ages, horizon: float | np.ndarray) -> np.ndarray:
        """E[purchases in the next horizon | history]; one horizon, or one for each history."""
        x, t_x, T = ages
        return cls.alive(parameters, x, t_x, T) * cls.purchases_if_alive(parameters, x, T, horizon)

    @classmethod
    def silent(cls, parameters: np.ndarray, ages: Ages, horizon: float) -> np.ndarray:
        """P(no purchase in the next horizon | history)."""
        x, t_x, T = ages
        here = cls.alive(parameters, x, t_x, T)
        return 1 - here * (1 - cls.chances_if_alive(parameters, x, T, horizon, np.zeros(len(x))))

    @classmethod
    def future(
        cls, parameters: np.ndarray, ages: Ages, horizon: float, random: np.random.Generator
    ) -> tuple[np.ndarray, np.ndarray]:
        """One future of all customers, drawn given history and parameters: whose every purchase is, and when."""
        x, t_x, T = ages
        here = np.flatnonzero(random.random(len(x)) < cls.alive(parameters, x, t_x, T))
        owner, time = cls.future_if_alive(parameters, x[here], T[here], horizon, random)
        return here[owner], time

    def in_unit(self, horizon: float | str) -> float:
        """A horizon in the model's time unit: a number as it is, "26 weeks" converted."""
        return horizon_in(horizon, self.unit)

    def _chances(self, x: np.ndarray, T: np.ndarray, horizon: float, most: int) -> np.ndarray:
        """Rows of customers, columns 0 … most, for active ones."""
        counts = np.arange(most + 1, dtype=float)
        return np.stack([self.chances_if_alive(self.parameters, x, T, horizon, np.full(len(x), n)) for n in counts], 1)

    def _of_this_unit(self, summary: Summary) -> Summary:
        if summary.unit != self.unit:
            raise SettingsError(f"The model was fitted in {self.unit}, the summary is in {summary.unit}.")
        return summary

    def _answer(
        self, summary: Summary, question: Callable[[np.ndarray, Ages], np.ndarray], level: float | None, link: Link
    ) -> pd.DataFrame:
        """Per customer without limits; with limits once per pattern, given back per customer."""
        index = self._of_this_unit(summary).frame.index
        if level is None:
            return pd.DataFrame({"value": question(self.parameters, summary.ages())}, index=index)
        p, position = summary.compressed()
        columns = answer_with_limits(
            lambda theta: question(theta, (p.x, p.t_x, p.T)), self.parameters, self.known_covariance, level, link
        )
        return pd.DataFrame({name: values[position] for name, values in columns.items()}, index=index)


def poisson_times(
    rate: np.ndarray, length: np.ndarray, random: np.random.Generator
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Purchases at ``rate`` over ``length`` each: how many, whose every one is, and when (uniform, given their number)."""
    count = random.poisson(rate * length)
    owner = np.repeat(np.arange(len(count)), count)
    return count, owner, random.random(len(owner)) * np.broadcast_to(length, count.shape)[owner]


def _distribution(table: np.ndarray, index: pd.Index) -> pd.DataFrame:
    columns = [*range(table.shape[1]), "more"]
    more = np.clip(1 - table.sum(axis=1), 0, 1)
    return pd.DataFrame(np.column_stack([table, more]), index=index, columns=pd.Index(columns, name="purchases"))
