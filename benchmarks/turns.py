"""A turn: one server under load once; it is started for the turn, or before all turns of a row."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from benchmarks import answers, counting, load, servers
from benchmarks.accounting import cpu_of, memory_of
from benchmarks.cases import Case
from benchmarks.contenders import Contender
from benchmarks.servers import Server

FLAWS = (servers.ServerError, answers.WrongResponseError, load.LoadError)
"""What makes a server wrong rather than slow."""


@dataclass(frozen=True, slots=True)
class Turn:
    """What was seen; durations in seconds."""

    user: float
    """Of CPU for each request, in user mode."""
    system: float
    rate: float
    p50: float
    """0, as the others: not known."""
    p99: float
    p999: float
    memory: float
    """MiB after the load, proportional set size of all processes."""
    start: float
    busy: float
    """The part of its time on the processor; of all its processes together."""
    client_busy: float
    calls: float | None = None
    """System calls for each request; None: not counted."""
    instructions: float | None = None

    @property
    def cpu(self) -> float:
        return self.user + self.system


def take(contender: Contender, case: Case, seconds: int, *, counted: bool) -> Turn:
    """Start, check, warm up, load, and once more to count; raises one of FLAWS."""
    server_cpus, _ = servers.processors(case.workers)
    with servers.running(contender, case, server_cpus) as server:
        prepare(server, case)
        return observe(server, case, seconds, counted=counted)


class SideBySide:
    """Servers that run at the same time, so that a round meets the same machine; a context manager.

    A server is started for its first turn, and ends with the others.
    """

    def __init__(self, case: Case, seconds: int) -> None:
        self._case, self._seconds = case, seconds
        self._servers: dict[str, Server] = {}
        self._stack = ExitStack()

    def __enter__(self) -> SideBySide:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    def take(self, contender: Contender, *, counted: bool) -> Turn:
        """A turn of a server that stays; raises one of FLAWS."""
        if contender.name not in self._servers:
            server_cpus, _ = servers.processors(self._case.workers)
            server = self._stack.enter_context(servers.running(contender, self._case, server_cpus))
            prepare(server, self._case)
            self._servers[contender.name] = server
        return observe(self._servers[contender.name], self._case, self._seconds, counted=counted)


def prepare(server: Server, case: Case) -> None:
    """Check what a server answers, and warm it up; raises WrongResponseError."""
    answers.check(server.port, case)
    if case.has_access_log and not server.has_logged():
        raise answers.WrongResponseError("writes no access log")
    answers.warm_up(server.port, case)


def observe(server: Server, case: Case, seconds: int, *, counted: bool) -> Turn:
    """Load a server, and once more to count; raises LoadError."""
    _, client_cpu = servers.processors(case.workers)
    before = cpu_of(server.pid)
    seen = load.run(server.port, case.request, seconds, case.connections, client_cpu)
    used = cpu_of(server.pid) - before
    memory = memory_of(server.pid)

    def once_more() -> int:
        try:
            return load.run(server.port, case.request, 1, case.connections, client_cpu).requests
        except load.LoadError:
            return 0  # too slow to be watched, which it must not be called wrong for

    calls = counting.system_calls(server.pid, once_more) if counted else None
    instructions = counting.instructions(server.pid, once_more) if counted else None
    # wrk takes each pipelined request for one that the connection was late with, and errs.
    is_known = case.answers == 1
    return Turn(
        user=used.user / seen.requests,
        system=used.system / seen.requests,
        rate=seen.rate,
        p50=seen.p50 * is_known,
        p99=seen.p99 * is_known,
        p999=seen.p999 * is_known,
        memory=memory,
        start=server.start,
        busy=used.total / seen.seconds,
        client_busy=seen.busy,
        calls=calls,
        instructions=instructions,
    )


def alternate(
    contenders: Sequence[Contender],
    turns: int,
    take: Callable[[Contender, bool], Turn],
) -> dict[str, list[Turn] | str]:
    """Each server's turns, one of each in every round; what is wrong with it in their place.

    Things are counted in the last round.  A server with a flaw takes no more turns.
    """
    found: dict[str, list[Turn]] = {each.name: [] for each in contenders}
    flaws: dict[str, str] = {}
    for number in range(turns):
        for contender in contenders:
            if contender.name in flaws:
                continue
            try:
                found[contender.name].append(take(contender, number == turns - 1))
            except FLAWS as error:
                flaws[contender.name] = f"wrong: {error}"
    return {name: flaws.get(name) or taken for name, taken in found.items()}
