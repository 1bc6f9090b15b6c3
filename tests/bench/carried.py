"""The transfer program, beside what people do by hand: curl, sha256sum, and curl again."""

from __future__ import annotations

import json
import mmap
import os
import random
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from statistics import median

import requests
from tests.bench.figures import Figure, Section, Table, seconds
from tests.bench.world import World

LIMIT = 1.15
_BY_HAND = 'set -eo pipefail; curl -sf "$1" | tee "$2" | sha256sum; curl -sf -H @"$4" -H "$5" -T "$2" "$3"'
_WAIT = 600.0  # seconds for one of them


@dataclass(frozen=True)
class _Side:
    """Where one way of carrying gets everything from."""

    world: World
    directory: Path
    url: str
    headers: Path

    def by_hand(self, stage: str) -> list[str]:
        file, media = str(self.directory / "content"), "Content-Type: application/octet-stream"
        return ["bash", "-c", _BY_HAND, "by-hand", self.url, file, stage, str(self.headers), media]

    def by_program(self, stage: str) -> list[str]:
        image_id = stage.split("/")[-2]
        glance = {"url": self.world.glance.url, "imageID": image_id, "headersFile": str(self.headers)}
        document = {
            "source": {"addresses": [self.url]},
            "checksum": {"algorithm": "sha256", "digest": (self.directory / "digest").read_text()},
            "diskFormat": "raw",
            "glance": glance,
            "terminationLog": str(self.directory / "log"),
        }
        path = self.directory / "config.json"
        path.write_text(json.dumps(document))
        return [sys.executable, "-m", "glance_operator", "transfer", str(path)]

    def seconds(self, command: Callable[[str], list[str]]) -> float:
        """From the first byte until the image is active; it is deleted again."""
        http = requests.Session()
        http.trust_env = False
        http.headers["X-Auth-Token"] = self.world.token()
        base = f"{self.world.glance.url}/v2/images"
        body = {"name": "carried", "disk_format": "raw", "container_format": "bare"}
        image = f"{base}/{http.post(base, json=body, timeout=60).json()['id']}"
        began = time.monotonic()
        env = {**os.environ, "NO_PROXY": "127.0.0.1"}
        subprocess.run(command(f"{image}/stage"), check=True, capture_output=True, timeout=_WAIT, env=env)
        http.post(f"{image}/import", json={"method": {"name": "glance-direct"}}, timeout=60).raise_for_status()
        while http.get(image, timeout=60).json()["status"] != "active":
            time.sleep(0.1)
        took = time.monotonic() - began
        http.delete(image, timeout=60).raise_for_status()
        return took


def measure(world: World, size: int, runs: int) -> Section:
    """Alternating runs. size: bytes of the image, a multiple of a MiB."""
    with tempfile.TemporaryDirectory(prefix="carried-", dir=world.directory) as made:
        side = _Side(world, Path(made), _offered(world, Path(made), size), Path(made) / "headers")
        side.headers.write_text(f"X-Auth-Token: {world.token()}\n")
        pairs = [(side.seconds(side.by_hand), side.seconds(side.by_program)) for _ in range(runs)]
    ratio = median(program for _, program in pairs) / median(hand for hand, _ in pairs)
    figure = Figure(f"transfer of {size >> 20} MiB with import / curl, sha256sum, curl and import", ratio, " x", LIMIT)
    rows = [(str(number), *map(seconds, pair)) for number, pair in enumerate(pairs, 1)]
    title = f"An image of {size >> 20} MiB through the transfer program, seconds"
    return Section(title, [figure], [Table(("run", "by hand", "transfer program"), rows)])


def _offered(world: World, directory: Path, size: int) -> str:
    """The URL of a file that is not in anybody's memory; its digest is beside it."""
    with (directory / "served").open("w+b") as file:
        for number in range(size >> 20):
            file.write(random.Random(number).randbytes(1 << 20))  # noqa: S311
        file.flush()
        said = subprocess.run(["sha256sum", file.name], check=True, capture_output=True, text=True)
        (directory / "digest").write_text(said.stdout.split()[0])
        return world.source.serve("carried", mmap.mmap(file.fileno(), size, access=mmap.ACCESS_READ))
