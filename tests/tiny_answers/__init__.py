"""Facts about the dozen customers of data/tiny in plain Python, one file per subject: functions named after indicators."""

import importlib
import inspect
import pkgutil

NAMES = sorted(module.name for module in pkgutil.iter_modules(__path__))
RECOMPUTED = tuple(
    function
    for name in NAMES
    for function in vars(importlib.import_module(f"{__name__}.{name}")).values()
    if inspect.isfunction(function)
    and function.__module__ == f"{__name__}.{name}"
    and not function.__name__.startswith("_")
)
