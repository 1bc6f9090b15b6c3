"""What to do about an Image. The tuples below are its whole behaviour, in the order in which the rules speak."""

from __future__ import annotations

from glance_operator.core.image import (
    adoption,
    arrival,
    caching,
    content,
    deletion,
    identity,
    limits,
    metadata,
    references,
    removal,
    rollout,
    staging,
    stores,
    transfer,
    verification,
)
from glance_operator.core.image.memory import judged
from glance_operator.core.image.observed import View
from glance_operator.core.plan import Phase, Plan, Rule, State, first_of


def served(view: View) -> Plan:
    """Nothing left to do, or nothing that cannot wait: stores that failed are tried again in their time."""
    reason = "PartialFailure" if stores.missing(view) else removal.reason(view) or "Available"
    state = metadata.drifted(view) or State(Phase.READY, reason, removal.summary(view))
    times = (stores.until_next(view), removal.until_next(view), caching.until_next(view))
    return Plan(state, after=min((after for after in times if after is not None), default=None))


RULES: tuple[Rule[View], ...] = (
    limits.respect_suspension,
    limits.refuse_what_is_not_built,
    limits.await_cloud,
    references.refuse,
    # an image that somebody else made: until it is marked as ours, nothing below speaks
    adoption.await_target,
    adoption.say_gone,
    identity.only_what_is_ours,
    adoption.await_others,
    adoption.refuse_other_content,
    adoption.take_over,
    limits.respect_deactivation,
    identity.await_marker,
    rollout.remove_double,
    rollout.call_off,
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
    verification.refuse_what_glance_would_change,
    verification.give_up,
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
    # other content: a successor is made ready by the rules above, and takes over
    verification.leave_what_was_never_shown,
    rollout.begin,
    # what has arrived is compared with its source and its digest, before anybody else may see the image
    arrival.await_source,
    arrival.discard_rejected,
    verification.judge,
    rollout.fill_first,
    rollout.share_first,
    rollout.switch,
    metadata.correct,
    # the stores that lack the data
    stores.fill_missing,
    stores.demand_all,
    removal.empty,  # and those that shall have it no longer
    references.await_them,
    rollout.prune,
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
