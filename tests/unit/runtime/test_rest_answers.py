"""Answers that come from something between us and the API server, and how far they are believed."""

import json

import pytest

from glance_operator.runtime import rest
from glance_operator.runtime.metrics import Metrics
from glance_operator.runtime.queue import Next, Queue
from glance_operator.runtime.rest import ApiError
from glance_operator.runtime.store import Key
from glance_operator.runtime.workers import Workers

STATUS = json.dumps({"kind": "Status", "reason": "NotFound", "message": 'images "a" not found'}).encode()


@pytest.mark.parametrize(
    ("status", "data", "gone"),
    [(404, STATUS, True), (404, b"404 page not found\n", False), (404, b'{"error": "x"}', False), (503, STATUS, False)],
)
def test_only_the_api_server_knows_that_an_object_is_gone(status: int, data: bytes, gone: bool) -> None:
    assert rest.api_error(status, data, None).no_such_object is gone


@pytest.mark.parametrize(("asked", "waits"), [(None, None), (2.0, 2.0), (60.0, 60.0), (3600.0, 60.0)])
def test_nobody_is_kept_waiting_for_an_hour(asked: float | None, waits: float | None) -> None:
    def refused(_: Key) -> Next:
        raise ApiError(429, "TooManyRequests", "later", asked)

    after, result = Workers(Queue(), refused, 1, Metrics())._guarded(Key("Image", "ns", "a"))
    assert (after.after, after.backoff, result) == (waits, True, "error")
