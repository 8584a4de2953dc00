"""The core's settings as one table of data."""

from __future__ import annotations

from hookserve.config.values import (
    account,
    boolean,
    integer,
    interval,
    items,
    one_of,
    optional_octal,
    optional_text,
    paths,
    positive,
    seconds,
    size,
    text,
    variables,
    worker_count,
)
from hookserve.types import Setting

_NOTHING = items(())
"""A default whose type is not that of the empty tuple alone."""

_CONFIGURATION = (
    CONFIG := Setting(
        "config",
        None,
        optional_text,
        "a Python configuration file; without it ./hookserve.conf.py is read, else what plugins"
        " look for (./gunicorn.conf.py); ./hookserve.toml is read in any case",
        ("-c",),
        metavar="FILE",
    ),
    WSGI_APP := Setting(
        "wsgi_app",
        None,
        optional_text,
        "the application, module:attribute or module:factory(arguments); the argument wins",
        hidden=True,
    ),
)

_LISTENING = (
    BIND := Setting(
        "bind",
        items("127.0.0.1:8000"),
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
    BACKLOG := Setting("backlog", 2048, positive, "connections that may wait to be accepted"),
    REUSE_PORT := Setting(
        "reuse_port",
        False,
        boolean,
        "set SO_REUSEPORT, so that other servers may share the port",
        switch=True,
    ),
    DEFER_ACCEPT := Setting(
        "defer_accept",
        False,
        boolean,
        "let the kernel hold a TCP connection back until it has sent something (TCP_DEFER_ACCEPT)",
        switch=True,
    ),
)

_WORKERS = (
    WORKERS := Setting(
        "workers",
        worker_count(1),
        worker_count,
        "how many workers to keep, or auto",
        ("-w",),
        details="auto counts the processor quota of the cgroup, or of one above it, and the"
        " affinity mask. With the environment variable WEB_CONCURRENCY that is the default.",
    ),
    WORKER_CLASS := Setting(
        "worker_class",
        "sync",
        text,
        "the worker model: a name that --list-workers shows, or module:Class",
        ("-k",),
        metavar="NAME",
    ),
    WORKER_CONNECTIONS := Setting(
        "worker_connections", 1000, positive, "connections that a worker may hold at once"
    ),
    PROTOCOL := Setting("protocol", "http", text, "the protocol to speak", metavar="NAME"),
    INTERFACE := Setting(
        "interface",
        "auto",
        text,
        "the application's interface: wsgi, asgi or one that a plugin brings; auto: as the"
        " application is seen to have",
        metavar="NAME",
        details="Where no worker model is named, one that runs the interface is chosen.",
    ),
    LOGGER_CLASS := Setting(
        "logger_class",
        items("standard"),
        items,
        "the loggers, by name; repeatable",
        repeatable=True,
        metavar="NAME",
    ),
    PRELOAD_APP := Setting(
        "preload_app",
        False,
        boolean,
        "load the application in the arbiter, before forking",
        ("--preload",),
        switch=True,
    ),
)

_RECYCLING = (
    MAX_REQUESTS := Setting(
        "max_requests", 0, integer, "recycle a worker after this many requests; 0: never"
    ),
    MAX_REQUESTS_JITTER := Setting(
        "max_requests_jitter",
        0,
        integer,
        "a random number up to this is added to max_requests, for each worker its own",
        needs=("max_requests",),
    ),
    MAX_LIFETIME := Setting(
        "max_lifetime", 0.0, seconds, "recycle a worker after this long; 0: never"
    ),
    MAX_LIFETIME_JITTER := Setting(
        "max_lifetime_jitter",
        0.0,
        seconds,
        "a random time up to this is added to max_lifetime, for each worker its own",
        needs=("max_lifetime",),
    ),
)

_DEADLINES = (
    TIMEOUT := Setting(
        "timeout",
        30.0,
        seconds,
        "abort a worker that has been silent for this long; 0: never",
        ("-t",),
    ),
    BOOT_TIMEOUT := Setting(
        "boot_timeout",
        0.0,
        seconds,
        "abort a worker that is not ready this long after its fork, and the dry run of a reload"
        " that is not over; 0: never",
    ),
    REQUEST_TIMEOUT := Setting(
        "request_timeout",
        0.0,
        seconds,
        "abort a worker whose oldest request has run this long; 0: never",
    ),
    SLOW_REQUEST := Setting(
        "slow_request",
        0.0,
        seconds,
        "log a request that has run this long, once, with its stack at that moment; 0: never",
        details="A stream and a websocket are requests that run. A request that ends before its"
        " stack is written is logged without it.",
    ),
    GRACEFUL_TIMEOUT := Setting(
        "graceful_timeout", 30.0, seconds, "how long a stopping worker may finish its requests"
    ),
    DRAIN_DELAY := Setting(
        "drain_delay",
        0.0,
        seconds,
        "how long to go on accepting after TERM, while load balancers notice that the server stops",
    ),
    QUICK_TIMEOUT := Setting(
        "quick_timeout", 2.0, seconds, "how long workers have at a quick stop (INT, QUIT)"
    ),
    ABORT_TIMEOUT := Setting(
        "abort_timeout",
        2.0,
        seconds,
        "how long an aborted worker has before it is killed",
        needs=("timeout", "boot_timeout", "request_timeout"),
    ),
)

_CLIENTS = (
    HEADER_TIMEOUT := Setting(
        "header_timeout",
        10.0,
        seconds,
        "how long a client may take to send a request head; 0: for ever",
    ),
    BODY_TIMEOUT := Setting(
        "body_timeout",
        30.0,
        seconds,
        "how long a client may pause while it sends a body; 0: for ever",
    ),
    BODY_RATE := Setting(
        "body_rate",
        500,
        size,
        "bytes a second that a body has to have on average, after body_timeout; 0: no least rate",
        needs=("body_timeout",),
    ),
    WRITE_TIMEOUT := Setting(
        "write_timeout",
        30.0,
        seconds,
        "how long a client may pause while it reads the response; 0: for ever",
    ),
    KEEPALIVE := Setting(
        "keepalive",
        15.0,
        seconds,
        "how long an idle connection is kept for the next request; 0: no keep-alive",
        ("--keep-alive",),
    ),
    LINGER_TIMEOUT := Setting(
        "linger_timeout",
        2.0,
        seconds,
        "how long a closed connection is still read, so that no reset cuts the response off",
    ),
    SPOOL_CONNECTION_LIMIT := Setting(
        "spool_connection_limit",
        1 << 30,
        size,
        "bytes of temporary files that one connection may fill; 0: no limit",
    ),
    SPOOL_WORKER_LIMIT := Setting(
        "spool_worker_limit",
        1 << 32,
        size,
        "bytes of temporary files that the connections of one worker may fill; 0: no limit",
    ),
)

_PROCESS = (
    CHDIR := Setting(
        "chdir", None, optional_text, "change to this directory first", metavar="DIRECTORY"
    ),
    PYTHONPATH := Setting(
        "pythonpath",
        _NOTHING,
        paths,
        "directories to put in front of sys.path, with commas between",
        metavar="DIRECTORIES",
    ),
    RAW_ENV := Setting(
        "raw_env",
        _NOTHING,
        variables,
        "an environment variable for the workers, KEY=VALUE; repeatable",
        ("-e", "--env"),
        repeatable=True,
        metavar="KEY=VALUE",
    ),
    DAEMON := Setting("daemon", False, boolean, "go to the background", ("-D",), switch=True),
    ENABLE_STDIO_INHERITANCE := Setting(
        "enable_stdio_inheritance",
        False,
        boolean,
        "keep the standard streams in the background",
        ("-R",),
        switch=True,
        needs=("daemon",),
    ),
    PIDFILE := Setting(
        "pidfile",
        None,
        optional_text,
        "write the arbiter's process id to this file",
        ("-p", "--pid"),
        metavar="FILE",
    ),
    USER := Setting("user", None, account, "the user to run workers as, name or number", ("-u",)),
    GROUP := Setting(
        "group", None, account, "the group to run workers as, name or number", ("-g",)
    ),
    INITGROUPS := Setting(
        "initgroups",
        False,
        boolean,
        "give the workers all groups of the user",
        switch=True,
        needs=("user",),
    ),
    UMASK := Setting(
        "umask",
        None,
        optional_octal,
        "the mask for the modes of unix sockets, octal",
        ("-m",),
        details="A string of digits that does not begin with 0 is decimal, as for gunicorn, and a"
        " warning where octal may be meant.  What the application creates has the mask that the"
        " server was started with, as a shell or systemd's UMask= sets it.",
    ),
    PROC_NAME := Setting(
        "proc_name",
        None,
        optional_text,
        "the base of the process titles (needs setproctitle)",
        ("-n", "--name"),
        metavar="NAME",
    ),
)

_RELOADING = (
    RELOAD_STRATEGY := Setting(
        "reload_strategy",
        "rolling",
        one_of("rolling", "surge"),
        "how a reload replaces workers: max_surge at a time, or all after the first is ready",
    ),
    MAX_SURGE := Setting(
        "max_surge",
        1,
        positive,
        "workers that may run beyond the number wanted while others are replaced",
        needs=("reload_strategy=rolling",),
    ),
    MAX_UNAVAILABLE := Setting(
        "max_unavailable",
        0,
        integer,
        "workers that may be retired before their replacements are ready",
    ),
)

_PLUGINS = (
    TICK_INTERVAL := Setting(
        "tick_interval",
        5.0,
        interval,
        "how often server_tick is called at least, when a plugin has it",
    ),
    PLUGINS := Setting(
        "plugins",
        _NOTHING,
        items,
        "a plugin to require, or no:NAME to leave out; repeatable",
        ("-P", "--plugin"),
        repeatable=True,
        metavar="NAME",
    ),
    PLUGIN_ERRORS := Setting(
        "plugin_errors",
        "warn",
        one_of("warn", "fail"),
        "whether any plugin that cannot be loaded stops the start",
    ),
    STRICT := Setting(
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
