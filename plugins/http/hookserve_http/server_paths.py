"""Paths that the server itself answers, before the application: the hook `http_answers`.

Such a request has no request slot, no access record and no hooks; it counts nowhere.  Its
connection closes after the response.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cache
from typing import TYPE_CHECKING, Any, NamedTuple, cast

from hookserve import PluginError
from hookserve.plugins import calling
from hookserve.protocol.seam import READY
from hookserve_http.connection import HttpConnection
from hookserve_http.response import with_phrase

if TYPE_CHECKING:
    from hookserve.protocol.seam import Transport
    from hookserve.worker.base import Worker
    from hookserve_http.endpoint import Endpoint
    from hookserve_http.hooks import Answer


def find_answers(worker: Worker) -> Mapping[str, Answer]:
    """By path; raises HookError naming a plugin that raises, PluginError for a path that cannot be
    answered or is another plugin's."""
    hook = cast("Any", worker.context.host.hook).http_answers  # Any: a hook of our own
    found: dict[str, Answer] = {}
    for plugin, (path, answer) in calling.collect(hook, worker):
        if not path.startswith("/") or path in found:
            raise PluginError(f"plugin '{plugin}': it cannot answer {path!r}", plugin)
        found[path] = answer
    return found


class AnsweredRequest(NamedTuple):
    """In the place of `hookserve_http.refusal.RefusedRequest`: what the client is sent."""

    answer: Answer
    is_bodiless: bool

    def send(self, transport: Transport, endpoint: Endpoint, address: str) -> None:
        """Send the response; raises nothing."""
        try:
            status, text = self.answer()
        except Exception:  # a plugin's
            endpoint.worker.log.exception("a path that the server answers has failed")
            status, text = 500, "it has failed"
        body = f"{text}\n".encode()
        lines = (
            f"Content-Type: text/plain; charset=utf-8\r\nContent-Length: {len(body)}\r\n"
            "Cache-Control: no-store\r\nConnection: close\r\n\r\n"
        )
        start = f"HTTP/1.1 {with_phrase(status)}\r\n".encode()
        try:
            transport.send(
                b"".join((start, endpoint.writer.date(), lines.encode())),
                b"" if self.is_bodiless else body,
            )
        except OSError:  # the client is gone
            pass


@cache
def with_answers(kind: type[HttpConnection]) -> type[HttpConnection]:
    """That kind of connection, which knows the paths that the server answers."""

    class AnsweringConnection(kind):  # type: ignore[misc,valid-type]  # mypy wants it literally
        """Looks at the beginning of each head."""

        __slots__ = ()

        def _take_head(self, data: bytes) -> int:
            state: int = super()._take_head(data)
            if state == READY and data.startswith(self.endpoint.answered):
                _answer_itself(self)
            return state

    return cast("type[HttpConnection]", AnsweringConnection)


def _answer_itself(connection: Any) -> None:  # Any: an AnsweringConnection
    """Have the connection send an answer of the server's, if the path of its request has one."""
    exchange = connection._exchange
    if exchange is None or connection._body is not None:
        return
    answer = connection.endpoint.answers.get(exchange.environ["PATH_INFO"])
    if answer is not None and exchange.environ["REQUEST_METHOD"] in ("GET", "HEAD"):
        connection._exchange = None
        connection._refused = AnsweredRequest(answer, exchange.is_bodiless)


def prefixes(answers: Iterable[str]) -> tuple[bytes, ...]:
    """What a request begins with that may be for one of these paths, in absolute form too."""
    targets = (*sorted(answers), "http://", "https://")
    return tuple(f"{method} {target}".encode() for method in ("GET", "HEAD") for target in targets)
