"""Why: what comes in is remembered first and judged second: which of our objects has to be looked at, and how soon."""

from __future__ import annotations

import logging
import random
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from glance_operator.core.past import RETRY_ANNOTATION
from glance_operator.runtime.logs import about
from glance_operator.runtime.queue import Lane, Queue
from glance_operator.runtime.store import Body, Index, Key, Store, key_of

log = logging.getLogger(__name__)

Settled = Callable[[Body], bool]


@dataclass(frozen=True)
class Wiring:
    """What an engine wants of the feed.

    controllers: kinds it reconciles; of the others only the bodies are kept.
    indexes: {kind: {index: function(body) -> value}}, see store.Store.
    references: {kind: [(referring kind, its index), ...]}: whom to wake when an object of that kind changes.
    parents: {kind: (kind, function(body) -> name)}: the object that is also woken, whether it waits or not.
    siblings: {kind: index}: objects of the kind that have the same value there, and are woken unless at rest.
    cousins: {kind: (other kind, its index, function(body) -> value)}: the same among objects of another kind.
    """

    controllers: frozenset[str]
    indexes: Mapping[str, Mapping[str, Index]] = field(default_factory=dict)
    references: Mapping[str, Sequence[tuple[str, str]]] = field(default_factory=dict)
    parents: Mapping[str, tuple[str, Index]] = field(default_factory=dict)
    siblings: Mapping[str, str] = field(default_factory=dict)
    cousins: Mapping[str, tuple[str, str, Index]] = field(default_factory=dict)


class Intake:
    """Puts bodies into the store and keys into the queue. Thread-safe.

    settled(body): whether nothing is to be done for this object before its next resync, `resync` seconds away at most.
    """

    def __init__(self, store: Store, queue: Queue, settled: Settled, wiring: Wiring, resync: float) -> None:
        self._store, self._queue, self._settled = store, queue, settled
        self._wiring, self._resync = wiring, resync

    def changed(self, body: Body) -> None:
        """The object is there, in this state. Echoes of our own writes and late events change nothing."""
        key = key_of(body)
        old = self._store.get(key)
        if not self._store.put(key, body):
            return
        if key.kind in self._wiring.controllers:
            self._enqueue(key, old, body)
        self.told(key, old, body)

    def deleted(self, key: Key, uid: str) -> None:
        """The object is gone: its controller has to forget it."""
        old = self._store.get(key)
        if not self._store.drop(key, uid):
            return
        if key.kind in self._wiring.controllers:
            self._queue.add(key)
        self.told(key, old, None)

    def told(self, key: Key, old: Body | None, new: Body | None) -> None:
        """Wake those who wait for a change such as this one, be it somebody else's or our own."""
        if old is not None and new is not None and _significant(old) == _significant(new):
            return
        self._wake_referrers(key, gone=new is None)
        self._wake_siblings(key, old, new)
        self._wake_cousins(key, new or old)
        kind, name_of = self._wiring.parents.get(key.kind, ("", None))
        if name_of and (body := new or old) and (name := name_of(body)):
            self._queue.add(Key(kind, key.namespace, name), Lane.CHANGED)

    def _enqueue(self, key: Key, old: Body | None, body: Body) -> None:
        if old is not None and old["metadata"]["uid"] == body["metadata"]["uid"]:
            if _asks_for_work(body) and (wish(old) != wish(body) or not _asks_for_work(old)):
                self._queue.add(key, Lane.CHANGED)  # the same wish as before is being worked on already
        elif self._at_rest(key, body):
            self._queue.add_after(key, random.uniform(0, self._resync), Lane.RESYNC)  # noqa: S311
        else:
            self._queue.add(key, _first_lane(body))

    def _wake_referrers(self, key: Key, gone: bool) -> None:
        """Those at rest need not hear of it, unless there is nothing left that they rest on; of the others there may be
        thousands: they do not go before changes."""
        for kind, index in self._wiring.references.get(key.kind, ()):
            if kind in self._wiring.controllers:
                self._wake(self._store.referrers(kind, key.namespace, index, key.name), resting=gone)

    def _wake_siblings(self, key: Key, old: Body | None, new: Body | None) -> None:
        """Those that share something with the object as it was, or as it is now."""
        if (index := self._wiring.siblings.get(key.kind)) is None:
            return
        value_of = self._wiring.indexes[key.kind][index]
        for value in {value for body in (old, new) if body and (value := value_of(body))}:
            siblings = self._store.referrers(key.kind, key.namespace, index, value)
            self._wake(one for one in siblings if one != key)

    def _wake_cousins(self, key: Key, body: Body | None) -> None:
        """What they are about to lose, or have lost, they see at their next look."""
        kind, index, value_of = self._wiring.cousins.get(key.kind, ("", "", None))
        if value_of and body and (value := value_of(body)):
            self._wake(self._store.referrers(kind, key.namespace, index, value))

    def _wake(self, keys: Iterable[Key], resting: bool = False) -> None:
        for key in keys:
            body = self._store.get(key)
            if body is not None and (resting or not self._at_rest(key, body)):
                self._queue.add(key, Lane.NEW)

    def _at_rest(self, key: Key, body: Body) -> bool:
        if _asks_for_work(body):
            return False
        try:
            return self._settled(body)
        except Exception:  # whatever is wrong with it, a pass will say it
            log.exception("cannot tell whether the object is at rest", extra=about(key))
            return False


def wish(body: Body) -> tuple[object, ...]:
    """What people want of an object: another one is a reason to look at once."""
    meta = body["metadata"]
    return meta.get("generation"), meta.get("deletionTimestamp"), (meta.get("annotations") or {}).get(RETRY_ANNOTATION)


def _asks_for_work(body: Body) -> bool:
    meta, status = body["metadata"], body.get("status") or {}
    retry = (meta.get("annotations") or {}).get(RETRY_ANNOTATION)
    return bool(
        meta.get("deletionTimestamp")
        or status.get("observedGeneration") != meta.get("generation")
        or (retry is not None and retry != status.get("lastHandledRetry"))
    )


def _first_lane(body: Body) -> Lane:
    """What an earlier process began goes before what nobody has looked at; deletions are somebody's wish, too."""
    if body["metadata"].get("deletionTimestamp"):
        return Lane.CHANGED
    return Lane.BEGUN if (body.get("status") or {}).get("observedGeneration", -1) >= 0 else Lane.NEW


def _significant(body: Body) -> tuple[object, ...]:
    """What others who have to do with this object wait for: another spec, or another state."""
    meta, status = body["metadata"], body.get("status") or {}
    states = tuple(sorted((one.get("type"), one.get("status")) for one in status.get("conditions") or ()))
    # a service's pods, the room in their caches, what an image needs of it, and its id
    told = status.get("nodes"), status.get("cacheMaxSize"), status.get("sizeBytes"), status.get("id")
    return meta["uid"], meta.get("generation"), meta.get("deletionTimestamp"), states, told
