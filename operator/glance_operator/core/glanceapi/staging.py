"""What was staged on pods that are about to go: an upload that waits for its import goes with its pod's own volume."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

SHOWN = 10  # names in an Event


def per_pod(now: Mapping[str, Any]) -> bool:
    """Whether each pod of this StatefulSet has a staging volume of its own, which ends with it."""
    volumes = {one["name"]: one for one in now["spec"]["template"]["spec"].get("volumes") or ()}
    return any(kind in volumes.get("staging", {}) for kind in ("emptyDir", "ephemeral"))


def takes_pods_away(now: Mapping[str, Any], then: Mapping[str, Any]) -> bool:
    """Whether a StatefulSet that becomes so replaces pods, or has fewer of them."""
    old, new = now["spec"], then["spec"]
    return bool(new.get("replicas", 1) < old.get("replicas", 1) or new["template"] != old["template"])


def words(images: Sequence[str]) -> str:
    """Imports of the operator are finished by a pod that stops; what others have staged is theirs to import."""
    more = ", and more" if len(images) > SHOWN else ""
    return (
        "Pods are about to be replaced or removed, and their staging volumes with them (spec.staging.pvc or .nfs would"
        " stay). What was staged there is lost unless it is imported first. Staged and not imported yet:"
        f" {', '.join(images[:SHOWN])}{more}"
    )
