"""Surprises, in the two classes that matter: the whole cloud does not serve us, or this one request was refused."""

from __future__ import annotations

from glance_operator.core.image.observed import Cause
from glance_operator.core.plan import Phase, State


class Unavailable(Exception):  # noqa: N818  (a state of the world, and callers read it as one)
    """A cloud does not answer, is overloaded, or does not know us: no request to it makes sense for a while.

    ``state``: what to tell the reader. ``retry_after``: seconds, if the cloud said so.
    """

    def __init__(self, state: State, cause: Cause = Cause.OUTAGE, retry_after: float | None = None) -> None:
        super().__init__(state.message)
        self.state, self.cause, self.retry_after = state, cause, retry_after

    def again(self) -> Unavailable:
        """The same to raise once more: an exception gathers the frames of all who raise it."""
        return Unavailable(self.state, self.cause, self.retry_after)


def unavailable(reason: str, message: str, retry_after: float | None = None) -> Unavailable:
    """An outage, in these words."""
    return Unavailable(State(Phase.WORKING, reason, message), retry_after=retry_after)


class Refused(Exception):  # noqa: N818
    """The image service answered one request with an error: ``status`` (HTTP code) and its own ``message``."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"HTTP {status}: {message}")
        self.status, self.message = status, message


class Invalid(Exception):  # noqa: N818
    """The spec cannot be understood; ``state`` says what to correct."""

    def __init__(self, state: State) -> None:
        super().__init__(state.message)
        self.state = state
