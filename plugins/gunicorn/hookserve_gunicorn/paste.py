"""A server runner for PasteDeploy: ``use = egg:hookserve#main`` in ``[server:main]``."""

from __future__ import annotations

import configparser
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from hookserve.embedding import serve


def run(app: Callable[..., Any], global_conf: Mapping[str, str], **local_conf: str) -> None:
    """Serve `app`, a WSGI application, with the section's settings; ``pserve`` calls it.

    ``host`` and ``port`` make up `bind`.  The file's sections ``[loggers]`` and so on are the
    logging configuration, where it has them.
    """
    settings: dict[str, object] = {name.lower(): value for name, value in local_conf.items()}
    host, port = settings.pop("host", ""), settings.pop("port", "")
    if host or port:
        shown = f"[{host}]" if ":" in str(host) else host or "127.0.0.1"
        settings.setdefault("bind", f"{shown}:{port or 8000}")
    path = global_conf.get("__file__", "")
    if path and configures_logging(path):
        settings.setdefault("logconfig", path)
    serve(settings, lambda: app, origin=path or "egg:hookserve#main")


def configures_logging(path: str) -> bool:
    """Whether a file of PasteDeploy is a logging configuration too."""
    parser = configparser.RawConfigParser()
    parser.read([path])
    return parser.has_section("loggers")


def variables_of(words: Iterable[str]) -> dict[str, str]:
    r"""The variables of words ``name=value``, where ``\=`` is an equals sign."""
    pairs = (word.replace(r"\=", "\0").partition("=") for word in words)
    return {key.replace("\0", "="): value.replace("\0", "=") for key, _, value in pairs}
