"""What is measured against what: one entry a pair, data."""

from __future__ import annotations

from dataclasses import dataclass

BROWSER_HEADERS = (
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64; rv:130.0) Gecko/20100101 Firefox/130.0",
    "Accept: text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Accept-Language: en-US,en;q=0.5",
    "Accept-Encoding: gzip, deflate, br",
    "Referer: http://127.0.0.1/index.html",
    "Cookie: session=0123456789abcdef; theme=dark",
    "Upgrade-Insecure-Requests: 1",
    "Cache-Control: max-age=0",
    "DNT: 1",
)
"""With Host and Connection, eleven."""

HELLO = "examples.hello:application"


@dataclass(frozen=True, slots=True)
class Contender:
    """A server as it is started; ``{port}`` and ``{python}`` are filled in."""

    name: str
    command: tuple[str, ...]
    is_peer: bool


@dataclass(frozen=True, slots=True)
class Pair:
    """Two servers under one load."""

    name: str
    ours: Contender
    theirs: Contender
    connections: int
    is_keep_alive: bool
    at_most: float
    """The budget: our CPU per request divided by theirs."""


def _hookserve(worker: str, *more: str) -> Contender:
    command = ("{python}", "-m", "hookserve", "-b", "127.0.0.1:{port}", "-w", "1", "-k", worker)
    return Contender(f"hookserve {worker}", (*command, *more, HELLO), is_peer=False)


def _gunicorn(worker: str, *more: str) -> Contender:
    command = ("{python}", "-m", "gunicorn", "-b", "127.0.0.1:{port}", "-w", "1", "-k", worker)
    quiet = ("--no-control-socket",)
    return Contender(f"gunicorn {worker}", (*command, *quiet, *more, HELLO), is_peer=True)


def _peer(name: str, *command: str) -> Contender:
    return Contender(name, ("{python}", *command), is_peer=True)


GRANIAN = _peer(
    "granian", "-m", "granian", "--interface", "wsgi", "--workers", "1", "--blocking-threads", "1",
    "--no-ws", "--host", "127.0.0.1", "--port", "{port}", HELLO,
)  # fmt: skip
FASTPYSGI = _peer("fastpysgi", "-m", "benchmarks.peers", "fastpysgi", "{port}")
EVENTLET_WSGI = _peer("eventlet.wsgi", "-m", "benchmarks.peers", "eventlet", "{port}")

PAIRS = (
    Pair("sync", _hookserve("sync"), _gunicorn("sync"), 16, is_keep_alive=False, at_most=0.33),
    Pair("gthread", _hookserve("gthread", "--threads", "4"),
         _gunicorn("gthread", "--threads", "4"), 64, is_keep_alive=True, at_most=0.18),
    Pair("gevent", _hookserve("gevent"), _gunicorn("gevent"), 64, is_keep_alive=True,
         at_most=0.25),
    Pair("eventlet", _hookserve("eventlet"), EVENTLET_WSGI, 64, is_keep_alive=True, at_most=0.33),
    Pair("tornado", _hookserve("tornado"), _gunicorn("tornado"), 64, is_keep_alive=True,
         at_most=0.12),
    Pair("epoll", _hookserve("epoll"), GRANIAN, 64, is_keep_alive=True, at_most=0.95),
    Pair("epoll-c", _hookserve("epoll"), FASTPYSGI, 64, is_keep_alive=True, at_most=1.45),
)  # fmt: skip

PEER_REQUIREMENTS = (
    "gunicorn==27.0.1",
    "packaging==26.0",
    "gevent==26.9.0",
    "eventlet==0.41.3",
    "tornado==6.6.1",
    "granian==2.8.7",
    "fastpysgi==0.6",
)
