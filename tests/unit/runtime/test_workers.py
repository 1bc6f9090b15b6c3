"""Workers: surprises stay where they happen, and the end waits for what runs."""

import logging
import threading
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager

import pytest
from tests.support import eventually

from glance_operator.runtime.crowd import Crowded
from glance_operator.runtime.kube import ApiError, Unreachable
from glance_operator.runtime.leader import LostLease
from glance_operator.runtime.metrics import Metrics
from glance_operator.runtime.queue import Next, Queue
from glance_operator.runtime.store import Key
from glance_operator.runtime.workers import Workers

A, B = Key("Image", "default", "a"), Key("Image", "default", "b")


@contextmanager
def workers(reconcile: Callable[[Key], Next], count: int = 2) -> Iterator[tuple[Queue, Workers, Metrics]]:
    queue, metrics = Queue(), Metrics()
    running = Workers(queue, reconcile, count, metrics)
    with ExitStack() as stack:
        running.start()
        stack.callback(running.stop, 5)
        yield queue, running, metrics


def test_passes_run_and_say_when_to_look_again() -> None:
    seen: list[Key] = []

    def reconcile(key: Key) -> Next:
        seen.append(key)
        return Next(0) if len(seen) < 3 else Next()

    with workers(reconcile) as (queue, running, metrics):
        queue.add(A)
        eventually(lambda: len(seen) == 3, timeout=5, interval=0.01)
        assert running.alive()
    text = metrics.expose().decode()
    assert 'controller_runtime_reconcile_total{controller="glance-operator",result="requeue_after"} 2.0' in text
    assert 'controller_runtime_reconcile_total{controller="glance-operator",result="success"} 1.0' in text
    assert 'controller_runtime_active_workers{controller="glance-operator"} 0.0' in text


@pytest.mark.parametrize(
    ("error", "panics"),
    [
        (Unreachable("refused"), 0),
        (ApiError(500, "InternalError", "etcd"), 0),
        (LostLease("paused"), 0),
        (ZeroDivisionError("surprise"), 1),
    ],
)
def test_an_error_backs_off_one_key_and_stops_nobody(error: Exception, panics: int) -> None:
    done = threading.Event()

    def reconcile(key: Key) -> Next:
        if key == A:
            raise error
        done.set()
        return Next()

    with workers(reconcile, count=1) as (queue, _, metrics):
        queue.add(A)
        queue.add(B)
        assert done.wait(5)
        assert queue.failures(A) == 1
        assert queue.stats().delayed == 1
    text = metrics.expose().decode()
    assert 'controller_runtime_reconcile_errors_total{controller="glance-operator"} 1.0' in text
    assert (f'controller_runtime_reconcile_panics_total{{controller="glance-operator"}} {panics}.0' in text) == bool(
        panics
    )


def test_what_finds_no_room_at_its_cloud_comes_back_and_is_no_error() -> None:
    seen: list[Key] = []

    def reconcile(key: Key) -> Next:
        seen.append(key)
        if seen.count(A) == 1:
            raise Crowded("others wait already")
        return Next()

    with workers(reconcile, count=1) as (queue, _, metrics):
        queue.add(A)
        eventually(lambda: seen == [A, A], timeout=5, interval=0.01)
    text = metrics.expose().decode()
    assert 'reconcile_total{controller="glance-operator",result="requeue"} 1.0' in text
    assert 'reconcile_errors_total{controller="glance-operator"}' not in text


def test_a_server_that_asks_for_time_gets_it() -> None:
    failed = threading.Event()

    def reconcile(key: Key) -> Next:
        failed.set()
        raise ApiError(429, "TooManyRequests", "later", retry_after=60)

    with workers(reconcile) as (queue, _, _metrics):
        queue.add(A)
        assert failed.wait(5)
        eventually(lambda: queue.stats().delayed == 1, timeout=5, interval=0.01)
        wait = queue._until_next()
        assert wait is not None
        assert 55 < wait <= 60


def test_the_same_trouble_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    count = 0
    failed = threading.Event()

    def reconcile(key: Key) -> Next:
        nonlocal count
        count += 1
        if count == 3:
            failed.set()
        raise RuntimeError("other" if count == 3 else "same")

    with caplog.at_level(logging.WARNING), workers(reconcile) as (queue, _, _metrics):
        for number in range(1, 4):
            queue.add(A)
            eventually(lambda number=number: queue.failures(A) == number, timeout=5, interval=0.01)  # type: ignore[misc]
    assert [record.getMessage() for record in caplog.records] == [
        "the pass failed: RuntimeError: same",
        "the pass failed: RuntimeError: other",
    ]
    assert caplog.records[0].__dict__["object_name"] == "a"


def test_the_end_waits_for_a_running_pass_and_begins_none() -> None:
    begun, go_on, ran = threading.Event(), threading.Event(), []

    def reconcile(key: Key) -> Next:
        begun.set()
        go_on.wait(10)
        ran.append(key)
        return Next()

    queue = Queue()
    running = Workers(queue, reconcile, 1, Metrics())
    running.start()
    queue.add(A)
    assert begun.wait(5)
    queue.add(B)
    threading.Timer(0.2, go_on.set).start()
    assert running.stop(grace=10)
    assert ran == [A]
    assert not running.alive()


def test_the_end_does_not_wait_for_ever() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def reconcile(key: Key) -> Next:
        begun.set()
        go_on.wait(10)
        return Next()

    queue = Queue()
    running = Workers(queue, reconcile, 1, Metrics())
    running.start()
    queue.add(A)
    assert begun.wait(5)
    assert not running.stop(grace=0.05)
    go_on.set()
    assert running.stop(grace=5)
