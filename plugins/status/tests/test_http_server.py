"""A process that serves: who is slow gives way; at its end, who comes waits for the next."""

import contextlib
import http.client
import socket
import threading
import time

import pytest
from hookserve_status import http_connection, http_server
from hookserve_status.http_connection import Phase
from support.signalled import exit_code_at_sigterm
from support.terminations import ServerState

from hookserve.listeners.address import TcpAddress
from hookserve.listeners.listener import ListenerOptions
from hookserve.listeners.opening import open_listener
from hookserve.testing import wait_until
from hookserve.testing.waiting import DEADLINE


class Handler(http_server.Handler):
    waiting_methods = frozenset([b"GET"])

    def do_PUT(self):
        if self.path == "/fault":
            raise ValueError(self.path)
        self.send_content(200, "text/plain", threading.current_thread().name.encode())

    def do_GET(self):
        self.server.asked.set()
        if self.path == "/slow":
            self.server.go_on.wait(DEADLINE)
        self.send_content(200, "text/plain", self.server.name)


class Service(http_server.Service):
    handler = Handler

    def __init__(self, name, listener):
        super().__init__(listener)
        self.name = name
        self.asked, self.go_on = threading.Event(), threading.Event()


class Running:
    """What an auxiliary process does, in a thread."""

    def __init__(self, listener, name, state):
        self.service = Service(name, listener)
        self.termination = state.termination()
        self.server = http_server._Server([self.service], self.termination)
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        while not self.termination.is_over():
            self.server.turn(60.0)
        self.server.finish()

    def terminate(self):
        """As TERM, whichever thread takes it."""
        self.termination.on_sigterm()
        self.server._wakeup.notify()

    def end(self):
        self.service.go_on.set()
        self.terminate()
        self.thread.join(DEADLINE)
        assert not self.thread.is_alive()


@pytest.fixture
def start():
    """A function that starts one at the address of all."""
    listener = open_listener(TcpAddress("127.0.0.1", 0), ListenerOptions())
    with contextlib.ExitStack() as stack:
        stack.callback(listener.close)

        def start(name=b"one", state=None):
            made = Running(listener, name, state or ServerState(reloads_wanted=1))
            stack.callback(made.end)
            return made

        yield start


@pytest.fixture
def connect():
    """A function that connects a client."""
    with contextlib.ExitStack() as stack:

        def connect(running):
            address = running.service.listener.socket.getsockname()
            connection = http.client.HTTPConnection(*address, timeout=DEADLINE)
            connection.connect()
            stack.callback(connection.close)
            return connection

        yield connect


def ask(connection, path="/"):
    connection.request("GET", path)
    return connection.getresponse()


def phases(running):
    return sorted(each.phase for each in running.service.connections)


def test_a_request_in_hand_is_answered_and_a_new_client_waits_for_the_next_process(start, connect):
    first = start()
    slow = connect(first)
    slow.request("GET", "/slow")
    assert first.service.asked.wait(DEADLINE)

    first.terminate()
    wait_until(lambda: first.service.is_draining)
    late = connect(first)
    late.request("GET", "/")
    first.service.go_on.set()
    response = slow.getresponse()
    assert (response.read(), response.headers["Connection"]) == (b"one", "close")
    first.thread.join(DEADLINE)
    assert not first.service.connections

    start(b"two")
    assert late.getresponse().read() == b"two"


def test_what_waits_for_no_other_process_is_answered_in_the_loop(start, connect):
    running, count = start(), 800
    connection = connect(running)

    connection.sock.sendall(b"PUT / HTTP/1.1\r\n\r\n" * count)
    with connection.sock.makefile("rb") as received:
        found = list(bodies(received, count))

    assert found == [running.thread.name.encode()] * count


def bodies(received, count):
    """The bodies of so many responses that come on one connection."""
    for _ in range(count):
        length = 0
        while (line := received.readline()) != b"\r\n":
            if line.lower().startswith(b"content-length:"):
                length = int(line.partition(b":")[2])
        yield received.read(length)


def test_a_handler_that_fails_ends_its_connection_and_no_other(start, connect, caplog):
    running = start()
    connection = connect(running)

    connection.request("PUT", "/fault")
    with pytest.raises(http.client.RemoteDisconnected):
        connection.getresponse()

    assert ask(connect(running)).read() == b"one"
    assert caplog.messages == ["a request to an auxiliary process failed"]


def test_an_idle_connection_may_bring_one_more_request(start, connect, monkeypatch):
    monkeypatch.setattr(http_server, "_IDLE_TIME", DEADLINE)
    monkeypatch.setattr(http_server, "_END_TIME", DEADLINE)
    running = start()
    connection = connect(running)
    assert "Connection" not in ask(connection).headers
    connection.close()
    connection = connect(running)
    ask(connection).read()

    running.terminate()
    wait_until(lambda: running.service.is_draining)

    assert ask(connection).headers["Connection"] == "close"
    running.thread.join(DEADLINE)
    assert not running.thread.is_alive()


def test_an_idle_connection_does_not_hold_the_end_back(start, connect, monkeypatch):
    monkeypatch.setattr(http_server, "_END_TIME", 2 * DEADLINE)
    running = start()
    connection = connect(running)
    ask(connection).read()

    running.terminate()

    running.thread.join(DEADLINE)
    assert not running.thread.is_alive()
    assert connection.sock.recv(1) == b""


def test_a_request_that_does_not_end_holds_it_back_for_a_while(start, connect, monkeypatch):
    monkeypatch.setattr(http_server, "_END_TIME", 0.1)
    running = start()
    connect(running).request("GET", "/slow")
    assert running.service.asked.wait(DEADLINE)

    running.terminate()

    running.thread.join(DEADLINE)
    assert not running.thread.is_alive()


def test_a_server_that_stops_is_served_until_its_last_worker_is_gone(start, connect):
    state = ServerState()
    state.stop()
    running = start(state=state)
    running.terminate()

    assert ask(connect(running)).read() == b"one"
    state.workers = ()
    running.thread.join(DEADLINE)
    assert not running.thread.is_alive()


def test_who_has_just_connected_when_the_server_ends_is_answered(start, connect, monkeypatch):
    """A successor may serve there: this is no end of the address."""
    monkeypatch.setattr(http_server, "_IDLE_TIME", DEADLINE)
    monkeypatch.setattr(http_server, "_END_TIME", DEADLINE)
    state = ServerState(workers=())
    state.stop()
    running = start(state=state)
    late = connect(running)
    wait_until(lambda: running.service.connections)

    running.terminate()
    wait_until(lambda: running.service.is_draining)
    wait, waits = running.server._wait, []
    monkeypatch.setattr(running.server, "_wait", lambda *given: waits.append(given) or wait(*given))
    wait_until(lambda: len(waits) > 1)

    assert ask(late).read() == b"one"


def test_no_more_than_so_many_are_answered_at_once(start, connect, monkeypatch):
    monkeypatch.setattr(http_server, "_ROOM", 2)
    running = start()
    held = [connect(running) for _ in range(2)]
    for each in held:
        each.request("GET", "/slow")
    wait_until(lambda: not running.service.has_room())
    waits = connect(running)
    waits.request("GET", "/")

    running.service.go_on.set()
    for each in held:
        each.getresponse().read()
        each.close()
    assert waits.getresponse().read() == b"one"


def test_each_address_has_room_of_its_own(monkeypatch):
    monkeypatch.setattr(http_server, "_ROOM", 1)
    listeners = [open_listener(TcpAddress("127.0.0.1", 0), ListenerOptions()) for _ in range(2)]
    full, other = (Service(b"one", each) for each in listeners)
    server = http_server._Server([full, other], ServerState().termination())
    clients = [socket.create_connection(each.socket.getsockname()) for each in listeners]
    for each, path in zip(clients, (b"/slow", b"/"), strict=True):
        each.sendall(b"GET " + path + b" HTTP/1.0\r\n\r\n")
        each.settimeout(DEADLINE)
    wait_until(lambda: server.turn(0.0) or (full.asked.is_set() and other.asked.is_set()))
    assert not full.has_room()

    assert clients[1].recv(15) == b"HTTP/1.1 200 OK"
    full.go_on.set()
    wait_until(lambda: server.turn(0.0) or not (full.connections or other.connections))
    for each in (*clients, *listeners):
        each.close()


def test_the_connection_that_is_idle_longest_gives_way(start, connect, monkeypatch):
    monkeypatch.setattr(http_server, "_ROOM", 2)
    running = start()
    first = connect(running)
    ask(first).read()
    second = connect(running)
    for each in (second, first):
        assert ask(each).read() == b"one"
        wait_until(lambda: set(phases(running)) == {Phase.IDLE})  # in this order

    third = connect(running)

    assert ask(third).read() == ask(first).read() == b"one"
    assert second.sock.recv(1) == b""


def test_half_requests_give_way_once_no_connection_is_idle(start, connect, monkeypatch):
    monkeypatch.setattr(http_server, "_ROOM", 2)
    running = start()
    half = connect(running)
    half.sock.sendall(b"GET / HTTP/1.1\r\n")
    other = connect(running)
    ask(other).read()
    wait_until(lambda: phases(running) == [Phase.IDLE, Phase.READING])

    last = [connect(running) for _ in range(2)]

    for each in reversed(last):
        assert ask(each).read() == b"one"
    assert half.sock.recv(1) == other.sock.recv(1) == b""


def test_a_client_has_one_time_for_its_whole_request(start, connect, monkeypatch):
    monkeypatch.setattr(http_connection, "CLIENT_TIME", 0.3)
    drips = connect(start())
    began = time.monotonic()

    with contextlib.suppress(OSError):
        while time.monotonic() < began + DEADLINE:
            drips.sock.sendall(b"G")
            drips.sock.settimeout(0.05)
            with contextlib.suppress(TimeoutError):
                assert drips.sock.recv(1) == b""
                break

    assert 0.3 <= time.monotonic() - began < DEADLINE


def test_a_client_that_takes_no_response_is_cut_in_time(start, connect, monkeypatch):
    monkeypatch.setattr(http_connection, "CLIENT_TIME", 0.3)
    running = start(b"x" * (1 << 24))
    connect(running).request("GET", "/")
    assert running.service.asked.wait(DEADLINE)

    wait_until(lambda: not running.service.connections)


def test_a_request_that_is_cut_short_is_not_carried_out(start, connect):
    running = start()
    cut = connect(running)
    cut.sock.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nX-Cu")
    cut.sock.shutdown(socket.SHUT_WR)

    assert cut.sock.recv(1) == b""
    assert not running.service.asked.is_set()


def test_what_comes_in_pieces_or_at_once_is_answered_in_order(start, connect):
    connection = connect(start())
    sent = (
        b"\r\nGET /1 HTTP/1.1\r\nContent-Length: 4\r\n\r\nbodyGET /2 HTTP/1.1\r\n\r\n"
        b"GET /3 HTTP/1.1\r\nConnection: close\r\n\r\n"
    )
    for piece in (sent[:9], sent[9:45], sent[45:]):
        connection.sock.sendall(piece)
        time.sleep(0.02)

    received = connection.sock.makefile("rb").read()

    assert received.count(b"HTTP/1.1 200 OK\r\n") == received.count(b"\r\n\r\none") == 3


@pytest.mark.parametrize(
    "request_head",
    [b"GET / HTTP/1.1\r\nX: " + b"x" * 70_000, b"GET / HTTP/1.1\r\nContent-Length: 70000\r\n\r\n"],
)
def test_a_request_that_is_too_long_is_refused(start, connect, request_head):
    connection = connect(start())
    connection.sock.sendall(request_head)

    assert connection.sock.makefile("rb").read().startswith(b"HTTP/1.1 413 ")


def test_an_idle_connection_does_not_wake_the_process(start, connect, monkeypatch):
    running = start()
    ask(connect(running)).read()
    wait, waits = running.server._wait, []
    monkeypatch.setattr(running.server, "_wait", lambda *given: waits.append(given) or wait(*given))
    running.server._wakeup.notify()
    wait_until(lambda: waits)
    time.sleep(0.2)
    waits.clear()

    time.sleep(0.5)

    assert not waits


PROGRAM = """
import signal, threading
from hookserve_status import http_server
from hookserve.worker.reading import Reader
from hookserve.worker.scoreboard import Scoreboard
from hookserve.worker.termination import Termination

threading.Thread(target=threading.Event().wait, daemon=True).start()
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGTERM])  # the other thread takes it
termination = Termination(Reader([Scoreboard(1, 1)]).read, -1)
http_server.serve([], None, termination, lambda: print("serves", flush=True), 3600.0)
"""


@pytest.mark.process
def test_a_signal_that_another_thread_takes_ends_it():
    assert exit_code_at_sigterm(PROGRAM, b"serves\n") == 0
