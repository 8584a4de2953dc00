"""Loads an application and notes which module starts threads and opens sockets (PEP 578).

Runs in a process of its own: an audit hook cannot be removed.
"""

from __future__ import annotations

import json
import os
import sys
import sysconfig
import threading
import weakref
from collections.abc import Iterator
from socket import SO_ACCEPTCONN, SOL_SOCKET
from types import FrameType
from typing import TYPE_CHECKING, Any, NoReturn

from hookserve.errors import AppImportError
from hookserve.plugins import calling
from hookserve.wording import describe, one_line

if TYPE_CHECKING:
    from hookserve.config.resolved import Config
    from hookserve.plugins.host import PluginHost

_LIBRARY = sysconfig.get_path("stdlib")
_PACKAGES = tuple(filter(None, (sysconfig.get_path("purelib"), sysconfig.get_path("platlib"))))


def inspect_loading(config: Config, host: PluginHost, report: int) -> None:
    """Load the application, and write to the descriptor `report`, as JSON: the ``threads`` and
    ``sockets`` that are there then, each with its maker; or ``error``, why it cannot be loaded, and
    ``remedy``."""
    sockets: list[tuple[weakref.ref[Any], str]] = []  # Any: sockets
    makers: dict[threading.Thread, str] = {}
    start = threading.Thread.start

    def start_noting_maker(thread: threading.Thread) -> None:
        makers[thread] = _maker(sys._getframe(1))
        start(thread)

    def audit(event: str, arguments: tuple[Any, ...]) -> None:  # Any: as PEP 578 has it
        if event == "socket.__new__":
            sockets.append((weakref.ref(arguments[0]), _maker(sys._getframe(1))))

    before = _socket_descriptors()
    threading.Thread.start = start_noting_maker  # type: ignore[method-assign,assignment]  # to the end
    _report_exit(report)
    sys.addaudithook(audit)
    try:
        calling.fire(host.hook.load_app, config)
    except BaseException as error:  # an application may raise anything
        # The message of an AppImportError has a traceback, which is more than one line.
        cause = error.__cause__ if isinstance(error, AppImportError) else None
        _write(report, error=describe(cause or error), remedy="hookserve --check-config says more")
        return
    found = _sockets(sockets, _socket_descriptors() - before)
    _write(report, threads=_threads(makers), sockets=found)


def _report_exit(report: int) -> None:
    """Have ``os._exit`` in this process name its caller: it raises nothing."""
    pid, end_process = os.getpid(), os._exit

    def exit_noting_caller(status: int) -> NoReturn:
        if os.getpid() == pid:  # not in a process that the application has forked
            _write(
                report,
                error=f"os._exit({status}) ended its process, called by {_maker(sys._getframe(1))}",
                remedy="raise an exception there: a start with preload_app would end silently",
            )
        end_process(status)

    os._exit = exit_noting_caller


def _write(report: int, **found: object) -> None:
    os.write(report, json.dumps(found).encode())


def _threads(makers: dict[threading.Thread, str]) -> list[str]:
    """Those that run, by name, and their makers."""
    running = [each for each in threading.enumerate() if each is not threading.main_thread()]
    found = [
        f"{one_line(each.name)}, started by {makers.get(each, 'code in C')}" for each in running
    ]
    native = _thread_count() - 1 - len(running)
    return found + (
        [f"{native} that Python does not know, started by code in C"] if native > 0 else []
    )


def _sockets(
    made: list[tuple[weakref.ref[Any], str]],  # Any: sockets
    open_now: set[int],
) -> list[str]:
    found = []
    for reference, maker in made:
        made_socket = reference()
        if made_socket is not None and made_socket.fileno() in open_now:
            open_now.discard(made_socket.fileno())
            found.append(f"{_describe(made_socket)}, made by {maker}")
    return found + [f"descriptor {fd}, made by code in C" for fd in sorted(open_now)]


def _describe(made: Any) -> str:  # Any: a socket
    try:
        peer = made.getpeername()
    except OSError:
        if made.getsockopt(SOL_SOCKET, SO_ACCEPTCONN):
            return f"listening on {made.getsockname()}"
        return f"descriptor {made.fileno()}, not connected"
    if peer:
        return f"to {peer}"
    own = made.getsockname()  # that of the peer is empty: unix(7)
    return f"accepted on {own}" if own else f"descriptor {made.fileno()}, one of a pair"


def _maker(frame: FrameType | None) -> str:
    """The module that has called what the standard library does: the innermost that is not of it;
    of a package that is installed, the module of the application too that has called that."""
    calling = [each for each in _outwards(frame) if not is_library(each.f_code.co_filename)]
    if not calling:
        return "?" if frame is None else _module(frame)
    maker, *callers = calling
    if _is_installed(maker):
        for each in callers:
            if _module(each).partition(".")[0] == "hookserve":  # what has loaded the application
                break
            if not _is_installed(each):
                return f"{_place(maker)}, called by {_place(each)}"
    return _place(maker)


def _outwards(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _module(frame: FrameType) -> str:
    return str(frame.f_globals.get("__name__", "?"))


def _place(frame: FrameType) -> str:
    return f"{_module(frame)} ({frame.f_code.co_filename}:{frame.f_lineno})"


def _is_installed(frame: FrameType) -> bool:
    return frame.f_code.co_filename.startswith(_PACKAGES)


def is_library(file: str) -> bool:
    """Whether the code of that file is the standard library's, or this module's."""
    is_standard = file.startswith(_LIBRARY) and not file.startswith(_PACKAGES)
    return is_standard or file.startswith("<") or file == __file__


def _socket_descriptors() -> set[int]:
    found: set[int] = set()
    try:
        names = os.listdir("/proc/self/fd")
    except OSError:
        return found
    for name in names:
        try:
            if os.readlink(f"/proc/self/fd/{name}").startswith("socket:"):
                found.add(int(name))
        except OSError:
            continue
    return found


def _thread_count() -> int:
    try:
        return len(os.listdir("/proc/self/task"))
    except OSError:
        return threading.active_count()
