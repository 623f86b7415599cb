"""How well the stated chances came true on a company's own past: rolling origin.

At each past period the forecast is made from what was known then, for several horizons and targets, and held against what
came. Targets lie around the level known then: on the link scale, the mean of the last three values plus −1.5 … 1.5 times
the usual error of such a mean as a forecast, which is measured on the same past (root mean square of value ``h`` periods
later minus mean of three). So the chances that a sound method states spread over 0 to 1, whatever the indicator's unit.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np

from crmtools.errors import CRMError
from crmtools.goals.forecast import chance_of, reading_ahead
from crmtools.goals.level import FEWEST
from crmtools.goals.links import Floats, Scaled
from crmtools.goals.outlook import Better, attains, said
from crmtools.goals.series import Series
from crmtools.shown import Shown
from crmtools.words import Text

HORIZONS = (1, 3, 6, 12)
PLACES = (-1.5, -1.0, -0.6, -0.3, 0.0, 0.3, 0.6, 1.0, 1.5)
"""Where targets lie, from easy to hard, in usual errors of the last three values' mean."""
RECENT = 3
PAIRS = 4
"""Past pairs from which the usual error at a horizon is measured; with fewer it is that of one step, times √(1 + h/6)."""
BINS = 10
SOME_ORIGINS = 12
"""Forecast dates with a known outcome below which a track record says nothing."""
NEAR, SAID_OFTEN = 0.05, 20
"""How close statements lie that are taken for one, and their number below which their record is not told."""
TOO_LITTLE = Text(
    "过去的数据太少：可回测的预测时点只有 {n} 个，至少需要 {least} 个",
    "too little past: {n} dates have a forecast and an outcome, a track record needs {least}",
)


@dataclass(frozen=True, slots=True)
class Case:
    """One stated chance and what came: made at period ``origin`` of series number ``series`` for ``horizon`` later.

    ``place`` numbers the target by how hard it is. ``already`` says whether the last value known then attained it, ``coin``
    how often targets of the same horizon and place had been attained by then, over all series.
    """

    series: int
    origin: int
    horizon: int
    place: int
    target: float
    stated: float
    happened: bool
    already: bool
    coin: float = 0.5


@dataclass(frozen=True, slots=True)
class Bin:
    """Cases whose stated chance lies in [low, high): how many, the mean of what was stated, the share that happened."""

    low: float
    high: float
    count: int
    stated: float | None
    observed: float | None


@dataclass(frozen=True, slots=True)
class Backtest(Shown):
    """A track record. Cases of one series overlap: ``origins`` counts the dates of forecasts, of which there are fewer.

    ``brier`` is the mean squared difference of chance and outcome (Brier 1950), ``of_last_value`` and ``of_coin`` those of
    the two simple rules; a skill is 1 − brier/theirs: 1 is perfect, 0 no better, below 0 worse, None where the rule made no
    error at all. All are None where ``why`` says that there is too little past.
    """

    cases: tuple[Case, ...]
    origins: int
    brier: float | None = None
    of_last_value: float | None = None
    of_coin: float | None = None
    reliability: tuple[Bin, ...] = ()
    why: Text | None = None

    @property
    def skill_over_last_value(self) -> float | None:
        """Against 1 where the last value already attains the target, and 0 where not."""
        return _skill(self.brier, self.of_last_value)

    @property
    def skill_over_coin(self) -> float | None:
        """Against a coin weighted by how often such targets had been attained until then."""
        return _skill(self.brier, self.of_coin)

    def near(self, chance: float) -> tuple[int, int]:
        """How many statements lie within five points of a chance, and how many of them came true."""
        if not 0 <= chance <= 1:
            raise CRMError(f"A chance lies between 0 and 1, found {chance:g}.")
        found = [case.happened for case in self.cases if abs(case.stated - chance) <= NEAR]
        return len(found), sum(found)


def backtest(
    pasts: Sequence[Series],
    *,
    better: Better | Sequence[Better],
    horizons: Sequence[int] = HORIZONS,
    first: int = 12,
    every: int = 1,
) -> Backtest:
    """Forecast every past period of several series from what was known then, and compare with what came.

    Parameters
    ----------
    pasts
        The series of indicators and segments, all ending with the same period.
    better
        Which side of a target attains it, for all or for each series.
    horizons
        Periods ahead; those that a series is too short for are left out.
    first
        Periods with a value that must be known before the first forecast (8 or more).
    every
        Take each origin (1), or each second, third … one, from the latest back.

    Returns
    -------
    Backtest
        With ``why`` and without scores where fewer than 12 forecast dates have an outcome.
    """
    sides = [better] * len(pasts) if isinstance(better, str) else list(better)
    if len(sides) != len(pasts) or not set(sides) <= {"higher", "lower"}:
        raise CRMError("better is 'higher' or 'lower', for all series or one for each.")
    if not horizons or any(isinstance(h, bool) or not isinstance(h, int) or h < 1 for h in horizons):
        raise CRMError(f"Horizons are whole numbers of periods from 1 on, found {list(horizons)}.")
    if first < FEWEST or every < 1:
        raise CRMError(f"first is {FEWEST} or more and every 1 or more, found {first} and {every}.")
    cases = [
        case
        for number, (series, side) in enumerate(zip(pasts, sides))
        for case in _cases(number, series, side, sorted(set(horizons)), first, every)
    ]
    origins = len({(case.series, case.origin) for case in cases})
    if origins < SOME_ORIGINS:
        return Backtest(tuple(cases), origins, why=said(TOO_LITTLE, n=origins, least=SOME_ORIGINS))
    cases = _with_coins(cases, [len(series) for series in pasts])
    stated, happened = np.array([c.stated for c in cases]), np.array([float(c.happened) for c in cases])
    already, coins = np.array([float(c.already) for c in cases]), np.array([c.coin for c in cases])
    ours, theirs, coin = (float(((rule - happened) ** 2).mean()) for rule in (stated, already, coins))
    return Backtest(tuple(cases), origins, ours, theirs, coin, _bins(stated, happened))


def _cases(
    number: int, series: Series, better: Better, horizons: Sequence[int], first: int, every: int
) -> Iterator[Case]:
    for origin in range(len(series) - 2, -1, -every):
        then = series.until(origin + 1)
        now = then.values[-1]
        reached = [
            h
            for h in horizons
            if origin + h < len(series) and series.values[origin + h] is not None and h <= then.known
        ]
        if then.known < first or now is None or not reached:
            continue
        found = reading_ahead(then, reached)
        if isinstance(found, Text):
            continue
        past, ahead = found
        targets = np.stack([_targets(past, horizon, better) for horizon in reached])
        chances = chance_of(past, ahead, targets, better)
        for row, horizon in enumerate(reached):
            came = series.values[origin + horizon]
            for place, (target, chance) in enumerate(zip(targets[row], chances[row])):
                yield Case(
                    number, origin, horizon, place, float(target), float(chance),
                    attains(float(came or 0.0), float(target), better), attains(now, float(target), better),
                )  # fmt: skip


def _targets(past: Scaled, horizon: int, better: Better) -> Floats:
    """Targets around the level known then, from easy to hard, in the indicator's unit."""
    z = past.z
    level = np.convolve(z, np.ones(RECENT) / RECENT, mode="valid")
    later = dict(zip(past.times.astype(int).tolist(), z.tolist()))
    ends = past.times[RECENT - 1 :].astype(int).tolist()
    errors = [later[end + horizon] - mean for end, mean in zip(ends, level) if end + horizon in later]
    if len(errors) < PAIRS:
        size = float(np.sqrt((np.diff(z) ** 2 / np.diff(past.times)).mean() * (1 + horizon / 6)))
    else:
        size = float(np.sqrt((np.array(errors) ** 2).mean()))
    sign = 1.0 if better == "higher" else -1.0
    return past.value(level[-1] + sign * size * np.array(PLACES))


def _with_coins(cases: Sequence[Case], lengths: Sequence[int]) -> list[Case]:
    """Each case with the share of attainments that was known when its forecast was made; begins at one half."""
    longest = max(lengths)
    # the series end together: a period's date is its distance from the end
    shift = [longest - length for length in lengths]
    known: dict[tuple[int, int], list[tuple[int, bool]]] = defaultdict(list)
    for case in cases:
        known[case.horizon, case.place].append((shift[case.series] + case.origin + case.horizon, case.happened))
    arrays = {key: np.array(sorted(pairs), float) for key, pairs in known.items()}
    sums = {key: np.concatenate([[0.0], array[:, 1].cumsum()]) for key, array in arrays.items()}
    made = []
    for case in cases:
        key = (case.horizon, case.place)
        count = int(np.searchsorted(arrays[key][:, 0], shift[case.series] + case.origin, side="right"))
        made.append(replace(case, coin=float((sums[key][count] + 0.5) / (count + 1))))
    return made


def _bins(stated: Floats, happened: Floats) -> tuple[Bin, ...]:
    place = np.minimum((stated * BINS).astype(int), BINS - 1)
    made = []
    for number in range(BINS):
        inside = place == number
        count = int(inside.sum())
        means = (float(stated[inside].mean()), float(happened[inside].mean())) if count else (None, None)
        made.append(Bin(number / BINS, (number + 1) / BINS, count, *means))
    return tuple(made)


def _skill(brier: float | None, other: float | None) -> float | None:
    return None if brier is None or not other else 1 - brier / other
