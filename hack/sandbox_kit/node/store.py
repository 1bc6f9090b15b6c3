"""containerd's store with images already unpacked: made once for a set of images, and then linked, not copied."""

import hashlib
import shutil
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path

from sandbox_kit import cache
from sandbox_kit.node.images import PRIVATE
from sandbox_kit.process import ProgramError, Server, run

NAMESPACE = "k8s.io"  # of containerd: where the kubelet's images are
SECONDS = 300
KEPT = 4
CONTENTS = "archives"  # which a store has


class _Unpacker(Server):
    """A containerd that runs nothing: it only fills its store."""

    def __init__(self, program: Path, store: Path, scratch: Path) -> None:
        super().__init__("containerd", scratch)
        self.socket = scratch / "socket"
        self._program = program
        self._config = scratch / "config.toml"
        disabled = '["io.containerd.grpc.v1.cri", "io.containerd.cri.v1.images", "io.containerd.cri.v1.runtime"]'
        head = f'version = 3\nroot = "{store}"\nstate = "{scratch}/state"\ndisabled_plugins = {disabled}\n'
        self._config.write_text(f'{head}[grpc]\n  address = "{self.socket}"\n')

    def command(self) -> Sequence[str | Path]:
        return [*PRIVATE, self._program, "--config", self._config]

    def ready(self) -> bool:
        return self.socket.exists()


def fill(target: Path, archives: Iterable[Path], programs: dict[str, Path]) -> None:
    """Make `target` a store that has the images of the archives."""
    _link(_made(sorted(archives), programs), target)


def load(archive: Path, ctr: Sequence[str | Path]) -> None:
    """Load an archive by a `ctr` that reaches its containerd."""
    run((*ctr, "--namespace", NAMESPACE, "images", "import", archive), SECONDS)


def _made(archives: Sequence[Path], programs: dict[str, Path]) -> Path:
    text = " ".join([*(archive.name for archive in archives), programs["containerd"].parent.name])
    home = cache.directory() / "node" / "stores"
    store = home / hashlib.sha256(text.encode()).hexdigest()[:12]
    with cache.locked(home / "lock"):
        if not store.exists():
            _unpack(store, archives, programs)
        store.touch()
        for old in _by_age(home)[:-KEPT]:
            shutil.rmtree(old)
    return store


def _unpack(store: Path, archives: Sequence[Path], programs: dict[str, Path]) -> None:
    """Begin with what the last one has: when one image has changed, most of it is the same."""
    made = store.parent / ".new"
    shutil.rmtree(made, ignore_errors=True)
    for last in _by_age(store.parent)[-1:]:
        _link(last, made)
    has = made / CONTENTS
    known = has.read_text().split() if has.exists() else []
    with tempfile.TemporaryDirectory() as scratch, _Unpacker(programs["containerd"], made, Path(scratch)) as server:
        for archive in archives:
            if archive.name not in known:
                load(archive, (programs["ctr"], "--address", server.socket))
    has.write_text("\n".join(archive.name for archive in archives))
    made.replace(store)


def _by_age(home: Path) -> list[Path]:
    stores = (path for path in home.iterdir() if path.is_dir() and not path.name.startswith("."))
    return sorted(stores, key=lambda path: path.stat().st_mtime)


def _link(store: Path, target: Path) -> None:
    """Copy what is written to; the rest, tens of thousands of files, is the same file under another name."""
    try:
        run(("cp", "--archive", "--link", store, target), SECONDS)
    except ProgramError:  # another file system
        shutil.rmtree(target, ignore_errors=True)
        run(("cp", "--archive", store, target), SECONDS)
    for changing in (*store.glob("*/*.db"), *store.glob(CONTENTS)):
        own = target / changing.relative_to(store)
        own.unlink()
        shutil.copy2(changing, own)
