"""A share found by a test that errs: what the model called negative, corrected for what it misses and invents."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import pandas as pd

from crmtools.errors import CRMError
from crmtools.indicators.kinds import Share
from crmtools.indicators.moments import Figures, Request, Sums


@dataclass(frozen=True, slots=True)
class ScreenedShare(Share):
    """A share whose cases were found with the assumptions ``sensitivity`` and ``specificity`` (Rogan & Gladen 1978).

    Facts hold what was found, 0 or 1. Value and limits are corrected together and kept between 0 and 1: chance makes the
    corrected share leave that range when there are hardly any cases, or hardly anything else.
    """

    def figures(self, sums: Sums, request: Request, units: pd.DataFrame | None) -> Figures:
        """Wilson for what was found, then corrected."""
        found = Share.figures(self, sums, request, units)
        sensitivity, specificity = _checked(request.assumptions)
        if sensitivity == specificity == 1:
            return found
        better = sensitivity + specificity - 1
        value, low, high = (
            min(max((share - (1 - specificity)) / better, 0.0), 1.0)
            for share in (found.value, found.low, found.high)
            if share is not None
        )
        se = None if found.se is None else found.se / better
        return replace(found, value=value, low=low, high=high, se=se, numerator=value * sums.sw)


def _checked(assumptions: Mapping[str, object]) -> tuple[float, float]:
    sensitivity, specificity = (float(assumptions[name]) for name in ("sensitivity", "specificity"))  # type: ignore[arg-type]
    if not (0 <= sensitivity <= 1 and 0 <= specificity <= 1 and sensitivity + specificity > 1):
        raise CRMError(
            f"Sensitivity and specificity are shares that together pass 1, found {sensitivity:g} and {specificity:g}: "
            "a coding that is no better than chance cannot be corrected."
        )
    return sensitivity, specificity
