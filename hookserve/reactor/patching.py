"""Whether a worker model that patches the standard library came early enough.

A module that was imported before may keep what is patched by a name of its own (``from socket
import socket``): it then blocks every greenlet of the worker whenever it waits.  `PatchCheck` is
made before patching and finds such modules afterwards, so that the culprit is named instead of
being searched for.

The core itself is never patched: it has its system calls from `hookserve.system.calls`.
"""

from __future__ import annotations

import sys

from hookserve.errors import BootError

WATCHED: dict[str, tuple[str, ...]] = {
    "socket": ("socket", "create_connection", "getaddrinfo", "gethostbyname", "socketpair"),
    "ssl": ("SSLContext", "SSLSocket"),
    "select": ("select", "poll", "epoll"),
    "time": ("sleep",),
    "threading": ("Lock", "RLock", "Event", "Condition", "Semaphore", "Thread", "local"),
    "queue": ("Queue", "SimpleQueue"),
    "subprocess": ("Popen", "run", "call", "check_output"),
    "os": ("fork", "waitpid"),
}
"""What the event libraries replace, and what is dangerous to keep."""

_OURS = frozenset({"hookserve", "pluggy", "importlib_metadata", "zipp"})


class PatchCheck:
    """What the standard library offers before it is patched."""

    def __init__(self) -> None:
        self._found: dict[int, tuple[str, str, object]] = {}
        for module_name, names in WATCHED.items():
            module = sys.modules.get(module_name)
            for name in names if module is not None else ():
                value = getattr(module, name, None)
                if value is not None:
                    self._found[id(value)] = (module_name, name, value)

    def check_stale_references(self, worker: str, libraries: tuple[str, ...]) -> None:
        """Raise BootError when a module still has something that was replaced since.

        The standard library and the event libraries themselves are passed over.
        """
        replaced = {
            key: f"{module}.{name}"
            for key, (module, name, value) in self._found.items()
            if getattr(sys.modules[module], name, None) is not value
        }
        for name, module in list(sys.modules.items()):
            if _is_exempt(name, libraries):
                continue
            for value in list(getattr(module, "__dict__", {}).values()):
                if id(value) in replaced:
                    where = getattr(module, "__file__", None) or "no file"
                    raise BootError(
                        f"worker '{worker}': the module {name} ({where}) was imported"
                        f" before patching and keeps the blocking {replaced[id(value)]} (import it"
                        " in the application, not in a plugin or the configuration file)"
                    )


def _is_exempt(name: str, libraries: tuple[str, ...]) -> bool:
    top = name.partition(".")[0]
    return (
        top in sys.stdlib_module_names
        or top in _OURS
        or top.startswith("hookserve_")
        or top in libraries
        or top.startswith(("__original_module_", "__patched_module_"))  # eventlet's own copies
    )
