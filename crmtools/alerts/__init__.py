"""Alerts: what a run should make somebody look at, and who is told.

Declared in the parameters file (``alerts``, ``sinks``), judged on the record of a run, told once: whoever knows hears nothing
until something changes.
"""

from crmtools.alerts.alert import Alert
from crmtools.alerts.telling import NOTHING, Evaluation, after_run, after_unchanged, evaluate, when_not_published

__all__ = ["NOTHING", "Alert", "Evaluation", "after_run", "after_unchanged", "evaluate", "when_not_published"]
