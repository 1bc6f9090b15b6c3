"""A thousand small images: do they become ready at a steady rate, and what does each cost?"""

from __future__ import annotations

from tests.bench.fifty import counted
from tests.bench.figures import Figure, Section, Table, seconds
from tests.bench.runs import Run, Work, operate
from tests.bench.world import World
from tests.integration.images.lab import Operator

_SIZE = 1 << 16


def measure(world: World, operator: Operator, count: int) -> Section:
    """Private images without checksum, one store, the operator as it is by default. The Images stay."""
    run = operate(world, operator, Work(count, _SIZE, ("central",)), "crowd")
    rows = [(f"{share} %", f"{count * share // 100}", seconds(_at(run, share / 100))) for share in range(10, 101, 10)]
    notes = [
        f"First Ready after {run.done[0]:.2f} s, all after {run.wall:.1f} s: {count / run.wall:.1f} images a second.",
        f"Glance was asked: {counted(run.glance)}.",
        f"The API server wrote: {counted(run.writes)} (the bench itself: POST/images).",
        "CPU seconds: " + ", ".join(f"{name} {used:.1f}" for name, used in run.cpu.items()) + ".",
    ]
    notes += [f"The operator warned: `{line}`" for line in run.warnings[:5]]
    table = Table(("share", "images", "ready after (s)"), rows)
    return Section(f"{count} images of 64 KiB", _figures(run, count), [table], notes)


def _figures(run: Run, count: int) -> list[Figure]:
    writes, events = run.writes, run.writes["POST/events"]
    own = writes.total() - events - writes["POST/images"]
    return [
        Figure(
            f"{count} images: half of them ready after this part of the time", _at(run, 0.5) / run.wall, "", 0.55, 0.45
        ),
        Figure(f"{count} images: Glance requests per image", run.glance.total() / count, "", 5),
        Figure(f"{count} images: API-server writes per image, Events apart", own / count, "", 3),
        Figure(f"{count} images: Events per image", events / count, "", 2),
    ]


def _at(run: Run, share: float) -> float:
    """When that share of the images was ready."""
    return run.done[max(round(len(run.done) * share) - 1, 0)]


def grow(world: World, operator: Operator, count: int) -> None:
    """So many more, unmeasured."""
    operate(world, operator, Work(count, _SIZE, ("central",)), "more")
