"""Pages of the contract's application that do what the client's request says, right or wrong.

The query is a Python literal.  ``/plan``: a dictionary of what a WSGI application does with
`start_response`, ``write()`` and its iterable (`run_plan`).  ``/input``: a list of calls on
``wsgi.input``, whose results are the response.  ``/closes/NAME``: how often the iterables and files
called so have been closed.
"""

from __future__ import annotations

import ast
import gzip
import io
import os
import sys
import tempfile
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from typing import Any, BinaryIO, NoReturn
from urllib.parse import unquote

Environ = dict[str, Any]  # Any: PEP 3333
StartResponse = Callable[..., Callable[[bytes], object]]
Plan = dict[str, Any]  # Any: each entry has a type of its own

FAIL = ("fail",)
"""A part of a body that is raised instead of sent."""

_closes: Counter[str] = Counter()


def content(size: int) -> bytes:
    """What a file of that size consists of."""
    line = b"%015d\n"
    return b"".join(line % number for number in range(size // 16 + 1))[:size]


def count_closes(environ: Environ, start_response: StartResponse, argument: str) -> list[bytes]:
    """How often what is called so was closed."""
    start_response("200 OK", [])
    return [b"%d" % _closes[argument]]


def call_input(environ: Environ, start_response: StartResponse, argument: str) -> list[bytes]:
    """Do to the input what the query lists."""
    results = call_all(environ["wsgi.input"], ast.literal_eval(unquote(environ["QUERY_STRING"])))
    start_response("200 OK", [])
    return [repr(results).encode()]


def call_all(file: Any, calls: Iterable[tuple[Any, ...]]) -> list[object]:  # Any: PEP 3333
    """The result of each call; ``("iterate",)`` takes all lines."""
    return [
        list(file) if name == "iterate" else getattr(file, name)(*arguments)
        for name, *arguments in calls
    ]


def run_plan(environ: Environ, start_response: StartResponse, argument: str) -> Iterable[bytes]:
    """Do what the query says.

    ``start``: calls of `start_response`, each a status, headers and whether with `exc_info`;
    ``write``: what is written; ``parts`` and ``kind``: the iterable; ``late``: all this happens in
    the iterable's first step; ``times``: the parts are repeated; ``tolerates``: errors of
    `start_response` and ``write()`` are swallowed; ``file``: a file is returned (`_open`).
    """
    plan: Plan = ast.literal_eval(unquote(environ["QUERY_STRING"]))
    if plan.get("late"):
        return _Closing(plan, argument, lambda: _begin(plan, start_response))
    _begin(plan, start_response)
    if "file" in plan:
        size = plan["file"].get("block")
        more = [] if size is None else [size]
        wrapped: Iterable[bytes] = environ["wsgi.file_wrapper"](
            _open(plan["file"], argument), *more
        )
        return wrapped
    made: Iterable[bytes] = _KINDS[plan.get("kind", "list")](plan, argument)
    return made


def _begin(plan: Plan, start_response: StartResponse) -> None:
    write = None
    for status, headers, has_error in plan.get("start", [("200 OK", [], False)]):
        try:
            write = _start(start_response, status, headers, has_error)
        except Exception:  # whatever the server thinks of it
            if not plan.get("tolerates"):
                raise
    for data in plan.get("write", ()):
        assert write is not None
        try:
            write(data)
        except Exception:  # as above
            if not plan.get("tolerates"):
                raise


def _start(
    start_response: StartResponse, status: Any, headers: Any, has_error: bool
) -> Callable[[bytes], object]:  # Any: also what no status is
    if not has_error:
        return start_response(status, headers)
    try:
        raise ValueError("on purpose")
    except ValueError:
        return start_response(status, headers, sys.exc_info())


def _parts(plan: Plan) -> Iterator[bytes]:
    for _ in range(plan.get("times", 1)):
        for part in plan.get("parts", ()):
            if part == FAIL:
                _fail()
            yield part


def _fail() -> NoReturn:
    raise ValueError("on purpose")


class _Plain:
    """An iterator, and nothing besides."""

    def __init__(self, plan: Plan, name: str) -> None:
        self._plan = plan
        self._name = name
        self._parts = _parts(plan)

    def __iter__(self) -> Iterator[bytes]:
        return self

    def __next__(self) -> bytes:
        return next(self._parts)


class _Closing(_Plain):
    """An iterator that counts how often it is closed."""

    def __init__(self, plan: Plan, name: str, begin: Callable[[], None] | None = None) -> None:
        super().__init__(plan, name)
        self._begin = begin

    def __next__(self) -> bytes:
        begin, self._begin = self._begin, None
        if begin is not None:
            begin()
        return super().__next__()

    def close(self) -> None:
        _closes[self._name] += 1
        if self._plan.get("fails to close"):
            _fail()


class _Sized(_Closing):
    """An iterator with a length, which PEP 3333 lets a server believe."""

    def __len__(self) -> int:
        return len(self._plan["parts"])


def _raise(plan: Plan, name: str) -> NoReturn:
    _fail()


_KINDS: dict[str, Callable[[Plan, str], Any]] = {  # Any: also what no iterable is
    "list": lambda plan, name: list(_parts(plan)),
    "tuple": lambda plan, name: tuple(_parts(plan)),
    "generator": lambda plan, name: _parts(plan),
    "iterator": _Plain,
    "closing": _Closing,
    "sized": _Sized,
    "keys": lambda plan, name: dict.fromkeys(_parts(plan)).keys(),
    "bare": lambda plan, name: plan["parts"],
    "raise": _raise,
}


class _File(io.FileIO):
    """An unbuffered file that counts how often it is closed."""

    def __init__(self, place: str | int, name: str) -> None:
        super().__init__(place)
        self._count_as = name

    def close(self) -> None:
        if not self.closed:
            _closes[self._count_as] += 1
        super().close()


class _Unzipping(gzip.GzipFile):
    """Has the descriptor of its file, whose bytes are not what is read."""

    def close(self) -> None:
        file: Any = self.fileobj  # Any: a file-like object, and none once it is closed
        super().close()
        if file is not None:
            file.close()


class _Reader:
    """A file-like object with nothing but `read` and `close`."""

    def __init__(self, file: BinaryIO) -> None:
        self.read = file.read
        self.close = file.close


def _open(wanted: Plan, name: str) -> object:
    """A file-like object: ``kind``, ``size`` of the content, ``offset`` where it stands."""
    kind, size = wanted.get("kind", "file"), wanted["size"]
    if kind == "pipe":
        reading, writing = os.pipe()
        # Not by os.close(), which gevent puts off until others have had their turn.
        with io.FileIO(writing, "w") as sink:
            sink.write(content(size))
        return io.BufferedReader(_File(reading, name))
    if kind == "device":
        return io.BufferedReader(_File("/dev/zero", name))
    fd, path = tempfile.mkstemp()
    with os.fdopen(fd, "wb") as file:
        file.write(gzip.compress(content(size)) if kind == "gzip" else content(size))
    raw = _File(path, name)
    os.unlink(path)
    found: Any = raw if kind == "unbuffered" else io.BufferedReader(raw)  # Any: file-like objects
    if kind == "gzip":
        found = _Unzipping(fileobj=found)
    found.seek(wanted.get("offset", 0))
    if kind == "closed":
        found.close()
    return _Reader(found) if kind == "reader" else found
