"""The whole command line for argparse: help, and what is wrong with a line."""

from __future__ import annotations

import argparse
from collections.abc import Callable, Sequence
from typing import NoReturn

from hookserve.config.arguments import ACTIONS
from hookserve.config.core import CORE_GROUPS
from hookserve.config.settings import Declared, SettingsTable
from hookserve.errors import UsageError
from hookserve.wording import did_you_mean

_EXAMPLES = """A pre-fork application server whose every part is a plugin.

  hookserve shop.wsgi                               the attribute `application` of a module
  hookserve -w 4 -k gthread --threads 8 app:app     four workers with eight threads each
  hookserve -c hookserve.conf.py -b :8080 'app:create_app("production")'"""


class Parser(argparse.ArgumentParser):
    """argparse, with hookserve's errors."""

    def error(self, message: str) -> NoReturn:
        """Raise UsageError instead of printing the usage."""
        raise UsageError(message)


def build_parser(table: SettingsTable) -> Parser:
    """The parser of the whole command line."""
    parser = Parser(
        prog="hookserve",
        usage="hookserve [OPTIONS] MODULE[:ATTRIBUTE]",
        description=_EXAMPLES,
        allow_abbrev=False,
        argument_default=argparse.SUPPRESS,
        formatter_class=_Help,
        epilog="https://pypi.org/project/hookserve/",
    )
    parser.add_argument(
        "application",
        nargs="?",
        metavar="MODULE[:ATTRIBUTE]",
        help="the WSGI application, or a factory with its arguments",
    )
    parser.add_argument(
        "-v",
        "--version",
        action="store_true",
        help="print the version, and exit; with a listing: more of it",
    )
    for flag, summary in ACTIONS:
        parser.add_argument(flag, action="store_true", help=summary)
    parser.add_argument(
        "--explain-hooks",
        nargs="?",
        const="",
        metavar="HOOK",
        help="list the plugins that implement each hook, in order, and exit",
    )
    parser.add_argument("--json", action="store_true", help="with a listing: as JSON")
    titles = {each.name: title for title, group in CORE_GROUPS for each in group}
    groups: dict[str, argparse._ArgumentGroup] = {}
    for declared in table:
        title = titles.get(declared.setting.name) or f"settings of {declared.owner}"
        group = groups.get(title) or groups.setdefault(title, parser.add_argument_group(title))
        _add_flags(group, declared)
    return parser


def _add_flags(group: argparse._ArgumentGroup, declared: Declared) -> None:
    setting = declared.setting
    if setting.hidden:
        return
    shown = f"{setting.summary} [{_shown(setting.default)}]".replace("%", "%%")
    if setting.foreign is not None:
        shown = argparse.SUPPRESS
    if setting.switch is None:
        added = group.add_argument(
            *declared.flags,
            dest=setting.name,
            metavar=setting.metavar or setting.name.upper(),
            action="append" if setting.repeatable else "store",
            help=shown,
        )
        if setting.bare is not None:
            added.nargs, added.const = "?", setting.bare
        return
    positive, negative = declared.flags, declared.negative_flags
    on_help, off_help = shown, argparse.SUPPRESS
    if setting.default is True and setting.foreign is None:
        on_help, off_help = argparse.SUPPRESS, f"do not {shown}"
    group.add_argument(*positive, dest=setting.name, action="store_const", const=True, help=on_help)
    group.add_argument(
        *negative, dest=setting.name, action="store_const", const=False, help=off_help
    )


def _shown(default: object) -> str:
    if default is None or default == ():
        return "none"
    if isinstance(default, tuple):
        return ", ".join(map(str, default))
    if isinstance(default, bool):
        return str(default).lower()
    return f"{default:g}" if isinstance(default, float) else str(default)


class _Help(argparse.RawDescriptionHelpFormatter):
    """Wide enough for the flags."""

    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=30, width=100)


def explain_error(
    table: SettingsTable, arguments: Sequence[str], explain: Callable[[str], str | None]
) -> UsageError:
    """What is wrong with a command line that cannot be read.

    `explain` returns what to do about a flag that is not known, or `None`.
    """
    parser = build_parser(table)
    known = set(parser._option_string_actions)  # argparse has no public list of them
    try:
        _, rest = parser.parse_known_args(list(arguments))
    except UsageError as error:
        return error
    for word in rest:
        flag = word.partition("=")[0]
        if flag.startswith("-"):
            advice = explain(flag)
            hint = f" ({advice})" if advice else did_you_mean(flag, known)
            return UsageError(f"unknown option {flag}{hint}; hookserve --help lists them all")
        return UsageError(f"unexpected argument '{word}': one application is served at a time")
    return UsageError(f"cannot read the arguments {' '.join(arguments)}")
