"""Matrices of histories: every cell against the customers or the model behind it, and none that tells of few."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest

import crmtools as crm
from crmtools import show
from crmtools.lifetime.study import study
from crmtools.settings import Publish
from crmtools.show.lifetime_history_views import REPEATS, SILENT_DAYS


@pytest.fixture(scope="module")
def demo():
    data = crm.open("demo")
    return data, study(data)


def publishing(data, smallest):
    return replace(data, settings=data.settings.model_copy(update={"publish": Publish(smallest_group=smallest)}))


def people(found, cell):
    """The customers of a cell, by plain comparison."""
    frame = found.summary.frame.join(found.value.frame)
    for name, begins, begin in (
        ("days_since_last", SILENT_DAYS, cell["silent_from"]), ("frequency", REPEATS, cell["repeats_from"]),
    ):  # fmt: skip
        following = [*begins[1:], np.inf][begins.index(begin)]
        frame = frame[(frame[name] >= begin) & (frame[name] < following)]
    return frame


def test_every_cell_is_the_mean_of_its_customers(demo):
    data, found = demo
    result = show.lifetime_histories(found, data, language="en").result
    seen = 0
    for cell in result["cells"]:
        own = people(found, cell)
        if cell["suppressed"]:
            assert not {"customers", "purchases", "alive"} & set(cell)
        else:
            assert cell["customers"] == len(own) >= data.settings.publish.smallest_group
            assert cell["purchases"] == pytest.approx(own["expected_purchases"].mean())
            assert cell["alive"] == pytest.approx(own["probability_alive"].mean())
        seen += len(own)
    assert seen == len(found.summary)
    recent = found.summary.frame["days_since_last"] <= 90
    purchases = found.value.frame["expected_purchases"]
    assert result["recent_share"] == pytest.approx(purchases[recent].sum() / purchases.sum())


def test_small_cells_are_neither_shown_nor_to_be_worked_out(demo, read):
    data, found = demo
    display = show.lifetime_histories(found, publishing(data, 60), language="en")
    small = [cell for cell in display.result["cells"] if cell["suppressed"]]
    assert len(small) >= 2
    assert all(cell["customers"] >= 60 for cell in display.result["cells"] if not cell["suppressed"])
    assert read(display.to_html()).text.count("…") >= len(small)
    assert "too few" in show.lifetime_histories(found, publishing(data, 100_000), language="en").text.lower()


def test_chances_are_those_of_the_model(demo):
    data, found = demo
    model, month = found.value.worth.purchases, 365.25 / 12
    result = show.lifetime_alive(found, data, language="en").result
    months = result["months"]
    assert months == int(found.summary.frame["T"].median() / month)
    for cell in result["cells"]:
        T = months * month
        last = 0.0 if cell["repeats"] == 0 else T - cell["silent_months"] * month
        one = model.alive(model.parameters, *(np.array([v]) for v in (float(cell["repeats"]), last, T)))[0]
        assert cell["probability_alive"] == pytest.approx(one, rel=1e-9)
    silent = {cell["silent_months"] for cell in result["cells"] if cell["repeats"] == 0}
    assert silent == {months}


def test_the_matrix_reaches_no_further_than_enough_customers_do(demo):
    data, found = demo
    for smallest in (10, 500):
        result = show.lifetime_alive(found, publishing(data, smallest), language="en").result
        most = max(cell["repeats"] for cell in result["cells"])
        assert (found.summary.frame["frequency"] >= most).sum() >= smallest
    assert "Too short" in show.lifetime_alive(found, publishing(data, 4_000), language="en").text


def test_limits_that_stay_open_are_shown_as_such(demo, read):
    _, found = demo
    limits = found.limits.copy()
    limits.loc["r", "high"], limits.loc["a", "low"] = np.inf, 0.0
    limits.loc["b", ["low", "high"]] = 0.0, np.inf
    page = read(show.lifetime_parameters(replace(found, limits=limits), language="en").to_html()).text
    assert f"> {limits.loc['r', 'low']:.3f}" in page
    assert f"< {limits.loc['a', 'high']:.3f}" in page
    assert "not determined" in page
    assert pd.notna(limits["estimate"]).all()
