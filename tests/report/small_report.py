"""A small report for tests: the tiny company with a few notebooks of a few lines, in a folder of its own."""

import shutil
from pathlib import Path

import nbformat
import yaml
from nbformat.v4 import new_code_cell, new_markdown_cell, new_notebook
from shared_snapshots import share_snapshots

ROOT = Path(__file__).resolve().parents[2]
PARAMETERS = 'report: str = "tiny"  # a parameters file\nlanguage: str = "en"  # en or zh'
EMIT = """
from IPython.display import display
import crmtools as crm
data = crm.open(report)
estimate = crm.measure({indicator}, data)
display({{"application/vnd.crmtools.result+json": estimate.to_dict(), "text/plain": "estimate"}}, raw=True)
display({{"text/html": f"<p>{{estimate.value}}</p>"}}, raw=True)
"""


def write_notebook(folder: Path, name: str, code: str, *, parameters: str = PARAMETERS, title: str = "") -> Path:
    """A notebook with a heading per language, parameters and one cell of code."""
    folder.mkdir(parents=True, exist_ok=True)
    title = title or name.title()
    notebook = new_notebook(
        cells=[
            new_markdown_cell(f"# {title}\n\nIn English.", metadata={"tags": ["en"]}),
            new_markdown_cell(f"# {title} 中文\n\n用中文。", metadata={"tags": ["zh"]}),
            new_code_cell(parameters, metadata={"tags": ["parameters"]}),
            new_code_cell(code.strip()),
        ]
    )
    file = folder / f"{name}.ipynb"
    nbformat.write(notebook, file)
    return file


def write_notebooks(folder: Path, *, indicator: str = EMIT, summary: str = "print('all is well')") -> Path:
    """The summary, the indicator template and the goals."""
    write_notebook(folder, "summary", summary)
    write_notebook(folder, "goals", "print(report[-4:])")
    write_notebook(
        folder,
        "indicator",
        indicator.format(indicator="indicator") if indicator is EMIT else indicator,
        parameters=PARAMETERS + '\nindicator: str = "nps"  # an id',
        title="{{ indicator.name }}",
    )
    return folder


def write_report(
    folder: Path,
    *,
    own: bool = False,
    indicators: tuple[str, ...] = ("nps",),
    name: str = "small",
    languages: tuple[str, ...] = ("en", "zh"),
    **changes: object,
) -> Path:
    """A parameters file over a copy of the tiny data; ``changes`` replace whole parts of it.

    One of the ``languages`` is enough where a book is only built to be there: it takes half of the time. Its data are its
    ``own`` where it matters that nobody has asked them anything yet.
    """
    if not own:
        share_snapshots(folder)
    settings = yaml.safe_load((ROOT / "parameters" / "tiny.yml").read_text("utf-8"))
    settings["report"] |= {"indicators": list(indicators), "languages": list(languages)}
    settings |= changes
    (folder / "parameters").mkdir(parents=True, exist_ok=True)
    shutil.copytree(ROOT / "data" / "tiny", folder / "data" / "tiny", dirs_exist_ok=True)
    file = folder / "parameters" / f"{name}.yml"
    file.write_text(yaml.safe_dump(settings, allow_unicode=True), encoding="utf-8")
    return file
