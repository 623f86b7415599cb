"""Whatever a notebook cell ends with shows itself, as the book shows it, in both languages."""

import ast
import inspect
import sys
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

import crmtools as crm
from crmtools import show, shown
from crmtools.goals.evidence import EVIDENCE
from crmtools.settings import Publish
from crmtools.show.display import RESULT
from crmtools.show.returned import VIEWS
from crmtools.shown import Shown, speak


def public_classes() -> set[type]:
    """Every class that the package and the parts of it that analysts use name in their ``__all__``, but for errors."""
    modules = (crm, crm.rfm, crm.lifetime)
    found = [getattr(module, name) for module in modules for name in module.__all__]
    return {one for one in (*found, crm.cohorts.Cohorts) if inspect.isclass(one) and not issubclass(one, Exception)}


@pytest.fixture(scope="module")
def data() -> crm.Data:
    return crm.open("tiny")


@pytest.fixture(scope="module")
def things(data) -> list[object]:
    """One of every public class."""
    lifetime, readings = crm.lifetime, tuple(crm.scorecard(data))
    rng = np.random.default_rng(7)
    days = pd.Timestamp("2024-01-01") + pd.to_timedelta(rng.integers(0, 600, 900), unit="D")
    orders = pd.DataFrame({
        "order_id": [str(n) for n in range(900)], "customer_id": rng.integers(0, 200, 900).astype(str),
        "ordered_at": days, "net_amount": rng.gamma(4, 25, 900).round(2),
    })  # fmt: skip
    split = lifetime.calibration_holdout(
        orders, calibration_until=pd.Timestamp("2025-03-01").date(), holdout_until=pd.Timestamp("2025-08-22").date()
    )
    model, summary = lifetime.BetaGeo.fit(split.calibration), split.calibration
    spend = lifetime.GammaGamma.fit(summary)
    reading = readings[0]
    moved = crm.Driver(reading, "region", improved=True, groups=("south",), still=("north",))
    study = crm.rfm.study(data)
    return [
        crm.measure("nps", data), crm.trend("nps", data), crm.breakdown("nps", data, by="region"),
        crm.stress("inactivity_rate", data), reading, crm.scorecard(data), crm.judge(reading, data),
        crm.goal_parts(reading, data), moved, data, data.period, crm.CATALOGUE["nps"].name,
        crm.scores(readings), crm.compare("nps", data, "2025-Q3"), crm.contrast("nps", data, {"region": "south"}),
        study, study.now, study.moves, crm.cohorts.retention(data.orders, as_of=data.as_of), crm.track_record(data),
        split, summary, model, spend, lifetime.compare(split, orders), lifetime.holdout_check(model, split),
        lifetime.customer_value(model, spend, summary, horizon_months=12, annual_discount=0.1),
        lifetime.customer_patterns(orders, as_of=data.as_of), lifetime.spend_patterns(orders, as_of=data.as_of),
    ]  # fmt: skip


def test_every_public_class_shows_itself_by_the_one_mechanism() -> None:
    silent = {one.__name__ for one in public_classes() if not issubclass(one, Shown)}
    assert silent == set()
    own = {one.__name__ for one in public_classes() if "_repr_html_" in vars(one) or "_repr_mimebundle_" in vars(one)}
    assert own == set(), "a second way to show something"


def test_views_are_of_classes_that_there_are() -> None:
    for name in VIEWS:
        module, _, one = name.rpartition(".")
        __import__(f"crmtools.{module}")
        assert issubclass(getattr(sys.modules[f"crmtools.{module}"], one), Shown), name


def test_what_is_returned_is_shown_in_both_languages(things) -> None:
    for thing in things:
        try:
            speak("en")
            english = thing._repr_mimebundle_()
            speak("zh")
            chinese = thing._repr_mimebundle_()
        finally:
            speak("en")
        name = type(thing).__name__
        assert {"text/html", "text/plain"} <= set(english), name
        for bundle in (english, chinese):
            assert len(str(bundle["text/html"])) > 20, name
            assert "object at 0x" not in str(bundle), name
        assert thing.display(language="zh").html == thing.display(language="zh").html
        assert thing._repr_html_() == english["text/html"], name


def test_nothing_public_was_left_out(things) -> None:
    shown = {type(thing) for thing in things}
    missing = {one.__name__ for one in public_classes() if not any(issubclass(thing, one) for thing in shown)}
    # models are shown by their common parent, counts and totals by the table of what they hold
    models = {"BetaGeoBetaBinomial", "ModifiedBetaGeo", "Nbd", "ParetoNbd", "ShiftedBetaGeo"}
    assert missing <= models | {"Counts", "Total", "Renewals"}


def test_the_display_is_the_one_of_the_book(data) -> None:
    nps, card = crm.measure("nps", data), crm.scorecard(data)
    for language in ("en", "zh"):
        assert nps.display(language=language).html == show.card(nps, language=language).html
        goals, alone = show.scorecard(card, language=language), card.display(language=language)
        assert alone.html.startswith(goals.html)
        assert alone.result == goals.result
        assert "crm.judgements(" in alone.text.removeprefix(goals.text), "a plan status alone is the weaker of two"
        line = crm.trend("nps", data)
        assert line.display(language=language).html == show.trend(line, language=language).html
    for alone in (crm.compare("nps", data, "2025-Q3"), crm.contrast("nps", data, {"region": "south"})):
        assert alone.p is None or "a report judges all of its comparisons together" in alone.display(language="en").text
    assert RESULT in nps._repr_mimebundle_(), "a page that returns it is read like one that shows it"


def test_terms_are_those_of_the_data_that_were_opened(monkeypatch) -> None:
    monkeypatch.setattr(shown, "_OPENED", set())
    assert shown.terms() == ("", None)
    data = crm.open("tiny")
    assert shown.terms() == (data.currency, data.settings.publish.smallest_group)
    shown.opened("USD", Publish().smallest_group)
    assert shown.terms() == ("", Publish().smallest_group), "data that differ: no currency, and the larger group"


def test_a_language_that_there_is_not_is_refused() -> None:
    with pytest.raises(ValueError, match="language must be one of"):
        speak("fr")


def test_importing_a_result_draws_nothing() -> None:
    """What every result inherits imports what draws when something is shown, not before."""
    tree = ast.parse(Path(shown.__file__).read_text("utf-8"))
    at_import = [node for node in tree.body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert [ast.unparse(node) for node in at_import] == ["from typing import TYPE_CHECKING"]


def test_a_judgement_is_told_in_words(data) -> None:
    judgement = crm.judge(next(iter(crm.scorecard(data))), data)
    for language in ("en", "zh"):
        made = judgement.display(language=language)
        assert EVIDENCE[judgement.evidence].to(language) in made.text
        assert "Estimate(" not in made.html
        assert "datetime.date" not in made.html
