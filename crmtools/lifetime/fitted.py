"""What every fitted lifetime model shows in the same way: its parameters and the interval of an answer."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.special import ndtri

from crmtools.words import Text

NOT_IDENTIFIED = Text(
    "客户太少或历史太短，模型参数无法确定，因此不给出区间。",
    "Too few customers or too short a history to determine the parameters, so no interval is given.",
)

# Standard error on the log scale above which a parameter is not known within a factor of fifty either way.
_LARGEST_ERROR = 2.0
# Patterns x draws held at one time: about 30 MB
_BLOCK = 4_000_000


def identified(parameters: np.ndarray, covariance: np.ndarray) -> bool:
    """Whether the data say enough about every parameter for an interval to mean anything."""
    se = np.sqrt(np.diag(covariance))
    return bool(np.isfinite(se).all() and (se / parameters).max() < _LARGEST_ERROR)


def parameter_table(
    names: tuple[str, ...], parameters: np.ndarray, covariance: np.ndarray, level: float
) -> pd.DataFrame:
    """estimate, se, low, high per parameter; Wald on the log scale: coverage holds from 500 customers on."""
    se = np.sqrt(np.diag(covariance))
    factor = np.exp(ndtri(0.5 + level / 2) * se / parameters)
    return pd.DataFrame(
        {"estimate": parameters, "se": se, "low": parameters / factor, "high": parameters * factor},
        index=pd.Index(names, name="parameter"),
    )


def fit_notes(converged: bool, at_bound: tuple[str, ...], identified: bool) -> list[Text]:
    """What is wrong with a fit itself, whatever the model."""
    notes = []
    if not converged:
        notes.append(Text("模型未收敛，结果不可用。", "The fit did not converge: do not use its results."))
    if at_bound:
        names = ", ".join(at_bound)
        notes.append(
            Text(
                f"数据不足以识别参数 {names}：估计停在边界上。",
                f"The data do not identify {names}: the estimate sits at its bound.",
            )
        )
    if not identified:
        notes.append(NOT_IDENTIFIED)
    return notes


def quantiles_over_draws(
    answer: Callable[[np.ndarray, slice], np.ndarray], draws: np.ndarray | None, size: int, level: float
) -> dict[str, np.ndarray]:
    """``low`` and ``high`` of ``answer(parameters, slice)`` over draws, block by block; NaN without draws."""
    low, high = np.full(size, np.nan), np.full(size, np.nan)
    if draws is None:
        return {"low": low, "high": high}
    step = max(1, _BLOCK // len(draws))
    tail = (1 - level) / 2
    for begin in range(0, size, step):
        block = slice(begin, begin + step)
        answers = np.stack([answer(parameters, block) for parameters in draws])
        low[block], high[block] = np.quantile(answers, (tail, 1 - tail), axis=0)
    return {"low": low, "high": high}
