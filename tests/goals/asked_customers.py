"""Customers who are asked how satisfied they are in two months, by region, and what must hold of every decomposition."""

import itertools

import pandas as pd
import pytest
from random_company import AS_OF

import crmtools as crm
from crmtools.goals.decomposition import decompose
from crmtools.goals.terms import Decomposition

THEN, NOW = "2025-11", "2025-12"
Cells = dict[str, tuple[tuple[int, int], tuple[int, int]]]
"""By region: (satisfied, all) then and now."""


def asked(cells: Cells) -> crm.Data:
    """Customers who are asked once a month how satisfied they are; whoever answered then is asked again while there are any."""
    people, answers = [], []
    for region, months in cells.items():
        people += [(f"{region}{n}", region or None) for n in range(max(size for _, size in months))]
        for day, (good, size) in zip(("2025-11-10", "2025-12-10"), months, strict=True):
            answers += [(f"{region}{n}", day, 5.0 if n < good else 1.0) for n in range(size)]
    frame = pd.DataFrame(answers, columns=["customer_id", "answered_at", "value"])
    return crm.open(
        customers=pd.DataFrame(people, columns=["customer_id", "region"]),
        survey_answers=frame.assign(response_id=range(len(frame)), item_id="q"),
        survey_items=pd.DataFrame([{"item_id": "q", "metric": "csat", "scale_min": 1, "scale_max": 5}]),
        as_of=AS_OF,
    )


def satisfied(data: crm.Data, **more: object) -> Decomposition:
    return decompose("csat_top2", data, **{"by": "region", "baseline": THEN, "period": NOW} | more)


def told(found: Decomposition) -> list[tuple[str | None, str, int, int]]:
    return [(line.segment, line.state, line.n_before, line.n_now) for line in found.lines]


def adds_up(found: Decomposition) -> None:
    parts = (found.mix, found.rate, found.entered, found.left)
    assert found.baseline.value + sum(t.value for t in parts if t) == pytest.approx(found.now.value, abs=1e-9)
    of_lines = sum(term.value for line in found.lines for term in line.terms)
    assert of_lines == pytest.approx(found.change.value, abs=1e-9)
    assert sum(line.weight_before for line in found.lines) == pytest.approx(1)
    assert sum(line.weight_now for line in found.lines) == pytest.approx(1)
    for step, after in itertools.pairwise(found.steps):
        if after.term is not None:
            assert after.start == pytest.approx(step.end, abs=1e-9)
    if found.remaining:
        assert found.now.value + found.remaining.value == pytest.approx(found.target, abs=1e-12)
