"""Which servers each case is measured with, and which pairs have a budget: data."""

from __future__ import annotations

from dataclasses import dataclass

from benchmarks import cases
from benchmarks.cases import Case
from benchmarks.contenders import (
    ASYNCIO,
    BJOERN,
    CHEROOT,
    DAPHNE,
    EPOLL,
    EVENTLET,
    EVENTLET_WSGI,
    FASTPYSGI,
    GEVENT,
    GRANIAN,
    GRANIAN_ASGI,
    GTHREAD,
    GUNICORN,
    GUNICORN_ASGI,
    GUNICORN_GEVENT,
    GUNICORN_GTHREAD,
    GUNICORN_SYNC,
    GUNICORN_TORNADO,
    HOOKSERVE,
    HYPERCORN,
    NGINX,
    PYUWSGI,
    PYUWSGI_SOCKET,
    SYNC,
    TORNADO,
    UVICORN,
    UVICORN_ASGI,
    WAITRESS,
    Contender,
)
from benchmarks.verdicts import Budget


@dataclass(frozen=True, slots=True)
class Pair:
    """One of ours and one of theirs under one load."""

    name: str
    ours: Contender
    theirs: Contender
    case: Case
    budget: Budget | None = None
    """Of our CPU per request divided by theirs."""


PAIRS = (
    Pair("sync", SYNC, GUNICORN_SYNC, cases.FRESH, Budget(0.33, 0.25)),
    Pair("gthread", GTHREAD, GUNICORN_GTHREAD, cases.BROWSER, Budget(0.18, 0.13)),
    Pair("gevent", GEVENT, GUNICORN_GEVENT, cases.BROWSER, Budget(0.25, 0.20)),
    Pair("eventlet", EVENTLET, EVENTLET_WSGI, cases.BROWSER, Budget(0.33, 0.25)),
    Pair("tornado", TORNADO, GUNICORN_TORNADO, cases.BROWSER, Budget(0.12, 0.08)),
    Pair("epoll", EPOLL, GRANIAN, cases.BROWSER, Budget(0.95, 0.80)),
    Pair("epoll-c", EPOLL, FASTPYSGI, cases.BROWSER, Budget(1.45, 1.00)),
    Pair("asgi", ASYNCIO, UVICORN_ASGI, cases.ASGI, Budget(0.60, 0.50)),
    Pair("asgi-granian", ASYNCIO, GRANIAN_ASGI, cases.ASGI, Budget(0.90, 0.75)),
)
"""Those of the budget."""

STARTUP = Pair("startup", HOOKSERVE, GUNICORN, cases.BARE)
"""Both as they come, with all that is on by default."""
MEMORY_BUDGET = Budget(0.7)
START_BUDGET = Budget(1.0, 0.8)

QUICK = (
    *PAIRS,
    Pair("epoll-fresh", EPOLL, GRANIAN, cases.FRESH),
    Pair("epoll-post-100k", EPOLL, GRANIAN, cases.POST_100K),
    Pair("gthread-access-log", GTHREAD, GUNICORN_GTHREAD, cases.ACCESS_LOG),
)
"""What is watched for losses."""

COMPARED = (
    EPOLL,
    GTHREAD,
    FASTPYSGI,
    BJOERN,
    GRANIAN,
    PYUWSGI,
    WAITRESS,
    CHEROOT,
    UVICORN,
    GUNICORN_GTHREAD,
)
_FEW = (EPOLL, GTHREAD, FASTPYSGI, BJOERN, GRANIAN, GUNICORN_GTHREAD)
_MANY_CONNECTIONS = (EPOLL, GTHREAD, FASTPYSGI, BJOERN, GRANIAN, WAITRESS, GUNICORN_GTHREAD, NGINX)

MATRIX: tuple[tuple[Case, tuple[Contender, ...]], ...] = (
    (cases.BARE, (*COMPARED, NGINX)),
    (cases.BROWSER, (*COMPARED, NGINX)),
    (
        cases.FRESH,
        (
            SYNC,
            EPOLL,
            GTHREAD,
            FASTPYSGI,
            BJOERN,
            GRANIAN,
            PYUWSGI_SOCKET,
            WAITRESS,
            CHEROOT,
            UVICORN,
            GUNICORN_SYNC,
            NGINX,
        ),
    ),
    (cases.RESPONSE_10K, COMPARED),
    (cases.RESPONSE_1M, COMPARED),
    (cases.RESPONSE_CHUNKED, COMPARED),
    (cases.POST_1K, COMPARED),
    (cases.POST_100K, COMPARED),
    (cases.POST_10M, COMPARED),
    (cases.POST_CHUNKED, COMPARED),
    (cases.PIPELINING, (*COMPARED, NGINX)),
    (cases.FLASK, _FEW),
    (cases.DJANGO, _FEW),
    (cases.ACCESS_LOG, (EPOLL, GTHREAD, GRANIAN, PYUWSGI, UVICORN, GUNICORN_GTHREAD)),
    (cases.CONNECTIONS_1000, _MANY_CONNECTIONS),
    (cases.CONNECTIONS_5000, _MANY_CONNECTIONS),
    (cases.TWO_WORKERS, (EPOLL, GTHREAD, FASTPYSGI, GRANIAN, PYUWSGI, GUNICORN_GTHREAD)),
    (cases.EIGHT_THREADS, (GTHREAD, WAITRESS, CHEROOT, GUNICORN_GTHREAD)),
    (cases.ASGI, (ASYNCIO, UVICORN_ASGI, HYPERCORN, GRANIAN_ASGI, GUNICORN_ASGI, DAPHNE)),
)
