"""The end of a process that serves: who is connected is answered, who comes then waits."""

import contextlib
import http.client
import signal
import threading

import pytest
from hookserve_status import http_server
from support.signalled import exit_code_at_sigterm
from support.terminations import ServerState

from hookserve.listeners.address import TcpAddress
from hookserve.listeners.listeners import ListenerOptions, open_listeners
from hookserve.testing import wait_until
from hookserve.testing.waiting import DEADLINE


class Handler(http_server.Handler):
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
        http_server.write(self.server._wakeup_end, bytes([signal.SIGTERM]))

    def end(self):
        self.service.go_on.set()
        self.terminate()
        self.thread.join(DEADLINE)
        assert not self.thread.is_alive()


@pytest.fixture
def start():
    """A function that starts one at the address of all."""
    (listener,) = open_listeners([TcpAddress("127.0.0.1", 0)], ListenerOptions())
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


def test_no_more_than_so_many_are_served_at_once(start, connect, monkeypatch):
    monkeypatch.setattr(http_server, "_CLIENTS", 2)
    running = start()
    held = [connect(running) for _ in range(2)]
    for each in held:
        each.request("GET", "/slow")
    wait_until(lambda: sum(running.service.connections.values()) == 2)
    waits = connect(running)
    waits.request("GET", "/")

    running.service.go_on.set()
    for each in held:
        each.getresponse().read()
        each.close()
    assert waits.getresponse().read() == b"one"


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
