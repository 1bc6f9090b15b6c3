"""One run of either side: so many images, from the first request until the last is ready."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

from tests.bench.usage import cpu_seconds
from tests.bench.world import World, by_kind, image
from tests.integration.images.lab import Operator

MIB = 1 << 20
_LIMIT = 60.0  # seconds for the first image; each further one may add one


@dataclass(frozen=True)
class Work:
    """Images of `size` bytes, each into all of `stores`."""

    count: int
    size: int
    stores: tuple[str, ...]


@dataclass(frozen=True)
class Run:
    """What the operator did: seconds from the first POST to each Ready in order, requests, CPU seconds by program,
    and what the operator warned of (nothing, if all went well)."""

    done: tuple[float, ...]
    glance: Counter[str]
    writes: Counter[str]
    cpu: dict[str, float]
    warnings: tuple[str, ...]

    @property
    def wall(self) -> float:
        """Seconds until the last image was Ready."""
        return self.done[-1]


@contextmanager
def warm_operator(world: World, **settings: object) -> Iterator[Operator]:
    """An operator that has a token, and that Glance knows; every Image of before is deleted."""
    with world.operator(**settings) as operator:
        world.cluster.create(image("warm-up", world.offer("warm-up", 1 << 16), ("central",)))
        world.cluster.await_ready(["warm-up"], _LIMIT)
        world.cluster.delete_all()
        yield operator


def operate(world: World, operator: Operator, work: Work, prefix: str = "image") -> Run:
    """Create the Images one after the other and wait until a watch has seen each Ready."""
    url = world.offer("content", work.size)
    names = [f"{prefix}-{number:04}" for number in range(work.count)]
    programs = {"operator": operator.pid, "glance": world.glance.pid, "kube-apiserver": world.control_plane.api.pid}
    requests, writes, cpu = world.requests(), world.cluster.writes(), _cpu(programs)
    said = operator.log.stat().st_size
    began = time.monotonic()
    for name in names:
        world.cluster.create(image(name, url, work.stores))
    done = world.cluster.await_ready(names, _LIMIT + work.count)
    used = {name: now - cpu[name] for name, now in _cpu(programs).items()}
    written = world.cluster.writes()
    written.subtract(writes)
    times = tuple(at - began for at in done)
    return Run(times, by_kind(requests.read()), +written, used, _warnings(operator, said))


def _warnings(operator: Operator, start: int) -> tuple[str, ...]:
    with operator.log.open(errors="replace") as log:
        log.seek(start)
        return tuple(line.strip() for line in log if " WARNING " in line or " ERROR " in line)


def _cpu(programs: dict[str, int]) -> dict[str, float]:
    return {name: cpu_seconds(pid) for name, pid in programs.items()}
