"""The process that finishes an edition and looks it over says what this one would say, and its end is told."""

import contextlib
import os
import signal
import threading
import time

import pytest

from crmtools.errors import RunError
from crmtools.report import warm
from crmtools.report.bindery import Bindery
from crmtools.report.gate import gate
from crmtools.report.warm import Forked, warm_process

PAGE = '<!doctype html><html lang="{tag}"><head><title>T</title></head><body>{body}</body></html>'
WRONG = {
    "index.html": '<a href="#nowhere">x</a><p>Erika Mustermann</p><img src="https://example.org/a.png" alt="a">',
    "en/index.html": '<a href="../zh/index.html#there">x</a><a href="gone.html">x</a><p>Erika Mustermann, n = 3</p>',
    "zh/index.html": '<p id="here">x</p><a href="../en/index.html">x</a><p>a@example.org</p><p>**b**</p><blink>x</blink>',
}


@pytest.fixture(scope="module", params=["forked", "by itself"])
def process(request):
    """A warm process to fork from, where there is such a thing; None for processes that start by themselves."""
    with warm_process() if request.param == "forked" else contextlib.nullcontext() as made:
        if made is None and request.param == "forked":
            pytest.skip("processes are forked on Linux only")
        if made is not None:
            wait_for(made)
        yield made


def wait_for(process):
    until = time.monotonic() + 60
    while not process.ready:
        assert time.monotonic() < until
        time.sleep(0.05)


def is_forked(bench):
    return isinstance(bench._process, Forked)


@pytest.fixture(scope="module")
def benches(process):
    with Bindery("en", process) as english, Bindery("zh", process) as chinese:
        assert is_forked(english) == is_forked(chinese) == (process is not None)
        yield {"en": english, "zh": chinese}


@pytest.fixture
def book(tmp_path):
    for place, body in WRONG.items():
        file = tmp_path / place
        file.parent.mkdir(exist_ok=True)
        file.write_text(PAGE.format(tag="zh-CN" if place.startswith("zh") else "en", body=body), encoding="utf8")
    (tmp_path / "zh" / "table.csv").write_text("name,value\n=1+1,/home/me/x\n", encoding="utf8")
    return tmp_path


@pytest.mark.parametrize("missing", ["", "en/index.html", "zh/index.html", "index.html"])
@pytest.mark.parametrize("machine", [None, ("/home/me",)])
def test_two_processes_find_what_one_finds(book, benches, missing, machine):
    if missing:
        (book / missing).unlink()
    asked = {"forbidden": {"Erika Mustermann"}, "smallest": 10, "machine": machine, "secrets": {"a long secret"}}
    found = gate(book, **asked)
    assert gate(book, **asked, benches=benches) == found
    assert gate(book, **asked, benches={"zh": benches["zh"]}) == found
    assert len(found) >= 8
    said = "\n".join(map(str, found))
    assert "'Erika Mustermann'" in said
    assert "a place that does not exist" in said or "index.html" in missing


def test_an_error_there_is_an_error_here(benches, tmp_path):
    static = tmp_path / "_static"
    static.mkdir()
    (static / "crmtools.css").write_text("", encoding="utf8")
    (tmp_path / "index.html").write_text('<i class="fa-solid fa-never-drawn"></i>', encoding="utf8")
    with pytest.raises(RunError, match=r"icons that have no drawing: never-drawn"):
        benches["en"].ask("finish", built=str(tmp_path), language="en")
    (tmp_path / "index.html").write_bytes(b"\xff")
    with pytest.raises(RuntimeError, match=r"UnicodeDecodeError.*\(while it finishes the pages, en\)") as caught:
        benches["en"].ask("finish", built=str(tmp_path), language="en")
    assert "in finish" in caught.value.__notes__[0]
    (tmp_path / "index.html").write_text("<p>And it goes on.</p>", encoding="utf8")
    assert benches["en"].ask("finish", built=str(tmp_path), language="en") is None


def test_a_process_that_was_killed_ends_the_gate(book, process):
    said = "ended and said nothing: perhaps" if process else "ended with code -9 and said nothing: it was killed"
    how = rf"looks the pages over \(en\) {said}.*Run the report again"
    with Bindery("en", process) as bench:
        os.kill(bench.pid, signal.SIGKILL)
        with pytest.raises(RunError, match=how):
            gate(book, benches={"en": bench})


def test_an_interrupt_ends_processes_that_are_waited_for(book, process):
    """As Ctrl-C while one of them hangs: the thread that waits for its answer must not be waited for."""
    with Bindery("en", process) as bench:
        assert gate(book, languages=("en",), benches={"en": bench})
        os.kill(bench.pid, signal.SIGSTOP)
        main = threading.main_thread().ident
        sender = threading.Timer(0.5, lambda: signal.pthread_kill(main, signal.SIGINT))
        before = signal.signal(signal.SIGINT, signal.default_int_handler)
        try:
            sender.start()
            with pytest.raises(KeyboardInterrupt):
                gate(book, languages=("en",), benches={"en": bench})
        finally:
            signal.signal(signal.SIGINT, before)


@pytest.fixture
def failing():
    """A warm process of its own, which a test may break."""
    with warm_process() as made:
        if made is None:
            pytest.skip("processes are forked on Linux only")
        wait_for(made)
        yield made


def test_before_the_warm_process_is_ready_a_process_starts_by_itself(book):
    with warm_process() as process, Bindery("en", process) as bench:
        assert not is_forked(bench)
        assert gate(book, languages=("en",), benches={"en": bench}) == gate(book, languages=("en",))


def test_a_warm_process_that_has_failed_is_made_do_without(book, failing):
    os.kill(failing._process.pid, signal.SIGKILL)
    failing._process.wait()
    with Bindery("en", failing) as bench:
        assert failing.given_up
        assert not is_forked(bench)
        assert gate(book, languages=("en",), benches={"en": bench}) == gate(book, languages=("en",))


def test_a_warm_process_that_stands_still_holds_nothing_of_the_one_in_its_place(book, failing, monkeypatch):
    monkeypatch.setattr(warm, "PATIENCE", 0.5)
    failing._socket.settimeout(0.5)
    os.kill(failing._process.pid, signal.SIGSTOP)
    with Bindery("en", failing) as bench:
        assert not is_forked(bench)
        os.kill(bench.pid, signal.SIGKILL)
        with pytest.raises(RunError, match="ended with code -9"):
            gate(book, languages=("en",), benches={"en": bench})


def test_a_forked_process_outlives_the_warm_one(book, failing):
    """The run has what it needs in it; it ends with the run, whose end closes its input."""
    with Bindery("en", failing) as bench:
        assert is_forked(bench)
        os.kill(failing._process.pid, signal.SIGKILL)
        failing._process.wait()
        assert gate(book, languages=("en",), benches={"en": bench}) == gate(book, languages=("en",))
        bench._sent.close()
        assert bench._process.wait(20) == -1
