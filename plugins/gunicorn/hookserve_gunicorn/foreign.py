"""gunicorn's settings that hookserve does not have: accepted, with what is lost without them.

A default is gunicorn's: a source that gives it asks for nothing, and nothing is said.  Who brings
one of these settings declares it in a plugin, and takes its row out of this table.
"""

from __future__ import annotations

from collections.abc import Callable

from hookserve import Setting
from hookserve.config.values import anything, boolean, integer, items, lines, optional_text, text

NOTHING = ""
"""hookserve does it by other means, gunicorn ignores it too, or another row says what is lost."""

_CONTROL = "there is no control socket (signals do what it does)"
_DIRTY = "there are no dirty workers (a plugin's hook auxiliary_processes starts such processes)"
_HTTP2 = "there is no HTTP/2 (let the proxy in front speak it)"
_STATSD = "no metrics are sent (install hookserve-statsd)"

Kind = Callable[[object], object]


def _value(
    name: str, default: object, kind: Kind, lost: str, *flags: str, repeatable: bool = False
) -> Setting:
    return Setting(name, default, kind, "gunicorn's", flags, repeatable=repeatable, foreign=lost)


def _switch(name: str, lost: str, *flags: str, default: bool = False) -> Setting:
    return Setting(name, default, boolean, "gunicorn's", flags, switch=True, foreign=lost)


def _in_files(name: str, default: object, kind: Kind, lost: str) -> Setting:
    return Setting(name, default, kind, "gunicorn's", hidden=True, foreign=lost)


def _or_off(value: object) -> object:
    """A value; false means ``off``."""
    return value or "off"


SETTINGS: tuple[Setting, ...] = (
    _in_files("check_config", False, boolean, "it is a flag (hookserve --check-config)"),
    _in_files("print_config", False, boolean, "it is a flag (hookserve --print-config)"),
    _in_files("default_proc_name", "gunicorn", text, "it names no process (set proc_name)"),
    _in_files("gunicorn_logger", None, optional_text, NOTHING),
    _value("worker_tmp_dir", None, optional_text, NOTHING),
    _in_files("tmp_upload_dir", None, optional_text, NOTHING),
    _switch("spew", "lines are not traced (run the application with python -m trace)"),
    _value("statsd_host", None, optional_text, _STATSD),
    _value("statsd_prefix", "", text, NOTHING),
    _value("dogstatsd_tags", "", text, NOTHING),
    _switch("enable_backlog_metric", NOTHING),
    _value("paste", None, optional_text, NOTHING, "--paster"),
    _value("raw_paste_global_conf", (), lines, NOTHING, "--paste-global", repeatable=True),
    _value("control_socket", None, optional_text, _CONTROL),
    _value("control_socket_mode", 0o600, anything, NOTHING),
    _switch("control_socket_disable", NOTHING, "--no-control-socket"),
    _value("uwsgi_allow_ips", ("127.0.0.1", "::1"), items, NOTHING, "--uwsgi-allow-from"),
    _value("ssl_version", None, anything, NOTHING),
    _switch("do_handshake_on_connect", NOTHING),
    _switch(
        "suppress_ragged_eofs",
        "the end of a TLS connection without close_notify is never an error",
        default=True,
    ),
    _value("http_parser", "auto", text, NOTHING),
    _value("http_protocols", "h1", items, _HTTP2),
    _value("http2_cleartext", "off", _or_off, _HTTP2),
    _value("http2_max_concurrent_streams", 100, integer, NOTHING),
    _value("http2_initial_window_size", 65535, integer, NOTHING),
    _value("http2_max_frame_size", 16384, integer, NOTHING),
    _value("http2_max_header_list_size", 65536, integer, NOTHING),
    _value("asgi_loop", "auto", text, NOTHING),
    _value("asgi_lifespan", "auto", text, NOTHING),
    _value("asgi_disconnect_grace_period", 3, integer, NOTHING),
    _value("websocket_max_message_size", 16777216, integer, NOTHING),
    _value("root_path", "", text, NOTHING),
    _value("dirty_apps", (), lines, _DIRTY, "--dirty-app", repeatable=True),
    _value("dirty_workers", 0, integer, _DIRTY),
    _value("dirty_timeout", 300, integer, NOTHING),
    _value("dirty_threads", 1, integer, NOTHING),
    _value("dirty_graceful_timeout", 30, integer, NOTHING),
    _in_files("ssl_context", None, anything, NOTHING),
    _in_files("on_dirty_starting", None, anything, NOTHING),
    _in_files("dirty_post_fork", None, anything, NOTHING),
    _in_files("dirty_worker_init", None, anything, NOTHING),
    _in_files("dirty_worker_exit", None, anything, NOTHING),
)
"""A row a setting.  ASGI's have their effect by `derivation` and `root_path`; `ssl_context` is a
hook here, which a program that embeds the server sets as gunicorn's setting."""
