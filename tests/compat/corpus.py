"""The cases: configuration files and command lines, 60 of each or more, each with what it needs."""

import tomllib
from dataclasses import dataclass, field
from pathlib import Path

HERE = Path(__file__).parent
KINDS = ("files", "lines")
ASPECTS = (
    "start",
    "requests",
    "workers",
    "access log",
    "messages",
    "hooks",
    "files",
    "metrics",
    "reload",
    "stop",
    "left",
)
DEFAULT_LINE = "-c conf.py app:application"


@dataclass(frozen=True)
class Case:
    """A configuration file or a command line, with the environment that it is started in."""

    name: str
    kind: str
    line: str = DEFAULT_LINE
    file: str = ""
    env: dict[str, str] = field(default_factory=dict)
    differs: dict[str, str] = field(default_factory=dict)
    """For each aspect that may differ, a part of the line in which hookserve says so."""
    socket: str = ""
    """The path of the listener in the case's directory, where it is no port."""
    prefix: str = ""
    """What the paths of the requests begin with."""
    tls: bool = False
    websocket: bool = False
    """Whether the application has one, at ``/websocket``."""
    pidfile: str = ""
    """Of a daemon: its command returns at once."""


def read(kind):
    """The cases of a kind, in the order of their table."""
    table = tomllib.loads((HERE / f"{kind}.toml").read_text())
    return [Case(name=name, kind=kind, **values) for name, values in table.items()]
