"""In which stores the data shall be, in which it is, and what to do about the difference."""

from __future__ import annotations

from dataclasses import dataclass, replace

from glance_operator.core.image import backends, identity, nodes, staging
from glance_operator.core.image.observed import Node, StoreMemory, View
from glance_operator.core.plan import Plan, Step, doing, stalled, waiting

COPY_IMAGE = "copy-image"
LOCKED = 10.0  # seconds between two looks for the end of a lock whose task is over
LOCK_FOR = 61 * 60.0  # seconds after the end of a copy in which Glance refuses another: its lock counts for an hour
INTERRUPTED = "Glance keeps an image locked for an hour after a copy that was cut off: the next attempt follows then"
_UNKNOWN = "Glance tells no cause: check that the store is reachable, writable and has room"
RECHECK = 60.0  # seconds until the service is asked again for stores and methods that it did not have


@dataclass(frozen=True, slots=True)
class CopyToStores(Step):
    """POST /v2/images/{id}/import by copy-image. ``node``: the pod that is asked, where we see them."""

    image_id: str
    stores: tuple[str, ...]
    node: Node | None = None


def targets(view: View) -> tuple[str, ...]:
    """Ids of the stores the data shall be in, in the order asked for; empty if the service names no stores. Without a
    word an image that was another's stays where it is.

    One that is drained is none; if no other is left, the default store stands in for it.
    """
    asked, central = _asked(view), view.service.default_store
    left = tuple(s for s in asked if s not in view.draining)
    stand_in = (central,) if central and central not in view.draining else ()
    return left or (stand_in if asked else ())


def _asked(view: View) -> tuple[str, ...]:
    asked, service = view.spec.stores, view.service
    if asked is None and view.image is not None and identity.adopts(view):
        return view.image.stores
    if asked is None or not service.stores:
        return (service.default_store,) if service.default_store else ()
    if asked.names:
        return tuple(asked.names)
    left_out = set((asked.all.except_ if asked.all else None) or ())
    return tuple(s for s in service.stores if s not in left_out)


def allow_failure(view: View) -> bool:
    return view.spec.stores is None or view.spec.stores.allow_failure


def unknown(view: View) -> tuple[str, ...]:
    """Asked for by name, but not offered by the service."""
    names = view.spec.stores.names if view.spec.stores else None
    return tuple(n for n in names or () if n not in view.service.stores and n not in view.draining)


def refuse(view: View) -> Plan | None:
    """Stores that do not exist, or none at all."""
    if names := unknown(view):
        return _unknown_store(view, names)
    if view.service.stores and not targets(view) and _asked(view):
        message = "Every store of spec.stores, and the default store, is being drained: name another"
        return waiting("StoreDraining", message, after=RECHECK)
    if view.service.stores and not targets(view):
        message = "spec.stores.all.except leaves out every store that the image service has: shorten the list"
        return stalled("UnknownStore", message, after=RECHECK)
    return None


def _unknown_store(view: View, names: tuple[str, ...]) -> Plan:
    has = ", ".join(view.service.stores) or "no stores by name"
    return stalled(
        "UnknownStore",
        f"spec.stores.names: the image service does not know {', '.join(names)} (it has {has}): "
        f"correct the name, or add the store to the service",
        after=RECHECK,
    )


def present(view: View) -> tuple[str, ...]:
    """Target stores that hold the data."""
    if view.image is None:
        return ()
    return tuple(s for s in targets(view) if s in view.image.stores)


def missing(view: View) -> tuple[str, ...]:
    have = present(view)
    return tuple(s for s in targets(view) if s not in have)


def ready(view: View) -> tuple[int, int]:
    """How many of how many: a service without named stores counts as one."""
    wanted = len(targets(view))
    if wanted:
        return len(present(view)), wanted
    return int(view.image is not None and view.image.status == "active"), 1


def enough(view: View) -> bool:
    """Whether users may see the image: in every store, or with ``allowFailure`` in at least one."""
    done, wanted = ready(view)
    return done == wanted or (allow_failure(view) and done > 0)


def fill_missing(view: View) -> Plan | None:
    """Copy to those missing stores whose time has come."""
    due = _due(view)
    if not due or view.image is None or (view.image.lock and not nodes.cut_off(view)) or _obstacle(view):
        return None
    step = CopyToStores(view.image.id, due, nodes.choose(view, staging.copy_needs(view)))
    plan = doing(step, "Copying", f"Copying the data to {', '.join(due)}", slot=True, after=None)
    return replace(plan, record=True)  # which task was the last before: the next is counted against the stores


def _due(view: View) -> tuple[str, ...]:
    return tuple(s for s in missing(view) if _can_be_filled(view, s) and is_due(view, s))


def _obstacle(view: View) -> str:
    """Why a service of ours cannot copy now; empty if it can."""
    if narrow := staging.narrow(view):
        return narrow
    needs = staging.copy_needs(view)
    if wait := nodes.await_one(view):
        return wait.state.message
    node = nodes.choose(view, needs)
    return "" if node is None or staging.fits(view, node, needs) else "other imports fill the staging space"


def _can_be_filled(view: View, store: str) -> bool:
    return store in view.service.stores and COPY_IMAGE in view.service.methods and not given_up(view, store)


def is_due(view: View, store: str) -> bool:
    """Whether the store is tried with the next copy, or was with the last one: its time has come."""
    memory = view.memory.stores.get(store, StoreMemory())
    return not given_up(view, store) and (memory.next_attempt is None or memory.next_attempt <= view.now)


def given_up(view: View, store: str) -> bool:
    """With ``allowFailure`` a store is tried for ever; else as often as ``retryLimit`` says."""
    limit = view.spec.retry_limit
    if allow_failure(view) or limit < 0:
        return False
    return view.memory.stores.get(store, StoreMemory()).attempts >= max(1, limit)


def demand_all(view: View) -> Plan | None:
    """Too few stores hold the data: wait for the next attempt, or say that there is none."""
    if enough(view):
        return None
    lacking = missing(view)
    where = ", ".join(lacking)
    if refused := refuse(view):
        return refused
    if COPY_IMAGE not in view.service.methods:
        return stalled(
            "MethodNotEnabled",
            f"The data is missing in {where} and the image service does not offer copy-image: enable it",
            after=RECHECK,
        )
    if all(given_up(view, s) for s in lacking):
        return stalled("RetryLimitExceeded", f"Gave up storing the data in {where}. {hint(view, lacking)}")
    if why := _delay(view):
        return waiting("StoreImportDelayed", f"The data is missing in {where}: {why}", after=until_next(view))
    message = f"The data is missing in {where}. {hint(view, lacking)}"
    return waiting("StoreImportFailed", message, after=until_next(view))


def _delay(view: View) -> str:
    """What keeps a service of ours from copying; empty if nothing does."""
    if _due(view):
        return _obstacle(view)
    return f"pod {view.memory.node} ended while it copied. {INTERRUPTED}" if nodes.lost(view) else ""


def hint(view: View, names: tuple[str, ...]) -> str:
    """What may be wrong with stores that could not be filled."""
    known = troubles(view, names)
    cause = f"{known}: mend it" if known else _UNKNOWN
    return f"{cause}; the annotation glance-operator.io/retry starts another attempt at once"


def troubles(view: View, names: tuple[str, ...]) -> str:
    """What the GlanceStores of a service of ours say of that; empty where nobody knows."""
    return backends.words(view.backends, names, view.image.size if view.image else None)


def until_next(view: View) -> float | None:
    """Seconds until the next attempt on a missing store; None if there is none to come."""
    memories = [view.memory.stores.get(s, StoreMemory()) for s in missing(view) if _can_be_filled(view, s)]
    times = [m.next_attempt for m in memories if m.next_attempt]
    if _due(view) and _obstacle(view):
        return LOCKED
    least = LOCKED if view.image and view.image.lock else 0.1
    return max(least, (min(times) - view.now).total_seconds()) if times else None


def summary(view: View) -> str:
    """How many stores serve the image, and which do not yet."""
    done, wanted = ready(view)
    lacking = ", ".join(missing(view))
    served = f"Served from {done} of {wanted} stores"
    if not lacking:
        return served
    why = _delay(view) or troubles(view, missing(view))
    return f"{served}; missing in {lacking}" + (f": {why}" if why else "")
