"""The sections of gunicorn's settings."""

import pytest
from hookserve_gunicorn.foreign import SETTINGS
from hookserve_gunicorn.objects.configuration import ABSENT
from hookserve_gunicorn.objects.names import GUNICORN_HOOKS
from hookserve_gunicorn.objects.sections import SECTIONS


@pytest.mark.parametrize(
    "name", sorted({*ABSENT, *GUNICORN_HOOKS, *(each.name for each in SETTINGS)})
)
def test_each_setting_of_gunicorns_has_its_section(name):
    assert name in SECTIONS or name == "gunicorn_logger"


def test_hooks_and_settings_are_in_gunicorns_sections():
    assert SECTIONS["workers"] == "Worker Processes"
    assert SECTIONS["post_fork"] == "Server Hooks"
    assert SECTIONS["dirty_post_fork"] == "Dirty Arbiter Hooks"
