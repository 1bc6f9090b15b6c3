"""Why: two replicas may run, one may write. A Lease says which, and the clock of each says until when.

Clocks of different machines are never compared: a standby measures on its own clock for how long it has seen no
renewal, a leader measures on its own clock when it last *began* a renewal that succeeded. As renew_deadline is below
lease_duration, the leader has stopped writing before anybody else may begin. A leader that was cut off stays alive,
fenced, and goes on if the Lease is still its own when the API server answers again; if somebody else took it meanwhile,
it ends the process.
"""

from __future__ import annotations

import logging
import math
import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from glance_operator.runtime.kube import ApiError, Unreachable
from glance_operator.runtime.store import Body

log = logging.getLogger(__name__)


class LostLease(Exception):  # noqa: N818  (a state, not a defect)
    """This process may not write (any more): another replica may be the leader."""


class Leases(Protocol):
    """What the election needs of the API server (see kube.Kube)."""

    def get_lease(self, namespace: str, name: str) -> Body | None: ...
    def create_lease(self, namespace: str, lease: Body) -> Body: ...
    def update_lease(self, lease: Body) -> Body: ...


class Follower(Protocol):
    """Who is told of the changes; called from the election's thread."""

    def on_leading(self) -> None: ...
    def on_fenced(self) -> None: ...


@dataclass(frozen=True)
class Terms:
    """Which Lease, who we are, and the times in seconds (see settings.Settings)."""

    namespace: str
    name: str
    identity: str
    duration: float
    deadline: float
    renew: float
    look: float


def boottime() -> float:
    """Seconds on a clock that also counts while the machine sleeps, where there is one."""
    return time.clock_gettime(time.CLOCK_BOOTTIME) if hasattr(time, "CLOCK_BOOTTIME") else time.monotonic()


def end_process() -> None:
    """Nothing may run on, not even a clean-up: another replica is the leader."""
    os._exit(1)


class Leader:
    """Takes part in the election from a thread of its own.

    lost: called when another replica took the Lease that was ours; must not return in a real process.
    """

    def __init__(
        self,
        leases: Leases,
        terms: Terms,
        follower: Follower,
        lost: Callable[[], None] = end_process,
        clock: Callable[[], float] = boottime,
    ) -> None:
        self._leases, self._terms, self._follower = leases, terms, follower
        self._lost, self._clock = lost, clock
        self._lease: Body | None = None  # as our last successful write left it
        self._seen: tuple[tuple[str, str], float] = (("", ""), -math.inf)  # (holder, renewTime), first seen at
        self._renewed = -math.inf
        self._led = self._leading = False
        self._trouble = ""
        self._stop = threading.Event()
        self._beat = clock()
        self._thread = threading.Thread(target=self._run, name="leader", daemon=True)

    def start(self) -> None:
        """Stand for election."""
        self._thread.start()

    def fence(self) -> None:
        """Raises LostLease unless this process is the leader and renewed its Lease within the deadline."""
        if not self._valid():
            raise LostLease(
                f"the Lease {self._terms.namespace}/{self._terms.name} is not (or no longer) held by this process"
            )

    def leading(self) -> bool:
        """Whether this process may write now."""
        return self._leading and self._valid()

    def alive(self) -> bool:
        """Whether the election's thread goes round."""
        return self._thread.is_alive() and self._clock() - self._beat < 3 * self._terms.duration

    def release(self) -> None:
        """Stop, write nothing more, and let the next replica begin at once. Call it when the workers have stopped."""
        self._stop.set()
        self._thread.join(self._terms.deadline)
        self._renewed = -math.inf
        try:
            self._give_back()
        except (ApiError, Unreachable) as error:
            log.warning("the Lease could not be released, the next leader begins when it expires: %s", error)

    def step(self) -> float:
        """One look at the Lease; seconds until the next. The thread does nothing but this."""
        began = self._clock()
        try:
            held = self._hold(began)
            self._say("")
        except (ApiError, Unreachable) as error:
            self._lease = None
            self._say(f"the Lease cannot be read or renewed: {error}")
            held = False
            self._fall_behind()
        else:
            self._decide(held, began)
        self._beat = self._clock()
        return self._terms.renew if held else self._terms.look

    def _run(self) -> None:
        wait = 0.0
        while not self._stop.wait(wait):
            wait = self.step()

    def _decide(self, held: bool, began: float) -> None:
        if held:
            self._renewed = began
            self._lead()
        elif self._led:
            log.critical("another replica took the Lease: this process ends")
            self._follower.on_fenced()
            self._lost()

    def _lead(self) -> None:
        if not self._leading:
            self._led = self._leading = True
            log.info("leading as %s", self._terms.identity)
            self._follower.on_leading()

    def _fall_behind(self) -> None:
        if self._leading and not self._valid():
            self._leading = False
            log.warning("the Lease was not renewed in time: nothing is written until it is ours again")
            self._follower.on_fenced()

    def _valid(self) -> bool:
        return self._clock() - self._renewed <= self._terms.deadline

    def _hold(self, began: float) -> bool:
        """Whether the Lease is ours after this look. Raises ApiError, also when somebody was quicker."""
        lease = self._lease or self._leases.get_lease(self._terms.namespace, self._terms.name)
        if lease is None:
            self._lease = self._leases.create_lease(self._terms.namespace, self._new_lease())
            return True
        spec = lease.get("spec") or {}
        if not self._free(spec, began):
            return False
        self._lease = self._leases.update_lease({**lease, "spec": self._spec(spec)})
        return True

    def _free(self, spec: Body, began: float) -> bool:
        """Ours, given back, or not renewed for its whole duration while we watched."""
        holder, renewed = spec.get("holderIdentity") or "", spec.get("renewTime") or ""
        if self._led or holder == self._terms.identity:
            return holder == self._terms.identity
        if self._seen[0] != (holder, renewed):
            self._seen = ((holder, renewed), began)
        return not holder or began - self._seen[1] > self._terms.duration

    def _spec(self, old: Body) -> Body:
        now = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        ours = old.get("holderIdentity") == self._terms.identity
        return {
            **old,
            "holderIdentity": self._terms.identity,
            "leaseDurationSeconds": math.ceil(self._terms.duration),
            "renewTime": now,
            "acquireTime": old.get("acquireTime", now) if ours else now,
            "leaseTransitions": (old.get("leaseTransitions") or 0) + (0 if ours else 1),
        }

    def _new_lease(self) -> Body:
        meta = {"name": self._terms.name, "namespace": self._terms.namespace}
        return {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": meta, "spec": self._spec({})}

    def _give_back(self) -> None:
        lease = self._leases.get_lease(self._terms.namespace, self._terms.name)
        spec = (lease or {}).get("spec") or {}
        if lease and spec.get("holderIdentity") == self._terms.identity:
            self._leases.update_lease({**lease, "spec": {**spec, "holderIdentity": ""}})
            log.info("the Lease is released")

    def _say(self, trouble: str) -> None:
        if trouble and trouble != self._trouble:
            log.warning("%s", trouble)
        self._trouble = trouble


class Alone:
    """In place of a Leader where no election is wanted: always the leader."""

    def __init__(self, follower: Follower) -> None:
        self._follower = follower

    def start(self) -> None:
        """Lead at once."""
        self._follower.on_leading()

    def fence(self) -> None:
        """Everything is allowed."""

    def leading(self) -> bool:
        """Always."""
        return True

    def alive(self) -> bool:
        """Nothing can die here."""
        return True

    def release(self) -> None:
        """Nothing to give back."""
