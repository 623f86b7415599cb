"""What every fitted lifetime model shows in the same way: its parameters and the interval of an answer."""

from collections.abc import Callable

import numpy as np
import pandas as pd
from scipy.special import ndtri

# Patterns x draws held at one time: about 30 MB
_BLOCK = 4_000_000


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


def quantiles_over_draws(
    answer: Callable[[np.ndarray, slice], np.ndarray], draws: np.ndarray, size: int, level: float
) -> dict[str, np.ndarray]:
    """``low`` and ``high`` of ``answer(parameters, slice)`` over parameter draws, block by block."""
    low, high = np.empty(size), np.empty(size)
    step = max(1, _BLOCK // len(draws))
    tail = (1 - level) / 2
    for begin in range(0, size, step):
        block = slice(begin, begin + step)
        answers = np.stack([answer(parameters, block) for parameters in draws])
        low[block], high[block] = np.quantile(answers, (tail, 1 - tail), axis=0)
    return {"low": low, "high": high}
