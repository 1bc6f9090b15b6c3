"""The first process of a node: makes its file systems its own, then buries the dead. With it ends all that runs there.

Started as `unshare --mount --pid --fork --kill-child --mount-proc python -I -S init.py DIRECTORY`, inside the
namespaces of `keeper`. DIRECTORY is the node's disk, seen as /run/sandbox: short, as the paths of sockets must be.
"""

import signal
import subprocess
import sys
from pathlib import Path

DISK = "/run/sandbox"
MEMORY_OF_CNI = "/var/lib/cni"
# The kubelet insists on setting these, which are the machine's: it may, on paper.
KNOBS = """
    vm/overcommit_memory vm/panic_on_oom kernel/panic kernel/panic_on_oops
    kernel/keys/root_maxkeys kernel/keys/root_maxbytes
""".split()


def main() -> None:
    """Mount, say so, and stay."""
    directory = sys.argv[1]
    mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
    Path(DISK).mkdir()
    mount("--bind", directory, DISK)
    for place in (MEMORY_OF_CNI, "/var/log"):
        Path(place).mkdir(parents=True, exist_ok=True)
        mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", place)
    for knob in KNOBS:
        own = Path("/run", knob.replace("/", "-"))
        own.write_text(Path("/proc/sys", knob).read_text())
        mount("--bind", str(own), f"/proc/sys/{knob}")
    mount("--make-rshared", "/")
    print("up", flush=True)
    signal.signal(signal.SIGCHLD, signal.SIG_IGN)
    while True:
        signal.pause()


def mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True)


if __name__ == "__main__":
    main()
