"""Worker and logger classes for gunicorn: what does here what they do there.

``gunicorn.workers.ggevent.GeventWorker`` is a name for a model of ours.  A class of another
family, or one that derives from gunicorn's, cannot run here: a line says what serves instead.
"""

from __future__ import annotations

import importlib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from hookserve.plugins import calling
from hookserve_gunicorn.standin import standing_in

if TYPE_CHECKING:
    from hookserve.plugins.host import PluginHost

MODELS = {
    "gevent_wsgi": "gevent",
    "gevent_pywsgi": "gevent",
    "egg:gunicorn": "sync",
    "egg:gunicorn#sync": "sync",
    "egg:gunicorn#gthread": "gthread",
    "egg:gunicorn#gevent": "gevent",
    "egg:gunicorn#gevent_wsgi": "gevent",
    "egg:gunicorn#gevent_pywsgi": "gevent",
    "egg:gunicorn#eventlet": "eventlet",
    "egg:gunicorn#tornado": "tornado",
    "gunicorn.workers.sync.SyncWorker": "sync",
    "gunicorn.workers.gthread.ThreadWorker": "gthread",
    "gunicorn.workers.ggevent.GeventWorker": "gevent",
    "gunicorn.workers.ggevent.GeventPyWSGIWorker": "gevent",
    "gunicorn.workers.ggevent.PyWSGIWorker": "gevent",
    "gunicorn.workers.geventlet.EventletWorker": "eventlet",
    "gunicorn.workers.gtornado.TornadoWorker": "tornado",
}
"""gunicorn's names, and the model of ours for each."""

ASGI = "asgi"
"""The interface of a worker type that serves ASGI: where a plugin brings one, it is chosen."""
_ASGI_NAMES = ("asgi", "egg:gunicorn#asgi", "gunicorn.workers.gasgi.ASGIWorker")
_ASGI_PACKAGES = ("uvicorn", "uvicorn_worker")
_ASGI_ADVICE = (
    "serves ASGI applications, as the model asyncio does here (use -k asyncio; what a class of its"
    " own changes belongs into settings: --loop, --lifespan)"
)
_ADVICE = {
    **dict.fromkeys(_ASGI_PACKAGES, _ASGI_ADVICE),
    "aiohttp": (
        "serves aiohttp applications, and no worker model does here"
        " (serve it with aiohttp.web.run_app)"
    ),
    "geventwebsocket": (
        "serves WSGI and websockets on greenlets; the model gevent does, without the websockets"
        " (use -k gevent: clients of socket.io then poll)"
    ),
}
"""By the package that brings the class, or the class that it derives from."""


def find_model(name: str, host: PluginHost) -> str | None:
    """The model that serves what gunicorn's worker class `name` serves; `None` when the name is
    not gunicorn's, or there is no such model."""
    name = name.replace(":", ".") if name.startswith("gunicorn.") else name
    if name in MODELS:
        return MODELS[name]
    if name not in _ASGI_NAMES and _package(name) not in _ASGI_PACKAGES:
        return None
    types = [each for _, each in calling.collect(host.hook.worker_types)]
    return next((each.name for each in types if ASGI in (each.name, *each.interfaces)), None)


def explain(kind: str, name: str) -> str | None:
    """As the hook `explain_unknown` says, for kinds that begin with ``worker`` or ``logger``."""
    if kind == "worker":
        return _explain_name(name)
    if kind == "worker class":
        return _explain_class(name)
    if kind == "logger class" and "gunicorn" in map(_package, _modules_behind(name)):
        return (
            "is built on gunicorn's Logger (name it as for gunicorn, with dots:"
            f" logger_class = '{name.replace(':', '.')}')"
        )
    return None


def _explain_name(name: str) -> str | None:
    """What to do about a worker's name that is not ours; `None` when it is not gunicorn's."""
    if name in MODELS:
        return f"is gunicorn's (use -k {MODELS[name]})"
    if name in _ASGI_NAMES:
        return _ASGI_ADVICE
    if name.startswith("egg:"):
        return "is a worker class for gunicorn (hookserve --list-workers shows the models)"
    return _ADVICE.get(_package(name))


def _explain_class(target: str) -> str | None:
    """What to do about ``module:Class``, which is not a worker of ours or cannot be imported;
    `None` when it has nothing to do with gunicorn."""
    modules = list(_modules_behind(target))
    advice = next((_ADVICE[name] for name in map(_package, modules) if name in _ADVICE), None)
    if advice is not None:
        return f"is built on a worker class that {advice}"
    if "gunicorn" not in map(_package, modules):
        return None
    models = [MODELS[name] for name in modules if name in MODELS]
    use = f"use -k {models[0]}" if models else "hookserve --list-workers shows the models"
    return f"is built on gunicorn's worker class ({use}; what it changes belongs into hooks)"


def _modules_behind(target: str) -> Iterator[str]:
    """The classes that a class derives from, dotted, in order of resolution; for one that cannot
    be imported the modules that its import went through."""
    module, _, name = target.partition(":")
    try:
        with standing_in():
            found = getattr(importlib.import_module(module), name)
        for each in found.__mro__:
            yield f"{each.__module__}.{each.__qualname__}"
    except (Exception, SystemExit) as error:  # the caller has said that it cannot be imported
        trace = error.__traceback__
        while trace is not None:
            yield str(trace.tb_frame.f_globals.get("__name__"))
            trace = trace.tb_next
        yield str(getattr(error, "name", None))


def _package(name: str) -> str:
    return name.partition(".")[0].partition(":")[0]
