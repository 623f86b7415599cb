"""What is asked for by a name: a parameters file, with ``@`` another period than the one that stands in it, with ``#`` some customers.

``demo@2025-10`` is ``parameters/demo.yml`` for October 2025, ``demo@last`` the last period that is over. What is looked at then
ends as long after the period as in the file: a report of December as of the 31st becomes one of October as of the 31st.
``demo#region=north`` and ``demo@2025-10#region=north`` are the same for the customers of one region.
"""

import contextlib
from collections.abc import Mapping
from datetime import date, datetime
from pathlib import Path
from zoneinfo import ZoneInfo

from crmtools import parameters
from crmtools.errors import SettingsError
from crmtools.part_names import asked_part
from crmtools.period import MONTHS_IN, Period
from crmtools.settings import Settings

LAST = "last"


def read_settings(name: str | Path) -> Settings:
    """The settings that a name means; raises SettingsError with every problem of the file or the name."""
    from crmtools.tables.source import find_parameters

    if Path(name).is_file():
        return parameters.load(find_parameters(name))
    asked, only = asked_part(str(name))
    file, at, period = (asked, "", "") if Path(asked).is_file() else asked.partition("@")
    settings = _named_after_part(file) if only is None else None
    settings = settings or parameters.load(find_parameters(file), only=only)
    if not at:
        return settings
    return for_period(settings, last_over(settings) if period == LAST else Period.parse(period))


def _named_after_part(name: str) -> Settings | None:
    """The settings of the report that is kept as ``demo-region-north``, where no parameters file has this name."""
    from crmtools.tables.source import find_parameters

    words = name.split("-")
    with contextlib.suppress(SettingsError):
        find_parameters(name)
        return None
    for count in range(1, len(words) - 1):
        attribute, value = words[count], "-".join(words[count + 1 :])
        with contextlib.suppress(SettingsError):
            settings = parameters.load(find_parameters("-".join(words[:count])), only={attribute: value})
            if settings.name == name:
                return settings
    return None


def for_customers(settings: Settings, only: Mapping[str, str]) -> Settings:
    """The settings for the customers with one value of an attribute, and no others; for all where ``only`` is empty.

    Read anew: what the settings of a part leave out may be about another part.
    """
    read = parameters.load(settings.path, only=only)
    return for_period(read, settings.report.period)


def for_period(settings: Settings, period: Period) -> Settings:
    """The settings for another period of the same kind."""
    report = settings.report
    if period == report.period:
        return settings
    if period.kind != report.period.kind or period.kind == "days":
        raise SettingsError(
            f"{settings.path.name} reports {report.period.id}, a {_kind(report.period)}; {period.id} is a {_kind(period)}. "
            "Ask for a period of the same kind, a whole month, quarter or year."
        )
    as_of = known_on(settings, period)
    return settings.model_copy(
        update={"report": report.model_copy(update={"period": period, "as_of": as_of}), "asked": period.id}
    )


def known_on(settings: Settings, period: Period) -> date:
    """The day up to which something is known for a period: as long after it as in the file."""
    return period.last_day + (settings.report.as_of - settings.report.period.last_day)


def last_over(settings: Settings, *, today: date | None = None) -> Period:
    """The last period of the report's kind for which all is known before ``today``, in the report's time zone."""
    kind = settings.report.period.kind
    if kind == "days":
        raise SettingsError(f"{settings.path.name} reports a range of days: no other one follows from it.")
    now = today or datetime.now(ZoneInfo(settings.report.time_zone)).date()
    period = Period.containing(now, kind)
    while known_on(settings, period) >= now:
        period = period.shift(-MONTHS_IN[kind])
    return period


def _kind(period: Period) -> str:
    return "range of days" if period.kind == "days" else period.kind
