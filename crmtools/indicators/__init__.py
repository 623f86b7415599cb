"""The indicators, one file per dimension; importing this package fills the catalogue."""

import importlib

from crmtools.indicators.catalogue import CATALOGUE, DIMENSIONS, EXCLUSIONS, OWNERS, Indicator, find

for _dimension in DIMENSIONS:
    importlib.import_module(f"{__name__}.{_dimension}")

__all__ = ["CATALOGUE", "DIMENSIONS", "EXCLUSIONS", "OWNERS", "Indicator", "find"]
