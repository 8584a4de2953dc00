"""Plugins, settings and sources are put together."""

import os
import sys

import pytest

from hookserve import hookimpl
from hookserve.config.resolved import SettingsSource
from hookserve.errors import AppNotFound, ConfigError, PluginError, UsageError
from hookserve.launch.assembly import (
    assemble,
    change_directory,
    current_directory,
    load_plugins,
    log_warnings,
    require_application,
)


@pytest.fixture(autouse=True)
def here(tmp_path, monkeypatch):
    """An empty working directory; the path is restored."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    return tmp_path


def test_every_source_has_its_rank(here):
    (here / "pyproject.toml").write_text("[tool.hookserve]\nbacklog = 1\nworkers = 1\ntimeout = 1")
    (here / "hookserve.toml").write_text("workers = 2\ntimeout = 2\nmax_requests = 2")
    (here / "hookserve.conf.py").write_text("timeout = 3\nmax_requests = 3\nmax_surge = 3")
    environ = {
        "PORT": "80",
        "HOOKSERVE_MAX_REQUESTS": "4",
        "HOOKSERVE_MAX_SURGE": "4",
        "HOOKSERVE_CMD_ARGS": "--max-surge 5 --tick-interval 5",
    }

    config = assemble(["--tick-interval=6", "shop"], environ).config

    found = {name: (getattr(config, name), config.origin(name)) for name in config}
    assert found["bind"] == (("0.0.0.0:80",), "PORT")
    assert found["backlog"] == (1, "pyproject.toml")
    assert found["workers"] == (2, "hookserve.toml")
    assert found["timeout"] == (3.0, "hookserve.conf.py")
    assert found["max_requests"] == (4, "HOOKSERVE_MAX_REQUESTS")
    assert found["max_surge"] == (5, "HOOKSERVE_CMD_ARGS")
    assert found["tick_interval"] == (6.0, "command line")
    assert found["wsgi_app"] == ("shop", "command line")


@pytest.mark.parametrize("first", ["hookserve.conf.py", "gunicorn.conf.py"])
def test_our_configuration_file_comes_before_those_of_other_servers(here, first):
    (here / "gunicorn.conf.py").write_text("workers = 3")
    if first == "hookserve.conf.py":
        (here / first).write_text("workers = 2")

    assert assemble(["app"], {}).config.origin("workers") == first


def test_without_its_plugin_another_servers_file_is_not_read(here):
    (here / "gunicorn.conf.py").write_text("workers = 3")

    assert assemble(["-P", "no:gunicorn", "app"], {}).config.is_default("workers")


def test_the_files_are_those_of_the_directory_that_is_given(here):
    (here / "there").mkdir()
    (here / "there" / "hookserve.toml").write_text("workers = 4")

    assert assemble(["--chdir", "there", "app"], {}).config.workers == 4
    assert os.getcwd() == str(here / "there")
    assert sys.path[0] == str(here / "there")


@pytest.mark.parametrize(
    ("arguments", "environ", "toml"),
    [
        (["-P", "no:tls"], {}, {}),
        ([], {"HOOKSERVE_PLUGINS": "no:tls"}, {}),
        ([], {"HOOKSERVE_CMD_ARGS": "-Pno:tls"}, {}),
        ([], {}, {"plugins": ["no:tls"]}),
        ([], {}, {"plugins": "no:tls"}),
        (["--plugin", "no:tls"], {"HOOKSERVE_PLUGINS": "tls"}, {}),
    ],
)
def test_every_source_chooses_plugins(arguments, environ, toml):
    host = load_plugins(arguments, environ, [SettingsSource("hookserve.toml", toml)])

    assert host.record_of("tls").state == "blocked"


def test_a_file_that_a_plugin_reads_before_is_not_run_after_a_refusal(here):
    (here / "hookserve.conf.py").write_text("raise SystemExit('it was run')")

    def refuse(host, config):
        raise PluginError("not now")

    with pytest.raises(PluginError, match="not now"):
        assemble(["app"], {}, refuse)


def test_a_warning_is_an_error_when_strict(here, caplog):
    lenient = assemble(["app", "-k", "epoll", "--threads", "4"], {})

    log_warnings(lenient)

    assert caplog.messages == list(lenient.warnings)
    with pytest.raises(ConfigError, match=r"threads .* \(refused by --strict\)"):
        assemble(["app", "-k", "epoll", "--threads", "4", "--strict"], {})


def require(assembly):
    require_application(assembly.host, assembly.config)


@pytest.mark.parametrize(
    ("arguments", "error", "message"),
    [
        (["./app.py"], AppNotFound, "is a path, not a module"),
        (["-b", "8001", "app"], ConfigError, "is a port without a host"),
        (["-b", ":1", "-b", "fd://x", "app"], ConfigError, r"bind \(command line\): 'fd://x'"),
    ],
)
def test_a_malformed_name_or_address_is_refused_before_anything_starts(arguments, error, message):
    with pytest.raises(error, match=message):
        require(assemble(arguments, {}))


def test_a_wrong_port_of_the_platform_is_named():
    with pytest.raises(ConfigError, match=r"bind \(PORT\): '0\.0\.0\.0:web' is "):
        require(assemble(["app"], {"PORT": "web"}))


@pytest.mark.parametrize(
    ("value", "is_loaded"),
    [(None, True), ("", True), ("1", True), ("Yes", True), ("0", False), ("OFF", False)],
)
def test_plugins_load_by_themselves_unless_that_is_switched_off(value, is_loaded):
    host = load_plugins([], {} if value is None else {"HOOKSERVE_PLUGIN_AUTOLOAD": value})

    assert (host.record_of("gevent").state == "active") == is_loaded


def test_a_switch_that_is_neither_is_refused():
    with pytest.raises(ConfigError, match="AUTOLOAD: expected true or false, got 'maybe'"):
        load_plugins([], {"HOOKSERVE_PLUGIN_AUTOLOAD": "maybe"})


class Reader:
    @hookimpl
    def load_app(self, config): ...

    @hookimpl
    def open_listeners(self, config, inherited): ...


def test_a_plugin_may_read_names_and_addresses_its_own_way():
    assembly = assemble(["-b", "8001", "./app.ini"], {})
    assembly.host.register(Reader(), "reader")

    require(assembly)


def test_an_application_is_required():
    with pytest.raises(UsageError, match="no application"):
        require(assemble([], {}))
    require(assemble(["app"], {}))


def test_a_directory_that_cannot_be_entered_is_named(here):
    with pytest.raises(ConfigError, match="cannot change to the directory nowhere: No such file"):
        change_directory(str(here), "nowhere")


def test_plugins_may_warn_about_the_configuration(here):
    (here / "careful_under_test.py").write_text(
        "from hookserve import hookimpl\n@hookimpl\ndef config_warnings(config, environ):\n"
        "    return [f'workers is {config.workers}, X is {environ[chr(88)]}']\n"
    )

    arguments = ["-P", "careful_under_test", "-w", "3", "app"]

    assert assemble(arguments, {"X": "5"}).warnings == ("workers is 3, X is 5",)
    with pytest.raises(ConfigError, match=r"workers is 3, X is 5 \(refused by --strict\)"):
        assemble([*arguments, "--strict"], {"X": "5"})
    sys.modules.pop("careful_under_test")


FILES = {
    "hookserve.conf.py": "workers = 2\nopen('was_run', 'w').close()\n",
    "hookserve.toml": "workers = 2\n",
    "pyproject.toml": "[tool.hookserve]\nworkers = 2\n",
}


@pytest.fixture
def as_root(here, monkeypatch):
    """Files whose owner and mode are invented, read by root."""
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    real = os.stat

    def arrange(name, uid, mode):
        def stat(path, **options):
            found = real(path, **options)
            if path != name:
                return found
            return os.stat_result((0o100000 | mode, *found[1:4], uid, *found[5:]))

        (here / name).write_text(FILES[name])
        monkeypatch.setattr(os, "stat", stat)

    return arrange


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize(
    ("uid", "mode", "reason"),
    [
        (1000, 0o644, "belongs to user 1000"),
        (0, 0o666, "may be written by others than its owner"),
        (0, 0o664, "may be written by others than its owner"),
    ],
)
def test_a_file_that_others_may_write_is_a_warning_for_root(here, as_root, name, uid, mode, reason):
    as_root(name, uid, mode)

    (warning,) = assemble(["app"], {}).warnings

    assert warning.startswith(f"{name}: root reads it, and it {reason} (")
    (here / "was_run").unlink(missing_ok=True)
    with pytest.raises(ConfigError, match=r"\(refused by --strict\)"):
        assemble(["app", "--strict"], {})
    assert not (here / "was_run").exists()


@pytest.mark.parametrize("name", FILES)
def test_a_file_of_roots_own_is_no_warning(here, as_root, name):
    as_root(name, 0, 0o644)

    assert assemble(["app"], {}).warnings == ()


def test_a_file_that_is_named_is_no_warning(here, as_root):
    as_root("hookserve.conf.py", 1000, 0o644)

    assert assemble(["-c", "hookserve.conf.py", "app"], {}).warnings == ()


def test_other_users_are_not_warned(here, as_root, monkeypatch):
    as_root("hookserve.conf.py", 1000, 0o666)
    monkeypatch.setattr(os, "geteuid", lambda: 1000)

    assert assemble(["app"], {}).warnings == ()


def test_a_linked_directory_is_followed_to_another_release(tmp_path, monkeypatch):
    for name in ("v1", "v2"):
        (tmp_path / name).mkdir()
    link = tmp_path / "current"
    link.symlink_to("v1")
    monkeypatch.chdir(link)
    monkeypatch.setenv("PWD", str(link))

    directory = current_directory()
    link.unlink()
    link.symlink_to("v2")
    monkeypatch.chdir(directory)

    assert os.getcwd() == str(tmp_path / "v2")


@pytest.mark.parametrize("arguments", [[], ["--chdir", "{link}"], ["--pythonpath", "{link}"]])
def test_no_earlier_release_stays_in_the_search_path(here, monkeypatch, arguments):
    """A module that the new release does not have must not be found in the old one."""
    link, before = here / "current", [*sys.path]
    words = ["app", *(each.format(link=link) for each in arguments)]
    found = []
    for name in ("v1", "v2", "v3"):
        (here / name).mkdir()
        link.unlink(missing_ok=True)
        link.symlink_to(name)
        os.chdir(here if arguments else link)
        assemble(words, {})
        found.append([each for each in sys.path if each not in before])

    mine = [str(here)] if arguments[:1] == ["--pythonpath"] else []
    assert found == [[str(here / name), *mine] for name in ("v1", "v2", "v3")]


def test_what_others_put_into_the_search_path_stays(here):
    (here / "hookserve.conf.py").write_text("import sys\nsys.path.insert(0, '/of/the/file')\n")
    sys.path.insert(0, str(here))  # it was there before: the server has not added it
    assemble(["app"], {})
    sys.path.append("/of/a/plugin")
    (here / "hookserve.conf.py").unlink()
    assemble(["app", "--chdir", "/"], {})

    assert {str(here), "/of/the/file", "/of/a/plugin"} <= {*sys.path}


@pytest.mark.parametrize("named", ["", "/", "/nosuch", "."])
def test_a_variable_that_names_another_directory_does_not_count(tmp_path, monkeypatch, named):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PWD", named)

    assert current_directory() == str(tmp_path)
