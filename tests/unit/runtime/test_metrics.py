"""Metrics: the names that dashboards know, and figures that are computed when somebody looks."""

import pytest

from glance_operator.runtime.metrics import Metrics
from glance_operator.runtime.queue import Lane, Queue, Stats
from glance_operator.runtime.store import Key

CONTROLLER_RUNTIME = [
    "controller_runtime_reconcile_total",
    "controller_runtime_reconcile_errors_total",
    "controller_runtime_terminal_reconcile_errors_total",
    "controller_runtime_reconcile_panics_total",
    "controller_runtime_reconcile_time_seconds",
    "controller_runtime_max_concurrent_reconciles",
    "controller_runtime_active_workers",
    "workqueue_depth",
    "workqueue_adds_total",
    "workqueue_queue_duration_seconds",
    "workqueue_work_duration_seconds",
    "workqueue_unfinished_work_seconds",
    "workqueue_longest_running_processor_seconds",
    "workqueue_retries_total",
    "rest_client_requests_total",
    "rest_client_request_duration_seconds",
    "leader_election_master_status",
    "process_resident_memory_bytes",
]


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


def test_the_names_of_controller_runtime(metrics: Metrics) -> None:
    metrics.watch_queue(Queue().stats)
    text = metrics.expose().decode()
    assert [name for name in CONTROLLER_RUNTIME if f"# HELP {name} " not in text] == []


def test_the_queue_is_read_at_each_scrape(metrics: Metrics) -> None:
    running = {Key("Image", "ns", "a"): 2.0, Key("Image", "ns", "b"): 3.0}
    stats = Stats(dict.fromkeys(Lane, 0), 0, {})
    metrics.watch_queue(lambda: stats)
    assert 'priority="new"} 0.0' in metrics.expose().decode()
    stats = Stats({**dict.fromkeys(Lane, 0), Lane.NEW: 7}, 4, running)
    text = metrics.expose().decode()
    labels = '{controller="glance-operator",name="glance-operator"'
    assert f'workqueue_depth{labels},priority="new"}} 7.0' in text
    assert f"workqueue_delayed{labels}}} 4.0" in text
    assert f"workqueue_unfinished_work_seconds{labels}}} 5.0" in text
    assert f"workqueue_longest_running_processor_seconds{labels}}} 3.0" in text


def test_images_and_slots(metrics: Metrics) -> None:
    metrics.watch_images(lambda: {("True", "Ready"): 3, ("False", "Importing"): 1})
    metrics.watch_slots(lambda: {"openstack/images": (4, 20)})
    text = metrics.expose().decode()
    assert 'glance_operator_images{reason="Ready",state="True"} 3.0' in text
    assert 'glance_operator_imports_in_flight{cloud="openstack/images"} 4.0' in text
    assert 'glance_operator_slots_waiting{cloud="openstack/images"} 20.0' in text


def test_requests_to_the_api_server(metrics: Metrics) -> None:
    metrics.observe_request("GET", "200", "10.0.0.1:443", 0.3)
    text = metrics.expose().decode()
    assert 'rest_client_requests_total{code="200",host="10.0.0.1:443",method="GET"} 1.0' in text
    assert 'rest_client_request_duration_seconds_bucket{host="10.0.0.1:443",le="0.5",verb="GET"} 1.0' in text


def test_two_registries_do_not_meet(metrics: Metrics) -> None:
    Metrics().left_in_glance.inc()
    assert "glance_operator_left_in_glance_total 0.0" in metrics.expose().decode()
