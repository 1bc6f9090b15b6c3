"""What to do about an Image. The tuples below are its whole behaviour, in the order in which the rules speak."""

from __future__ import annotations

from glance_operator.core.image import (
    caching,
    content,
    deletion,
    delivered,
    identity,
    limits,
    metadata,
    staging,
    stores,
    transfer,
)
from glance_operator.core.image.memory import judged
from glance_operator.core.image.observed import View
from glance_operator.core.plan import Phase, Plan, Rule, State, first_of


def served(view: View) -> Plan:
    """Nothing left to do, or nothing that cannot wait: stores that failed are tried again in their time."""
    reason = "PartialFailure" if stores.missing(view) else "Available"
    state = metadata.drifted(view) or State(Phase.READY, reason, stores.summary(view))
    times = [after for after in (stores.until_next(view), caching.until_next(view)) if after is not None]
    return Plan(state, after=min(times, default=None))


RULES: tuple[Rule[View], ...] = (
    limits.respect_suspension,
    limits.refuse_what_is_not_built,
    limits.await_cloud,
    identity.only_what_is_ours,
    identity.await_marker,
    # the content: until the image is active and unlocked, nothing below speaks
    content.recreate_what_vanished,
    content.cut_what_takes_too_long,
    content.leave_with_its_pod,
    content.await_running_import,
    content.leave_dead_end,  # further dead ends of Glance have their place here
    content.start_over_with_other_content,
    transfer.clear,
    transfer.follow,
    content.refuse_what_cannot_work,
    transfer.import_staged,
    transfer.refuse,
    content.respect_retry_limit,
    transfer.leave_half_staged,
    staging.refuse_too_much,
    staging.await_room,
    limits.hold,
    content.create,
    transfer.start,
    content.fetch,
    content.await_active,
    delivered.discard_rejected,
    # verification of size and digest has its place here: before anybody else may see the image
    content.refuse_other_content,  # and the roll-out of new content here
    metadata.correct,
    # the stores that lack the data
    stores.fill_missing,
    stores.demand_all,
    # the caches of the service's pods
    caching.prefetch,
    caching.remove,
    served,
)


def decide(view: View) -> tuple[View, Plan]:
    """The view with what this look adds to its memory, and what to do next."""
    view = judged(view)
    return view, first_of(deletion.RULES if view.deleted_at else RULES, view)


__all__ = ["RULES", "decide"]
