"""What a refused request means: the image service's own words, and what the reader can do."""

from __future__ import annotations

from dataclasses import replace

from glance_operator.core.image import (
    causes,
    content,
    deletion,
    identity,
    metadata,
    nodes,
    removal,
    retries,
    rollout,
    stores,
    transfer,
)
from glance_operator.core.image.observed import View
from glance_operator.core.image.sources import Fate
from glance_operator.core.plan import Phase, Plan, State, Step, stalled, waiting

LATER = 60.0  # seconds until it is tried again although only people can help
_KUBERNETES = 10.0  # the same for what the API server refuses
_LOCKED = 600.0  # the same for the lock of a copy that was cut off: Glance says when it counts no longer
_IMPORTS = (content.ImportFromUrl, content.ImportFromRegion, transfer.ImportStaged, stores.CopyToStores)
_MAKES_CONTENT = (content.CreateImage, *_IMPORTS)


def explain(view: View, step: Step, code: int, said: str) -> Plan:
    """The plan after the image service answered ``step`` with HTTP ``code`` and the words ``said``."""
    if tidied := _not_tidied(view, step, code, said):
        return tidied
    if code >= 500 or isinstance(step, transfer.StartTransfer | transfer.RemoveTransfers):
        return _in_trouble(step, code, said)
    if isinstance(step, deletion.DeleteImage | content.Discard):
        return _not_deleted(code, said)
    if _has_changed(step, code, said):
        message = f"Glance image {identity.expected_id(view)}, or its service, is not as it was ({said}): looking again"
        return replace(waiting("Recreating", message, passing=True), backoff=True)
    if isinstance(step, stores.CopyToStores) and stores.enough(view):
        message = f"{stores.summary(view)}, where Glance refuses to copy it (HTTP {code}): {said}"
        return Plan(State(Phase.READY, "PartialFailure", message), after=_LOCKED if nodes.cut_off(view) else LATER)
    return _by_code(code, said) or _unresolved(view, step, said) or _bad_request(step, code, said)


def _not_tidied(view: View, step: Step, code: int, said: str) -> Plan | None:
    """What should go and stays: the image is served all the same."""
    match step:
        case removal.DeleteFromStore():
            return removal.refused(view, step, code, said)
        case rollout.DeletePrevious():
            return rollout.refused(view, step, said)
    return None


def _in_trouble(step: Step, code: int, said: str) -> Plan:
    """What the API server refuses of a Job, and what Glance could not do."""
    if isinstance(step, transfer.StartTransfer | transfer.RemoveTransfers):
        return waiting("TransferRefused", f"Kubernetes refuses the transfer Job: {said}", after=_KUBERNETES)
    return replace(waiting("GlanceError", f"Glance answered HTTP {code}: {said}; trying again"), backoff=True)


def _has_changed(step: Step, code: int, said: str) -> bool:
    """What was seen before the step holds no longer: the image, or the methods that the service offers."""
    taken = code == 409 and isinstance(step, content.CreateImage)
    return code == 404 or taken or (code == 400 and "import method" in said)


def _by_code(code: int, said: str) -> Plan | None:
    match code:
        case 403:
            return stalled("Forbidden", f"Glance does not allow it to these credentials: {said}", after=LATER)
        case 409:
            return replace(waiting("Conflict", f"Glance cannot do it now: {said}; trying again"), backoff=True)
        case 413:
            return waiting("QuotaExceeded", f"Glance refuses for its quota: {said}; make room", after=LATER)
    return None


def _not_deleted(code: int, said: str) -> Plan:
    if code == 409:
        plan = waiting("InUse", f"Glance cannot delete the image while it is in use: {said}; trying again")
    else:
        plan = waiting("DeletionRefused", f"Glance refuses to delete the image (HTTP {code}): {said}; trying again")
    return replace(plan, backoff=True)


def is_filtered(step: Step, code: int, said: str) -> bool:
    """Whether the service's import filter refuses the source; it does so, too, when the host has no address."""
    return code == 400 and isinstance(step, content.ImportFromUrl) and "filter" in said


def _unresolved(view: View, step: Step, said: str) -> Plan | None:
    answer = view.answer
    if answer is None or answer.fate is not Fate.UNRESOLVED or not isinstance(step, content.ImportFromUrl):
        return None
    where = retries.shown(step.url)
    return stalled("SourceRefused", f"{where}: {causes.finding(view, answer)} (Glance says: {said})", after=LATER)


def _bad_request(step: Step, code: int, said: str) -> Plan:
    if isinstance(step, content.ImportFromUrl) and is_filtered(step, code, said):
        return stalled(
            "SourceRefused",
            f"spec.source.http.url {retries.shown(step.url)}: the image service does not let web-download fetch it "
            f"({said}): use a scheme, host and port that its import filter allows, or widen the filter",
            after=LATER,
        )
    if isinstance(step, metadata.UpdateImage | rollout.Switch):
        fields = ", ".join((step.new if isinstance(step, rollout.Switch) else step).fields())
        return stalled("MetadataRefused", f"Glance refuses a value of {fields} (HTTP {code}): {said}", after=LATER)
    what = "the import" if isinstance(step, _MAKES_CONTENT) else "the change"
    return stalled("Refused", f"Glance refuses {what} (HTTP {code}): {said}: correct the spec", after=LATER)
