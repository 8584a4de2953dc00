"""How errors, names and numbers are put into words: an exception in one line, the nearest known
name, one thing or several."""

from __future__ import annotations

import importlib
from collections.abc import Iterable
from types import CodeType

from hookserve.errors import HookserveError


def describe(error: BaseException) -> str:
    """An exception in one line: type, message, and the place that raised it; a `HookserveError` is
    its message alone."""
    if isinstance(error, HookserveError):
        return str(error)
    where = ""
    traceback = error.__traceback__
    while traceback is not None:
        if not _imports(traceback.tb_frame.f_code):
            where = f" at {traceback.tb_frame.f_code.co_filename}:{traceback.tb_lineno}"
        traceback = traceback.tb_next
    if isinstance(error, SyntaxError) and error.filename:
        where = f" at {error.filename}:{error.lineno}"
    text = str(error.msg if isinstance(error, SyntaxError) else error)
    message = _visible(" ".join(text.split()))
    name = type(error).__name__
    return f"{name}: {message}{where}" if message else f"{name}{where}"


def _imports(code: CodeType) -> bool:
    """Whether it is of the import system, or a finder's."""
    name = code.co_filename
    is_importlib = name.startswith("<frozen importlib") or name == importlib.__file__
    return is_importlib or code.co_name == "find_spec"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` probably meant."""
    import difflib

    matches = difflib.get_close_matches(name, sorted(set(known)), n=1, cutoff=0.6)
    return matches[0] if matches else None


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A phrase for an error message, with the nearest match when there is one."""
    match = nearest(name, known)
    return f" (did you mean '{match}'?)" if match else ""


def counted(number: int, noun: str) -> str:
    """A number of things: ``1 worker``, ``3 workers``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def printable(stored: bytes) -> str:
    """The first line of a text that came from a client, with nothing that moves a cursor."""
    return _visible(stored.partition(b"\r")[0].rstrip(b"\0").decode("latin-1"))


def one_line(text: str, limit: int = 200) -> str:
    """A text that a worker sent or a client caused, as one line of at most `limit` characters."""
    return _visible(" ".join(text[: 2 * limit].split()))[:limit]


def indented(text: str, limit: int = 1 << 16) -> str:
    """A text of several lines that a worker sent, cut to `limit` characters.

    Each line but the first begins with two blanks: none can pass for a record of the log.
    """
    return "\n  ".join(_visible(line.expandtabs(4)) for line in text[:limit].splitlines())


def _visible(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)
