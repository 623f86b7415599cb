"""Names that are imported when somebody asks for them."""

import pkgutil
import subprocess
import sys
import zipfile
from pathlib import Path
from types import ModuleType

import pytest

import crmtools
from crmtools import show

PACKAGES = pytest.mark.parametrize("package", [crmtools, show], ids=lambda package: package.__name__)


@PACKAGES
def test_every_name_that_is_told_is_there(package):
    missing = [name for name in package.__all__ if name not in dir(package) or getattr(package, name, None) is None]
    assert not missing


@PACKAGES
def test_no_name_is_that_of_a_module_unless_it_is_the_module(package):
    """Importing the module would put it in the name's place: a function could not be called any more."""
    modules = {found.name for found in pkgutil.iter_modules(package.__path__)}
    same = modules & {*package.__all__}
    assert same == {name for name in package.__all__ if isinstance(getattr(package, name), ModuleType)}


@PACKAGES
def test_a_name_stays_what_it_is_when_modules_are_imported_first(package):
    say = (
        f"import importlib, pkgutil\nimport {package.__name__} as package\n"
        "for one in pkgutil.iter_modules(package.__path__):\n"
        "    if one.name != '__main__': importlib.import_module(f'{package.__name__}.{one.name}')\n"
        "print(sorted(name for name in package.__all__ if type(getattr(package, name)).__name__ == 'module'))"
    )
    told = subprocess.run([sys.executable, "-c", say], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == str(
        sorted(name for name in package.__all__ if isinstance(getattr(package, name), ModuleType))
    )


@PACKAGES
def test_a_name_that_is_not_there_is_told(package):
    with pytest.raises(AttributeError, match=f"module '{package.__name__}' has no attribute 'nonsense'"):
        _ = package.nonsense


def test_a_module_can_be_asked_for_as_if_it_had_been_imported():
    say = "import crmtools as crm\nprint(crm.errors.DataError is crm.DataError, crm.tables.__name__, hasattr(crm, 'nonsense'))"
    told = subprocess.run([sys.executable, "-c", say], capture_output=True, text=True, check=True)
    assert told.stdout.split() == ["True", "crmtools.tables", "False"]


def test_a_command_is_there_before_the_libraries_of_its_work():
    """`--help` and errors of usage need none of them, and a report has another process import them meanwhile."""
    say = "import sys, crmtools.cli\nprint({'pandas', 'numpy', 'ibis', 'duckdb', 'scipy', 'pydantic'} & {*sys.modules})"
    told = subprocess.run([sys.executable, "-c", say], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "set()"


def test_the_process_of_a_run_does_without_figures():
    """They take a second to import, and only kernels draw."""
    say = "import sys, crmtools.cli, crmtools.report.making\nprint({'matplotlib', 'scipy.stats'} & {*sys.modules})"
    told = subprocess.run([sys.executable, "-c", say], capture_output=True, text=True, check=True)
    assert told.stdout.strip() == "set()"


def test_a_package_in_an_archive_is_read_as_any(tmp_path):
    """What stands below `if TYPE_CHECKING:` is asked of whoever loaded the package, not of a file."""
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.write(Path(crmtools.__file__).parent / "on_demand.py", "crmtools/on_demand.py")
        archive.writestr("crmtools/__init__.py", "")
        text = "from typing import TYPE_CHECKING\nfrom crmtools.on_demand import on_demand\nif TYPE_CHECKING:\n    from json import loads\n"
        archive.writestr("some/__init__.py", text + "__getattr__, __dir__ = on_demand(__name__)\n")
    say = f"import sys; sys.path.insert(0, {str(tmp_path / 'all.zip')!r})\nimport some\nprint(some.loads('3'), 'loads' in dir(some))"
    told = subprocess.run([sys.executable, "-c", say], capture_output=True, text=True, check=True, cwd=tmp_path)
    assert told.stdout.strip() == "3 True"
