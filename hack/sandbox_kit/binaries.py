"""Kubernetes' own programs: ready ones where the machine has them, built once from pinned Go modules otherwise."""

import os
import shutil
import socket
import sys
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from pathlib import Path
from urllib.request import getproxies

from sandbox_kit import cache
from sandbox_kit.process import ProgramError, run

VERSION = "1.36.3"
NAMES = ("etcd", "kube-apiserver", "kube-controller-manager", "kubectl")
NODE_NAMES = ("kubelet", "kube-proxy", "kube-scheduler")  # what a node needs beside them
MODULE = Path(__file__).with_name("kube")
# The same for both builds, so that one can use what the other has compiled.
LIGHT = ("-trimpath", "-buildvcs=false", "-gcflags=all=-dwarf=false")
GO = {"CGO_ENABLED": "0", "GOGC": "400", "GOMEMLIMIT": "2GiB"}
INDEX = "raw.githubusercontent.com"  # where setup-envtest looks first
SETUP_ENVTEST = "sigs.k8s.io/controller-runtime/tools/setup-envtest@latest"
DOWNLOAD_SECONDS = 90
BUILD_SECONDS = 30 * 60


class MissingBinaryError(RuntimeError):
    """A program of Kubernetes is not there and cannot be made; the message says the ways out."""


def ensure(names: Sequence[str] = NAMES) -> dict[str, Path]:
    """Return name -> path of the programs, downloading or building what is missing (minutes, once per user)."""
    home = cache.directory() / "kube" / f"v{VERSION}"
    if missing := _missing(names, home):
        with cache.locked(home.parent / f"v{VERSION}.lock"):
            for make in (_download, _build):
                missing = _missing(names, home)  # another process may have made it while we waited for the lock
                if missing:
                    make(missing, home)
    return {name: path for name in names if (path := _find(name, home))}


def _find(name: str, home: Path) -> Path | None:
    assets = os.environ.get("KUBEBUILDER_ASSETS")
    places = [Path(assets) / name] if assets else []
    return next((path for path in [*places, home / name] if os.access(path, os.X_OK)), None)


def _missing(names: Iterable[str], home: Path) -> list[str]:
    return [name for name in names if not _find(name, home)]


def _download(names: Iterable[str], home: Path) -> None:
    """Take what setup-envtest offers (it has no controller manager); any failure only means that we build."""
    tool = _setup_envtest()
    if not tool:
        return
    command = [*tool, "use", f"{VERSION.rpartition('.')[0]}.x", "-p", "path", "--bin-dir", str(home.parent / "envtest")]
    try:
        printed = run(command, DOWNLOAD_SECONDS, GO).splitlines()
    except ProgramError:
        say("no ready Kubernetes programs to download; building them")
        return
    for name in names:
        found = Path(printed[-1].strip()) / name
        if found.exists():
            publish(home / name, partial(shutil.copy2, found))


def _setup_envtest() -> list[str] | None:
    if found := shutil.which("setup-envtest"):
        return [found]
    return ["go", "run", *LIGHT, SETUP_ENVTEST] if shutil.which("go") and _internet() else None


def _internet() -> bool:
    """Whether it is worth the better part of a minute that compiling setup-envtest takes."""
    if getproxies():
        return True
    try:
        return bool(socket.getaddrinfo(INDEX, 443))
    except OSError:
        return False


def _build(names: Iterable[str], home: Path) -> None:
    if not shutil.which("go"):
        raise MissingBinaryError(
            f"no {', '.join(names)}: install Go (https://go.dev/dl) so that they can be built, or point "
            "KUBEBUILDER_ASSETS at a directory that has them"
        )
    say(f"building {', '.join(names)} {VERSION} (minutes, once; kept in {home})")
    made = home / ".new"  # always the same: what a killed build left is overwritten
    made.mkdir(parents=True, exist_ok=True)
    _go_build(names, made)
    for name in names:
        publish(home / name, (made / name).replace)
    made.rmdir()


def _go_build(names: Iterable[str], target: Path) -> None:
    """All in one go, so that one is compiled while another is linked."""
    version = "k8s.io/component-base/version"
    major, minor, _ = VERSION.split(".")
    flags = f"-s -w -X {version}.gitVersion=v{VERSION} -X {version}.gitMajor={major} -X {version}.gitMinor={minor}"
    packages = ["./etcd" if name == "etcd" else f"k8s.io/kubernetes/cmd/{name}" for name in names]
    command = ("go", "build", "-C", str(MODULE), *LIGHT, "-ldflags", flags, "-o", f"{target}/", *packages)
    try:
        run(command, BUILD_SECONDS, GO)
    except ProgramError as error:
        raise MissingBinaryError(f"building {', '.join(names)} failed: {error}") from error


def publish(final: Path, make: Callable[[Path], object]) -> None:
    """Let `make` write a file beside its place, then rename it: nobody ever sees half a program."""
    final.parent.mkdir(parents=True, exist_ok=True)
    made = final.with_name(f".{final.name}.new")  # always the same: what a killed build left is overwritten
    make(made)
    made.chmod(0o755)
    made.replace(final)


def say(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


def main() -> int:
    """Make them alone: it takes the longest of all, and nothing has to be installed for it."""
    try:
        ensure()
    except MissingBinaryError as error:
        say(str(error))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
