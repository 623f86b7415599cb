"""Data and estimates that the displays are shown with."""

from collections.abc import Callable
from datetime import date

import pytest

import crmtools as crm
from crmtools.estimate import Estimate
from crmtools.goals.reading import Scorecard, scorecard
from crmtools.period import Period
from crmtools.tables.source import Data

from .pages import Page


@pytest.fixture(scope="session")
def tiny() -> Data:
    """The dozen customers of data/tiny."""
    return crm.open("tiny")


@pytest.fixture(scope="session")
def goals(tiny: Data) -> Scorecard:
    """Their two goals."""
    return scorecard(tiny)


@pytest.fixture(scope="session")
def make() -> Callable[..., Estimate]:
    """An estimate of Q4 2025; every value by its name."""

    def made(indicator: str = "nps", **values: object) -> Estimate:
        period = values.pop("period", Period.parse("2025-Q4"))
        return Estimate(indicator, period, date(2025, 12, 31), **values)  # type: ignore[arg-type]

    return made


@pytest.fixture(scope="session")
def read() -> Callable[[str], Page]:
    """HTML as a browser reads it; fails where it is not well formed or holds a script."""

    def reading(html: str) -> Page:
        page = Page(html)
        assert not page.wrong, page.wrong
        names = {name for name, _ in page.tags}
        assert not names & {"script", "iframe", "object"}
        assert not any(name.startswith("on") for _, attributes in page.tags for name in attributes)
        return page

    return reading
