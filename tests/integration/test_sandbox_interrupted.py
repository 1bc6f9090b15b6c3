"""A run of tests that is interrupted, or killed, takes its control plane and its Glance with it."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support import eventually, group_lives, processes_naming

from sandbox_kit.process import Process

ROOT = Path(__file__).parent.parent.parent
TEST = """
import threading
from pathlib import Path

def test_something({part}):
    Path({began!r}).touch()
    threading.Event().wait()
"""


@contextmanager
def inner_run(directory: Path) -> Iterator[Process]:
    """Two workers, as `make test` has: one with a control plane, one with a Glance; their tests never end."""
    for part in ("control_plane", "glance"):
        (directory / f"test_{part}.py").write_text(TEST.format(part=part, began=str(directory / f"{part}.began")))
    words = ("-p", "tests.conftest", "--numprocesses=2", "--dist=loadfile", f"--basetemp={directory / 'parts'}")
    env = {"PYTHONPATH": os.pathsep.join(map(str, (ROOT, ROOT / "hack", ROOT / "operator")))}
    process = Process([sys.executable, "-m", "pytest", *words, directory], directory / "output", env, grace=20)
    try:
        yield process
    finally:
        process.kill()


def parts(directory: Path) -> list[str]:
    """The command lines of what runs for it, workers apart."""
    return processes_naming(str(directory / "parts"))


def nothing_left(directory: Path, run: Process) -> bool:
    """Whether neither a part nor a member of the run's process group lives."""
    return not parts(directory) and not group_lives(run.pid)


def test_ctrl_c_in_the_middle_of_the_tests(tmp_path: Path) -> None:
    """A terminal interrupts the whole process group."""
    with inner_run(tmp_path) as run:
        eventually(lambda: len(list(tmp_path.glob("*.began"))) == 2 or not run.alive, timeout=60)
        assert run.alive, run.tail()
        assert len(parts(tmp_path)) >= 8
        os.killpg(run.pid, signal.SIGINT)
        assert run.wait(60) == 2, run.tail()
        eventually(lambda: nothing_left(tmp_path, run), timeout=15)


def test_sigkill_of_pytest_alone_while_the_parts_start(tmp_path: Path) -> None:
    with inner_run(tmp_path) as run:
        begun = ("kube-apiserver", "pyuwsgi")
        eventually(lambda: all(any(name in line for line in parts(tmp_path)) for name in begun), timeout=60)
        os.kill(run.pid, signal.SIGKILL)
        run.wait()
        eventually(lambda: nothing_left(tmp_path, run), timeout=30)
