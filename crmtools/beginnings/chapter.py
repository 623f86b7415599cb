"""A new chapter: a notebook in the style of the house, which runs as it is and says itself that it belongs into the book."""

from pathlib import Path

import nbformat
from nbformat import NotebookNode
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook

from crmtools.beginnings.names import check_page
from crmtools.errors import CRMError
from crmtools.indicators import find
from crmtools.report.plan import IN_BOOK
from crmtools.report.remarks import ERSATZ, REPLACE
from crmtools.whole_files import write_whole
from crmtools.words import Text

ABOUT = "repeat_purchase_rate"
"""What a chapter is about until somebody says it."""


def begin_chapter(name: str, folder: Path, *, about: str = ABOUT) -> Path:
    """Write ``folder/NAME.ipynb``, a chapter about an indicator; raises CRMError for a name that is taken and changes nothing then."""
    item = find(about)
    file = folder / f"{name}.ipynb"
    there = {path.stem: f"the notebook {path.name}" for path in folder.glob("*.ipynb")}
    check_page(name, there)
    needs = [table for table in item.tables if table not in item.optional]
    notebook = new_notebook(
        cells=_cells(name, about),
        metadata={
            "kernelspec": {"display_name": "Python 3", "language": "python", "name": "python3"},
            "language_info": {"name": "python"},
            IN_BOOK: {"chapter": True, "needs": needs},
        },
    )
    try:
        write_whole(file, (nbformat.writes(notebook) + "\n").encode("utf-8"))
    except FileExistsError:  # somebody was faster
        raise CRMError(f"There is a notebook {file.name} already; nothing was written.") from None
    return file


def _cells(name: str, about: str) -> list[NotebookNode]:
    """Question, data and period, answer, figure, table, caveat and next step."""
    cells = [
        *_said(
            Text(
                f"# {ERSATZ}：本章要回答的问题？\n\n数据：{{{{ report.title }}}}，{{{{ report.period }}}}，"
                f"截至 {{{{ report.as_of }}}}。{ERSATZ}：用一句话说明本章看什么。",
                f"# {REPLACE}: the question that this chapter answers?\n\nThe data: {{{{ report.title }}}}, {{{{ report.period }}}}, as of "
                f"{{{{ report.as_of }}}}. {REPLACE}: what the chapter looks at, in one sentence.",
            )
        ),
        _code(
            'report: str = "tiny"  # a parameters file, or its name: tiny, demo, cdnow, …\n'
            'language: str = "en"  # en or zh\n'
            f'about: str = "{about}"  # an id that `crmtools indicators` lists',
            "parameters",
        ),
        _code(
            "import crmtools as crm\nfrom crmtools import show\n\ndata = crm.open(report)\nnow = crm.measure(about, data)\n"
            "trend = crm.trend(about, data)",
            "remove-input",
        ),
        *_said(Text("## 结论", "## The answer")),
        _code(
            "previous = crm.measure(about, data, period=data.period.previous())\n"
            "show.answer(now, previous=previous, language=language)"
        ),
        *_said(
            Text(
                f"## 变化趋势\n\n色带为区间。{ERSATZ}：读者应在图中看到什么。",
                f"## Over time\n\nThe band is the interval. {REPLACE}: what a reader should see in the figure.",
            )
        ),
        _code("show.trend(trend, language=language)"),
        *_said(
            Text(
                f"## 分组比较\n\n样本过少的分组不予公布。{ERSATZ}：读者应在表中看到什么。",
                f"## By segment\n\nGroups too small to be shown are hidden. {REPLACE}: what a reader should see in the table.",
            )
        ),
        _code(
            "parts = [crm.breakdown(about, data, by=attribute) for attribute in crm.splits(about, data)]\n"
            "show.breakdowns(parts, total=now, language=language)"
        ),
        *_said(
            Text(
                f"## 注意与下一步\n\n{ERSATZ}：哪些结论不能由此得出，接下来应做什么。",
                f"## Caveat and next step\n\n{REPLACE}: what must not be concluded from this, and what to do next.",
            )
        ),
    ]
    for number, cell in enumerate(cells):
        cell.id = f"{name.replace('_', '-')}-{number}"[:64]
    return cells


def _said(text: Text) -> list[NotebookNode]:
    """A text in both languages, in cells that stand beside each other."""
    return [
        new_markdown_cell(text.en, metadata={"tags": ["en"]}),
        new_markdown_cell(text.zh, metadata={"tags": ["zh"]}),
    ]


def _code(source: str, *tags: str) -> NotebookNode:
    return new_code_cell(source, metadata={"tags": list(tags)} if tags else {})
