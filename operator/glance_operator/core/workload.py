"""What kinds that run pods have in common: what they see of them, and how they wait for a job."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Protocol

from glance_operator.core.plan import AddFinalizer, Phase, Plan, State, Step, doing

Object = dict[str, Any]
LOOK = 1.0  # seconds between two looks while Kubernetes is at work
AWAIT = 10.0  # the same while somebody else has to do something
OVERDUE = timedelta(minutes=1)  # after its time a pod is given so long to confirm that it has ended


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

    words: what its container said when it ended, in short; said: the whole of it. policy: the one that it was touched
    for. caching: it has a cache; cleared: which lists nothing that an earlier pod of its name had. ends: when it should
    be gone, once it is leaving. silent: Kubernetes no longer believes that it serves, although it never said so itself.
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
    said: str = ""
    policy: str = ""
    uid: str = ""
    caching: bool = False
    cleared: bool = False
    ends: datetime | None = None
    silent: bool = False

    @property
    def leaving(self) -> bool:
        return self.ends is not None

    @property
    def cache_ready(self) -> bool | None:
        """Whether images may be put into its cache; None: it has none."""
        return self.cleared if self.caching else None


@dataclass(frozen=True, slots=True)
class Workload:
    """A StatefulSet: what it was told, and whether its pods have followed (`current` counts those that have).

    trouble: why it has fewer pods than it was told. volumes: sizes of the claims that come with a pod, by volume.
    """

    replicas: int
    config: str
    image: str
    noticed: bool
    trouble: str = ""
    epoch: str = ""
    volumes: Mapping[str, str] = field(default_factory=dict)
    current: int = 0
    ready: int = 0

    @property
    def rolled_out(self) -> bool:
        """Every pod is as it was told to be, and serves."""
        return self.noticed and self.current == self.ready == self.replicas


@dataclass(frozen=True, slots=True)
class Job:
    """Work beside a service. ended: when it was done or failed; refused: another attempt would not go better.

    trouble: why it has no pods. why: it has failed. attempt: the how-manieth this is; wish: what was wanted when it was
    made.
    """

    name: str
    component: str
    done: bool = False
    failed: bool = False
    refused: bool = False
    ended: datetime | None = None
    trouble: str = ""
    attempt: int = 1
    wish: str = ""
    why: str = ""
    uid: str = ""
    labels: Mapping[str, str] = field(default_factory=dict)


def trouble_of(pod: Pod, now: datetime) -> str:
    """Why it does not serve, or does not go, in one sentence; it says the same as long as that is so."""
    if not (pod.silent or (pod.ends and now - pod.ends > OVERDUE)):
        return pod.trouble
    what = "it does not confirm its end" if pod.leaving else "nothing is heard of it"
    taint = f"kubectl taint nodes {pod.node} node.kubernetes.io/out-of-service=nodeshutdown:NoExecute"
    return (
        f"NodeLost: {what}: node {pod.node} is gone or hangs; bring it back, or if it is gone for good: {taint}"
        " (and remove the taint afterwards)"
    )


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


def words_of(pods: Iterable[Pod], job: str) -> str:
    """The last words of a job's pods, or why they do not run; the youngest pod is the last."""
    mine = [pod for pod in pods if pod.job == job]
    return next((text for pod in reversed(mine) if (text := pod.words or pod.trouble)), "")
