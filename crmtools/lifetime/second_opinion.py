"""The same data fitted by another package: ``lifetimes``, archived since 2020, only checks our fit."""

import contextlib
import io
import warnings

import numpy as np
import pandas as pd

from crmtools.lifetime.beta_geo import BetaGeo
from crmtools.lifetime.model import PurchaseModel
from crmtools.lifetime.summary import Summary

FITTERS = {"BG/NBD": "BetaGeoFitter", "MBG/NBD": "ModifiedBetaGeoFitter", "Pareto/NBD": "ParetoNBDFitter"}


def second_opinion(summary: Summary, model: type[PurchaseModel] = BetaGeo) -> pd.DataFrame | None:
    """A model by us and by ``lifetimes``: rows its parameters and log_likelihood.

    Columns: ours, lifetimes, difference, relative. Each log-likelihood is the package's own, at its own
    parameters. None when it does not converge, which it often does not on a few hundred customers, or does not know the
    model. Raises ImportError when lifetimes is not installed.
    """
    if model.TITLE not in FITTERS:
        return None
    ours = model.fit(summary)
    x, t_x, T = summary.ages()
    # It starts from a point of its own choice, by the generator of the whole process.
    state = np.random.get_state()  # noqa: NPY002
    np.random.seed(20050415)  # noqa: NPY002
    # On import lifetimes sets a pandas option that no longer exists and silences FutureWarning for the whole
    # process; this block keeps both inside and gives the filters back as they were.
    try:
        # where it does not converge it prints all that its optimiser knows
        with warnings.catch_warnings(), np.errstate(all="ignore"), contextlib.redirect_stdout(io.StringIO()):
            warnings.simplefilter("ignore")
            import lifetimes
            from lifetimes.utils import ConvergenceError

            fitter = getattr(lifetimes, FITTERS[model.TITLE])()
            try:
                fitter.fit(x, t_x, T)
            except ConvergenceError:
                return None
            theirs = fitter.params_[list(model.NAMES)].to_numpy(float)
            mean = fitter._negative_log_likelihood(np.log(theirs), x, t_x, T, np.ones(len(x)), 0.0)  # noqa: SLF001
    finally:
        np.random.set_state(state)  # noqa: NPY002
    frame = pd.DataFrame(
        {
            "ours": [*ours.parameters, ours.log_likelihood],
            "lifetimes": [*theirs, -float(mean) * len(x)],
        },
        index=pd.Index([*model.NAMES, "log_likelihood"], name="parameter"),
    )
    frame["difference"] = frame["lifetimes"] - frame["ours"]
    frame["relative"] = frame["difference"] / frame["ours"].abs()
    return frame
