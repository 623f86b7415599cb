"""The same data fitted by another package: ``lifetimes``, archived since 2020, only checks our fit."""

import warnings

import numpy as np
import pandas as pd

from crmtools.lifetime.beta_geo import BetaGeo
from crmtools.lifetime.summary import Summary


def second_opinion(summary: Summary) -> pd.DataFrame | None:
    """BG/NBD by us and by ``lifetimes.BetaGeoFitter``: rows r, alpha, a, b, log_likelihood.

    Columns: ours, lifetimes, difference, relative. Each log-likelihood is the package's own, at its own
    parameters. None when it does not converge, which it often does not on a few hundred customers. Raises ImportError when
    lifetimes is not installed.
    """
    ours = BetaGeo.fit(summary)
    x, t_x, T = (summary.frame[name].to_numpy(float) for name in ("frequency", "recency", "T"))
    # On import lifetimes sets a pandas option that no longer exists and silences FutureWarning for the whole
    # process; this block keeps both inside and gives the filters back as they were.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from lifetimes import BetaGeoFitter
        from lifetimes.utils import ConvergenceError

        fitter = BetaGeoFitter()
        try:
            fitter.fit(x, t_x, T)
        except ConvergenceError:
            return None
        theirs = fitter.params_[list(BetaGeo.NAMES)].to_numpy(float)
        mean = fitter._negative_log_likelihood(np.log(theirs), x, t_x, T, np.ones(len(x)), 0.0)  # noqa: SLF001
    frame = pd.DataFrame(
        {
            "ours": [*ours.parameters, ours.log_likelihood],
            "lifetimes": [*theirs, -float(mean) * len(x)],
        },
        index=pd.Index([*BetaGeo.NAMES, "log_likelihood"], name="parameter"),
    )
    frame["difference"] = frame["lifetimes"] - frame["ours"]
    frame["relative"] = frame["difference"] / frame["ours"].abs()
    return frame
