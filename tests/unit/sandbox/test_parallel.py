"""Works side by side: all at once, and the first error is not held up by the slowest."""

import threading
import time

import pytest

from sandbox_kit.parallel import side_by_side


def test_all_run_at_the_same_time() -> None:
    meeting = threading.Barrier(3)
    side_by_side(*[lambda: meeting.wait(10)] * 3)


def test_the_first_error_does_not_wait_for_the_rest() -> None:
    never = threading.Event()

    def fail() -> None:
        raise ValueError("the reason")

    begun = time.monotonic()
    with pytest.raises(ValueError, match="the reason"):
        side_by_side(lambda: never.wait(60), fail)
    assert time.monotonic() - begun < 30
    never.set()
