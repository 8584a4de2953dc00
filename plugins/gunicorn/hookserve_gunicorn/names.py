"""gunicorn's names that hookserve does not have, and what to do instead.

A gunicorn configuration file is read as it is; a setting found here is a warning with its advice.
The reference lists the settings too.
"""

from __future__ import annotations

from typing import NamedTuple


class Absent(NamedTuple):
    """A setting of gunicorn's that hookserve does not have."""

    name: str
    plan: str
    """``not yet`` or ``not planned``."""
    advice: str
    """What to do instead, or why it is absent."""


_HTTP2 = "HTTP/2 ends at the proxy in front; the upstream side speaks HTTP/1.1"
_ASGI = "hookserve serves WSGI; ASGI would be a protocol plugin"
_DIRTY = "processes that run beside the workers are a hook, aux_processes"
_CONTROL = "there is no control socket; signals do it, and nothing listens unasked"
_STATSD = "metrics are a plugin's job: post_request and server_tick give the numbers"
_PASTE = "use the load_app hook to read a PasteDeploy file"
_UWSGI = "the uwsgi protocol would be a protocol plugin; let the proxy speak HTTP"
_RELOAD = "send HUP after a change; a reloader is a plugin to come"

ABSENT: tuple[Absent, ...] = (
    *(
        Absent(name, "not yet", _RELOAD)
        for name in ("reload", "reload_engine", "reload_extra_files")
    ),
    Absent("spew", "not planned", "use a debugger, or python -m trace"),
    Absent("worker_tmp_dir", "not planned", "the heartbeat is in shared memory, no file is needed"),
    Absent(
        "tmp_upload_dir", "not planned", "set TMPDIR; gunicorn does not use this setting either"
    ),
    Absent("paste", "not planned", _PASTE),
    Absent("raw_paste_global_conf", "not planned", _PASTE),
    Absent("uwsgi_allow_ips", "not planned", _UWSGI),
    Absent("ssl_version", "not planned", "gunicorn ignores it too; a TLS context hook decides"),
    Absent("suppress_ragged_eofs", "not planned", "always so"),
    Absent("do_handshake_on_connect", "not planned", "the worker model decides"),
    *(
        Absent(name, "not planned", _HTTP2)
        for name in (
            "http_protocols",
            "http2_cleartext",
            "http2_max_concurrent_streams",
            "http2_initial_window_size",
            "http2_max_frame_size",
            "http2_max_header_list_size",
        )
    ),
    *(
        Absent(name, "not planned", _STATSD)
        for name in ("statsd_host", "dogstatsd_tags", "statsd_prefix", "enable_backlog_metric")
    ),
    *(
        Absent(name, "not planned", _ASGI)
        for name in (
            "asgi_loop",
            "asgi_lifespan",
            "asgi_disconnect_grace_period",
            "websocket_max_message_size",
            "root_path",
        )
    ),
    Absent("http_parser", "not planned", "there is one parser; a faster one is chosen by itself"),
    *(
        Absent(name, "not planned", _DIRTY)
        for name in (
            "dirty_apps",
            "dirty_workers",
            "dirty_timeout",
            "dirty_threads",
            "dirty_graceful_timeout",
            "on_dirty_starting",
            "dirty_post_fork",
            "dirty_worker_init",
            "dirty_worker_exit",
        )
    ),
    *(
        Absent(name, "not planned", _CONTROL)
        for name in ("control_socket", "control_socket_mode", "control_socket_disable")
    ),
    Absent("default_proc_name", "not planned", "set proc_name"),
)

_FLAG_NAMES = {
    "reload_extra_file": "reload_extra_files",
    "paster": "paste",
    "paste_global": "raw_paste_global_conf",
    "proxy_allow_from": "proxy_allow_ips",
    "uwsgi_allow_from": "uwsgi_allow_ips",
    "dirty_app": "dirty_apps",
    "no_control_socket": "control_socket_disable",
}


WORKERS = {
    "gevent_wsgi": "gevent",
    "gevent_pywsgi": "gevent",
    "egg:gunicorn#sync": "sync",
    "egg:gunicorn#gthread": "gthread",
    "egg:gunicorn#gevent": "gevent",
    "egg:gunicorn#tornado": "tornado",
    "gunicorn.workers.sync.SyncWorker": "sync",
    "gunicorn.workers.gthread.ThreadWorker": "gthread",
    "gunicorn.workers.ggevent.GeventWorker": "gevent",
    "gunicorn.workers.ggevent.GeventPyWSGIWorker": "gevent",
    "gunicorn.workers.ggevent.PyWSGIWorker": "gevent",
    "gunicorn.workers.geventlet.EventletWorker": "eventlet",
    "gunicorn.workers.gtornado.TornadoWorker": "tornado",
}
"""gunicorn's names for worker models, and the model to use instead."""

ASGI_WORKERS = frozenset({"asgi", "uvicorn.workers.UvicornWorker", "uvicorn_worker.UvicornWorker"})
"""Names of workers that serve another kind of application."""


def explain(kind: str, name: str) -> str | None:
    """What a name of gunicorn's means here, as `explain_unknown` returns it; `None` for others."""
    if kind == "worker":
        return _explain_worker(name)
    if kind == "flag":
        name = name.lstrip("-").replace("-", "_")
        name = _FLAG_NAMES.get(name, name)
    absent = next((absent for absent in ABSENT if absent.name == name), None)
    return f"gunicorn's, {absent.plan}: {absent.advice}" if absent else None


def _explain_worker(name: str) -> str | None:
    if name in WORKERS:
        return f"is gunicorn's: use -k {WORKERS[name]} instead"
    if name in ASGI_WORKERS:
        return "serves ASGI applications, hookserve serves WSGI"
    return None
