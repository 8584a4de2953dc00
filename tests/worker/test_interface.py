"""An application of another interface is refused before it serves."""

import functools

import pytest

from hookserve.errors import AppNotFound
from hookserve.worker.interface import check_application


async def asgi(scope, receive, send): ...


class Asgi:
    async def __call__(self, scope, receive, send): ...


def wsgi(environ, start_response): ...


class Wsgi:
    def __call__(self, environ, start_response): ...

    @staticmethod
    def static(environ, start_response): ...


@pytest.mark.parametrize("app", [asgi, Asgi(), Asgi().__call__, functools.partial(asgi, 1)])
def test_an_asynchronous_application_is_refused_where_wsgi_is_expected(app):
    with pytest.raises(AppNotFound, match="shop:app is not a WSGI application: it is asynchronous"):
        check_application(app, "wsgi", "shop:app")
    check_application(app, "asgi", "shop:app")


@pytest.mark.parametrize(
    "app", [wsgi, Wsgi(), Wsgi().__call__, Wsgi.static, functools.partial(wsgi), Wsgi, print]
)
def test_any_other_callable_may_be_an_application(app):
    check_application(app, "wsgi", "shop:app")
