"""The files that install the project say the same thing; make explains itself and refuses politely."""

import os
import re
import shutil
import socket
import stat
import subprocess
import tomllib
from importlib.metadata import PackageNotFoundError, distributions, requires
from pathlib import Path

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
DIRECT = [
    Requirement(text)
    for text in PROJECT["dependencies"] + [r for extra in PROJECT["optional-dependencies"].values() for r in extra]
]
LOCK_LINES = [
    line for line in (ROOT / "requirements.lock").read_text("utf-8").splitlines() if line and not line.startswith("#")
]
LOCKED = {
    canonicalize_name(name): version
    for name, version in (re.split("==| ;", line)[:2] for line in LOCK_LINES if "==" in line)
}
ENVIRONMENT = yaml.safe_load((ROOT / "environment.yml").read_text("utf-8"))


@pytest.mark.parametrize("requirement", DIRECT, ids=lambda r: r.name)
def test_locked_version_is_one_that_pyproject_allows(requirement):
    locked = LOCKED.get(canonicalize_name(requirement.name))
    assert locked, f"{requirement.name} is not in requirements.lock: run `make lock`"
    assert locked in requirement.specifier, f"{requirement} does not allow the locked {locked}: run `make lock`"


def test_lock_holds_exact_versions_and_nothing_else():
    """No index address, path, editable line or hash: the reader's pip decides where files come from."""
    shape = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*==[A-Za-z0-9.+!]+( ; [a-z_]+ [=!<>]+ \"[^\"]+\")?")
    assert [line for line in LOCK_LINES if not shape.fullmatch(line)] == []
    assert "://" not in (ROOT / "requirements.lock").read_text("utf-8")
    assert sorted(LOCK_LINES, key=str.upper) == LOCK_LINES
    assert len(LOCKED) == len(LOCK_LINES), "a package is locked twice"


def test_lock_holds_what_the_direct_dependencies_bring_along():
    """make installs the lock without pip's resolver, so it has to be complete."""
    missing, seen = set(), set()
    open_ends = [(canonicalize_name(r.name), frozenset(r.extras)) for r in DIRECT]
    while open_ends:
        name, extras = open_ends.pop()
        if (name, extras) in seen:
            continue
        seen.add((name, extras))
        if name not in LOCKED:
            missing.add(name)
        try:
            needs = [Requirement(text) for text in requires(name) or []]
        except PackageNotFoundError:
            continue
        for need in needs:
            if not need.marker or any(need.marker.evaluate({"extra": e}) for e in ("", *extras)):
                open_ends.append((canonicalize_name(need.name), frozenset(need.extras)))
    assert missing == set()


def test_locked_packages_run_on_the_oldest_python_that_is_allowed():
    """The lock is resolved on one patch release of Python; a package may ask for more than another machine has."""
    oldest = PROJECT["requires-python"].removeprefix(">=") + ".0"
    wants = {
        d.name: d.metadata.get("Requires-Python")
        for d in distributions()
        if LOCKED.get(canonicalize_name(d.name)) == d.version and d.metadata.get("Requires-Python")
    }
    assert {name: bound for name, bound in wants.items() if oldest not in SpecifierSet(bound)} == {}
    assert len(wants) > 100


def test_conda_environment_installs_the_lock():
    """environment.yml repeats no version: it names the lock. A pin that is added has to equal it."""
    pip_lines = next(part["pip"] for part in ENVIRONMENT["dependencies"] if isinstance(part, dict))
    assert "-r requirements.lock" in pip_lines
    conda = {
        canonicalize_name(name): version
        for name, _, version in (p.partition("=") for p in ENVIRONMENT["dependencies"] if isinstance(p, str))
    }
    assert SpecifierSet(PROJECT["requires-python"]).contains(conda.pop("python"))
    assert conda.pop("pip") == ""
    pins = conda | {
        canonicalize_name(r.name): str(r.specifier).removeprefix("==")
        for r in (Requirement(line) for line in pip_lines if not line.startswith("-"))
    }
    assert pins == {name: LOCKED[name] for name in pins}


def test_version_is_written_once_and_is_the_package_s():
    import crmtools

    assert "version" in PROJECT["dynamic"]
    assert re.fullmatch(r"\d+\.\d+\.\d+", crmtools.__version__)


# make

needs_make = pytest.mark.skipif(shutil.which("make") is None, reason="make is not installed")


def make(*arguments: str, folder: Path = ROOT, **environment: str) -> subprocess.CompletedProcess[str]:
    """`make` as from a fresh shell: nothing of the make that may have started these tests."""
    outer = {name: value for name, value in os.environ.items() if not name.startswith(("MAKE", "MFLAGS", "PYTHON"))}
    return subprocess.run(
        ["make", *arguments], cwd=folder, env=outer | environment, capture_output=True, text=True, timeout=60
    )


def tool(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text("#!/bin/sh\n" + script)
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


@needs_make
def test_make_alone_lists_every_target():
    text = (ROOT / "Makefile").read_text("utf-8")
    phony = set(re.search(r"^\.PHONY: (.*)", text, re.MULTILINE)[1].split())
    listed = re.findall(r"^make ([a-z-]+) +\S", make().stdout, re.MULTILINE)
    assert set(listed) == phony - {"help", "again"}
    assert {"report", "test", "test-all", "check", "lab", "bench", "lock", "clean"} <= set(listed)


@needs_make
@pytest.mark.parametrize(
    ("python", "reason"),
    [("echo 'it is Python 3.9' >&2; exit 1", "it is Python 3.9"), ("exec /no/such/python", "not found")],
    ids=["too old", "broken"],
)
def test_unfit_python_is_one_line_and_nothing_is_made(tmp_path, python, reason):
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    tool(tmp_path, "old-python", python)
    done = make("report", f"PYTHON={tmp_path}/old-python", folder=tmp_path)
    said = [line for line in done.stderr.splitlines() if not line.startswith("make: ***")]
    assert done.returncode != 0
    assert len(said) == 1
    assert "Python 3.11 or newer" in said[0]
    assert reason in said[0]
    assert not (tmp_path / ".venv").exists()


@needs_make
def test_environment_is_made_once_and_again_where_it_has_to_be(tmp_path):
    """First call, second, newer lock, interrupted, moved; the Python only writes down what it is asked."""
    home = tmp_path / "first place"
    home.mkdir()
    for name in ("Makefile", "requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, home)
    tool(tmp_path, "python", f'echo "$@" >>{tmp_path}/asked\n' + FAKE_PYTHON)

    def asked(folder: Path) -> list[str]:
        (tmp_path / "asked").write_text("")
        done = make("report", f"PYTHON={tmp_path}/python", folder=folder, LOG=str(tmp_path / "asked"))
        assert done.returncode == 0, done.stderr
        words = re.findall("-m venv|-r [a-z./]+|-e [.]|report", (tmp_path / "asked").read_text())
        return sorted(words, key=["-m venv", "-r .venv/part", "-r requirements.lock", "-e .", "report"].index)

    everything = ["-m venv", *4 * ["-r .venv/part"], "-e .", "report"]
    assert asked(home) == everything
    parts = [line for n in range(4) for line in (home / f".venv/part-{n}").read_text().splitlines()]
    assert sorted(parts) == sorted((ROOT / "requirements.lock").read_text().splitlines())
    assert asked(home) == ["report"]
    later = (home / ".venv/.installed").stat().st_mtime + 10
    os.utime(home / "requirements.lock", (later, later))
    assert asked(home) == ["-r requirements.lock", "-e .", "report"]
    os.utime(home / "requirements.lock", (0, 0))
    (home / ".venv/.installed").unlink()
    assert asked(home) == everything
    home.rename(tmp_path / "second place")
    assert asked(tmp_path / "second place") == everything


# Makes a folder with two commands when asked for a virtual environment, and agrees to everything else.
FAKE_PYTHON = """
if [ "$2" = venv ]; then
  mkdir -p "$3/bin"
  for name in python crmtools; do
    printf '#!/bin/sh\\necho "$@" >>"$LOG"\\n' >"$3/bin/$name"
    chmod +x "$3/bin/$name"
  done
fi
"""


# the guard in conftest.py


@pytest.mark.parametrize("host", ["192.0.2.1", "2001:db8::1", "example.org"])
def test_reaching_for_another_machine_fails_the_test(host):
    with pytest.raises(pytest.fail.Exception, match="without a network"):
        socket.create_connection((host, 80), timeout=1)


def test_connecting_to_an_address_is_caught_without_a_look_up():
    with socket.socket() as outgoing, pytest.raises(pytest.fail.Exception, match=re.escape("192.0.2.1")):
        outgoing.connect(("192.0.2.1", 80))


def test_this_machine_may_be_reached():
    with socket.create_server(("127.0.0.1", 0)) as server:
        socket.create_connection(server.getsockname(), timeout=5).close()
        socket.create_connection(("localhost", server.getsockname()[1]), timeout=5).close()
