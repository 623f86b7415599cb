"""Names of a package that are imported when somebody asks for them: figures, models and what judges goals take seconds to import."""

import ast
import importlib
import inspect
import sys
from collections.abc import Callable


def on_demand(package: str) -> tuple[Callable[[str], object], Callable[[], list[str]]]:
    """The ``__getattr__`` and ``__dir__`` of a package (PEP 562), which import what stands below its ``if TYPE_CHECKING:``.

    There each name has its home, for people, for type checkers and for this. A name must not be that of a module of the package, or
    importing the module would put it in the name's place.
    """
    module = sys.modules[package]
    homes = _homes(inspect.getsource(module))

    def get(name: str) -> object:
        if name not in homes:
            return _module(package, name)
        home = homes[name]
        found = (
            importlib.import_module(f"{home}.{name}")
            if home == package
            else getattr(importlib.import_module(home), name)
        )
        setattr(module, name, found)
        return found

    return get, lambda: sorted({*vars(module), *homes})


def _module(package: str, name: str) -> object:
    """A module of the package, which may be asked for as if it had been imported; raises AttributeError where there is none."""
    try:
        return importlib.import_module(f"{package}.{name}")
    except ModuleNotFoundError as error:
        if error.name != f"{package}.{name}":
            raise
        raise AttributeError(f"module '{package}' has no attribute '{name}'") from None


def _homes(source: str) -> dict[str, str]:
    """Where the names come from that a source imports for type checkers only; those from the package itself are its modules."""
    homes: dict[str, str] = {}
    for step in ast.parse(source).body:
        if isinstance(step, ast.If) and isinstance(step.test, ast.Name) and step.test.id == "TYPE_CHECKING":
            for one in step.body:
                if isinstance(one, ast.ImportFrom) and one.module:
                    homes |= {alias.name: one.module for alias in one.names}
    return homes
