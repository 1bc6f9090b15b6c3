"""Why: dashboards made for controller-runtime work unchanged; what is ours is counted without a label per Image."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.registry import Collector

from glance_operator.runtime.queue import Stats

CONTROLLER = "glance-operator"
_SECONDS = (0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)


class Metrics:
    """All counters of the process, in a registry of their own; other modules use the attributes directly."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        ProcessCollector(registry=self.registry)
        self._engine()
        self._traffic()
        self._ours()

    def expose(self) -> bytes:
        """The text that Prometheus reads."""
        return generate_latest(self.registry)

    def watch_queue(self, stats: Callable[[], Stats]) -> None:
        """Read the queue's depth at each scrape."""
        self.registry.register(_Scrape(lambda: _queue_families(stats())))

    def watch_images(self, counts: Callable[[], Mapping[tuple[str, str], int]]) -> None:
        """Read {(state, reason): images} at each scrape."""
        self.registry.register(_Scrape(lambda: [_images_family(counts())]))

    def watch_slots(self, clouds: Callable[[], Mapping[str, tuple[int, int]]]) -> None:
        """Read {cloud: (imports in flight, images waiting for a slot)} at each scrape."""
        self.registry.register(_Scrape(lambda: _slot_families(clouds())))

    def observe_request(self, method: str, code: str, host: str, seconds: float) -> None:
        """One request to the API server; the signature that kube.Transport wants."""
        self.rest_requests.labels(code, method, host).inc()
        self.rest_seconds.labels(method, host).observe(seconds)

    def _counter(self, name: str, text: str, *labels: str) -> Counter:
        return Counter(name, text, labels, registry=self.registry)

    def _gauge(self, name: str, text: str, *labels: str) -> Gauge:
        return Gauge(name, text, labels, registry=self.registry)

    def _histogram(self, name: str, text: str, *labels: str) -> Histogram:
        return Histogram(name, text, labels, registry=self.registry, buckets=_SECONDS)

    def _engine(self) -> None:
        prefix = "controller_runtime"
        self.passes = self._counter(f"{prefix}_reconcile_total", "Passes by result.", "controller", "result")
        self.errors = self._counter(f"{prefix}_reconcile_errors_total", "Passes that failed.", "controller")
        self.terminal_errors = self._counter(
            f"{prefix}_terminal_reconcile_errors_total", "Failures that are not retried.", "controller"
        )
        self.panics = self._counter(f"{prefix}_reconcile_panics_total", "Passes ended by a surprise.", "controller")
        self.pass_seconds = self._histogram(f"{prefix}_reconcile_time_seconds", "Length of passes.", "controller")
        self.max_workers = self._gauge(f"{prefix}_max_concurrent_reconciles", "Passes at once, at most.", "controller")
        self.active_workers = self._gauge(f"{prefix}_active_workers", "Passes running now.", "controller")
        self.queue = QueueMetrics(self)
        self.master = self._gauge("leader_election_master_status", "1 if this process is the leader.", "name")

    def _traffic(self) -> None:
        self.rest_requests = self._counter(
            "rest_client_requests_total", "Requests to the API server.", "code", "method", "host"
        )
        self.rest_seconds = self._histogram(
            "rest_client_request_duration_seconds", "Length of requests to the API server.", "verb", "host"
        )
        self.glance_requests = self._counter(
            "glance_operator_glance_requests_total", "Requests to Glance.", "cloud", "method", "code"
        )

    def _ours(self) -> None:
        self.cloud_up = self._gauge("glance_operator_cloud_up", "1 if the cloud answered last time.", "cloud")
        self.left_in_glance = self._counter(
            "glance_operator_left_in_glance_total", "Images let go although they may still be in Glance."
        )
        self.events_dropped = self._counter("glance_operator_events_dropped_total", "Events not posted.", "reason")
        self.feed_starts = self._counter("glance_operator_feed_starts_total", "Times the watch feed was (re)started.")
        self.swept = self._counter(
            "glance_operator_swept_objects_total", "Objects the feed had missed, by what was missed.", "missed"
        )


class QueueMetrics:
    """What a queue.Observer is told, in controller-runtime's names."""

    def __init__(self, metrics: Metrics) -> None:
        def counter(name: str, text: str) -> Counter:
            return metrics._counter(f"workqueue_{name}", text, "name", "controller").labels(CONTROLLER, CONTROLLER)  # noqa: SLF001

        def histogram(name: str, text: str) -> Histogram:
            return metrics._histogram(f"workqueue_{name}", text, "name", "controller").labels(CONTROLLER, CONTROLLER)  # noqa: SLF001

        self.added = counter("adds_total", "Keys added.").inc
        self.retried = counter("retries_total", "Keys put back to back off.").inc
        self.waited = histogram("queue_duration_seconds", "How long keys waited.").observe
        self.worked = histogram("work_duration_seconds", "How long passes took.").observe


class _Scrape(Collector):
    """Figures that are only worth computing when somebody looks."""

    def __init__(self, families: Callable[[], Iterable[Metric]]) -> None:
        self._families = families

    def describe(self) -> Iterable[Metric]:
        """Nothing in advance: registering must not compute the figures."""
        return []

    def collect(self) -> Iterable[Metric]:
        """The figures as they are now."""
        return self._families()


def _queue_families(stats: Stats) -> list[Metric]:
    labels, names = [CONTROLLER, CONTROLLER], ["name", "controller"]
    depth = GaugeMetricFamily("workqueue_depth", "Keys ready to run.", labels=[*names, "priority"])
    for lane, count in stats.ready.items():
        depth.add_metric([*labels, lane.name.lower()], count)
    figures = {
        "workqueue_unfinished_work_seconds": ("Sum of the ages of running passes.", sum(stats.running.values())),
        "workqueue_longest_running_processor_seconds": (
            "Age of the oldest pass.",
            max(stats.running.values(), default=0),
        ),
        "workqueue_delayed": ("Keys waiting for their time.", stats.delayed),
    }
    families: list[Metric] = [depth]
    for name, (text, value) in figures.items():
        family = GaugeMetricFamily(name, text, labels=names)
        family.add_metric(labels, value)
        families.append(family)
    return families


def _images_family(counts: Mapping[tuple[str, str], int]) -> Metric:
    family = GaugeMetricFamily("glance_operator_images", "Images by state and reason.", labels=["state", "reason"])
    for labels, count in counts.items():
        family.add_metric(list(labels), count)
    return family


def _slot_families(clouds: Mapping[str, tuple[int, int]]) -> list[Metric]:
    flying = GaugeMetricFamily("glance_operator_imports_in_flight", "Imports running.", labels=["cloud"])
    waiting = GaugeMetricFamily("glance_operator_slots_waiting", "Images waiting for a slot.", labels=["cloud"])
    for cloud, (holders, line) in clouds.items():
        flying.add_metric([cloud], holders)
        waiting.add_metric([cloud], line)
    return [flying, waiting]
