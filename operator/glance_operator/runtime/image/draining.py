"""Which stores of a service of ours are drained: their GlanceStore is being deleted, and says Drain."""

from __future__ import annotations

from glance_operator.runtime.store import Body, Key, Store, Version


class Draining:
    """Reads only what is in memory. Thread-safe."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._known: dict[Key, tuple[Version | None, str]] = {}

    def of(self, namespace: str, api: str) -> frozenset[str]:
        """Ids of the stores."""
        keys = self._store.referrers("GlanceStore", namespace, "glanceAPI", api)
        return frozenset(store_id for key in keys if (store_id := self._drained(key)))

    def quiet(self, image: Body) -> bool:
        """Whether the Image has nothing to do with a store that is drained, as far as its status tells."""
        ref, status = image["spec"].get("glanceAPIRef"), image.get("status") or {}
        if not ref:
            return True
        mine = {one["name"] for one in status.get("stores") or ()}
        mine |= set((status.get("applied") or {}).get("stores") or ())
        return mine.isdisjoint(self.of(image["metadata"].get("namespace", ""), ref["name"]))

    def _drained(self, key: Key) -> str:
        """The store's id, read once a version; empty if it is not drained."""
        version = self._store.version(key)
        known = self._known.get(key)
        if known and known[0] == version:
            return known[1]
        found = _drained(self._store.get(key) or {})
        self._known[key] = (version, found)
        return found


def _drained(body: Body) -> str:
    spec, meta = body.get("spec") or {}, body.get("metadata") or {}
    if "deletionTimestamp" not in meta or spec.get("deletionPolicy") != "Drain" or spec.get("suspend"):
        return ""
    return str(spec.get("storeID") or meta["name"])
