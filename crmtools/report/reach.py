"""What the code of a notebook reaches, read from its cells without running them.

What reaches nothing but this package depends on nothing but what a run knows of: its page may be taken from an earlier run. What
moreover does nothing but ask and show leaves a kernel as it found it: the next page may be run there.
"""

import ast
from functools import cache
from pathlib import Path

from crmtools.report.notebooks import read_notebook

ELSEWHERE_BY = {"open", "exec", "eval", "compile", "__import__", "input", "get_ipython"}
"""Names by which code reaches what this package does not know of."""
ROOMS = {"cohorts", "lifetime", "rfm", "show"}
"""Parts of this package whose functions are asked by the name of the room."""
LASTING = {"indicator", "speak"}
"""Functions of this package that change more than what they return."""
PLAIN = {
    "abs", "all", "any", "bool", "dict", "dir", "enumerate", "float", "int", "len", "list", "max", "min", "print", "range", "repr",
    "round", "set", "sorted", "str", "sum", "tuple", "zip",
}  # fmt: skip
"""Functions of Python that change nothing."""
ASKED = {"previous", "year_ago", "up_to", "to_dict"}
"""Methods of results that change nothing."""
STATEMENTS = (
    ast.Import,
    ast.ImportFrom,
    ast.Assign,
    ast.AnnAssign,
    ast.Expr,
    ast.If,
    ast.For,
    ast.Pass,
    ast.Break,
    ast.Continue,
)


def only_ours(notebook: Path) -> bool:
    """Whether the code of a notebook reaches nothing but this package; magics and shell commands may do anything."""
    return _only_ours(notebook, *_state(notebook))


def leaves_no_trace(notebook: Path) -> bool:
    """Whether a notebook, besides, does nothing but call functions of this package that ask or show, and give names to answers.

    A method could change what others remember, or the database behind the data: whatever is not known to be harmless counts as
    a trace.
    """
    return _leaves_no_trace(notebook, *_state(notebook))


def _state(notebook: Path) -> tuple[int, int]:
    """By which it is seen that a file was written again."""
    found = notebook.stat()
    return found.st_mtime_ns, found.st_size


@cache
def _only_ours(notebook: Path, *state: int) -> bool:
    return (code := _code(notebook)) is not None and not any(map(_reaches_out, code))


@cache
def _leaves_no_trace(notebook: Path, *state: int) -> bool:
    if not only_ours(notebook) or (code := _code(notebook)) is None:
        return False
    imported = [node for node in code if isinstance(node, (ast.Import, ast.ImportFrom))]
    ours: set[str] = set()
    functions: set[str] = set()
    for node in imported:
        for one in node.names:
            if one.name == "*" or one.name.startswith("_"):
                return False
            name = one.asname or one.name
            if isinstance(node, ast.Import) or (node.module == "crmtools" and one.name in ROOMS):
                ours.add(name)
            elif one.name not in LASTING:
                functions.add(name)
    return not any(_changes(node, ours, functions) for node in code)


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


def _changes(node: ast.AST, ours: set[str], functions: set[str]) -> bool:
    """Whether a piece of code may change more than the names of its notebook."""
    if isinstance(node, (ast.Attribute, ast.Subscript)):
        return not isinstance(node.ctx, ast.Load)
    if isinstance(node, ast.Call):
        return not _harmless(node.func, ours, functions)
    if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
        return node.id in ours | functions | PLAIN
    return isinstance(node, ast.Lambda) or (isinstance(node, ast.stmt) and not isinstance(node, STATEMENTS))


def _harmless(called: ast.expr, ours: set[str], functions: set[str]) -> bool:
    """Whether a call only asks or shows: a function of Python or of this package, or a method that is known."""
    names: list[str] = []
    while isinstance(called, ast.Attribute):
        names.insert(0, called.attr)
        called = called.value
    if not isinstance(called, ast.Name) or any(name.startswith("_") or name in LASTING for name in names):
        return False
    if not names:
        return called.id in functions | PLAIN
    if called.id in ours:
        return len(names) == 1 or (len(names) == 2 and names[0] in ROOMS)
    return called.id not in functions and names[-1] in ASKED
