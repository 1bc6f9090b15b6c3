"""Which stores of a service of ours are drained: their GlanceStore is being deleted, and says Drain."""

from __future__ import annotations

from typing import NamedTuple

from glance_operator.runtime.store import Body, Key, Store, Version


class _Member(NamedTuple):
    """A GlanceStore, in the order in which they came: of two with one id the first has it."""

    came: str
    name: str
    store_id: str
    drained: bool


class Draining:
    """Reads only what is in memory. Thread-safe."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[Key, tuple[Version, _Member]] = {}

    def of(self, namespace: str, api: str) -> frozenset[str]:
        """Ids of the stores."""
        keys = self._store.referrers("GlanceStore", namespace, "glanceAPI", api)
        members = sorted((one for key in keys if (one := self._member(key))), reverse=True)
        by_id = {one.store_id: one.drained for one in members}  # the first is the last to be put there
        return frozenset(store_id for store_id, drained in by_id.items() if drained)

    def quiet(self, image: Body) -> bool:
        """Whether the Image has nothing to do with a store that is drained, as far as its status tells."""
        ref, status = image["spec"].get("glanceAPIRef"), image.get("status") or {}
        if not ref:
            return True
        mine = {one["name"] for one in status.get("stores") or ()}
        mine |= set((status.get("applied") or {}).get("stores") or ())
        return mine.isdisjoint(self.of(image["metadata"].get("namespace", ""), ref["name"]))

    def _member(self, key: Key) -> _Member | None:
        """Read once a version."""
        version, known = self._store.version(key), self._known.get(key)
        if known and known[0] == version:
            return known[1]
        body = self._store.get(key)
        if version is None or body is None:
            self._known.pop(key, None)
            return None
        self._known[key] = (version, _member(body))
        return self._known[key][1]


def _member(body: Body) -> _Member:
    spec, meta = body["spec"], body["metadata"]
    drained = "deletionTimestamp" in meta and spec.get("deletionPolicy") == "Drain" and not spec.get("suspend")
    return _Member(meta.get("creationTimestamp", ""), meta["name"], spec.get("storeID") or meta["name"], drained)
