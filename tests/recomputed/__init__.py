"""The catalogue once more in plain pandas, one file per subject; none of them imports anything of the package.

A file may have ``draw(frames, rng)``, which returns the tables that its indicators read beyond those of
:mod:`random_company`, and has ``RECOMPUTED``, its functions by indicator. A function takes the clean frames and the period
[start, end), and gives value, numerator, denominator and the number of sampled units; NaN is a part that is not compared.
"""

import importlib
import pkgutil

import numpy as np
import pandas as pd

Frames = dict[str, pd.DataFrame]
NAMES = sorted(module.name for module in pkgutil.iter_modules(__path__))
MODULES = [importlib.import_module(f"{__name__}.{name}") for name in NAMES]
RECOMPUTED = {name: function for module in MODULES for name, function in module.RECOMPUTED.items()}


def all_tables(frames: Frames, seed: int) -> Frames:
    """The random company with the tables that the files here add; each draws from a stream of its own."""
    for module in MODULES:
        if hasattr(module, "draw"):
            frames = {**frames, **module.draw(frames, np.random.default_rng([seed, *module.__name__.encode()]))}
    return frames
