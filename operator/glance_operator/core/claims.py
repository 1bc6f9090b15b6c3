"""PersistentVolumeClaims as they are seen: what was asked for, what is there, and what Kubernetes says about it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from glance_operator.api.base import bytes_of
from glance_operator.core.conditions import TRUE
from glance_operator.core.plan import Step

_FIXED = "must support resize"  # the API server's words for a claim that its StorageClass lets never grow


@dataclass(frozen=True, slots=True)
class Grow(Step):
    """Ask for more room, by name of the claim. That it is refused stops nothing: the next look tells."""

    sizes: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Claim:
    """asked, there: sizes, nothing while it has no volume. words: why it has none, or how its growth goes on.

    refused: what the API server said when it was asked to let it grow. modes: how it can be mounted.
    """

    name: str
    phase: str = "Pending"
    asked: str = "0"
    there: str = "0"
    modes: tuple[str, ...] = ()
    words: str = ""
    refused: str = ""
    leaving: bool = False

    def holds(self, size: str) -> bool:
        return bytes_of(self.there) >= bytes_of(size)

    def can_grow(self, size: str) -> bool:
        """Only what has a volume can be asked."""
        settled = self.phase == "Bound" and not self.leaving and not self.refused
        return settled and not self.holds(size) and bytes_of(self.asked) < bytes_of(size)

    @property
    def fixed(self) -> bool:
        """Only another claim could be larger; a growth that was refused for a quota, say, may be allowed later."""
        return _FIXED in self.refused

    @property
    def restless(self) -> bool:
        """Something is awaited that events tell of."""
        return self.phase != "Bound" or not self.holds(self.asked)


def parse(body: Mapping[str, Any], events: Iterable[Mapping[str, Any]] = (), refused: str = "") -> Claim:
    """events: about this claim, the newest first."""
    meta, spec, status = body["metadata"], body["spec"], body.get("status") or {}
    return Claim(
        name=meta["name"],
        phase=status.get("phase", "Pending"),
        asked=spec["resources"]["requests"]["storage"],
        there=(status.get("capacity") or {}).get("storage", "0"),
        modes=tuple(spec.get("accessModes") or ()),
        words=_own_words(status) or _told(events),
        refused=refused,
        leaving="deletionTimestamp" in meta,
    )


def _own_words(status: Mapping[str, Any]) -> str:
    """Of its conditions, such as Resizing or FileSystemResizePending."""
    told = [one for one in status.get("conditions") or () if one.get("status") == TRUE]
    return "; ".join(f"{one['type']}: {one.get('message') or ''}".removesuffix(": ") for one in told)


def _told(events: Iterable[Mapping[str, Any]]) -> str:
    """A warning says more than what usually happens."""
    told = sorted(events, key=lambda event: event.get("type") != "Warning")
    return next((f"{event.get('reason', '')}: {event.get('note') or ''}" for event in told), "")
