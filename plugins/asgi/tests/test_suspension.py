"""What a suspended exchange has sent and waits for."""

import asyncio
import os

import pytest
from hookserve_asgi.suspension import FileSuspension
from support.asgi import TextTransport, Transport


@pytest.fixture
def suspension():
    return FileSuspension()


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "file"
    path.write_bytes(b"0123456789")
    with path.open("rb") as opened:
        yield opened.fileno()


def descriptors():
    return len(os.listdir("/proc/self/fd"))


def test_what_is_sent_is_kept_and_goes_out_in_its_order(suspension, file):
    transport = Transport()
    suspension.begin(None, transport)
    before = descriptors()
    suspension.send(b"a", b"b")
    assert suspension.send_file(file, 2, 3) == 3
    suspension.send(b"c")
    assert (suspension.unsent, transport.sent) == (3, b"")

    suspension.send_to(transport)

    assert transport.sent == b"ab234c"
    assert suspension.unsent == 0
    assert descriptors() == before


def test_a_stretch_of_a_file_is_as_long_as_the_file(suspension, file):
    suspension.begin(None, Transport())

    assert suspension.send_file(file, 8, 100) == 2


def test_files_are_not_kept_for_a_transport_that_cannot_send_them(suspension, file):
    suspension.begin(None, TextTransport())

    with pytest.raises(NotImplementedError):
        suspension.send_file(file, 0, 1)


def test_a_client_that_is_gone_leaves_no_file_open(suspension, file):
    transport = Transport(limit=1)
    suspension.begin(None, transport)
    before = descriptors()
    for _ in range(3):
        suspension.send(b"a")
        suspension.send_file(file, 0, 1)

    with pytest.raises(BrokenPipeError):
        suspension.send_to(transport)

    assert descriptors() == before


def test_what_was_not_sent_at_the_end_is_released(suspension, file):
    suspension.begin(None, Transport())
    before = descriptors()
    suspension.send_file(file, 0, 1)

    suspension.close()

    assert descriptors() == before
    assert not suspension.pending


def test_there_is_room_once_all_is_taken(suspension, loop):
    transport = Transport(room=1)
    suspension.begin(None, transport)
    room = suspension.room = loop.create_future()
    suspension.send(b"abc")
    suspension.send_to(transport)
    assert (suspension.unsent, room.done()) == (2, False)

    suspension.drained()

    assert room.done()
    assert suspension.unsent == 0


def test_there_is_room_at_once_where_the_kernel_takes_all(suspension, loop):
    transport = Transport()
    suspension.begin(None, transport)
    room = suspension.room = loop.create_future()
    suspension.send(b"abc")

    suspension.send_to(transport)

    assert room.done()


def test_an_event_wakes_all_that_wait_but_those_that_were_cancelled(suspension, loop):
    waiting = [loop.create_future() for _ in range(3)]
    suspension.receivers.extend(waiting)
    waiting[1].cancel()

    suspension.wake()

    assert [each.cancelled() for each in waiting] == [False, True, False]
    assert all(each.done() for each in waiting)
    assert not suspension.receivers


def test_the_end_of_an_exchange_ends_its_timer(suspension, loop):
    calls = []
    suspension.timer = loop.call_later(0.001, calls.append, 1)

    suspension.close()
    loop.run_until_complete(asyncio.sleep(0.01))

    assert not calls
