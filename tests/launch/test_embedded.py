"""What a program gives instead of a command line."""

import pytest

from hookserve.errors import AppNotFound
from hookserve.launch.assembly import load_plugins
from hookserve.launch.embedded import NOTHING_EMBEDDED, EmbeddedApplication
from hookserve.launch.start import load_application
from hookserve.testing.fakes import configure


def test_the_command_is_given_nothing():
    assert NOTHING_EMBEDDED.source.values == {}
    assert NOTHING_EMBEDDED.app is None
    assert NOTHING_EMBEDDED.reads_files


def test_the_application_is_the_programs_object_before_any_that_is_named():
    host = load_plugins([], {})
    host.register(EmbeddedApplication(lambda: print), "program")

    assert load_application(host, configure({"wsgi_app": "no_such_module"})) is print


def test_a_program_that_cannot_make_its_application_says_so_itself():
    def fail():
        raise AppNotFound("the shop is closed")

    host = load_plugins([], {})
    host.register(EmbeddedApplication(fail), "program")

    with pytest.raises(AppNotFound, match=r"^the shop is closed$"):
        load_application(host, configure({}))
