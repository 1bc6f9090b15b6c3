"""What this process knows of one Image's dealings with its cloud. Lost at a restart without harm."""

from __future__ import annotations

import time
from dataclasses import dataclass, field

from glance_operator.api.image import ImageSpec
from glance_operator.core.image.observed import Task
from glance_operator.core.image.questions import Question
from glance_operator.core.image.sources import Answer
from glance_operator.runtime.clouds import Cloud
from glance_operator.runtime.image.errands import Errands

_FIRST_POLL, _LAST_POLL = 0.15, 10.0  # seconds between two looks at a running import: it grows with the import's age
_FIRST_LOOK = 1.0  # the longest wait for the first one
_PROGRESS = "Copied "  # how such a task's message begins (seen with Glance 33)
_BUSY_POLL = 0.5  # the longest first wait where imports take their time: each look costs Glance some of it


@dataclass(slots=True)
class Track:
    """Times are of the monotonic clock, in seconds; 0 = not."""

    cloud: Cloud
    image_id: str = ""
    untouched: bool = False  # made by us, and no import was asked for yet: there is no task to look for
    burnt: bool = False  # Glance refuses the id for ever
    since: float = 0.0  # when the running import was begun or first seen
    task_checked: float = 0.0
    node: str = ""  # the pod that the import under way was given to, where we see them
    needs: int = 0  # bytes that it takes of that service's staging space, as far as they are known
    gone_since: float = 0.0  # when its container was found to be gone
    spec: tuple[tuple[str, int], ImageSpec] | None = None  # of that uid and generation; dropped at rest
    others: set[str] = field(default_factory=set)  # images of earlier content that were looked at
    errands: Errands = field(default_factory=Errands)
    question: Question | None = None  # that its source was asked last
    asked_at: float = 0.0
    answer: Answer | None = None  # to that question
    told: str = ""  # what Glance has told of progress in copying to stores
    told_at: float = 0.0
    standstill: tuple[object, float] = (None, 0.0)  # what was last seen of a transfer, and since when it is so

    def turn_to(self, image_id: str) -> None:
        """Another incarnation, another image: nothing is known of it."""
        if self.image_id != image_id:
            self.cloud.looks.unwatch(self.image_id)
            self.image_id, self.untouched, self.burnt, self.since = image_id, False, False, 0.0
            self.node, self.needs, self.gone_since = "", 0, 0.0
            self.errands.forget()
            self.told = ""

    def age(self) -> float:
        """Seconds since the running import was begun or first seen; 0 when none runs."""
        return time.monotonic() - self.since if self.since else 0.0

    def poll(self) -> float:
        """Seconds until the next look at the running import; the longer others took of late, the less often."""
        usual = min(_BUSY_POLL, 0.2 * self.cloud.usual)
        return min(_LAST_POLL, max(_FIRST_POLL, usual, 0.15 * self.age()))

    def first_look(self) -> float:
        """Seconds until the first look at an import that was just asked for: before half of what others took of late
        it is hardly over. If it is, the looks at others may tell."""
        return max(_FIRST_POLL, min(_FIRST_LOOK, 0.5 * self.cloud.usual))

    def begin(self, node: str = "") -> None:
        """An import is about to be asked for, of this pod."""
        self.untouched, self.since, self.node, self.told = False, time.monotonic(), node, ""

    def ask(self, question: Question) -> float:
        """Since when this is the question; of another than the last nothing is known."""
        if question != self.question:
            self.question, self.asked_at, self.answer = question, time.monotonic(), None
        return self.asked_at

    def hear(self, task: Task | None) -> None:
        """What is read of the running import's task."""
        if task is not None and task.message.startswith(_PROGRESS) and task.message != self.told:
            self.told, self.told_at = task.message, time.monotonic()

    def silence(self) -> float:
        """Seconds since Glance told of progress; 0 where it has told of none, as it does while it downloads."""
        return time.monotonic() - self.told_at if self.since and self.told else 0.0

    def gone_for(self, gone: bool) -> float:
        """Seconds since the container that took the import was first seen to be gone."""
        self.gone_since = (self.gone_since or time.monotonic()) if gone else 0.0
        return time.monotonic() - self.gone_since if gone else 0.0

    def silent_for(self, seen: object) -> float:
        """Seconds for which this, of a transfer, has been seen unchanged."""
        if seen != self.standstill[0]:
            self.standstill = (seen, time.monotonic())
        return time.monotonic() - self.standstill[1]

    def found_running(self, node: str = "") -> None:
        """An import is under way, on this pod; after a restart its age is counted from now."""
        self.since, self.node = self.since or time.monotonic(), self.node or node

    def rest(self) -> None:
        """Nothing is under way."""
        if self.since:
            self.cloud.took(self.age())
        self.since, self.spec, self.node, self.needs, self.told = 0.0, None, "", 0, ""
        for image_id in (self.image_id, *self.others):
            self.cloud.looks.unwatch(image_id)
        self.others.clear()
