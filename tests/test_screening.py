"""A share that a coding found is corrected for what the coding misses and invents."""

import pytest

import crmtools as crm
from crmtools import CRMError
from crmtools.measuring import measure


@pytest.fixture(scope="module")
def tiny() -> crm.Data:
    return crm.open("tiny")


def test_value_and_limits_are_corrected_together(tiny) -> None:
    found = measure("negative_feedback_share", tiny)
    corrected = measure("negative_feedback_share", tiny, sensitivity=0.8, specificity=0.9)
    for name in ("value", "low", "high"):
        wanted = min(max((getattr(found, name) - 0.1) / 0.7, 0), 1)
        assert getattr(corrected, name) == pytest.approx(wanted), name
    assert corrected.se == pytest.approx(found.se / 0.7)
    assert corrected.numerator / corrected.denominator == pytest.approx(corrected.value)


def test_corrected_share_stays_a_share(tiny) -> None:
    none_left = measure("negative_feedback_share", tiny, sensitivity=1.0, specificity=0.3)
    assert (none_left.value, none_left.low) == (0, 0)
    all_of_them = measure("negative_feedback_share", tiny, sensitivity=0.5, specificity=1.0)
    assert (all_of_them.value, all_of_them.high) == (1, 1)


@pytest.mark.parametrize(("sensitivity", "specificity"), [(0.5, 0.5), (1.2, 0.9), (0.9, -0.1)])
def test_coding_by_chance_cannot_be_corrected(tiny, sensitivity, specificity) -> None:
    with pytest.raises(CRMError, match="together pass 1"):
        measure("negative_feedback_share", tiny, sensitivity=sensitivity, specificity=specificity)
