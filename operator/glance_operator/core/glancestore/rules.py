"""The rules of a GlanceStore; `core.glancestore` has them in their order."""

from __future__ import annotations

from dataclasses import replace

from glance_operator.core import inputs
from glance_operator.core.attempts import Work, anew, first, job_plan
from glance_operator.core.glancestore.observed import Proof, View
from glance_operator.core.glancestore.proof import wanted
from glance_operator.core.plan import LetGo, Phase, Plan, State, doing, stalled, waiting
from glance_operator.core.workload import AWAIT, LOOK, Apply, Job, Remove

GOES_ON = "; the service goes on with what was proven before"


def let_go(view: View) -> Plan | None:
    """Only a store that is in no configuration may vanish: images would be left without their data."""
    if not view.deleted:
        return None
    if view.spec.suspend:
        return doing(LetGo(), "Deleting", "Nothing needs it any more")
    if view.configured and (view.images is None or view.images.count):
        return waiting("Draining", draining(view), AWAIT) if drains(view) else waiting("InUse", in_use(view), AWAIT)
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


def refuse_rival(view: View) -> Plan | None:
    """Glance has one store of a name. Whoever came first has it."""
    if not view.rival:
        return None
    words = f"GlanceStore {view.rival} has the store id {view.store_id} already: delete this one, or that one first"
    return stalled("DuplicateStoreID", words, AWAIT)


def await_inputs(view: View) -> Plan | None:
    words = inputs.missing(wanted(view.spec, view.api), view.found)
    return waiting("InputMissing", f"{words}: create it{meanwhile(view)}") if words else None


def prove(view: View) -> Plan | None:
    """Once for each configuration, and a file system again after a while, for what it has become."""
    proof = drawn(view)
    failed = view.job is not None and view.job.failed
    if not (view.in_place(proof.secret) or (view.known and view.kept)):
        return doing(Apply((proof.secret,)), "Probing", "Preparing the proof")
    if view.known and not failed:
        return _prove_again(view, view.job)
    work = Work("Writing, reading and removing an object", "Probing", "ProbeFailed", meanwhile(view))
    return job_plan(view, proof.job, work)


def _prove_again(view: View, job: Job | None) -> Plan | None:
    """While that goes on, what was found before still holds."""
    if job and not job.done:
        return replace(await_service(view), after=LOOK)
    last = job.ended if job else view.memory.proven
    old = view.has_figures and (last is None or view.now - last > view.refresh)
    asked = view.past.retried and (job is None or job.wish != view.past.wish)
    if not (old or asked):
        return None
    again = anew if job else first
    return replace(await_service(view), step=again(view, drawn(view).job), after=LOOK)


def tidy(view: View) -> Plan | None:
    """What was proven before may go, and what never was. The last job stays: it tells how old its figures are."""
    now = drawn(view).name
    old = set(view.jobs) - {now}
    superseded = {view.superseded} if view.superseded else set()
    gone = [("Job", name) for name in sorted(old)] + [("Secret", name) for name in sorted(old | superseded)]
    if not gone:
        return None
    return replace(await_service(view), step=Remove(tuple(gone)), after=0, record=True)


def await_service(view: View) -> Plan:
    if not view.configured:
        return waiting("NotConfigured", "Proven; waiting until it is in the configuration of the service", 5)
    if view.api and view.api.stores[view.store_id] != drawn(view).hash:
        return waiting("RollingOut", "Proven; waiting until the service runs with it", 5)
    return Plan(State(Phase.READY, "Usable", "The service uses it"))


def drawn(view: View) -> Proof:
    if view.proof is None:
        raise AssertionError("a store is drawn before it is proven")
    return view.proof


def meanwhile(view: View) -> str:
    return GOES_ON if view.lasting else ""


def drains(view: View) -> bool:
    """Whether images leave it by the administrator's word."""
    return view.deleted and view.spec.deletion_policy == "Drain"


def draining(view: View) -> str:
    """How many are still here, and which of them wait for people."""
    held = "; ".join(view.images.held) if view.images else ""
    return in_use(view) + (f". Not moved: {held}" if held else "")


def in_use(view: View) -> str:
    if view.images is None:
        return "It is not known whether images live here: the service cannot be asked"
    count, some = view.images.count, ", ".join(view.images.some)
    living = "1 image still lives here" if count == 1 else f"{count} images still live here"
    return f"{living}: {some}" + (", …" if count > len(view.images.some) else "")
