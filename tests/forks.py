"""Operators by the dozen: what takes more than a second to import is imported once, each operator is a fork of that.

This is the caller's side of `tests.integration.nursery`; it imports nothing of the operator.
"""

from __future__ import annotations

import json
import os
import socket
import sys
import tempfile
from collections.abc import Mapping
from contextlib import ExitStack, suppress
from functools import cache
from pathlib import Path

from tests.support import eventually

from sandbox_kit.process import Process

ROOT = Path(__file__).parents[1]
_LIMIT = 30.0


_running = ExitStack()


class Fork(Process):
    """One operator, ended however its test ends. program: a name that the nursery knows."""

    def __init__(self, program: str, environment: Mapping[str, str], log: Path) -> None:
        self.log, self._code = log, b""
        log.touch()  # so that it can be read from the first moment
        self._line = socket.socket(socket.AF_UNIX)
        self._line.connect(str(nursery()))
        order = {"program": program, "env": dict(environment), "log": str(log)}
        self._line.sendall(json.dumps(order).encode() + b"\n")
        self.pid = int(self._line.recv(16))
        self._line.setblocking(False)

    @property
    def alive(self) -> bool:
        return self.returncode is None

    @property
    def returncode(self) -> int | None:
        if not self._code:
            try:
                self._code = self._line.recv(16) or b"-1"  # the nursery itself is gone
            except BlockingIOError:
                return None
        return int(self._code)

    def send(self, signum: int) -> None:
        if self.alive:
            with suppress(ProcessLookupError):
                os.kill(self.pid, signum)

    def wait(self, timeout: float | None = None) -> int:
        eventually(lambda: not self.alive, timeout or _LIMIT)
        assert self.returncode is not None
        return self.returncode

    def stop(self) -> None:
        with self._line:
            if self.alive:
                self._line.shutdown(socket.SHUT_WR)
                self.wait()


@cache
def nursery() -> Path:
    """The address of the one that this process has; `end` ends it, and so does our own end."""
    directory = Path(_running.enter_context(tempfile.TemporaryDirectory()))  # addresses of such sockets are short
    paths = os.pathsep.join(str(ROOT / part) for part in ("operator", "hack", ""))
    command = [sys.executable, "-m", "tests.integration.nursery", str(directory / "door")]
    process = Process(command, directory / "log", {"PYTHONPATH": paths}, grace=1)
    _running.callback(process.stop)
    eventually(lambda: (directory / "door").exists() or not process.alive)
    assert process.alive, process.tail()
    return directory / "door"


def end() -> None:
    """The nursery, and with it what it has forked."""
    _running.close()
    nursery.cache_clear()
