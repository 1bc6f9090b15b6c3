"""Why: passes are plain synchronous code; some threads run them, and a surprise in one does not stop the others."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable

from glance_operator.runtime.crowd import Crowded
from glance_operator.runtime.kube import ApiError, Unreachable
from glance_operator.runtime.leader import LostLease
from glance_operator.runtime.logs import Once
from glance_operator.runtime.metrics import CONTROLLER, Metrics
from glance_operator.runtime.queue import Lane, Next, Queue
from glance_operator.runtime.store import Key

log = logging.getLogger(__name__)
_API_BACKOFF = 10.0  # an API server that comes back is to be used soon, by all its objects
_LONGEST_WAIT = 60.0  # an API server asks for seconds, a proxy perhaps for an hour: no object waits for so long

Reconcile = Callable[[Key], Next]


class Workers:
    """`count` threads that take keys from the queue, run `reconcile` on each, and hand back what it says."""

    def __init__(self, queue: Queue, reconcile: Reconcile, count: int, metrics: Metrics) -> None:
        self._queue, self._reconcile, self._metrics = queue, reconcile, metrics
        self._once = Once(log)
        self._threads = [threading.Thread(target=self._run, name=f"worker-{n}", daemon=True) for n in range(count)]
        metrics.max_workers.labels(CONTROLLER).set(count)

    def start(self) -> None:
        """Begin."""
        for thread in self._threads:
            thread.start()

    def stop(self, grace: float) -> bool:
        """Begin no new pass; wait for the running ones, `grace` seconds at most; whether all have ended."""
        self._queue.close()
        deadline = time.monotonic() + grace
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))
        return not any(thread.is_alive() for thread in self._threads)

    def alive(self) -> bool:
        """Whether every worker is still there."""
        return all(thread.is_alive() for thread in self._threads)

    def _run(self) -> None:
        while (key := self._queue.get()) is not None:
            with self._metrics.active_workers.labels(CONTROLLER).track_inprogress():
                self._queue.done(key, self._pass(key))

    def _pass(self, key: Key) -> Next:
        with self._metrics.pass_seconds.labels(CONTROLLER).time():
            after, result = self._guarded(key)
        self._metrics.passes.labels(CONTROLLER, result).inc()
        return after

    def _guarded(self, key: Key) -> tuple[Next, str]:
        try:
            after = self._reconcile(key)
        except (ApiError, Unreachable, LostLease) as error:
            self._metrics.errors.labels(CONTROLLER).inc()
            self._once.log(key, logging.WARNING, f"the pass is repeated: {error}")
            wait = error.retry_after if isinstance(error, ApiError) else None
            return Next(wait and min(wait, _LONGEST_WAIT), backoff=True, at_most=_API_BACKOFF), "error"
        except Crowded as error:
            log.debug("the pass is put off: %s", error)
            return Next(lane=Lane.RESYNC, backoff=True, at_most=_API_BACKOFF), "requeue"
        except Exception as error:  # the last net: a surprise in one object must not stop a worker
            self._metrics.errors.labels(CONTROLLER).inc()
            self._metrics.panics.labels(CONTROLLER).inc()
            self._once.log(key, logging.ERROR, f"the pass failed: {type(error).__name__}: {error}", exc_info=error)
            return Next(backoff=True), "error"
        self._once.clear(key)
        return after, _result(after)


def _result(after: Next) -> str:
    if after.backoff:
        return "requeue"
    return "success" if after.after is None else "requeue_after"
