"""Why: watches lose events and never tell what vanished while they were cut; a plain list now and then finds both.

It also brings what there is when a watch begins: kopf takes eight times as long for each object that it lists itself.
"""

from __future__ import annotations

import logging
import random
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Protocol

from glance_operator.runtime.intake import Intake
from glance_operator.runtime.kube import ApiError, Listing, Unreachable
from glance_operator.runtime.store import Body, Key, Store, Version

log = logging.getLogger(__name__)
_LOOK = 0.05
_GATHER = 0.1
_RETRY = 3.0
_FEW = 50  # so many objects are fetched one by one


class Lister(Protocol):
    """What the sweep needs of the API server (see kube.Kube)."""

    def list_metadata(self, kind: str, namespace: str | None = None) -> Listing: ...
    def list_bodies(self, kind: str, namespace: str | None, receive: Callable[[Body], None]) -> Listing: ...
    def get(self, kind: str, namespace: str | None, name: str) -> Body | None: ...


@dataclass(frozen=True)
class Scope:
    """What is compared: kinds, in all namespaces if none is named; and how often (seconds), with how much patience."""

    kinds: Sequence[str]
    namespaces: Sequence[str]
    interval: float
    grace: float


class Sweep:
    """Compares the store with a list of all objects, from a thread of its own.

    missed(what): called for each object that the feed had missed: "change" or "deletion".
    """

    def __init__(
        self, lister: Lister, store: Store, intake: Intake, scope: Scope, missed: Callable[[str], None] = lambda _: None
    ) -> None:
        self._lister, self._store, self._intake, self._scope, self._missed = lister, store, intake, scope, missed
        self._synced = threading.Event()
        self._now = threading.Event()
        self._anew = False  # a watch has begun: what there was before is ours to bring
        self._stopped = False
        self._trouble = ""
        self._thread = threading.Thread(target=self._run, name="sweep", daemon=True)

    def start(self) -> None:
        """Begin; the first sweep comes with the first call of `soon`."""
        self._thread.start()

    def stop(self, seconds: float = 5.0) -> None:
        """End, also in the middle of a sweep."""
        self._stopped = True
        self._now.set()
        self._thread.join(seconds)

    def soon(self) -> None:
        """Sweep now, and bring everything: a watch begins, and tells only what happens from now on."""
        self._anew = True
        self._now.set()

    def synced(self) -> bool:
        """Whether the store has held everything there was, once."""
        return self._synced.is_set()

    def alive(self) -> bool:
        """Whether the thread is there."""
        return self._thread.is_alive()

    def sweep(self) -> None:
        """One comparison of everything. Raises ApiError or Unreachable."""
        anew, self._anew = self._anew, False
        try:
            for kind in self._scope.kinds:
                for namespace in self._scope.namespaces or (None,):
                    (self._bring if anew else self._compare)(kind, namespace)
        except BaseException:
            self._anew = self._anew or anew
            raise
        if not self._stopped:
            self._synced.set()

    def _bring(self, kind: str, namespace: str | None) -> None:
        """Watches end every few minutes and miss little: bodies are listed only where most of them are news."""
        if self._store.keys(kind):
            listing = self._lister.list_metadata(kind, namespace)
            news = [key for key, version in listing.versions.items() if self._older(key, version)]
            if len(news) <= _FEW:
                self._reap(kind, namespace, listing)
                self._fetch(news)
                return
        self._reap(kind, namespace, self._lister.list_bodies(kind, namespace, self._intake.changed))

    def _compare(self, kind: str, namespace: str | None) -> None:
        """What was to come with a watch is given time, and counts as missed when it does not."""
        listing = self._lister.list_metadata(kind, namespace)
        self._reap(kind, namespace, listing)
        for _ in self._fetch(self._behind(listing.versions)):
            self._missed("change")

    def _run(self) -> None:
        wait: float | None = None
        while not self._stopped:
            if self._now.wait(wait):
                self._gather()
            if not self._stopped:
                wait = self._scope.interval * random.uniform(0.8, 1.2) if self._tried() else _RETRY  # noqa: S311

    def _gather(self) -> None:
        """The watches of all kinds begin together: one sweep is enough for all of them."""
        deadline = time.monotonic() + _GATHER
        while not self._stopped and time.monotonic() < deadline:
            time.sleep(_LOOK)
        self._now.clear()

    def _tried(self) -> bool:
        try:
            self.sweep()
            trouble = ""
        except (ApiError, Unreachable) as error:
            trouble = str(error)
        except Exception as error:  # an object or an answer of a shape nobody thought of: the other sweeps go on
            log.exception("a sweep failed")
            trouble = str(error)
        if trouble and trouble != self._trouble:
            log.warning("the caches cannot be compared with the API server: %s", trouble)
        self._trouble = trouble
        return not trouble

    def _reap(self, kind: str, namespace: str | None, listing: Listing) -> None:
        """What is neither in the list nor newer than the list does not exist any more."""
        for key, known in self._store.versions(kind).items():
            listed = listing.versions.get(key)
            ours = namespace in (None, key.namespace) and known.resource_version <= listing.resource_version
            if ours and (listed is None or listed.uid != known.uid):
                self._missed("deletion")
                self._intake.deleted(key, known.uid)

    def _behind(self, listed: dict[Key, Version]) -> list[Key]:
        """Objects that the feed has not brought, although it had the time: the grace, from its last progress on."""
        missing = list(listed)
        deadline = time.monotonic() + self._scope.grace
        while not self._stopped:
            still = [key for key in missing if self._older(key, listed[key])]
            if not still or time.monotonic() > deadline:
                return still
            if len(still) < len(missing):
                deadline = time.monotonic() + self._scope.grace
            missing = still
            time.sleep(_LOOK)
        return []

    def _older(self, key: Key, listed: Version) -> bool:
        known = self._store.version(key)
        return known is None or known.resource_version < listed.resource_version

    def _fetch(self, keys: list[Key]) -> list[Body]:
        """Take in what these objects are now; those that are no more are left to the next sweep."""
        found = (self._lister.get(key.kind, key.namespace, key.name) for key in keys)
        bodies = [body for body in found if body is not None]
        for body in bodies:
            self._intake.changed(body)
        return bodies
