"""What the command lines of the commands share: the flags that say which server is meant, and how a
command line that cannot be understood is reported."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import NoReturn, TypeVar

from hookserve import UsageError
from hookserve_status.client import StatusClient, find_address

_Value = TypeVar("_Value")


class Parser(argparse.ArgumentParser):
    """Of a command, whose `prog` is ``hookserve COMMAND``."""

    def error(self, message: str) -> NoReturn:
        """Raises UsageError."""
        _, command, *_ = self.prog.split()  # that of a subcommand has its name too
        raise UsageError(f"{command}: {message}")


def add_address(parser: argparse.ArgumentParser, default: str | None = None) -> None:
    """Add the flags that say which server is meant."""
    parser.add_argument(
        "-a",
        "--address",
        metavar="ADDRESS",
        default=default,
        help="its status address; else the configuration's",
    )
    parser.add_argument(
        "-c",
        "--config",
        metavar="FILE",
        default=default,
        help="the configuration that has the address",
    )


def of_kind(kind: Callable[[object], _Value]) -> Callable[[str], _Value]:
    """The `type` of an argument that takes what settings of this kind take
    (`hookserve.config.values`); it raises ArgumentTypeError."""

    def convert(text: str) -> _Value:
        try:
            return kind(text)
        except ValueError as error:
            raise argparse.ArgumentTypeError(f"{error}, got {text!r}") from None

    return convert


def client_of(given: argparse.Namespace) -> StatusClient:
    """A client of the server that the flags name; raises ConfigError."""
    words = ["-c", given.config] if given.config else []
    return StatusClient(find_address(given.address, words))
