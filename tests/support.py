"""What many tests share: waiting for a condition instead of for a time."""

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def eventually(look: Callable[[], T], timeout: float = 30.0, interval: float = 0.1) -> T:
    """Return the first truthy answer of `look`; an AssertionError or a falsy answer is asked again until `timeout`.

    After `timeout` seconds the last AssertionError is raised as it was, so that the test shows what was still wrong.
    """
    deadline = time.monotonic() + timeout
    while True:
        last: AssertionError
        try:
            if answer := look():
                return answer
            last = AssertionError(f"not within {timeout:g} s: {getattr(look, '__name__', look)} gave {answer!r}")
        except AssertionError as wrong:
            last = wrong
        if time.monotonic() > deadline:
            raise last
        time.sleep(interval)
