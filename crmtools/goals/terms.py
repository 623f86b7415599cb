"""What a decomposed change is told with: its terms, its segments, the steps of its waterfall."""

from dataclasses import dataclass
from typing import Literal

import pandas as pd

from crmtools.estimate import METHODS, Estimate
from crmtools.indicators.catalogue import Indicator
from crmtools.shown import Shown
from crmtools.words import WORDS, Text

Piece = Literal["mix", "rate", "entered", "left", "change", "remaining"]
State = Literal["both", "entered", "left"]

PIECES: dict[Piece, Text] = {
    "mix": Text("构成变化", "mix"),
    "rate": Text("客户群自身变化", "rate"),
    "entered": Text("新出现的客户群", "entered"),
    "left": Text("消失的客户群", "left"),
    "change": Text("总变化", "change"),
    "remaining": Text("剩余差距", "remaining gap"),
}

NOW = Text("当前", "Now")

HOW: dict[str, Text] = {
    "resampled": Text(
        "按客户重抽样：客户群自身变化与总变化用 t 区间，其余用百分位区间",
        "customers resampled: t interval for rate terms and the change, percentiles for the others",
    ),
    **{name: METHODS[name] for name in ("delta", "census", "none")},
}
"""How the intervals of terms were made."""


@dataclass(frozen=True, slots=True)
class Term:
    """A part of the change, in the indicator's unit, with its interval; ``why`` says why there is none."""

    piece: Piece
    value: float
    low: float | None = None
    high: float | None = None
    se: float | None = None
    why: Text | None = None


@dataclass(frozen=True, slots=True)
class Line:
    """A segment in both periods.

    ``segment`` is the attribute's value, empty where it is not known, None for the line of all that are not told one by one;
    ``merged`` counts these. ``n`` are customers, ``weight`` the part of the denominator, ``rate`` the indicator's value, each
    then (``_before``) and now; a rate is None where the segment was not there. ``mix`` and ``rate`` are the terms of a segment
    that is there in both periods, ``moved`` the one of a segment that entered or left.
    """

    name: Text
    segment: str | None
    merged: int
    state: State
    n_before: int
    n_now: int
    weight_before: float
    weight_now: float
    rate_before: float | None
    rate_now: float | None
    mix: Term | None
    rate: Term | None
    moved: Term | None

    @property
    def terms(self) -> tuple[Term, ...]:
        """The terms that it has."""
        return tuple(term for term in (self.mix, self.rate, self.moved) if term is not None)


@dataclass(frozen=True, slots=True)
class Step:
    """A step of the waterfall from ``start`` to ``end``; ``segment`` is set for one segment's own, ``term`` for a change."""

    name: Text
    start: float
    end: float
    term: Term | None = None
    segment: Text | None = None


@dataclass(frozen=True, slots=True)
class Decomposition(Shown):
    """A change between two periods by mix, rate, and what entered or left; with a target, what remains.

    ``baseline`` + ``mix`` + ``rate`` + ``entered`` + ``left`` is ``now``, and ``now`` + ``remaining`` is ``target``.
    ``entered`` and ``left`` are None where no segment did. ``method`` is how the intervals were made, a key of ``HOW``.
    ``warning`` is set where the total goes one way and most of the segments' own values the other. Where nothing can be said
    there are no lines, and ``why`` is the reason.
    """

    indicator: Indicator
    by: str
    baseline: Estimate
    now: Estimate
    lines: tuple[Line, ...] = ()
    mix: Term | None = None
    rate: Term | None = None
    entered: Term | None = None
    left: Term | None = None
    change: Term | None = None
    target: float | None = None
    remaining: Term | None = None
    method: str = "none"
    warning: Text | None = None
    why: Text | None = None
    currency: str = ""

    @property
    def steps(self) -> tuple[Step, ...]:
        """The waterfall: baseline, mix of all, rate by segment, what entered and left, now, what remains, target."""
        if self.baseline.value is None or self.now.value is None or self.mix is None:
            return ()
        at = self.baseline.value
        found = [Step(WORDS["baseline"], 0.0, at)]
        parts: list[tuple[Term, Text | None]] = [(self.mix, None)]
        parts += [(line.rate, line.name) for line in self.lines if line.rate is not None]
        parts += [(line.moved, line.name) for line in self.lines if line.moved is not None]
        for term, segment in parts:
            found.append(Step(PIECES[term.piece], at, at + term.value, term, segment))
            at += term.value
        # the value itself, not the sum of the steps: the last digits of both may differ
        found.append(Step(NOW, 0.0, self.now.value))
        if self.remaining is not None and self.target is not None:
            found.append(Step(PIECES["remaining"], self.now.value, self.target, self.remaining))
            found.append(Step(WORDS["target"], 0.0, self.target))
        return tuple(found)

    @property
    def frame(self) -> pd.DataFrame:
        """One row per term of a segment: segment, piece, value, low, high, n_before, n_now, weights, rates."""
        columns = ["segment", "piece", "value", "low", "high", "n_before", "n_now"]
        columns += ["weight_before", "weight_now", "rate_before", "rate_now"]
        rows = [
            (
                line.segment, term.piece, term.value, term.low, term.high, line.n_before, line.n_now,
                line.weight_before, line.weight_now, line.rate_before, line.rate_now,
            )
            for line in self.lines
            for term in line.terms
        ]  # fmt: skip
        return pd.DataFrame(rows, columns=columns)
