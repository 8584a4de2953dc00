"""The interface of an application, and which model serves it by which."""

import functools

import pytest

from hookserve.errors import AppNotFound, BootError
from hookserve.worker.interface import InterfaceMismatch, check_protocol, interface_of, pair


async def asgi(scope, receive, send): ...


class Asgi:
    async def __call__(self, scope, receive, send): ...


def wsgi(environ, start_response): ...


class Wsgi:
    def __call__(self, environ, start_response): ...

    @staticmethod
    def static(environ, start_response): ...


def returning(scope, receive, send):
    """Returns a coroutine."""
    return asgi(scope, receive, send)


class Own:
    """Has a function of its own where others have a method."""

    __slots__ = ("__call__",)

    def __init__(self):
        self.__call__ = asgi


class Awaitable:
    """Is called with three arguments, and awaited."""

    def __init__(self, scope, receive, send): ...

    def __await__(self):
        yield


def double(scope):
    """Of ASGI 2."""


class Double:
    def __init__(self, scope): ...

    async def __call__(self, receive, send): ...


class Router:
    def __call__(self, scope): ...


def marked(environ, start_response): ...


marked._asgi_double_callable = True


class Class:
    """Takes a scope by itself, and is told to be one of ASGI 3."""

    _asgi_single_callable = True

    def __init__(self, scope): ...


class Tornado:
    """As an application of tornado's."""

    def __call__(self, request): ...


ASYNCHRONOUS = [
    asgi,
    Asgi(),
    Asgi().__call__,
    functools.partial(asgi, 1),
    returning,
    functools.partial(returning),
    Own(),
    Awaitable,
]
OTHERS = [
    wsgi,
    Wsgi(),
    Wsgi().__call__,
    Wsgi.static,
    functools.partial(wsgi),
    Wsgi,
    print,
    dict,
    lambda *arguments: None,
    Class,
    Tornado(),
]


@pytest.mark.parametrize("app", ASYNCHRONOUS)
def test_an_asynchronous_application_has_the_interface_asgi(app):
    assert interface_of(app) == "asgi"
    assert pair(app, "auto", "loop", ("asgi", "wsgi"), "shop:app") == "asgi"


@pytest.mark.parametrize("app", OTHERS)
def test_any_other_callable_has_the_interface_wsgi(app):
    assert interface_of(app) == "wsgi"
    assert pair(app, "auto", "sync", ("wsgi",), "shop:app") == "wsgi"


@pytest.mark.parametrize("app", ASYNCHRONOUS)
def test_an_asynchronous_application_is_refused_by_a_model_that_runs_others(app):
    message = r"shop:app is an ASGI application, which the worker sync does not run \(leave -k out"
    with pytest.raises(InterfaceMismatch, match=message) as caught:
        pair(app, "auto", "sync", ("wsgi",), "shop:app")
    assert caught.value.interface == "asgi"


def test_an_asynchronous_application_is_no_wsgi_application_whatever_is_said():
    with pytest.raises(AppNotFound, match="shop:app is not a WSGI application") as caught:
        pair(asgi, "wsgi", "loop", ("asgi", "wsgi"), "shop:app")
    assert not isinstance(caught.value, InterfaceMismatch)  # no other model would do


@pytest.mark.parametrize("app", [lambda *arguments: None, print])
def test_what_cannot_be_seen_is_believed(app):
    """A callable that returns a coroutine looks like one of WSGI."""
    assert pair(app, "asgi", "loop", ("asgi", "wsgi"), "shop:app") == "asgi"
    assert pair(app, "auto", "loop", ("asgi",), "shop:app") == "asgi"


@pytest.mark.parametrize("app", [wsgi, Wsgi(), functools.partial(wsgi)])
def test_what_cannot_be_called_with_three_arguments_is_no_asgi_application(app):
    with pytest.raises(AppNotFound, match="shop:app is not an ASGI application: it cannot be"):
        pair(app, "asgi", "loop", ("asgi", "wsgi"), "shop:app")
    message = "shop:app is a WSGI application, which the worker loop does not run"
    with pytest.raises(InterfaceMismatch, match=message):
        pair(app, "auto", "loop", ("asgi",), "shop:app")


def test_an_interface_that_the_model_does_not_run_is_named():
    with pytest.raises(InterfaceMismatch, match="is an application of rsgi, which the worker sync"):
        pair(wsgi, "rsgi", "sync", ("wsgi",), "shop:app")


@pytest.mark.parametrize("wanted", ["auto", "asgi", "wsgi"])
@pytest.mark.parametrize("app", [double, Double, Router(), marked])
def test_an_application_of_asgi_2_is_refused_with_what_to_do(app, wanted):
    with pytest.raises(AppNotFound, match=r"shop:app is .* ASGI 2.*guarantee_single_callable\)"):
        pair(app, wanted, "loop", ("asgi", "wsgi"), "shop:app")


def test_another_interface_may_have_one_argument():
    assert pair(double, "other", "loop", ("other",), "shop:app") == "other"


class Derived(Tornado):
    """As an application's own class."""


CLASSES = {f"{__name__}:Tornado": "tornado"}


def test_an_application_of_a_class_that_a_protocol_names_has_its_interface():
    assert interface_of(Derived(), CLASSES) == "tornado"
    assert interface_of(Wsgi(), CLASSES) == "wsgi"
    assert pair(Derived(), "auto", "io", ("wsgi", "tornado"), "shop:app", CLASSES) == "tornado"


def test_an_application_of_another_interface_is_no_wsgi_application_whatever_is_said():
    with pytest.raises(AppNotFound, match="shop:app is not a WSGI application: it is one of"):
        pair(Tornado(), "wsgi", "io", ("wsgi", "tornado"), "shop:app", CLASSES)


@pytest.mark.parametrize("app", [wsgi, double])
def test_what_is_of_no_class_of_the_interface_is_refused_whatever_is_said(app):
    classes = {f"{__name__}:Handlers": "handlers"}

    with pytest.raises(AppNotFound, match="shop:app is not an application of handlers: function"):
        pair(app, "handlers", "loop", ("handlers",), "shop:app", classes)


def test_a_model_that_does_not_run_the_interface_of_the_class_is_refused():
    with pytest.raises(InterfaceMismatch, match="is an application of tornado, which the worker"):
        pair(Tornado(), "auto", "sync", ("wsgi",), "shop:app", CLASSES)


def test_a_protocol_has_to_serve_the_interface():
    check_protocol("http", {"wsgi": object, "asgi": object}, "asgi")
    with pytest.raises(BootError, match="the protocol resp does not serve applications of the"):
        check_protocol("resp", {"wsgi": object}, "asgi")
