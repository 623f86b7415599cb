"""Fixtures of the little company."""

from pathlib import Path
from typing import Any

import pytest

from crmtools.tables.source import Data

from .little_company import Project


@pytest.fixture
def whole(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Project:
    """The company with all its tables."""
    monkeypatch.delenv("CRMTOOLS_PSEUDONYM_KEY", raising=False)
    return Project(tmp_path)


@pytest.fixture
def project(whole: Project) -> Project:
    """The company with as few tables as most tests need: the door is passed faster."""
    whole.only("customers", "orders", "spend", "fx_rates", "tickets", "survey_answers", "survey_items", "feedback")
    return whole


@pytest.fixture
def orders() -> Any:
    """The orders of some data as a frame, in the order of the file."""

    def frame(data: Data) -> Any:
        return data.execute(data["orders"].order_by("ordered_at"))

    return frame
