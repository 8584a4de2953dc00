"""The worker base class, without a process of its own."""

import logging
import os
import tempfile
from types import SimpleNamespace

import pytest
from support.workers import IdleWorker, make_context

from hookserve import hookimpl


@pytest.fixture
def make_worker():
    ends = []

    def make(worker_class=IdleWorker, **arguments):
        context, make.channel = make_context(logging.getLogger("test"), **arguments)
        ends.extend((context.channel, make.channel))
        return worker_class(context)

    yield make
    for end in ends:
        end.close()


def test_a_derived_class_may_use_any_private_name(make_worker):
    class Derived(IdleWorker):
        def __init__(self, context):
            super().__init__(context)
            self._wakeup = self._heartbeat = self._request_slots = self._protocols = None

        def _boot(self):
            raise AssertionError("called by the base class")

        _next_request_slot = _on_stop = _live = _boot

    worker = make_worker(Derived)

    worker.prepare(worker.context.app)
    worker.notify()
    worker.end(worker.begin(b"GET /"), 2, 0)
    worker.wake()
    worker.wait_for_signals(10.0)
    worker.stop()

    assert not worker.alive


def test_a_request_is_shown_while_it_runs_and_counted_afterwards(make_worker):
    worker = make_worker()
    slot = worker.context.slot

    request_slot = worker.begin(b"GET /x", b"an-id")
    assert (worker.requests_in_flight, len(slot.in_flight())) == (1, 1)
    assert slot.heartbeat == request_slot.began
    worker.end(request_slot, 5, 12)

    assert (worker.requests_in_flight, slot.in_flight()) == (0, [])
    assert slot.counters()["server_errors"] == 1
    assert slot.counters()["bytes_sent"] == 12


def test_a_worker_asks_once_to_be_replaced_after_its_last_request(make_worker):
    worker = make_worker(max_requests=2)
    worker.prepare(worker.context.app)

    for _ in range(4):
        worker.end(worker.begin(b"GET /"), 2, 0)

    messages, is_open = make_worker.channel.read()
    assert [(each.kind, each.text) for each in messages] == [("recycle", "max_requests")]
    assert is_open


def test_above_the_high_water_mark_no_connection_is_kept(make_worker):
    worker = make_worker(worker_connections=32)

    worker.count_open(31)
    assert not worker.keeps_connections
    worker.count_open(30)
    assert worker.keeps_connections
    worker.announce_stop()
    worker.count_open(31)
    worker.count_open(1)
    assert not worker.keeps_connections


def test_worker_idle_is_called_once_after_requests(make_worker):
    calls = []

    class Plugin:
        @hookimpl
        def worker_idle(self, worker):
            calls.append(worker)

    worker = make_worker(plugins=[Plugin()])
    worker.prepare(worker.context.app)
    worker.idle()
    worker.end(worker.begin(b"GET /"), 2, 0)
    worker.idle()
    worker.idle()

    assert calls == [worker]


def test_a_retired_listener_and_a_stopping_server_leave_a_backlog_to_serve(make_worker):
    worker = make_worker()
    first, second = (
        SimpleNamespace(address=f"127.0.0.1:{port}", refuses_new_connections=False)
        for port in (1, 2)
    )
    worker.listeners = (first, second)

    assert not worker.serves_backlog(first)
    worker.retire_listener("127.0.0.1:1")
    assert worker.serves_backlog(first)
    assert not worker.serves_backlog(second)
    worker.context.scoreboard.announce_stop()
    assert worker.serves_backlog(second)


def test_a_failure_stops_the_worker_with_exit_code_1(make_worker):
    worker = make_worker()

    worker.fail(OSError("a test"))

    assert (worker.alive, worker.is_quick, worker.exit_code) == (False, True, 1)


def test_a_temporary_file_has_no_name(make_worker, tmp_path, monkeypatch):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))

    with make_worker().spool() as file:
        file.write(b"of one client")

        assert os.fstat(file.fileno()).st_nlink == 0
        assert list(tmp_path.iterdir()) == []
