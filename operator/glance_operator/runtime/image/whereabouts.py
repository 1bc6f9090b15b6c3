"""Which cloud an Image is on, and what is wrong with it in the object's own terms."""

from __future__ import annotations

from dataclasses import replace

from glance_operator.api.image import ImageSpec
from glance_operator.core.image.memory import GONE
from glance_operator.core.image.observed import Cause, View
from glance_operator.core.plan import State
from glance_operator.runtime.apis import SERVICE
from glance_operator.runtime.errors import Unavailable


def of_this_image(trouble: Unavailable, view: View) -> State:
    """What is wrong, in terms of this object: others, in other namespaces, may share the cloud."""
    if trouble.state.reason == "APINotFound" and view.memory.id:
        return replace(trouble.state, reason=GONE)
    if trouble.cause is not Cause.OUTAGE or trouble.state.reason.startswith("API"):
        return trouble.state
    source, name = where(view.spec)
    whose = f"{source} {name}" if source == SERVICE else f"Cloud {name} of Secret {source}"
    return replace(trouble.state, message=f"{whose}: {trouble.state.message}")


def where(spec: ImageSpec) -> tuple[str, str]:
    """How `Clouds.find` knows the cloud; the API server lets no Image in without one of the two."""
    if ref := spec.cloud_credentials_ref:
        return ref.secret_name, ref.cloud_name
    if api := spec.glance_api_ref:
        return SERVICE, api.name
    raise AssertionError("an Image belongs to a cloud")
