"""``cfg`` as gunicorn's hooks know it: the same values in gunicorn's types."""

from __future__ import annotations

import grp
import logging
import os
import pkgutil
import pwd
from collections.abc import Iterator
from inspect import isfunction
from types import ModuleType
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit
from weakref import WeakKeyDictionary

from hookserve.config.core import CORE_GROUPS
from hookserve.config.resolved import Config as NativeConfig
from hookserve.listeners.address import TcpAddress, UnixAddress, parse_address
from hookserve.plugins import calling
from hookserve_gunicorn.objects.names import GUNICORN_HOOKS, no_hook
from hookserve_gunicorn.objects.sections import OWN, SECTIONS
from hookserve_gunicorn.objects.view import View

if TYPE_CHECKING:
    from hookserve.plugins.host import PluginHost

ABSENT: dict[str, object] = {
    "asgi_disconnect_grace_period": 3,
    "asgi_lifespan": "auto",
    "asgi_loop": "auto",
    "control_socket": "gunicorn.ctl",
    "control_socket_disable": True,
    "control_socket_mode": 0o600,
    "dirty_apps": [],
    "dirty_graceful_timeout": 30,
    "dirty_threads": 1,
    "dirty_timeout": 300,
    "dirty_workers": 0,
    "do_handshake_on_connect": False,
    "dogstatsd_tags": "",
    "enable_backlog_metric": False,
    "http2_cleartext": "off",
    "http_parser": "auto",
    "http_protocols": ["h1"],
    "paste": None,
    "raw_paste_global_conf": [],
    "reload": False,
    "reload_engine": "auto",
    "reload_extra_files": [],
    "root_path": "",
    "spew": False,
    "statsd_host": None,
    "statsd_prefix": "",
    "suppress_ragged_eofs": True,
    "tmp_upload_dir": None,
    "uwsgi_allow_ips": ["127.0.0.1", "::1"],
    "websocket_max_message_size": 16777216,
    "worker_tmp_dir": None,
}
"""gunicorn's settings that may be absent here, with gunicorn's defaults: what is in effect."""


def whole(seconds: float) -> int | float:
    """An integer where it is one, as gunicorn has all seconds: files print them."""
    return int(seconds) if seconds.is_integer() else seconds


_AS_SET = ("worker_class", "proc_name")
"""The settings whose items have the value as it was set, where ``cfg`` has what it means."""
_CERT_REQS = {"none": 0, "optional": 1, "required": 2}


class SettingView(NamedTuple):
    """An item of ``cfg.settings``."""

    name: str
    value: object
    default: object = None
    section: str = OWN

    def get(self) -> object:
        """The value in effect."""
        return self.value


class OfFile:
    """What belongs to a configuration file: its module, and what hooks have set on ``cfg``."""

    def __init__(self) -> None:
        self.module: ModuleType | None = None
        self.values: dict[str, object] = {}


_OF_FILES: WeakKeyDictionary[PluginHost, OfFile] = WeakKeyDictionary()
_NO_FILE = OfFile()


def of_file(host: PluginHost | None) -> OfFile:
    """That of the file whose hooks are registered in `host`."""
    return _NO_FILE if host is None else _OF_FILES.setdefault(host, OfFile())


class Config(View):
    """gunicorn's ``Config``."""

    _native: NativeConfig
    _host: PluginHost | None

    def __init__(self, native: NativeConfig, host: PluginHost | None) -> None:
        super().__init__(native)
        object.__setattr__(self, "_host", host)

    def __getattribute__(self, name: str) -> Any:  # Any: each setting has a type of its own
        if not name.startswith("_"):
            changed = of_file(self._host).values
            if name in changed:
                return changed[name]
        return super().__getattribute__(name)

    def __getattr__(self, name: str) -> Any:  # Any: as above
        if name in GUNICORN_HOOKS:
            return getattr(of_file(self._host).module, name, no_hook)
        if name in ABSENT and name not in self._native:
            return ABSENT[name]
        value = super().__getattr__(name)
        if isinstance(value, float):
            return whole(value)
        return list(value) if isinstance(value, tuple) else value

    def __setattr__(self, name: str, value: object) -> None:
        if name in self.settings:
            raise AttributeError("Invalid access!")
        super().__setattr__(name, value)

    def set(self, name: str, value: object) -> None:
        """Give a setting a value that hooks see; the server's own is final.

        Raises AttributeError for an unknown name, as gunicorn does.
        """
        if name not in self.settings:
            raise AttributeError(f"No configuration setting for: {name}")
        of_file(self._host).values[name] = value
        logging.getLogger("hookserve").warning(
            "cfg.set: only hooks see this value of %s, the server does not (set it in the"
            " configuration file; server.num_workers changes the number of workers)",
            name,
        )

    @property
    def settings(self) -> dict[str, SettingView]:
        """Every setting by name."""
        names = dict.fromkeys([*self._native, *ABSENT, *GUNICORN_HOOKS])
        declared = calling.collect(self._host.hook.settings) if self._host is not None else []
        known = [each for _, group in CORE_GROUPS for each in group] + [
            each for _, each in declared
        ]
        defaults = {each.name: each.default for each in known}
        defaults.update(dict.fromkeys(GUNICORN_HOOKS, no_hook), **ABSENT)
        values = {
            **{name: getattr(self, name, None) for name in names},
            **{name: self._native.get(name) for name in _AS_SET},
            **of_file(self._host).values,
        }

        def default(name: str) -> object:
            # What is not declared is of a plugin that is off: it has its default.
            return defaults[name] if name in defaults else self._native.get(name)

        return {
            name: SettingView(name, values[name], default(name), SECTIONS.get(name, OWN))
            for name in names
        }

    def __str__(self) -> str:
        """A line for each setting, in the order of their names."""
        shown = {name: item.value for name, item in self.settings.items()}
        lines = (
            f"{name:34} = {f'<{value.__qualname__}()>' if isfunction(value) else value}"
            for name, value in shown.items()
        )
        return "\n".join(sorted(lines))

    @property
    def statsd_host(self) -> tuple[str, int] | str | None:
        """Host and port, or the path of a socket."""
        given = self._native.get("statsd_host")
        if not given or given.startswith("unix:"):
            return given.removeprefix("unix:").removeprefix("//") if given else None
        parts = urlsplit(f"//{given}")
        return parts.hostname or "", parts.port or 8125

    def __iter__(self) -> Iterator[str]:
        return iter(self.settings)

    def get(self, name: str, default: object = None) -> object:
        """The value, or `default` when there is no such setting."""
        return getattr(self, name, default)

    @property
    def address(self) -> list[tuple[str, int] | str | int]:
        """Where to listen: host and port, a path, or a descriptor's number."""
        shown: list[tuple[str, int] | str | int] = []
        for text in self._native.bind:
            address = parse_address(text)
            if isinstance(address, TcpAddress):
                shown.append((address.host, address.port))
            else:
                shown.append(address.path if isinstance(address, UnixAddress) else address.number)
        return shown

    @property
    def is_ssl(self) -> str | None:
        """The certificate's file, else the key's; `None` where connections are not encrypted."""
        return self._native.get("certfile") or self._native.get("keyfile") or None

    @property
    def config(self) -> str:
        """The configuration file, as named or found; gunicorn's default where there is none."""
        found = getattr(of_file(self._host).module, "__file__", None) or "gunicorn.conf.py"
        return self._native.config or os.path.join(".", found)

    @property
    def paste_global_conf(self) -> dict[str, str]:
        """The variables of `raw_paste_global_conf`."""
        from hookserve_gunicorn.paste import variables_of

        return variables_of(self._native.get("raw_paste_global_conf") or ())

    @property
    def ssl_options(self) -> dict[str, object]:
        """The settings of TLS that are set."""
        names = ("keyfile", "certfile", "cert_reqs", "ca_certs", "ciphers")
        found = {name: self._native.get(name) for name in names}
        return {name: value for name, value in found.items() if value is not None}

    @property
    def env(self) -> dict[str, str]:
        """The variables of `raw_env`."""
        return dict(each.partition("=")[::2] for each in self._native.raw_env)

    @property
    def uid(self) -> int:
        """The user of the workers."""
        name = self._native.user
        if not name:
            return os.geteuid()
        return int(name) if name.isdecimal() else pwd.getpwnam(name).pw_uid

    @property
    def gid(self) -> int:
        """The group of the workers."""
        name = self._native.group
        if not name:
            return os.getegid()
        return int(name) if name.isdecimal() else grp.getgrnam(name).gr_gid

    @property
    def user(self) -> int:
        """As `uid`."""
        return self.uid

    @property
    def group(self) -> int:
        """As `gid`."""
        return self.gid

    @property
    def proc_name(self) -> str:
        """The setting; where there is none, the application's name."""
        return self._native.proc_name or self.default_proc_name

    @property
    def default_proc_name(self) -> str:
        """The application's name."""
        given = self._native.get("default_proc_name")
        return str(given if given not in (None, "gunicorn") else self._native.wsgi_app)

    @property
    def threads(self) -> int:
        """How many threads a worker has."""
        native = self._native
        is_used = native.worker_class == "gthread" or native.was_given("threads")
        return int(native.threads) if "threads" in native and is_used else 1

    @property
    def umask(self) -> int:
        """The setting; 0 where there is none."""
        return self._native.umask or 0

    @property
    def chdir(self) -> str:
        """The working directory."""
        return self._native.chdir or os.getcwd()

    @property
    def pythonpath(self) -> str | None:
        """Directories between commas; `None` without any."""
        return ",".join(self._native.pythonpath) or None

    @property
    def cert_reqs(self) -> int:
        """As `ssl.VerifyMode`."""
        return _CERT_REQS.get(str(self._native.get("cert_reqs")), 0)

    @property
    def worker_class_str(self) -> str:
        """The name of the worker model."""
        return str(self._native.worker_class)

    @property
    def worker_class(self) -> object:
        """The class of the worker model, imported; its name where no plugin declares it."""
        declared = calling.collect(self._host.hook.worker_types) if self._host is not None else []
        for _, kind in declared:
            if kind.name == self.worker_class_str:
                return pkgutil.resolve_name(kind.target)
        return self.worker_class_str
