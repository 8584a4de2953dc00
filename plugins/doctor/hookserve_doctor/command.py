"""The command: asks all plugins, prints what they say.

Exit codes: 0 no warning; 5 at least one; 1 to 4 as of a start that finds the configuration wrong.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, cast

from hookserve import Diagnosis, UsageError
from hookserve.config.resolved import Config
from hookserve.plugins.calling import implementations, remedy_for
from hookserve.wording import counted, describe, split_remedy

if TYPE_CHECKING:
    from hookserve.plugins.host import PluginHost

HAS_WARNINGS = 5
_USAGE = "hookserve doctor [settings] [APP] [--json]"
_HELP = f"""usage: {_USAGE}

Looks for what breaks deployments: on this machine, with the configuration that a start would have.
The settings are those of a start (hookserve --help); --json prints a list of objects.

exit codes: 0 there is no warning; {HAS_WARNINGS} there is at least one;
1, 2 the configuration or the command line is wrong: no server starts with it"""
_ORDER = ("warning", "note", "ok")


def run(
    arguments: Sequence[str],
    config: Config,
    host: PluginHost,
    warnings: Sequence[str],
    check: Callable[[], None],
) -> int:
    """Print the findings, the worst first; returns the exit code.

    Raises HookserveError for a configuration with which no server starts.
    """
    if {"-h", "--help"} & set(arguments):
        print(_HELP)
        return 0
    words = [word for word in arguments if word != "--json"]
    unexpected = [word for word in words if word.startswith("-")] or words[1:]
    if unexpected:
        raise UsageError(f"doctor: unexpected word {unexpected[0]!r} ({_USAGE})")
    for application in words:
        config = _with_application(config, application)
    check()
    found = list(ask_plugins(config, host))
    found += _of_start(warnings, {each.text for each in found})
    found.sort(key=lambda each: _ORDER.index(each.level))
    if "--json" in arguments:
        print(json.dumps([each._asdict() for each in found], indent=2))
    else:
        print(*_lines(found), sep="\n")
    return HAS_WARNINGS if any(each.level == "warning" for each in found) else 0


def _with_application(config: Config, application: str) -> Config:
    values = {name: config.get(name) for name in config}
    origins = {name: config.origin(name) for name in config}
    values["wsgi_app"], origins["wsgi_app"] = application, "command line"
    return Config(values, origins, ())


def _of_start(warnings: Sequence[str], known: Collection[str]) -> Iterator[Diagnosis]:
    """What a start warns of, but for what a plugin has said already."""
    remedy = "correct it, or leave it out: --strict refuses a start with it"
    found = [line for line in warnings if split_remedy(line)[0] not in known]
    for line in found:
        yield Diagnosis("warning", "settings", line, remedy)
    if not found:
        yield Diagnosis("ok", "settings", "a start has nothing else to warn of")


def ask_plugins(config: Config, host: PluginHost) -> Iterator[Diagnosis]:
    """What each plugin finds; one that raises, or returns what is no `Diagnosis`, is a finding."""
    given = {"config": config, "host": host}

    def blame(plugin: str, text: str) -> Diagnosis:
        remedy = remedy_for(host.hook.diagnoses, plugin)
        return Diagnosis("warning", f"plugin {plugin}", text, remedy)

    for each in implementations(host.hook.diagnoses):
        try:
            arguments = [given[name] for name in each.argnames]
            for found in cast("Iterable[object]", each.function(*arguments) or ()):
                fault = _fault_of(found)
                yield blame(each.plugin_name, fault) if fault else cast("Diagnosis", found)
        except Exception as error:  # a plugin's
            yield blame(each.plugin_name, f"its checks failed: {describe(error)}")


def _fault_of(found: object) -> str:
    """What is wrong with what a hook has returned; empty: nothing."""
    if not isinstance(found, Diagnosis):
        return f"its checks returned {found!r}, not a Diagnosis"
    if found.level not in _ORDER:
        return (
            f"its checks returned the level {found.level!r}, not ok, note or warning: {found.text}"
        )
    return ""


def _lines(found: Sequence[Diagnosis]) -> Iterator[str]:
    for each in found:
        yield f"{each.level:<8} {each.subject}: {each.text}"
        if each.remedy:
            yield f"{'':<8} → {each.remedy}"
    count = sum(each.level == "warning" for each in found)
    yield f"{counted(len(found), 'check')}, {counted(count, 'warning')}"
