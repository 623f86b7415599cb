"""Which changes of a report stand beside the others: by hand, and how many false ones do in simulated reports."""

import numpy as np
import pytest
from scipy import stats
from two_waves import BEFORE, around, estimate, shares

from crmtools import CRMError
from crmtools.goals.change import change
from crmtools.goals.multiplicity import judged
from crmtools.indicators.kinds import Mean, Share, Total


def of_z(z: float, **more):
    """A change of so many errors for the better."""
    error = 0.1 * 2**0.5 / 1.959964
    return change(around(4.0, 0.1, period=BEFORE), around(4.0 + z * error, 0.1), Mean(), better="higher", **more)


def test_by_hand() -> None:
    """p = 0.001, 0.02, 0.04, 0.045 and 0.6: Benjamini and Hochberg multiply by 5/rank and take the least from the right."""
    ps = [0.04, 0.6, 0.001, 0.045, 0.02]
    found = judged([of_z(stats.norm.isf(p / 2)) for p in ps])
    # t with so many degrees of freedom is nearly z
    assert [one.p_adjusted for one in found] == pytest.approx([0.05625, 0.6, 0.005, 0.05625, 0.05], rel=0.02)
    assert [one.survives for one in found] == [True, None, True, True, True]
    assert [one.survives for one in judged([one.change for one in found], q=0.052)] == [False, None, True, False, True]


def test_claims_that_do_not_survive_become_no_change() -> None:
    changes = [of_z(2.1), of_z(-2.1), *(of_z(0.1 * k) for k in range(-10, 10))]
    found = judged(changes)
    assert [one.change.verdict for one in found[:2]] == ["improved", "worsened"]
    assert [one.verdict for one in found] == ["no_detectable_change"] * 22
    assert [one.survives for one in found[:3]] == [False, False, None]
    assert "22 comparisons" in found[0].why.en
    assert "22" in found[1].why.zh
    assert found[2].why is changes[2].why


def test_nothing_becomes_a_claim() -> None:
    """At q = 0.10 a single p of 0.08 would pass; the comparison itself did not claim anything."""
    (one,) = judged([of_z(1.75)])
    assert 0.05 < one.p_adjusted < 0.10
    assert (one.verdict, one.survives) == ("no_detectable_change", None)


def test_what_was_not_tested_is_passed_through() -> None:
    counts = change(estimate(Total(), [3], period=BEFORE), estimate(Total(), [9]), Total(), better="lower")
    hidden = change(shares(3, 9, period=BEFORE).hidden(), shares(4, 9), Share(), better="lower")
    alone, among = judged([of_z(2.5)])[0], judged([counts, of_z(2.5), hidden])
    assert [one.p_adjusted for one in among] == [None, alone.p_adjusted, None]
    assert [one.verdict for one in among] == ["worsened", "improved", "not_comparable"]
    assert [one.survives for one in among] == [None, True, None]
    assert judged([]) == ()
    assert judged([counts])[0].survives is None


@pytest.mark.parametrize("q", [0.0, 1.0, -0.1])
def test_refuses(q) -> None:
    with pytest.raises(CRMError, match="between 0 and 1"):
        judged([of_z(1)], q=q)


def test_false_ones_among_those_reported(rng: np.random.Generator) -> None:
    """Reports of 20 changes, 15 of them chance: of those that stand, at most a tenth are false on average."""
    shares_false, unadjusted = [], []
    for _ in range(60):
        z = rng.normal(np.repeat([0.0, 3.5], [15, 5]))
        changes = [of_z(one) for one in z]
        stands = np.array([one.survives is True for one in judged(changes)])
        seen = np.array([one.verdict in ("improved", "worsened") for one in changes])
        shares_false.append(stands[:15].sum() / max(stands.sum(), 1))
        unadjusted.append(seen[:15].sum() / max(seen.sum(), 1))
    assert np.mean(shares_false) < 0.10
    assert np.mean(unadjusted) > np.mean(shares_false)
