"""Holds a cluster's namespaces of network and mounts, and takes its cgroups away when the caller is gone.

Started as `unshare --net --mount python -I -S keeper.py RESOLV_CONF`: stand-alone like `leash`, under which it
runs. The kernel ends namespaces with the last process in them; empty cgroups it would leave.
"""

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

CGROUPS = Path("/sys/fs/cgroup")
MEMORY_OF_CNI = Path("/var/lib/cni")  # its place is fixed; see init.py
PATIENCE = 8


def main() -> int:
    """Set the namespaces up, say so, and wait for the end."""
    group, resolver = f"glance-sandbox-{os.getpid()}", sys.argv[1]
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    subprocess.run(["mount", "--bind", resolver, "/etc/resolv.conf"], check=True)
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    Path("/proc/sys/net/ipv4/ip_forward").write_text("1")
    print("kept", flush=True)
    signal.sigwait({signal.SIGTERM})
    deadline = time.monotonic() + PATIENCE
    while not cleared(group) and time.monotonic() < deadline:
        time.sleep(0.05)
    with suppress(OSError):
        MEMORY_OF_CNI.rmdir()  # unless somebody has something there
    return 0


def cleared(group: str) -> bool:
    """Remove every cgroup of that name, in each hierarchy, from the leaves up; False while one is in use."""
    tops = [top for top in (CGROUPS / group, *CGROUPS.glob(f"*/{group}")) if top.is_dir()]
    for top in tops:
        for path, _, _ in os.walk(top, topdown=False):
            with suppress(OSError):
                os.rmdir(path)
    return not any(top.exists() for top in tops)


if __name__ == "__main__":
    sys.exit(main())
