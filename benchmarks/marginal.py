"""What one feature adds to a request: ``make bench-marginal``, under three minutes.

Each feature is measured twice.  *In memory* requests go through the protocol, the application and
the hooks in this process, with a worker that stands in and no sockets: fine, but without the
kernel's part.  *Over sockets* wrk sends a browser's requests to epoll workers, one with each
feature and one with none, in slices (`benchmarks.slices`).  The row that adds nothing says how much
of that is noise.  Of a hook the call alone is measured too, without the view of the request that
its listener is given.
"""

from __future__ import annotations

import argparse
import sys
import timeit
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from statistics import median, quantiles
from time import monotonic, process_time

from hookserve_http.protocol import HttpProtocol
from hookserve_logging.standard import make_logger

from benchmarks import environments, load, servers, slices, turns
from benchmarks.cases import BROWSER
from benchmarks.contenders import EPOLL, Contender
from examples.hello import application
from hookserve import hookimpl
from hookserve.launch.assembly import load_plugins
from hookserve.listeners.address import Endpoint
from hookserve.plugins import calling
from hookserve.plugins.host import PluginHost
from hookserve.protocol.seam import Transport
from hookserve.testing.fakes import StandInWorker, configure
from hookserve.worker.cells import real_cell, unseen_word
from hookserve.worker.layout import REQUEST_SLOT_SIZE
from hookserve.worker.request_slots import RequestSlot

_TURN = 32
"""Requests between two waits of a worker, at which it writes its log."""
_TURNS_IN_A_ROW, _REPETITIONS = 20, 80
_SUMS_REPETITIONS = 1000
_CALL_BUDGET = 0.2
"""Microseconds."""
_AGES = (0.0, 0.02, 0.2, 2.0)
"""Seconds that requests have lasted: a quick one, and others from all over the histogram."""
_SUMS_BUDGET = 0.15
"""Microseconds that the counters and the histogram of durations add together to a request."""


class PreRequest:
    """Listens as most do."""

    @hookimpl
    def pre_request(self, worker: object, req: object) -> None: ...


class PostRequest:
    """Wants everything."""

    @hookimpl
    def post_request(self, worker: object, req: object, environ: object, resp: object) -> None: ...


def _access_log(form: str) -> Callable[[], object]:
    settings = {"accesslog": "/dev/null", "access_log_format": form}
    return lambda: make_logger(configure(settings), PluginHost())


@dataclass(frozen=True, slots=True)
class Feature:
    """Something that can be had or not."""

    name: str
    budget: float | None
    """Microseconds."""
    plugin: Callable[[], object]
    """For the fake."""
    words: tuple[str, ...] = ()
    """On the command line of a server."""
    configuration: str = ""


_CONFIGURED = ("-c", "{directory}/configuration")
_LOGGED = ("--access-logfile", "{directory}/access.log")
_TEXT = '%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s"'
FEATURES = (
    Feature("nothing", None, object),
    Feature("access log, text", 2.0, _access_log(_TEXT), _LOGGED),
    Feature("access log, JSON", 2.0, _access_log("json"), (*_LOGGED, "--access-logformat", "json")),
    Feature(
        "pre_request", None, PreRequest, _CONFIGURED, "def pre_request(worker, req):\n    pass\n"
    ),
    Feature(
        "post_request",
        None,
        PostRequest,
        _CONFIGURED,
        "def post_request(worker, req, environ, resp):\n    pass\n",
    ),
)


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.marginal", description=__doc__)
    names = [each.name for each in FEATURES]
    parser.add_argument("--only", action="append", choices=names)
    parser.add_argument("--rounds", type=int, default=200)
    options = parser.parse_args()
    features = [each for each in FEATURES if each.name in (options.only or names)]
    try:
        load.require()
        environments.install_ours()
        print(
            "microseconds of CPU that a feature adds to a request: in memory, the least of"
            f" {_REPETITIONS} repetitions; over sockets, the median (quartiles) of"
            f" {options.rounds} rounds"
        )
        head = ("", "at most", "in memory", "over sockets", "", "of")
        print(_row(*head))
        in_memory_too = in_memory(features)
        added, cost = over_sockets(features, options.rounds)
        for feature, here, there in zip(features, in_memory_too, added, strict=True):
            low, middle, high = quantiles(there, n=4)
            budget = f"{feature.budget:.1f}" if feature.budget else ""
            print(
                _row(
                    feature.name,
                    budget,
                    f"{here:.2f}",
                    f"{middle:.2f}",
                    f"({low:.2f} to {high:.2f})",
                    f"{cost:.1f}",
                )
            )
        print(_row("a hook's call", f"{_CALL_BUDGET:.1f}", f"{call_of_a_hook():.2f}", "", "", ""))
        for age in _AGES:
            name, cost = f"sums, {1000 * age:g} ms", sums(age)
            print(_row(name, f"{_SUMS_BUDGET}", f"{cost:.3f}", "", "", ""))
    except (environments.EnvironmentsError, *turns.FLAWS) as error:
        print(f"benchmarks: {error}", file=sys.stderr)
        return 1
    return 0


def _row(*cells: str) -> str:
    widths = (18, 8, 10, 13, 18, 6)
    return "".join(cell.rjust(width) for cell, width in zip(cells, widths, strict=True))


# In memory.


class _Worker(StandInWorker):
    """Has one request slot, and keeps no account."""

    def __init__(self, plugin: object) -> None:
        super().__init__(application, configure({}))
        self._request_slot = RequestSlot(bytearray(REQUEST_SLOT_SIZE), 0)
        host = load_plugins([], {})
        host.register(plugin, "marginal")
        hook = host.hook
        calling.notify(hook.post_worker_init, self)
        self.pre_request = calling.freeze(hook.pre_request)
        self.post_request = calling.freeze(hook.post_request)
        self.log_access = calling.freeze(hook.log_access)
        self.idle = calling.freeze(hook.worker_idle)

    def begin(self, label: bytes, request_id: bytes = b"") -> RequestSlot:
        self._request_slot.begin(self.clock(), label, request_id)
        return self._request_slot

    def end(self, request_slot: RequestSlot, status_class: int, sent: int) -> None:
        request_slot.end(self.clock(), status_class, sent)


class _Nowhere(Transport):
    """Sends nothing."""

    def send(self, *buffers: bytes) -> None: ...

    def receive(self, size: int) -> bytes:
        return b""


def in_memory(features: Iterable[Feature]) -> list[float]:
    """What each adds, in microseconds a request: the difference of the least that was seen, for
    whatever else the machine does can only add to it."""
    conversations = [_conversation(object()), *(_conversation(each.plugin()) for each in features)]
    least = [min(costs) for costs in zip(*_repeat(conversations), strict=True)]
    return [each - least[0] for each in least[1:]]


def _repeat(conversations: list[Callable[[], float]]) -> Iterator[list[float]]:
    for _ in range(_REPETITIONS):
        yield [converse() for converse in conversations]


def _conversation(plugin: object) -> Callable[[], float]:
    """A function that lets requests through and answers what each has cost, in microseconds."""
    worker, transport = _Worker(plugin), _Nowhere()
    protocol = HttpProtocol(worker, Endpoint("127.0.0.1", "8000"), buffered=True)
    connection = protocol.connect(("127.0.0.1", 50000))

    def converse() -> float:
        began = process_time()
        for _ in range(_TURNS_IN_A_ROW):
            for _ in range(_TURN):
                connection.feed(BROWSER.request)
                connection.run(transport)
            for listener in worker.idle:
                listener(worker)
        return (process_time() - began) / (_TURNS_IN_A_ROW * _TURN) * 1e6

    return converse


def call_of_a_hook() -> float:
    """What a frozen hook with one listener costs by itself, in microseconds; the least."""
    host = load_plugins([], {})
    host.register(PreRequest(), "marginal")
    (frozen,) = calling.freeze(host.hook.pre_request)
    names = {"call": frozen, "worker": None, "view": None, "environ": None}
    timer = timeit.Timer("call(worker, view, environ)", globals=names)
    number = 20_000
    return min(timer.repeat(_REPETITIONS, number)) / number * 1e6


# Over sockets.


class _InFlightAlone:
    """What a scoreboard stores that shows the requests in flight and counts nothing."""

    __slots__ = ("_began",)

    def __init__(self) -> None:
        self._began = real_cell(unseen_word(), 0)

    def end(self, now: float, status_class: int, sent: int) -> None:
        self._began[()] = 0.0


def sums(age: float) -> float:
    """What counters and histogram add to the end of a request that began `age` seconds ago, in
    microseconds."""
    without, with_them = _InFlightAlone(), RequestSlot(bytearray(REQUEST_SLOT_SIZE), 0)
    now = monotonic()
    with_them.begin(now - age, b"GET /")
    timers = [
        timeit.Timer("end(now, 2, 100)", globals={"end": each.end, "now": now})
        for each in (without, with_them)
    ]
    number = 2000
    costs = [[timer.timeit(number) for timer in timers] for _ in range(_SUMS_REPETITIONS)]
    least = [min(each) / number * 1e6 for each in zip(*costs, strict=True)]
    return least[1] - least[0]


def over_sockets(features: Iterable[Feature], rounds: int) -> tuple[list[list[float]], float]:
    """The same by round, and what a request costs without any; raises one of turns.FLAWS."""
    server_cpus, client_cpu = servers.processors()
    contenders = [EPOLL, *map(_contender, features)]
    with ExitStack() as stack:
        started = [
            stack.enter_context(servers.running(each, BROWSER, server_cpus)) for each in contenders
        ]
        plain, *others = slices.costs(
            started, BROWSER.request, BROWSER.connections, client_cpu, rounds
        )
    differences = [[each - base for each, base in zip(seen, plain, strict=True)] for seen in others]
    return differences, median(plain)


def _contender(feature: Feature) -> Contender:
    *words, target = EPOLL.command
    return replace(
        EPOLL,
        name=feature.name,
        command=(*words, *feature.words, target),
        configuration=feature.configuration,
    )


if __name__ == "__main__":
    sys.exit(main())
