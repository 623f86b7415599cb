"""What an estimate says about the sample behind it, so that two of them can be compared without going back to the rows.

Raw numbers of rows are never used: what counts is how much an estimate's own error says it rests on. That is its *size*,
a number s such that the sampling variance is a known unit variance divided by s:

==============  ======================================================  ====================================
form            size                                                    variance of one unit
==============  ======================================================  ====================================
share           effective number of customers, p(1−p)/se²               p(1−p)
net_share       1/se², se from the adjusted Wald interval               1
mean            1/se²                                                   1
rate            effective exposure, rate/se²                            the rate
log             1/se², se of the logarithm, from the interval           1, on the log scale
plain           1/se², se from the interval                             1
count           none: nothing was sampled                               none
==============  ======================================================  ====================================
"""

import math
from typing import Literal

from crmtools.estimate import Estimate
from crmtools.indicators.kinds import Mean, Rate
from crmtools.indicators.moments import Kind
from crmtools.intervals import z_of

Form = Literal["share", "net_share", "mean", "rate", "log", "plain", "count"]

FORMS: dict[str, Form] = {
    "wilson": "share",
    "clopper_pearson": "share",
    "adjusted_wald": "net_share",
    "clustered_t": "mean",
    "garwood": "rate",
    "log_bootstrap_t": "log",
    "log_delta": "log",
    "poisson_inverse": "log",
    "brookmeyer_crowley": "log",
    "model_delta": "log",
    "crossing": "log",
    "census": "count",
    "scenario": "count",
}
"""The form by the method of the interval; every other method is ``plain``."""


def is_given(estimate: Estimate) -> bool:
    """Whether a value was written down, not measured: it rests on nobody and claims no method."""
    return estimate.value is not None and estimate.method == "none" and not estimate.n and not estimate.rows


def form_of(kind: Kind, *estimates: Estimate) -> Form:
    """The form in which estimates of one indicator are compared.

    Where their intervals were made in different ways, or the logarithm is not there for one of them, it is ``plain``. A
    value that was written down takes the form of the measured one.
    """
    forms = {_form(kind, estimate) for estimate in estimates if not is_given(estimate)}
    form: Form = forms.pop() if len(forms) == 1 else "plain"
    # a baseline that was written as 0 has no logarithm either
    return "plain" if form == "log" and any(not (e.value or 0) > 0 for e in estimates) else form


def _form(kind: Kind, estimate: Estimate) -> Form:
    if estimate.method == "bootstrap_t" and isinstance(kind, Mean):
        return "mean"
    form = FORMS.get(estimate.method, "plain")
    return "plain" if form == "log" and not (estimate.low or 0) > 0 else form


def size_of(estimate: Estimate, form: Form, kind: Kind) -> float | None:
    """How much an estimate rests on, in the terms of its form; infinite for a value that was written down.

    None where the estimate tells no error: without an interval, or with one of no width.
    """
    if is_given(estimate):
        return math.inf
    value, low, high, se = estimate.value, estimate.low, estimate.high, estimate.se
    if form == "count" or value is None or low is None or high is None or not high > low:
        return None
    match form:
        case "share":
            return effective_customers(estimate)
        case "rate":
            return _exposure(estimate, kind)
        case "mean" if se:
            return 1 / se**2
        case "log":
            return _information(math.log(high) - math.log(low), estimate.level)
        case "net_share" if value in (low, high):
            # the interval was cut at the value: its longer arm is the most that the error can be
            return _information(2 * (high - low), estimate.level)
        case _:
            return _information(high - low, estimate.level)


def _information(width: float, level: float) -> float:
    return (2 * z_of(level) / width) ** 2


def effective_customers(estimate: Estimate) -> float | None:
    """The number of independent customers whose share would have the estimate's error.

    Where all or none are cases the error is 0 and says nothing; the number is then read back from the interval: Wilson's
    reaches z²/(n+z²) into the other side, Clopper's and Pearson's 1 − (α/2)^(1/n).
    """
    share, low, high, se = estimate.value, estimate.low, estimate.high, estimate.se
    if share is None or low is None or high is None:
        return None
    if 0 < share < 1:
        return share * (1 - share) / se**2 if se else None
    reach = high if share <= 0 else 1 - low
    if not 0 < reach < 1:
        return None
    if estimate.method == "clopper_pearson":
        return math.log((1 - estimate.level) / 2) / math.log(1 - reach)
    return z_of(estimate.level) ** 2 * (1 - reach) / reach


def _exposure(estimate: Estimate, kind: Kind) -> float | None:
    """The exposure, in the rate's own unit, over which independent events would have the estimate's error."""
    if estimate.value and estimate.se:
        return estimate.value / estimate.se**2
    # without events nothing is known about clustering, and the exposure counts in full as in the rate's interval
    per = kind.per if isinstance(kind, Rate) else 1.0
    return estimate.denominator / per if estimate.denominator and not estimate.value else None
