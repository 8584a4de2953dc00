"""What the command lines of the commands share: the flags that say which server is meant, and how a
command line that cannot be understood is reported."""

from __future__ import annotations

import argparse
from typing import NoReturn

from hookserve import UsageError
from hookserve_status.client import StatusClient, find_address


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


def whole_number(text: str) -> int:
    """For the `type` of an argument."""
    try:
        return int(text)
    except ValueError:
        raise argparse.ArgumentTypeError(f"expected a whole number, not {text!r}") from None


def client_of(given: argparse.Namespace) -> StatusClient:
    """A client of the server that the flags name; raises ConfigError."""
    words = ["-c", given.config] if given.config else []
    return StatusClient(find_address(given.address, words))
