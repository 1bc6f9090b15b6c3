"""The first process of a node: makes its file systems its own, then buries the dead. With it ends all that runs there.

Started as `unshare --mount --pid --fork --kill-child --mount-proc python -I -S init.py DIRECTORY GROUP VOLUMES`,
inside the namespaces of `keeper`. DIRECTORY is the node's disk, seen as /run/sandbox: short, as the paths of sockets
must be. GROUP is a cgroup, seen as the root of all: what remains of containers is then in one place. VOLUMES is a
directory that all nodes see.
"""

import signal
import subprocess
import sys
from contextlib import suppress
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
    directory, group, volumes = sys.argv[1:]
    mount("-t", "tmpfs", "-o", "mode=755", "tmpfs", "/run")
    confine(group)
    Path(DISK).mkdir()
    mount("--bind", directory, DISK)
    mount("--bind", volumes, f"{DISK}/volumes")
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


def confine(group: str) -> None:
    """Show each hierarchy of cgroups from `group` on, and not the whole of it beneath: runc would find that."""
    view = Path("/run/cgroup")
    view.mkdir()
    for line in Path("/proc/self/mounts").read_text().splitlines():
        _, place, kind, *_ = line.split()
        if kind in {"cgroup", "cgroup2"}:
            mount("--bind", made(Path(place), group, kind), str(view))
            subprocess.run(["umount", place], check=True)
            mount("--bind", str(view), place)
            subprocess.run(["umount", str(view)], check=True)


def made(whole: Path, group: str, kind: str) -> str:
    """Make the group where all that is in `whole` can be had."""
    ours = whole / group
    ours.mkdir(exist_ok=True)
    for knob in ("cpuset.cpus", "cpuset.mems"):  # in the first version empty, and of no use
        if kind == "cgroup" and (whole / knob).exists():
            (ours / knob).write_text((whole / knob).read_text())
    for controller in (whole / "cgroup.controllers").read_text().split() if kind == "cgroup2" else ():
        with suppress(OSError):
            (whole / "cgroup.subtree_control").write_text(f"+{controller}")
    return str(ours)


def mount(*words: str) -> None:
    subprocess.run(["mount", *words], check=True)


if __name__ == "__main__":
    main()
