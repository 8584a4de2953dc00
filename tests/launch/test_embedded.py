"""What a program gives instead of a command line."""

import pytest

from hookserve.config.settings import SettingsTable
from hookserve.errors import AppNotFound, ConfigError
from hookserve.launch.assembly import declare_settings, load_plugins
from hookserve.launch.embedded import NOTHING_EMBEDDED, Embedded, EmbeddedApplication
from hookserve.launch.start import load_application
from hookserve.testing.fakes import configure


@pytest.fixture(scope="module")
def host():
    return load_plugins([], {})


@pytest.fixture(scope="module")
def table(host) -> SettingsTable:
    return declare_settings(host)


def test_settings_and_hooks_are_known_names(host, table):
    Embedded({"workers": 2, "when_ready": print, "plugins": "tls"}).check_names(host, table)
    NOTHING_EMBEDDED.check_names(host, table)


@pytest.mark.parametrize(
    ("name", "meant"),
    [("wrokers", "workers"), ("post_frok", "post_fork"), ("whenready", "when_ready")],
)
def test_an_unknown_name_is_refused_with_the_nearest(host, table, name, meant):
    with pytest.raises(ConfigError) as caught:
        Embedded({name: 1}, origin="shop.serve").check_names(host, table)

    message = f"shop.serve: '{name}' is not a setting (did you mean '{meant}'?)"
    assert str(caught.value) == message


def test_a_hook_that_is_no_function_is_refused(host, table):
    with pytest.raises(ConfigError) as caught:
        Embedded({"when_ready": 5}, origin="shop.serve").check_names(host, table)

    assert str(caught.value) == "shop.serve: 'when_ready' is a hook, and 5 is not a function"


def test_plugins_are_known_before_all_other_settings():
    source = Embedded({"plugins": "tls", "workers": 2}).source_of_plugins()

    assert (source.origin, source.values) == ("hookserve.run", {"plugins": "tls"})
    assert NOTHING_EMBEDDED.source_of_plugins().values == {}


def test_values_are_as_a_configuration_file_has_them():
    module = Embedded({"workers": 2, "when_ready": print}, origin="shop.serve").module()

    assert (module.workers, module.when_ready) == (2, print)
    assert module.__file__ == "shop.serve"


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
