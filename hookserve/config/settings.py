"""The core's settings as one table of data, and the table of all settings.

Flags, environment variables, file keys, validation, ``--help`` and the reference follow from
it.  Names, short flags and defaults are gunicorn's wherever the thing is the same.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import NamedTuple

from hookserve.config.values import (
    boolean,
    integer,
    items,
    lines,
    octal,
    one_of,
    optional_text,
    positive,
    seconds,
    text,
)
from hookserve.errors import ConfigError
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


def account(value: object) -> str | None:
    """A name or a number, or nothing."""
    return str(value) if isinstance(value, int) else optional_text(value)


CORE_SETTINGS: tuple[Setting, ...] = (
    Setting("config", None, optional_text, "a Python configuration file; without it"
            " ./hookserve.conf.py, else ./gunicorn.conf.py, if there is one", ("-c",),
            metavar="FILE"),
    Setting("wsgi_app", None, optional_text, "the application, as module:attribute or"
            " module:factory(arguments); the positional argument wins", hidden=True),
    Setting("bind", ("127.0.0.1:8000",), items, "an address to listen on: HOST:PORT, [V6]:PORT,"
            " :PORT, unix:PATH, unix:@NAME or fd://N; repeatable", ("-b",), repeatable=True,
            metavar="ADDRESS", details="unix:PATH takes ?mode=0660&user=NAME&group=NAME. With"
            " the environment variable PORT the default is 0.0.0.0:$PORT."),
    Setting("backlog", 2048, positive, "connections that may wait to be accepted"),
    Setting("reuse_port", False, boolean, "set SO_REUSEPORT, so that other servers may share"
            " the port", switch=True),
    Setting("defer_accept", False, boolean, "let the kernel hold a TCP connection back until it"
            " has sent something (TCP_DEFER_ACCEPT)", switch=True),
    Setting("workers", 1, worker_count, "how many workers to keep, or auto", ("-w",),
            details="auto counts the processor quota of the cgroup and the affinity mask. With"
            " the environment variable WEB_CONCURRENCY that is the default."),
    Setting("worker_class", "sync", text, "the worker model: a name that --list-workers shows,"
            " or module:Class", ("-k",), metavar="NAME"),
    Setting("worker_connections", 1000, positive, "connections that a worker may hold at once"),
    Setting("protocol", "http", text, "the protocol to speak", metavar="NAME"),
    Setting("logger_class", ("standard",), items, "the loggers, by name; repeatable",
            repeatable=True, metavar="NAME"),
    Setting("preload_app", False, boolean, "load the application in the arbiter, before forking",
            ("--preload",), switch=True),
    Setting("max_requests", 0, integer, "recycle a worker after this many requests; 0: never"),
    Setting("max_requests_jitter", 0, integer, "a random number up to this is added to"
            " max_requests, for each worker its own"),
    Setting("max_lifetime", 0.0, seconds, "recycle a worker after this long; 0: never"),
    Setting("max_lifetime_jitter", 0.0, seconds, "a random time up to this is added to"
            " max_lifetime, for each worker its own"),
    Setting("timeout", 30.0, seconds, "abort a worker that has been silent for this long; 0:"
            " never", ("-t",)),
    Setting("boot_timeout", 0.0, seconds, "abort a worker that is not ready this long after its"
            " fork; 0: never"),
    Setting("request_timeout", 0.0, seconds, "abort a worker whose oldest request has run this"
            " long; 0: never"),
    Setting("graceful_timeout", 30.0, seconds, "how long a stopping worker may finish its"
            " requests"),
    Setting("drain_delay", 0.0, seconds, "how long to go on accepting after TERM, while load"
            " balancers notice that the server leaves"),
    Setting("quick_timeout", 2.0, seconds, "how long workers have at a quick stop (INT, QUIT)"),
    Setting("abort_timeout", 2.0, seconds, "how long an aborted worker has before it is killed"),
    Setting("header_timeout", 10.0, seconds, "how long a client may take to send a request"
            " head; 0: for ever"),
    Setting("body_timeout", 30.0, seconds, "how long a client may pause while it sends a body;"
            " 0: for ever"),
    Setting("write_timeout", 30.0, seconds, "how long a client may pause while it reads the"
            " response; 0: for ever"),
    Setting("keepalive", 15.0, seconds, "how long an idle connection is kept for the next"
            " request; 0: no keep-alive", ("--keep-alive",)),
    Setting("linger_timeout", 2.0, seconds, "how long a closed connection may still be read"
            " from, so that the response is not cut off by a reset"),
    Setting("sendfile", True, boolean, "send files with sendfile(2)", switch=True),
    Setting("chdir", None, optional_text, "change to this directory first", metavar="DIRECTORY"),
    Setting("pythonpath", (), items, "directories to put in front of sys.path, with commas"
            " between", metavar="DIRECTORIES"),
    Setting("raw_env", (), lines, "an environment variable for the workers, KEY=VALUE;"
            " repeatable", ("-e", "--env"), repeatable=True, metavar="KEY=VALUE"),
    Setting("daemon", False, boolean, "go to the background", ("-D",), switch=True),
    Setting("enable_stdio_inheritance", False, boolean, "keep the standard streams in the"
            " background", ("-R",), switch=True),
    Setting("pidfile", None, optional_text, "write the arbiter's process id to this file",
            ("-p", "--pid"), metavar="FILE"),
    Setting("user", None, account, "the user to run workers as, name or number", ("-u",)),
    Setting("group", None, account, "the group to run workers as, name or number", ("-g",)),
    Setting("initgroups", False, boolean, "give the workers all groups of the user", switch=True),
    Setting("umask", None, optional_octal, "the file mode creation mask of the workers, octal",
            ("-m",)),
    Setting("proc_name", None, optional_text, "the base of the process titles (needs"
            " setproctitle)", ("-n", "--name"), metavar="NAME"),
    Setting("reload_strategy", "rolling", one_of("rolling", "surge"), "how a reload replaces"
            " workers: max_surge at a time, or all at once after the first one is ready"),
    Setting("max_surge", 1, positive, "workers that may run beyond the number wanted while"
            " others are replaced"),
    Setting("max_unavailable", 0, integer, "workers that may be missing while others are"
            " replaced: so many are retired before their replacements are ready"),
    Setting("tick_interval", 5.0, seconds, "how often server_tick is called, when a plugin has"
            " it; more often when a plugin asks for that"),
    Setting("plugins", (), items, "a plugin to require, or no:NAME to leave out; repeatable",
            ("-P", "--plugin"), repeatable=True, metavar="NAME"),
    Setting("plugin_errors", "warn", one_of("warn", "fail"), "whether any plugin that cannot be"
            " loaded stops the start"),
    Setting("strict", False, boolean, "refuse to start where there would be a warning about a"
            " setting", switch=True),
)  # fmt: skip


class Declared(NamedTuple):
    """A setting and who declared it."""

    setting: Setting
    owner: str
    """``hookserve`` for the core, otherwise the plugin's name."""

    @property
    def variable(self) -> str:
        """The environment variable."""
        return f"HOOKSERVE_{self.setting.name.upper()}"

    @property
    def flags(self) -> tuple[str, ...]:
        """All flags, short ones first; the last is the one that the setting's name gives."""
        if self.setting.hidden:
            return ()
        spelt = f"--{self.setting.name.replace('_', '-')}"
        others = [flag for flag in self.setting.flags if flag != spelt]
        return (*sorted(others, key=len), spelt)

    @property
    def negative_flags(self) -> tuple[str, ...]:
        """The flags that switch it off; none when it is no switch."""
        if self.setting.switch is None:
            return ()
        return tuple(f"--no-{flag[2:]}" for flag in self.flags if flag.startswith("--"))


class SettingsTable:
    """Every setting of the core and of the active plugins, by name."""

    def __init__(self) -> None:
        self._declared: dict[str, Declared] = {}
        self._flags: dict[str, str] = {}
        for setting in CORE_SETTINGS:
            self.add(setting, "hookserve")

    def add(self, setting: Setting, owner: str, title: str = "") -> None:
        """Add a setting that `owner` declares; `title` names it in an error.

        Raises ConfigError when its name or one of its flags is taken, naming both owners.
        """
        declared = Declared(setting, owner)
        taken = self._declared.get(setting.name)
        if taken is not None:
            raise ConfigError(
                f"the setting '{setting.name}' is declared by {taken.owner} and by {title or owner}"
                " (leave one of them out with -P no:NAME)"
            )
        for flag in declared.flags:
            if flag in self._flags:
                raise ConfigError(
                    f"the flag {flag} belongs to '{self._flags[flag]}' and is claimed for"
                    f" '{setting.name}' by {title or owner} (leave one of them out with -P no:NAME)"
                )
            self._flags[flag] = setting.name
        self._declared[setting.name] = declared

    def __iter__(self) -> Iterator[Declared]:
        return iter(self._declared.values())

    def __contains__(self, name: str) -> bool:
        return name in self._declared

    def __getitem__(self, name: str) -> Declared:
        return self._declared[name]

    def names(self) -> Iterable[str]:
        """The names of all settings."""
        return self._declared.keys()

    def flags(self) -> Iterable[str]:
        """All flags of all settings."""
        return self._flags.keys()
