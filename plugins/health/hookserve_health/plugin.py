"""What the arbiter and the workers do for the health checks of one configuration."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, cast

from hookserve import AuxiliaryProcess, hookimpl
from hookserve.errors import AppNotFound
from hookserve_health.condition import Condition, Verdict
from hookserve_health.conversation import Responder, status_of
from hookserve_health.lookup import find_fault
from hookserve_health.shared_state import HANDED_ON, state_of_server

if TYPE_CHECKING:
    from hookserve.config.resolved import Config
    from hookserve.listeners.listener import Listener
    from hookserve.listeners.plugin_listeners import PluginListeners
    from hookserve.server import Server
    from hookserve.worker.base import Worker
    from hookserve.worker.reading import Reading
    from hookserve_health.service import Respond

_QUESTIONS = ("live", "ready", "startup")


class Health:
    """The health checks."""

    def __init__(self, config: Config, addresses: Mapping[str, PluginListeners]) -> None:
        """`addresses` has those that there are, by the names of their settings."""
        self._config = config
        self._state = state_of_server()
        self._addresses = addresses

    # In the arbiter.

    @hookimpl
    def app_loaded(self) -> None:
        """The application's checks are there, as far as that is seen without importing them."""
        for target in self._config.health_check:
            if fault := find_fault(target, is_certain=True):
                raise AppNotFound(f"health_check: {fault} (to call {target})")

    @hookimpl
    def auxiliary_processes(self, server: Server) -> Iterable[AuxiliaryProcess]:
        """One that answers, where there is an address, and one for the application's checks: what
        they do to their process holds no answer back."""
        targets: dict[str, Callable[[], None]] = {}
        if self._addresses:
            sockets = {name: found.open(server) for name, found in self._addresses.items()}
            targets["health"] = partial(self._serve, server, sockets)
        if self._config.health_check:
            targets["health-checks"] = partial(self._check, server)
        return [
            AuxiliaryProcess(name, target, is_unprivileged=True, is_handed_over=True)
            for name, target in targets.items()
        ]

    @hookimpl
    def on_stopping(self, server: Server) -> None:
        """The server stops; where another one serves at its addresses, it is ready all the same."""
        self._state.successor_serves = server.upgrade.successor_serves

    @hookimpl
    def pre_exec(self, server: Server) -> None:
        """The result of the checks holds until those of the next arbiter have run."""
        server.environ[HANDED_ON] = self._state.encode()

    # In a worker.

    @hookimpl(optionalhook=True)
    def http_answers(self, worker: Worker) -> Iterable[tuple[str, Callable[[], tuple[int, str]]]]:
        """The paths, where workers answer them too."""
        if not self._config.health:
            return []
        from hookserve.worker.reading import Reader

        read = Reader(worker.context.scoreboards).read
        condition = Condition(self._config, self._state, read, partial(is_replaced, worker))
        questions = self._questions(condition)
        questions[self._path("live")] = _worker_lives
        return [(path, partial(_answer, question)) for path, question in questions.items()]

    # In the auxiliary processes.

    def _serve(self, server: Server, sockets: Mapping[str, Sequence[Listener]]) -> None:
        from hookserve.worker.reading import Reader
        from hookserve.worker.termination import Termination
        from hookserve_health.service import Service

        read = Reader(server.scoreboards).read
        condition = Condition(self._config, self._state, read)
        responders = {"health_bind": self._respond_http, "health_agent_bind": self._respond_agent}
        listeners = {
            listener: responders[name](condition)
            for name, found in sockets.items()
            for listener in found
        }
        Service(listeners, Termination(read, server.generation)).run()

    def _check(self, server: Server) -> None:
        from hookserve.worker.reading import Reader
        from hookserve.worker.termination import Termination
        from hookserve_health.checks import Checker, load_check
        from hookserve_health.service import Service

        termination = Termination(Reader(server.scoreboards).read, server.generation)
        service, config = Service({}, termination), self._config
        service.checker = Checker(
            [load_check(name) for name in config.health_check],
            config.health_check_interval,
            config.health_check_timeout,
            self._state,
            service.wake,
        )
        service.run()

    def _respond_http(self, condition: Condition) -> Respond:
        return Responder(self._questions(condition))

    def _respond_agent(self, condition: Condition) -> Respond:
        return lambda received: condition.agent().encode()

    def _questions(self, condition: Condition) -> dict[str, Callable[[], Verdict]]:
        return {
            self._path(name): cast("Callable[[], Verdict]", getattr(condition, name))
            for name in _QUESTIONS
        }

    def _path(self, name: str) -> str:
        return f"{self._config.health_prefix}{name}"


def is_replaced(worker: Worker, reading: Reading) -> bool:
    """Whether this worker, which answers, has been retired for one of a later generation: by what
    it knows, or by the scoreboard, which may have it first."""
    if reading.generation <= worker.context.generation:
        return False
    own = [each.state for each in reading.workers if each.pid == worker.pid]
    return not worker.alive or "ready" not in own


def _worker_lives() -> Verdict:
    return Verdict(True, "live")


def _answer(question: Callable[[], Verdict]) -> tuple[int, str]:
    return status_of(question())
