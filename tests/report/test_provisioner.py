"""Kernels that Jupyter's own client starts through the provisioner: the same outputs, the same ends, new code when it changes."""

import os
import signal
import subprocess
import sys
import time
from importlib.metadata import entry_points
from pathlib import Path

import nbclient
import nbformat
import psutil
import pytest
from jupyter_client.manager import KernelManager
from jupyter_client.provisioning import KernelProvisionerFactory, LocalProvisioner
from nbformat.v4 import new_code_cell, new_notebook

from crmtools.report import provisioner, warm

pytestmark = pytest.mark.skipif(not warm.AVAILABLE, reason="kernels are forked on Linux only")
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture(autouse=True)
def chosen(monkeypatch):
    """The provisioner as an installed package offers it, with a warm process of the test's own."""
    monkeypatch.setattr(provisioner, "_SHARED", shared := provisioner._Shared())
    monkeypatch.delenv("CRMTOOLS_ENGINE", raising=False)
    factory = KernelProvisionerFactory.instance()
    monkeypatch.setattr(factory, "default_provisioner_name", provisioner.NAME)
    yield shared
    shared.close()


def run(*cells, **options):
    """Execute cells in a kernel that nbclient starts; the outputs of each."""
    notebook = new_notebook(cells=[new_code_cell(cell) for cell in cells])
    client = nbclient.NotebookClient(notebook, kernel_name="python3", timeout=60, **options)
    client.execute()
    return [cell.outputs for cell in notebook.cells]


def text(outputs):
    return outputs[0].get("text") or outputs[0]["data"]["text/plain"]


def test_the_package_offers_it_under_its_name():
    """Fails after a change of its name or place until the package is installed again (`make` does)."""
    (found,) = entry_points(group="jupyter_client.kernel_provisioners", name=provisioner.NAME)
    assert found.load() is provisioner.ForkedKernel


def test_a_kernel_is_forked_and_has_everything_imported(chosen):
    (parent, loaded) = run("import os; os.getppid()", "import sys; 'crmtools.show' in sys.modules")
    assert int(text(parent)) == chosen._warm._process.pid
    assert text(loaded) == "True"


def test_kernels_share_one_warm_process_and_nothing_else(chosen):
    run("import os; mine = 1; os.environ['MINE'] = '1'")
    first = chosen._warm
    (told,) = run("import os; ('mine' in globals(), os.environ.get('MINE'), 'LEFT' in os.environ)")
    assert chosen._warm is first
    assert text(told) == "(False, None, False)"


def test_a_kernel_has_the_environment_and_the_folder_it_is_given(monkeypatch, tmp_path):
    run("1")  # the warm process is there before the variable is
    monkeypatch.setenv("GIVEN", "later")
    (told,) = run("import os; print(os.environ['GIVEN'], os.getcwd())", resources={"metadata": {"path": str(tmp_path)}})
    assert text(told) == f"later {tmp_path}\n"


def test_a_changed_package_means_a_new_warm_process_and_running_kernels_go_on(chosen, monkeypatch):
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel()
    old = chosen._warm
    monkeypatch.setattr(provisioner, "package_mark", lambda: (0, 1))
    try:
        run("1")
        assert chosen._warm is not old
        assert manager.is_alive(), "the package was changed, its kernel was not"
    finally:
        manager.shutdown_kernel(now=True)
    run("1")
    assert old._process.poll() is not None, "nobody needs it any more"


def test_an_edited_file_changes_the_mark(monkeypatch, tmp_path):
    (tmp_path / "__init__.py").write_text("")
    monkeypatch.setattr(provisioner.crmtools, "__file__", str(tmp_path / "__init__.py"))
    before = provisioner.package_mark()
    os.utime(tmp_path / "__init__.py", ns=(1, before[1] + 1))
    edited = provisioner.package_mark()
    (tmp_path / "more.py").write_text("")
    assert len({before, edited, provisioner.package_mark()}) == 3


def test_interrupt_restart_and_death_are_as_of_any_kernel(tmp_path):
    manager = KernelManager(kernel_name="python3")
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=30)
        pid = manager.provisioner.pid
        asked = client.execute("import time; print('begun', flush=True); time.sleep(60)")
        while client.get_iopub_msg(timeout=30)["msg_type"] != "stream":
            pass
        manager.interrupt_kernel()
        reply = client.get_shell_msg(timeout=20)
        while reply["parent_header"].get("msg_id") != asked:
            reply = client.get_shell_msg(timeout=20)
        assert reply["content"]["ename"] == "KeyboardInterrupt"
        manager.restart_kernel(now=True)
        client.wait_for_ready(timeout=30)
        assert manager.provisioner.pid != pid
        os.kill(manager.provisioner.pid, signal.SIGKILL)
        until = time.monotonic() + 10
        while manager.is_alive():
            assert time.monotonic() < until
            time.sleep(0.02)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


def test_where_it_cannot_be_forked_it_starts_as_usual(chosen, monkeypatch):
    monkeypatch.setattr(warm.Warm, "fork", lambda *_, **__: (_ for _ in ()).throw(OSError("no memory")))
    (told,) = run("import os; os.getppid()")
    assert int(text(told)) == os.getpid()


def test_who_wants_ordinary_kernels_gets_them(chosen, monkeypatch):
    monkeypatch.setenv("CRMTOOLS_ENGINE", "kernel")
    (told,) = run("import os; os.getppid()")
    assert int(text(told)) == os.getpid()
    assert chosen._warm is None


@pytest.mark.parametrize(
    ("command", "ours"),
    [
        (["python3", "-m", "ipykernel_launcher", "-f", "c"], True),
        (["python", "-Xfrozen_modules=off", "-m", "ipykernel_launcher", "-f", "c"], True),
        (["/usr/bin/other-python", "-m", "ipykernel_launcher", "-f", "c"], False),
        (["python3", "-m", "another_kernel", "-f", "c"], False),
        (["python3", "-O", "-m", "ipykernel_launcher", "-f", "c"], False),
    ],
)
def test_only_what_would_be_this_interpreters_kernel_is_forked(command, ours):
    assert provisioner._arguments(command) == (["-f", "c"] if ours else None)


def test_the_warm_process_ends_with_its_owner(tmp_path):
    code = (
        "import os, time\n"
        "from crmtools.report.provisioner import _SHARED\n"
        "w = _SHARED.get(dict(os.environ)); k = w.fork('kernel', ['-f', 'k.json'], environment=dict(os.environ))\n"
        "print(w._process.pid, k.pid, flush=True); time.sleep(60)"
    )
    with subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True, cwd=tmp_path) as owner:
        pids = [int(one) for one in owner.stdout.readline().split()]
        owner.kill()
    until = time.monotonic() + 10
    while any(psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE for pid in pids):
        assert time.monotonic() < until
        time.sleep(0.05)


@pytest.mark.parametrize("name", ["indicator", "rfm"])
def test_forked_and_ordinary_kernels_give_identical_outputs(name, monkeypatch):
    notebook = nbformat.read(ROOT / "notebooks" / f"{name}.ipynb", 4)
    cells = [cell.source.replace('"demo"', '"tiny"') for cell in notebook.cells if cell.cell_type == "code"]
    options = {"resources": {"metadata": {"path": str(ROOT / "notebooks")}}}
    forked = run(*cells, **options)
    monkeypatch.setenv("CRMTOOLS_ENGINE", "kernel")
    usual = run(*cells, **options)
    assert forked == usual
    assert sum(map(len, usual)) > 2


def test_it_is_jupyters_own_provisioner_otherwise():
    assert issubclass(provisioner.ForkedKernel, LocalProvisioner)
