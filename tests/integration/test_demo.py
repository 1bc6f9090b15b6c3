"""`make demo`: every sample ends as it should, its exit code says so, and however it ends it puts everything away."""

import os
import re
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.support import eventually, group_lives, processes_naming

from sandbox_kit import samples
from sandbox_kit.process import Process

ROOT = Path(__file__).parent.parent.parent


@contextmanager
def demo(directory: Path, *words: str | Path) -> Iterator[Process]:
    """The demo with these arguments, its files in `directory`; nothing of it runs on when it has ended."""
    path = os.pathsep.join([str(ROOT / "hack"), str(ROOT / "operator")])
    env = {"PYTHONPATH": path, "TMPDIR": str(directory), "PYTHONUNBUFFERED": "1"}
    running = Process([sys.executable, "-m", "demo", *words], directory / "output", env)
    try:
        yield running
        assert not running.alive
        eventually(lambda: not parts(directory) and not group_lives(running.pid), timeout=15)
    finally:
        running.kill()


def parts(directory: Path) -> list[str]:
    """The command lines of what the demo has started."""
    return processes_naming(str(directory / "glance-operator-demo-"))


def test_once_every_sample_is_as_promised_it_ends_with_0_and_leaves_nothing(tmp_path: Path) -> None:
    with demo(tmp_path, "--once") as running:
        code = running.wait(200)
    said = running.log.read_text()
    assert code == 0, said
    for name, state in samples.expected().items():
        _, ready, reason = re.findall(rf"^ *[0-9.]+ s +({name}) +(\w+) +(\w+)", said, re.MULTILINE)[-1]
        assert (ready, reason) == (state["ready"], state.get("reason", "Available")), said
    assert not list(tmp_path.glob("glance-operator-demo-*")), "its files are gone, too"


def test_otherwise_it_waits_and_ctrl_c_puts_everything_away(tmp_path: Path) -> None:
    """With its exit code it says, too, that something did not become as promised."""
    wrong = tmp_path / "expected.yaml"
    wrong.write_text('suspended: {ready: "True"}\n')
    with demo(tmp_path, "--seconds=1", f"--expected={wrong}") as running:
        eventually(lambda: "Next, in another terminal" in running.tail(99) or not running.alive, timeout=100)
        assert len(parts(tmp_path)) >= 8, running.tail()
        running.send(signal.SIGINT)
        code = running.wait(60)
    said = running.log.read_text()
    assert code == 1, said
    assert re.search(r"^suspended: ready is (False|not known), not True$", said, re.MULTILINE), said
    assert not list(tmp_path.glob("glance-operator-demo-*")), "its files are gone, too"
