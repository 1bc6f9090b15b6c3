"""Programs under a leash: they end when told, when they must, and when nobody is left to tell them."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from tests.support import eventually, group_lives

from sandbox_kit.process import NotReadyError, Process, ProgramError, Server, run

# A program with a child in its process group, both deaf to SIGTERM.
DEAF = """
import os, signal, time
signal.signal(signal.SIGTERM, signal.SIG_IGN)
os.fork()
print("up", flush=True)
time.sleep(300)
"""
# A program that takes its leave.
POLITE = """
import signal, sys, time
signal.signal(signal.SIGTERM, lambda *_: (print("bye"), sys.exit(3)))
print("up", flush=True)
time.sleep(300)
"""
# A shell that starts us in the background has Ctrl-C ignored, by us and by whom we start.
CALLER = """
import signal, sys
from pathlib import Path
from sandbox_kit.process import Process
signal.signal(signal.SIGINT, signal.default_int_handler)
p = Process([sys.executable, "-c", sys.argv[2]], Path(sys.argv[1]), grace=0.2)
print(p.pid, flush=True)
sys.stdin.read()
"""


def python(tmp_path: Path, code: str, grace: float = 5) -> Process:
    return Process([sys.executable, "-c", code], tmp_path / "log", grace=grace)


def test_stop_lets_a_program_finish(tmp_path: Path) -> None:
    process = python(tmp_path, POLITE)
    eventually(lambda: "up" in process.tail())
    process.stop()
    assert "bye" in process.tail()
    assert process.returncode == 3
    process.stop()


def test_stop_ends_a_deaf_group_after_the_grace_period(tmp_path: Path) -> None:
    process = python(tmp_path, DEAF, grace=0.5)
    eventually(lambda: process.tail().count("up") == 2)
    process.stop()
    eventually(lambda: not group_lives(process.pid), timeout=2)


def test_kill_ends_the_whole_group(tmp_path: Path) -> None:
    process = python(tmp_path, DEAF)
    eventually(lambda: process.tail().count("up") == 2)
    process.kill()
    assert not process.alive
    assert process.returncode == 128 + signal.SIGKILL
    eventually(lambda: not group_lives(process.pid), timeout=2)


def test_a_program_pauses_and_goes_on(tmp_path: Path) -> None:
    process = python(tmp_path, "import time\nwhile True: print('tick', flush=True); time.sleep(0.02)")
    stat = Path(f"/proc/{process.pid}/stat")
    eventually(lambda: "tick" in process.tail())
    process.send(signal.SIGSTOP)
    if stat.exists():
        eventually(lambda: stat.read_text().split()[2] == "T")
        process.send(signal.SIGCONT)
        eventually(lambda: stat.read_text().split()[2] != "T")
    process.stop()


@pytest.mark.parametrize("end", [signal.SIGKILL, signal.SIGTERM, signal.SIGINT])
def test_nothing_outlives_a_caller(tmp_path: Path, end: signal.Signals) -> None:
    command = [sys.executable, "-c", CALLER, str(tmp_path / "log"), DEAF]
    env = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, env=env
    ) as caller:
        assert caller.stdout
        pid = int(caller.stdout.readline())
        eventually(lambda: (tmp_path / "log").read_text().count("up") == 2)
        caller.send_signal(end)
        caller.wait(10)
        eventually(lambda: not group_lives(pid), timeout=10)


def test_a_program_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(NotReadyError, match="cannot run"):
        Process([tmp_path / "nothing"], tmp_path / "log")


def test_a_program_run_to_its_end(tmp_path: Path) -> None:
    assert run([sys.executable, "-c", "print('done')"], 10) == "done\n"
    with pytest.raises(ProgramError, match=r"(?s)ended with code 5.*the reason"):
        run([sys.executable, "-c", "print('the reason'); raise SystemExit(5)"], 10)
    with pytest.raises(ProgramError, match=r"not done in 0\.2 s"):
        run([sys.executable, "-c", "import time; time.sleep(60)"], 0.2)


class Quitter(Server):
    """Ends before it serves."""

    def command(self) -> list[str]:
        return [sys.executable, "-c", "print('the reason'); raise SystemExit(7)"]

    def ready(self) -> bool:
        return False


class Sleeper(Quitter):
    """Never serves."""

    timeout = 0.3

    def command(self) -> list[str]:
        return [sys.executable, "-c", "import time; time.sleep(300)"]


def test_a_server_that_ends_says_why(tmp_path: Path) -> None:
    with pytest.raises(NotReadyError, match=r"(?s)ended with code 7.*the reason"):
        Quitter("quitter", tmp_path).start()


def test_a_server_that_is_late_is_stopped(tmp_path: Path) -> None:
    server = Sleeper("sleeper", tmp_path)
    with pytest.raises(NotReadyError, match=r"not within 0\.3 s"):
        server.start()
    assert not server.process.alive
