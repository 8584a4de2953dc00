"""Stands in for ``gunicorn.util``: what logger classes and configuration files use of it."""

from __future__ import annotations

import os
import time
from pkgutil import resolve_name

from hookserve.embedding import load_application as import_app

__all__ = ["check_is_writable", "getcwd", "http_date", "import_app", "load_class"]


def getcwd() -> str:
    """The working directory, by the name that the shell gives it."""
    named = os.environ.get("PWD", "")
    try:
        return named if os.path.samefile(named, os.getcwd()) else os.getcwd()
    except OSError:
        return os.getcwd()


def load_class(uri: str | type) -> object:
    """The class at ``package.module.Class``; a class as it is."""
    return resolve_name(uri) if isinstance(uri, str) else uri


def check_is_writable(path: str) -> None:
    """Raise RuntimeError for a path that cannot be written to."""
    try:
        with open(path, "ab"):
            pass
    except OSError as error:
        raise RuntimeError(f"Error: '{path}' isn't writable [{error!r}]") from None


def http_date(timestamp: float | None = None) -> str:
    """A date for HTTP (RFC 9110, 5.6.7); of now without a timestamp."""
    from email.utils import formatdate

    return formatdate(time.time() if timestamp is None else timestamp, usegmt=True)
