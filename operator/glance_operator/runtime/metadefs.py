"""Namespaces of metadata definitions in Glance: looked at after a change and now and then, and changed on request."""

from __future__ import annotations

import time
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from glance_operator.core.metadefs import Attempt, Define, Seen, address
from glance_operator.runtime.apis import SERVICE
from glance_operator.runtime.clouds import Clouds
from glance_operator.runtime.errors import Refused, Unavailable, unavailable
from glance_operator.runtime.store import Key

if TYPE_CHECKING:
    from glance_operator.runtime.glance import Glance

AT_REST, IN_TROUBLE = 600.0, 60.0  # seconds for which what was seen is believed, and what was tried is not tried again

Namespace = Mapping[str, Any] | None


@dataclass
class _Book:
    """What is known of one service since a moment."""

    since: float
    found: dict[str, Namespace] = field(default_factory=dict)
    attempts: dict[str, list[Attempt]] = field(default_factory=lambda: defaultdict(list))


class Metadefs:
    """Thread-safe, as no two threads work for the same key."""

    def __init__(self, clouds: Clouds, clock: Callable[[], float] = time.monotonic) -> None:
        self._clouds, self._clock = clouds, clock
        self._books: dict[Key, _Book] = {}

    def look(self, key: Key, names: Iterable[str], *, calm: bool) -> Seen:
        """What this GlanceAPI's Glance has under these names. calm: all was well at the last look."""
        book = self._book(key, AT_REST if calm else IN_TROUBLE)
        missing, trouble = sorted(set(names) - book.found.keys()), ""
        try:
            if missing:
                glance = self._glance(key)
                for name in missing:
                    book.found[name] = _namespace(glance, name)
        except Unavailable as error:
            trouble = error.state.message
        except Refused as error:
            trouble = f"Glance answers HTTP {error.status}: {error.message}"
        attempts = {name: tuple(made) for name, made in book.attempts.items()}
        return Seen({name: book.found[name] for name in names if name in book.found}, trouble, attempts)

    def send(self, key: Key, step: Define) -> None:
        """What becomes of it the next look tells; a service that cannot be reached is asked again."""
        book = self._books[key]
        book.found.pop(step.namespace, None)
        try:
            glance = self._glance(key)
            for call in step.calls:
                glance.call(call.method, call.path, **({} if call.body is None else {"json": dict(call.body)}))
        except Unavailable:
            return
        except Refused as error:
            words = f"HTTP {error.status}: {error.message}"
            made = Attempt(step.calls, words, taken=step.new and error.status == 409)
        else:
            made = Attempt(step.calls)
        book.attempts[step.namespace].append(made)

    def forget(self, key: Key) -> None:
        self._books.pop(key, None)

    def _book(self, key: Key, good_for: float) -> _Book:
        book = self._books.get(key)
        if book is None or self._clock() - book.since > good_for:
            book = self._books[key] = _Book(self._clock())
        return book

    def _glance(self, key: Key) -> Glance:
        return self._clouds.find(key.namespace, SERVICE, key.name).glance


def _namespace(glance: Glance, name: str) -> Namespace:
    """None if there is none."""
    try:
        found: Mapping[str, Any] = glance.call("GET", address(name)).json()
    except Refused as error:
        if error.status == 404:
            return None
        raise
    except ValueError as error:
        raise unavailable("GlanceUnavailable", "the answer is not the image API's JSON") from error
    return found
