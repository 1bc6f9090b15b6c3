"""Slots: a bound that holds, a line that is kept, and no wake-up that is lost."""

import threading

from glance_operator.runtime.queue import Lane, Next, Queue
from glance_operator.runtime.slots import Slots
from glance_operator.runtime.store import Key


def key(name: object) -> Key:
    return Key("Image", "default", str(name))


def names(keys: list[Key]) -> list[str]:
    return [one.name for one in keys]


def slots_of(bound: int) -> tuple[Slots, list[str]]:
    woken: list[str] = []
    return Slots(bound, lambda one: woken.append(one.name)), woken


def test_the_bound_holds_and_the_line_is_first_come_first_served() -> None:
    slots, woken = slots_of(2)
    assert [slots.try_acquire(key(name)) for name in "abcde"] == [True, True, False, False, False]
    slots.release(key("b"))
    slots.release(key("a"))
    assert woken == ["c", "d"]
    assert names(slots.holders()) == ["c", "d"]
    assert names(slots.waiting()) == ["e"]


def test_asking_again_changes_nothing() -> None:
    slots, woken = slots_of(1)
    for _ in range(3):
        assert slots.try_acquire(key("a"))
        assert not slots.try_acquire(key("b"))
        assert not slots.try_acquire(key("c"))
    assert names(slots.waiting()) == ["b", "c"]
    assert woken == []


def test_the_slot_is_handed_over_before_the_wake_up() -> None:
    """Nobody who asks between the release and the wake-up can take it."""
    seen: list[tuple[list[str], bool]] = []

    def wake(one: Key) -> None:
        seen.append((names(slots.holders()), slots.try_acquire(key("intruder"))))

    slots = Slots(1, wake)
    slots.try_acquire(key("a"))
    slots.try_acquire(key("b"))
    slots.release(key("a"))
    assert seen == [(["b"], False)]
    assert slots.try_acquire(key("b"))


def test_releasing_what_is_not_held_gives_nobody_a_slot() -> None:
    slots, woken = slots_of(1)
    slots.try_acquire(key("a"))
    slots.try_acquire(key("b"))
    slots.release(key("stranger"))
    slots.release(key("b"))
    assert woken == []
    assert names(slots.holders()) == ["a"]
    assert names(slots.waiting()) == ["b"]


def test_the_first_in_line_may_prepare_and_are_told_so_once() -> None:
    woken: list[str] = []
    slots = Slots(1, lambda one: woken.append(one.name), ahead=2)
    assert [slots.try_acquire(key(name)) for name in "abcde"] == [True, False, False, False, False]
    assert [slots.may_prepare(key(name)) for name in "abcde"] == [False, True, True, False, False]
    slots.release(key("a"))
    assert woken == ["b", "c", "d"]
    slots.forget(key("d"))
    assert woken == ["b", "c", "d", "e"]
    slots.release(key("b"))
    assert woken == ["b", "c", "d", "e", "c"]
    assert names(slots.holders()) == ["c"]


def test_what_is_forgotten_neither_holds_nor_waits() -> None:
    slots, woken = slots_of(1)
    for name in "abc":
        slots.try_acquire(key(name))
    slots.forget(key("b"))
    slots.forget(key("a"))
    assert woken == ["c"]
    assert names(slots.holders()) == ["c"]


def test_thousands_of_keys_and_many_threads_lose_no_wake_up() -> None:
    """Every key gets a slot, works in two passes, gives it back; none is left in the line, the bound always holds."""
    queue, done, worst = Queue(), set[Key](), [0]
    slots = Slots(5, lambda one: queue.add(one, Lane.BEGUN))
    keys = {key(number) for number in range(3000)}
    begun: set[Key] = set()

    def reconcile(one: Key) -> Next:
        if one in done or not slots.try_acquire(one):
            return Next()
        worst[0] = max(worst[0], len(slots.holders()))
        if one not in begun:
            begun.add(one)
            return Next(0.002 * (hash(one) % 7) / 7, Lane.BEGUN)
        done.add(one)
        slots.release(one)
        if done == keys:
            queue.close()
        return Next()

    def work() -> None:
        while (one := queue.get()) is not None:
            queue.done(one, reconcile(one))

    for one in keys:
        queue.add(one, Lane.NEW)
    threads = [threading.Thread(target=work) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
        assert not thread.is_alive()
    assert (done == keys, worst[0], slots.holders(), slots.waiting()) == (True, 5, [], [])
