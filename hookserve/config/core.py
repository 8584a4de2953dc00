"""The core's settings as one table of data."""

from __future__ import annotations

from hookserve.config.values import (
    boolean,
    integer,
    items,
    octal,
    one_of,
    optional_text,
    paths,
    positive,
    seconds,
    size,
    text,
    variables,
)
from hookserve.types import Setting


def worker_count(value: object) -> int | str:
    """A whole number, 1 or more, or ``auto``: what the cgroup's quota and the affinity allow."""
    if value == "auto":
        return "auto"
    try:
        return positive(value)
    except ValueError:
        raise ValueError("expected a whole number, 1 or more, or auto") from None


def optional_octal(value: object) -> int | None:
    """File mode bits, or nothing."""
    return None if value is None else octal(value)


_NO_CHANGE = (1 << 32) - 1


def account(value: object) -> str | None:
    """A name or a number, or nothing."""
    text = str(value) if isinstance(value, int) else optional_text(value)
    # All ones stand for "no change" in setresuid(2); more does not fit.
    if text is not None and text.lstrip("-").isdecimal() and not 0 <= int(text) < _NO_CHANGE:
        raise ValueError(f"expected a name, or a number from 0 to {_NO_CHANGE - 1}")
    return text


_CONFIGURATION: tuple[Setting, ...] = (
    Setting(
        "config",
        None,
        optional_text,
        "a Python configuration file; without it ./hookserve.conf.py is read, if it is there",
        ("-c",),
        metavar="FILE",
    ),
    Setting(
        "wsgi_app",
        None,
        optional_text,
        "the application, module:attribute or module:factory(arguments); the argument wins",
        hidden=True,
    ),
)

_LISTENING: tuple[Setting, ...] = (
    Setting(
        "bind",
        ("127.0.0.1:8000",),
        items,
        "an address to listen on: HOST:PORT, :PORT, unix:PATH, unix:@NAME, fd://N; repeatable",
        ("-b",),
        repeatable=True,
        metavar="ADDRESS",
        details="HOST may be [V6]; a name is listened on at each of its addresses. [::] serves IPv4"
        " too, unless 0.0.0.0 with the same port is bound beside it."
        " unix:PATH takes ?mode=0660&user=NAME&group=NAME."
        " Without mode= and --umask every local user may connect, whatever the umask of the shell."
        " With the environment variable PORT the default is 0.0.0.0:$PORT.",
    ),
    Setting("backlog", 2048, positive, "connections that may wait to be accepted"),
    Setting(
        "reuse_port",
        False,
        boolean,
        "set SO_REUSEPORT, so that other servers may share the port",
        switch=True,
    ),
    Setting(
        "defer_accept",
        False,
        boolean,
        "let the kernel hold a TCP connection back until it has sent something (TCP_DEFER_ACCEPT)",
        switch=True,
    ),
)

_WORKERS: tuple[Setting, ...] = (
    Setting(
        "workers",
        1,
        worker_count,
        "how many workers to keep, or auto",
        ("-w",),
        details="auto counts the processor quota of the cgroup and the affinity mask. With the"
        " environment variable WEB_CONCURRENCY that is the default.",
    ),
    Setting(
        "worker_class",
        "sync",
        text,
        "the worker model: a name that --list-workers shows, or module:Class",
        ("-k",),
        metavar="NAME",
    ),
    Setting("worker_connections", 1000, positive, "connections that a worker may hold at once"),
    Setting("protocol", "http", text, "the protocol to speak", metavar="NAME"),
    Setting(
        "interface",
        "auto",
        text,
        "the application's interface: wsgi, asgi or one that a plugin brings; auto: as the"
        " application is seen to have",
        metavar="NAME",
        details="Where no worker model is named, one that runs the interface is chosen.",
    ),
    Setting(
        "logger_class",
        ("standard",),
        items,
        "the loggers, by name; repeatable",
        repeatable=True,
        metavar="NAME",
    ),
    Setting(
        "preload_app",
        False,
        boolean,
        "load the application in the arbiter, before forking",
        ("--preload",),
        switch=True,
    ),
)

_RECYCLING: tuple[Setting, ...] = (
    Setting("max_requests", 0, integer, "recycle a worker after this many requests; 0: never"),
    Setting(
        "max_requests_jitter",
        0,
        integer,
        "a random number up to this is added to max_requests, for each worker its own",
        needs=("max_requests",),
    ),
    Setting("max_lifetime", 0.0, seconds, "recycle a worker after this long; 0: never"),
    Setting(
        "max_lifetime_jitter",
        0.0,
        seconds,
        "a random time up to this is added to max_lifetime, for each worker its own",
        needs=("max_lifetime",),
    ),
)

_DEADLINES: tuple[Setting, ...] = (
    Setting(
        "timeout",
        30.0,
        seconds,
        "abort a worker that has been silent for this long; 0: never",
        ("-t",),
    ),
    Setting(
        "boot_timeout",
        0.0,
        seconds,
        "abort a worker that is not ready this long after its fork, and the dry run of a reload"
        " that is not over; 0: never",
    ),
    Setting(
        "request_timeout",
        0.0,
        seconds,
        "abort a worker whose oldest request has run this long; 0: never",
    ),
    Setting(
        "slow_request",
        0.0,
        seconds,
        "log a request that has run this long, once, with its stack at that moment; 0: never",
        details="A stream and a websocket are requests that run.",
    ),
    Setting(
        "graceful_timeout", 30.0, seconds, "how long a stopping worker may finish its requests"
    ),
    Setting(
        "drain_delay",
        0.0,
        seconds,
        "how long to go on accepting after TERM, while load balancers notice that the server stops",
    ),
    Setting("quick_timeout", 2.0, seconds, "how long workers have at a quick stop (INT, QUIT)"),
    Setting(
        "abort_timeout",
        2.0,
        seconds,
        "how long an aborted worker has before it is killed",
        needs=("timeout", "boot_timeout", "request_timeout"),
    ),
)

_CLIENTS: tuple[Setting, ...] = (
    Setting(
        "header_timeout",
        10.0,
        seconds,
        "how long a client may take to send a request head; 0: for ever",
    ),
    Setting(
        "body_timeout",
        30.0,
        seconds,
        "how long a client may pause while it sends a body; 0: for ever",
    ),
    Setting(
        "body_rate",
        500,
        size,
        "bytes a second that a body has to have on average, after body_timeout; 0: no least rate",
        needs=("body_timeout",),
    ),
    Setting(
        "write_timeout",
        30.0,
        seconds,
        "how long a client may pause while it reads the response; 0: for ever",
    ),
    Setting(
        "keepalive",
        15.0,
        seconds,
        "how long an idle connection is kept for the next request; 0: no keep-alive",
        ("--keep-alive",),
    ),
    Setting(
        "linger_timeout",
        2.0,
        seconds,
        "how long a closed connection is still read, so that no reset cuts the response off",
    ),
    Setting(
        "spool_connection_limit",
        1 << 30,
        size,
        "bytes of temporary files that one connection may fill; 0: no limit",
    ),
    Setting(
        "spool_worker_limit",
        1 << 32,
        size,
        "bytes of temporary files that the connections of one worker may fill; 0: no limit",
    ),
)

_PROCESS: tuple[Setting, ...] = (
    Setting("chdir", None, optional_text, "change to this directory first", metavar="DIRECTORY"),
    Setting(
        "pythonpath",
        (),
        paths,
        "directories to put in front of sys.path, with commas between",
        metavar="DIRECTORIES",
    ),
    Setting(
        "raw_env",
        (),
        variables,
        "an environment variable for the workers, KEY=VALUE; repeatable",
        ("-e", "--env"),
        repeatable=True,
        metavar="KEY=VALUE",
    ),
    Setting("daemon", False, boolean, "go to the background", ("-D",), switch=True),
    Setting(
        "enable_stdio_inheritance",
        False,
        boolean,
        "keep the standard streams in the background",
        ("-R",),
        switch=True,
        needs=("daemon",),
    ),
    Setting(
        "pidfile",
        None,
        optional_text,
        "write the arbiter's process id to this file",
        ("-p", "--pid"),
        metavar="FILE",
    ),
    Setting("user", None, account, "the user to run workers as, name or number", ("-u",)),
    Setting("group", None, account, "the group to run workers as, name or number", ("-g",)),
    Setting(
        "initgroups",
        False,
        boolean,
        "give the workers all groups of the user",
        switch=True,
        needs=("user",),
    ),
    Setting(
        "umask",
        None,
        optional_octal,
        "the mask for the modes of unix sockets, octal",
        ("-m",),
        details="A string of digits that does not begin with 0 is decimal, as for gunicorn, and a"
        " warning where octal may be meant.  What the application creates has the mask that the"
        " server was started with, as a shell or systemd's UMask= sets it.",
    ),
    Setting(
        "proc_name",
        None,
        optional_text,
        "the base of the process titles (needs setproctitle)",
        ("-n", "--name"),
        metavar="NAME",
    ),
)

_RELOADING: tuple[Setting, ...] = (
    Setting(
        "reload_strategy",
        "rolling",
        one_of("rolling", "surge"),
        "how a reload replaces workers: max_surge at a time, or all after the first is ready",
    ),
    Setting(
        "max_surge",
        1,
        positive,
        "workers that may run beyond the number wanted while others are replaced",
        needs=("reload_strategy=rolling",),
    ),
    Setting(
        "max_unavailable",
        0,
        integer,
        "workers that may be retired before their replacements are ready",
    ),
)

_PLUGINS: tuple[Setting, ...] = (
    Setting(
        "tick_interval",
        5.0,
        seconds,
        "how often server_tick is called at least, when a plugin has it",
    ),
    Setting(
        "plugins",
        (),
        items,
        "a plugin to require, or no:NAME to leave out; repeatable",
        ("-P", "--plugin"),
        repeatable=True,
        metavar="NAME",
    ),
    Setting(
        "plugin_errors",
        "warn",
        one_of("warn", "fail"),
        "whether any plugin that cannot be loaded stops the start",
    ),
    Setting(
        "strict",
        False,
        boolean,
        "refuse to start where there would be a warning about a setting",
        switch=True,
    ),
)

CORE_GROUPS: tuple[tuple[str, tuple[Setting, ...]], ...] = (
    ("where the settings and the application are", _CONFIGURATION),
    ("listening", _LISTENING),
    ("workers", _WORKERS),
    ("recycling", _RECYCLING),
    ("deadlines of workers", _DEADLINES),
    ("deadlines and limits of clients", _CLIENTS),
    ("the process", _PROCESS),
    ("reloading", _RELOADING),
    ("plugins and strictness", _PLUGINS),
)
"""The settings of the core, in the order and under the titles of ``--help``."""

CORE_SETTINGS: tuple[Setting, ...] = tuple(each for _, group in CORE_GROUPS for each in group)
