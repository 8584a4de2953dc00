"""gunicorn's names are explained."""

import pytest
from hookserve_gunicorn.names import ABSENT, ASGI_WORKERS, WORKERS, explain

from hookserve.launch.assembly import declare_settings, load_plugins

TABLE = declare_settings(load_plugins([], {}))


@pytest.mark.parametrize("absent", ABSENT, ids=lambda absent: absent.name)
def test_a_setting_that_is_absent_is_explained_as_setting_and_as_flag(absent):
    said = f"gunicorn's, {absent.plan}: {absent.advice}"

    assert explain("setting", absent.name) == said
    assert explain("flag", f"--{absent.name.replace('_', '-')}") == said
    assert absent.name not in TABLE


@pytest.mark.parametrize("flag", ["--reload-extra-file", "--paster", "--no-control-socket"])
def test_a_flag_may_have_another_name_than_its_setting(flag):
    assert explain("flag", flag).startswith("gunicorn's, ")


@pytest.mark.parametrize("name", WORKERS)
def test_a_worker_class_says_which_model_to_use(name):
    assert explain("worker", name) == f"is gunicorn's: use -k {WORKERS[name]} instead"


@pytest.mark.parametrize("name", sorted(ASGI_WORKERS))
def test_a_worker_of_another_interface_says_so(name):
    assert explain("worker", name) == "serves ASGI applications, hookserve serves WSGI"


@pytest.mark.parametrize(
    ("kind", "name"),
    [("setting", "bind"), ("flag", "--bind"), ("worker", "sync"), ("protocol", "http"), ("", "")],
)
def test_other_names_are_not_explained(kind, name):
    assert explain(kind, name) is None
