"""Names that are not settings: refused in TOML, a warning in Python."""

import types

import pytest
from support.installed import install

from hookserve import hookimpl
from hookserve.config.resolved import SettingsSource
from hookserve.errors import ConfigError, HookserveError
from hookserve.launch import unknown
from hookserve.launch.assembly import assemble, declare_settings, load_plugins
from hookserve.launch.unknown import explain, file_settings, refuse_unknown


@pytest.fixture(scope="module")
def host():
    found = load_plugins([], {})
    found.register(Elsewhere(), "elsewhere")
    return found


class Elsewhere:
    @hookimpl
    def explain_unknown(self, kind, name):
        return "there: here" if (kind, name) == ("setting", "elsewhere") else None


@pytest.fixture(scope="module")
def table(host):
    return declare_settings(host)


@pytest.mark.parametrize(
    ("name", "hint"),
    [("wrokers", "(did you mean 'workers'?)"), ("elsewhere", "(there: here)"), ("zzz", "")],
)
def test_a_name_in_toml_that_is_not_a_setting_is_refused(host, table, name, hint):
    with pytest.raises(ConfigError) as caught:
        refuse_unknown(host, table, SettingsSource("hookserve.toml", {name: 1}))

    assert str(caught.value).startswith(f"hookserve.toml: '{name}' is not a setting")
    assert hint in str(caught.value)


@pytest.fixture
def zebra(monkeypatch):
    """A plugin of the project's that is not installed has a setting of that name."""
    monkeypatch.setattr(unknown, "published_settings", lambda: {"zebra_count": "hookserve-zoo"})


@pytest.mark.usefixtures("zebra")
@pytest.mark.parametrize(("kind", "name"), [("flag", "--zebra-count"), ("setting", "zebra_count")])
def test_a_setting_of_a_plugin_that_is_not_installed_says_what_to_install(host, kind, name):
    assert explain(host, kind, name) == "it comes with hookserve-zoo: pip install hookserve-zoo"
    assert explain(host, kind, f"{name}s") is None


@pytest.mark.usefixtures("zebra")
@pytest.mark.parametrize(
    ("arguments", "environ"),
    [(["--zebra-count=2"], {}), ([], {"HOOKSERVE_ZEBRA_COUNT": "2"})],
)
def test_so_do_a_flag_and_a_variable(arguments, environ):
    with pytest.raises(HookserveError, match=r"\(it comes with .*: pip install hookserve-zoo\)"):
        assemble(["app", *arguments], environ)


def test_a_flag_of_a_plugin_that_is_left_out_says_so():
    without = load_plugins(["-P", "no:health"], {})

    advice = explain(without, "flag", "--health-bind")

    assert advice is not None
    assert advice.startswith("the plugin health is left out with -P no:health")
    assert explain(without, "flag", "--healthy") is None


def test_a_flag_of_a_plugin_that_cannot_be_loaded_has_the_reason(tmp_path, monkeypatch):
    install(tmp_path, "hookserve-zoo", {"zoo": "zoo"}, {"zoo.py": "import nosuchlibrary"})
    monkeypatch.syspath_prepend(tmp_path)

    broken = load_plugins([], {})

    assert "nosuchlibrary" in str(explain(broken, "flag", "--zoo-animals"))


HOOKS = ("post_fork", "when_ready")


def test_settings_and_hooks_are_known_names(host, table):
    values = {"workers": 2, "when_ready": print, "plugins": "tls"}

    refuse_unknown(host, table, SettingsSource("shop.serve", values), HOOKS)


@pytest.mark.parametrize(
    ("name", "meant"),
    [("wrokers", "workers"), ("post_frok", "post_fork"), ("whenready", "when_ready")],
)
def test_an_unknown_name_is_refused_with_the_nearest(host, table, name, meant):
    with pytest.raises(ConfigError) as caught:
        refuse_unknown(host, table, SettingsSource("shop.serve", {name: 1}), HOOKS)

    message = f"shop.serve: '{name}' is not a setting (did you mean '{meant}'?)"
    assert str(caught.value) == message


def test_a_hook_that_is_no_function_is_refused(host, table):
    with pytest.raises(ConfigError) as caught:
        refuse_unknown(host, table, SettingsSource("shop.serve", {"when_ready": 5}), HOOKS)

    assert str(caught.value) == "shop.serve: 'when_ready' is a hook, and 5 is not a function"


def file_of(**names):
    module = types.ModuleType("conf")
    vars(module).update(names)
    return module


def test_a_python_file_gives_settings_and_has_names_of_its_own(host, table):
    module = file_of(workers=3, helper=5, _private=1, os=types, when_ready=print)

    source, warnings = file_settings(host, table, module, "conf.py")

    assert source == SettingsSource("conf.py", {"workers": 3})
    assert warnings == []


@pytest.mark.parametrize(
    ("name", "warning"),
    [
        ("wrokers", "conf.py: 'wrokers' is not a setting (did you mean 'workers'?)"),
        ("elsewhere", "conf.py: 'elsewhere' is not a setting (there: here)"),
    ],
)
def test_a_probable_slip_in_a_python_file_is_a_warning(host, table, name, warning):
    source, warnings = file_settings(host, table, file_of(**{name: 1}), "conf.py")

    assert source.values == {}
    assert len(warnings) == 1
    assert warnings[0].startswith(warning)


@pytest.mark.parametrize(
    ("name", "value", "meant"),
    [
        ("WORKERS", 3, "setting (did you mean 'workers'?)"),
        ("preload", True, "setting (did you mean 'preload_app'?)"),
        ("Bind", ":80", "setting (did you mean 'bind'?)"),
        ("LOG_LEVEL", "info", "setting (did you mean 'loglevel'?)"),
        ("WHEN_READY", lambda server: None, "hook (did you mean 'when_ready'?)"),
    ],
)
def test_capitals_and_a_beginning_in_a_python_file_are_a_warning(host, table, name, value, meant):
    source, (warning,) = file_settings(host, table, file_of(**{name: value}), "conf.py")

    assert source.values == {}
    assert warning == f"conf.py: '{name}' is not a {meant}"


def test_constants_that_the_settings_are_made_from_are_no_slip(host, table):
    module = file_of(WORKERS=3, workers=3, LOG_LEVEL="info", loglevel="info", DEBUG=True, CPUS=4)

    assert file_settings(host, table, module, "conf.py")[1] == []


@pytest.mark.parametrize("value", [5, "now", ["f"], False])
def test_a_hook_that_is_no_function_is_a_warning(host, table, value):
    _, warnings = file_settings(host, table, file_of(when_ready=value), "conf.py")

    assert warnings == [f"conf.py: 'when_ready' is a hook, and {value!r} is not a function"]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("when_ready", None),
        ("when_ready", "module:function"),
        ("post_fork", "package.module.function"),
        ("settings", {"a": 1}),
        ("commands", 5),
    ],
)
def test_what_may_stand_under_the_name_of_a_hook_is_no_slip(host, table, name, value):
    assert file_settings(host, table, file_of(**{name: value}), "conf.py")[1] == []


def test_a_plugin_explains_names_of_other_servers(host):
    assert explain(host, "setting", "elsewhere") == "there: here"
    assert explain(load_plugins([], {}), "setting", "elsewhere") is None


@pytest.mark.parametrize("name", ["root", "raw", "max", "log", "header", "script", "worker_dir"])
def test_a_short_name_that_settings_begin_with_is_the_file_s_own(host, table, name):
    assert file_settings(host, table, file_of(**{name: "30"}), "conf.py")[1] == []


@pytest.mark.parametrize("name", ["graceful_timeout_str", "timeout_str", "bind_address"])
def test_a_value_on_its_way_to_a_setting_is_no_slip(host, table, name):
    assert file_settings(host, table, file_of(**{name: "30"}), "conf.py")[1] == []


def test_a_function_or_class_for_a_setting_is_a_value_as_any_other(host, table):
    source, _ = file_settings(host, table, file_of(workers=len, worker_class=int), "conf.py")

    assert source.values == {"workers": len, "worker_class": int}


@pytest.mark.parametrize(
    ("name", "value"), [("plugins", ["no:tls"]), ("plugins", "no:tls"), ("config", "other.py")]
)
def test_what_comes_too_late_in_a_python_file_is_a_warning(host, table, name, value):
    source, (warning,) = file_settings(host, table, file_of(**{name: value}), "conf.py")

    assert source.values == {}
    assert warning.startswith(f"conf.py: '{name}' has no effect here (the ")


def test_a_name_of_the_files_own_that_only_looks_like_that_is_left_alone(host, table):
    source, warnings = file_settings(host, table, file_of(config={"a": 1}), "conf.py")

    assert (source.values, warnings) == ({}, [])


def test_a_collected_hook_without_its_mark_is_a_warning_where_it_takes_what_the_hook_gives(
    host, table
):
    def takes_worker(worker): ...

    def takes_request(request): ...

    def takes_nothing(): ...

    @hookimpl
    def marked(worker): ...

    source = "conf.py"
    for function in (takes_request, takes_nothing, marked, print, [takes_worker]):
        assert file_settings(host, table, file_of(app_wrappers=function), source)[1] == []
    assert file_settings(host, table, file_of(app_wrappers=takes_worker), source)[1] == [
        "conf.py: 'app_wrappers' is a hook that counts only with @hookimpl"
        " (from hookserve import hookimpl)"
    ]
