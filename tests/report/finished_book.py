"""A small finished book with the real first page of the tiny company, and the results of its run: to plant faults in."""

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import nbformat
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook, new_output

import crmtools as crm
from crmtools import show
from crmtools.estimate import Estimate
from crmtools.goals.values import reading_values
from crmtools.period import Period
from crmtools.report.book import Edition, Page, build_books
from crmtools.report.collected import estimates_in
from crmtools.report.results import Results
from crmtools.show.display import Display
from crmtools.words import Language

ROOT = Path(__file__).resolve().parents[2]
RUN = "20260115T061200-0a1b2c"
CORE = ("csat_mean", "nps", "cac")
TITLES = {"en": "Are we reaching our goals?", "zh": "客户关系目标达成了吗？"}
FAILED = (
    '<div class="crm-failed"><p>The calculation of this page ended with an error.</p>'
    "<p><code>ValueError: row 7</code></p><pre>Traceback (most recent call last):</pre></div>"
)
REGIONS = {"north": 31, "south": 24, "east": 12}


def first_page(data: crm.Data, language: Language) -> list[Display]:
    """What the first page shows, as ``notebooks/summary.ipynb`` asks for it."""
    goals = crm.scorecard(data)
    judged = crm.judgements(goals, data)
    pages = dict.fromkeys(crm.CATALOGUE, "nps.html")
    return [
        show.headline(goals, data, judgements=judged, language=language),
        show.cards(CORE, data, language=language),
        show.scorecard(goals, judgements=judged, language=language, links=pages, pages={}),
        show.drivers(crm.drivers(tuple(goals), data), language=language),
        show.not_computable(data, language=language),
    ]


def results_of(data: crm.Data, shown: list[Display]) -> Results:
    """The results of a run that made this first page; with regions that are large enough to be shown."""
    goals = crm.scorecard(data)
    followed = dict.fromkeys([*CORE, *(one.goal.indicator.id for one in goals)])
    estimates = [
        estimate
        for item in followed
        for estimate in (crm.measure(item, data, period=data.period.year_ago()), *crm.trend(item, data).estimates)
    ]
    told: dict[str, Any] = {}
    for display in shown:
        told |= dict(display.result or {}).get("told", {})
    on_page = tuple(Estimate.from_dict(one) for display in shown for one in estimates_in(display.result))
    readings = tuple(reading_values(*pair) for pair in zip(goals, crm.judgements(goals, data), strict=True))
    plain: tuple[Mapping[str, Any], ...] = tuple(json.loads(json.dumps(one)) for one in readings)
    return Results(
        RUN, "tiny", data.period.id, str(data.as_of), data.currency, (*estimates, *regions()), plain,
        {"index": on_page}, {}, {"index": json.loads(json.dumps(told))},
    )  # fmt: skip


def regions(**sizes: int) -> tuple[Estimate, ...]:
    """A share by region and in total; 0 hides a region."""
    period = Period.parse("2025-Q4")
    total = Estimate("retention_rate", period, date(2025, 12, 31), 0.8, 0.7, 0.9, n=67, rows=67, method="wilson")
    found = [total]
    for name, n in (REGIONS | sizes).items():
        part = replace(total, n=n, group=(("region", name),))
        found.append(part if n else part.hidden())
    return tuple(found)


def write_book(folder: Path, data: crm.Data) -> tuple[Path, Results]:
    """Build the book in both languages: the first page, an indicator with a table and a figure, a page that failed."""
    displays = {language: first_page(data, language) for language in ("en", "zh")}
    editions = [_edition(folder / language, language, shown) for language, shown in displays.items()]
    build_books(folder / "staging", editions=editions, out=folder / "book", log=folder / "log")
    return folder / "book", results_of(data, displays["en"])


def _edition(folder: Path, language: Language, shown: list[Display]) -> Edition:
    folder.mkdir()
    estimate = crm.measure("nps", crm.open("tiny"))
    table = '<table class="crm-table"><tbody><tr><th scope="row">south</th><td>4.6 %</td></tr></tbody></table>'
    figure = '<figure class="crm-figure"><svg role="img" aria-label="NPS"><circle r="2"/></svg></figure>'
    sources = {
        "index": _notebook(folder / "index.ipynb", TITLES[language], [one.to_html() for one in shown]),
        "nps": _notebook(
            folder / "nps.ipynb", "NPS", [show.card(estimate, language=language).to_html(), table, figure]
        ),
        "churn": _notebook(folder / "churn.ipynb", "Churn", [FAILED]),
    }
    pages = tuple(Page(slug, slug, source) for slug, source in sources.items())
    return Edition(language, "Report", pages, meta=(f"Run {RUN}",))


def _notebook(file: Path, title: str, outputs: list[str]) -> Path:
    cells = [new_markdown_cell(f"# {title}", id="title")]
    for number, html in enumerate(outputs):
        shown = [new_output("execute_result", {"text/html": html}, execution_count=1)]
        cell = new_code_cell("x", id=f"cell-{number}", execution_count=1, outputs=shown)
        cell.metadata["tags"] = ["remove-input"]
        cells.append(cell)
    nbformat.write(new_notebook(cells=cells, metadata={"language_info": {"name": "python"}}), file)
    return file
