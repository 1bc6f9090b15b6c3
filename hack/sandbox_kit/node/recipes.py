"""What the images of a node are made of: one recipe each, and a digest by which a built one is found again."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from sandbox_kit.environment import CONSTRAINTS

ROOT = Path(__file__).parent.parent.parent.parent
SUITE = "bookworm"
INCLUDED = ("python3", "ca-certificates", "curl")
REGISTRY = "sandbox.local"  # nowhere: a node has its images from us, and pulls none


@dataclass(frozen=True)
class Recipe:
    """An image: its name with a tag, its folder below images/ (none for those made of one program), its inputs."""

    name: str
    folder: str = ""
    inputs: tuple[Path, ...] = ()

    @property
    def image(self) -> str:
        """As a pod names it."""
        return f"{REGISTRY}/{self.name}"

    @property
    def containerfile(self) -> Path:
        """What builds it."""
        return ROOT / "images" / self.folder / "Containerfile"

    def digest(self) -> str:
        """Of all that it is made of, but not of what the distribution has today."""
        made = hashlib.sha256(" ".join((self.name, SUITE, *INCLUDED)).encode())
        for path in self._files():
            made.update(path.relative_to(ROOT).as_posix().encode() if path.is_relative_to(ROOT) else b"")
            made.update(path.read_bytes())
        return made.hexdigest()[:12]

    def _files(self) -> Iterator[Path]:
        folder = (ROOT / "images" / self.folder,) if self.folder else ()
        for path in (*folder, *self.inputs):
            yield from _sources(path)


def _sources(path: Path) -> Iterable[Path]:
    if path.is_file():
        return [path]
    return sorted(file for file in path.rglob("*") if file.is_file() and "__pycache__" not in file.parts)


BASE = Recipe("base:1")
GLANCE = Recipe("glance:33.0.0", "glance", (CONSTRAINTS,))
MARIADB = Recipe("mariadb:1", "mariadb")
OPERATOR = Recipe(
    "glance-operator:dev",
    "operator",
    tuple(ROOT / name for name in ("pyproject.toml", "constraints.txt", "README.md", "LICENSE", "operator")),
)


def pause(program: Path) -> Recipe:
    """The image that keeps a pod's namespaces: one program and nothing else."""
    return Recipe("pause:1", inputs=(program,))
