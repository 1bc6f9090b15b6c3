"""What the proof of a store leaves behind: the store as it was proven, from which alone its service is configured."""

from __future__ import annotations

import json
from collections.abc import Mapping

from glance_operator.api.glancestore import GlanceStoreSpec
from glance_operator.core import config
from glance_operator.core.config import Store

DOCUMENT = "store.json"  # beside the files that the driver reads
_INFIX = "-probe-"
_LONGEST_NAME = 40  # of a store's in that of its proof
_ASIDE = {"deletion_policy", "suspend"}  # of the spec: no driver hears of them


def proof_name(store: str, digest: str) -> str:
    """Of the Secret with what was proven of that GlanceStore, and of the job that proved it."""
    return f"{_short(store)}{_INFIX}{digest}"


def is_proof(name: str, store: str) -> bool:
    """Whether it is the name of one of that GlanceStore's."""
    return name.rpartition(_INFIX)[0] == _short(store)


def document(store: Store) -> str:
    """All that the store's part of a configuration is made of."""
    spec = store.spec.model_dump(mode="json", by_alias=True, exclude_none=True, exclude=_ASIDE)
    return json.dumps({"id": store.id, "spec": spec, "secret": dict(store.secret)}, sort_keys=True)


def proven(content: Mapping[str, str] | None, digest: str) -> Store | None:
    """The store as it was proven; None where that is gone, or is not what was proven, or says what we do not know."""
    if content is None or config.digest(content) != digest:
        return None
    try:
        told = json.loads(content[DOCUMENT])
        return Store(told["id"], GlanceStoreSpec.model_validate(told["spec"]), told["secret"])
    except (ValueError, KeyError, TypeError):  # pydantic's errors are ValueErrors
        return None


def _short(store: str) -> str:
    """A name of a GlanceStore may be longer than those of objects that are called after it."""
    if len(store) <= _LONGEST_NAME:
        return store
    return f"{store[:29].rstrip('-.')}-{config.digest({'name': store})}"
