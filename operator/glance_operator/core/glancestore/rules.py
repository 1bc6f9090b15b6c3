"""The rules of a GlanceStore; `core.glancestore` has them in their order."""

from __future__ import annotations

from glance_operator.core import inputs
from glance_operator.core.glancestore.observed import View
from glance_operator.core.glancestore.proof import wanted
from glance_operator.core.plan import LetGo, Phase, Plan, State, doing, stalled, waiting
from glance_operator.core.workload import AWAIT, Apply, Remove, job_plan


def let_go(view: View) -> Plan | None:
    """Only a store that is in no configuration may vanish: images would be left without their data."""
    if not view.deleted:
        return None
    if view.spec.suspend:
        return doing(LetGo(), "Deleting", "Nothing needs it any more")
    if view.configured and (view.images is None or view.images.count):
        return waiting("InUse", in_use(view), AWAIT)
    # Its service takes it out as soon as it knows that it is empty; one that is being deleted waits for it in turn.
    if view.configured and view.api and not view.api.ending:
        return waiting("Detaching", "Waiting until the service runs without it", 2)
    return doing(LetGo(), "Deleting", "Nothing needs it any more")


def await_api(view: View) -> Plan | None:
    name = view.spec.glance_api_ref.name
    if view.api is None and view.memory.hash:
        return waiting(
            "APIGone", f"GlanceAPI {name} (spec.glanceAPIRef) is gone: create it again, or delete this store"
        )
    if view.api is None:
        return waiting("APINotFound", f"GlanceAPI {name} (spec.glanceAPIRef) does not exist: create it")
    if not view.api.image:
        return waiting("APINotReady", f"GlanceAPI {name} has no container image, with which the store would be proven")
    return None


def refuse_twin(view: View) -> Plan | None:
    """Images of the elder's live under this id: only one of the two can be meant."""
    if not view.elder:
        return None
    words = f"GlanceStore {view.elder}, which is older, has the store id {view.store_id}, too: delete one of them"
    return stalled("DuplicateStoreID", words, AWAIT)


def await_inputs(view: View) -> Plan | None:
    words = inputs.missing(wanted(view.spec, view.api), view.found)
    return waiting("InputMissing", f"{words}: create it") if words else None


def prove(view: View) -> Plan | None:
    """Once for each configuration."""
    if view.proof is None:
        raise AssertionError("a store is drawn before it is proven")
    if view.memory.usable and view.memory.hash == view.proof.hash:
        return None
    secret, job = view.proof.objects
    if not view.in_place(secret):
        return doing(Apply((secret,)), "Probing", "Preparing the proof")
    return job_plan(view, job, "ProbeFailed", "Probing", "Writing, reading and removing an object")


def tidy(view: View) -> Plan | None:
    """The words are in the status; what told them may go."""
    old = sorted(view.jobs)
    if not old or not (view.memory.usable and view.proof and view.memory.hash == view.proof.hash):
        return None
    gone = tuple((kind, name) for name in old for kind in ("Job", "Secret"))
    return Plan(State(Phase.READY, "Usable"), step=Remove(gone), after=0)


def await_service(view: View) -> Plan:
    if view.configured:
        return Plan(State(Phase.READY, "Usable", "The service uses it"))
    return waiting("NotConfigured", "Proven; waiting until it is in the configuration of the service", 5)


def in_use(view: View) -> str:
    if view.images is None:
        return "It is not known whether images live here: the service cannot be asked"
    count, some = view.images.count, ", ".join(view.images.some)
    living = "1 image still lives here" if count == 1 else f"{count} images still live here"
    return f"{living}: {some}" + (", …" if count > len(view.images.some) else "")
