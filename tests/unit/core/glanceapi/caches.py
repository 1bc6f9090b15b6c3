"""A service whose pods have caches."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from tests.unit.core.glanceapi.views import NOW, done, everything, running, view

from glance_operator.core.glanceapi.observed import Care, Memory, View

CACHE = {"cache": {"maxSize": "1Gi", "volumeSize": "2Gi"}}
LATER = {"u0": Care(NOW + timedelta(seconds=1)), "u1": Care(NOW + timedelta(seconds=1))}


def serving(spec: dict[str, Any] | None = None, **changes: Any) -> View:
    """Two pods with caches; `changes` are made to the second."""
    of = running(done(replace(view(CACHE | (spec or {})), in_place=everything)))
    pods = [replace(pod, uid=f"u{n}", caching=True, cleared=True) for n, pod in enumerate(of.pods)]
    return replace(of, pods=(pods[0], replace(pods[1], **changes)), memory=Memory(serving=True))
