"""The rules of a GlanceAPI, in the words of its conditions; `core.glanceapi` has them in their order."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from glance_operator.core import config, inputs, manifests
from glance_operator.core.attempts import Work, job_plan
from glance_operator.core.glanceapi import drawing, volumes
from glance_operator.core.glanceapi.drawing import Drawing
from glance_operator.core.glanceapi.observed import View
from glance_operator.core.manifests.plan import POLICY
from glance_operator.core.plan import LetGo, Phase, Plan, State, doing, stalled, waiting
from glance_operator.core.workload import LOOK, Apply, Object, Remove, Touch, trouble_of

# Before anything can be drawn


def let_go(view: View) -> Plan | None:
    """What is being deleted itself may need the service; what stays has to find another."""
    if not view.deleted:
        return None
    # Where the pods have been deleted, too, as with a whole namespace, nothing would ever be served again.
    if view.dependents and view.workload and not view.spec.suspend:
        return waiting(
            "DependentsExist", f"Waiting until these are deleted, which need the service: {_some(view.dependents)}"
        )
    if claims := volumes.to_delete(view):
        return doing(Remove(claims), "Deleting", "Deleting the claims that were made for it")
    return doing(LetGo(), "Deleting", "Nothing needs it any more")


def name_the_image(view: View) -> Plan | None:
    if view.image:
        return None
    return stalled("ImageMissing", "Set spec.image: the operator has no default for Glance's container image")


def await_inputs(view: View) -> Plan | None:
    if words := inputs.missing(inputs.of_api(view.spec), view.found):
        return waiting("InputMissing", f"{words}: create it")
    return None


def await_stores(view: View) -> Plan | None:
    """Glance does not start without a store."""
    if not view.members:
        return waiting("NoStore", f"Create a GlanceStore with spec.glanceAPIRef.name: {view.name}")
    if twice := _twice(view):
        words = f"Two GlanceStores have the same store id: {twice}. Delete the one that came later"
        return stalled("DuplicateStoreID", words + _until_then(view))
    if view.workload is None and any(member.probing for member in view.members):
        return waiting("StoresProbing", "Waiting until the GlanceStores are proven", LOOK, passing=True)
    if not drawing.attached(view):
        return waiting("StoresUnusable", "No GlanceStore can be used yet: see their conditions")
    return None


def await_default(view: View) -> Plan | None:
    """One store takes what names none."""
    if drawing.default(view):
        return None
    ref = view.spec.default_store_ref
    if ref is None:
        names = ", ".join(member.name for member in drawing.attached(view))
        words = f"Set spec.defaultStoreRef.name to one of the stores: {names}"
        return stalled("DefaultStoreAmbiguous", words + _until_then(view))
    if any(member.name == ref.name for member in view.members):
        words = f"GlanceStore {ref.name} is the default and cannot be used yet: see its conditions"
        return waiting("DefaultStoreUnusable", words + _until_then(view))
    words = f"GlanceStore {ref.name} (spec.defaultStoreRef) does not exist, or names another GlanceAPI"
    return waiting("DefaultStoreMissing", words + _until_then(view))


def await_proofs(view: View) -> Plan | None:
    """Without what was proven nothing is drawn anew: the pods go on with what they have."""
    lost = [member.name for member in drawing.attached(view) if member.proven is None]
    if not lost:
        return None
    words = f"What was proven of these GlanceStores is gone: {', '.join(lost)}"
    told = f"{words}; they are proven again, and until then the service stays as it is"
    return waiting("ProofMissing", told, LOOK, passing=True)


# With everything drawn


def configure(drawn: Drawing) -> Plan | None:
    """The new configuration lies beside the old one, which nobody changes. That it is there is written down first."""
    policy = manifests.policy_secret(drawn.of, drawn.policy, drawn.record)
    return _apply(drawn, [policy, manifests.config_secret(drawn.of, drawn.files)], "Configured")


def touch(drawn: Drawing) -> Plan | None:
    """A policy reaches the pods within a minute, and at once if they are touched."""
    digest = config.digest({"policy": drawn.policy})
    pods = tuple(pod.name for pod in drawn.view.pods_of("api") if pod.policy != digest and not pod.leaving)
    return doing(Touch(pods, POLICY, digest), "Deploying", "Handing out the policy") if pods else None


def equip(drawn: Drawing) -> Plan | None:
    """What jobs and pods need before they start: volumes and an account."""
    return _apply(drawn, manifests.foundations(drawn.of), "Preparing")


def prove(drawn: Drawing) -> Plan | None:
    """No configuration reaches a pod before Glance itself has read it."""
    work = Work("Proving the configuration", "Proving", "ConfigRefused")
    return job_plan(drawn.view, manifests.preflight_job(drawn.of), work)


def lay_out(drawn: Drawing) -> Plan | None:
    return _apply(drawn, manifests.objects(drawn.of), "Deploying")


def await_pods(drawn: Drawing) -> Plan | None:
    """Kubernetes replaces them one by one; each finishes its imports first."""
    view, workload = drawn.view, drawn.view.workload
    if workload is None or not workload.noticed:
        return waiting("Deploying", "Waiting for the StatefulSet controller", LOOK, passing=True)
    if workload.rolled_out:
        return None
    reason = "RollingOut" if view.memory.stores else "Deploying"  # it has served before
    return waiting(reason, _progress(view), LOOK, passing=not _troubled(view))


def tidy(drawn: Drawing) -> Plan | None:
    """Jobs, configurations and objects that are no more: the last ones stay, to look at or to go back to."""
    wanted, extras = manifests.names(drawn.of), manifests.extras(drawn.of)
    jobs = [name for name, job in drawn.view.jobs.items() if job.component in manifests.OURS and name not in wanted]
    configs = drawn.record.configs
    old = [*(("Job", name) for name in sorted(jobs)), *(("Secret", name) for name in configs[manifests.KEPT :])]
    for one in sorted({*drawn.record.extras} - {*extras}):
        kind, _, name = one.partition("/")
        old.append((kind, name))
    if not old:
        return None
    record = replace(drawn.record, configs=configs[: manifests.KEPT], extras=extras)
    then = manifests.policy_secret(drawn.of, drawn.policy, record)
    return doing(Remove(tuple(old), (then,)), "Tidying", "Removing what is not needed any more")


def serve(drawn: Drawing) -> Plan:
    return Plan(State(Phase.READY, "Available", f"{drawn.view.spec.replicas} of {drawn.view.spec.replicas} pods serve"))


def _apply(drawn: Drawing, objects: Iterable[Object], reason: str) -> Plan | None:
    due = tuple(one for one in objects if not (drawn.view.in_place(one) or _claimed(drawn, one)))
    return (
        doing(Apply(due), reason, ", ".join(f"{one['kind']} {one['metadata']['name']}" for one in due)) if due else None
    )


def _claimed(drawn: Drawing, one: Object) -> bool:
    return one["kind"] == "PersistentVolumeClaim" and volumes.exists(drawn.view, one["metadata"]["name"])


def _twice(view: View) -> str:
    names: dict[str, list[str]] = {}
    for member in view.members:
        names.setdefault(member.id, []).append(member.name)
    return ", ".join(f"{one} ({' and '.join(sorted(named))})" for one, named in names.items() if len(named) > 1)


def _until_then(view: View) -> str:
    return "; until then the service stays as it is" if view.workload else ""


def _troubled(view: View) -> bool:
    return bool(troubles(view))


def troubles(view: View) -> list[str]:
    """Why pods do not serve, in Kubernetes' words and with its names."""
    found = {f"{pod.name}: {why}" for pod in view.pods_of("api") if (why := trouble_of(pod, view.now))}
    own = view.workload.trouble if view.workload else ""
    return [*sorted(found), *([f"StatefulSet {view.name}: {own}"] if own else [])]


def _progress(view: View) -> str:
    """How far it is, and what holds it up."""
    workload = view.workload
    ready, current = (workload.ready, workload.current) if workload else (0, 0)
    said = f"{ready} of {view.spec.replicas} pods serve, {current} are up to date"
    return "; ".join([said, *troubles(view)])


def _some(names: tuple[str, ...]) -> str:
    shown = ", ".join(names[:5])
    return shown if len(names) <= 5 else f"{shown} and {len(names) - 5} more"
