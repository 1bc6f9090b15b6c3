"""hack/samples in a sandbox: the files that they fetch, the addresses that they name, the states that they reach."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from sandbox_kit import images
from sandbox_kit.source import Fault, Source

SAMPLES = Path(__file__).parent.parent / "samples"
EXPECTED = Path(__file__).parent.parent / "demo" / "expected.yaml"
SOURCE, GLANCE = "http://127.0.0.1:8901", "http://127.0.0.1:9292"
# The table of files in the README of the samples is the one place where they are listed.
ROW = re.compile(
    r"^\| `(?P<name>[^`]+)` \| (?P<format>qcow2|raw) \| (?P<count>\d+) (?P<unit>KiB|MiB) \|$", re.MULTILINE
)
UNITS = {"KiB": 1 << 10, "MiB": 1 << 20}
# Slow enough to be watched, fast enough to be waited for.
BYTES_PER_SECOND = 16 << 20


@dataclass(frozen=True)
class File:
    """An image file that the samples fetch."""

    name: str
    format: str
    size: int

    def make(self) -> bytes:
        """Its content, another for each name."""
        writer = images.qcow2 if self.format == "qcow2" else images.raw
        return writer(self.size, seed=sum(self.name.encode()))


def files() -> list[File]:
    """The files that the source server must have."""
    rows = ROW.finditer((SAMPLES / "README.md").read_text())
    return [File(row["name"], row["format"], int(row["count"]) * UNITS[row["unit"]]) for row in rows]


def serve(source: Source) -> None:
    """Make the files and offer them."""
    for file in files():
        source.serve(file.name, file.make(), Fault(rate=BYTES_PER_SECOND))


def manifests(source: str, glance: str) -> str:
    """The samples as one stream of YAML documents, credentials first, with the addresses of a sandbox that runs."""
    paths = sorted(SAMPLES.glob("*.yaml"), key=lambda path: (path.name != "credentials.yaml", path.name))
    texts = [path.read_text() for path in paths]
    return "\n---\n".join(texts).replace(SOURCE, source).replace(GLANCE, glance)


def expected(file: Path = EXPECTED) -> dict[str, dict[str, Any]]:
    """Name of an Image -> what it ends as: ready, and if they matter reason and stores."""
    states: dict[str, dict[str, Any]] = yaml.safe_load(file.read_text())
    return states
