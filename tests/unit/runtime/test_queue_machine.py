"""Whatever is done to a queue in whatever order: no key runs twice at once, and nothing that was added is lost."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from glance_operator.runtime.queue import Lane, Next, Queue
from glance_operator.runtime.store import Key

KEYS = st.sampled_from([Key("Image", "default", name) for name in "abc"])
LANES = st.sampled_from(Lane)
SECONDS = st.floats(0, 100)


class QueueMachine(RuleBasedStateMachine):
    """`owed` is what has to run (now or later) for nothing to be lost; the queue must never owe more."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.queue = Queue(lambda: self.now, spread=lambda: 1.0)
        self.running: set[Key] = set()
        self.owed: set[Key] = set()

    @rule(key=KEYS, lane=LANES)
    def add(self, key: Key, lane: Lane) -> None:
        self.queue.add(key, lane)
        self.owed.add(key)

    @rule(key=KEYS, seconds=SECONDS, lane=LANES)
    def add_after(self, key: Key, seconds: float, lane: Lane) -> None:
        self.queue.add_after(key, seconds, lane)
        self.owed.add(key)

    @rule(seconds=SECONDS)
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @rule()
    def take(self) -> None:
        key = self.queue.poll()
        if key is not None:
            assert key not in self.running
            assert key in self.owed
            self.running.add(key)
            self.owed.discard(key)

    @rule(key=KEYS, after=st.builds(Next, st.none() | SECONDS, LANES, st.booleans(), SECONDS))
    def finish(self, key: Key, after: Next) -> None:
        if key in self.running:
            self.running.discard(key)
            self.queue.done(key, after)
            if after.backoff or after.after is not None:
                self.owed.add(key)

    @rule(key=KEYS)
    def forget(self, key: Key) -> None:
        self.queue.forget(key)
        self.owed.discard(key)

    @invariant()
    def owes_exactly_this(self) -> None:
        stats = self.queue.stats()
        again = set(self.queue._again)
        assert set(stats.running) == self.running
        assert set(self.queue._delays) | again | {k for keys in self.queue._lanes.values() for k in keys} == self.owed

    def teardown(self) -> None:
        for key in list(self.running):
            self.queue.done(key)
        self.now += 10_000
        ran = set()
        while (served := self.queue.poll()) is not None:
            ran.add(served)
            self.queue.done(served)
        assert ran == self.owed


QueueMachine.TestCase.settings = settings(max_examples=60, stateful_step_count=40, deadline=None)
TestQueueMachine = QueueMachine.TestCase
