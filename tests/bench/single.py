"""One image: how much longer than the bare calls does it take from `kubectl apply` to Ready?"""

from __future__ import annotations

import json
import time
from collections.abc import Iterable
from dataclasses import dataclass, replace
from statistics import median

from tests.bench import bare
from tests.bench.bare import Job
from tests.bench.figures import Figure, Section, Table, seconds
from tests.bench.runs import MIB, Work, operate, warm_operator
from tests.bench.world import World, image

LIMIT = 2.0
_PACES = ((0.05, 0.05), (0.1, 0.05), (0.15, 0.05), (0.2, 0.1))


@dataclass(frozen=True)
class _Applied:
    """Seconds to Ready, from kubectl's start and from its return."""

    start: float
    end: float


def measure(world: World, runs: int) -> Section:
    """Alternating runs, the bare client at the pace that suits it best."""
    job = Job(world.glance.url, world.token(), world.offer("one", MIB), ("central",))
    with warm_operator(world) as operator:
        job = _best_pace(job)
        bares, posts, applies = [], [], []
        for number in range(runs):
            bares.append(bare.measure(job).wall)
            posts.append(operate(world, operator, Work(1, MIB, job.stores), f"posted-{number}").wall)
            applies.append(_applied(world, f"applied-{number}", job))
        world.cluster.delete_all()
    return _section(job, bares, posts, applies)


def _best_pace(job: Job) -> Job:
    jobs = [replace(job, first=first, interval=interval) for first, interval in _PACES]
    return min(jobs, key=lambda one: median(bare.measure(one).wall for _ in range(3)))


def _applied(world: World, name: str, job: Job) -> _Applied:
    body = json.dumps(image(name, job.source, job.stores))
    start = time.monotonic()
    world.control_plane.run_kubectl("-n", world.cluster.namespace, "apply", "-f", "-", stdin=body)
    end = time.monotonic()
    ready = world.cluster.await_ready([name], 60)[0]
    return _Applied(ready - start, ready - end)


def _section(job: Job, bares: list[float], posts: list[float], applies: list[_Applied]) -> Section:
    floor = median(bares)
    figures = [
        Figure("one image, POST to Ready / bare calls", median(posts) / floor, " x", LIMIT),
        Figure(
            "one image, kubectl's return to Ready / bare calls", _median(a.end for a in applies) / floor, " x", LIMIT
        ),
        Figure(
            "one image, kubectl's start to Ready / bare calls", _median(a.start for a in applies) / floor, " x", LIMIT
        ),
    ]
    rows = [
        (str(number), seconds(a), seconds(b), seconds(c.end), seconds(c.start))
        for number, (a, b, c) in enumerate(zip(bares, posts, applies, strict=True), 1)
    ]
    header = ("run", "bare calls", "POST to Ready", "kubectl's return to Ready", "kubectl's start to Ready")
    return Section("One image of 1 MiB, seconds", figures, [Table(header, rows)], [f"Bare client: {job.described()}."])


def _median(values: Iterable[float]) -> float:
    return median(list(values))
