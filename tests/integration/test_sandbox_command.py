"""`hack/sandbox`, as people use it: two side by side, and nothing left when they end, however they end."""

import os
import shutil
import signal
import subprocess
import sys
import uuid
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from tests.support import eventually, processes_naming

from sandbox_kit.__main__ import BASE

ROOT = Path(__file__).parent.parent.parent


def sandbox(*words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "sandbox_kit", *words]
    env = {**os.environ, "PYTHONPATH": str(ROOT / "hack")}
    return subprocess.run(command, env=env, capture_output=True, text=True, timeout=240, check=False)


@pytest.fixture
def names() -> Iterator[list[str]]:
    """Two names of sandboxes that nobody else has; both are ended whatever happens."""
    chosen = [f"test-{uuid.uuid4().hex[:8]}" for _ in range(2)]
    yield chosen
    for name in chosen:
        sandbox("down", "--name", name)
        shutil.rmtree(BASE / name, ignore_errors=True)
        for file in BASE.glob(f"{name}.*"):
            file.unlink()


def test_two_side_by_side_of_which_one_ends_and_one_is_killed(names: list[str]) -> None:
    with ThreadPoolExecutor() as pool:
        started = list(pool.map(lambda name: sandbox("up", "--name", name), names))
    assert [done.returncode for done in started] == [0, 0], [done.stderr for done in started]
    for name, done in zip(names, started, strict=True):
        kubeconfig = sandbox("kubeconfig", "--name", name).stdout.strip()
        assert f"export KUBECONFIG={kubeconfig}\n" in done.stdout
        command = next(
            line.split() for line in done.stdout.splitlines() if line.endswith("get images.glance-operator.io -A")
        )
        subprocess.run(command, env={**os.environ, "KUBECONFIG": kubeconfig}, check=True, timeout=30)
        assert len(processes_naming(name)) >= 5
    told, killed = names
    assert sandbox("down", "--name", told).returncode == 0
    assert processes_naming(told) == []
    assert sandbox("status", "--name", told).returncode == 3
    assert sandbox("status", "--name", killed).returncode == 0
    os.kill(int((BASE / f"{killed}.lock").read_text()), signal.SIGKILL)
    eventually(lambda: not processes_naming(killed), timeout=10)
    assert sandbox("status", "--name", killed).returncode == 3
