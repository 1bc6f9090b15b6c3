"""What a source is asked about, and when: after a failed attempt, when content has arrived, and in a long download."""

from __future__ import annotations

from typing import NamedTuple

from glance_operator.core.image import arrival, causes, content
from glance_operator.core.image.observed import View


class Question(NamedTuple):
    """Asked once: the next attempt is another question. failed: about an attempt that has ended so."""

    url: str
    failed: bool
    incarnation: int
    attempts: int
    task_id: str


def question(view: View) -> Question | None:
    """Of a view that has been judged, unless its content is still unproven."""
    http = view.spec.source.http if view.spec.source else None
    if http is None or view.deleted_at is not None:
        return None
    failed = causes.unexplained(view)
    if not failed and not arrival.unproven(view) and not content.slow(view):
        return None
    url = causes.tried(view) if failed else content.url(view)
    return Question(url, failed, view.memory.incarnation, view.memory.attempts, view.memory.task_id)
