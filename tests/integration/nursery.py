"""The process that forks operators: `python -m tests.integration.nursery SOCKET` listens, `tests.forks` calls.

A connection is an operator: the caller sends a line of JSON (program: which one; env: what is added to the
environment; log: a file), gets its process id, and at its end the exit code (128 + n for signal n). Hanging up ends
the operator with SIGTERM.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NoReturn

from tests.integration.engine import recorder
from tests.integration.images import crash_operator

from glance_operator.runtime import process as operator

PROGRAMS: Mapping[str, Callable[[], int | None]] = {
    "operator": operator.main,
    "crash_operator": crash_operator.run,
    "recorder": recorder.main,
}


class Nursery:
    """The process that forks; it has no threads."""

    def __init__(self, address: Path) -> None:
        self._children: dict[int, socket.socket] = {}
        self._selector = selectors.DefaultSelector()
        self._door = socket.socket(socket.AF_UNIX)
        self._door.bind(str(address))
        self._door.listen()
        woken, wake = os.pipe()
        os.set_blocking(woken, False)
        os.set_blocking(wake, False)
        signal.set_wakeup_fd(wake)
        signal.signal(signal.SIGCHLD, lambda *_: None)
        self._selector.register(self._door, selectors.EVENT_READ, self._open)
        self._selector.register(woken, selectors.EVENT_READ, lambda: self._bury(woken))

    def run(self) -> NoReturn:
        while True:
            for ready, _ in self._selector.select():
                ready.data()

    def _open(self) -> None:
        line, _ = self._door.accept()
        with line.makefile() as said:
            order = json.loads(said.readline())
        if not (pid := os.fork()):
            _be(order["program"], order["env"], order["log"])
        line.sendall(b"%d\n" % pid)
        self._children[pid] = line
        self._selector.register(line, selectors.EVENT_READ, lambda: self._hung_up(pid, line))

    def _hung_up(self, pid: int, line: socket.socket) -> None:
        self._selector.unregister(line)
        if pid in self._children:
            os.kill(pid, signal.SIGTERM)

    def _bury(self, woken: int) -> None:
        os.read(woken, 4096)
        for pid in list(self._children):
            ended, status = os.waitpid(pid, os.WNOHANG)
            if ended:
                self._told(self._children.pop(pid), os.waitstatus_to_exitcode(status))

    def _told(self, line: socket.socket, code: int) -> None:
        with line:
            if line in self._selector.get_map():
                self._selector.unregister(line)
            line.sendall(b"%d" % (code if code >= 0 else 128 - code))


def _be(program: str, environment: Mapping[str, str], log: str) -> NoReturn:
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.environ.update(environment)
    code = 1
    try:
        code = PROGRAMS[program]() or 0
    finally:
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    Nursery(Path(sys.argv[1])).run()
