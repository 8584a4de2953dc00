"""What the arbiter and the workers do for the health checks of one configuration."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, cast

from hookserve import AuxiliaryProcess, hookimpl
from hookserve_health.condition import Condition, Verdict
from hookserve_health.conversation import Responder, status_of
from hookserve_health.shared_state import HANDED_ON, state_of_server

if TYPE_CHECKING:
    from hookserve.config.resolved import Config
    from hookserve.listeners.listeners import Listener
    from hookserve.listeners.plugin_listeners import PluginListeners
    from hookserve.server import Server
    from hookserve.worker.base import Worker
    from hookserve_health.checks import Check
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
    def auxiliary_processes(self, server: Server) -> Iterable[AuxiliaryProcess]:
        """The one that answers, where there is an address or a check of its own."""
        if not self._addresses and not self._config.health_check:
            return []
        sockets = {name: found.open(server) for name, found in self._addresses.items()}
        serve = partial(self._serve, server, sockets)
        return [AuxiliaryProcess("health", serve, is_unprivileged=True, is_handed_over=True)]

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

        read, own = Reader(worker.context.scoreboards).read, worker.context.generation
        condition = Condition(
            self._config, self._state, read, lambda current: current > own and not worker.alive
        )
        questions = self._questions(condition)
        questions[self._path("live")] = _worker_lives
        return [(path, partial(_answer, question)) for path, question in questions.items()]

    # In the auxiliary process.

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
        service = Service(listeners, Termination(read, server.generation))
        if self._config.health_check:
            from hookserve_health.checks import Checker

            config = self._config
            service.checker = Checker(
                self._load_checks(),
                config.health_check_interval,
                config.health_check_timeout,
                self._state,
                service.wake,
            )
        service.run()

    def _load_checks(self) -> list[Check]:
        """The application's checks; one that cannot be imported fails whenever it is called."""
        from hookserve_health.checks import load_check

        return [load_check(name) for name in self._config.health_check]

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


def _worker_lives() -> Verdict:
    return Verdict(True, "live")


def _answer(question: Callable[[], Verdict]) -> tuple[int, str]:
    return status_of(question())
