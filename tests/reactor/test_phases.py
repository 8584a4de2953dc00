"""The table of phases: every transition that the reactor makes is in it, and every one happens."""

import time

import pytest
from support.fake_arbiter import FakeClock
from support.reactors import Lines, drain, readable, turn_until

from hookserve.protocol import seam
from hookserve.reactor import accepted as accepted_module
from hookserve.reactor import acceptor, phases
from hookserve.reactor.accepted import Accepted
from hookserve.reactor.phases import TRANSITIONS, WHEN_IDLE, Phase
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


class Watched(Accepted):
    """A connection that notes each transition."""

    __slots__ = ()
    _phase = Accepted.phase

    @property
    def phase(self):
        return Watched._phase.__get__(self)

    @phase.setter
    def phase(self, phase):
        try:
            before = Phase(self.phase)
        except AttributeError:  # it is being made
            before = Phase(phase)
        Watched._phase.__set__(self, phase)
        if before != phase:
            SEEN.add((before, Phase(phase)))
            assert Phase(phase) in TRANSITIONS[before]


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
