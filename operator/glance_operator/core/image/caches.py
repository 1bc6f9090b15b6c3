"""What an Image's rules know of the caches of its service's pods."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class CacheList:
    """What the cache of a pod holds, and what it is about to fetch: ids of images."""

    cached: frozenset[str] = frozenset()
    queued: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Caches:
    """The caches of the service's pods, as far as this image is concerned.

    room: bytes that each of them may hold; None: the service has no cache. taken: what other images have of that, whose
    turn is before. lists: by pod, of those that have told. resting: pods that were asked for the same lately. words:
    why it does not come about there. idle: seconds since any of them was asked last.
    """

    room: int | None = None
    taken: int = 0
    lists: Mapping[str, CacheList] = field(default_factory=dict)
    resting: frozenset[str] = frozenset()
    words: Mapping[str, str] = field(default_factory=dict)
    idle: float = 0.0


@dataclass(frozen=True, slots=True)
class CacheMemory:
    """What status.cached remembers of one pod."""

    cached: bool = False
    container_id: str = ""
