"""Values that gunicorn takes are taken, or refused in one line."""

import pytest
from hookserve_gunicorn.translation import ADAPTER

from hookserve.errors import ConfigError
from hookserve.launch.assembly import assemble


@pytest.fixture
def here(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for name in ("SENDFILE", "FORWARDED_ALLOW_IPS", "GUNICORN_CMD_ARGS", "SCRIPT_NAME"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


def config_of(here, text, *arguments, environ=None, name="gunicorn.conf.py"):
    (here / name).write_text(text)
    return assemble([*arguments, "app"], environ or {}).config


@pytest.mark.parametrize(
    ("text", "name", "meant"),
    [
        *((f"loglevel = {level!r}", "loglevel", level.lower()) for level in ("INFO", "Debug")),
        *((f"loglevel = {level!r}", "loglevel", "warning") for level in ("warn", "WARN")),
        ("loglevel = ''", "loglevel", "info"),
        ("proxy_protocol = True", "proxy_protocol", "auto"),
        ("proxy_protocol = False", "proxy_protocol", "off"),
        ("proxy_protocol = 'true'", "proxy_protocol", "auto"),
        ("proxy_protocol = 'v1'", "proxy_protocol", "v1"),
        ("backlog = 0", "backlog", 1),
        ("worker_connections = 0", "worker_connections", 1000),
        ("threads = 0", "threads", 4),
        ("workers = '3'", "workers", 3),
        ("timeout = '40'", "timeout", 40.0),
        ("preload_app = 'true'", "preload_app", True),
        ("limit_request_line = 0", "limit_request_line", 0),
        ("import ssl\ncert_reqs = ssl.CERT_NONE", "cert_reqs", "none"),
        ("worker_class = 'gunicorn.workers.gthread.ThreadWorker'", "worker_class", "gthread"),
        ("worker_class = 'gevent_pywsgi'", "worker_class", "gevent"),
        ("worker_class = 'egg:gunicorn#gevent'", "worker_class", "gevent"),
        ("logger_class = 'gunicorn.glogging.Logger'", "logger_class", ("standard",)),
        ("logger_class = 'gunicorn.instrument.statsd.Statsd'", "logger_class", ("standard",)),
        ("logger_class = 'shop.log.Json'", "logger_class", (ADAPTER,)),
        ("logger_class = 'shop.log:make'", "logger_class", ("shop.log:make",)),
    ],
)
def test_a_value_of_gunicorns_is_taken(here, text, name, meant):
    assert getattr(config_of(here, text), name) == meant


@pytest.mark.parametrize(
    ("text", "mask"),
    [
        ("22", 22),
        ("18", 18),
        ("0x12", 0o22),
        ("0o22", 0o22),
        ("022", 0o22),
        ("0", 0),
        ("7", 7),
        ("007", 7),
    ],
)
def test_a_mask_is_read_as_gunicorn_reads_it(here, text, mask):
    assert config_of(here, "", "-m", text).umask == mask
    assert config_of(here, f"umask = {text!r}").umask == mask


@pytest.mark.parametrize("text", ["abc", "-1", "0o9", "089", "10000"])
def test_what_is_no_mask_is_refused(here, text):
    with pytest.raises(ConfigError, match=r"umask .*expected octal mode bits"):
        config_of(here, f"umask = {text!r}")


def test_a_mask_that_may_have_been_meant_as_octal_is_warned_about(here):
    (here / "gunicorn.conf.py").write_text("")

    (line,) = assemble(["-b", "unix:app.sock", "-m", "22", "app"], {}).warnings

    assert line == (
        "umask (command line): 22 is decimal, octal 026, as in gunicorn (write 022 if it is octal)"
    )
    for text in ("18", "022", "7", "0x12"):
        assert assemble(["-b", "unix:app.sock", "-m", text, "app"], {}).warnings == ()


NONE = (
    "bind workers worker_class threads loglevel errorlog accesslog pythonpath raw_env syslog"
    " sendfile forwarded_allow_ips preload_app daemon logger_class logconfig_dict timeout"
    " keepalive backlog proxy_protocol umask chdir user pidfile"
)


def test_none_means_the_default_everywhere(here):
    text = "\n".join(f"{name} = None" for name in NONE.split())

    config = config_of(here, text)

    assert [name for name in NONE.split() if not config.is_default(name)] == []


def test_none_in_a_file_leaves_what_a_lower_source_says(here):
    (here / "hookserve.toml").write_text("workers = 3")

    assert config_of(here, "workers = None").origin("workers") == "hookserve.toml"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("def count(): ...\nworkers = count", "or auto, got the function count"),
        ("class W: ...\nbind = W", "expected a list of strings, got the class W"),
        ("workers = 0", "expected a whole number, 1 or more, or auto, got 0"),
        ("raw_env = {'A': '1'}", "expected a list of strings"),
        ("loglevel = 'verbose'", "expected one of debug, info"),
        ("def f(): 1 / 0\nworker_class = f", "its function raised ZeroDivisionError"),
        (
            "def f():\n class L: ...\n return L\nlogger_class = f",
            r"f.<locals>.L is local to its function",
        ),
    ],
)
def test_what_cannot_be_taken_is_refused_with_its_name(here, text, message):
    name = text.rpartition("\n")[2].partition(" ")[0]

    with pytest.raises(ConfigError, match=rf"^{name} \(gunicorn.conf.py\): .*{message}"):
        config_of(here, text)


@pytest.mark.parametrize(
    ("text", "target"),
    [
        ("from collections import OrderedDict as worker_class", "collections:OrderedDict"),
        ("class W: ...\nworker_class = W", "__config__:W"),
        ("class W: ...\ndef worker_class(): return W", "__config__:W"),
        ("worker_class = type('W', (), {})", "__config__:worker_class"),
        ("def worker_class(): return 'epoll'", "epoll"),
    ],
)
def test_a_class_is_taken_by_its_path(here, text, target):
    assert config_of(here, text).worker_class == target


def test_a_flag_names_a_logger_class_of_gunicorns(here):
    config = config_of(here, "", "--logger-class", "shop.log.Json")

    assert (config.logger_class, config.gunicorn_logger) == ((ADAPTER,), "shop.log.Json")


def test_a_file_of_ours_may_have_them_too(here):
    config = config_of(here, "loglevel = 'WARN'\nthreads = 0", name="hookserve.conf.py")

    assert (config.loglevel, config.threads) == ("warning", 4)


@pytest.mark.parametrize(
    ("text", "environ", "trusted"),
    [
        ("forwarded_allow_ips = '10.0.0.1'", {}, ("10.0.0.1", "unix:")),
        ("forwarded_allow_ips = ''", {}, ("unix:",)),
        ("forwarded_allow_ips = None", {}, ("127.0.0.1", "::1", "unix:")),
        ("", {"FORWARDED_ALLOW_IPS": "10.0.0.1"}, ("10.0.0.1", "unix:")),
        ("", {"FORWARDED_ALLOW_IPS": ""}, ("unix:",)),
        (
            "",
            {"GUNICORN_CMD_ARGS": "--forwarded-allow-ips 10.0.0.1"},
            ("10.0.0.1", "unix:"),
        ),
    ],
)
def test_unix_sockets_are_trusted_where_gunicorn_trusts_them(here, text, environ, trusted):
    assert config_of(here, text, environ=environ).forwarded_allow_ips == trusted


def test_our_own_sources_say_themselves_whether_unix_sockets_are_trusted(here):
    config = config_of(here, "", "--forwarded-allow-ips", "10.0.0.1")

    assert config.forwarded_allow_ips == ("10.0.0.1",)
