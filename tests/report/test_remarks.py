"""What a person should know before a report is believed."""

from types import SimpleNamespace

import pytest

from crmtools.period import Period
from crmtools.report.remarks import behind


def told(last, period="2025-10"):
    tables = [SimpleNamespace(last=one) for one in last]
    return behind(SimpleNamespace(door=SimpleNamespace(tables=tables), period=Period.parse(period)))


def test_data_that_end_before_the_period_begins_are_told_of():
    (said,) = told(["2025-08-01", "", "2025-09-30"])
    assert "2025-09-30" in said
    assert "2025-10 begins after it" in said


@pytest.mark.parametrize("last", [["2025-10-01"], ["2025-08-01", "2025-12-31"], [""], []])
def test_nothing_is_said_where_they_reach_it_or_have_no_time(last):
    assert told(last) == []
