"""One figure for many goals: the weighted attainment with its interval, of the company, its departments and its people.

S = Σ w·min(max(π, 0), cap) / Σ w over the goals that have evidence. Goals without are not zeros: they are left out, and where
they make up more than three tenths of the weight there is no score. The interval (5 % to 95 % of draws) comes from the error of
each goal's progress; goals are drawn independently. The geometric score does not let one goal make up for another.
"""

import zlib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

import numpy as np
import numpy.typing as npt

from crmtools import formats
from crmtools.goals.judgement import Judgement
from crmtools.goals.reading import Reading
from crmtools.goals.status import PlanStatus
from crmtools.intervals import settled
from crmtools.shown import Shown
from crmtools.words import Text

CAP = 1.2
"""What a goal counts at most: passing one target by far does not make up for missing others."""
COVERAGE = 0.70
"""Share of the weight that must have evidence for a score to be given."""
FEWEST_GOALS = 3
"""Goals that a department or a person must have for a score of its own."""
DRAWS = 4000
EDGES = (0.05, 0.95)

Floats = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class Score:
    """The attainment of some goals: 1 is that all targets are reached.

    ``strict`` counts no goal above 1, ``uncapped`` as far as it went, ``geometric`` without one making up for another.
    ``coverage`` is the share of the weight that has evidence. ``rank`` are the best and the worst place among its like that the
    error allows. ``why`` says why there is no score.
    """

    name: Text
    goals: int
    counted: int
    coverage: float
    value: float | None = None
    low: float | None = None
    high: float | None = None
    strict: float | None = None
    uncapped: float | None = None
    geometric: float | None = None
    rank: tuple[int, int] | None = None
    why: Text | None = None


@dataclass(frozen=True, slots=True)
class Scores(Shown):
    """The score of all goals, and those of departments and people who have enough of them."""

    whole: Score
    departments: tuple[Score, ...]
    people: tuple[Score, ...]


ALL = Text("全部目标", "All goals")


def attained(reading: Reading) -> tuple[float, float] | None:
    """The share of the way that is done, and its standard error; None where there is no evidence.

    A goal to keep a bound counts the share of the periods that kept it, one that was reached when it began is reached or not.
    """
    if reading.status in ("no_evidence", "not_started") or reading.now.value is None:
        return None
    if reading.goal.kind == "establish_baseline":
        return None  # it has no target yet: to know where one stands is no attainment
    if reading.kept is not None:
        kept, periods = reading.kept
        return (kept / periods, 0.0) if periods else None
    if reading.progress is None:
        return (1.0 if reading.status == "reached" else 0.0, 0.0)
    return reading.progress, reading.progress_se or 0.0


def scores(readings: Iterable[Reading], *, judgements: Sequence[Judgement] = ()) -> Scores:
    """The scores of a report's goals; what was judged to have no evidence (one judgement per reading) is left out."""
    chosen = list(readings)
    if judgements:
        blank: PlanStatus = "no_evidence"
        pairs = zip(chosen, judgements, strict=True)
        chosen = [replace(r, status=blank) if j.evidence == "no_evidence" else r for r, j in pairs]
    departments = _groups(chosen, [r.goal.department for r in chosen])
    people = _groups(chosen, [Text(r.goal.person, r.goal.person) if r.goal.person else None for r in chosen])
    return Scores(score(ALL, chosen), departments, people)


def score(name: Text, readings: Sequence[Reading]) -> Score:
    """The score of some goals."""
    return _score(name, readings)[0]


def _score(name: Text, readings: Sequence[Reading]) -> tuple[Score, Floats | None]:
    done = [(reading.goal.weight, found) for reading in readings if (found := attained(reading)) is not None]
    whole = sum(reading.goal.weight for reading in readings)
    coverage = sum(weight for weight, _ in done) / whole if whole else 0.0
    bare = Score(name, len(readings), len(done), coverage)
    if not readings or coverage < COVERAGE:
        shown = (formats.percent(coverage, language, 0) for language in ("zh", "en"))
        least = formats.percent(COVERAGE, "en", 0)
        zh, en = shown
        return replace(bare, why=Text(f"有证据的目标只占权重的 {zh}（至少需 {least}）", f"only {en} of the weight has evidence ({least} are needed)")), None  # fmt: skip
    weights = np.array([weight for weight, _ in done]) / sum(weight for weight, _ in done)
    progress, errors = (np.array([pair[part] for _, pair in done]) for part in (0, 1))
    drawn = progress + errors * _normal(name, progress, errors, weights)
    sums = _capped(drawn, CAP) @ weights
    low, high = np.quantile(sums, EDGES)
    positive = np.maximum(_capped(progress, CAP), 0)
    geometric = float(np.exp(weights @ np.log(positive))) if positive.min() > 0 else 0.0
    return replace(
        bare,
        value=float(_capped(progress, CAP) @ weights),
        low=float(low),
        high=float(high),
        strict=float(_capped(progress, 1.0) @ weights),
        uncapped=float(np.maximum(progress, 0) @ weights),
        geometric=geometric,
    ), sums


def _groups(readings: Sequence[Reading], names: Sequence[Text | None]) -> tuple[Score, ...]:
    """The scores of groups of goals, best first; with the places that their errors allow among those that have one."""
    made: list[tuple[Score, Floats | None]] = []
    for name in dict.fromkeys(name for name in names if name is not None):
        own = [reading for reading, of in zip(readings, names, strict=True) if of == name]
        if len(own) < FEWEST_GOALS:
            few = Text(f"目标不足 {FEWEST_GOALS} 项", f"fewer than {FEWEST_GOALS} goals")
            made.append((Score(name, len(own), 0, 0.0, why=few), None))
        else:
            made.append(_score(name, own))
    drawn = [sums for _, sums in made if sums is not None]
    if len(drawn) > 1:
        places = 1 + (np.argsort(np.argsort(-np.array(drawn), axis=0), axis=0))
        edges = iter(np.quantile(places, EDGES, axis=1, method="inverted_cdf").T)
        made = [(one if sums is None else replace(one, rank=_whole(next(edges))), sums) for one, sums in made]
    return tuple(sorted((one for one, _ in made), key=lambda one: -(one.value if one.value is not None else -1.0)))


def _whole(edges: Floats) -> tuple[int, int]:
    return int(edges[0]), int(edges[1])


def _capped(progress: Floats, cap: float) -> Floats:
    return np.clip(progress, 0.0, cap)


def _normal(name: Text, progress: Floats, errors: Floats, weights: Floats) -> Floats:
    """Standard normal numbers, the same for the same goals: their seed is made of the figures, and of the name, so that
    two departments with like figures are drawn apart."""
    digits = np.column_stack([settled(progress), settled(errors), settled(weights)])
    return np.random.default_rng(zlib.crc32(digits.tobytes() + name.en.encode())).standard_normal(
        (DRAWS, len(progress))
    )
