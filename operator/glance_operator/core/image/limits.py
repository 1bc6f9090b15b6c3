"""What keeps the controller's hands off: suspension, what is not built, a cloud that cannot be asked."""

from __future__ import annotations

from collections.abc import Iterator

from glance_operator.api.image import ImageSpec
from glance_operator.core.image import digests
from glance_operator.core.image.methods import WEB_DOWNLOAD, demands_transfer, only_seen_bytes_prove
from glance_operator.core.image.observed import View
from glance_operator.core.plan import AddFinalizer, Phase, Plan, State, doing, stalled, waiting

_RECHECK = 60.0  # seconds until it is looked whether an administrator has changed his mind


def respect_suspension(view: View) -> Plan | None:
    if not view.spec.suspend:
        return None
    return Plan(State(Phase.PAUSED, "Suspended", "spec.suspend is true: Glance is not touched"))


def not_built(spec: ImageSpec) -> Iterator[str]:
    """Fields that have their place in the API and no controller yet: saying so beats ignoring them."""
    source, http = spec.source, spec.source.http if spec.source else None
    blind = http and http.method == WEB_DOWNLOAD and only_seen_bytes_prove(spec)
    absent = {
        "spec.source.upload": source and source.upload,
        "spec.source.checksum": source
        and source.checksum
        and not (digests.demanded(spec) or demands_transfer(spec) or blind),
        "spec.source.checksum.manifest, sha1 and sha256 with spec.source.http.method web-download": blind,
        "spec.source.http.refresh": http and http.refresh,
    }
    yield from (name for name, value in absent.items() if value)


def refuse_what_is_not_built(view: View) -> Plan | None:
    names = ", ".join(not_built(view.spec))
    if not names:
        return None
    return stalled("NotSupported", f"{names}: not available in this version of the operator; remove it from the spec")


def await_cloud(view: View) -> Plan | None:
    if view.trouble is None:
        return None
    return waiting(view.trouble.reason, view.trouble.message)


def respect_deactivation(view: View) -> Plan | None:
    """An administrator's word: it is not undone, and what is withheld is not worked on."""
    image = view.image
    if image is None or image.status != "deactivated":
        return None
    return stalled(
        "Deactivated",
        f"Somebody has deactivated Glance image {image.id}, so that nobody can use it; nothing of it is changed until "
        f"it is active: reactivate it in Glance, or delete this object",
        after=_RECHECK,
    )


def hold(view: View) -> Plan | None:
    """Before anything is made elsewhere, the object is held until that has been cleaned up."""
    if view.finalized:
        return None
    return doing(AddFinalizer(), "Preparing", "Preparing", slot=view.image is None)
