"""Choosing a worker, a protocol or a logger by name."""

import pytest
from support.models import OF_WSGI

from hookserve import WorkerType, hookimpl
from hookserve.errors import PluginError
from hookserve.launch.assembly import load_plugins
from hookserve.plugins.selection import choose_worker, list_workers


@pytest.fixture(scope="module")
def host():
    return load_plugins([], {})


@pytest.mark.parametrize("name", OF_WSGI)
def test_a_worker_is_chosen_by_its_short_name(host, name):
    assert choose_worker(host, name).name == name


@pytest.mark.parametrize(
    "path", ["hookserve_gevent.worker:GeventWorker", "hookserve_gevent.worker.GeventWorker"]
)
def test_a_path_to_a_published_class_means_its_type(host, path):
    chosen = choose_worker(host, path)

    assert (chosen.name, chosen.patch) == ("gevent", "hookserve_gevent.patch:patch")


@pytest.mark.parametrize("path", ["my.module:MyWorker", "my.module.MyWorker"])
def test_any_class_may_be_named_by_its_path(host, path):
    assert choose_worker(host, path).target == "my.module:MyWorker"


def test_a_worker_for_asgi_is_explained(host):
    with pytest.raises(PluginError, match="serves ASGI applications"):
        choose_worker(host, "uvicorn.workers.UvicornWorker")


def test_what_is_published_and_not_installed_is_listed_with_the_command():
    rows = {row.name: row for row in list_workers(load_plugins(["-P", "no:gevent"], {}))}

    assert (rows["gevent"].state, rows["gevent"].remedy) == (
        "missing",
        "pip install hookserve-gevent",
    )


@pytest.mark.parametrize(
    ("target", "fault"),
    [
        ("no_such_module:Worker", "its module no_such_module is not there"),
        ("no_such.module:Worker", "ModuleNotFoundError: No module named 'no_such'"),
    ],
)
def test_for_a_plugin_without_a_distribution_the_remedy_is_to_mend_it(target, fault):
    class Brings:
        @hookimpl
        def worker_types(self):
            return [WorkerType("idle", target, "of the test")]

    host = load_plugins([], {})
    host.register(Brings(), "hookserve.conf.py")

    with pytest.raises(PluginError) as caught:
        choose_worker(host, "idle")

    message = str(caught.value)
    assert message.startswith(f"worker 'idle' is broken: {fault}")
    assert message.endswith(" (mend the plugin 'hookserve.conf.py')")
