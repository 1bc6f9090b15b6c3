"""What many tests share: waiting for a condition instead of for a time, and seeing what is left running."""

import os
import subprocess
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")


def eventually(look: Callable[[], T], timeout: float = 60.0, interval: float = 0.1) -> T:
    """Return the first truthy answer of `look`; an AssertionError or a falsy answer is asked again until `timeout`.

    After `timeout` seconds the last AssertionError is raised as it was, so that the test shows what was still wrong.
    """
    deadline = time.monotonic() + timeout
    while True:
        last: AssertionError
        try:
            if answer := look():
                return answer
            last = AssertionError(f"not within {timeout:g} s: {getattr(look, '__name__', look)} gave {answer!r}")
        except AssertionError as wrong:
            last = wrong
        if time.monotonic() > deadline:
            raise last
        time.sleep(interval)


def group_lives(pgid: int) -> bool:
    """Whether a member of the process group runs; where /proc shows them, the dead but not yet buried do not count."""
    processes = list(Path("/proc").glob("[0-9]*/stat"))
    if not processes:
        with suppress(ProcessLookupError):
            os.killpg(pgid, 0)
            return True
    return any(_runs_in(stat, pgid) for stat in processes)


def processes_naming(text: str) -> list[str]:
    """The command lines of running processes that contain `text`."""
    if Path("/proc/self/cmdline").exists():
        lines = [_command_line(path) for path in Path("/proc").glob("[0-9]*/cmdline")]
    else:
        table = subprocess.run(["ps", "-A", "-ww", "-o", "args="], capture_output=True, text=True, check=True)
        lines = table.stdout.splitlines()
    return [line for line in lines if text in line]


def _command_line(path: Path) -> str:
    with suppress(OSError):  # it ended while we looked
        return path.read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return ""


def _runs_in(stat: Path, pgid: int) -> bool:
    with suppress(OSError):  # it ended while we looked
        state, _parent, group = stat.read_text().rpartition(")")[2].split()[:3]
        return int(group) == pgid and state not in "ZX"
    return False
