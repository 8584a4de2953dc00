"""Classes for gunicorn choose a model of ours, or one line says what serves instead."""

import sys
import types

import pytest
from hookserve_gunicorn.classes import MODELS, explain, find_model

from hookserve import WorkerType, hookimpl
from hookserve.arbiter.preparation import load_serving_classes, register_loggers
from hookserve.errors import PluginError
from hookserve.launch.assembly import assemble, load_plugins

ASGI = (
    "asgi",
    "egg:gunicorn#asgi",
    "gunicorn.workers.gasgi.ASGIWorker",
    "uvicorn.workers.UvicornWorker",
    "uvicorn.workers.UvicornH11Worker",
    "uvicorn_worker.UvicornWorker",
)


@pytest.fixture
def host():
    return load_plugins([], {})


@pytest.mark.parametrize("name", MODELS)
def test_a_name_of_gunicorns_is_one_of_ours(host, name):
    assert find_model(name, host) == MODELS[name]


@pytest.mark.parametrize("name", ["sync", "epoll", "my.module:Worker", "gunicorns.Worker"])
def test_other_names_are_left_alone(host, name):
    assert find_model(name, host) is None
    assert explain("worker", name) is None


class Asgi:
    """A plugin that brings a model for ASGI."""

    def __init__(self, name):
        self.name = name

    @hookimpl
    def worker_types(self):
        return [WorkerType(self.name, "a:A", "a", interfaces=("asgi",))]


@pytest.mark.parametrize("name", ASGI)
@pytest.mark.parametrize("model", ["loop", "asgi"])
def test_a_model_for_asgi_is_taken_where_there_is_one(name, model):
    host = load_plugins(["-P", "no:asyncio"], {})
    assert find_model(name, host) is None
    host.register(Asgi(model), "a")

    assert find_model(name, host) == model


@pytest.mark.parametrize("name", ASGI)
def test_the_bundled_model_for_asgi_is_asyncio(host, name):
    assert find_model(name, host) == "asyncio"


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("aiohttp.GunicornWebWorker", "aiohttp.web.run_app"),
        ("aiohttp.worker.GunicornUVLoopWebWorker", "aiohttp.web.run_app"),
        ("geventwebsocket.gunicorn.workers.GeventWebSocketWorker", "use -k gevent"),
        ("egg:meinheld#gunicorn_worker", "hookserve --list-workers"),
    ],
)
def test_a_worker_that_cannot_serve_here_is_one_line(tmp_path, monkeypatch, name, line):
    monkeypatch.chdir(tmp_path)
    assembly = assemble(["-k", name, "app"], {})

    with pytest.raises(PluginError) as caught:
        load_serving_classes(assembly.host, assembly.config)

    assert str(caught.value).startswith(f"worker '{name}' ")
    assert line in str(caught.value)
    assert "\n" not in str(caught.value)


def module(name, **values):
    made = types.ModuleType(name)
    vars(made).update(values)
    return made


def a_class(path, *bases):
    home, _, name = path.rpartition(".")
    return type(name, bases, {"__module__": home})


SYNC = a_class("gunicorn.workers.sync.SyncWorker", a_class("gunicorn.workers.base.Worker"))
UVICORN = a_class("uvicorn.workers.UvicornWorker", a_class("gunicorn.workers.base.Worker"))


@pytest.mark.parametrize(
    ("base", "line"),
    [
        (SYNC, "is built on gunicorn's worker class (use -k sync; what it changes"),
        (SYNC.__base__, "is built on gunicorn's worker class (hookserve --list-workers"),
        (UVICORN, "is built on a worker class that serves ASGI applications"),
        (object, "is not a subclass of hookserve.worker.base.Worker"),
    ],
)
@pytest.mark.parametrize("name", ["shop_worker.W", "shop_worker:W"])
def test_a_class_built_on_gunicorns_says_what_to_use(tmp_path, monkeypatch, base, line, name):
    monkeypatch.chdir(tmp_path)
    found = type("W", (base,), {"__module__": "shop_worker"})
    monkeypatch.setitem(sys.modules, "shop_worker", module("shop_worker", W=found))
    assembly = assemble(["-k", name, "app"], {})

    with pytest.raises(PluginError) as caught:
        load_serving_classes(assembly.host, assembly.config)

    assert line in str(caught.value)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("from gunicorn.workers.sync import SyncWorker as W", "is built on gunicorn's worker"),
        ("from uvicorn.workers import UvicornWorker as W", "serves ASGI applications"),
        ("import nosuchthing", "cannot be imported: ModuleNotFoundError"),
    ],
)
def test_a_class_whose_import_fails_is_known_by_what_it_imports(tmp_path, monkeypatch, text, line):
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.delitem(sys.modules, "shop_failing", raising=False)
    for name in ("gunicorn", "uvicorn"):
        monkeypatch.setitem(sys.modules, name, None)  # as if it were not installed
    (tmp_path / "shop_failing.py").write_text(f"{text}\n")
    assembly = assemble(["-k", "shop_failing.W", "app"], {})

    with pytest.raises(PluginError, match=line):
        load_serving_classes(assembly.host, assembly.config)


@pytest.fixture
def absent(tmp_path, monkeypatch):
    """A directory with nothing of gunicorn's imported, before and after."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.syspath_prepend(tmp_path)
    yield tmp_path
    for name in [each for each in sys.modules if each.partition(".")[0] == "gunicorn"]:
        del sys.modules[name]
    sys.modules.pop("shop_gw", None)


CLASS = "from gunicorn.workers.gthread import ThreadWorker\nclass W(ThreadWorker): ...\n"


def test_a_class_on_an_absent_gunicorns_worker_names_the_model(absent):
    (absent / "shop_gw.py").write_text(CLASS)
    assembly = assemble(["-k", "shop_gw.W", "app"], {})

    with pytest.raises(PluginError, match=r"built on gunicorn's worker class .use -k gthread"):
        load_serving_classes(assembly.host, assembly.config)


def test_a_class_in_the_file_on_an_absent_gunicorns_worker_names_the_model(absent):
    (absent / "gunicorn.conf.py").write_text(f"{CLASS}worker_class = W\n")
    assembly = assemble(["app"], {})

    with pytest.raises(PluginError, match=r"built on gunicorn's worker class .use -k gthread"):
        load_serving_classes(assembly.host, assembly.config)


def test_a_class_of_gunicorns_own_in_the_file_is_the_model(absent):
    (absent / "gunicorn.conf.py").write_text(
        "from gunicorn.workers.gthread import ThreadWorker as worker_class\n"
        "from gunicorn.instrument.statsd import Statsd as logger_class\n"
    )
    config = assemble(["app"], {}).config

    assert (config.worker_class, config.logger_class) == ("gthread", ("standard",))


def test_a_logger_for_gunicorn_under_our_notation_is_refused_with_the_remedy(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = a_class("shop_logger.Json", a_class("gunicorn.glogging.Logger"))
    monkeypatch.setitem(sys.modules, "shop_logger", module("shop_logger", Json=found))
    (tmp_path / "gunicorn.conf.py").write_text("logger_class = 'shop_logger:Json'")
    assembly = assemble(["app"], {})

    with pytest.raises(PluginError, match=r"logger_class = 'shop_logger\.Json'"):
        register_loggers(assembly.host, assembly.config)


def test_a_logger_class_of_ours_is_taken(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "gunicorn.conf.py").write_text(
        "from hookserve import hookimpl\n"
        "class Counting:\n"
        "    def __init__(self, config): ...\n"
        "    @hookimpl\n"
        "    def log_access(self, record): ...\n"
        "logger_class = Counting\n"
    )
    assembly = assemble(["app"], {})

    register_loggers(assembly.host, assembly.config)

    assert assembly.host.record_of("logger __config__:Counting").hooks == ["log_access"]
