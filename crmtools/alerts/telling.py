"""After a run: judge it, tell the sinks what is new to them, remember what they were told."""

import functools
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from pathlib import Path
from typing import ParamSpec, TypeVar
from zoneinfo import ZoneInfo

from crmtools import faults
from crmtools.alerts.alert import Alert, Found
from crmtools.alerts.record import RunRecord, last_run, read_run
from crmtools.alerts.rules import judge
from crmtools.alerts.sinks import Message, tell
from crmtools.alerts.state import State, read_state
from crmtools.errors import CRMError, Problem
from crmtools.report.lock import BusyError
from crmtools.settings import Settings

Given = ParamSpec("Given")
Done = TypeVar("Done")


@dataclass(frozen=True, slots=True)
class Evaluation:
    """What the rules say about a run. ``new`` did not hold after the run before; ``problems`` are sinks that could not be
    told.
    """

    alerts: tuple[Alert, ...] = ()
    new: tuple[Alert, ...] = ()
    resolved: tuple[Alert, ...] = ()
    remarks: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()
    told: tuple[str, ...] = ()

    @property
    def fired(self) -> bool:
        """Whether something is new."""
        return bool(self.new)


NOTHING = Evaluation()


def evaluate(settings: Settings, folder: Path, *, send: bool = True, today: date | None = None) -> Evaluation:
    """Judge the run in ``folder`` by the alerts of a parameters file.

    With ``send`` every sink is told what changed for it since it was last told, and that is remembered; a sink for which
    nothing changed hears nothing. One that cannot be told is a problem of the evaluation, and is tried again next time.
    """
    run = read_run(settings, folder, today=today)
    found = judge(run)
    return _told(run, found, send=send)


def after_run(settings: Settings, folder: Path) -> Evaluation:
    """As :func:`evaluate`, after a run: leaves ``alerts.json`` in its folder, and never raises: the report is what it is."""
    if not settings.alerts:
        return NOTHING
    try:
        done = evaluate(settings, folder)
        plain = {
            "alerts": [one.to_dict() for one in done.alerts],
            "new": [one.key for one in done.new],
            "resolved": [one.key for one in done.resolved],
            "told": list(done.told),
            "remarks": list(done.remarks),
            "problems": [str(problem) for problem in done.problems],
        }
        text = json.dumps(plain, ensure_ascii=False, indent=1) + "\n"
        (folder / "alerts.json").write_text(text, encoding="utf-8")
    except Exception as error:  # noqa: BLE001 - what was published stays published
        said = str(error) if isinstance(error, CRMError) else faults.said(error, faults.keep(error, folder / "logs"))
        return Evaluation(problems=(Problem("alerts", said),))
    return done


def after_unchanged(settings: Settings, folder: Path) -> Evaluation:
    """As :func:`after_run`, where nothing had to be run: the data are a little older, and a sink may be reached again. The
    folder of the earlier run stays as it is.
    """
    if not settings.alerts:
        return NOTHING
    try:
        return evaluate(settings, folder, today=datetime.now(ZoneInfo(settings.report.time_zone)).date())
    except Exception as error:  # noqa: BLE001 - what was published stays published
        logs = settings.root / ".crmtools" / "logs"
        said = str(error) if isinstance(error, CRMError) else faults.said(error, faults.keep(error, logs))
        return Evaluation(problems=(Problem("alerts", said),))


def when_not_published(run: Callable[Given, Done]) -> Callable[Given, Done]:
    """A run of a report whose first argument are its settings: when nothing comes of it, the sinks hear of that too.

    Not when another run of the report goes on, and not when a person stopped it.
    """

    @functools.wraps(run)
    def watched(*given: Given.args, **named: Given.kwargs) -> Done:
        began = datetime.now(UTC)
        try:
            return run(*given, **named)
        except BusyError:
            raise
        except CRMError as error:
            settings = given[0] if given else named.get("settings")
            if isinstance(settings, Settings) and settings.alerts and not _was_published(settings, began):
                _tell_of(settings, error, began)
            raise

    return watched


def _was_published(settings: Settings, began: datetime) -> bool:
    """Whether the run that began then has its book in place: what failed afterwards is said by the run itself."""
    try:
        manifest = read_run(settings, last_run(settings.root, settings.name)).manifest
    except (CRMError, KeyError):
        return False
    return str(manifest["started"]) >= f"{began:%Y-%m-%dT%H:%M:%SZ}" and manifest["ended"].startswith("published")


def _tell_of(settings: Settings, error: CRMError, began: datetime) -> None:
    """As far as the run came there may be no folder yet; what the sinks knew of goals and data still holds for all we know."""
    manifest = {"ended": "not_published", "problems": [str(error)], "started": began.isoformat()}
    run = RunRecord(settings, manifest, None)
    try:
        done = _told(run, judge(run), send=True, resolve=False)
        said = [str(problem) for problem in done.problems]
    except Exception as trouble:  # noqa: BLE001 - the first error is the one to be raised
        said = [faults.said(trouble, faults.keep(trouble, settings.root / ".crmtools" / "logs"))]
    for line in said:
        error.add_note(line)


def _told(run: RunRecord, found: Found, *, send: bool, resolve: bool = True) -> Evaluation:
    settings = run.settings
    before = read_state(settings.root, settings.name)
    active = {one.key: one for one in found.alerts}
    if not resolve:
        active = {**before.active, **active}
    new = tuple(one for key, one in active.items() if key not in before.active)
    resolved = tuple(one for key, one in before.active.items() if key not in active)
    if not send:
        return Evaluation(found.alerts, new, resolved, found.remarks)
    told: dict[str, Mapping[str, Alert]] = {}
    problems, reached = [], []
    for name, sink in settings.sinks.items():
        known = before.told.get(name, {})
        meant = {one.key: one for one in found.alerts if one.goes_to(name)}
        if not resolve:
            meant = {**known, **meant}
        message = _message(run, known, meant)
        if not message.new and not message.resolved:
            told[name] = known
            continue
        try:
            tell(sink, message, root=settings.root)
        except CRMError as error:
            problems.append(Problem(f"alerts · {name}", f"{error}. It is told again after the next run."))
            told[name] = known
        else:
            reached.append(name)
            told[name] = meant
    State(active, told).write(settings.root, settings.name)
    return Evaluation(found.alerts, new, resolved, found.remarks, tuple(problems), tuple(reached))


def _message(run: RunRecord, known: Mapping[str, Alert], meant: Mapping[str, Alert]) -> Message:
    return Message(
        run.settings.name,
        run.settings.report.title,
        str(run.manifest.get("run_id", "")),
        run.settings.report.period.id if run.results is None else run.results.period,
        tuple(one for key, one in meant.items() if key not in known),
        tuple(one for key, one in meant.items() if key in known),
        tuple(one for key, one in known.items() if key not in meant),
    )
