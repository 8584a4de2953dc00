"""Names that another plugin has."""

import sys

import pytest
from support import installed

from hookserve.errors import HookserveError
from hookserve.launch.names import find_owner


@pytest.mark.parametrize(
    ("name", "owner"),
    [
        ("sync", "the worker sync is hookserve's"),
        ("gevent", "the worker gevent is hookserve-gevent's"),
        ("http", "the plugin http is hookserve's"),
        ("gevent-wsgi", "the worker gevent_wsgi is gunicorn's"),
    ],
)
def test_a_name_that_is_taken_has_an_owner(name, owner):
    assert find_owner(name, {}).startswith(owner)


def test_a_free_name_has_none():
    assert find_owner("tidy", {}) is None


@pytest.fixture
def other(tmp_path, monkeypatch):
    """Installs a plugin with a worker of a name."""
    monkeypatch.syspath_prepend(str(tmp_path))

    def install(worker):
        source = installed.worker_plugin(worker)
        installed.install(
            tmp_path, "hookserve-other", {"other": "names_plugin"}, {"names_plugin.py": source}
        )

    yield install
    sys.modules.pop("names_plugin", None)


def test_hyphens_and_underscores_are_alike(other):
    other("very_tidy")

    assert find_owner("very-tidy", {}) == "the worker very_tidy is hookserve-other's"


PROTOCOL = """
from hookserve import ProtocolType, hookimpl

@hookimpl
def protocol_types():
    return [ProtocolType("my_lines", "names_plugin:Protocol", "lines")]
"""


def test_the_name_of_a_protocol_has_an_owner(tmp_path, other):
    other("unused")
    (tmp_path / "names_plugin.py").write_text(PROTOCOL)

    assert find_owner("my-lines", {}) == "the protocol my_lines is hookserve-other's"


def test_an_error_says_why_workers_cannot_be_listed(other):
    other("sync")

    with pytest.raises(HookserveError, match="cannot be listed: the worker 'sync' is claimed by"):
        find_owner("tidy", {})
