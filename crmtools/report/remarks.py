"""What a person should know before a report is believed, and no number shows."""

from crmtools.tables.source import Data


def behind(data: Data) -> list[str]:
    """That the data end before the period begins: every figure of it would be one of nothing, or of silence."""
    newest, period = max((item.last for item in data.door.tables), default=""), data.period
    if not newest or newest >= str(period.start):
        return []
    said = f"the newest row of all tables is of {newest}, and the period {period.id} begins after it."
    return [f"Beware: {said} Look at report.as_of and report.period."]
