"""Publishing: what readers open is always one whole book, whatever happens while a new one arrives."""

import errno
import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from crmtools.errors import RunError
from crmtools.report.publish import editions, publish, recover

FILES = 12


def write_book(folder: Path, stamp: str) -> Path:
    for language in ("en", "zh"):
        (folder / language).mkdir(parents=True)
        for number in range(FILES):
            (folder / language / f"page-{number}.html").write_text(stamp)
        (folder / language / "index.html").write_text(stamp)
    return folder


def shown(root: Path, report: str = "demo") -> str:
    """The stamp of the book that readers see; fails when it is not one whole book."""
    files = sorted((root / report).rglob("*.html"))
    assert len(files) == 2 * (FILES + 1)
    stamps = {path.read_text() for path in files}
    assert len(stamps) == 1
    return stamps.pop()


def put(root: Path, stamp: str, *, run_id: str | None = None, keep: int = 12) -> Path:
    staging = write_book(root.parent / f"staging-{stamp}", stamp)
    return publish(staging, root=root, report="demo", run_id=run_id or stamp, keep=keep)


@pytest.fixture
def root(tmp_path: Path) -> Path:
    folder = tmp_path / "published"
    folder.mkdir()
    return folder


def test_the_report_is_a_relative_link_to_its_newest_edition(root):
    put(root, "a")
    edition = put(root, "b")
    assert shown(root) == "b"
    assert (root / "demo").readlink() == Path(".editions/demo/b")
    assert (root / "demo").resolve() == edition
    assert not (root.parent / "staging-b").exists()
    root.rename(root.with_name("elsewhere"))
    assert shown(root.with_name("elsewhere")) == "b"


def test_reports_do_not_touch_each_other(root):
    put(root, "a")
    publish(write_book(root.parent / "s", "x"), root=root, report="cdnow", run_id="a")
    assert (shown(root), shown(root, "cdnow")) == ("a", "x")


def test_the_last_editions_are_kept_newest_first(root):
    for stamp in "abcd":
        put(root, stamp, keep=3)
    assert [path.name for path in editions(root, report="demo")] == ["d", "c", "b"]
    put(root, "e", keep=1)
    assert [path.name for path in editions(root, report="demo")] == ["e"]
    assert sorted(path.name for path in (root / ".editions" / "demo").iterdir()) == ["e"]


def test_the_address_of_an_edition_holds_as_long_as_it_is_kept(root):
    """Somebody who was sent the link of an edition sees it, also when newer ones have come and the folder has moved."""
    place = put(root, "a").relative_to(root)
    for stamp in "bc":
        put(root, stamp)
    assert (shown(root), shown(root, str(place))) == ("c", "a")
    root.rename(root.with_name("elsewhere"))
    assert shown(root.with_name("elsewhere"), str(place)) == "a"


def test_the_same_run_may_be_published_again(root):
    put(root, "a", run_id="run")
    assert put(root, "b", run_id="run").name == "run-2"
    assert shown(root) == "b"
    assert [path.name for path in editions(root, report="demo")] == ["run-2", "run"]


def test_a_book_that_is_not_whole_or_badly_named_changes_nothing(root):
    put(root, "a")
    (root.parent / "empty").mkdir()
    with pytest.raises(RunError) as caught:
        publish(root.parent / "empty", root=root, report="../demo", run_id=".run", keep=0)
    places = [problem.place for problem in caught.value.problems]
    assert places == ["report '../demo'", "run '.run'", "keep = 0", str(root.parent / "empty")]
    assert shown(root) == "a"


def failing(monkeypatch, name: str, *, at: int, error: type[BaseException] = OSError) -> None:
    """Let the ``at``-th call of a Path method fail, and every call of it before succeed."""
    real, calls = getattr(Path, name), [0]

    def call(self, *arguments, **options):
        calls[0] += 1
        if calls[0] == at:
            raise error(errno.EIO, "planted")
        return real(self, *arguments, **options)

    monkeypatch.setattr(Path, name, call)


@pytest.mark.parametrize(
    ("name", "at", "after"),
    [
        ("symlink_to", 1, "a"),  # the link cannot be made
        ("replace", 1, "a"),  # the link cannot be turned
        ("rename", 2, "b"),  # published; an old edition cannot be removed
    ],
)
@pytest.mark.parametrize("error", [OSError, KeyboardInterrupt])
def test_a_failure_at_any_step_leaves_a_whole_book(root, monkeypatch, name, at, after, error):
    put(root, "0")
    put(root, "a")
    with monkeypatch.context() as patch:
        failing(patch, name, at=at, error=error)
        with pytest.raises((RunError, OSError, KeyboardInterrupt)):
            put(root, "b", keep=1)
    assert shown(root) == after
    put(root, "c", keep=2)
    assert shown(root) == "c"
    assert len(list((root / ".editions" / "demo").iterdir())) == 2


def test_another_disk_is_copied_to_and_half_a_copy_is_never_seen(root, monkeypatch):
    put(root, "a")
    staging = write_book(root.parent / "far", "b")
    real = Path.rename

    def rename(self, target):
        if self == staging:
            raise OSError(errno.EXDEV, "another disk")
        return real(self, target)

    monkeypatch.setattr(Path, "rename", rename)
    with monkeypatch.context() as patch:
        patch.setattr("crmtools.report.publish.shutil.copytree", lambda *_: (_ for _ in ()).throw(OSError("full")))
        with pytest.raises(OSError, match="full"):
            publish(staging, root=root, report="demo", run_id="b")
    assert shown(root) == "a"
    publish(staging, root=root, report="demo", run_id="b")
    assert shown(root) == "b"
    assert not staging.exists()


@pytest.fixture
def no_links(monkeypatch):
    def refuse(self, *_, **__):
        raise OSError(errno.EPERM, "links are not allowed")

    monkeypatch.setattr(Path, "symlink_to", refuse)


def test_without_links_the_folder_itself_is_swapped(root, no_links):
    for stamp in "abc":
        put(root, stamp, keep=2)
        assert shown(root) == stamp
    assert not (root / "demo").is_symlink()
    assert len(editions(root, report="demo")) == 2
    assert editions(root, report="demo")[0] == root / "demo"


def test_without_links_a_failed_swap_is_undone(root, no_links, monkeypatch):
    put(root, "a")
    with monkeypatch.context() as patch:
        failing(patch, "rename", at=3)  # in, old one aside, new one in place
        with pytest.raises(RunError, match="could not be put in place"):
            put(root, "b")
    assert shown(root) == "a"


def test_without_links_a_power_cut_between_two_renames_is_mended(root, no_links, monkeypatch):
    put(root, "a")
    with monkeypatch.context() as patch:
        failing(patch, "rename", at=3, error=KeyboardInterrupt)
        with pytest.raises(KeyboardInterrupt):
            put(root, "b")
    assert not (root / "demo").exists()
    recover(root, report="demo")
    assert shown(root) == "b"  # complete before it was to be put in place


def test_a_folder_published_without_links_becomes_a_link(root):
    write_book(root / "demo", "a")
    (root / ".editions" / "demo").mkdir(parents=True)
    put(root, "b")
    assert (root / "demo").is_symlink()
    assert shown(root) == "b"


ENDLESS = """
import itertools, os, sys
sys.path.insert(0, sys.argv[1])
from pathlib import Path
from crmtools.report.publish import publish

def forever(root):
    for number in itertools.count():
        staging = root.parent / str(number)
        for language in ("en", "zh"):
            (staging / language).mkdir(parents=True)
            for name in (*(f"page-{page}" for page in range(int(sys.argv[2]))), "index"):
                (staging / language / f"{name}.html").write_text(str(number))
        publish(staging, root=root, report="demo", run_id="run", keep=2)
        print(os.getpid(), number, flush=True)

for line in sys.stdin:
    child = os.fork()
    if child == 0:
        forever(Path(line.strip()))
    os.waitpid(child, 0)
    print("dead", flush=True)
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="needs a process to kill")
def test_killed_at_any_moment_readers_see_one_whole_book(tmp_path):
    """Processes that publish without end are killed at random moments."""
    random.seed(20)
    command = [sys.executable, "-c", ENDLESS, str(Path(__file__).parents[2]), str(FILES)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdin is not None
        assert parent.stdout is not None
        for attempt in range(25):
            root = tmp_path / str(attempt) / "published"
            root.mkdir(parents=True)
            print(root, file=parent.stdin, flush=True)
            pid, last = parent.stdout.readline().split()
            time.sleep(random.uniform(0, 0.05))
            os.kill(int(pid), signal.SIGKILL)
            while (said := parent.stdout.readline()) != "dead\n":
                last = said.split()[1]
            assert int(shown(root)) in (int(last), int(last) + 1)
            put(root, "next", run_id="run", keep=2)
            assert shown(root) == "next"
            left = {path.name for path in (root / ".editions" / "demo").iterdir()}
            assert len(left) <= 2
            assert not any(name.startswith(".") for name in left)
        parent.stdin.close()
