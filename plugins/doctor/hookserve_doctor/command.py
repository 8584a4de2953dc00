"""The command: asks all plugins, prints what they say.

Exit codes: 0 no warning; 5 at least one; 1 to 4 as of a start that finds the configuration wrong.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, cast

from hookserve import Diagnosis, UsageError
from hookserve.config.resolved import Config
from hookserve.plugins.calling import implementations
from hookserve.wording import counted, describe

if TYPE_CHECKING:
    from hookserve.plugins.host import PluginHost

HAS_WARNINGS = 5
_USAGE = "hookserve doctor [settings] [APP] [--json]"
_HELP = f"""usage: {_USAGE}

Looks for what breaks deployments: on this machine, with the configuration that a start would have.
The settings are those of a start (hookserve --help); --json prints a list of objects.

exit codes: 0 there is no warning; {HAS_WARNINGS} there is at least one;
1, 2 the configuration or the command line is wrong"""
_ORDER = ("warning", "note", "ok")


def run(arguments: Sequence[str], config: Config, host: PluginHost) -> int:
    """Print the findings, the worst first; returns the exit code."""
    if {"-h", "--help"} & set(arguments):
        print(_HELP)
        return 0
    words = [word for word in arguments if word != "--json"]
    unexpected = [word for word in words if word.startswith("-")] or words[1:]
    if unexpected:
        raise UsageError(f"doctor: unexpected word {unexpected[0]!r} ({_USAGE})")
    for application in words:
        config = _with_application(config, application)
    found = sorted(ask_plugins(config, host), key=lambda each: _ORDER.index(each.level))
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


def ask_plugins(config: Config, host: PluginHost) -> Iterator[Diagnosis]:
    """What each plugin finds; one that raises, or returns what is no `Diagnosis`, is a finding."""
    given = {"config": config, "host": host}
    for each in implementations(host.hook.diagnoses):
        try:
            arguments = [given[name] for name in each.argnames]
            for found in cast("Iterable[object]", each.function(*arguments) or ()):
                if not isinstance(found, Diagnosis) or found.level not in _ORDER:
                    raise TypeError(f"it returned {found!r}, not a Diagnosis")
                yield found
        except Exception as error:  # a plugin's
            remedy = f"mend or upgrade the plugin, or leave it out with -P no:{each.plugin_name}"
            subject = f"plugin {each.plugin_name}"
            yield Diagnosis("warning", subject, f"its checks failed: {describe(error)}", remedy)


def _lines(found: Sequence[Diagnosis]) -> Iterator[str]:
    for each in found:
        yield f"{each.level:<8} {each.subject}: {each.text}"
        if each.remedy:
            yield f"{'':<8} → {each.remedy}"
    count = sum(each.level == "warning" for each in found)
    yield f"{counted(len(found), 'check')}, {counted(count, 'warning')}"
