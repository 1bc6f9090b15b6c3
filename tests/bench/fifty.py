"""Many at once: the operator against the bare client, each with the concurrency that suits it best."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from statistics import median

from tests.bench import bare
from tests.bench.bare import Job, Result
from tests.bench.figures import Figure, Section, Table, seconds
from tests.bench.runs import MIB, Run, Work, operate, warm_operator
from tests.bench.world import World

LIMIT = 1.10
_PACES = ((0.15, 0.1), (0.3, 0.2))
_TRIES = 2  # of each choice, the better one counts: a single short run is mostly chance
Say = Callable[[str], None]


@dataclass(frozen=True)
class Plan:
    """How much is measured: images of a run, and of each of the runs that only look for the best concurrency."""

    count: int
    sweep: int
    runs: int
    concurrency: Sequence[int]


def measure(world: World, plan: Plan, stores: tuple[str, ...], say: Say) -> Section:
    """Sweep both sides, then alternate their bests."""
    work = Work(plan.count, MIB, stores)
    job = Job(world.glance.url, world.token(), world.offer("fifty", MIB), stores, plan.sweep)
    job, tried_bare = _best_job(job, plan, say)
    job = replace(job, count=plan.count)
    slots, tried_operator = _best_slots(world, replace(work, count=plan.sweep), plan, say)
    pairs = []
    with warm_operator(world, imports_per_cloud=slots) as operator:
        for _ in range(plan.runs):
            pairs.append((bare.measure(job), operate(world, operator, work)))
            say(f"bare {pairs[-1][0].wall:.2f} s, operator {pairs[-1][1].wall:.2f} s")
            world.cluster.delete_all()
    tables = [_runs(pairs), *_sweeps(plan.sweep, tried_bare, tried_operator)]
    warned = [f"The operator warned: `{line}`" for _, run in pairs for line in run.warnings[:3]]
    note = f"Bare client: {job.described()}. Operator: {slots} imports per cloud. Token warm on both sides."
    ratio = median(run.wall / result.wall for result, run in pairs)
    what = f"{plan.count} images of 1 MiB, {_stores(stores)}: operator / bare client"
    title = f"{plan.count} images of 1 MiB, {_stores(stores)}, seconds"
    return Section(title, [Figure(what, ratio, " x", LIMIT)], tables, [note, *warned])


def _best_job(job: Job, plan: Plan, say: Say) -> tuple[Job, dict[str, float]]:
    """The best number of threads at one pace, then the best pace with it."""
    tried: dict[Job, float] = {}

    def best(jobs: Sequence[Job]) -> Job:
        for one in jobs:
            tried[one] = tried.get(one) or min(bare.measure(one).wall for _ in range(_TRIES))
            say(f"bare, {one.described()}: {tried[one]:.2f} s")
        return min(jobs, key=lambda one: tried[one])

    start = replace(job, first=_PACES[1][0], interval=_PACES[1][1])
    chosen = best([replace(start, threads=threads) for threads in plan.concurrency])
    chosen = best([replace(chosen, first=first, interval=interval) for first, interval in _PACES])
    return chosen, {one.described(): wall for one, wall in tried.items()}


def _best_slots(world: World, work: Work, plan: Plan, say: Say) -> tuple[int, dict[int, float]]:
    tried: dict[int, float] = {}
    for slots in plan.concurrency:
        with warm_operator(world, imports_per_cloud=slots) as operator:
            for _ in range(_TRIES):
                tried[slots] = min(tried.get(slots, math.inf), operate(world, operator, work).wall)
                world.cluster.delete_all()
            say(f"operator, {slots} imports per cloud: {tried[slots]:.2f} s")
    return min(tried, key=lambda slots: tried[slots]), tried


def _runs(pairs: Sequence[tuple[Result, Run]]) -> Table:
    header = (
        *("run", "bare", "operator", "ratio", "bare: Glance requests", "operator: Glance requests"),
        *("bare: CPU", "operator: CPU", "Glance: CPU", "kube-apiserver: CPU"),
    )
    rows = []
    for number, (result, run) in enumerate(pairs, 1):
        cpu = [
            seconds(value) for value in (result.cpu, *(run.cpu[n] for n in ("operator", "glance", "kube-apiserver")))
        ]
        requests = (str(result.requests), f"{run.glance.total()} ({counted(run.glance)})")
        rows.append(
            (str(number), seconds(result.wall), seconds(run.wall), seconds(run.wall / result.wall), *requests, *cpu)
        )
    return Table(header, rows)


def _sweeps(count: int, tried_bare: dict[str, float], tried_operator: dict[int, float]) -> list[Table]:
    return [
        Table(
            (f"bare client, the better of {_TRIES} runs of {count}", "seconds"),
            [(name, seconds(wall)) for name, wall in tried_bare.items()],
        ),
        Table(
            (f"imports per cloud, the better of {_TRIES} runs of {count}", "seconds"),
            [(str(n), seconds(wall)) for n, wall in tried_operator.items()],
        ),
    ]


def counted(requests: Counter[str]) -> str:
    """Requests by kind, in a line."""
    return ", ".join(f"{number} {kind}" for kind, number in sorted(requests.items()))


def _stores(stores: tuple[str, ...]) -> str:
    return "1 store" if len(stores) == 1 else f"{len(stores)} stores"
