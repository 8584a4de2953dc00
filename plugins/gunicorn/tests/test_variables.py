"""Variables that gunicorn reads and hookserve does not are named."""

import pytest
from hookserve_gunicorn import config_warnings
from hookserve_gunicorn.variables import INSTEAD, unread


@pytest.mark.parametrize("name", INSTEAD)
def test_a_variable_without_effect_is_named(name):
    (line,) = config_warnings({name: "x"})

    assert (
        line == f"{name} (environment): it is gunicorn's and has no effect here ({INSTEAD[name]})"
    )


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"SENDFILE": ""},
        {"SENDFILE": "1", "HOOKSERVE_SENDFILE": "1"},
        {"GUNICORN_CMD_ARGS": "-w 3", "HOOKSERVE_CMD_ARGS": "-w 3"},
        {"PORT": "80", "WEB_CONCURRENCY": "2"},
    ],
)
def test_an_environment_that_serves_both_is_no_mistake(environ):
    assert unread(environ) == []
