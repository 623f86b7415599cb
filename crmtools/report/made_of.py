"""Marks of what stands between the data and a book: the code, the libraries, the files of a folder."""

import hashlib
import json
import platform
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import crmtools

LIBRARIES = (
    "duckdb", "ibis-framework", "pandas", "numpy", "scipy", "statsmodels", "pyarrow", "matplotlib", "seaborn",
    "lifetimes", "papermill", "ipykernel", "jupyter-book", "sphinx",
)  # fmt: skip
"""The libraries that numbers and pages depend on."""

OF_BOOKS = (
    "sphinx-book-theme", "pydata-sphinx-theme", "myst-nb", "myst-parser", "sphinx-design", "sphinx-togglebutton", "sphinx-copybutton",
    "sphinx-external-toc", "sphinx-comments", "sphinxcontrib-bibtex", "docutils", "pygments", "jinja2", "latex2mathml", "babel", "nbformat",
    "xlsxwriter",
)  # fmt: skip
"""Those that pages are set with besides: a page that was run stays as it is when they change, a book does not."""


def libraries() -> dict[str, str]:
    """The versions of the libraries that numbers and pages depend on."""
    return {name: _version(name) for name in LIBRARIES}


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return ""


@cache
def libraries_mark() -> str:
    """The versions of the libraries, as one mark."""
    return mark(libraries())


@cache
def press_mark() -> str:
    """The versions of what books are set with, and of Python, as one mark."""
    return mark({name: _version(name) for name in OF_BOOKS}, platform.python_version())


@cache
def package_mark() -> str:
    """The source of the whole package: whatever is computed, shown or written about it."""
    return files_mark(Path(crmtools.__file__).parent)


def files_mark(folder: Path, pattern: str = "**/*") -> str:
    """The names and contents of the files of a folder that match a pattern, byte code aside."""
    files = sorted(path for path in folder.glob(pattern) if path.is_file() and "__pycache__" not in path.parts)
    return mark([[str(path.relative_to(folder)), hashlib.sha256(path.read_bytes()).hexdigest()] for path in files])


def mark(*parts: object) -> str:
    """One mark of plain values and bytes."""
    plain = [part.hex() if isinstance(part, bytes) else part for part in parts]
    return hashlib.sha256(json.dumps(plain, sort_keys=True, default=str).encode()).hexdigest()[:32]
