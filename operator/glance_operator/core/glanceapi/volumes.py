"""The claims of a GlanceAPI: they grow while they are in use, and go with it only if they are meant to."""

from __future__ import annotations

from glance_operator.api.base import bytes_of
from glance_operator.core.claims import Claim, Grow
from glance_operator.core.conditions import FALSE, TRUE, Condition
from glance_operator.core.glanceapi.observed import View
from glance_operator.core.manifests import storage
from glance_operator.core.plan import Plan, doing

# What hinders most is the reason that is given.
_WORST_FIRST = ("Lost", "Terminating", "Pending", "NotShared", "ResizeRefused", "Resizing")
_SHARED = "let its StorageClass grow (allowVolumeExpansion: true), or set spec.staging.pvc.claimName to a larger claim"
_OF_A_POD = "the pods are replaced, each with a new volume"


def wanted(view: View) -> dict[str, str]:
    """Size of each claim that was made for it, or will be: those that all pods share, and those of one pod."""
    own = storage.sizes_of_a_pod(view.spec)
    pods = sorted(pod.name for pod in view.pods_of("api") if not pod.leaving)
    each = {f"{pod}-{volume}": size for pod in pods for volume, size in own.items()}
    return {**storage.shared_sizes(view.name, view.spec), **each}


def grow(view: View) -> Plan | None:
    """Whatever else is under way: an import may be waiting for the room."""
    seen, sizes = _by_name(view), wanted(view)
    due = tuple((name, size) for name, size in sizes.items() if name in seen and seen[name].can_grow(size))
    return doing(Grow(due), "Growing", ", ".join(name for name, _ in due)) if due else None


def template_sizes(view: View, *, rolls: bool) -> dict[str, str]:
    """Of the claims that come with a pod, where those of the running template are to stay.

    A template with another size would replace every pod. As long as the claims themselves can grow it follows with the
    next change that replaces them anyway (rolls); claims that cannot are replaced with their pods.
    """
    old = view.workload.volumes if view.workload and not rolls else {}
    return {
        volume: old[volume]
        for volume, size in storage.sizes_of_a_pod(view.spec).items()
        if volume in old and bytes_of(old[volume]) < bytes_of(size) and not _fixed(view, volume)
    }


def exists(view: View, name: str) -> bool:
    """A claim is made once; from then on nothing but its size can change."""
    return name in _by_name(view)


def to_delete(view: View) -> tuple[tuple[str, str], ...]:
    """Kind and name of those for all pods, of this spec or of an earlier one; the others go with their pods."""
    policy = view.spec.persistent_volume_claim_retention_policy
    if policy is None or policy.when_deleted == "Retain" or view.spec.suspend:
        return ()
    ours = {claim.name for claim in view.claims if not claim.leaving} & set(storage.shared_names(view.name))
    return tuple(("PersistentVolumeClaim", name) for name in sorted(ours))


def condition(view: View) -> Condition:
    """VolumesReady; it does not speak of claims that others have made."""
    sizes, seen = wanted(view), _by_name(view)
    found = [state for name, size in sizes.items() if (state := _state(view, name, size, seen.get(name)))]
    if not found:
        return Condition("VolumesReady", TRUE, "Bound" if sizes else "NoClaims")
    reason = min((reason for reason, _ in found), key=_WORST_FIRST.index)
    return Condition("VolumesReady", FALSE, reason, "; ".join(words for _, words in found))


def _state(view: View, name: str, size: str, claim: Claim | None) -> tuple[str, str] | None:
    """What is not as it should be: reason, and words."""
    whose = f"PersistentVolumeClaim {name}"
    if claim is None:
        return "Pending", f"{whose} does not exist yet"
    if claim.leaving:
        return "Terminating", f"{whose} is being deleted, and gone as soon as no pod uses it"
    if claim.phase != "Bound":
        return _phase(claim), f"{whose} has no volume: {claim.words or 'nothing was said about it'}"
    if name == storage.staging_name(view.name) and view.spec.replicas > 1 and "ReadWriteMany" not in claim.modes:
        words = f"{whose} cannot be mounted by pods on several nodes ({', '.join(claim.modes)})"
        return "NotShared", f"{words}: set spec.staging.pvc.claimName to one with ReadWriteMany"
    return None if claim.holds(size) else _short(whose, size, claim, shared=name in storage.shared_names(view.name))


def _short(whose: str, size: str, claim: Claim, *, shared: bool) -> tuple[str, str]:
    said = f"{whose} has {claim.there}, wanted are {size}"
    if claim.refused:
        cure = (_SHARED if shared else _OF_A_POD) if claim.fixed else "it is asked again each minute"
        return "ResizeRefused", f"{said}; Kubernetes says: {claim.refused}; {cure}"
    return "Resizing", f"{said}; {claim.words or 'the storage driver has not said anything yet'}"


def _phase(claim: Claim) -> str:
    return claim.phase if claim.phase in _WORST_FIRST else "Pending"


def _fixed(view: View, volume: str) -> bool:
    mine = {f"{pod.name}-{volume}" for pod in view.pods_of("api")}
    return any(claim.fixed for claim in view.claims if claim.name in mine)


def _by_name(view: View) -> dict[str, Claim]:
    return {claim.name: claim for claim in view.claims}
