"""The queue of those that let others have their turn."""

import select
import threading

from hookserve.reactor.deferred import DeferredQueue
from hookserve.reactor.poller import EDGE, READABLE, make_poller


def rings(postponed):
    return bool(select.select([postponed.fileno()], [], [], 0)[0])


def test_one_at_a_time_is_taken_in_order():
    postponed = DeferredQueue()
    postponed.add("a")
    postponed.add("b")

    assert rings(postponed)
    assert postponed.take() == "a"
    assert not rings(postponed)

    postponed.pass_on()
    assert rings(postponed)
    assert postponed.take() == "b"

    postponed.pass_on()
    assert not rings(postponed)


def test_who_is_postponed_again_comes_after_the_others():
    postponed = DeferredQueue()
    postponed.add("a")
    postponed.add("b")
    postponed.add(postponed.take())
    postponed.pass_on()

    assert postponed.take() == "b"
    postponed.pass_on()
    assert postponed.take() == "a"


def test_threads_forget_nobody_and_are_never_two_at_it():
    postponed = DeferredQueue()
    poller = make_poller()
    poller.register(postponed.fileno(), READABLE | EDGE)
    taken, at_it, failures = [], [], []

    def work():
        while len(taken) < 4000 and not failures:
            for _ in poller.poll(0.05, 1):
                number = postponed.take()
                at_it.append(number)
                if at_it != [number]:
                    failures.append(list(at_it))
                at_it.remove(number)
                taken.append(number)
                postponed.pass_on()

    def fill(start):
        for number in range(start, start + 1000):
            postponed.add(number)

    threads = [threading.Thread(target=work) for _ in range(4)]
    threads += [threading.Thread(target=fill, args=[start]) for start in range(0, 4000, 1000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    poller.close()

    assert not failures
    assert sorted(taken) == list(range(4000))
