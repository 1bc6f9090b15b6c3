"""What a node takes from the machine's distribution; installed only where the caller says so."""

import os
import shutil
import sys
from pathlib import Path

from sandbox_kit.process import ProgramError, run

# program -> its package of Debian
NEEDED = {
    "runc": "runc",
    "buildah": "buildah",
    "debootstrap": "debootstrap",
    "nft": "nftables",
    "ip": "iproute2",
    "mount": "mount",
    "nsenter": "util-linux",
    "/usr/lib/cni/ptp": "containernetworking-plugins",
    "/usr/share/keyrings/debian-archive-keyring.gpg": "debian-archive-keyring",
}
SECONDS = 10 * 60


class NoNodeError(RuntimeError):
    """There can be no node on this machine; the message says why, and what to do."""


def why_not() -> str | None:
    """Why no node can run here and now; None when one can, if need be after an installation that is allowed."""
    if sys.platform != "linux":
        return "a node needs Linux"
    if os.geteuid() != 0:
        return "a node needs root"
    missing = _missing()
    if missing and not allowed():
        return f"packages are missing: NODE=1 has them installed, or: apt-get install {' '.join(missing)}"
    if missing and not shutil.which("apt-get"):
        return f"packages are missing, and this is no Debian: {' '.join(missing)}"
    return None


def allowed() -> bool:
    """Whether the caller lets us install packages."""
    return any(os.environ.get(name, "0") not in {"", "0", "false"} for name in ("NODE", "CI"))


def ensure() -> None:
    """Install what is missing; NoNodeError where that is not allowed or does not work."""
    if why := why_not():
        raise NoNodeError(why)
    if missing := _missing():
        print(f"installing {', '.join(missing)}", file=sys.stderr, flush=True)
        try:
            _install(missing)
        except ProgramError as error:
            raise NoNodeError(f"packages could not be installed: {error}") from error


def _install(missing: list[str]) -> None:
    quiet = {"DEBIAN_FRONTEND": "noninteractive"}
    run(("apt-get", "update", "-qq"), SECONDS, quiet)
    run(("apt-get", "install", "-y", "-qq", "--no-install-recommends", *missing), SECONDS, quiet)


def _missing() -> list[str]:
    return sorted({package for program, package in NEEDED.items() if not _found(program)})


def _found(program: str) -> bool:
    if program.startswith("/"):
        return Path(program).exists()
    places = f"{os.environ.get('PATH', os.defpath)}:/usr/sbin:/sbin"
    return shutil.which(program, path=places) is not None
