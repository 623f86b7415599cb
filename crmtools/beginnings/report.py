"""A new report: a parameters file that is complete, commented, and valid as it stands."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import crmtools
from crmtools.beginnings.folder import Found, Looked, look_into
from crmtools.beginnings.names import check_name
from crmtools.errors import CRMError, Problem, nearest
from crmtools.estimating import not_computable
from crmtools.indicators import CATALOGUE
from crmtools.measuring import measure
from crmtools.parameters import load
from crmtools.period import MONTHS_IN
from crmtools.report.remarks import ERSATZ, REPLACE
from crmtools.settings import TableSource
from crmtools.tables import TABLES
from crmtools.tables.source import Data
from crmtools.whole_files import write_whole

FIRST_GOALS = (
    "churn_rate", "nps", "repeat_purchase_rate", "first_response_time", "revenue_per_customer", "csat_mean", "complaint_rate",
    "overdue_ratio", "lead_conversion_rate",
)  # fmt: skip
"""Goals to begin with, the first two that the data allow."""
TINY = Path("data") / "tiny"


@dataclass(frozen=True, slots=True)
class Report:
    """What was written, what was looked into, and what the data need before the report can be run."""

    file: Path
    looked: Looked
    problems: tuple[Problem, ...]


def begin_report(name: str, root: Path, *, source: Path | None = None) -> Report:
    """Write ``root/parameters/NAME.yml`` over a folder of exports, by default the tiny company.

    Raises CRMError for a name that is taken and for a folder without tables; nothing is written then.
    """
    file = root / "parameters" / f"{name}.yml"
    taken = {path.stem: path.name for path in (root / "parameters").glob("*.yml")}
    check_name(name, taken)
    looked = look_into(_folder(source, root), root=root)
    text = written(name, looked, root)
    try:
        write_whole(file, text.encode("utf-8"))
    except FileExistsError:  # somebody was faster
        raise CRMError(f"There is a file {file.name} already; nothing was written.") from None
    try:
        load(file)
    except BaseException:
        file.unlink(missing_ok=True)
        raise
    return Report(file, looked, looked.problems)


def _folder(source: Path | None, root: Path) -> Path:
    if source is not None:
        return source
    own = root / TINY
    return own if own.is_dir() else Path(crmtools.__file__).parent.parent / TINY


def _is_made_up(folder: Path, root: Path) -> bool:
    """Whether a folder is the tiny company's: everybody else's customers are people, whatever their folder is called."""
    return folder.resolve() == _folder(None, root).resolve() and (folder / "ANSWERS.md").is_file()


def _last_day(looked: Looked) -> str:
    """What the day of the report is."""
    return "this is the last day of the data" if looked.has_days else "today: no day could be read from the data"


def written(name: str, looked: Looked, root: Path) -> str:
    """The text of the parameters file."""
    title = name.replace("_", " ")
    segments = ", ".join(looked.segments)
    step = looked.period.kind
    return "".join(
        f"{line}\n"
        for line in (
            f"# {REPLACE}: what this report is about. An unknown key is an error that names the nearest known one.",
            f"# `crmtools check {name}` says what is wrong with the file and the data, `crmtools ready {name}` what can be computed.",
            "",
            "report:",
            f"  title: {{en: {_text(f'{REPLACE}: {title}')}, zh: {_text(f'{ERSATZ}：{title}')}}}",
            f"  as_of: {looked.as_of}            # nothing later is looked at; {_last_day(looked)}",
            f"  period: {looked.period.id}              # the last {step} that is over; or 2025-12, 2025-Q4, 2025, {{from: …, to: …}}",
            f"  segments: [{segments}]   # attributes of customers that every indicator is cut by",
            "  # only: {region: north}     # these customers alone, in a book of its own",
            f"  currency: {looked.currency or 'CNY'}"
            + ("" if looked.currency else "                # no column is known to hold one: write your own"),
            "  time_zone: Asia/Shanghai",
            "  trend_length: 12             # periods in the trend on every page",
            "  # languages: [en, zh]        # the editions, the first one opens",
            "  # indicators: [nps, cac]     # by default all that can be computed",
            "  # confidence: 0.95",
            "",
            *_source(looked, root),
            "",
            "# definitions:                 # what words mean in this company; `crmtools indicators NAME` lists the assumptions",
            "#   churn_rate: {grace_days: 14}",
            "",
            *_goals(looked),
            "",
            "lifetime:                      # the last three are also the terms of clv_expected and clv_cac_ratio",
            "  unit: weeks",
            "  # calibration_until: 2025-06-30   # what came later tests the model; about a third of the time",
            "  horizon_months: 12",
            "  annual_discount: 0.10",
            "  # margin: 0.4                # share of the net amount left after the cost of goods; without it 0.4, called assumed",
            "",
            "# rfm:                         # by default cut at the fifths, all purchases counted",
            "#   window_days: 730",
            "",
            "run:",
            "  cell_seconds: 300            # a page that takes longer is ended and says so",
            "  # chapters: [goals, rfm]     # by default all; a notebook of your own is named here, or says itself that it is one",
            "",
            "publish:",
            "  keep: 12                     # editions kept",
            "  smallest_group: 1            # the tiny company is made up; of real people ten, and fewer are never shown"
            if _is_made_up(looked.folder, root)
            else "  smallest_group: 10           # fewer people than this are never shown",
            "",
            "# alerts:                      # what a run should make somebody look at; all forms stand in parameters/demo.yml",
            "#   - {watch: goal}",
            "# sinks:",
            "#   log: {file: runs/alerts.jsonl}",
        )
    )


def _source(looked: Looked, root: Path) -> Iterator[str]:
    """Where the data are, how each table is read, and what could not be told."""
    folder = looked.folder.resolve()
    place = folder.relative_to(root.resolve()).as_posix() if folder.is_relative_to(root.resolve()) else str(folder)
    yield "source:"
    yield f"  folder: {_text(place)}"
    yield f"  # tables found: {', '.join(one.table for one in looked.tables)}"
    for file, reason in looked.others.items():
        yield f"  # not used: {_line(file)}: {_line(reason)}"
    special = [one for one in looked.tables if one.how != TableSource()]
    if special:
        yield "  tables:"
    elif any(guess.column for one in looked.tables for guess in one.guesses.values()):
        yield "  # tables:"
    for one in looked.tables:
        yield from _table(one, commented=not special)
    for problem in looked.problems:
        for line in str(problem).splitlines():
            yield f"  # to be mended: {_line(line)}"


def _table(one: Found, *, commented: bool) -> Iterator[str]:
    """A table as it is read; what its headers may mean, as lines to be uncommented, or that nobody could tell."""
    own = one.how != TableSource()
    if own:
        yield f"    {one.table}:"
        if one.how.file:
            yield f"      file: {_text(one.how.file)}"
        if one.how.encoding != "utf-8":
            yield f"      encoding: {one.how.encoding}   # it is not UTF-8 text; see that names are read rightly"
        if one.how.columns:
            yield "      columns:                 # look whether they mean this"
            yield from (f"        {_text(header)}: {column}" for header, column in one.how.columns.items())
    elif commented and any(guess.column for guess in one.guesses.values()):
        yield f"  #   {one.table}:"
    elif one.unknown or one.lacks:
        yield f"  # {one.table}:" if commented else f"    # {one.table}:"
    # a line to be uncommented must stand where it would stand then
    indent, mark = ("      ", "# ") if own else ("  # ", "    ") if commented else ("    # ", "  ")
    yield from (f"{indent}{mark}{line}" for line in _guessed(one))
    indent = "  " if commented else "      "
    free = [column.name for column in TABLES[one.table].columns if column.name not in one.taken.values()]
    guessed = {guess.column for guess in one.guesses.values()}
    for column in one.lacks:
        if column not in guessed:
            yield f"{indent}# needed and not found: {column}. Write under columns:  your header: {column}"
    for header in one.unknown:
        if header not in one.guesses or not one.guesses[header].column:
            guess = nearest(header, free)
            hint = f"  {guess}" if guess.startswith("Did you mean") else ""
            if header in one.guesses:
                hint = f"  {_line(one.guesses[header].why)}"
            yield f"{indent}# could not be mapped: {_text(header)}{hint}"


def _guessed(one: Found) -> Iterator[str]:
    """What headers may mean by what stands below them."""
    guesses = {header: guess for header, guess in one.guesses.items() if guess.column}
    if not guesses:
        return
    below = "  " if one.how.columns else ""
    if not below:
        yield "columns:                   # take away the # where it is right"
    else:
        yield "  take away the # where it is right:"
    yield from (f"  {_text(header)}: {guess.column}   # {_line(guess.why)}" for header, guess in guesses.items())
    written = {guess.column: guess.written for guess in guesses.values() if guess.written}
    if written:
        yield f"formats: {{{', '.join(f'{column}: {_text(way)}' for column, way in written.items())}}}"


def _goals(looked: Looked) -> Iterator[str]:
    """Two goals that the data allow, each a twentieth better than the period before; or how one is written."""
    yield f"goals:                         # {REPLACE}: your own; `crmtools smart` says whether they can be reached"
    data, made = looked.data, 0
    for name in FIRST_GOALS if data is not None else ():
        if made < 2 and name in CATALOGUE and (lines := _goal(name, looked, data)):  # type: ignore[arg-type]
            made += 1
            yield from lines
    if not made:
        yield "  []"
        yield "# - {indicator: nps, baseline: 10, from: 2025-01-01, by: 2026-06-30, target: {to: 30}}"


def _goal(name: str, looked: Looked, data: Data) -> list[str]:
    """A goal on an indicator; nothing where the data do not allow it."""
    item, period = CATALOGUE[name], looked.period
    if not_computable(item, data) is not None:
        return []
    at = data.at(looked.as_of)
    now, before = (measure(item, at, period=one) for one in (period, period.previous()))
    if now.value is None or not before.value or before.value <= 0:
        return []
    by = period.shift(MONTHS_IN[period.kind] * 2 if period.kind == "quarter" else 6).last_day
    return [
        f"  - indicator: {name}",
        f"    baseline: {period.previous().id}",
        f"    from: {period.start}",
        f"    by: {by}",
        f"    target: {{relative: {'+' if item.better == 'higher' else '-'}5%}}   # or {{to: …}}",
        "    # owner: {department: {en: …, zh: …}}",
    ]


def _text(text: str) -> str:
    """A text as YAML reads it back, whatever it holds."""
    return json.dumps(text, ensure_ascii=False)


def _line(text: str) -> str:
    """A text that stays in its comment."""
    return " ".join(text.split())
