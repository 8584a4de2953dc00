"""Middleware goes around applications of its interface, and is never left out silently."""

import logging
import sys

import pytest
from support.workers import IdleWorker, make_context

from hookserve import BootError, HookError, Middleware, hookimpl
from hookserve.worker.middleware import find_left_out, find_unknown, wrap_application

LEFT_OUT = (
    "the middleware {} of plugin 'of the test 0' is for {} and left out: the application has the"
    " interface {}"
)


class Bringing:
    """A plugin with middleware of both hooks."""

    def __init__(self, configured=(), wrappers=()):
        self.configured, self.wrappers = configured, wrappers

    @hookimpl
    def middlewares(self, config):
        return self.configured

    @hookimpl
    def app_wrappers(self, worker):
        return self.wrappers


def named(name, *interfaces):
    """A middleware that writes its name around an application that is a text."""
    return Middleware(name, lambda app: Text(f"{name}({app})"), interfaces or ("wsgi",))


class Text(str):
    """An application that is a text."""

    def __call__(self): ...


@pytest.fixture
def make_worker(caplog):
    ends = []

    def make(plugin, **settings):
        context, end = make_context(logging.getLogger("of the test"), plugins=[plugin], **settings)
        ends.extend([context.channel, end])
        return IdleWorker(context)

    caplog.set_level(logging.WARNING)
    yield make
    for end in ends:
        end.close()


def test_what_is_for_the_interface_goes_around_the_application_in_order(make_worker, caplog):
    worker = make_worker(
        Bringing(
            [named("a", "asgi"), named("b", "wsgi", "asgi")],
            [named("c", "asgi"), named("d", "tornado", "asgi")],
        )
    )

    assert wrap_application(worker, Text("app"), "asgi") == "a(b(c(d(app))))"
    assert caplog.messages == []


def test_a_function_is_for_wsgi(make_worker, caplog):
    def upper(app):
        return Text(app.upper())

    worker = make_worker(Bringing(wrappers=[upper]))

    assert wrap_application(worker, Text("app"), "wsgi") == "APP"
    assert caplog.messages == []
    assert wrap_application(worker, Text("app"), "asgi") == "app"
    name = f"{__name__}.test_a_function_is_for_wsgi.<locals>.upper"
    assert caplog.messages == [LEFT_OUT.format(name, "wsgi", "asgi")]


@pytest.mark.parametrize("hook", ["configured", "wrappers"])
def test_what_is_for_another_interface_is_left_out_with_a_warning(make_worker, caplog, hook):
    items = [named("a", "asgi"), named("b"), named("c", "asgi", "tornado")]
    worker = make_worker(Bringing(**{hook: items}))

    assert wrap_application(worker, Text("app"), "wsgi") == "b(app)"
    assert caplog.messages == [
        LEFT_OUT.format("a", "asgi", "wsgi"),
        LEFT_OUT.format("c", "asgi and tornado", "wsgi"),
    ]


@pytest.mark.parametrize("hook", ["configured", "wrappers"])
def test_strict_refuses_what_would_be_left_out(make_worker, hook):
    worker = make_worker(Bringing(**{hook: [named("a", "asgi")]}), strict=True)

    with pytest.raises(BootError) as caught:
        wrap_application(worker, Text("app"), "wsgi")
    expected = LEFT_OUT.format("a", "asgi", "wsgi")
    assert str(caught.value) == f"{expected} (refused by --strict)"


def test_one_worker_says_what_all_leave_out(make_worker, caplog):
    worker = make_worker(Bringing([named("a", "asgi")]))
    worker.index = 1

    assert wrap_application(worker, Text("app"), "wsgi") == "app"
    assert caplog.messages == []


def test_a_target_is_imported_only_where_it_is_put_around_something(make_worker, tmp_path):
    (tmp_path / "lazily_imported.py").write_text("def around(app):\n    return lambda: app\n")
    item = Middleware("lazy", "lazily_imported:around")
    worker = make_worker(Bringing([item]))
    sys.path.insert(0, str(tmp_path))
    try:
        wrap_application(worker, Text("app"), "asgi")
        assert "lazily_imported" not in sys.modules
        assert wrap_application(worker, Text("app"), "wsgi")() == "app"
    finally:
        sys.path.remove(str(tmp_path))
        sys.modules.pop("lazily_imported", None)


@pytest.mark.parametrize(
    ("item", "problem"),
    [
        (Middleware("a", "no_such_module:a"), "raised in middlewares: ModuleNotFoundError: "),
        (Middleware("a", "json:a"), "the module json has no attribute 'a'"),
        (Middleware("a", lambda app: None), "its wrapper returned None"),
        (Middleware("a", lambda app: app.a), "raised in middlewares: AttributeError: "),
    ],
)
def test_a_middleware_that_fails_is_named(make_worker, item, problem):
    with pytest.raises(HookError) as caught:
        wrap_application(make_worker(Bringing([item])), Text("app"), "wsgi")

    assert str(caught.value).startswith("plugin 'of the test 0' ")
    assert problem in str(caught.value)


def test_what_will_be_left_out_is_known_before_there_is_a_worker(make_worker):
    context = make_worker(Bringing([named("a"), named("b", "asgi")])).context

    lines = find_left_out(context.host, context.config, "asgi")

    assert lines == [LEFT_OUT.format("a", "wsgi", "asgi")]


def test_what_a_worker_alone_knows_is_said_where_it_may_be_left_out(make_worker):
    host = make_worker(Bringing()).context.host

    assert find_unknown(host, "wsgi") == []
    assert find_unknown(host, "asgi") == [
        "what app_wrappers of plugin 'of the test 0' returns is known when a worker boots:"
        " functions are for wsgi, and left out of an application that has the interface asgi"
    ]


def test_of_one_name_that_for_the_interface_is_used(make_worker, caplog):
    both = [named("trace", "wsgi"), named("trace", "asgi")]
    worker = make_worker(Bringing(both))

    assert wrap_application(worker, Text("app"), "asgi") == "trace(app)"
    assert not caplog.messages
