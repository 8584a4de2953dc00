"""What the parts of the worker contract share: the model under test, and servers of it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, ClassVar

from hookserve.testing.contract import recorded, recorder
from hookserve.testing.contract.application import FILE_VARIABLE
from hookserve.testing.contract.client import Client, request
from hookserve.testing.server import Event, Server, serve


class Contract:
    """The model under test; a worker's author sets the class attributes."""

    worker: ClassVar[str]
    """What ``-k`` is given."""
    settings: ClassVar[dict[str, object]] = {}
    """Settings that the model needs in every test."""
    application: ClassVar[str] = f"{recorded.__name__}:application"
    """What the tests serve."""
    requests_to_hang: ClassVar[int] = 1
    """How many requests must compute for ever until the worker is silent."""
    python: ClassVar[str] = sys.executable
    """The interpreter of the environment that the worker is installed in."""

    _stack: ClassVar[ExitStack]
    _shared: ClassVar[Server | None] = None
    _row: ClassVar[dict[str, Any]]  # Any: JSON

    @classmethod
    def setup_class(cls) -> None:
        """Ask the command line about the model, once."""
        cls._stack = ExitStack()
        command = [cls.python, "-m", "hookserve", "--list-workers", "--json"]
        listed = subprocess.run(command, capture_output=True, text=True, check=True).stdout
        rows = [row for row in json.loads(listed) if row["name"] == cls.worker]
        assert rows, f"no installed plugin brings a worker called {cls.worker}"
        assert rows[0]["state"] == "ready", rows[0]
        cls._row = rows[0]

    @classmethod
    def teardown_class(cls) -> None:
        """Stop the shared server."""
        cls._shared = None
        cls._stack.close()

    def setup_method(self) -> None:
        """Begin without clients."""
        self._clients: list[Client] = []

    def teardown_method(self) -> None:
        """Close what the test left open."""
        for client in self._clients:
            client.socket.close()

    def connect(self, server: Server, receive_buffer: int = 0) -> Client:
        """A client that is closed when the test ends."""
        client = Client(server.address, receive_buffer)
        self._clients.append(client)
        return client

    def begin(self, server: Server, path: str) -> Client:
        """A client whose request has been sent; nothing tells that it has begun to run."""
        client = self.connect(server)
        client.send(request(path))
        return client

    @property
    def can(self) -> dict[str, Any]:  # Any: JSON
        """The model's declared capabilities."""
        found: dict[str, Any] = self._row["capabilities"]  # Any: JSON
        return found

    @property
    def patches(self) -> bool:
        """Whether the model patches the standard library."""
        return bool(self._row["patches"])

    @property
    def server(self) -> Server:
        """A server for tests that leave it as it was."""
        cls = type(self)
        if cls._shared is None:
            cls._shared = self._stack.enter_context(self.serve())
        return cls._shared

    @classmethod
    @contextmanager
    def serve(
        cls, *, workers: int = 1, records: bool = False, file: str = "", **settings: object
    ) -> Iterator[Server]:
        """A server of the model with the contract's application; with `records` each hook that
        is called is an event."""
        arguments = ["-P", recorder.__name__] if records else []
        with serve(
            cls.application,
            worker=cls.worker,
            workers=workers,
            settings={**cls.settings, **settings},
            arguments=arguments,
            environ={FILE_VARIABLE: file},
            python=cls.python,
        ) as server:
            yield server

    @staticmethod
    def called(server: Server, *names: str) -> list[Event]:
        """The calls of some hooks so far, or of all."""
        server.workers()
        found = [event for event in server.events if event["event"] == "hook"]
        return [event for event in found if not names or event["hook"] in names]

    @staticmethod
    def wait_for_call(server: Server, name: str, count: int = 1, **arguments: object) -> Event:
        """The `count`-th call of a hook with these arguments, once it has happened."""

        def fits(event: Event) -> bool:
            return event["hook"] == name and all(event[key] == arguments[key] for key in arguments)

        return server.wait_for("hook", fits, count=count)
