"""`make demo`: every sample ends as it should, then it waits, and Ctrl-C puts everything away."""

import os
import re
import signal
import subprocess
import sys
from pathlib import Path

from tests.support import eventually, processes_naming

from sandbox_kit import samples

ROOT = Path(__file__).parent.parent.parent


def test_the_demo_shows_what_it_promises_and_leaves_nothing(tmp_path: Path) -> None:
    path = os.pathsep.join([str(ROOT / "hack"), str(ROOT / "operator")])
    env = {**os.environ, "PYTHONPATH": path, "TMPDIR": str(tmp_path), "PYTHONUNBUFFERED": "1"}
    output = tmp_path / "output"
    with output.open("w") as out:
        demo = subprocess.Popen([sys.executable, "-m", "demo"], env=env, stdout=out, stderr=subprocess.STDOUT)
    try:
        eventually(lambda: "Next, in another terminal" in output.read_text() or demo.poll() is not None, timeout=200)
        assert processes_naming(str(tmp_path / "glance-operator-demo-"))
        demo.send_signal(signal.SIGINT)
        code = demo.wait(60)
    finally:
        demo.kill()
        demo.wait()
    said = output.read_text()
    assert code == 0, said
    for name, state in samples.expected().items():
        _, ready, reason = re.findall(rf"^ *[0-9.]+ s +({name}) +(\w+) +(\w+)", said, re.MULTILINE)[-1]
        assert (ready, reason) == (state["ready"], state.get("reason", "Available")), said
    eventually(lambda: not processes_naming(str(tmp_path / "glance-operator-demo-")), timeout=10)
    assert not list(tmp_path.glob("glance-operator-demo-*")), "its files are gone, too"
