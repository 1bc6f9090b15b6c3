"""The queue alone, on a clock that the tests move."""

import threading

import pytest
from tests.support import eventually

from glance_operator.runtime.queue import PATIENCE, Lane, Next, Queue
from glance_operator.runtime.store import Key


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


class Observed:
    def __init__(self) -> None:
        self.adds = self.retries = 0
        self.waits: list[float] = []
        self.works: list[float] = []

    def added(self) -> None:
        self.adds += 1

    def retried(self) -> None:
        self.retries += 1

    def waited(self, seconds: float) -> None:
        self.waits.append(seconds)

    def worked(self, seconds: float) -> None:
        self.works.append(seconds)


def key(name: object) -> Key:
    return Key("Image", "default", str(name))


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def queue(clock: Clock) -> Queue:
    return Queue(clock, spread=lambda: 1.0)


def drain(queue: Queue) -> list[str]:
    """The names of all ready keys, in the order in which they are served."""
    names = []
    while (found := queue.poll()) is not None:
        names.append(found.name)
        queue.done(found)
    return names


def test_a_key_waits_only_once(queue: Queue) -> None:
    for _ in range(3):
        queue.add(key("a"))
    assert drain(queue) == ["a"]


def test_first_come_first_served_within_a_lane(queue: Queue) -> None:
    for name in "cab":
        queue.add(key(name))
    assert drain(queue) == ["c", "a", "b"]


def test_lanes_are_served_in_their_order(queue: Queue) -> None:
    for lane in reversed(Lane):
        queue.add(key(lane.name), lane)
    assert drain(queue) == ["BEGUN", "CHANGED", "NEW", "RESYNC"]


def test_a_better_lane_wins_and_a_worse_one_does_not(queue: Queue) -> None:
    queue.add(key("a"), Lane.NEW)
    queue.add(key("b"), Lane.NEW)
    queue.add(key("b"), Lane.CHANGED)
    queue.add(key("b"), Lane.RESYNC)
    assert drain(queue) == ["b", "a"]


def test_a_change_does_not_wait_behind_a_thousand_new_ones(queue: Queue) -> None:
    for number in range(1000):
        queue.add(key(number), Lane.NEW)
    assert queue.poll() == key(0)
    queue.add(key("changed"))
    assert queue.poll() == key("changed")


def test_no_lane_starves(queue: Queue) -> None:
    """Each lane gets its turn within PATIENCE + 3 keys, however many wait before it."""
    for lane in Lane:
        for number in range(100):
            queue.add(key(f"{lane.name}-{number}"), lane)
    served = [name.partition("-")[0] for name in drain(queue)]
    for lane in Lane:
        places = [place for place, name in enumerate(served) if name == lane.name]
        gaps = [later - earlier for earlier, later in zip([-1, *places], places, strict=False)]
        assert max(gaps) <= PATIENCE + 4, lane


def test_a_running_key_is_not_handed_out_again(queue: Queue) -> None:
    queue.add(key("a"))
    assert queue.poll() == key("a")
    queue.add(key("a"))
    assert queue.poll() is None
    queue.done(key("a"))
    assert queue.poll() == key("a")


def test_what_is_added_while_running_beats_the_delay_of_the_pass(queue: Queue) -> None:
    queue.add(key("a"))
    queue.poll()
    queue.add(key("a"), Lane.NEW)
    queue.done(key("a"), Next(3600))
    assert drain(queue) == ["a"]
    assert queue.stats().delayed == 0


def test_delays(queue: Queue, clock: Clock) -> None:
    queue.add_after(key("late"), 20)
    queue.add_after(key("early"), 10)
    assert queue.poll() is None
    clock.now += 10
    assert drain(queue) == ["early"]
    clock.now += 10
    assert drain(queue) == ["late"]


@pytest.mark.parametrize(("first", "second", "due"), [(5, 50, 5), (50, 5, 5)])
def test_the_earlier_of_two_delays_counts(queue: Queue, clock: Clock, first: float, second: float, due: float) -> None:
    queue.add_after(key("a"), first)
    queue.add_after(key("a"), second)
    clock.now += due
    assert drain(queue) == ["a"]
    clock.now += 100
    assert drain(queue) == []


def test_a_pass_answers_for_the_delay_before_it(queue: Queue, clock: Clock) -> None:
    """A key that was looked at before its time is not looked at again when that time comes."""
    queue.add_after(key("a"), 60)
    queue.add(key("a"))
    assert drain(queue) == ["a"]
    clock.now += 60
    assert drain(queue) == []


def test_delays_that_do_not_count_do_not_pile_up(queue: Queue, clock: Clock) -> None:
    for _ in range(10_000):
        queue.add_after(key("a"), 3600)
        queue.add(key("a"))
        drain(queue)
    assert len(queue._heap) < 100


@pytest.mark.parametrize(
    ("failures", "asked", "seconds"),
    [
        (1, Next(backoff=True), 1),
        (2, Next(backoff=True), 2),
        (5, Next(backoff=True), 16),
        (9, Next(backoff=True), 256),
        (10, Next(backoff=True), 300),
        (100, Next(backoff=True), 300),
        (10, Next(backoff=True, at_most=15), 15),
        (1, Next(after=30, backoff=True), 30),
    ],
)
def test_back_off(queue: Queue, clock: Clock, failures: int, asked: Next, seconds: float) -> None:
    queue.add(key("a"))
    for _ in range(failures):
        clock.now += 1000
        assert queue.poll() == key("a")
        queue.done(key("a"), asked)
    assert queue.failures(key("a")) == failures
    clock.now += seconds - 0.01
    assert queue.poll() is None
    clock.now += 0.01
    assert queue.poll() == key("a")


def test_anything_else_ends_the_back_off(queue: Queue) -> None:
    for after in (Next(backoff=True), Next(backoff=True), Next(5)):
        queue.add(key("a"))
        queue.poll()
        queue.done(key("a"), after)
    assert queue.failures(key("a")) == 0


def test_back_off_has_jitter() -> None:
    clock = Clock()
    queue = Queue(clock)
    for number in range(50):
        queue.add(key(number))
        queue.poll()
        queue.done(key(number), Next(backoff=True))
    clock.now += 1.0
    assert 5 < len(drain(queue)) < 45


def test_a_change_during_back_off_is_looked_at_at_once(queue: Queue) -> None:
    queue.add(key("a"))
    queue.poll()
    queue.done(key("a"), Next(backoff=True))
    queue.add(key("a"))
    assert queue.poll() == key("a")


def test_forget(queue: Queue, clock: Clock) -> None:
    queue.add(key("ready"))
    queue.add_after(key("delayed"), 1)
    for name in ("ready", "delayed"):
        queue.forget(key(name))
    clock.now += 1
    assert drain(queue) == []


def test_a_paused_queue_collects_and_hands_out_nothing(queue: Queue) -> None:
    queue.pause()
    queue.add(key("a"))
    assert queue.poll() is None
    assert queue.depth() == 1
    queue.resume()
    assert queue.poll() == key("a")


def test_statistics(queue: Queue, clock: Clock) -> None:
    queue.add(key("running"))
    queue.poll()
    queue.add(key("ready"), Lane.NEW)
    queue.add_after(key("delayed"), 60)
    clock.now += 7
    stats = queue.stats()
    assert (stats.ready[Lane.NEW], stats.delayed, stats.running) == (1, 1, {key("running"): 7})


def test_observer(clock: Clock) -> None:
    observed = Observed()
    queue = Queue(clock, observer=observed)
    queue.add(key("a"))
    clock.now += 2
    queue.poll()
    clock.now += 3
    queue.done(key("a"), Next(backoff=True))
    assert (observed.adds, observed.retries, observed.waits, observed.works) == (1, 1, [2], [3])


def test_get_waits_for_a_delay_even_when_the_watching_worker_is_taken_away() -> None:
    """The worker that waited for the clock takes a key that works for long; another one has to watch the clock then."""
    queue = Queue()
    got: list[str] = []
    held = threading.Event()

    def work() -> None:
        while (found := queue.get()) is not None:
            got.append(found.name)
            if found.name == "long":
                held.wait(10)
            queue.done(found)

    threads = [threading.Thread(target=work) for _ in range(2)]
    for thread in threads:
        thread.start()
    queue.add_after(key("delayed"), 0.3)
    queue.add(key("long"))
    try:
        eventually(lambda: "delayed" in got, timeout=5, interval=0.02)
    finally:
        held.set()
        queue.close()
    for thread in threads:
        thread.join(5)
        assert not thread.is_alive()


def test_close_ends_every_waiting_worker() -> None:
    queue = Queue()
    answers: list[Key | None] = []
    threads = [threading.Thread(target=lambda: answers.append(queue.get())) for _ in range(4)]
    for thread in threads:
        thread.start()
    queue.close()
    for thread in threads:
        thread.join(5)
    assert answers == [None] * 4
