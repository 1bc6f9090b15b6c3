"""Container images without a container engine: debootstrap makes the first, buildah the others, as OCI archives.

They are kept in the user's cache, named by a digest of their inputs: what has not changed is not built again. All of
it runs in a mount namespace of its own, so that no mount outlives it.
"""

import shutil
import tempfile
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from sandbox_kit import binaries, cache
from sandbox_kit.node.recipes import BASE, INCLUDED, SUITE, Recipe
from sandbox_kit.process import run

SECONDS = 20 * 60
KEPT = 3  # archives of one image: branches of a checkout want different ones
SCRATCH = "scratch-"
PRIVATE = ("unshare", "--mount", "--")
AUTHORITIES = Path("/etc/ssl/certs/ca-certificates.crt")
RUBBISH = ("var/cache/apt/archives", "var/lib/apt/lists", "usr/share/doc", "usr/share/man", "usr/share/locale")


def ensure(recipes: Iterable[Recipe]) -> dict[str, Path]:
    """Return image -> its archive, building what is missing (minutes, once per user and change)."""
    home = cache.directory() / "node"
    wanted = {recipe: home / "images" / f"{recipe.name.replace(':', '-')}-{recipe.digest()}.tar" for recipe in recipes}
    if not all(archive.exists() for archive in wanted.values()):
        with cache.locked(home / "images.lock"):
            builder = Builder(home / "storage")
            builder.tidy()
            for recipe, archive in wanted.items():
                if not archive.exists():
                    binaries.say(f"building the image {recipe.image} (once for each change of it)")
                    builder.build(recipe, archive)
    return {recipe.image: archive for recipe, archive in wanted.items()}


@dataclass(frozen=True)
class Builder:
    """buildah with a storage of its own, where layers are found again."""

    storage: Path

    def tidy(self) -> None:
        """Remove what builds that failed or were killed have left: gigabytes."""
        self._buildah("rm", "--all")
        for scratch in self.storage.glob(f"{SCRATCH}*"):
            shutil.rmtree(scratch)

    def build(self, recipe: Recipe, archive: Path) -> None:
        """Make the image, and leave it as `archive`."""
        if recipe.folder:
            self._from_file(recipe)
        elif recipe == BASE:
            self._base()
        else:
            self._of_program(recipe)
        self._save(recipe, archive)

    def _base(self) -> None:
        if self._has(BASE):
            return
        with tempfile.TemporaryDirectory(prefix=SCRATCH, dir=self._home()) as scratch:
            root = Path(scratch) / "root"
            include = f"--include={','.join(INCLUDED)}"
            run((*PRIVATE, "debootstrap", "--variant=minbase", include, SUITE, root, *_mirror()), SECONDS)
            for rubbish in RUBBISH:
                _empty(root / rubbish)
            self._commit(BASE, root)

    def _of_program(self, recipe: Recipe) -> None:
        """Nothing but one program, which is its entry point."""
        (program,) = recipe.inputs
        self._commit(recipe, program, "--entrypoint", f'["/{program.name}"]', "--user", "65535:65535")

    def _commit(self, recipe: Recipe, content: Path, *config: str) -> None:
        container = self._buildah("from", "scratch").split()[-1]
        self._buildah("add", "--quiet", container, content, "/")
        if config:
            self._buildah("config", *config, container)
        self._buildah("commit", "--quiet", "--rm", container, recipe.image)

    def _from_file(self, recipe: Recipe) -> None:
        self._base()
        words: list[str | Path] = [
            "--build-arg",
            f"BASE={BASE.image}",
            "--file",
            recipe.containerfile,
            "--tag",
            recipe.image,
        ]
        context = recipe.containerfile.parent.parent.parent
        self._buildah("build", "--pull-never", "--layers", "--isolation", "chroot", *_mounts(), *words, context)

    def _save(self, recipe: Recipe, archive: Path) -> None:
        archive.parent.mkdir(exist_ok=True)
        made = archive.with_name(f".{archive.name}.new")
        made.unlink(missing_ok=True)
        quick = ("--compression-format", "zstd", "--compression-level", "1")
        self._buildah("push", "--quiet", *quick, recipe.image, f"oci-archive:{made}:{recipe.image}")
        made.replace(archive)
        _prune(archive, recipe)

    def _has(self, recipe: Recipe) -> bool:
        return recipe.image in self._buildah("images", "--format", "{{.Name}}:{{.Tag}}").split()

    def _buildah(self, *words: str | Path) -> str:
        home = self._home()
        places = ("--root", home / "graph", "--runroot", home / "run", "--storage-driver", "overlay")
        return run((*PRIVATE, "buildah", *places, *words), SECONDS)

    def _home(self) -> Path:
        self.storage.mkdir(parents=True, exist_ok=True)
        return self.storage


def _mirror() -> Sequence[str]:
    """Where this machine has its packages from, if it is of the same distribution."""
    targets = run(("apt-get", "indextargets", "--format", "$(REPO_URI) $(CODENAME) $(COMPONENT)"), 60)
    found = [line.split()[0] for line in targets.splitlines() if line.split()[1:] == [SUITE, "main"]]
    return found[:1]


def _mounts() -> list[str]:
    """The machine's package sources and authorities, for the steps of a build alone: no layer has them."""
    places = [AUTHORITIES] if AUTHORITIES.exists() else []
    if _mirror():
        places.append(Path("/etc/apt"))
    return [word for place in places for word in ("--volume", f"{place}:{place}:ro")]


def _empty(folder: Path) -> None:
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)


def _prune(archive: Path, recipe: Recipe) -> None:
    others = archive.parent.glob(f"{recipe.name.replace(':', '-')}-*.tar")
    for old in sorted(others, key=lambda path: path.stat().st_mtime)[:-KEPT]:
        old.unlink()
