"""What kinds that run pods have in common: what they see of them, and how they wait for a job."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Protocol

from glance_operator.core.plan import AddFinalizer, Phase, Plan, State, Step, doing, stalled, waiting

Object = dict[str, Any]
LOOK = 1.0  # seconds between two looks while Kubernetes is at work
AWAIT = 10.0  # the same while somebody else has to do something
AGAIN = timedelta(seconds=30)  # so long a failed job is left before the next one


@dataclass(frozen=True, slots=True)
class Apply(Step):
    """Have these objects as they are described; what others have added to them stays."""

    objects: tuple[Object, ...]


@dataclass(frozen=True, slots=True)
class Remove(Step):
    """Delete objects of ours that nobody needs any more, by kind and name; then apply what remembered them."""

    objects: tuple[tuple[str, str], ...]
    then: tuple[Object, ...] = ()


@dataclass(frozen=True, slots=True)
class Touch(Step):
    """Annotate pods: so the kubelet brings them at once what has changed in a Secret that they mount."""

    pods: tuple[str, ...]
    annotation: str
    value: str


@dataclass(frozen=True, slots=True)
class Pod:
    """One pod of a service, or of a job. config: name of the Secret with its files; trouble: why it does not run.

    words: what its container said when it ended. policy: the one that it was touched for. caching: it has a cache;
    cleared: which lists nothing that an earlier pod of its name had.
    """

    name: str
    component: str
    ready: bool = False
    config: str = ""
    image: str = ""
    job: str = ""
    container_id: str = ""
    restarts: int = 0
    started: str = ""
    node: str = ""
    trouble: str = ""
    words: str = ""
    policy: str = ""
    leaving: bool = False
    uid: str = ""
    caching: bool = False
    cleared: bool = False

    @property
    def cache_ready(self) -> bool | None:
        """Whether images may be put into its cache; None: it has none."""
        return self.cleared if self.caching else None


@dataclass(frozen=True, slots=True)
class Workload:
    """A StatefulSet: what it was told, and whether its pods have followed (`current` counts those that have).

    trouble: why it has fewer pods than it was told.
    """

    replicas: int
    config: str
    image: str
    noticed: bool
    trouble: str = ""
    epoch: str = ""
    current: int = 0
    ready: int = 0

    @property
    def rolled_out(self) -> bool:
        """Every pod is as it was told to be, and serves."""
        return self.noticed and self.current == self.ready == self.replicas


@dataclass(frozen=True, slots=True)
class Job:
    """Work beside a service. ended: when it was done or failed; refused: another attempt would not go better.

    trouble: why it has no pods.
    """

    name: str
    component: str
    done: bool = False
    failed: bool = False
    refused: bool = False
    ended: datetime | None = None
    trouble: str = ""


class Suspendable(Protocol):
    """A spec that may ask for its object to be left alone."""

    @property
    def suspend(self) -> bool: ...


class Held(Protocol):
    """What every view knows of its object."""

    @property
    def spec(self) -> Suspendable: ...
    @property
    def finalized(self) -> bool: ...


def respect_suspension(view: Held) -> Plan | None:
    if not view.spec.suspend:
        return None
    return Plan(State(Phase.PAUSED, "Suspended", "spec.suspend is true: nothing is touched"))


def hold(view: Held) -> Plan | None:
    """Before anything is made for it, the object is held until that has been cleaned up."""
    return None if view.finalized else doing(AddFinalizer(), "Accepted", "Seen")


def nothing(_: Object) -> bool:
    """What is in place as far as a process knows that has just begun."""
    return False


class Seen(Protocol):
    """What a view knows of jobs."""

    @property
    def now(self) -> datetime: ...
    @property
    def jobs(self) -> Mapping[str, Job]: ...
    @property
    def pods(self) -> tuple[Pod, ...]: ...


def words_of(pods: Iterable[Pod], job: str) -> str:
    """The last words of a job's pods, or why they do not run; the youngest pod is the last."""
    mine = [pod for pod in pods if pod.job == job]
    return next((text for pod in reversed(mine) if (text := pod.words or pod.trouble)), "")


def job_plan(view: Seen, job: Object, refusal: str, working: str, what: str) -> Plan | None:
    """Until it is done. Where nothing but a change can help, the failed one stays for people to look at."""
    name = job["metadata"]["name"]
    seen = view.jobs.get(name)
    if seen is None:
        return doing(Apply((job,)), working, what, after=LOOK)
    words = words_of(view.pods, name) or seen.trouble
    if seen.done:
        return None
    if not seen.failed:
        return waiting(working, f"{what} (Job {name})" + (f": {words}" if words else ""), LOOK, passing=not words)
    told = f"{what} failed (Job {name}): {words or 'see the log of its pods'}"
    if seen.refused:
        return stalled(refusal, told, after=AWAIT)
    if seen.ended and view.now - seen.ended > AGAIN:
        step = Remove((("Job", name),))
        return Plan(State(Phase.WORKING, refusal, told), step=step, after=LOOK, passing=True)
    return waiting(refusal, f"{told}; it is tried again", AWAIT)
