"""The queue of connections that have used up their budget."""

import select
import threading

from hookserve.reactor.deferred import DeferredQueue
from hookserve.reactor.poller import EDGE, READABLE, make_poller


def is_notified(deferred):
    return bool(select.select([deferred.fileno()], [], [], 0)[0])


def test_one_at_a_time_is_taken_in_order():
    deferred = DeferredQueue()
    deferred.add("a")
    deferred.add("b")

    assert is_notified(deferred)
    assert deferred.resume() == "a"
    assert not is_notified(deferred)

    deferred.release()
    assert is_notified(deferred)
    assert deferred.resume() == "b"

    deferred.release()
    assert not is_notified(deferred)


def test_a_connection_deferred_again_comes_after_the_others():
    deferred = DeferredQueue()
    deferred.add("a")
    deferred.add("b")
    deferred.add(deferred.resume())
    deferred.release()

    assert deferred.resume() == "b"
    deferred.release()
    assert deferred.resume() == "a"


def test_threads_resume_every_connection_one_at_a_time():
    deferred = DeferredQueue()
    poller = make_poller()
    poller.register(deferred.fileno(), READABLE | EDGE)
    taken, at_it, failures = [], [], []

    def work():
        while len(taken) < 4000 and not failures:
            for _ in poller.poll(0.05, 1):
                number = deferred.resume()
                at_it.append(number)
                if at_it != [number]:
                    failures.append(list(at_it))
                at_it.remove(number)
                taken.append(number)
                deferred.release()

    def fill(start):
        for number in range(start, start + 1000):
            deferred.add(number)

    threads = [threading.Thread(target=work) for _ in range(4)]
    threads += [threading.Thread(target=fill, args=[start]) for start in range(0, 4000, 1000)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    poller.close()

    assert not failures
    assert sorted(taken) == list(range(4000))
