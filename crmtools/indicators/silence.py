"""The expected share of customers who will stay silent: BG/NBD patterns to figures, for the kind ``Model``."""

import numpy as np
import pandas as pd

from crmtools.errors import DataError
from crmtools.indicators.moments import Assumptions, Figures
from crmtools.lifetime.beta_geo import BetaGeo
from crmtools.lifetime.beta_geo_formulas import alive
from crmtools.lifetime.summary import Patterns
from crmtools.words import Text

PATTERN = ("x", "t_x", "T", "recent")
FEWEST = 200
DRAWS = 400

TOO_FEW = Text(f"历史客户不足 {FEWEST} 位，无法拟合模型", f"fewer than {FEWEST} customers: too few to fit the model")
NOT_FITTED = Text("模型未收敛或参数无法识别", "the model did not converge, or the data do not identify its parameters")
NOBODY = Text("期末没有活跃客户", "nobody was active at the end of the period")


def expected_silence(patterns: pd.DataFrame, assumptions: Assumptions, level: float) -> Figures:
    """Mean over the active customers of the probability of no purchase in the next ``horizon_days``.

    The model is fitted to all customers; the interval holds the uncertainty of its parameters (draws from their sampling
    distribution) and of the purchases themselves (the mean of independent yes-or-no outcomes).
    """
    horizon = float(assumptions["horizon_days"])  # type: ignore[arg-type]
    x, t_x, age, weight = (patterns[name].to_numpy(float) for name in ("x", "t_x", "T", "weight"))
    recent = patterns["recent"].to_numpy(bool)
    if weight.sum() < FEWEST:
        return Figures(n=int(weight[recent].sum()), why=TOO_FEW)
    n = int(weight[recent].sum())
    if not n:
        return Figures(why=NOBODY)
    try:
        model = BetaGeo.fit(Patterns(x, t_x, age, weight, "days"))
    except DataError:
        return Figures(n=n, why=NOT_FITTED)
    if not model.converged or model.at_bound:
        return Figures(n=n, why=NOT_FITTED)

    def silent(parameters: np.ndarray) -> np.ndarray:
        r, alpha = parameters[:2]
        buys = -np.expm1(-(r + x[recent]) * np.log1p(horizon / (alpha + age[recent])))
        return 1 - alive(parameters, x[recent], t_x[recent], age[recent]) * buys

    share = float(weight[recent] @ silent(model.parameters) / n)
    draws = model.draws(DRAWS, seed=20050301).to_numpy()
    noise = np.random.default_rng(20050302).standard_normal(DRAWS)
    each = [(weight[recent] @ p / n, np.sqrt(weight[recent] @ (p * (1 - p))) / n) for p in map(silent, draws)]
    shares = np.clip([mean + error * step for (mean, error), step in zip(each, noise, strict=True)], 0, 1)
    low, high = np.quantile(shares, [0.5 - level / 2, 0.5 + level / 2])
    return Figures(
        share, min(float(low), share), max(float(high), share), float(np.std(shares)), n, int(weight.sum()),
        share * n, float(n), "parameter_draws",
    )  # fmt: skip
