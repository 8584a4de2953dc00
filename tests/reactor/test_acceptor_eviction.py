"""Which idle connection is closed when another arrives and no more may be open."""

from support.fake_arbiter import FakeClock
from support.reactors import readable, turn_until


def test_an_idle_connection_whose_request_is_there_is_not_evicted(setting):
    worker, reactor = setting.make(worker_connections=2)
    worker.clock = FakeClock()
    asking, silent = setting.connect(worker), setting.connect(worker)
    for client in (asking, silent):
        client.sendall(b"once\n")
        turn_until(reactor, lambda client=client: readable(client))
    worker.clock.now += 0.25  # idle for long enough to be evicted
    asking.sendall(b"and again\n")
    newcomer = setting.connect(worker)
    newcomer.sendall(b"once\n")
    reactor._acceptor.resume_if_room()
    reactor._acceptor._accept_from(worker.listener)

    assert readable(silent) == b""
    turn_until(reactor, lambda: readable(asking) == b"and again\n")
    turn_until(reactor, lambda: readable(newcomer) == b"once\n")


def test_a_connection_idle_since_a_moment_ago_is_not_evicted(setting):
    """Its next request may be on its way; the new connection waits a moment instead."""
    worker, reactor = setting.make(worker_connections=1)
    worker.clock = FakeClock()
    client, newcomer = setting.connect(worker), setting.connect(worker)
    newcomer.sendall(b"once\n")
    for count in range(10):
        client.sendall(b"%d\n" % count)
        turn_until(reactor, lambda count=count: readable(client) == b"%d\n" % count)
        worker.clock.now += 0.1
        reactor.turn(0.0)
    assert readable(newcomer) is None

    worker.clock.now += 0.1
    turn_until(reactor, lambda: readable(newcomer) == b"once\n")

    assert readable(client) == b""


def test_no_connection_is_evicted_before_another_arrives(setting):
    worker, reactor = setting.make(worker_connections=2)
    worker.clock = FakeClock()
    clients = [setting.connect(worker) for _ in range(2)]
    for client in clients:
        client.sendall(b"once\n")
        turn_until(reactor, lambda client=client: readable(client))

    assert len(reactor.open) == 2
    newcomer = setting.connect(worker)
    newcomer.sendall(b"once\n")
    worker.clock.now += 0.25
    turn_until(reactor, lambda: readable(newcomer))
    assert readable(clients[0]) == b""


def test_a_thread_that_comes_too_late_to_accept_evicts_no_connection(setting):
    """Several workers see one new connection; only the one that gets it evicts another."""
    worker, reactor = setting.make(worker_connections=1)
    client = setting.connect(worker)
    client.sendall(b"once\n")
    turn_until(reactor, lambda: readable(client))

    reactor._acceptor._accept_from(worker.listener)

    assert len(reactor.open) == 1
    client.sendall(b"and again\n")
    turn_until(reactor, lambda: readable(client) == b"and again\n")


class LateLook:
    """The connections as a thread sees them that looks for an idle one at the wrong moment."""

    def __init__(self, connections, idle):
        self.open, self.idle = connections.open, idle


def test_a_place_that_is_free_after_a_thread_found_none_is_noticed(setting):
    """Another thread closes the last connection while this one decides that there is no room."""
    worker, reactor = setting.make(worker_connections=1)
    setting.connect(worker)
    turn_until(reactor, lambda: reactor.open)

    def close_too_late():
        reactor._acceptor._connections = connections
        for accepted in list(reactor.open.values()):
            reactor.close(reactor.connections.waiting.pop(accepted.fd))
        return iter(())

    connections = reactor.connections
    reactor._acceptor._connections = LateLook(connections, close_too_late)
    reactor._acceptor.is_full = False
    reactor.start_accepting()
    newcomer = setting.connect(worker)
    newcomer.sendall(b"once\n")

    turn_until(reactor, lambda: readable(newcomer) == b"once\n")


def test_a_connection_that_has_sent_nothing_is_evicted_for_a_new_one(setting):
    worker, reactor = setting.make(worker_connections=3, header_timeout=60.0)
    worker.clock = FakeClock()
    silent = [setting.connect(worker) for _ in range(3)]
    turn_until(reactor, lambda: len(reactor.open) == 3)
    worker.clock.now += 0.25
    newcomer = setting.connect(worker)
    newcomer.sendall(b"once\n")

    turn_until(reactor, lambda: readable(newcomer) == b"once\n")

    assert readable(silent[0]) == b""
    assert [readable(each) for each in silent[1:]] == [None, None]
