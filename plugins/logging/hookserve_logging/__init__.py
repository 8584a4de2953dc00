"""The error log and the access log.

standard
    the standard logger, with the hooks that it needs
errorlog, server_logger, files, custom
    the error log; its logger, which no application silences; opening log files, again after USR1;
    a configuration of `logging` instead
wsgi_errors
    what the application writes, in the error log's file
accesslog, sink, loggers
    the access log, and where its lines go; a logger where a program has put something on it
syslog, delivery, link
    both logs to syslog, which may be away for a while
line, formats, jsonlines, clock, escaping
    a line, compiled once; the format language; JSON; the time; text that forges nothing
conflicts
    settings that take each other's effect
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from hookserve import LoggerType, Setting, hookimpl
from hookserve.config.values import boolean, lines, mapping, one_of, optional_text, text

if TYPE_CHECKING:
    from hookserve.config.resolved import Config
    from hookserve.plugins.host import PluginHost

DEFAULT_FORMAT = '%(h)s %(l)s %(u)s %(t)s "%(r)s" %(s)s %(b)s "%(f)s" "%(a)s"'

SETTINGS: tuple[Setting, ...] = (
    Setting(
        "accesslog",
        None,
        optional_text,
        "where to log each request: a file, or - for standard output",
        ("--access-logfile",),
        metavar="FILE",
    ),
    Setting(
        "access_log_format",
        DEFAULT_FORMAT,
        text,
        "the access log's format, in gunicorn's language, or json",
        ("--access-logformat",),
        metavar="FORMAT",
        needs=("accesslog", "syslog", "logconfig", "logconfig_dict", "logconfig_json"),
    ),
    Setting(
        "access_log_skip",
        (),
        lines,
        "do not log requests for this path; repeatable",
        repeatable=True,
        metavar="PATH",
        needs=("accesslog", "syslog", "logconfig", "logconfig_dict", "logconfig_json"),
    ),
    Setting(
        "errorlog",
        "-",
        text,
        "where to log everything else: a file, or - for standard error",
        ("--error-logfile", "--log-file"),
        metavar="FILE",
    ),
    Setting("error_log_format", "text", one_of("text", "json"), "the error log's format"),
    Setting(
        "loglevel",
        "info",
        one_of("debug", "info", "warning", "error", "critical", warn="warning"),
        "the least level that is logged",
        ("--log-level",),
    ),
    Setting(
        "capture_output",
        False,
        boolean,
        "send standard output and error to the error log's file",
        switch=True,
        needs=("errorlog!=-",),
    ),
    Setting(
        "logconfig",
        None,
        optional_text,
        "a file for logging.config.fileConfig",
        ("--log-config",),
        metavar="FILE",
    ),
    Setting("logconfig_dict", {}, mapping, "a table for logging.config.dictConfig", hidden=True),
    Setting(
        "logconfig_defaults",
        {},
        mapping,
        "a table whose parts count where logconfig_dict or logconfig_json has none of their names",
        hidden=True,
        needs=("logconfig_dict", "logconfig_json"),
    ),
    Setting(
        "logconfig_json",
        None,
        optional_text,
        "a JSON file for logging.config.dictConfig",
        ("--log-config-json",),
        metavar="FILE",
    ),
    Setting(
        "syslog", False, boolean, "send the logs to syslog too", ("--log-syslog",), switch=True
    ),
    Setting(
        "syslog_addr",
        "udp://localhost:514",
        text,
        "where syslog is: udp://HOST:PORT, tcp://HOST:PORT, unix://PATH or unix://PATH#stream",
        ("--log-syslog-to",),
        metavar="ADDRESS",
        needs=("syslog",),
    ),
    Setting(
        "syslog_program",
        "hookserve",
        text,
        "the program name in syslog: PROGRAM.PREFIX.error and PROGRAM.PREFIX.access",
        metavar="NAME",
        needs=("syslog",),
    ),
    Setting(
        "syslog_prefix",
        None,
        optional_text,
        "what follows the program name in syslog",
        ("--log-syslog-prefix",),
        metavar="NAME",
        needs=("syslog",),
    ),
    Setting(
        "syslog_facility",
        "user",
        text,
        "syslog's facility",
        ("--log-syslog-facility",),
        needs=("syslog",),
    ),
    Setting(
        "disable_redirect_access_to_syslog",
        False,
        boolean,
        "keep the access log out of syslog",
        switch=True,
        needs=("syslog",),
    ),
)


@hookimpl
def settings() -> tuple[Setting, ...]:
    """gunicorn's logging settings, and JSON."""
    return SETTINGS


@hookimpl
def config_warnings(config: Config, host: PluginHost) -> Iterable[str]:
    """Settings without effect, and logs that are lost."""
    from hookserve_logging.conflicts import find_conflicts

    names: tuple[list[str], list[str]] = ([], [])
    if config.logconfig or config.logconfig_dict or config.logconfig_json:
        from hookserve_logging.standard import served_names

        names = served_names(config, host)
    return find_conflicts(config, *names)


@hookimpl
def logger_types() -> list[LoggerType]:
    """One logger, ``standard``."""
    return [
        LoggerType(
            "standard",
            "hookserve_logging.standard:make_logger",
            "files or the standard streams, text or JSON",
        )
    ]
