"""The table of phases: every transition that the reactor makes is in it, and every one happens."""

import time

import pytest
from support.fake_arbiter import FakeClock
from support.reactors import MORE, Elsewhere, Lines, drain, readable, turn_until

from hookserve.protocol import seam
from hookserve.reactor import accepted as accepted_module
from hookserve.reactor import acceptor, phases, suspension
from hookserve.reactor.accepted import Accepted
from hookserve.reactor.phases import TRANSITIONS, WHEN_IDLE, Phase
from hookserve.reactor.suspension import SuspendableAccepted
from hookserve.testing import wait_until
from hookserve.testing.kernel import is_delivered

SEEN = set()
RUN = set()
"""The functions of this module that have run."""
EXCHANGE = b"x\n"


@pytest.fixture(autouse=True)
def note(request):
    yield
    RUN.add(request.function.__name__)


class Phased:
    """Notes each transition of a connection."""

    __slots__ = ()
    _phase = Accepted.phase

    @property
    def phase(self):
        return Phased._phase.__get__(self)

    @phase.setter
    def phase(self, phase):
        try:
            before = Phase(self.phase)
        except AttributeError:  # it is being made
            before = Phase(phase)
        Phased._phase.__set__(self, phase)
        if before != phase:
            SEEN.add((before, Phase(phase)))
            assert Phase(phase) in TRANSITIONS[before]


class Watched(Phased, Accepted):
    __slots__ = ()


class WatchedSuspendable(Phased, SuspendableAccepted):
    __slots__ = ()


class Bodies(Lines):
    """``b`` begins a body, which a line ends, and ``i`` in it asks for an interim response; ``e``
    asks for the end, ``z`` for a lingering one."""

    __slots__ = ("received",)

    def __init__(self):
        super().__init__()
        self.received = 0

    def feed(self, data):
        self.received += len(data)
        return super().feed(data)

    def interim(self):
        wanted, self.buffer = b"i" in self.buffer, self.buffer.replace(b"i", b"")
        return b"interim\n" if wanted else b""

    def _next_state(self):
        state = super()._next_state()
        if state == seam.READING_HEAD and b"b" in self.buffer:
            self.state = seam.READING_BODY
        if state == seam.READING_HEAD and (b"e" in self.buffer or b"z" in self.buffer):
            self.lingers, self.state = b"z" in self.buffer, seam.CLOSING
        return self.state

    def run(self, transport):
        state = super().run(transport)
        return self._next_state() if state != seam.CLOSING else state


@pytest.fixture
def full(monkeypatch):
    """The kernel takes no interim response at once."""

    def write(fd, data):
        raise BlockingIOError

    monkeypatch.setattr(accepted_module, "write", write)


@pytest.fixture
def talk(setting, monkeypatch):
    """Feeds a reactor with the given pieces, one after another, and returns client and reactor."""
    monkeypatch.setattr(acceptor, "Accepted", Watched)

    def talk(*pieces, **settings):
        worker, reactor = setting.make(1 << 24, Bodies, **settings)
        worker.clock = FakeClock()
        client = setting.connect(worker)
        turn_until(reactor, lambda: reactor.open)
        for piece in pieces:
            give(client, reactor, piece)
        return client, reactor

    return talk


def give(client, reactor, piece):
    """Send a piece and have the connection take it, with all that this leads to at once."""
    (accepted,) = reactor.open.values()
    expected = accepted.connection.received + len(piece)
    client.sendall(piece)
    turn_until(reactor, lambda: accepted.connection.received == expected)
    for _ in range(2):
        reactor.turn(0.0)


def finish(reactor):
    """Turn until every connection is closed."""
    turn_until(reactor, lambda: not reactor.open)


BEGINNINGS = {
    Phase.SILENT: (),
    Phase.READING_HEAD: (b"x",),
    Phase.READING_BODY: (b"b",),
    Phase.KEPT: (EXCHANGE,),
}


@pytest.mark.parametrize("phase", BEGINNINGS)
@pytest.mark.parametrize(
    "piece", [b"x", b"bx", b"x\n", b"e", b"z", b"\nz", b"\ne", b"\nx", b"\nb", b"\nx\n"]
)
def test_every_piece_leads_from_every_phase_to_one_of_the_table(talk, phase, piece):
    client, reactor = talk(*BEGINNINGS[phase])
    (accepted,) = reactor.open.values()
    assert accepted.phase == phase

    give(client, reactor, piece)
    client.close()

    finish(reactor)


@pytest.mark.parametrize("phase", BEGINNINGS)
def test_a_deadline_leads_to_the_end(talk, phase):
    limits = ("header_timeout", "keepalive", "body_timeout")
    _, reactor = talk(*BEGINNINGS[phase], **dict.fromkeys(limits, 0.2))

    reactor.worker.clock.now += 0.2
    finish(reactor)


@pytest.mark.parametrize("line", [b"more\n", b"more\nx\n", b"more\nz"])
def test_an_unread_response_is_written_later(talk, line):
    client, reactor = talk(line)
    (accepted,) = reactor.open.values()
    assert accepted.phase == Phase.WRITING

    while accepted.phase == Phase.WRITING:
        readable(client)
        reactor.turn(0.001)

    client.close()
    finish(reactor)


@pytest.mark.parametrize("phase", BEGINNINGS)
def test_an_interim_response_without_room_is_written_later(talk, full, phase):
    client, reactor = talk(*BEGINNINGS[phase], b"bi")

    turn_until(reactor, lambda: (readable(client) or b"").endswith(b"interim\n"))
    assert [each.phase for each in reactor.open.values()] == [Phase.READING_BODY]
    client.close()
    finish(reactor)


def test_no_request_is_read_while_a_response_is_unread(talk):
    client, reactor = talk(b"more\n")
    (accepted,) = reactor.open.values()
    received = accepted.connection.received

    client.sendall(b"more\n" * 1000)
    wait_until(lambda: is_delivered(client))
    for _ in range(5):
        reactor.turn(0.0)

    assert accepted.phase == Phase.WRITING
    assert accepted.connection.received == received
    client.close()
    finish(reactor)


def test_a_client_that_sends_on_after_the_end_is_closed_at_the_deadline(talk):
    client, reactor = talk(b"z", linger_timeout=0.5)
    began = reactor.worker.clock()

    def is_closed():
        reactor.worker.clock.now += 0.05
        try:
            client.sendall(b"x" * 1000)
        except OSError:
            pass
        return not reactor.open

    turn_until(reactor, is_closed)
    assert 0.5 <= reactor.worker.clock() - began < 1.0


def test_a_reader_that_stops_is_closed_at_its_deadline(talk):
    _, reactor = talk(b"more\n", write_timeout=0.1)

    reactor.worker.clock.now += 0.1
    finish(reactor)


def test_what_is_accepted_while_the_worker_stops_waits_unread(setting, monkeypatch):
    monkeypatch.setattr(acceptor, "Accepted", Watched)
    worker, reactor = setting.make(linger_timeout=0.05)
    setting.connect(worker)
    worker.alive, worker.is_last = False, True

    drain(reactor, time.monotonic() + 5)

    assert (Phase.ACCEPTED, Phase.SILENT) in SEEN


@pytest.mark.parametrize("piece", [b"x", b"b", b"bi", EXCHANGE, b"e", b"z", b"more\n"])
def test_what_arrived_with_the_connection_is_read_at_once(setting, monkeypatch, full, piece):
    monkeypatch.setattr(acceptor, "Accepted", Watched)
    made = []
    worker, reactor = setting.make(1 << 24, lambda: made.append(Bodies()) or made[-1])
    client = setting.connect(worker)
    client.sendall(piece)

    turn_until(reactor, lambda: made and made[0].received == len(piece))
    for _ in range(2):
        reactor.turn(0.0)
    client.close()

    finish(reactor)


class Closing(Elsewhere):
    """``e`` and ``z`` end it as in `Bodies`, also when the worker leaves."""

    __slots__ = ("end_at_leave", "next_state")
    made = []

    def __init__(self):
        super().__init__()
        self.next_state = seam.SUSPENDED

    def run(self, transport):
        state = super().run(transport)
        self.state = self.next_state if state == seam.SUSPENDED else state
        return self.state

    def feed(self, data):
        if data in (b"e", b"z"):
            return self.close(data == b"z")
        return super().feed(data)

    def close(self, lingers):
        self.lingers, self.state = lingers, seam.CLOSING
        return seam.CLOSING

    def leave(self):
        return self.close(self.end_at_leave == b"z")


@pytest.fixture
def suspended(setting, monkeypatch):
    """Makes a connection that is suspended, in one of the three phases."""
    monkeypatch.setattr(suspension, "SuspendableAccepted", WatchedSuspendable)
    Closing.made.clear()

    def suspended(phase):
        worker, reactor = setting.make(float("inf"), Closing)
        worker.clock = FakeClock()
        client = setting.connect(worker)
        client.sendall(b"begin")
        turn_until(reactor, lambda: Closing.made and Closing.made[-1].state == seam.SUSPENDED)
        connection = Closing.made[-1]
        if phase == Phase.STREAMING:
            connection.respond(MORE)
        elif phase == Phase.PAUSED:
            client.sendall(b"pause\n")
        (accepted,) = reactor.open.values()
        turn_until(reactor, lambda: accepted.phase == phase)
        return client, reactor, connection

    return suspended


SUSPENDED = [Phase.SUSPENDED, Phase.STREAMING, Phase.PAUSED]


@pytest.mark.parametrize("phase", SUSPENDED)
@pytest.mark.parametrize("end", [b"e", b"z"])
def test_a_suspended_exchange_ends_when_the_worker_leaves(suspended, phase, end):
    client, reactor, connection = suspended(phase)
    connection.end_at_leave = end

    reactor.begin_drain()
    client.close()

    finish(reactor)


@pytest.mark.parametrize("phase", SUSPENDED[:2])
@pytest.mark.parametrize("end", [b"e", b"z"])
def test_a_suspended_exchange_ends_with_what_its_client_sends(suspended, phase, end):
    client, reactor, _ = suspended(phase)

    client.sendall(end)
    turn_until(reactor, lambda: is_delivered(client))
    client.close()

    finish(reactor)


@pytest.mark.parametrize("phase", SUSPENDED)
def test_a_suspended_exchange_goes_on_to_its_end(suspended, phase):
    client, reactor, connection = suspended(phase)
    connection.end()

    def is_over():
        readable(client)
        return connection.state == seam.IDLE

    turn_until(reactor, is_over)
    client.close()
    finish(reactor)


def test_an_exchange_that_has_run_may_be_paused(suspended):
    client, reactor, connection = suspended(Phase.PAUSED)
    connection.next_state = seam.PAUSED

    connection.respond(b"on\n")

    turn_until(reactor, lambda: readable(client) == b"on\n")
    connection.end()
    client.close()
    finish(reactor)


def test_the_constants_are_the_phases():
    assert {name: getattr(phases, name) for name in Phase.__members__} == dict(Phase.__members__)
    assert len(WHEN_IDLE) == len(Phase)


def test_no_transition_of_the_table_is_without_a_test():
    """Runs after the others of this module, which make them; only with all of them."""
    others = {name for name in globals() if name.startswith("test_")} - RUN
    if len(others) > 1:
        pytest.skip("needs the other tests of this module")
    table = {(before, after) for before, others in TRANSITIONS.items() for after in others}

    assert table - SEEN == set()
