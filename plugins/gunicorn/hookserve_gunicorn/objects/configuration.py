"""``cfg`` as gunicorn's hooks know it: the same values in gunicorn's types."""

from __future__ import annotations

import grp
import os
import pkgutil
import pwd
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from hookserve.config.resolved import Config as NativeConfig
from hookserve.listeners.address import TcpAddress, UnixAddress, parse_address
from hookserve.plugins import calling
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
    "default_proc_name": "gunicorn",
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


class SettingView(NamedTuple):
    """An item of ``cfg.settings``."""

    name: str
    value: object

    def get(self) -> object:
        """The value in effect."""
        return self.value


class Config(View):
    """gunicorn's ``Config``, read only."""

    _native: NativeConfig
    _host: PluginHost | None

    def __init__(self, native: NativeConfig, host: PluginHost | None) -> None:
        super().__init__(native)
        object.__setattr__(self, "_host", host)

    def __getattr__(self, name: str) -> Any:  # Any: each setting has a type of its own
        if name in ABSENT and name not in self._native:
            return ABSENT[name]
        value = super().__getattr__(name)
        if isinstance(value, float):
            return whole(value)
        return list(value) if isinstance(value, tuple) else value

    @property
    def settings(self) -> dict[str, SettingView]:
        """Every setting by name."""
        names = dict.fromkeys([*self._native, *ABSENT])
        return {name: SettingView(name, getattr(self, name)) for name in names}

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
    def is_ssl(self) -> bool:
        """Whether connections are encrypted here."""
        return bool(self._native.get("certfile") or self._native.get("keyfile"))

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
        """What the processes are called."""
        return self._native.proc_name or "hookserve"

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
