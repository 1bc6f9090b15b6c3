"""Operators by the dozen: what takes more than a second to import is imported once, each operator is a fork of that.

`python -m tests.integration.images.nursery SOCKET` listens. A connection is an operator: the caller sends a line of
JSON (env: what is added to the environment; log: a file) and gets a line at its end, the exit code (128 + n for signal
n). Hanging up ends the operator with SIGTERM. `Fork` is the caller's side.
"""

from __future__ import annotations

import json
import os
import selectors
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import NoReturn

from tests.integration.images import crash_operator
from tests.support import eventually

from sandbox_kit.process import Process

_LIMIT = 30.0


class Fork:
    """One operator; see ``sandbox_kit.process.Process`` for the words."""

    def __init__(self, nursery: Path, environment: Mapping[str, str], log: Path) -> None:
        self._log, self._code = log, b""
        self._line = socket.socket(socket.AF_UNIX)
        self._line.connect(str(nursery))
        self._line.sendall(json.dumps({"env": dict(environment), "log": str(log)}).encode() + b"\n")
        self._line.setblocking(False)

    @property
    def alive(self) -> bool:
        return self.returncode is None

    @property
    def returncode(self) -> int | None:
        if not self._code:
            try:
                self._code = self._line.recv(16)
            except BlockingIOError:
                return None
        return int(self._code)

    def stop(self) -> None:
        """Harmless when it has ended."""
        with self._line:
            if self.alive:
                self._line.shutdown(socket.SHUT_WR)
                eventually(lambda: not self.alive, _LIMIT)

    def tail(self, lines: int = 25) -> str:
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-lines:])


@contextmanager
def nursery() -> Iterator[Path]:
    """The address of one that runs."""
    with tempfile.TemporaryDirectory() as directory:  # a short path, as addresses of such sockets have to be
        address, here = Path(directory) / "door", Path(__file__).parents[3]
        paths = f"{here / 'operator'}:{here / 'hack'}:{here}"
        command = [sys.executable, "-m", __name__, str(address)]
        process = Process(command, Path(directory) / "log", {"PYTHONPATH": paths}, grace=1)
        try:
            eventually(lambda: address.exists() or not process.alive)
            assert process.alive, process.tail()
            yield address
        finally:
            process.stop()


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
            _be_operator(order["env"], order["log"])
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


def _be_operator(environment: Mapping[str, str], log: str) -> NoReturn:
    signal.set_wakeup_fd(-1)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)
    output = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    os.dup2(output, 1)
    os.dup2(output, 2)
    os.environ.update(environment)
    code = 1
    try:
        code = crash_operator.run()
    finally:
        sys.stderr.flush()
        os._exit(code)


if __name__ == "__main__":
    Nursery(Path(sys.argv[1])).run()
