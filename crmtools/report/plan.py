"""What a report consists of: its pages in the order of the book, and the notebooks that have to be run for
them.

A page is a notebook, a page written by hand (``book/LANGUAGE/NAME.md``) or one that the run writes. Chapters
whose data are missing, and indicators that cannot be computed, are left out and say why.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from crmtools.errors import UNTOUCHED, DataError, Problem, RunError, nearest
from crmtools.estimating import not_computable
from crmtools.goal_names import goal_name
from crmtools.goals.named import goal_slug
from crmtools.indicators import CATALOGUE, DIMENSIONS, Indicator
from crmtools.questions import attributes
from crmtools.readiness import Readiness, readiness
from crmtools.report.folders import notebooks_folder
from crmtools.report.notebooks import check_notebook, first_heading, read_notebook
from crmtools.report.reading_lists import READING_LISTS
from crmtools.settings import Settings
from crmtools.tables.source import Data
from crmtools.words import LANGUAGES, Language, Text

Kind = Literal["notebook", "written", "generated"]

OVERVIEW = Text("概览", "Overview")
INDICATORS = Text("指标", "Indicators")
CUSTOMERS = Text("客户", "Customers")
FURTHER = Text("其他章节", "Further chapters")
APPENDIX = Text("附录", "Appendix")

INDICATOR = "indicator"
"""The notebook that is run once per indicator."""
GOAL = "goal"
"""The notebook that is run once per goal."""
IN_BOOK = "crmtools"
"""What the metadata of a notebook have that says of itself that it is a chapter: ``{"chapter": true, "needs": [tables]}``."""
GOAL_PAGES = Text("各目标的页面", "Pages of the goals")


@dataclass(frozen=True, slots=True)
class Chapter:
    """A notebook that is run once per language.

    ``needs`` are the tables without which it has nothing to say, ``goals`` whether it needs goals. ``alone`` is one that shares
    no number with indicators and goals, and need not wait for them; ``long`` is one that takes as long as several others.
    """

    name: str
    title: Text
    part: Text | None
    needs: tuple[str, ...] = ()
    goals: bool = False
    alone: bool = False
    long: bool = False

    @property
    def slug(self) -> str:
        """The name of its page; the summary is the first one."""
        return "index" if self.name == "summary" else self.name


CHAPTERS: dict[str, Chapter] = {
    chapter.name: chapter
    for chapter in (
        Chapter("summary", Text("摘要", "Summary"), None),
        Chapter("goals", Text("目标", "Goals"), OVERVIEW, goals=True),
        Chapter("smart", Text("SMART 检查", "Are the goals SMART?"), OVERVIEW, goals=True, long=True),
        Chapter("track_record", Text("预测记录", "Track record"), OVERVIEW, goals=True, long=True),
        Chapter("cohorts", Text("同期群", "Cohorts"), CUSTOMERS, needs=("orders",), alone=True),
        Chapter("rfm", Text("RFM 客户分层", "RFM segments"), CUSTOMERS, needs=("orders",), alone=True),
        Chapter("lifetime", Text("客户生命周期价值", "Lifetime value"), CUSTOMERS, needs=("orders",), alone=True),
        Chapter(
            "lifetime_check", Text("模型检验", "Can the model be believed?"), CUSTOMERS, needs=("orders",), alone=True
        ),
        Chapter("data_quality", Text("数据质量", "Data quality"), APPENDIX),
    )
}
"""The chapters in the order of the book. The summary is always there; ``run.chapters`` chooses among the
others.
"""

WRITTEN: dict[str, Text] = {
    "methodology": Text("方法说明", "How the numbers are made"),
    "glossary": Text("术语表", "Glossary"),
    "references": Text("参考文献", "References"),
}
GENERATED: dict[str, Text] = {
    "definitions": Text("指标定义", "Definitions"),
    "readiness": Text("可计算性", "What can be computed"),
    "changes": Text("与上一份报告相比的变化", "Changes since the last report"),
    "provenance": Text("来源与运行记录", "Provenance"),
} | {slug: reading_list.title for slug, reading_list in READING_LISTS.items()}
OVERVIEW_ORDER = tuple(READING_LISTS)
"""The pages that follow the chapters of the overview."""
APPENDIX_ORDER = ("methodology", "definitions", "readiness", "glossary", "references", "changes", "provenance")


@dataclass(frozen=True, slots=True)
class Entry:
    """One page of the book, in whatever language.

    ``notebook`` is the file that is run for it, ``indicator`` the indicator it is about, ``dimension`` the
    dimension whose indicators it lists, ``goal`` the id of the goal it is about. ``skipped`` says why nothing is run; an entry that is skipped but
    keeps a page (a goal's indicator that cannot be computed) has ``kind`` "generated".
    """

    slug: str
    title: Text
    kind: Kind
    part: Text | None = None
    parent: str | None = None
    notebook: Path | None = None
    indicator: str = ""
    dimension: str = ""
    skipped: Text | None = None
    goal: str = ""


@dataclass(frozen=True, slots=True)
class Job:
    """One notebook to run, in one language."""

    slug: str
    language: Language
    notebook: Path
    parameters: Mapping[str, str]
    indicator: str = ""
    goal: str = ""


@dataclass(frozen=True, slots=True)
class Plan:
    """The pages of a report, what is left out, and what can be computed.

    ``left_out`` are chapters without a page, each with its reason in ``skipped``. ``readiness`` says for every
    indicator of the catalogue whether it can be computed, and what to do where it cannot.
    """

    settings: Settings
    entries: tuple[Entry, ...]
    left_out: tuple[Entry, ...]
    readiness: Mapping[str, Readiness]

    @property
    def jobs(self) -> tuple[Job, ...]:
        """The notebooks to run: the first page first, each in every language."""
        report = self.settings.reference
        return tuple(
            Job(
                entry.slug,
                language,
                entry.notebook,
                {"report": report, "language": language} | _own_parameters(entry),
                entry.indicator,
                entry.goal,
            )
            for entry in self.entries
            if entry.notebook is not None
            for language in self.settings.report.languages
        )

    @property
    def missing(self) -> Mapping[str, tuple[str, ...]]:
        """What the source lacks for every indicator of the catalogue; nothing where it can be computed or waits."""
        return {name: one.missing for name, one in self.readiness.items()}

    @property
    def links(self) -> Mapping[str, str]:
        """The page of every indicator that has one."""
        return {entry.indicator: f"{entry.slug}.html" for entry in self.entries if entry.indicator}

    @property
    def indicators(self) -> tuple[Indicator, ...]:
        """The indicators that have a page of their own and are computed."""
        return tuple(CATALOGUE[e.indicator] for e in self.entries if e.indicator and e.notebook is not None)


def _own_parameters(entry: Entry) -> dict[str, str]:
    """What a notebook that is run many times is told beside report and language."""
    given = {INDICATOR: entry.indicator, GOAL: entry.goal}
    return {name: value for name, value in given.items() if value}


def plan(settings: Settings, data: Data, *, notebooks: Path | None = None) -> Plan:
    """The pages of the report that settings describe, given the data that are there.

    ``notebooks`` is the folder with the notebooks, by default :func:`notebooks_folder`. Every notebook that
    will be run is checked here; raises RunError with all problems before anything is run, and DataError where not a single row of
    the source is of the period: a report of nothing would take the place of the last one of something.
    """
    if why := data.door.misses(settings.report.period):
        said = (
            f"{why} Load the rows that are missing, or report another period: crmtools report {settings.name}@PERIOD."
        )
        title = "There is nothing to report"
        raise DataError.of(title, [Problem(f"{settings.path.name} · report.period", said)], UNTOUCHED)
    folder = notebooks or notebooks_folder(settings.root)
    problems: list[Problem] = []
    chapters, left_out = _chapters(settings, data, folder, problems)
    ready = readiness(data)
    problems += _goals_of_nobody_known(settings, data)
    indicators = _indicators(settings, ready, folder)
    goals, no_goals = _goals(settings, chapters, folder)
    left_out += no_goals
    in_overview = [e for e in chapters if e.part in (None, OVERVIEW)]
    place = next((n for n, e in enumerate(in_overview, 1) if e.slug == "goals"), len(in_overview))
    in_overview[place:place] = goals
    in_appendix = [e for e in chapters if e.part is APPENDIX]
    between = [e for e in chapters if e not in in_overview and e not in in_appendix]
    lists, appendix = _fixed(OVERVIEW_ORDER, OVERVIEW), _fixed(APPENDIX_ORDER, APPENDIX)
    entries = (*in_overview, *lists, *indicators, *between, *in_appendix, *appendix)
    problems += _notebook_problems(entries, folder)
    problems += [
        Problem(f"page {slug}", "stands twice: an indicator or a goal has the name of another page. Rename one.")
        for slug in {e.slug for e in entries if [other.slug for other in entries].count(e.slug) > 1}
    ]
    if problems:
        raise RunError.of("The report cannot be run", problems, UNTOUCHED)
    return Plan(settings, entries, tuple(left_out), ready)


def _goals_of_nobody_known(settings: Settings, data: Data) -> list[Problem]:
    """Goals about customers who are told apart by something that their indicator knows nothing of: a slip of the pen."""
    found = []
    for goal in settings.goals:
        item = CATALOGUE[goal.indicator]
        known = attributes(item, data)
        if not_computable(item, data) is None and known:
            found += [
                Problem(
                    f"{settings.path.name} · goals · {goal.id or goal.indicator} · where",
                    f"customers of {item.id} cannot be told apart by '{name}'. {nearest(name, known)}",
                )
                for name in goal.where
                if name not in known
            ]
    return found


def goal_slugs(settings: Settings, folder: Path | None = None) -> dict[str, str]:
    """The page of every goal by its id: below the chapter on goals, where that is asked for and has its notebook."""
    wanted, folder = settings.run.chapters, folder or notebooks_folder(settings.root)
    if (wanted is not None and "goals" not in wanted) or not (folder / f"{GOAL}.ipynb").is_file():
        return {}
    return {name: goal_slug(name) for name in (goal.id or goal.indicator for goal in settings.goals)}


def _goals(settings: Settings, chapters: list[Entry], folder: Path) -> tuple[list[Entry], list[Entry]]:
    """A page per goal where the chapter on goals is run, and why there are none where it is run without them."""
    if not any(entry.slug == "goals" for entry in chapters):
        return [], []
    file = folder / f"{GOAL}.ipynb"
    slugs = goal_slugs(settings, folder)
    if not slugs:
        reason = Text(f"没有笔记本 {file.name}", f"skipped because there is no notebook {file.name}")
        return [], [Entry("goal_pages", GOAL_PAGES, "notebook", OVERVIEW, skipped=reason)]
    found = []
    for goal in settings.goals:
        name = goal.id or goal.indicator
        found.append(Entry(slugs[name], goal_name(goal), "notebook", OVERVIEW, "goals", file, goal=name))
    return found, []


def _fixed(names: tuple[str, ...], part: Text) -> list[Entry]:
    """The pages that every report has in a part of the book."""
    titles = WRITTEN | GENERATED
    return [Entry(name, titles[name], "written" if name in WRITTEN else "generated", part) for name in names]


def _chapters(settings: Settings, data: Data, folder: Path, problems: list[Problem]) -> tuple[list[Entry], list[Entry]]:
    """The chapters that run, and those that do not."""
    wanted = settings.run.chapters
    own = {path.stem for path in folder.glob("*.ipynb")} - {INDICATOR, GOAL}
    said = {name: chapter for name in sorted(own - {*CHAPTERS}) if (chapter := _own_chapter(folder / f"{name}.ipynb"))}
    names = ["summary", *(wanted if wanted is not None else (*CHAPTERS, *said))]
    run, left_out = [], []
    for name in dict.fromkeys(names):
        file = folder / f"{name}.ipynb"
        if name not in CHAPTERS and name not in own:
            place = f"{settings.path.name} · run.chapters"
            problems.append(Problem(place, f"no chapter '{name}'. {nearest(name, {*CHAPTERS, *own})}"))
            continue
        chapter = CHAPTERS.get(name) or said.get(name) or Chapter(name, _title(file), FURTHER)
        entry = Entry(chapter.slug, chapter.title, "notebook", chapter.part, notebook=file)
        reason = _why_not(chapter, settings, data)
        if reason is None and not file.is_file() and wanted is None and name != "summary":
            reason = Text(f"没有笔记本 {file.name}", f"skipped because there is no notebook {file.name}")
        if reason is None:
            run.append(entry)
        else:
            left_out.append(Entry(entry.slug, entry.title, "notebook", entry.part, skipped=reason))
    order = list(CHAPTERS)
    run.sort(key=lambda entry: order.index(name) if (name := _name(entry)) in order else len(order))
    return run, left_out


def _own_chapter(file: Path) -> Chapter | None:
    """The chapter that a notebook says it is; None for one that says nothing, or cannot be read."""
    try:
        said = read_notebook(file).metadata.get(IN_BOOK, {})
    except RunError:
        return None
    if not isinstance(said, dict) or said.get("chapter") is not True:
        return None
    return Chapter(file.stem, _title(file), FURTHER, needs=tuple(map(str, said.get("needs", ()))))


def _name(entry: Entry) -> str:
    return entry.notebook.stem if entry.notebook else entry.slug


def _title(file: Path) -> Text:
    """The heading of a notebook that the project does not know, in both languages."""
    zh, en = (first_heading(file, language) or file.stem for language in ("zh", "en"))
    return Text(zh, en)


def _why_not(chapter: Chapter, settings: Settings, data: Data) -> Text | None:
    lacking = [table for table in chapter.needs if not data.has(table)]
    if lacking:
        return Text(f"缺少数据表 {'、'.join(lacking)}，未运行", f"skipped because {', '.join(lacking)} are missing")
    if chapter.goals and not settings.goals:
        return Text("参数文件未写目标，未运行", "skipped because goals are missing in the parameters file")
    return None


def chosen(settings: Settings) -> Collection[str]:
    """The indicators that a report is about: those it names and those of its goals, or the whole catalogue."""
    named = settings.report.indicators
    return CATALOGUE if named is None else {*named, *(goal.indicator for goal in settings.goals)}


def _indicators(settings: Settings, ready: Mapping[str, Readiness], folder: Path) -> list[Entry]:
    """A page per dimension, and below it one per indicator; goals' indicators always have a page to be linked
    to.
    """
    in_goals = {goal.indicator for goal in settings.goals}
    wanted = chosen(settings)
    entries: list[Entry] = []
    for dimension, name in DIMENSIONS.items():
        below = []
        for item in CATALOGUE.values():
            if item.dimension != dimension or item.id not in wanted:
                continue
            why = ready[item.id].why
            file = folder / f"{INDICATOR}.ipynb"
            if why is None:
                below.append(Entry(item.id, item.name, "notebook", INDICATORS, dimension, file, item.id, dimension))
            elif item.id in in_goals:
                skipped = Text(why.zh, f"skipped: {why.en}")
                below.append(
                    Entry(item.id, item.name, "generated", INDICATORS, dimension, None, item.id, dimension, skipped)
                )
        if below:
            entries += [Entry(dimension, name, "generated", INDICATORS, dimension=dimension), *below]
    return entries


def _notebook_problems(entries: tuple[Entry, ...], folder: Path) -> list[Problem]:
    """What is wrong with the notebooks that will be run; each is looked at once."""
    given = {e.notebook: tuple(_own_parameters(e)) for e in entries if e.notebook is not None}
    problems = []
    for file, more in given.items():
        if file.is_file():
            problems += check_notebook(file, parameters=("report", "language", *more), languages=LANGUAGES)
        else:
            there = sorted(path.name for path in folder.glob("*.ipynb"))
            problems.append(
                Problem(file.name, f"there is no such notebook in {folder.name}/. {nearest(file.name, there)}")
            )
    return problems
