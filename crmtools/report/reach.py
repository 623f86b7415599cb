"""What the code of a notebook reaches, read from its cells without running them.

What reaches nothing but this package depends on nothing but what a run knows of: its page may be taken from an earlier run. What
moreover changes nothing outside its own names leaves a kernel as it found it: the next page may be run there.
"""

import ast
from functools import cache
from pathlib import Path

from crmtools.report.notebooks import read_notebook

ELSEWHERE_BY = {"open", "exec", "eval", "compile", "__import__", "input", "get_ipython"}
"""Names by which code reaches what this package does not know of."""
CHANGED_BY = {"setattr", "delattr", "globals", "vars", "speak"}
"""Names by which code changes what does not belong to its notebook."""


@cache
def only_ours(notebook: Path) -> bool:
    """Whether the code of a notebook reaches nothing but this package; magics and shell commands may do anything."""
    return (code := _code(notebook)) is not None and not any(map(_reaches_out, code))


@cache
def leaves_no_trace(notebook: Path) -> bool:
    """Whether a notebook, besides, gives names to values and calls functions, but changes no object and declares nothing."""
    return only_ours(notebook) and not any(map(_changes, _code(notebook) or ()))


def _code(notebook: Path) -> list[ast.AST] | None:
    """All that the cells of a notebook consist of; None where one of them is no Python."""
    cells = [cell.source for cell in read_notebook(notebook).cells if cell.cell_type == "code"]
    try:
        return [node for source in cells for node in ast.walk(ast.parse(source))]
    except SyntaxError:
        return None


def _reaches_out(node: ast.AST) -> bool:
    if isinstance(node, ast.Import):
        names = [name.name for name in node.names]
    elif isinstance(node, ast.ImportFrom):
        names = [node.module or ""]
    elif isinstance(node, ast.Name) and node.id in ELSEWHERE_BY:
        names = [node.id]
    else:
        return False
    return any(name.split(".")[0] != "crmtools" for name in names)


def _changes(node: ast.AST) -> bool:
    if isinstance(node, (ast.Attribute, ast.Subscript)):
        return not isinstance(node.ctx, ast.Load) or getattr(node, "attr", "") in CHANGED_BY
    if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)):
        return bool(node.decorator_list)
    return isinstance(node, ast.Name) and node.id in CHANGED_BY
