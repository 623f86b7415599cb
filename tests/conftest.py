"""What every test runs under: no network, fixed seeds, figures without a screen."""

import contextlib
import ipaddress
import os
import socket
import sys
import zlib
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import matplotlib as mpl
import numpy as np
import pytest
from shared_snapshots import SHARED

from crmtools.report.warm import Warm

ROOT = Path(__file__).resolve().parent.parent

# The same examples in every run; no deadline, because two cores shared by several workers are slow at times.
hypothesis.settings.register_profile("repeatable", derandomize=True, deadline=None)
hypothesis.settings.load_profile("repeatable")


LONGEST_FIRST = (
    "test_end_to_end.py", "test_killed_runs.py", "test_recomputed.py", "test_catalogue.py", "test_invariance.py", "test_chapters.py", "test_run.py",
    "test_sums.py", "test_failed_run.py", "test_reading.py", "test_privacy.py", "test_source.py", "test_reading_pages.py",
    "test_true_states.py", "test_refused_runs.py", "test_equal_books.py", "test_killed_steps.py",
)  # fmt: skip
"""Files that one worker is busy with for a minute or more: begun last, they would leave the other one idle."""


PARTS = 8
"""The quick suite checks a property on one indicator in so many, another one for each property; the slow one on all."""


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Leave to the slow suite what the quick one does not take its turn on, and begin with what takes longest."""
    turns: dict[str, int] = {}
    for item in items:
        if item.get_closest_marker("in_turns"):
            function = item.nodeid.partition("[")[0]
            start = zlib.crc32(function.encode()) % PARTS
            turn = turns[function] = turns.get(function, start) + 1
            if turn % PARTS:
                item.add_marker(pytest.mark.slow)
    place = {name: number for number, name in enumerate(LONGEST_FIRST)}
    items.sort(key=lambda item: place.get(item.path.name, len(place)))


@pytest.fixture(scope="session")
def project_root() -> Path:
    """The folder that holds crmtools/, notebooks/, parameters/ and book/."""
    return ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Public data sets beside the project on the developers' machines; tests with them skip elsewhere."""
    folder = ROOT.parent / "shared" / "data"
    if not folder.is_dir():
        pytest.skip("the folder ../shared/data is not here")
    return folder


@pytest.fixture
def rng() -> np.random.Generator:
    """A generator of random numbers that starts at the same place in every test."""
    return np.random.default_rng(20260101)


@pytest.fixture(autouse=True)
def _fixed_seed() -> None:
    """scipy and statsmodels draw from numpy's old global state where they are given no generator."""
    np.random.seed(20260101)  # noqa: NPY002


@pytest.fixture(autouse=True, scope="session")
def _shared_snapshots(tmp_path_factory: pytest.TempPathFactory) -> None:
    """One folder of snapshots for the small reports of all workers."""
    home = tmp_path_factory.getbasetemp()
    place = (home.parent if os.environ.get("PYTEST_XDIST_WORKER") else home) / "snapshots"
    place.mkdir(exist_ok=True)
    os.environ[SHARED] = str(place)


@pytest.fixture(autouse=True, scope="session")
def _one_warm_process() -> Iterator[None]:
    """The runs of a worker fork their kernels from one process, started with the first of them: to import everything takes seconds."""
    from crmtools.commands import report
    from crmtools.report import run, warm

    started: list[Warm | None] = []
    with contextlib.ExitStack() as end, pytest.MonkeyPatch.context() as patch:

        @contextlib.contextmanager
        def shared() -> Iterator[Warm | None]:
            if not started or (started[0] is not None and started[0].given_up):
                started[:] = [end.enter_context(warm.warm_process())]
            yield started[0]

        for asker in (report, run):
            patch.setattr(asker, "warm_process", shared)
        yield


@pytest.fixture(scope="module")
def light_book() -> Iterator[None]:
    """For runs whose book is only there to be published: a few lines per page instead of what Sphinx makes."""
    from light_books import STANDING_IN

    from crmtools.report import making

    with pytest.MonkeyPatch.context() as patch:
        for name, light in STANDING_IN.items():
            patch.setattr(making, name, light)
        yield


@pytest.fixture(autouse=True, scope="session")
def _figures_without_screen() -> None:
    """Not by MPLBACKEND: notebooks that a test runs would inherit it, and their figures would vanish."""
    mpl.use("Agg")


@pytest.fixture(autouse=True)
def _figures_closed() -> Iterator[None]:
    yield
    if pyplot := sys.modules.get("matplotlib.pyplot"):
        pyplot.close("all")


def stays_here(host: object) -> bool:
    """Whether a host, as given to connect or getaddrinfo, is this machine."""
    name = host.decode() if isinstance(host, bytes) else host
    if name in (None, "", "localhost"):
        return True
    try:
        return ipaddress.ip_address(str(name).partition("%")[0]).is_loopback
    except ValueError:
        return False


@pytest.fixture(autouse=True, scope="session")
def _no_network() -> Iterator[None]:
    """A test that reaches for another machine fails, even if a library swallows every Exception."""
    connect, connect_ex, getaddrinfo = socket.socket.connect, socket.socket.connect_ex, socket.getaddrinfo

    def check(host: object) -> None:
        if not stays_here(host):
            pytest.fail(f"Tests run without a network, this one asked for {host!r}. Use data it makes or ships.")

    def guarded_connect(self, address):
        if self.family != getattr(socket, "AF_UNIX", None):
            check(address[0])
        return connect(self, address)

    def guarded_connect_ex(self, address):
        if self.family != getattr(socket, "AF_UNIX", None):
            check(address[0])
        return connect_ex(self, address)

    def guarded_getaddrinfo(host, *args, **kwargs):
        check(host)
        return getaddrinfo(host, *args, **kwargs)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(socket.socket, "connect", guarded_connect)
        patch.setattr(socket.socket, "connect_ex", guarded_connect_ex)
        patch.setattr(socket, "getaddrinfo", guarded_getaddrinfo)
        yield
