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
KEPT = 2


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
    made = _made(sorted(archives), programs)
    try:
        run(("cp", "--archive", "--link", made, target), SECONDS)
    except ProgramError:  # another file system
        shutil.rmtree(target, ignore_errors=True)
        run(("cp", "--archive", made, target), SECONDS)
    for database in made.rglob("*.db"):  # what is written to must not be shared
        own = target / database.relative_to(made)
        own.unlink()
        shutil.copy2(database, own)


def load(archive: Path, ctr: Sequence[str | Path]) -> None:
    """Load an archive by a `ctr` that reaches its containerd."""
    run((*ctr, "--namespace", NAMESPACE, "images", "import", archive), SECONDS)


def _made(archives: Sequence[Path], programs: dict[str, Path]) -> Path:
    text = " ".join([*(archive.name for archive in archives), str(programs["containerd"].parent.name)])
    home = cache.directory() / "node" / "stores"
    store = home / hashlib.sha256(text.encode()).hexdigest()[:12]
    with cache.locked(home / "lock"):
        if not store.exists():
            _unpack(store, archives, programs)
            for old in sorted(_stores(home), key=lambda path: path.stat().st_mtime)[:-KEPT]:
                shutil.rmtree(old)
        store.touch()
    return store


def _stores(home: Path) -> Iterable[Path]:
    return (path for path in home.iterdir() if path.is_dir())


def _unpack(store: Path, archives: Sequence[Path], programs: dict[str, Path]) -> None:
    made = store.parent / "new"
    shutil.rmtree(made, ignore_errors=True)
    with tempfile.TemporaryDirectory() as scratch:
        server = _Unpacker(programs["containerd"], made, Path(scratch))
        with server:
            for archive in archives:
                load(archive, (programs["ctr"], "--address", server.socket))
    made.replace(store)
