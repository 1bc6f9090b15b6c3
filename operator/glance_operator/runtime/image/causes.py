"""What is found out beside Glance: what the source says, after a failure and of what has just arrived."""

from __future__ import annotations

import time
from dataclasses import replace
from urllib.parse import urlsplit

from glance_operator.api.glanceapi.images import Sources as Filter
from glance_operator.core.image import arrival, content
from glance_operator.core.image.memory import judged
from glance_operator.core.image.observed import View
from glance_operator.core.image.questions import Question, question
from glance_operator.core.image.refusals import is_filtered
from glance_operator.core.image.sources import Answer, Fate
from glance_operator.core.plan import Step
from glance_operator.runtime.errors import Invalid, Refused
from glance_operator.runtime.image.ours import Ours
from glance_operator.runtime.image.track import Track
from glance_operator.runtime.world import World

_PATIENCE = 0.5  # seconds for which a pass waits for a source; the next one finds the answer
_LONGEST = 10.0  # seconds after which no answer is awaited any more


class Causes:
    """Reads only, and raises nothing."""

    def __init__(self, world: World, ours: Ours) -> None:
        self._sources, self._ours = world.sources, ours

    def added(self, view: View, track: Track) -> View:
        """The view with what the rules want to know of the source. Each attempt's is asked once."""
        if _is_served(view):
            return view
        wanted = question(view if arrival.unproven(view) else judged(view))
        return replace(view, answer=self._asked(view, track, wanted)) if wanted else view

    def of_refusal(self, view: View, step: Step, error: Refused) -> View:
        """The view with what the host of a refused source may be refused for."""
        if not isinstance(step, content.ImportFromUrl) or not is_filtered(step, error.status, error.message):
            return view
        allowed = self._filter(view)
        return replace(view, answer=self._sources.ask(step.url, allowed, patience=_PATIENCE)) if allowed else view

    def _asked(self, view: View, track: Track, wanted: Question) -> Answer:
        since = track.ask(wanted)
        if track.answer is None:
            allowed = self._filter(view, urlsplit(wanted.url).port)
            if allowed is None:
                return Answer(Fate.UNKNOWN)
            answer = self._sources.ask(wanted.url, allowed, since=since, patience=_PATIENCE)
            if answer.fate is Fate.PENDING and time.monotonic() - since < _LONGEST:
                return answer
            track.answer = Answer(Fate.UNKNOWN) if answer.fate is Fate.PENDING else answer
        return track.answer

    def _filter(self, view: View, port: int | None = None) -> Filter | None:
        """Of another cloud it is known only that its own filter has let this port pass. None: a service of ours that
        cannot be understood, which it says itself."""
        if view.nodes is None:
            return Filter(allowed_ports=tuple(sorted({80, 443, port or 80})))
        try:
            return self._ours.filter_of(view)
        except Invalid:
            return None


def _is_served(view: View) -> bool:
    """Nothing has failed, and nothing has arrived of late."""
    image, memory = view.image, view.memory
    served = image is not None and image.status == "active" and arrival.accepted(view)
    return served and not memory.attempts and not memory.stores and view.task is None
