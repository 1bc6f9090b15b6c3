"""Slow things at the same time, without being bound to them."""

from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread


def side_by_side(*works: Callable[[], object]) -> None:
    """Run each in a thread; return when all are done, raise the first error (or Ctrl-C) without waiting for the rest.

    An executor would wait for them, minutes for a build. What they have started is on our leash and ends with us.
    """
    ended: SimpleQueue[BaseException | None] = SimpleQueue()
    for work in works:
        Thread(target=_run, args=(work, ended), daemon=True).start()
    for _ in works:
        if error := ended.get():
            raise error


def _run(work: Callable[[], object], ended: "SimpleQueue[BaseException | None]") -> None:
    try:
        work()
    except BaseException as error:
        ended.put(error)
    else:
        ended.put(None)
