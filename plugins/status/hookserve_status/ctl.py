"""``hookserve ctl``: see and control a running server."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable
from typing import Any

from hookserve import UsageError
from hookserve.config import values
from hookserve.wording import counted
from hookserve_status.arguments import Parser, add_address, client_of, of_kind
from hookserve_status.client import Refused, StatusClient
from hookserve_status.text import duration, recycle_text, reload_text, request_lines
from hookserve_status.waiting import Waiting

_ASKS = ("drain", "scale")
"""These may end the service."""
_VERBS = {
    "status": "show the server",
    "requests": "show the requests in flight, the oldest first",
    "reload": "reload configuration and code, as HUP",
    "drain": "stop gracefully, as TERM",
    "scale": "have that many workers",
    "recycle": "replace one worker",
    "stacks": "show the stacks of one worker",
}


def run(arguments: list[str]) -> int:
    """The command; returns 0, or 1 when what was waited for has failed.

    Raises HookserveError.
    """
    given = _parse(arguments)
    client = client_of(given)
    verbs: dict[str, Callable[[StatusClient, argparse.Namespace], int]] = {
        "status": _status,
        "requests": _requests,
        "reload": _reload,
        "drain": _drain,
        "scale": _scale,
        "recycle": _recycle,
        "stacks": _stacks,
    }
    return verbs[given.verb](client, given)


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = Parser(
        prog="hookserve ctl",
        description="See and control a running server that has the setting status.",
        epilog="Exit codes: 0 done; 1 it has failed, or no server responds; 2 the command line"
        " cannot be understood.",
    )
    add_address(parser)
    verbs = parser.add_subparsers(dest="verb", required=True, metavar="COMMAND")
    made = {name: verbs.add_parser(name, help=text) for name, text in _VERBS.items()}
    for each in made.values():  # they may stand before the command or behind it
        add_address(each, argparse.SUPPRESS)
    for name in ("status", "requests"):
        made[name].add_argument("--json", action="store_true", help="as JSON")
    for name, text in (
        ("reload", "until every worker is of the new code, or the reload has failed"),
        ("drain", "until the server is gone"),
        ("scale", "until there are as many that are ready"),
        ("recycle", "until its replacement is ready"),
    ):
        made[name].add_argument("--wait", action="store_true", help=f"wait {text}")
        made[name].add_argument(
            "--timeout",
            type=of_kind(values.seconds),
            default=120.0,
            help="seconds to wait at most (120)",
        )
    for name in _ASKS:
        made[name].add_argument("-y", "--yes", action="store_true", help="do not ask")
    made["scale"].add_argument(
        "value", type=of_kind(values.integer), metavar="N", help="how many workers"
    )
    for name in ("recycle", "stacks"):
        made[name].add_argument(
            "value", type=of_kind(values.integer), metavar="INDEX", help="its index"
        )
    return parser.parse_args(arguments)


def _status(client: StatusClient, given: argparse.Namespace) -> int:
    print(json.dumps(client.snapshot(), indent=2) if given.json else client.text().rstrip())
    return 0


def _requests(client: StatusClient, given: argparse.Namespace) -> int:
    snapshot = client.snapshot()
    if given.json:
        found = {str(each["index"]): each["in_flight"] for each in snapshot["workers"]}
        print(json.dumps(found, indent=2))
    else:
        print("\n".join(request_lines(snapshot)))
    return 0


def _reload(client: StatusClient, given: argparse.Namespace) -> int:
    waiting = Waiting(client, given.timeout) if given.wait else None
    reply = client.do("reload")
    ticket = reply["ticket"]
    if waiting is None:
        print(reload_text(reply))
        return 0

    def look(snapshot: dict[str, Any]) -> dict[str, object] | None:
        reloads = {each["number"]: each for each in snapshot["reloads"]}
        return reloads.get(ticket)

    result = waiting.wait(look, "the reload is still under way")
    if not result["is_complete"]:
        raise Refused(f"the reload has failed, the old workers serve on: {result['reason']}")
    seconds = result["seconds"]
    assert isinstance(seconds, float)
    print(f"reloaded: generation {result['generation']} serves ({duration(seconds)})")
    return 0


def _ask(question: str, given: argparse.Namespace) -> None:
    """At a terminal; raises Refused unless the answer is yes."""
    if not given.yes and sys.stdin.isatty():
        try:
            answer = input(f"{question} (y/n) ")
        except (EOFError, UnicodeDecodeError):
            print()  # the terminal has not ended the line
            answer = ""
        if answer.strip().lower() not in ("y", "yes"):
            raise Refused("nothing is done")


def _drain(client: StatusClient, given: argparse.Namespace) -> int:
    _ask("stop the whole server, when its requests are over?", given)
    waiting = Waiting(client, given.timeout) if given.wait else None
    client.do("drain")
    if waiting is None:
        print("the server stops when its requests are over")
        return 0
    waiting.wait_for_end()
    print("the server is gone")
    return 0


def _scale(client: StatusClient, given: argparse.Namespace) -> int:
    if given.value == 0:
        if not (given.yes or sys.stdin.isatty()):
            raise UsageError(
                "ctl: scale 0 leaves no worker, so that nothing is served: if you mean that, type"
                " hookserve ctl scale 0 --yes"
            )
        _ask("have no worker, so that nothing is served?", given)
    waiting = Waiting(client, given.timeout) if given.wait else None
    reply = client.do("scale", given.value)
    wanted, before = reply["wanted"], reply["before"]
    if waiting is not None:
        waiting.wait(lambda found: _is_scaled(found, wanted), "as many workers are not ready")
    change = "as before" if wanted == before else f"not {before}"
    print(f"{counted(wanted, 'worker')} wanted, {change}")
    return 0


def _is_scaled(snapshot: dict[str, Any], wanted: int) -> bool:
    """Raises Refused when another number is wanted."""
    if snapshot["wanted"] != wanted:
        raise Refused(
            f"{counted(snapshot['wanted'], 'worker')} wanted by now, not {wanted}: the log says"
            " who has asked for it"
        )
    return len([each for each in snapshot["workers"] if each["state"] == "ready"]) == wanted


def _recycle(client: StatusClient, given: argparse.Namespace) -> int:
    waiting = Waiting(client, given.timeout) if given.wait else None
    reply = client.do("recycle", given.value)
    pid, text = reply["pid"], recycle_text(given.value, reply)
    if waiting is not None:

        def look(snapshot: dict[str, Any]) -> bool:
            found = [each for each in snapshot["workers"] if each["index"] == given.value]
            return any(each["pid"] != pid and each["state"] == "ready" for each in found)

        waiting.wait(look, "no replacement is ready")
        text = f"worker {given.value} (pid {pid}) is replaced"
    print(text)
    return 0


def _stacks(client: StatusClient, given: argparse.Namespace) -> int:
    reply = client.do("stacks", given.value)
    if not reply["stacks"].strip():
        raise Refused(f"worker {given.value} (pid {reply['pid']}) has written no stacks in time")
    print(f"worker {given.value} (pid {reply['pid']}):")
    print(reply["stacks"].rstrip())
    return 0
