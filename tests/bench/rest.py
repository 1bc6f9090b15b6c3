"""At rest: what an operator costs whose Images are all as they should be: after a start, idle, and at a full resync."""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import dataclass

from tests.bench.fifty import counted
from tests.bench.figures import Figure, Section
from tests.bench.usage import cpu_seconds, resident_mb
from tests.bench.world import RequestLog, World, by_kind
from tests.integration.images.lab import Operator
from tests.support import eventually

_NO_ROUTINE = "168h"  # so that no routine look falls into the seconds in which a start should end
_RESYNC = 20.0
_WATCHED = 10.0  # seconds from the start for which requests are looked for
_IDLE = 30.0
_REQUESTS = ("rest_client_requests_total{", "glance_operator_glance_requests_total{")
_PASSES = "controller_runtime_reconcile_total{"


@dataclass(frozen=True)
class _Rest:
    """Requests and CPU seconds of one stretch of time, and when its last request was seen."""

    glance: Counter[str]
    writes: int
    cpu: float
    quiet: float = 0.0
    resident: float = 0.0
    tokens: int = 0


def measure(world: World, count: int) -> Section:
    """Two starts of an operator with so many Images at rest: with no routine looks, and with all of them at once."""
    if (there := world.cluster.count()) != count:
        raise RuntimeError(f"{there} Images are there, not {count}")
    start, idle = _restart(world)
    resync = _resync(world, count)
    return Section(f"{count} Images at rest", _figures(count, start, idle, resync), notes=_notes(start, resync))


def _restart(world: World) -> tuple[_Rest, _Rest]:
    """The first seconds, and the idle ones after them."""
    meter, operator, began = _Meter(world), world.operator(resync=_NO_ROUTINE), time.monotonic()
    with operator:
        quiet = _last_request(operator, began)
        start = meter.read(operator, quiet)
        meter, used = _Meter(world), cpu_seconds(operator.pid)
        time.sleep(_IDLE)  # not a wait for something: the time that is measured
        return start, meter.read(operator, used=used)


def _resync(world: World, count: int) -> _Rest:
    """From the start until every Image was looked at."""
    meter = _Meter(world)
    with world.operator(resync=f"{_RESYNC:g}s") as operator:
        eventually(lambda: _total(operator, _PASSES) >= count, _RESYNC + 60, interval=0.5)
        return meter.read(operator)


def _last_request(operator: Operator, began: float) -> float:
    """Seconds from `began` to the last request that the operator counted within the watched time (to 0.1 s)."""
    last, known = 0.0, 0.0
    while (now := time.monotonic() - began) < _WATCHED:
        if (total := sum(_total(operator, name) for name in _REQUESTS)) > known:
            last, known = now, total
        time.sleep(0.1)
    return last


def _total(operator: Operator, prefix: str) -> float:
    return sum(value for name, value in operator.metrics().items() if name.startswith(prefix))


class _Meter:
    """Reads what was asked and written since it was made."""

    def __init__(self, world: World) -> None:
        self._cluster = world.cluster
        self._glance, self._keystone = RequestLog(world.glance.log), RequestLog(world.keystone.log)
        self._writes = world.cluster.writes().total()

    def read(self, operator: Operator, quiet: float = 0.0, used: float = 0.0) -> _Rest:
        """`used`: CPU seconds that do not count."""
        cpu = cpu_seconds(operator.pid) - used
        writes = self._cluster.writes().total() - self._writes
        tokens = sum(one.method == "POST" and one.path == "/v3/auth/tokens" for one in self._keystone.read())
        return _Rest(by_kind(self._glance.read()), writes, cpu, quiet, resident_mb(operator.pid), tokens)


def _figures(count: int, start: _Rest, idle: _Rest, resync: _Rest) -> list[Figure]:
    others = resync.glance.total() - resync.glance["GET list"] - resync.glance["GET info"]
    lists = (
        -(-count // 1000) + 2
    )  # a full last page names a next one that is empty; hidden images have a list of their own
    return [
        Figure(f"{count} at rest, restart: writes", start.writes, "", 0),
        Figure(f"{count} at rest, restart: last request after", start.quiet, " s", 3),
        Figure(f"{count} at rest, restart: CPU", start.cpu, " s"),
        Figure(f"{count} at rest: resident memory", idle.resident, " MB"),
        Figure(f"{count} at rest, idle for {_IDLE:g} s: writes", idle.writes, "", 0),
        Figure(f"{count} at rest, idle for {_IDLE:g} s: CPU", idle.cpu, " s"),
        Figure(f"{count} at rest, full resync: writes", resync.writes, "", 0),
        Figure(f"{count} at rest, full resync: list pages", resync.glance["GET list"], "", lists),
        Figure(f"{count} at rest, full resync: requests for single images", others, "", 0),
        Figure(f"{count} at rest, full resync: CPU with the start", resync.cpu, " s"),
        Figure(f"{count} at rest, full resync: tokens asked of Keystone", resync.tokens, "", 1),
    ]


def _notes(start: _Rest, resync: _Rest) -> list[str]:
    return [
        f"Restart, the first {_WATCHED:g} s, Glance was asked: {counted(start.glance) or 'nothing'}.",
        f"Full resync within {_RESYNC:g} s of a restart, Glance was asked: {counted(resync.glance)}.",
    ]
