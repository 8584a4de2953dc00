"""What gunicorn makes of settings together."""

from __future__ import annotations

import os
from collections.abc import Iterator
from importlib.util import find_spec
from typing import TYPE_CHECKING

from hookserve import SettingValue
from hookserve.errors import ConfigError
from hookserve_gunicorn.aliases import ALIASES
from hookserve_gunicorn.translation import is_of_gunicorn

if TYPE_CHECKING:
    from hookserve.config.resolved import Config

LOG_TABLES = ("logconfig_dict", "logconfig_json")
"""The settings of logging configurations that gunicorn's defaults are put under."""
OF_ASGI = {
    "asgi_loop": "loop",
    "asgi_lifespan": "lifespan",
    "websocket_max_message_size": "websocket_max_size",
}
"""Our settings for gunicorn's of ASGI."""
_WITHOUT_THREADS = ("sync", "gevent", "eventlet", "tornado")


def derive(config: Config) -> Iterator[SettingValue]:
    """The worker model that `threads` asks for; the application that `paste` names; the table under
    a logging configuration."""
    threads = config.get("threads")
    if config.worker_class in _WITHOUT_THREADS and config.was_given("threads"):
        if threads == 1:
            yield SettingValue("threads", None)
        elif config.worker_class == "sync":
            yield SettingValue("worker_class", "gthread", f"threads={threads}")
    for theirs, ours in OF_ASGI.items():
        value = config.get(theirs)
        if (
            config.was_given(theirs)
            and config.get(ours, value) != value
            and config.is_default(ours)
        ):
            yield SettingValue(ours, value, f"{theirs}={value}")
    if config.get("paste"):
        yield from _paste(config)
    mounted = [word for word in config.raw_env if word.startswith("SCRIPT_NAME=")]
    if mounted and "script_name" in config and config.origin("script_name") in _BELOW_RAW_ENV:
        yield SettingValue("script_name", mounted[-1].partition("=")[2], "raw_env SCRIPT_NAME")

    if config.get("syslog") and not config.was_given("syslog_program") and _is_gunicorns(config):
        yield from _syslog(config)

    form = next((name for name in LOG_TABLES if config.get(name)), None)
    if form and not config.get("logconfig_defaults", True) and _is_for_gunicorn(config, form):
        from hookserve_gunicorn.standin.glogging import CONFIG_DEFAULTS

        yield SettingValue("logconfig_defaults", CONFIG_DEFAULTS, config.origin(form))


_BELOW_RAW_ENV = ("default", "SCRIPT_NAME")


def _is_gunicorns(config: Config) -> bool:
    """Whether any setting comes from a file of gunicorn's, or from ``GUNICORN_CMD_ARGS``."""
    origins = {config.origin(name) for name in config} - {"FORWARDED_ALLOW_IPS"}
    return any(is_of_gunicorn(origin) for origin in origins)


def _syslog(config: Config) -> Iterator[SettingValue]:
    """The program name that gunicorn has in syslog, which a daemon's filters look for."""
    yield SettingValue("syslog_program", "gunicorn", "syslog=True")
    if not config.syslog_prefix:
        is_argument = config.origin("wsgi_app") == "command line"
        name = config.proc_name or (is_argument and config.wsgi_app) or "gunicorn"
        yield SettingValue("syslog_prefix", name.replace(":", "."), "syslog=True")


def _is_for_gunicorn(config: Config, form: str) -> bool:
    """Whether a logging configuration is written for gunicorn: it comes from a file or a variable
    of gunicorn's, or names one of gunicorn's loggers."""
    if is_of_gunicorn(config.origin(form)):
        return True
    table = config.get(form)
    if form == "logconfig_json":
        import json

        try:
            with open(os.path.join(config.chdir or "", table), encoding="utf-8") as file:
                table = json.load(file)
        except (OSError, ValueError):
            return False  # to apply it is the error
    loggers = table.get("loggers", {}) if isinstance(table, dict) else {}
    return isinstance(loggers, dict) and not ALIASES.keys().isdisjoint(loggers)


def _paste(config: Config) -> Iterator[SettingValue]:
    """As ``gunicorn --paste``: the application, and the logging configuration beside it."""
    from hookserve_gunicorn.paste import configures_logging, variables_of

    path, has_name, name = config.paste.partition("#")
    path = os.path.abspath(path)
    if not os.path.isfile(path):
        raise ConfigError(f"paste: there is no file {path}")
    if find_spec("paste") is None or find_spec("paste.deploy") is None:
        raise ConfigError("paste: PasteDeploy is not installed (pip install PasteDeploy)")
    variables = variables_of(config.raw_paste_global_conf)
    uri = f"config:{path}{has_name}{name}"
    origin = f"paste={config.paste}"
    yield SettingValue(
        "wsgi_app", f"paste.deploy:loadapp({uri!r}, global_conf={variables!r})", origin
    )
    if config.get("logconfig") is None and "logconfig" in config and configures_logging(path):
        yield SettingValue("logconfig", path, origin)
