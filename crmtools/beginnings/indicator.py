"""A new indicator: a declaration with its function at the end of its dimension's file, which is all that an indicator is."""

import ast
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import crmtools
from crmtools.beginnings.names import check_page
from crmtools.beginnings.patterns import FACTS, PATTERNS, Pattern
from crmtools.errors import CRMError, nearest
from crmtools.indicators import DIMENSIONS
from crmtools.report.remarks import ERSATZ, REPLACE
from crmtools.whole_files import write_whole

WIDEST = 120
LONGEST = 120
"""Seconds that the first measurement may take."""
CHECK = (
    "import crmtools as crm; item = crm.CATALOGUE[{name!r}]; found = crm.measure(item, crm.open('tiny'), period='2025-Q4'); "
    "worked = eval(item.worked); assert abs(found.value - worked) < 1e-9, f'{{found.value}} is measured, {{worked}} worked out'; print(found.value)"
)


@dataclass(frozen=True, slots=True)
class Begun:
    """What was written: the file and the line where it begins, and what it says of the tiny company."""

    file: Path
    line: int
    value: str
    measures: str


def begin_indicator(name: str, kind: str, *, dimension: str | None = None, package: Path | None = None) -> Begun:
    """Write a declaration into the file of its dimension and see that it works; the file is as before where it does not.

    ``package`` is the folder of crmtools, by default the one that runs. Raises CRMError.
    """
    if kind not in PATTERNS:
        more = " A model is code of its own: look at indicators/value.py." if kind == "model" else ""
        raise CRMError(f"There is no pattern for kind '{kind}'.{more} {nearest(kind, PATTERNS)}")
    pattern = PATTERNS[kind]
    dimension = dimension or pattern.dimension
    if dimension not in DIMENSIONS:
        raise CRMError(f"There is no dimension '{dimension}'. {nearest(dimension, DIMENSIONS)}")
    package = package or Path(crmtools.__file__).parent
    file = package / "indicators" / f"{dimension}.py"
    before = file.read_bytes()
    source = before.decode("utf-8")
    check_page(name, dict.fromkeys(names_in(source), f"something in {file.name}"))
    written = with_imports(source, _imports(pattern)).rstrip("\n") + "\n\n\n"
    line = written.count("\n") + 1
    written += declaration(name, pattern)
    ast.parse(written)
    write_whole(file, written.encode("utf-8"), again=True)
    try:
        value = _value(name, package)
    except BaseException:
        write_whole(file, before, again=True)
        raise
    return Begun(file, line, value, pattern.measures)


def declaration(name: str, pattern: Pattern) -> str:
    """The text of a declaration: what is to be replaced is marked in both languages."""
    words = name.replace("_", " ")
    return f'''@indicator(
    name=Text("{ERSATZ}：{name} 的名称", "{REPLACE}: name of {words}"),
    meaning=Text("{ERSATZ}：用一句话说明 {name} 的含义。", "{REPLACE}: what {words} says, in one sentence."),
    {pattern.declared}
    caveat=Text("{ERSATZ}：读者须注意之处。", "{REPLACE}: what a reader must beware of."), tier="extension",
)  # fmt: skip
{pattern.body % {"name": name}}'''


def _imports(pattern: Pattern) -> dict[str, set[str]]:
    """Module → names that a declaration needs; no names for ``import module``."""
    needed: dict[str, set[str]] = {
        "ibis.expr.types": {"ir"},
        "crmtools.indicators.catalogue": {"indicator"},
        "crmtools.indicators.kinds": {pattern.kind},
        "crmtools.words": {"Text"},
        FACTS: {"Periods"},
    }
    if "ibis." in pattern.body:
        needed["ibis"] = set()
    for module, one in pattern.needs:
        needed.setdefault(module, set()).add(one)
    return needed


def names_in(source: str) -> set[str]:
    """Every name that a module defines or imports."""
    found = set()
    for node in ast.parse(source).body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            found |= {one.asname or one.name.split(".")[0] for one in node.names}
        elif isinstance(node, ast.FunctionDef | ast.ClassDef):
            found.add(node.name)
        elif isinstance(node, ast.Assign | ast.AnnAssign):
            targets = node.targets if isinstance(node, ast.Assign) else [node.target]
            found |= {one.id for target in targets for one in ast.walk(target) if isinstance(one, ast.Name)}
    return found


def with_imports(source: str, needed: dict[str, set[str]]) -> str:
    """A module that imports what is needed besides what it does, in the order that the linter keeps."""
    there = names_in(source)
    lines = source.splitlines(keepends=True)
    imports = [node for node in ast.parse(source).body if isinstance(node, ast.Import | ast.ImportFrom)]
    of = {node.module: node for node in imports if isinstance(node, ast.ImportFrom) and node.module}
    edits: list[tuple[int, int, str]] = []
    new: list[str] = []
    for module, names in needed.items():
        if not names:
            new += [] if module in there else [f"import {module}\n"]
        elif module == "ibis.expr.types":
            new += [] if "ir" in there else ["import ibis.expr.types as ir\n"]
        elif module in of and any(name not in there for name in names):
            node = of[module]
            written = [f"{one.name} as {one.asname}" if one.asname else one.name for one in node.names]
            edits.append((node.lineno - 1, node.end_lineno or node.lineno, _from(module, {*written, *names})))
        elif module not in of:
            new.append(_from(module, names))
    for begin, end, text in sorted(edits, reverse=True):
        lines[begin:end] = [text]
    for text in new:
        lines = _placed(lines, text)
    return "".join(lines)


def _from(module: str, names: set[str]) -> str:
    """An import as the formatter writes it: constants, classes, functions."""
    ordered = sorted(names, key=lambda one: (not one.split()[0].isupper(), not one[0].isupper(), one))
    line = f"from {module} import {', '.join(ordered)}\n"
    if len(line) <= WIDEST + 1:
        return line
    return f"from {module} import (\n" + "".join(f"    {one},\n" for one in ordered) + ")\n"


def _placed(lines: list[str], text: str) -> list[str]:
    """A new import among those of its section, by the name of the module."""
    nodes = [node for node in ast.parse("".join(lines)).body if isinstance(node, ast.Import | ast.ImportFrom)]
    ours = "crmtools" in text
    section = [node for node in nodes if ("crmtools" in ast.unparse(node)) == ours]
    # "import a" stands before "from a import b" in a section
    key = (not text.startswith("import"), text.split()[1])
    for node in section:
        line = ast.unparse(node)
        if (not line.startswith("import"), line.split()[1]) > key:
            return [*lines[: node.lineno - 1], text, *lines[node.lineno - 1 :]]
    if section:
        end = section[-1].end_lineno or section[-1].lineno
        return [*lines[:end], text, *lines[end:]]
    first = nodes[0].lineno - 1 if nodes else 0
    return [*lines[:first], text, "\n", *lines[first:]]


def _value(name: str, package: Path) -> str:
    """What the new indicator says of the tiny company, asked of a new process that loads the package as it is now."""
    try:
        done = subprocess.run(
            [sys.executable, "-c", CHECK.format(name=name)], cwd=package.parent, capture_output=True, text=True, timeout=LONGEST, check=False,
            env={**os.environ, "PYTHONPATH": str(package.parent), "PYTHONUTF8": "1"}, encoding="utf-8",
        )  # fmt: skip
    except subprocess.TimeoutExpired:
        raise CRMError(f"'{name}' was not measured within {LONGEST} seconds and was taken out again.") from None
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["it said nothing"])[-1]
        raise CRMError(f"'{name}' does not work and was taken out again: {last}")
    return done.stdout.strip()
