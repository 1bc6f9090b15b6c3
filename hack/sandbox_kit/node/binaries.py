"""The programs of a node: Kubernetes' own, containerd, CoreDNS, and the one that does nothing."""

import hashlib
from pathlib import Path

from sandbox_kit import binaries, cache
from sandbox_kit.binaries import GO, LIGHT, MissingBinaryError, publish
from sandbox_kit.process import ProgramError, run

CONTAINERD_VERSION = "2.2.9"  # an older one, such as Debian's, does not say enough for the kubelet
CONTAINERD = ("containerd", "containerd-shim-runc-v2", "ctr")
OURS = ("coredns", "pause")  # modules beside this file
HERE = Path(__file__).parent
BUILD_SECONDS = 30 * 60


def ensure() -> dict[str, Path]:
    """Return name -> path of every program of a node, building what is missing (minutes, once per user)."""
    home = cache.directory() / "node" / f"programs-{_digest()}"
    found = binaries.ensure(binaries.NODE_NAMES)
    with cache.locked(home.with_suffix(".lock")):
        if not all((home / name).exists() for name in CONTAINERD):
            _containerd(home)
        for name in OURS:
            if not (home / name).exists():
                _own(name, home)
    return found | {name: home / name for name in (*CONTAINERD, *OURS)}


def _digest() -> str:
    """Of all that decides what is built."""
    sources = sorted(path for name in OURS for path in (HERE / name).iterdir())
    text = b"".join([CONTAINERD_VERSION.encode(), *(path.read_bytes() for path in sources)])
    return hashlib.sha256(text).hexdigest()[:12]


def _containerd(home: Path) -> None:
    """Installed, not built from a module of ours: its version pins all that it is made of."""
    made = home / ".new"
    packages = [f"github.com/containerd/containerd/v2/cmd/{name}@v{CONTAINERD_VERSION}" for name in CONTAINERD]
    flags = ("-tags", "no_btrfs no_zfs no_devmapper", "-ldflags", "-s -w")
    _go("containerd", "install", *LIGHT, *flags, *packages, into=made)
    for name in CONTAINERD:
        publish(home / name, (made / name).replace)


def _own(name: str, home: Path) -> None:
    made = home / ".new" / name
    _go(name, "build", "-C", str(HERE / name), *LIGHT, "-ldflags", "-s -w", "-o", str(made), ".", into=made.parent)
    publish(home / name, made.replace)


def _go(what: str, *words: str, into: Path) -> None:
    binaries.say(f"building {what} (once; kept in {into.parent})")
    into.mkdir(parents=True, exist_ok=True)
    try:
        run(("go", *words), BUILD_SECONDS, {**GO, "GOBIN": str(into)})
    except (ProgramError, OSError) as error:
        raise MissingBinaryError(f"building {what} failed: {error}") from error
