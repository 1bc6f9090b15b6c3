"""Why: kopf ends itself in several kinds of weather (a 410, an error in the stream, a cut line); the operator does not.

The feed runs kopf in a thread with an event loop of its own and starts it again, in the same process, until told to
stop. What a restart or a fault may have lost is found by runtime/sweep.py.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
import threading
import time
from collections.abc import Awaitable, Callable

from glance_operator.runtime.kube import ApiError, Unreachable

log = logging.getLogger(__name__)
_FIRST_PAUSE, _LAST_PAUSE = 0.5, 5.0
_PULSE = 1.0
_BURIALS = 20
_SILENCE = 60.0  # an event loop that did not turn for so long is stuck
_LONG_ENOUGH = 60.0  # after a run of this length the next pause is short again


class Feed:
    """Keeps `watch` running.

    watch: runs for ever, or ends with an exception. served: whether the API server knows our kinds (without them kopf
    would wait for ever, deaf); may raise ApiError or Unreachable. started: called at each start.
    """

    def __init__(
        self, watch: Callable[[], Awaitable[None]], served: Callable[[], bool], started: Callable[[], None]
    ) -> None:
        self._watch, self._served, self._started = watch, served, started
        self._stop = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Future[None] | None = None
        self._beat = time.monotonic()
        self._trouble = ""
        self._thread = threading.Thread(target=self._run, name="feed", daemon=True)

    def start(self) -> None:
        """Begin to watch."""
        self._thread.start()

    def stop(self, seconds: float = 5.0) -> None:
        """Stop watching; returns when it has stopped, or after so long."""
        self._stop.set()
        self.restart()
        self._thread.join(seconds)

    def restart(self) -> None:
        """End the present watch, because it is deaf; the next one begins soon."""
        if self._loop is not None and self._task is not None:
            with contextlib.suppress(RuntimeError):  # the loop has just ended by itself
                self._loop.call_soon_threadsafe(self._task.cancel)

    def alive(self) -> bool:
        """Whether the thread lives and its event loop turns."""
        return self._thread.is_alive() and time.monotonic() - self._beat < _SILENCE

    def _run(self) -> None:
        pause = _FIRST_PAUSE
        while not self._stop.is_set():
            began = time.monotonic()
            if self._ready():
                self._started()
                reason = self._once()
                if not self._stop.is_set():
                    log.warning("the watch feed ended and is started again: %s", reason)
            pause = _FIRST_PAUSE if time.monotonic() - began > _LONG_ENOUGH else min(_LAST_PAUSE, pause * 2)
            self._beat = time.monotonic()
            self._stop.wait(pause * random.uniform(0.8, 1.2))  # noqa: S311

    def _ready(self) -> bool:
        try:
            trouble = "" if self._served() else "the API server does not know our kinds: are the CRDs installed?"
        except (ApiError, Unreachable) as error:
            trouble = str(error)
        if trouble and trouble != self._trouble:
            log.warning("the watch feed waits: %s", trouble)
        self._trouble = trouble
        return not trouble

    def _once(self) -> str:
        loop = asyncio.new_event_loop()  # not asyncio.run: that waits for ever for tasks which swallow their end
        loop.set_exception_handler(lambda _, context: log.debug("left over in the feed: %s", context.get("message")))
        try:
            loop.run_until_complete(self._main())
        except asyncio.CancelledError:
            return "cancelled"
        except Exception as error:  # whatever ends kopf, the feed goes on
            return f"{type(error).__name__}: {error}"
        finally:
            loop.run_until_complete(_bury())
            loop.close()
        return "without a reason"

    async def _main(self) -> None:
        pulse = asyncio.create_task(self._pulse())
        self._loop, self._task = asyncio.get_running_loop(), asyncio.ensure_future(self._watch())
        if self._stop.is_set():
            self._task.cancel()
        try:
            await self._task
        finally:
            pulse.cancel()

    async def _pulse(self) -> None:
        while True:
            self._beat = time.monotonic()
            await asyncio.sleep(_PULSE)


async def _bury() -> None:
    """End what is left of a watch; kopf's watchers may have to be told several times. The rest ends with the loop."""
    for _ in range(_BURIALS):
        left = asyncio.all_tasks() - {asyncio.current_task()}
        if not left:
            return
        for task in left:
            task.cancel()
        await asyncio.wait(left, timeout=0.1)
