"""What other objects of ours have told of themselves, as far as an Image's rules look at it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Referred:
    """Another Image that the spec names, as its object tells. ``near``: it is on the same cloud. ``circle``: the names
    on the way from it back to this object, if its own references lead there."""

    name: str
    exists: bool = False
    image_id: str = ""
    ready: bool = False
    near: bool = True
    circle: tuple[str, ...] = ()
