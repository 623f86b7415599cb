"""Whether a report would say anything else than the book that is published: known from files alone, with no data opened.

A book is made of the parameters, the source files, the notebooks, the pages written by hand, the code, the libraries, and what
the history says. Where all of these are as they were, running the report again would give the same book.
"""

import json
from pathlib import Path

from crmtools.report.history import history_mark
from crmtools.report.made_of import files_mark, libraries_mark, mark, package_mark, press_mark
from crmtools.report.marks import marks, source_hashes
from crmtools.settings import Run, Settings
from crmtools.tables.snapshot import fingerprint_of, located


def inputs_of(settings: Settings, *, notebooks: Path, assets: Path) -> str:
    """A mark of all that the book depends on, as far as notebooks reach nothing but this package.

    Raises DataError where source files are not there; a simulated company is made.
    """
    here = located(settings)
    fingerprint, sources = fingerprint_of(here), source_hashes(here)
    edition = marks(here, settings.report.as_of, fingerprint).edition
    said = settings.model_dump_json(
        exclude={"path": True, "run": set(Run.model_fields) - {"chapters"}, "alerts": True, "sinks": True}
    )
    looked_back = history_mark(settings.root, settings.name, besides=edition)
    files = [files_mark(notebooks, "*.ipynb"), files_mark(assets)]
    made_with = [package_mark(), libraries_mark(), press_mark()]
    return mark(said, fingerprint, sources, edition, made_with, files, looked_back)


def same_as(settings: Settings, published: Path, inputs: str) -> Path | None:
    """The folder of the run whose book is published, where it was made of the very same, nothing in it failed and it came to
    its end.
    """
    edition = (published / settings.name).resolve()
    folder = settings.root / "runs" / edition.name
    try:
        record = json.loads((folder / "manifest.json").read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return None
    same = isinstance(record, dict) and record.get("inputs") == inputs and record.get("ended") == "published"
    # the seal is the last that a run does: one killed between publication and seal may not be in the history
    return folder if same and "files" in record and (edition / "index.html").is_file() else None
