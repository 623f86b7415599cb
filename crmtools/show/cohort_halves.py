"""Whether newer cohorts come back more or less often than older ones, at equal age."""

from dataclasses import dataclass
from typing import Literal

from statsmodels.stats.proportion import confint_proportions_2indep

from crmtools.cohorts import Cohorts

Verdict = Literal["better", "worse", "mixed", "alike", "one"]


@dataclass(frozen=True, slots=True)
class Difference:
    """Older and newer half of the cohorts at one age: their labels, shares, and the interval of new minus old."""

    age: int
    older: tuple[str, ...]
    newer: tuple[str, ...]
    old: float
    new: float
    low: float
    high: float


@dataclass(frozen=True, slots=True)
class Halves:
    """The verdict over all ages, the ages at which the halves can be told apart, and all that were compared."""

    verdict: Verdict
    telling: tuple[Difference, ...] = ()
    compared: tuple[Difference, ...] = ()

    @property
    def older(self) -> tuple[str, ...]:
        """The older half at the first age."""
        return self.compared[0].older if self.compared else ()

    @property
    def newer(self) -> tuple[str, ...]:
        """The newer half at the first age."""
        return self.compared[0].newer if self.compared else ()


def compared_halves(cohorts: Cohorts, ages: tuple[int, ...]) -> Halves:
    """Compare the older with the newer half of the cohorts that are mature, at each of ``ages``.

    A customer counts once per age, so shares are compared as independent (Newcombe 1998); several ages ask for a larger
    difference each (Bonferroni). With an odd number of cohorts the middle one is among the newer.
    """
    cells = cohorts.cells[cohorts.cells["mature"]]
    possible = [age for age in ages if (cells["age"] == age).sum() > 1]
    if not possible:
        return Halves("one")
    found = []
    for age in possible:
        at = cells[cells["age"] == age].sort_values("cohort")
        middle = len(at) // 2
        older, newer = at.iloc[:middle], at.iloc[middle:]
        low, high = confint_proportions_2indep(
            newer["active"].sum(), newer["size"].sum(), older["active"].sum(), older["size"].sum(),
            method="newcomb", compare="diff", alpha=(1 - cohorts.level) / len(possible),
        )  # fmt: skip
        found.append(
            Difference(
                age,
                tuple(older["label"]),
                tuple(newer["label"]),
                older["active"].sum() / older["size"].sum(),
                newer["active"].sum() / newer["size"].sum(),
                float(low),
                float(high),
            )
        )
    telling = tuple(one for one in found if one.low > 0 or one.high < 0)
    signs = {one.low > 0 for one in telling}
    verdict: Verdict = "alike" if not signs else "mixed" if len(signs) == 2 else "better" if True in signs else "worse"
    return Halves(verdict, telling, tuple(found))
