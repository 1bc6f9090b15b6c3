"""Stores that shall hold the data no longer: each is emptied once all that shall hold it have it.

Only stores that we have filled are emptied, but for one that is drained: there the administrator has the word.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from glance_operator.core.conditions import FALSE, TRUE, Condition
from glance_operator.core.image import content, identity, retries, stores
from glance_operator.core.image.observed import StoreMemory, View
from glance_operator.core.plan import Phase, Plan, State, Step

REMOVING, REFUSED, DRAINING = "Removing", "RemovalRefused", "StoreDraining"
REASONS = frozenset({REMOVING, REFUSED, DRAINING})  # in status.stores: something is still to be done
NO_CENTRAL_COPY = "NoCentralCopy"
_RECHECK = 600.0  # seconds until it is looked whether what keeps a store from being emptied is over


@dataclass(frozen=True, slots=True)
class DeleteFromStore(Step):
    """DELETE /v2/stores/{store}/{id}."""

    image_id: str
    store: str


def surplus(view: View) -> tuple[str, ...]:
    """Stores that hold the data and shall not."""
    image = view.image
    if image is None:
        return ()
    return tuple(s for s in dict.fromkeys(image.stores) if s in view.draining or _has_left(view, s))


def _has_left(view: View, store: str) -> bool:
    """Taken out of the spec. Without spec.stores only what the spec said before counts: that the service has another
    default store now takes nothing away."""
    asked, memory = view.spec.stores, view.memory
    if store not in memory.filled:
        return False
    if asked is None:
        return store not in stores.targets(view) and (memory.respecified or store in memory.leaving)
    if asked.names:
        return store not in asked.names
    return store in ((asked.all.except_ if asked.all else None) or ())


def filled(view: View) -> list[str]:
    """status.applied.stores: what we have filled, and, while an import may run, what it was asked to fill before."""
    targets, known = set(stores.targets(view)), set(view.memory.filled)
    known = known if view.spec.stores else known & {*surplus(view), *targets}
    ours = known if identity.adopts(view) else known | targets
    there = set(view.image.stores if view.image else ()) & ours
    return sorted(there if content.arrived(view) else there | (known - targets))


def empty(view: View) -> Plan | None:
    """One store after the other. The image is served all the while."""
    store = _due(view)
    if store is None or view.image is None:
        return None
    state = State(Phase.READY, REMOVING, f"{stores.summary(view)}; removing the data from {store}")
    return Plan(state, step=DeleteFromStore(view.image.id, store), after=0, passing=True)


def refused(view: View, step: DeleteFromStore, code: int, said: str) -> Plan:
    """The plan after Glance has answered with HTTP ``code`` and the words ``said``: tried again, ever more slowly."""
    why = f"Glance refuses to remove it (HTTP {code}): {said}; {_hint(code)}"
    state = State(Phase.READY, REFUSED, f"{stores.summary(view)}; still in {step.store}: {why}")
    return Plan(state, after=retries.delay(view, _after_refusal(view, step.store).attempts, step.store))


def _hint(code: int) -> str:
    match code:
        case 403:
            return "it may be the last copy, or the credentials lack the right to delete locations"
        case 409:
            return "what uses it there has to go first"
    return "check that the store is reachable and writable"


def _due(view: View) -> str | None:
    return next((s for s in surplus(view) if not _obstacle(view, s) and not _rests(view, s)), None)


def _rests(view: View, store: str) -> bool:
    due = _memory(view, store).next_attempt
    return due is not None and due > view.now


def _memory(view: View, store: str) -> StoreMemory:
    return view.memory.stores.get(store, StoreMemory())


def _obstacle(view: View, store: str) -> str:
    """Why it is not emptied now, and what to do; empty if it can be."""
    image, lacking = view.image, ", ".join(stores.missing(view))
    if image is None or image.status != "active":
        return f"the image is {image.status if image else 'gone'}: it has to be active"
    if image.lock:
        return "Glance has locked the image for an import"
    if store not in view.service.stores:
        return "the image service does not offer this store now: add it again"
    if lacking or not stores.present(view):
        return f"first the data must be in {lacking or 'another store: name one in spec.stores'}"
    if store in view.draining and image.protected:
        return "the image is protected: set spec.protected to false"
    return ""


def reason(view: View) -> str:
    """What Ready says of it beside True; empty if there is nothing to say."""
    if any(_memory(view, s).attempts for s in surplus(view)):
        return REFUSED
    if drained(view):
        return DRAINING
    return REMOVING if surplus(view) else ""


def drained(view: View) -> tuple[str, ...]:
    """Stores that the spec names, or means where it names none, and that are being emptied."""
    asked = view.spec.stores
    if asked is not None and asked.all:
        return ()
    named = asked.names if asked and asked.names else (view.service.default_store,)
    return tuple(s for s in named if s in view.draining)


def summary(view: View) -> str:
    """How many stores serve the image, and which hold it although they shall not."""
    return "; ".join([served(view), *_left(view)])


def served(view: View) -> str:
    """How many stores serve the image, and which of them are not to."""
    return "; ".join([stores.summary(view), *_drains(view)])


def _left(view: View) -> Iterator[str]:
    for store in surplus(view):
        why = _memory(view, store).message or _obstacle(view, store)
        yield f"still in {store}" + (f": {why}" if why else "")


def _drains(view: View) -> Iterator[str]:
    if names := ", ".join(drained(view)):
        yield f"the GlanceStore of {names} is being drained: name another store in spec.stores"


def until_next(view: View) -> float | None:
    """Seconds until the next attempt; None if there is none to come."""
    times = [_wait(view, s) for s in surplus(view)]
    return min(times, default=None)


def _wait(view: View, store: str) -> float:
    due = _memory(view, store).next_attempt
    if _obstacle(view, store) or due is None:
        return _RECHECK
    return max(0.1, (due - view.now).total_seconds())


# What is said


def entry_of(view: View, plan: Plan, store: str) -> StoreMemory:
    """Attempts at that store, with the one that Glance has just refused."""
    just = plan.state.reason == REFUSED and plan.step is None and store == _due(view)
    return _after_refusal(view, store) if just else _memory(view, store)


def _after_refusal(view: View, store: str) -> StoreMemory:
    attempts = _memory(view, store).attempts + 1
    return StoreMemory(attempts, _later(view, retries.delay(view, attempts, store)))


def _later(view: View, seconds: float) -> datetime:
    return view.now + timedelta(seconds=seconds)


def store_condition(view: View, plan: Plan, store: str) -> Condition | None:
    """None for a store that shall hold the data."""
    if store in surplus(view):
        if plan.state.reason == REFUSED and plan.step is None and store == _due(view):
            return Condition(store, TRUE, REFUSED, plan.state.message.rpartition(f"still in {store}: ")[2])
        known = _memory(view, store)
        if known.attempts:
            return Condition(store, TRUE, REFUSED, known.message)
        return Condition(store, TRUE, REMOVING, _obstacle(view, store))
    if store in drained(view):
        return Condition(store, FALSE, DRAINING, "Its GlanceStore is being drained: name another store in spec.stores")
    return None


def central_condition(view: View) -> Condition | None:
    """Abnormal, and nothing is kept from being so: the spec leaves no copy at the service's default store."""
    central, targets = view.service.default_store, stores.targets(view)
    if not central or not targets or central in targets or central in view.draining:
        return None
    words = (
        f"spec.stores leaves no copy in {central}, the image service's default store: name it, too, to have one there"
    )
    return Condition(NO_CENTRAL_COPY, TRUE, "DefaultStoreLeftOut", words)
