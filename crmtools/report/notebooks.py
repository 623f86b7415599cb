"""Notebooks before and after they are run: their parameters, their language, what the book shows of them.

A notebook of this project has one code cell tagged ``parameters`` with literals (``name: type = value  #
help``), Markdown cells tagged ``en`` or ``zh``, and one first-level heading per language. Markdown may name
facts about the page, ``{{ indicator.name }}``; they are filled in before the run, because a heading made by
code never reaches the contents.
"""

import ast
import io
import re
import tokenize
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import nbformat
from nbformat import NotebookNode

from crmtools.errors import Problem, RunError, nearest
from crmtools.words import LANGUAGES, Language

PARAMETERS, INJECTED = "parameters", "injected-parameters"
PLACEHOLDER = re.compile(r"\{\{\s*([\w.]+)\s*\}\}")
HEADING = re.compile(r"^#[ \t]+(.+?)[ \t]*#*$", re.MULTILINE)
FENCE = re.compile(r"^(```|~~~|:::).*?^\1", re.MULTILINE | re.DOTALL)
PUNCTUATION = re.compile(r"([!-/:-@\[-`{-~])")
STAMPS = ("papermill", "execution")
FACTS = (
    "indicator.id", "indicator.name", "indicator.meaning", "indicator.formula", "indicator.source",
    "indicator.dimension", "indicator.caveat", "goal.id", "goal.name", "report.title", "report.period", "report.as_of",
)  # fmt: skip
"""What Markdown may name. Formula, source and id come as they are (they are ours), all else is escaped."""
VERBATIM = {"indicator.id", "indicator.formula", "indicator.source"}


@dataclass(frozen=True, slots=True)
class Parameter:
    """A parameter of a notebook, as its ``parameters`` cell declares it."""

    name: str
    type: str
    default: object
    help: str


def read_notebook(path: Path) -> NotebookNode:
    """A notebook of the current format; raises RunError when the file is none."""
    try:
        return nbformat.reads(path.read_text(encoding="utf-8"), as_version=4)
    except FileNotFoundError:
        raise RunError(f"There is no notebook {path}.") from None
    except (OSError, UnicodeDecodeError, nbformat.reader.NotJSONError, nbformat.ValidationError) as error:
        raise RunError(f"{path.name} is not a notebook: {str(error).splitlines()[0]}") from None


def tags(cell: NotebookNode) -> list[str]:
    """The tags of a cell."""
    return list(cell.metadata.get("tags", []))


def parameters_of(path: Path) -> tuple[Parameter, ...]:
    """The parameters of a notebook, in the order of their cell; raises RunError when the cell is not as it
    must be.
    """
    found, problems = _parameters(read_notebook(path), path.name)
    if problems:
        raise RunError.of(f"The parameters of {path.name} cannot be read", problems)
    return found


def _parameters(notebook: NotebookNode, place: str) -> tuple[tuple[Parameter, ...], list[Problem]]:
    cells = [(n, c) for n, c in enumerate(notebook.cells, 1) if c.cell_type == "code" and PARAMETERS in tags(c)]
    if len(cells) != 1:
        advice = "Tag the first code cell 'parameters'." if not cells else "Keep one."
        return (), [Problem(place, f"{len(cells)} cells are tagged 'parameters', exactly one is needed. {advice}")]
    number, cell = cells[0]
    where = f"{place} · cell {number}"
    try:
        lines = ast.parse(cell.source).body
    except SyntaxError as error:
        return (), [Problem(where, f"is no valid Python: {error.msg}")]
    comments = _comments(cell.source)
    found, problems = [], []
    for line in lines:
        target = (
            line.target
            if isinstance(line, ast.AnnAssign)
            else line.targets[0]
            if isinstance(line, ast.Assign)
            else None
        )
        if not isinstance(target, ast.Name):
            problems.append(Problem(f"{where}, line {line.lineno}", "only 'name: type = value' may stand here."))
            continue
        try:
            value = ast.literal_eval(line.value)
        except (ValueError, TypeError):
            problems.append(
                Problem(f"{where}, line {line.lineno}", f"'{target.id}' must be a literal: text, number, list.")
            )
            continue
        written = ast.unparse(line.annotation) if isinstance(line, ast.AnnAssign) else type(value).__name__
        found.append(Parameter(target.id, written, value, comments.get(line.end_lineno or line.lineno, "")))
    return tuple(found), problems


def _comments(source: str) -> dict[int, str]:
    """Line → the comment behind it."""
    tokens = tokenize.generate_tokens(io.StringIO(source).readline)
    return {t.start[0]: t.string.lstrip("# ").strip() for t in tokens if t.type == tokenize.COMMENT}


def check_notebook(
    path: Path, *, parameters: Collection[str], languages: Sequence[Language] = LANGUAGES
) -> list[Problem]:
    """Everything that keeps a notebook from being run with these parameters and shown in these languages."""
    try:
        notebook = read_notebook(path)
    except RunError as error:
        return [Problem(path.name, str(error))]
    declared, problems = _parameters(notebook, path.name)
    names = [item.name for item in declared]
    if not problems:
        problems += [
            Problem(f"{path.name} · parameters", f"'{name}' is not declared. {nearest(name, names)}")
            for name in parameters
            if name not in names
        ]
    for number, cell in enumerate(notebook.cells, 1):
        place = f"{path.name} · cell {number}"
        if INJECTED in tags(cell):
            problems.append(Problem(place, "is left from an earlier run (injected-parameters). Delete it."))
        if "raises-exception" in tags(cell):
            problems.append(Problem(place, "is tagged raises-exception; a page of a report may not fail on purpose."))
        if cell.cell_type == "markdown":
            problems += [
                Problem(place, f"'{{{{ {name} }}}}' is not known. {nearest(name, FACTS)}")
                for name in PLACEHOLDER.findall(cell.source)
                if name not in FACTS
            ]
    for language in languages:
        headings = _headings(notebook, language)
        if len(headings) != 1:
            found = ", ".join(f"'{text}'" for text in headings) or "none"
            problems.append(
                Problem(f"{path.name} · {language}", f"exactly one first-level heading is needed, found {found}.")
            )
    return problems


def _headings(notebook: NotebookNode, language: Language) -> list[str]:
    texts = (FENCE.sub("", cell.source) for cell in _in_language(notebook, language) if cell.cell_type == "markdown")
    return [heading for text in texts for heading in HEADING.findall(text)]


def first_heading(path: Path, language: Language) -> str:
    """The first-level heading of a notebook in one language; empty when it has none."""
    try:
        return next(iter(_headings(read_notebook(path), language)), "")
    except RunError:
        return ""


def _in_language(notebook: NotebookNode, language: Language) -> Iterator[NotebookNode]:
    others = {*LANGUAGES} - {language}
    return (cell for cell in notebook.cells if not others & {*tags(cell)})


def escape(text: str) -> str:
    """A text as Markdown prints it: every sign that could mean something is escaped, line breaks become
    spaces.
    """
    return PUNCTUATION.sub(r"\\\1", " ".join(text.split()))


def prepare(notebook: NotebookNode, *, language: Language, facts: Mapping[str, str]) -> NotebookNode:
    """A copy ready to be run: one language, facts filled in, no outputs, tags that tell the book what to
    hide.
    """
    ready = nbformat.from_dict({**notebook, "cells": [dict(cell) for cell in _in_language(notebook, language)]})
    ready.nbformat, ready.nbformat_minor = 4, 5
    ready.metadata = NotebookNode(kernelspec={"name": "python3", "display_name": "Python 3", "language": "python"})
    for number, cell in enumerate(ready.cells):
        cell.id = f"cell-{number}"  # drawn at random by editors
        cell.metadata = NotebookNode(cell.metadata)
        if cell.cell_type == "code":
            cell.outputs, cell.execution_count = [], None
            cell.metadata["tags"] = _book_tags(tags(cell))
        elif cell.cell_type == "markdown":
            cell.source = fill(cell.source, facts)
    return ready


def _book_tags(given: list[str]) -> list[str]:
    """The tags of a code cell with what the book hides: parameters altogether, other code behind a click."""
    if PARAMETERS in given or INJECTED in given:
        return [*given, "remove-cell"] if "remove-cell" not in given else given
    if any(tag.startswith(("hide-", "remove-")) and tag.endswith(("input", "cell")) for tag in given):
        return given
    return [*given, "hide-input"]


def fill(text: str, facts: Mapping[str, str]) -> str:
    """The text with its ``{{ placeholders }}`` filled; raises RunError for a name that is not known."""

    def value(match: re.Match[str]) -> str:
        name = match[1]
        if name not in facts:
            raise RunError(f"'{match[0]}' is not known here. {nearest(name, facts)}")
        return facts[name] if name in VERBATIM else escape(facts[name])

    return PLACEHOLDER.sub(value, text)


def for_the_book(executed: NotebookNode, *, hidden: Collection[str] = ()) -> NotebookNode:
    """A copy of an executed notebook as the book shows it: no timestamps, no warnings, nothing only programs
    read.

    ``hidden`` are mime types to leave out.
    """
    shown = nbformat.from_dict(executed)
    shown.metadata = NotebookNode({k: v for k, v in executed.metadata.items() if k in ("kernelspec", "language_info")})
    shown.cells = [cell for cell in shown.cells if "papermill-error-cell-tag" not in tags(cell)]
    for number, cell in enumerate(shown.cells):
        cell.id = f"cell-{number}"
        cell.metadata = NotebookNode({k: v for k, v in cell.metadata.items() if k not in STAMPS})
        if cell.cell_type != "code":
            continue
        cell.metadata["tags"] = _book_tags(tags(cell))
        cell.outputs = [out for out in (_shown(out, hidden) for out in cell.outputs) if out is not None]
    return shown


def _shown(output: NotebookNode, hidden: Collection[str]) -> NotebookNode | None:
    if output.output_type == "stream" and output.name == "stderr":
        return None
    if "data" in output:
        kept = {mime: content for mime, content in output.data.items() if mime not in hidden}
        # a text alone that stood beside a hidden record is the record's own name, nothing for a reader
        if not kept or (len(kept) < len(output.data) and set(kept) == {"text/plain"}):
            return None
        output.data = NotebookNode(kept)
    return output
