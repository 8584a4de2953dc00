"""What lies around a protocol's connections, with a protocol that records what reaches it."""

import logging

import pytest
from support.workers import IdleWorker, make_context

from hookserve import hookimpl
from hookserve.errors import HookError
from hookserve.protocol.seam import CLOSING, IDLE, READING_HEAD, READY, Connection, Protocol
from hookserve.protocol.wrappers import ConnectionWrapper, protocol_wrappers, wrap_protocol
from hookserve.testing.fakes import MemoryTransport


class Inner(Connection):
    """Records its calls; each of them returns `next_state`."""

    def __init__(self):
        self.state = IDLE
        self.lingers = False
        self.next_state = READING_HEAD
        self.calls = []

    def _record(self, *call):
        self.calls.append(call)
        self.state = self.next_state
        return self.state

    def feed(self, data):
        return self._record("feed", data)

    def run(self, transport):
        return self._record("run", transport)

    def expire(self):
        return self._record("expire")

    def fail(self, error):
        return self._record("fail", error)

    def interim(self):
        self.calls.append(("interim",))
        return b"HTTP/1.1 100 Continue\r\n\r\n"

    def set_connection_info(self, info):
        self.calls.append(("set_connection_info", info))

    def note_wait(self, transport):
        self.calls.append(("note_wait", transport))


class InnerProtocol(Protocol):
    def connect(self, address):
        return Inner()


class Wrapper(Protocol):
    """A protocol around another, with a name."""

    def __init__(self, name, inner):
        super().__init__(inner.worker, inner.local, inner.buffered)
        self.name, self.inner = name, inner

    def connect(self, address):
        return ConnectionWrapper(self.inner.connect(address))


class Wraps:
    """A plugin that brings wrappers."""

    def __init__(self, *makers):
        self._makers = makers

    @hookimpl
    def connection_wrappers(self):
        return list(self._makers)


def named(name):
    return lambda inner: Wrapper(name, inner)


@pytest.fixture
def make_worker():
    channels = []

    def make(*plugins):
        context, ours = make_context(logging.getLogger("test"), plugins=plugins)
        channels.extend((ours, context.channel))
        return IdleWorker(context)

    yield make
    for channel in channels:
        channel.close()


ERROR = MemoryError()
TRANSPORT = MemoryTransport()
STEPS = [
    ("feed", (b"bytes",)),
    ("feed", (b"",)),
    ("run", (TRANSPORT,)),
    ("expire", ()),
    ("fail", (ERROR,)),
]


@pytest.mark.parametrize(("method", "arguments"), STEPS)
@pytest.mark.parametrize("state", [IDLE, READING_HEAD, READY, CLOSING])
def test_what_a_wrapper_does_not_override_goes_to_the_inner_connection(method, arguments, state):
    inner = Inner()
    inner.next_state = state
    wrapper = ConnectionWrapper(inner)
    assert wrapper.state == IDLE

    assert getattr(wrapper, method)(*arguments) == state

    assert inner.calls == [(method, *arguments)]
    assert wrapper.state == state


def test_what_a_wrapper_knows_and_sends_passes_through_wrappers_of_wrappers():
    inner = Inner()
    wrapper = ConnectionWrapper(ConnectionWrapper(inner))
    info = {"wsgi.url_scheme": "https"}

    wrapper.set_connection_info(info)
    wrapper.note_wait(TRANSPORT)

    assert wrapper.interim() == b"HTTP/1.1 100 Continue\r\n\r\n"
    assert inner.calls == [
        ("set_connection_info", info),
        ("note_wait", TRANSPORT),
        ("interim",),
    ]


@pytest.mark.parametrize(("method", "arguments"), STEPS)
def test_a_connection_that_lingers_does_so_under_a_wrapper(method, arguments):
    inner = Inner()
    inner.next_state = CLOSING
    wrapper = ConnectionWrapper(ConnectionWrapper(inner))
    assert not wrapper.lingers
    inner.lingers = True

    getattr(wrapper, method)(*arguments)

    assert wrapper.lingers


def test_a_worker_that_closes_at_once_is_obeyed():
    inner = Inner()
    inner.lingers = True
    wrapper = ConnectionWrapper(inner)
    wrapper.run(TRANSPORT)

    wrapper.lingers = False

    assert not wrapper.lingers


def test_the_first_wrapper_is_the_outermost(make_worker):
    worker = make_worker(Wraps(named("proxy"), named("tls")))
    inner = InnerProtocol(worker, None, buffered=True)

    outer = wrap_protocol(worker, inner)

    assert (outer.name, outer.inner.name, outer.inner.inner) == ("proxy", "tls", inner)
    assert [wrap(inner).name for wrap in protocol_wrappers(worker)] == ["proxy", "tls"]


def test_without_wrappers_the_protocol_is_the_same_object(make_worker):
    worker = make_worker()
    inner = InnerProtocol(worker, None, buffered=False)

    assert wrap_protocol(worker, inner) is inner
    assert protocol_wrappers(worker) == []


def raise_error(inner):
    raise ValueError("no certificate")


@pytest.mark.parametrize(
    ("wrap", "problem"),
    [
        (raise_error, "ValueError: no certificate"),
        (lambda inner: None, "its wrapper returned None"),
        (lambda inner: Wrapper, "its wrapper returned <class"),
    ],
)
def test_a_wrapper_that_fails_is_named_by_its_plugin(make_worker, wrap, problem):
    worker = make_worker(Wraps(named("proxy")), Wraps(wrap))

    with pytest.raises(HookError, match="of the test 1") as caught:
        wrap_protocol(worker, InnerProtocol(worker, None, buffered=True))

    assert problem in str(caught.value)
