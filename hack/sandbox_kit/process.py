"""Programs that cannot outlive us: the caller's side of `leash`, and bounded waiting for what they serve."""

import os
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Self

LEASH = Path(__file__).with_name("leash.py")
SHUT_OUT = "address already in use"  # as Go, Python and uWSGI say it
RELOCATIONS = 3


class NotReadyError(RuntimeError):
    """A program ended, or did not serve in time; the message carries the end of its log."""


class ProgramError(RuntimeError):
    """A program that we ran to its end failed; the message carries the end of its output."""


def wait_until(ready: Callable[[], bool], timeout: float, what: str, interval: float = 0.05) -> None:
    """Ask until `ready` says yes; NotReadyError after `timeout` seconds."""
    deadline = time.monotonic() + timeout
    while not ready():
        if time.monotonic() > deadline:
            raise NotReadyError(f"{what}: not within {timeout:g} s")
        time.sleep(interval)


class Process:
    """One program under a leash, its output in a log file."""

    def __init__(
        self, command: Sequence[str | Path], log: Path, env: Mapping[str, str] | None = None, grace: float = 10.0
    ) -> None:
        """Start the command; `env` is added to ours; `grace` is the time in seconds between SIGTERM and SIGKILL."""
        self.log = log
        self._grace = grace
        self._leash = subprocess.Popen(
            [sys.executable, "-I", "-S", str(LEASH), str(grace), str(log), *map(str, command)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env={**os.environ, **(env or {})},
            start_new_session=True,
        )
        assert self._leash.stdin is not None  # noqa: S101
        assert self._leash.stdout is not None  # noqa: S101
        self._orders = self._leash.stdin
        with self._leash.stdout as said:
            first = said.readline()
        if not first:
            self.stop()
            raise NotReadyError(f"cannot run {command[0]}")
        self.pid = int(first)

    @property
    def alive(self) -> bool:
        """Whether the program still runs."""
        return self._leash.poll() is None

    @property
    def returncode(self) -> int | None:
        """The program's exit code (128 + n for signal n), None while it runs."""
        return self._leash.poll()

    def send(self, signum: int) -> None:
        """Pass a signal on; SIGKILL, SIGSTOP and SIGCONT reach the whole process group."""
        with suppress(BrokenPipeError, ValueError):
            self._orders.write(bytes([signum]))
            self._orders.flush()

    def kill(self) -> None:
        """End the whole process group at once, as a lost container would."""
        self.send(signal.SIGKILL)
        self.wait()
        self.stop()

    def stop(self) -> None:
        """SIGTERM, SIGKILL after the grace period; returns when the program is gone. Harmless when repeated."""
        with suppress(BrokenPipeError):
            self._orders.close()
        self.wait()

    def wait(self, timeout: float | None = None) -> int:
        """Wait for the program's end (subprocess.TimeoutExpired after `timeout`, or well after the grace period)."""
        return self._leash.wait(self._grace + 10 if timeout is None else timeout)

    def tail(self, lines: int = 25) -> str:
        """The last lines of its output."""
        text = self.log.read_text(errors="replace") if self.log.exists() else ""
        return "\n".join(text.splitlines()[-lines:])


def run(command: Sequence[str | Path], timeout: float, env: Mapping[str, str] | None = None) -> str:
    """Run a program to its end, leashed as all others, and return its output; ProgramError carries the end of it."""
    with tempfile.TemporaryDirectory() as scratch:
        process = Process(command, Path(scratch) / "log", env, grace=2)
        try:
            code = process.wait(timeout)
        except subprocess.TimeoutExpired:
            raise ProgramError(f"{command[0]}: not done in {timeout:g} s\n{process.tail()}") from None
        finally:
            process.stop()
        if code:
            raise ProgramError(f"{command[0]} ended with code {code}\n{process.tail()}")
        return process.log.read_text(errors="replace")


class Server:
    """A program that serves: subclasses say which `command`, with which `environment`, and how to see it `ready`."""

    timeout = 60.0
    grace = 5.0  # without its etcd an API server never ends by itself

    def __init__(self, name: str, directory: Path) -> None:
        self.name = name
        self.directory = directory
        self._process: Process | None = None
        self._answered = False
        self._relocated = 0
        directory.mkdir(parents=True, exist_ok=True)

    def command(self) -> Sequence[str | Path]:
        """The program and its arguments."""
        raise NotImplementedError

    def environment(self) -> Mapping[str, str]:
        """What is added to our environment."""
        return {}

    def ready(self) -> bool:
        """Whether it answers."""
        raise NotImplementedError

    def relocate(self) -> None:
        """Choose other ports, because a stranger has ours; only asked of who has never answered.

        So an address may be told to others once its server has answered, and not before.
        """

    @property
    def log(self) -> Path:
        """Where its output goes; kept over restarts."""
        return self.directory / f"{self.name}.log"

    @property
    def process(self) -> Process:
        """The running program; NotReadyError when it was not started."""
        if self._process is None:
            raise NotReadyError(f"{self.name} is not started")
        return self._process

    @property
    def pid(self) -> int:
        """The program's process id."""
        return self.process.pid

    def launch(self) -> None:
        """Start without waiting, for those who start several things at once."""
        self._process = Process(self.command(), self.log, self.environment(), self.grace)

    def wait_ready(self) -> None:
        """Wait until it answers; NotReadyError when it ends first or is late."""
        try:
            wait_until(self._ready_or_gone, self.timeout, self.name)
        except NotReadyError as late:
            self.stop()
            raise NotReadyError(f"{late}\n{self.process.tail()}") from None

    def _ready_or_gone(self) -> bool:
        if self.process.alive:
            self._answered |= (ready := self.ready())
            return ready
        if not self._shut_out():
            raise NotReadyError(f"{self.name} ended with code {self.process.returncode}")
        self.stop()
        self._relocated += 1
        self.relocate()
        self.launch()
        return False

    def _shut_out(self) -> bool:
        """Whether it ended for want of a port, and may be given another one."""
        movable = not self._answered and self._relocated < RELOCATIONS
        return movable and SHUT_OUT in self.process.tail().lower()

    def start(self) -> Self:
        """Start it and wait until it answers."""
        self.launch()
        self.wait_ready()
        return self

    def stop(self) -> None:
        """End it gracefully; harmless when it does not run."""
        if self._process:
            self._process.stop()

    def kill(self) -> None:
        """End it and its workers at once."""
        self.process.kill()

    def restart(self) -> None:
        """Stop, start, wait until it answers again on the same address."""
        self.stop()
        self.start()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(self, *_: object) -> None:
        self.stop()
