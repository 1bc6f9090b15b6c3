"""How a job is waited for, and how it is tried again after growing pauses; each attempt is an object of its own."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Protocol

from glance_operator.core.manifests.plan import ATTEMPT, WISH
from glance_operator.core.past import Past
from glance_operator.core.plan import Phase, Plan, State, doing, stalled, waiting
from glance_operator.core.workload import AWAIT, LOOK, Apply, Job, Object, Pod, Remove, trouble_of, words_of

SHORTEST, LONGEST = 15.0, 600.0  # seconds between the end of a failed attempt and the next one


class Seen(Protocol):
    """What a view knows of jobs, and of what was said of them."""

    @property
    def now(self) -> datetime: ...
    @property
    def jobs(self) -> Mapping[str, Job]: ...
    @property
    def pods(self) -> tuple[Pod, ...]: ...
    @property
    def past(self) -> Past: ...


@dataclass(frozen=True, slots=True)
class Work:
    """What a job does, in words. working, refusal: reasons while it runs and when it has failed; meanwhile: what holds
    as long as it has not succeeded."""

    what: str
    working: str
    refusal: str
    meanwhile: str = ""


def job_plan(view: Seen, job: Object, work: Work) -> Plan | None:
    """Until it is done. Where nothing but a change can help, the failed one stays for people to look at."""
    name = job["metadata"]["name"]
    seen = view.jobs.get(name)
    if seen is None:
        return doing(first(view, job), work.working, work.what, after=LOOK)
    if seen.done:
        return None
    words = words_of((replace(pod, trouble=trouble_of(pod, view.now)) for pod in view.pods), name) or seen.trouble
    if not seen.failed:
        return _under_way(view, seen, work, words)
    told = f"{work.what} failed (Job {name}): {words or 'see the log of its pods'}"
    if seen.refused and seen.wish == view.past.wish:
        return stalled(work.refusal, told + work.meanwhile, after=AWAIT)
    return _again(view, seen, job, State(Phase.WORKING, work.refusal, f"{told}; it is tried again{work.meanwhile}"))


def pause(attempt: int) -> float:
    """Seconds between the end of so manieth an attempt and the next: twice as long each time."""
    return min(LONGEST, SHORTEST * 2.0 ** min(attempt - 1, 30))


def over(job: Job, now: datetime) -> bool:
    """Whether a failed attempt has been left alone for long enough."""
    return job.ended is not None and (now - job.ended).total_seconds() > pause(job.attempt)


def first(view: Seen, job: Object) -> Apply:
    return Apply((_numbered(view, job, 1),))


def anew(view: Seen, job: Object, attempt: int = 1) -> Remove:
    """The same job once more."""
    return Remove((("Job", job["metadata"]["name"]),), (_numbered(view, job, attempt),))


def _numbered(view: Seen, job: Object, attempt: int) -> Object:
    """What has to be remembered of attempts is written on the job itself, and nowhere else."""
    notes = {ATTEMPT: str(attempt), WISH: view.past.wish}
    return {**job, "metadata": {**job["metadata"], "annotations": notes}}


def _under_way(view: Seen, seen: Job, work: Work, words: str) -> Plan:
    """What an attempt has said stays until the next one has ended: nothing is news but an outcome."""
    past = view.past
    if seen.attempt > 1 and past.reason == work.refusal and words in past.message:
        return waiting(work.refusal, past.message, LOOK)
    told = f"{work.what} (Job {seen.name})" + (f": {words}" if words else "") + work.meanwhile
    return waiting(work.working, told, LOOK, passing=not words)


def _again(view: Seen, seen: Job, job: Object, state: State) -> Plan:
    """When the pause is over, and at once when somebody has asked for it or changed something since it was made."""
    if seen.wish != view.past.wish:
        return Plan(state, step=anew(view, job), after=LOOK, passing=True)
    waited = (view.now - seen.ended).total_seconds() if seen.ended else LONGEST
    if (left := pause(seen.attempt) - waited) > 0:
        return Plan(state, after=min(left, AWAIT))
    return Plan(state, step=anew(view, job, seen.attempt + 1), after=LOOK, passing=True)
