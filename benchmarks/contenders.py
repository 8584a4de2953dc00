"""The servers, as they are started: data."""

from __future__ import annotations

from dataclasses import dataclass

BACKLOG = 4096
PLACES = 8192
"""Connections that a server may hold, where it asks."""


@dataclass(frozen=True, slots=True)
class Contender:
    """A server.

    In its words ``{bin}`` (the programs of its environment), ``{port}``, ``{application}``,
    ``{workers}``, ``{threads}`` and ``{directory}`` (its own, empty) are filled in.
    """

    name: str
    distribution: str
    """What has to be installed for it."""
    command: tuple[str, ...]
    access_log: tuple[str, ...] = ()
    """Added to have one; empty: it has none."""
    quiet: tuple[str, ...] = ()
    """Added to have none, where one is on by default."""
    configuration: str = ""
    """Written to ``{directory}/configuration``, filled in likewise."""


def _hookserve(worker: str, *more: str) -> Contender:
    command = (
        "{bin}/hookserve",
        "-b",
        "127.0.0.1:{port}",
        "-w",
        "{workers}",
        "-k",
        worker,
        "--backlog",
        str(BACKLOG),
        "--worker-connections",
        str(PLACES),
        *more,
        "{application}",
    )
    log = ("--access-logfile", "{directory}/access.log")
    return Contender(f"hookserve {worker}", "hookserve", command, log)


def _gunicorn(worker: str, *more: str) -> Contender:
    command = (
        "{bin}/gunicorn",
        "-b",
        "127.0.0.1:{port}",
        "-w",
        "{workers}",
        "-k",
        worker,
        "--backlog",
        str(BACKLOG),
        "--worker-connections",
        str(PLACES),
        "--no-control-socket",
        *more,
        "{application}",
    )
    log = ("--access-logfile", "{directory}/access.log")
    return Contender(f"gunicorn {worker}", "gunicorn", command, log)


def _started_here(name: str, distribution: str) -> Contender:
    """One that has no command of its own: see other_servers.py."""
    command = (
        "{bin}/python",
        "-m",
        "benchmarks.other_servers",
        name,
        "{port}",
        "{application}",
        "{workers}",
    )
    return Contender(name, distribution, command)


HOOKSERVE = Contender(
    "hookserve", "hookserve", ("{bin}/hookserve", "-b", "127.0.0.1:{port}", "{application}")
)
"""As it comes: one worker of sync."""
SYNC = _hookserve("sync")
GTHREAD = _hookserve("gthread", "--threads", "{threads}")
EPOLL = _hookserve("epoll")
GEVENT = _hookserve("gevent")
EVENTLET = _hookserve("eventlet")
TORNADO = _hookserve("tornado")
ASYNCIO = _hookserve("asyncio", "--loop", "uvloop")

GUNICORN_SYNC = _gunicorn("sync")
GUNICORN_GTHREAD = _gunicorn("gthread", "--threads", "{threads}")
GUNICORN_GEVENT = _gunicorn("gevent")
GUNICORN_TORNADO = _gunicorn("tornado")
GUNICORN_ASGI = _gunicorn("asgi", "--asgi-loop", "uvloop")
GUNICORN = Contender(
    "gunicorn",
    "gunicorn",
    # Its control socket is in the directory of the run, not in the home of who measures.
    (
        "env",
        "XDG_RUNTIME_DIR={directory}",
        "{bin}/gunicorn",
        "-b",
        "127.0.0.1:{port}",
        "{application}",
    ),
)
"""As it comes: one worker of sync, and a control socket."""
EVENTLET_WSGI = _started_here("eventlet.wsgi", "eventlet")
FASTPYSGI = _started_here("fastpysgi", "fastpysgi")
BJOERN = _started_here("bjoern", "bjoern")


def _granian(name: str, interface: str, *more: str) -> Contender:
    command = (
        "{bin}/granian",
        "--interface",
        interface,
        *more,
        "--workers",
        "{workers}",
        "--no-ws",
        "--backlog",
        str(BACKLOG),
        "--backpressure",
        str(PLACES),
        "--host",
        "127.0.0.1",
        "--port",
        "{port}",
        "{application}",
    )
    return Contender(name, "granian", command, access_log=("--access-log",))


GRANIAN = _granian("granian", "wsgi", "--blocking-threads", "1")
GRANIAN_ASGI = _granian("granian asgi", "asgi", "--loop", "uvloop")
WAITRESS = Contender(
    "waitress",
    "waitress",
    (
        "{bin}/waitress-serve",
        "--listen",
        "127.0.0.1:{port}",
        "--threads",
        "{threads}",
        "--backlog",
        str(BACKLOG),
        "--connection-limit",
        str(PLACES),
        "--asyncore-use-poll",
        "{application}",
    ),
)
CHEROOT = Contender(
    "cheroot",
    "cheroot",
    (
        "{bin}/python",
        "-m",
        "cheroot",
        "--bind",
        "127.0.0.1:{port}",
        "--threads",
        "{threads}",
        "--request-queue-size",
        str(BACKLOG),
        "{application}",
    ),
)


def _uvicorn(name: str, interface: str) -> Contender:
    command = (
        "{bin}/uvicorn",
        "--interface",
        interface,
        "--http",
        "httptools",
        "--loop",
        "uvloop",
        "--host",
        "127.0.0.1",
        "--port",
        "{port}",
        "--workers",
        "{workers}",
        "--backlog",
        str(BACKLOG),
        "{application}",
    )
    return Contender(name, "uvicorn", command, ("--access-log",), quiet=("--no-access-log",))


UVICORN = _uvicorn("uvicorn", "wsgi")
UVICORN_ASGI = _uvicorn("uvicorn asgi", "asgi3")


HYPERCORN = Contender(
    "hypercorn",
    "hypercorn",
    (
        "{bin}/hypercorn",
        "--config",
        "{directory}/configuration",
        "--worker-class",
        "uvloop",
        "--workers",
        "{workers}",
        "--backlog",
        str(BACKLOG),
        "--bind",
        "127.0.0.1:{port}",
        "{application}",
    ),
    configuration="keep_alive_max_requests = 1000000000\n",
)
DAPHNE = Contender(
    "daphne",
    "daphne",
    ("{bin}/daphne", "-b", "127.0.0.1", "-p", "{port}", "{application}"),
    quiet=("-v", "0"),
)
"""Twisted's loop is asyncio's: it cannot be told to run on uvloop."""


def _pyuwsgi(name: str, *socket: str) -> Contender:
    command = (
        "{bin}/pyuwsgi",
        *socket,
        "--master",
        "--die-on-term",
        "--processes",
        "{workers}",
        "--listen",
        str(BACKLOG),
        "--need-app",
        "--pythonpath",
        ".",
        "--wsgi",
        "{application}",
    )
    log = ("--logto", "{directory}/access.log")
    return Contender(name, "pyuwsgi", command, log, quiet=("--disable-logging",))


PYUWSGI = _pyuwsgi(
    "pyuwsgi", "--http", "127.0.0.1:{port}", "--http-keepalive", "--http-auto-chunked"
)
PYUWSGI_SOCKET = _pyuwsgi(
    "pyuwsgi", "--http-socket", "127.0.0.1:{port}", "--add-header", "Connection: close"
)
"""A process less; it closes after each response, and must be configured to announce it."""

NGINX = Contender(
    "nginx",
    "nginx",
    ("nginx", "-e", "{directory}/error.log", "-c", "{directory}/configuration"),
    configuration="""
daemon off;
pid {directory}/nginx.pid;
worker_processes {workers};
worker_rlimit_nofile 16384;
events {{ worker_connections 8192; }}
http {{
    access_log off;
    keepalive_requests 1000000000;
    default_type text/plain;
    client_body_temp_path {directory}/body;
    proxy_temp_path {directory}/proxy;
    fastcgi_temp_path {directory}/fastcgi;
    uwsgi_temp_path {directory}/uwsgi;
    scgi_temp_path {directory}/scgi;
    server {{
        listen 127.0.0.1:{port} backlog=4096;
        return 200 "Hello, world!\\n";
    }}
}}
""",
)
"""It answers by itself: the floor, what the system calls and the bytes cost."""

FRAMEWORKS = ("flask==3.1.3", "django==5.2.19")
"""In both environments."""

UVLOOP = ("uvloop==0.23.0",)
"""Likewise: the loop of all that run on asyncio's and can choose."""

PEER_REQUIREMENTS = {
    # The parser in C that gunicorn takes when it finds it; its extra "fast".
    "gunicorn": ("gunicorn==27.0.1", "gunicorn_h1c==0.6.10", "packaging==26.0"),
    "gevent": ("gevent==26.9.0",),
    "eventlet": ("eventlet==0.41.3",),
    "tornado": ("tornado==6.6.1",),
    "granian": ("granian==2.8.9",),
    "fastpysgi": ("fastpysgi==0.6",),
    "bjoern": ("bjoern==3.2.2",),
    "waitress": ("waitress==3.0.2",),
    "cheroot": ("cheroot==11.1.2",),
    "pyuwsgi": ("pyuwsgi==2.0.30.post1",),
    "hypercorn": ("hypercorn==0.18.0",),
    "daphne": ("daphne==4.2.3",),
    "uvicorn": ("uvicorn==0.54.0", "httptools==0.9.0", *UVLOOP),
}
"""What the other servers' environment is made of, by what a contender names."""

COMPILED = ("bjoern",)
"""Those that come as sources, with a compiler and libev's headers to be there."""
