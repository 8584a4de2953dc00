"""RESP on one listener of one worker: a command, a call of the application, a reply."""

from __future__ import annotations

from typing import TYPE_CHECKING

from hookserve.protocol.seam import (
    CLOSING,
    IDLE,
    READING_HEAD,
    READY,
    Connection,
    Protocol,
    Transport,
)
from hookserve.types import AccessRecord
from hookserve_resp.commands import CommandReader, ProtocolError, bulk, error
from hookserve_resp.exchange import Exchange, fields_of

if TYPE_CHECKING:
    from hookserve.types import RequestInFlight
    from hookserve.worker.base import Worker


class RespProtocol(Protocol):
    """Makes connections.  The application is ``handle(command: list[bytes]) -> bytes | None``."""

    __slots__ = ()

    def connect(self, address: object) -> RespConnection:
        """A connection; the client's address is what accept(2) gave."""
        return RespConnection(self.worker, host_of(address))

    @classmethod
    def lost_request_record(cls, request: RequestInFlight, reason: str, now: float) -> AccessRecord:
        """As `Protocol.lost_request_record`: the address of the client is not known there."""
        began, line = now - request.elapsed, request.label
        return AccessRecord(None, 0, [], 0, began, now, reason, line, **fields_of(line))


class RespConnection(Connection):
    """One client's connection: bytes in, replies out."""

    __slots__ = ("_address", "_command", "_reader", "_refusal", "_worker")

    def __init__(self, worker: Worker, address: str) -> None:
        self.state = IDLE
        self.lingers = False
        self._worker = worker
        self._address = address
        self._reader = CommandReader()
        self._command: list[bytes] | None = None
        """The one that runs next."""
        self._refusal = ""

    def feed(self, data: bytes) -> int:
        """Take bytes; after their end no more commands come."""
        if not data:
            if self.state != READY:
                self.state = CLOSING
            return self.state
        self._reader.feed(data)
        return self.state if self.state in (READY, CLOSING) else self._find_command()

    def _find_command(self) -> int:
        """Be `READY` for the next command, or wait for it."""
        try:
            self._command = self._reader.next_command()
        except ProtocolError as problem:
            self._refusal = f"Protocol error: {problem}"
        if self._command is not None or self._refusal:
            self.state = READY
        else:
            self.state = READING_HEAD if self._reader.has_begun else IDLE
        return self.state

    def expire(self) -> int:
        """A deadline has passed: a client that has begun a command is told."""
        self._refusal = "the command did not come in time"
        self.state = READY if self.state == READING_HEAD else CLOSING
        return self.state

    def run(self, transport: Transport) -> int:
        """Run the command, or refuse what is not one."""
        command, self._command = self._command, None
        if command is None:
            return self._refuse(transport)
        exchange = Exchange(self._worker, command, self._address)
        try:
            reply = self._call(exchange, command)
            exchange.send(transport, reply)
            return self._next_state()
        except OSError as gone:
            exchange.fail(4, f"the client is gone: {gone}")
            return self._close()
        except BaseException as problem:  # a timer of the application's may raise anywhere
            exchange.fail(5, f"ended by {problem!r}")
            self._refusal = "the command was ended"
            return self._refuse(transport)
        finally:
            exchange.end()

    def _call(self, exchange: Exchange, command: list[bytes]) -> bytes:
        """The reply to a command; raises what is no `Exception`."""
        try:
            return self.reply_to(command)
        except Exception as problem:
            self._worker.end_if_forked(problem)
            self._worker.log.error("%s has failed", exchange.request_line, exc_info=problem)
            exchange.fail(5, repr(problem))
            return error("the command has failed")

    def reply_to(self, command: list[bytes]) -> bytes:
        """What the application says."""
        reply = self._worker.app(command)
        return bulk(reply)  # type: ignore[arg-type]  # no WSGI application

    def _next_state(self) -> int:
        """Go on with what has arrived.  A worker that stops keeps no connection that is idle."""
        if self._find_command() == READY or self._worker.keeps_connections:
            return self.state
        return self._close()

    def _refuse(self, transport: Transport) -> int:
        try:
            transport.send(error(self._refusal))
        except OSError:  # the client is gone
            pass
        return self._close()

    def _close(self) -> int:
        self.lingers = True
        self.state = CLOSING
        return CLOSING


def host_of(address: object) -> str:
    """The client's address, without its port; empty for a unix socket."""
    return str(address[0]) if isinstance(address, tuple) else ""
