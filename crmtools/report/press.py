"""Jupyter Book, warm: a process that has imported it and sets single pages of a book, one request after the other.

It is run as a script and imports nothing of crmtools, so that it need not be started again when the package is edited. A request is
a line of JSON on standard input: a ``name`` for it, the ``project`` to build, the ``page`` (a file of it), the ``cache`` for what need not be read
again, the ``log`` for what is said. The answer is a line with that name and the exit code. Every request runs in a process forked from
this one, where the system can: Sphinx keeps global state. What such a process has imported, this one imports after it.
"""

import contextlib
import importlib
import json
import os
import sys
from pathlib import Path
from typing import Any

PRELOADED = (
    "jupyter_book.sphinx", "sphinx.builders.html", "sphinx.environment.adapters.toctree", "myst_nb.sphinx_", "sphinx_book_theme",
    "sphinx_togglebutton", "sphinx_copybutton", "sphinx_comments", "sphinx_external_toc", "sphinx_design", "sphinxcontrib.bibtex",
    "latex2mathml.converter", "babel.dates", "nbformat.v4",
)  # fmt: skip


def main() -> None:
    """Answer requests until standard input ends."""
    sys.modules["rfc3987_syntax"] = None  # type: ignore[assignment]  # as report/book.py does
    for name in PRELOADED:
        importlib.import_module(name)
    for line in sys.stdin:
        request = json.loads(line)
        code, imported = _apart(request)
        sys.stdout.write(f"{request['name']} {code}\n")
        sys.stdout.flush()
        for name in imported:
            with contextlib.suppress(Exception):
                importlib.import_module(name)


def _apart(request: dict[str, str]) -> tuple[int, list[str]]:
    """Set a page in a process of its own: the exit code, and the modules that it needed besides."""
    if not hasattr(os, "fork"):
        return _set_page(request), []
    before, (read, write) = set(sys.modules), os.pipe()
    child = os.fork()
    if child == 0:
        code = 1
        try:
            code = _set_page(request)
            with os.fdopen(write, "w") as out:
                out.write(" ".join(name for name in sys.modules if name not in before and "crmtools" not in name))
        finally:
            os._exit(code)
    os.close(write)
    with os.fdopen(read) as told:
        imported = told.read().split()
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]), imported


def _set_page(request: dict[str, str]) -> int:
    """Build one page of a project; 0 when it is there and nothing is to be complained of."""
    from jupyter_book import sphinx as book

    project, cache = Path(request["project"]), Path(request["cache"])
    streams = sys.stdout, sys.stderr
    with Path(request["log"]).open("w", encoding="utf-8") as log:
        sys.stdout = sys.stderr = log
        book.Sphinx = _one_page(book.Sphinx, cache)
        try:
            ended = book.build_sphinx(
                project,
                cache / "html",
                doctreedir=cache / "doctrees",
                noconfig=True,
                path_config=project / "_config.yml",
                confoverrides={"external_toc_path": str(project / "_toc.yml"), "latex_individualpages": False},
                filenames=[str(project / request["page"])],
                warningiserror=True,
                keep_going=True,
            )
        finally:
            sys.stdout, sys.stderr = streams
    return 0 if ended == 0 else 1


def _one_page(application: Any, cache: Path) -> Any:
    """Sphinx without what a single page does not need: the search index, the pages above it, templates read anew."""
    from jinja2 import FileSystemBytecodeCache
    from sphinx.builders.html import StandaloneHTMLBuilder

    StandaloneHTMLBuilder.search = False
    templates = cache / "templates"
    templates.mkdir(parents=True, exist_ok=True)

    class OnePage(application):
        def __init__(self, *args: Any, **options: Any) -> None:
            super().__init__(*args, **options)
            self.builder.templates.environment.bytecode_cache = FileSystemBytecodeCache(str(templates))
            write = self.builder.write

            def write_it(*asked: Any) -> None:
                self.env.files_to_rebuild.clear()  # the pages that it stands below
                write(*asked)

            self.builder.write = write_it

    return OnePage


if __name__ == "__main__":
    main()
