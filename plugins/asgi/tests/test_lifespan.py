"""Startup and shutdown of an application."""

import asyncio
import logging

import pytest
from hookserve_asgi.lifespan import Lifespan

from hookserve.errors import BootError


class Supporting:
    """An application with a lifespan; responds with these events, or fails."""

    def __init__(self, *replies, state=None):
        self.replies = list(replies)
        self.state = state or {}
        self.seen = []

    async def __call__(self, scope, receive, send):
        self.scope = scope
        scope["state"].update(self.state)
        for reply in self.replies:
            self.seen.append((await receive())["type"])
            if isinstance(reply, BaseException):
                raise reply
            await send({"type": f"lifespan.{reply}", "message": "no database"})


async def of_http(scope, receive, send):
    """Knows nothing of lifespans, and looks at the scope first."""
    raise KeyError(scope["path"])


async def of_http_that_receives(scope, receive, send):
    """The same, and takes the event for a part of a body."""
    await receive()
    await send({"type": "http.response.start", "status": 200})


async def that_returns(scope, receive, send):
    """The same, and ignores what it does not know."""


def run(loop, application, mode="auto"):
    lifespan = Lifespan(application, mode, logging.getLogger("hookserve.asgi.test"))
    loop.run_until_complete(lifespan.start())
    return lifespan


def test_an_application_is_told_of_startup_and_shutdown(loop):
    application = Supporting("startup.complete", "shutdown.complete", state={"pool": 1})

    lifespan = run(loop, application)
    assert application.seen == ["lifespan.startup"]
    assert lifespan.state == {"pool": 1}
    loop.run_until_complete(lifespan.stop(1.0))

    assert application.seen == ["lifespan.startup", "lifespan.shutdown"]
    assert application.scope["type"] == "lifespan"
    assert not asyncio.all_tasks(loop)


def test_a_startup_that_fails_fails_the_boot_with_its_message(loop):
    with pytest.raises(BootError, match="startup failed: no database"):
        run(loop, Supporting("startup.failed"))


@pytest.mark.parametrize("application", [of_http, of_http_that_receives, that_returns])
def test_an_application_without_a_lifespan_is_served_without(loop, application):
    lifespan = run(loop, application)

    assert lifespan.state is None
    loop.run_until_complete(lifespan.stop(1.0))


@pytest.mark.parametrize("application", [of_http, of_http_that_receives, that_returns])
def test_where_a_lifespan_is_demanded_an_application_without_fails_the_boot(loop, application):
    with pytest.raises(BootError, match="startup failed"):
        run(loop, application, "on")


@pytest.mark.parametrize("error", [ValueError, SystemExit])
def test_an_exception_at_startup_is_no_lifespan_and_is_logged(loop, caplog, error):
    lifespan = run(loop, Supporting(error("on purpose")))

    assert lifespan.state is None
    assert "--lifespan on" in caplog.text
    assert "on purpose" in caplog.text


def test_one_that_is_cancelled_at_startup_does_not_hang(loop):
    assert run(loop, Supporting(asyncio.CancelledError())).state is None


def test_where_lifespans_are_off_the_application_is_not_called(loop):
    application = Supporting("startup.complete")

    lifespan = run(loop, application, "off")
    loop.run_until_complete(lifespan.stop(1.0))

    assert not application.seen
    assert lifespan.state is None


@pytest.mark.parametrize("reply", ["shutdown.failed", ValueError("no database")])
def test_a_shutdown_that_fails_is_logged(loop, caplog, reply):
    lifespan = run(loop, Supporting("startup.complete", reply))

    loop.run_until_complete(lifespan.stop(1.0))

    assert "shutdown failed" in caplog.text
    assert "no database" in caplog.text


def test_one_that_returns_at_shutdown_has_ended(loop, caplog):
    async def application(scope, receive, send):
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await receive()

    lifespan = run(loop, application)
    loop.run_until_complete(lifespan.stop(1.0))

    assert not caplog.text


def test_a_shutdown_that_does_not_end_is_cancelled(loop, caplog):
    async def application(scope, receive, send):
        await receive()
        await send({"type": "lifespan.startup.complete"})
        await asyncio.sleep(100)

    lifespan = run(loop, application)
    loop.run_until_complete(lifespan.stop(0.01))
    loop.run_until_complete(asyncio.sleep(0))

    assert "it has not ended in 0.01 s" in caplog.text
    assert not asyncio.all_tasks(loop)


def test_one_that_fails_between_startup_and_shutdown_is_logged(loop, caplog):
    async def application(scope, receive, send):
        await receive()
        await send({"type": "lifespan.startup.complete"})
        raise ValueError("on purpose")

    lifespan = run(loop, application)
    loop.run_until_complete(asyncio.sleep(0))
    loop.run_until_complete(lifespan.stop(1.0))

    assert "lifespan has failed" in caplog.text


@pytest.mark.parametrize("kind", ["http.response.start", "lifespan.shutdown.complete"])
def test_another_event_at_startup_is_an_error_of_the_application(loop, kind):
    async def application(scope, receive, send):
        await receive()
        await send({"type": kind})

    with pytest.raises(BootError, match="no event"):
        run(loop, application, "on")
