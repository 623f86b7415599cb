"""Many changes in one report: which of them still stand when it is asked how many were looked at.

Of forty comparisons in which nothing happened, two come out significant at 5 %. The procedure of Benjamini & Hochberg (1995)
keeps the expected share of false ones among those that are reported at ``q``. It holds for independent tests and for those
that hang together positively, as indicators of the same customers mostly do.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from crmtools.errors import CRMError
from crmtools.goals.change import Change, Verdict
from crmtools.words import Text

FALSE_SHARE = 0.10
"""The share of false changes among those reported that is put up with."""
CLAIMS: frozenset[Verdict] = frozenset({"improved_matters", "improved_trivial", "improved", "changed", "worsened"})


@dataclass(frozen=True, slots=True)
class Judged:
    """A change among the others of a report.

    ``p_adjusted`` is the smallest ``q`` at which it would stand, None where nothing was tested. ``survives`` is None where
    there was nothing to lose: no test, or no claim. ``verdict`` is the one to be shown; where a claim did not survive
    it is ``no_detectable_change``, for a worsening as for an improvement, and ``why`` says so. ``change.verdict`` keeps what
    the comparison said by itself.
    """

    change: Change
    p_adjusted: float | None
    survives: bool | None
    verdict: Verdict
    why: Text | None


def judged(changes: Sequence[Change], *, q: float = FALSE_SHARE) -> tuple[Judged, ...]:
    """The changes of a report in their order, each judged among all that were tested.

    Counts of everything and what is not comparable have no p: they are passed through and do not add to the number of
    comparisons. Nothing becomes a claim here that was none before, however small its adjusted p.
    """
    if not 0 < q < 1:
        raise CRMError(f"The share of false changes lies between 0 and 1, found {q:g}.")
    tested = [change.p for change in changes if change.p is not None]
    from statsmodels.stats.multitest import multipletests  # two seconds, and not every command corrects

    adjusted = iter([float(p) for p in multipletests(tested, alpha=q, method="fdr_bh")[1]] if tested else [])
    return tuple(
        Judged(one, None, None, one.verdict, one.why) if one.p is None else _judge(one, next(adjusted), q, len(tested))
        for one in changes
    )


def _judge(one: Change, p_adjusted: float, q: float, tested: int) -> Judged:
    if one.verdict not in CLAIMS:
        return Judged(one, p_adjusted, None, one.verdict, one.why)
    if p_adjusted <= q:
        return Judged(one, p_adjusted, True, one.verdict, one.why)
    why = Text(
        f"单独看显著，但在 {tested} 项比较中可能出于偶然",
        f"significant by itself, but among {tested} comparisons it may well be chance",
    )
    return Judged(one, p_adjusted, False, "no_detectable_change", why)
