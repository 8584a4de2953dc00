"""One accepted socket: how much is read of it at once, and what its descriptor says."""

import os
import socket
from types import SimpleNamespace

import pytest
from support.reactors import Lines

from hookserve.reactor import accepted as accepted_module
from hookserve.reactor.accepted import Accepted
from hookserve.reactor.phases import Phase

BUDGET = 0.0005
INTERIM = b"HTTP/1.1 100 Continue\r\n\r\n"


class Interim(Lines):
    """Has something to say while its body is awaited."""

    __slots__ = ()

    def interim(self):
        return INTERIM


@pytest.fixture
def pair():
    """A client's socket, and the accepted one."""
    client, server = socket.socketpair()
    server.setblocking(False)
    client.settimeout(5)
    with client, server:
        yield SimpleNamespace(client=client, server=server)


def make(pair, protocol=Lines):
    return Accepted(pair.server.fileno(), protocol())


@pytest.fixture
def processor(monkeypatch):
    """The processor time of the thread, in seconds; a test sets it."""
    found = SimpleNamespace(time=1.0)
    monkeypatch.setattr(accepted_module, "thread_time", lambda: found.time)
    return found


def test_a_new_connection_is_about_to_be_read_and_waits_for_nothing():
    accepted = Accepted(7, Lines())

    assert (accepted.fd, accepted.phase) == (7, Phase.ACCEPTED)
    assert not any(hasattr(accepted, name) for name in ("since", "deadline", "state_after"))
    assert accepted.outbox is None
    flags = ("unread", "is_slow_input", "is_registered", "has_pending_event")
    assert not any(getattr(accepted, flag) for flag in flags)


def test_pieces_double_to_a_largest_size_while_they_are_quick(processor):
    accepted = Accepted(7, Lines())
    sizes = [accepted.read_size]

    for _ in range(6):
        assert not accepted.measure_piece(processor.time)
        sizes.append(accepted.read_size)

    assert sizes == [4096, 8192, 16384, 32768, 65536, 65536, 65536]


@pytest.mark.parametrize(("factor", "is_over"), [(0.99, False), (1.01, True)])
def test_a_piece_is_slow_when_it_takes_longer_than_the_budget(processor, factor, is_over):
    accepted = Accepted(7, Lines())
    began = processor.time
    processor.time += factor * BUDGET

    assert accepted.measure_piece(began) is is_over
    assert accepted.read_size == (1024 if is_over else 8192)


@pytest.mark.parametrize(("factor", "is_over"), [(0.99, False), (1.01, True)])
def test_what_is_answered_at_once_can_be_slow_as_well(processor, factor, is_over):
    accepted = Accepted(7, Lines())
    began = processor.time
    processor.time += factor * BUDGET

    accepted.check_cost(began)

    assert accepted.is_slow_input is is_over
    assert accepted.read_size == (1024 if is_over else 4096)


def test_slow_input_stays_slow_and_is_read_in_the_smallest_pieces(processor):
    accepted = Accepted(7, Lines())
    for _ in range(3):
        accepted.measure_piece(processor.time)
    began = processor.time
    processor.time += 2 * BUDGET

    assert accepted.measure_piece(began)
    assert accepted.measure_piece(processor.time)  # quick, and yet one piece a turn
    assert accepted.read_size == 1024


def test_a_piece_that_was_not_measured_is_not_over_budget(processor):
    """The first of a turn: most clients send no other, and reading the clock costs as much."""
    accepted = Accepted(7, Lines())
    processor.time = 1000.0

    assert not accepted.measure_piece(0.0)
    assert accepted.read_size == 8192


@pytest.mark.parametrize(
    ("act", "expected"),
    [
        (lambda client: None, False),
        (lambda client: client.sendall(b"x"), True),
        (lambda client: client.shutdown(socket.SHUT_WR), True),
        (lambda client: client.close(), True),
    ],
    ids=["silent", "bytes", "half-close", "close"],
)
def test_bytes_and_the_clients_end_make_it_readable(pair, act, expected):
    act(pair.client)

    assert make(pair).is_readable() is expected


def test_after_a_half_close_the_client_sees_the_end_and_can_still_be_read(pair):
    accepted = make(pair)

    assert accepted.half_close()

    assert pair.client.recv(1) == b""
    pair.client.sendall(b"the rest")
    assert os.read(accepted.fd, 100) == b"the rest"


def test_a_half_close_of_a_connection_that_is_gone_says_so_and_closes_no_descriptor():
    with socket.socket() as never_connected:
        accepted = Accepted(never_connected.fileno(), Lines())

        assert not accepted.half_close()

        os.fstat(accepted.fd)


def test_a_connection_with_no_interim_response_sends_nothing(pair):
    assert make(pair).send_interim()

    pair.server.close()
    assert pair.client.recv(100) == b""


def test_an_interim_response_is_sent_at_once(pair):
    accepted = make(pair, Interim)

    assert accepted.send_interim()

    assert pair.client.recv(100) == INTERIM
    assert accepted.outbox is None


def test_an_interim_response_to_a_client_that_is_gone_is_no_error(pair):
    """The next read notices it."""
    pair.client.close()

    assert make(pair, Interim).send_interim()


@pytest.mark.parametrize("taken", [0, 1, 16, len(INTERIM) - 1])
def test_what_the_kernel_does_not_take_of_an_interim_response_is_kept(pair, monkeypatch, taken):
    """The buffer may be full of earlier responses: half an interim one would corrupt the next."""

    def write_some(fd, data):
        if not taken:
            raise BlockingIOError
        return os.write(fd, data[:taken])

    monkeypatch.setattr(accepted_module, "write", write_some)
    accepted = make(pair, Interim)

    assert not accepted.send_interim()

    assert accepted.outbox.kept == len(INTERIM) - taken
    assert accepted.outbox.flush(accepted.fd)
    assert pair.client.recv(100) == INTERIM


def test_an_error_of_the_protocol_leaves_send_interim(pair):
    class Failing(Lines):
        def interim(self):
            raise MemoryError

    with pytest.raises(MemoryError):
        make(pair, Failing).send_interim()
