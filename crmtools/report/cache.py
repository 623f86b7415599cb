"""Pages that need not be run again, because nothing that they depend on has changed.

A page depends on its notebook, on the settings in force for it, on the data it reads, on this package and on the libraries. Each of
these is hashed apart, so that a plan can say why a page is run. What was executed is kept once per page and language, under
``.crmtools/pages/REPORT/``, as soon as it is done: a run that is killed leaves what it had finished to the next one.

A notebook that imports anything but this package, or opens files itself, may depend on anything: it is always run.
"""

import hashlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from crmtools.indicators import CATALOGUE
from crmtools.report.history import history_mark
from crmtools.report.made_of import libraries_mark, mark, package_mark
from crmtools.report.marks import marks_of, source_hashes
from crmtools.report.plan import CHAPTERS, INDICATOR, Job
from crmtools.report.reach import only_ours
from crmtools.settings import GoalSettings, Settings
from crmtools.tables import TABLES
from crmtools.tables.source import Data
from crmtools.whole_files import sweep, write_whole
from crmtools.words import Text

NEW = Text("首次运行", "never run before")
FREE = Text("使用了 crmtools 以外的程序或文件，每次都运行", "it uses more than this package, so it is always run")
LOST = Text("缓存的文件已损坏或缺失", "what was kept of it is damaged or gone")
PARTS: dict[str, Text] = {
    "notebook": Text("笔记本", "the notebook"),
    "settings": Text("参数文件", "the parameters file"),
    "data": Text("数据", "the data"),
    "package": Text("crmtools 代码", "the code of crmtools"),
    "libraries": Text("软件库版本", "the libraries"),
    "history": Text("运行历史", "the history of runs"),
}
"""What a page depends on."""
LOOKS_BACK = b"since_last"
"""What a notebook asks for that shows what earlier runs said."""
CHANGED = Text("已改变：{parts}", "changed: {parts}")
ELSEWHERE: dict[str, Any] = {
    "path": True,
    "run": True,
    "goals": True,
    "publish": {"keep"},
    "alerts": True,
    "sinks": True,
}
"""Settings that no page shows; goals are taken apart."""


@dataclass(frozen=True, slots=True)
class PageCache:
    """The pages of a report that earlier runs left, and what each depends on now."""

    settings: Settings
    data: Data
    files: Mapping[str, Mapping[str, str]]
    folder: Path
    known: dict[tuple[str, str], dict[str, str]] = field(default_factory=dict)
    shown: dict[str, str] = field(default_factory=dict)

    @classmethod
    def of(cls, settings: Settings, data: Data) -> "PageCache":
        """The cache of a report."""
        folder = settings.root / ".crmtools" / "pages" / settings.name
        return cls(settings, data, source_hashes(data.settings), folder)

    def depends_on(self, job: Job) -> dict[str, str]:
        """Hashes of what a page is made of, by the names of ``PARTS``."""
        page = (job.slug, job.language)
        if page not in self.known:
            self.known[page] = {
                "notebook": mark(job.notebook.read_bytes(), job.language, job.indicator, job.goal),
                "settings": self._settings(job),
                "data": mark(self.data.as_of, self._files(job)),
                "package": package_mark(),
                "libraries": libraries_mark(),
                "history": self._history() if LOOKS_BACK in job.notebook.read_bytes() else "",
            }
        return self.known[page]

    def why(self, job: Job) -> Text | None:
        """Why a page has to be run; None where what was kept can be taken."""
        if not only_ours(job.notebook):
            return FREE
        record = self._record(job)
        if record is None:
            return NEW
        now = self.depends_on(job)
        if changed := [name for name in PARTS if record["parts"].get(name) != now[name]]:
            zh, en = "、".join(PARTS[name].zh for name in changed), ", ".join(PARTS[name].en for name in changed)
            return Text(CHANGED.zh.format(parts=zh), CHANGED.en.format(parts=en))
        file = self._file(job)
        if not file.is_file() or hashlib.sha256(file.read_bytes()).hexdigest() != record["sha256"]:
            return LOST
        return None

    def take(self, job: Job, target: Path) -> str:
        """Copy what was kept to ``target`` and say which run made it; empty where the page has to be run."""
        if self.why(job) is not None:
            return ""
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(self._file(job), target)
        record = self._record(job)
        return str(record["run"]) if record else ""

    def keep(self, job: Job, executed: Path, run_id: str) -> None:
        """Keep an executed notebook. The record comes last: without it, or with another's, the file counts for nothing."""
        if not only_ours(job.notebook):
            return
        content = executed.read_bytes()
        record = {"run": run_id, "parts": self.depends_on(job), "sha256": hashlib.sha256(content).hexdigest()}
        write_whole(self._file(job), content, again=True, lasting=False)
        record_file = self._file(job).with_suffix(".json")
        write_whole(record_file, json.dumps(record, indent=1).encode(), again=True, lasting=False)

    def tidy(self) -> None:
        """Remove what a killed run had half written; the caller holds the lock of the report."""
        for folder in (self.folder / language for language in self.settings.report.languages):
            sweep(folder, older_than=0)

    def _history(self) -> str:
        """The runs that pages look back on; not those that say the same as this one."""
        if "history" not in self.shown:
            edition = marks_of(self.data).edition
            self.shown["history"] = history_mark(self.settings.root, self.settings.name, besides=edition)
        return self.shown["history"]

    def _settings(self, job: Job) -> str:
        settings, goals = self.settings, self.settings.goals
        if job.notebook.stem == INDICATOR:
            goals = tuple(goal for goal in goals if goal.indicator == job.indicator)
        elif (chapter := CHAPTERS.get(job.notebook.stem)) and chapter.alone:
            goals = ()
        if "" not in self.shown:
            self.shown[""] = settings.model_dump_json(exclude=ELSEWHERE)
        return mark(self.shown[""], [self._goal(goal) for goal in goals])

    def _goal(self, goal: GoalSettings) -> str:
        name = f"goal {goal.id or goal.indicator}"
        if name not in self.shown:
            self.shown[name] = goal.model_dump_json()
        return self.shown[name]

    def _files(self, job: Job) -> Mapping[str, Mapping[str, str]]:
        """The files that a page reads: of an indicator without goals those of its tables, and of what their rows refer to."""
        if job.notebook.stem != INDICATOR or any(goal.indicator == job.indicator for goal in self.settings.goals):
            return self.files
        names = {"customers", *CATALOGUE[job.indicator].tables}
        while more := {column.refers for name in names for column in TABLES[name].columns if column.refers} - names:
            names |= more
        return {name: file for name, file in self.files.items() if name in names or name not in TABLES}

    def _file(self, job: Job) -> Path:
        return self.folder / job.language / f"{job.slug}.ipynb"

    def _record(self, job: Job) -> dict[str, Any] | None:
        try:
            record = json.loads(self._file(job).with_suffix(".json").read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        whole = (
            isinstance(record, dict) and isinstance(record.get("parts"), dict) and {"run", "sha256"} <= record.keys()
        )
        return record if whole else None
