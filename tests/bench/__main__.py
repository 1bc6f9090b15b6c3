"""`python -m tests.bench [--quick]`: measure the operator beside the bare client and write docs/benchmarks.md.

BENCH_IMAGES=200 in the environment makes the crowd smaller; as after --quick, no report is written then.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

from tests.bench import carried, crowd, fifty, report, rest, single
from tests.bench.figures import Section
from tests.bench.runs import warm_operator
from tests.bench.world import STORES, World, running

REPORT = Path(__file__).parents[2] / "docs" / "benchmarks.md"


@dataclass(frozen=True)
class Plan:
    """How much is measured: pairs of single runs, MiB that are transferred and how often, the many at once, the crowd,
    and how many more come to rest."""

    singles: int
    carried: tuple[int, int]
    many: fifty.Plan
    crowd: int
    more: int


FULL = Plan(5, (1024, 3), fifty.Plan(50, 24, 3, (2, 4, 6, 8)), 1000, 1000)
QUICK = Plan(3, (64, 1), fifty.Plan(8, 8, 1, (4,)), 40, 0)


def main() -> int:
    """0 if every limit is kept; a smaller run only shows that the bench works, and judges nothing."""
    parser = argparse.ArgumentParser(
        prog="python -m tests.bench", description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument(
        "--quick", action="store_true", help="few images, figures that prove nothing, no report written"
    )
    plan = _chosen(QUICK if parser.parse_args().quick else FULL)
    load, began = os.getloadavg(), time.monotonic()
    with tempfile.TemporaryDirectory(prefix="bench-") as directory:
        sections = _measured(Path(directory), plan, began)
    text = report.text(sections, report.machine(load))
    if plan == FULL:
        REPORT.write_text(text)
    else:
        text = f"A SMALL RUN: too few images for the figures to mean much.\n\n{text}"
    sys.stdout.write(text)
    kept = all(figure.passed for section in sections for figure in section.figures)
    return 0 if kept or plan != FULL else 1


def _chosen(plan: Plan) -> Plan:
    images = int(os.environ.get("BENCH_IMAGES", plan.crowd))
    return replace(plan, crowd=images, more=min(plan.more, images))


def _measured(directory: Path, plan: Plan, began: float) -> list[Section]:
    def say(line: str) -> None:
        sys.stderr.write(f"[{time.monotonic() - began:5.0f} s] {line}\n")

    say("starting Kubernetes, Keystone and Glance")
    with running(directory, say) as world:
        sections = []
        for title, measure in _measures(world, plan, say):
            say(title)
            sections.append(measure())
            for figure in sections[-1].figures:
                say(f"  {figure.what}: {figure.measured()} {figure.limit()} {figure.verdict()}")
    return sections


def _measures(world: World, plan: Plan, say: Callable[[str], None]) -> list[tuple[str, Callable[[], Section]]]:
    """In the order in which they build on each other: those at rest are what the crowd leaves behind."""
    steps: list[tuple[str, Callable[[], Section]]] = [
        ("one image", partial(single.measure, world, plan.singles)),
        ("one through the transfer program", partial(_carried, world, plan)),
        ("many, one store", partial(fifty.measure, world, plan.many, STORES[:1], say)),
        ("many, three stores", partial(fifty.measure, world, plan.many, STORES, say)),
        (f"a crowd of {plan.crowd}", partial(_crowd, world, plan.crowd)),
        (f"{plan.crowd} at rest", partial(rest.measure, world, plan.crowd)),
    ]
    if plan.more:
        steps.append((f"{plan.more} more at rest", partial(_more, world, plan)))
    return steps


def _carried(world: World, plan: Plan) -> Section:
    size, runs = plan.carried
    return carried.measure(world, size << 20, runs)


def _crowd(world: World, count: int) -> Section:
    with warm_operator(world) as operator:
        return crowd.measure(world, operator, count)


def _more(world: World, plan: Plan) -> Section:
    with world.operator() as operator:  # not a warmed one: that would begin by deleting what is at rest
        crowd.grow(world, operator, plan.more)
    return rest.measure(world, plan.crowd + plan.more)


if __name__ == "__main__":
    sys.exit(main())
