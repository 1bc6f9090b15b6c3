"""Runs one program and ends it when the caller goes away, however the caller went.

The caller holds the other end of our standard input. When that closes (a clean stop, a crash, a SIGKILL) the program
gets SIGTERM, then its whole process group SIGKILL. A pipe needs no signal handler and no prctl in the caller, and is
indifferent to which of the caller's threads started us. Each byte read before that is a signal to pass on.

Stand-alone on purpose: it is started with `python -I -S`, so it costs a few milliseconds and imports nothing of ours.

Usage: leash.py GRACE_SECONDS LOG_FILE COMMAND...      (prints the program's pid, exits with its code)
"""

import os
import select
import signal
import subprocess
import sys
from contextlib import suppress

TO_THE_GROUP = {signal.SIGKILL, signal.SIGSTOP, signal.SIGCONT}


def main() -> int:
    """Run the command until it ends or the caller is gone; return its exit code (128 + n for signal n)."""
    grace, log, command = float(sys.argv[1]), sys.argv[2], sys.argv[3:]
    woken = wake_pipe()
    with open(log, "ab") as out:
        child = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, start_new_session=True
        )
    os.write(1, f"{child.pid}\n".encode())
    hold(child, woken)
    end(child, grace)
    return child.returncode if child.returncode >= 0 else 128 - child.returncode


def wake_pipe() -> int:
    """Return a descriptor that becomes readable on SIGCHLD, SIGTERM, SIGINT and SIGHUP."""
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    signal.set_wakeup_fd(writer)
    for signum in (signal.SIGCHLD, signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(signum, lambda *_: None)
    return reader


def hold(child: "subprocess.Popen[bytes]", woken: int) -> None:
    """Return when the child has ended, the caller is gone, or we are told to go ourselves."""
    while child.poll() is None:
        readable, _, _ = select.select([0, woken], [], [])
        if woken in readable and any(signum != signal.SIGCHLD for signum in os.read(woken, 64)):
            return
        if 0 in readable:
            orders = os.read(0, 64)
            if not orders:
                return
            for signum in orders:
                send(child, signum)


def send(child: "subprocess.Popen[bytes]", signum: int) -> None:
    """Signal the program; what no program can handle goes to its whole group, as a container's end would."""
    with suppress(ProcessLookupError):
        if signum in TO_THE_GROUP:
            os.killpg(child.pid, signum)
        else:
            child.send_signal(signum)


def end(child: "subprocess.Popen[bytes]", grace: float) -> None:
    """SIGTERM to the program, SIGKILL to whatever of its group is left after `grace` seconds."""
    child.terminate()
    with suppress(subprocess.TimeoutExpired):
        child.wait(grace)
    send(child, signal.SIGKILL)
    child.wait()


if __name__ == "__main__":
    sys.exit(main())
