"""Krippendorff's alpha against his own worked example, and its interval."""

import numpy as np
import pandas as pd
import pytest

from crmtools.indicators.agreement import BETWEEN, agreement, alpha, counted

OBSERVERS = (
    "1 2 3 3 2 1 4 1 2 . . .",
    "1 2 3 3 2 2 4 1 2 5 . 3",
    ". 3 3 3 2 3 4 2 2 5 1 .",
    "1 2 3 3 2 4 4 1 2 5 1 .",
)
"""Four observers, twelve units, a dot is missing (Krippendorff 2011, Computing Krippendorff's Alpha-Reliability, C)."""


def patterns(rows: list[list[str]], times: list[int] | None = None) -> pd.DataFrame:
    codes = [BETWEEN.join(sorted(row)) for row in rows]
    frame = pd.DataFrame({"codes": codes, "weight": times or [1] * len(codes)})
    frame = frame.groupby("codes", as_index=False)["weight"].sum()
    return frame.assign(rows=frame["weight"])


def published() -> list[list[str]]:
    units = zip(*(line.split() for line in OBSERVERS), strict=True)
    given = [[code for code in unit if code != "."] for unit in units]
    return [codes for codes in given if len(codes) > 1]


def test_published_example() -> None:
    found = agreement(patterns(published()), {}, 0.95)
    assert round(found.value, 3) == 0.743
    assert (found.n, found.rows) == (11, 40)
    assert found.low < found.value < found.high <= 1


def test_chance_gives_zero_and_disagreement_less() -> None:
    independent = [[a, b] for a in "xy" for b in "xy"]
    assert agreement(patterns(independent, [2500] * 4), {}, 0.95).value == pytest.approx(0, abs=1e-3)
    assert agreement(patterns([["x", "y"]], [5000]), {}, 0.95).value == pytest.approx(-1, abs=1e-3)


def test_what_cannot_be_told_is_said() -> None:
    alike = agreement(patterns([["x", "x"]], [50]), {}, 0.95)
    assert (alike.value, alike.n) == (None, 50)
    assert "only one code" in alike.why.en
    few = agreement(patterns([["x", "x"], ["y", "y"], ["x", "y"]], [3, 3, 3]), {}, 0.95)
    assert few.value is not None
    assert few.low is None
    assert "fewer than 10" in few.why.en
    agreed = agreement(patterns([["x", "x"], ["y", "y"]], [30, 30]), {}, 0.95)
    assert (agreed.value, agreed.low) == (1, None)
    assert "no error" in agreed.why.en


def test_interval_is_the_same_again_and_covers() -> None:
    """Two coders who are right nine times in ten: how often the interval holds the alpha of endlessly many items."""
    rng, codes, truth = np.random.default_rng(4), np.array(list("abc")), 0.9**2 + 2 * 0.05**2
    expected = 1 - (1 - truth) / (1 - 3 / 9)
    covered = 0
    for _ in range(100):
        true = rng.integers(0, 3, 80)
        given = [np.where(rng.random(80) < 0.9, true, (true + rng.integers(1, 3, 80)) % 3) for _ in "12"]
        frame = patterns([[str(codes[a]), str(codes[b])] for a, b in zip(*given, strict=True)])
        found = agreement(frame, {}, 0.95)
        covered += found.low <= expected <= found.high
    assert agreement(frame, {}, 0.95) == found
    assert covered >= 88


def test_alpha_of_many_resamples_at_once_is_that_of_each() -> None:
    table = patterns(published())
    counts = counted(table["codes"])
    times = np.random.default_rng(1).integers(1, 9, (5, len(counts))).astype(float)
    assert alpha(counts, times) == pytest.approx([float(alpha(counts, row)) for row in times])
