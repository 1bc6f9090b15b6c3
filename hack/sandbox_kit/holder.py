"""Keeps a sandbox up in the background for people, one directory and one process for each name.

The lock is the truth: whoever holds it is the sandbox. Only the kernel drops it, when nothing is left of its holder's
memory: who waits for the lock has waited for the process.
"""

import fcntl
import json
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from sandbox_kit.node import cluster
from sandbox_kit.node.sandbox import NodeSandbox
from sandbox_kit.process import NotReadyError, wait_until
from sandbox_kit.sandbox import Addresses, Sandbox, prepare

START_SECONDS = 180
STOP_SECONDS = 60
LOOK_SECONDS = 2  # others lock it, too, for a moment, to see whether it is held


class Holder:
    """The sandbox of one name: `up`, `down`, `addresses` from outside; `hold` is the process in the background."""

    def __init__(self, base: Path, name: str) -> None:
        self.name = name
        self.directory = base / name
        self._lock = base / f"{name}.lock"
        self._state = base / f"{name}.json"
        self.log = base / f"{name}.log"
        base.mkdir(parents=True, exist_ok=True)

    def addresses(self) -> Addresses | None:
        """Where the parts are; None when it is not up."""
        if not self._held() or not self._state.exists():
            return None
        return Addresses(**json.loads(self._state.read_text()))

    def up(self, *parts: str) -> Addresses:
        """Start it in the background and wait until it serves; NotReadyError with the end of its log otherwise.

        parts: `keystone`, `node`.
        """
        holder = None if self._held() else self._spawn(parts)

        def decided() -> bool:
            return self.addresses() is not None or (holder is not None and holder.poll() is not None)

        wait_until(decided, START_SECONDS, f"sandbox {self.name}")
        found = self.addresses()
        if not found:
            raise NotReadyError(f"sandbox {self.name} did not start:\n{self.log.read_text()[-2000:]}")
        return found

    def down(self) -> bool:
        """End it and wait until everything is gone; False when it was not up."""
        if not self._held():
            return False
        with suppress(ProcessLookupError):
            os.kill(int(self._lock.read_text()), signal.SIGTERM)
        wait_until(lambda: not self._held(), STOP_SECONDS, f"the end of sandbox {self.name}")
        return True

    def hold(self, *parts: str) -> None:
        """Be the sandbox until SIGTERM or SIGINT."""
        told = threading.Event()
        for signum in (signal.SIGTERM, signal.SIGINT):
            signal.signal(signum, lambda *_: told.set())
        self._sign(self._take())
        shutil.rmtree(self.directory, ignore_errors=True)
        kind = NodeSandbox if "node" in parts else Sandbox
        with kind(self.directory, with_keystone="keystone" in parts) as sandbox:
            self._publish(sandbox.addresses)
            told.wait()
        self._state.unlink()

    def _take(self) -> int:
        """Return a descriptor of the locked file, never to be closed; NotReadyError when another holds it."""
        lock = os.open(self._lock, os.O_RDWR | os.O_CREAT, 0o644)
        wait_until(lambda: _locked(lock), LOOK_SECONDS, f"the lock of sandbox {self.name}", interval=0.01)
        return lock

    def _spawn(self, parts: Sequence[str]) -> subprocess.Popen[bytes]:
        (cluster.prepare if "node" in parts else prepare)()
        self._state.unlink(missing_ok=True)
        words = [f"--{part}" for part in parts]
        command = [sys.executable, "-m", "sandbox_kit", "hold", "--name", self.name, *words]
        quiet, both = subprocess.DEVNULL, subprocess.STDOUT
        with self.log.open("w") as log:
            return subprocess.Popen(command, stdin=quiet, stdout=log, stderr=both, start_new_session=True)

    def _held(self) -> bool:
        with self._lock.open("a") as lock:
            return not _locked(lock.fileno())

    def _publish(self, addresses: Addresses) -> None:
        scratch = self._state.with_suffix(".new")
        scratch.write_text(addresses.to_json())
        scratch.replace(self._state)

    @staticmethod
    def _sign(lock: int) -> None:
        os.ftruncate(lock, 0)
        os.pwrite(lock, str(os.getpid()).encode(), 0)


def _locked(lock: int) -> bool:
    """Lock it if nobody has."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True
