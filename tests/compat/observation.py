"""What was seen of a server, without what may not be compared: process ids, times, durations."""

import json
import re
import stat
from dataclasses import dataclass, field

NOT_OURS = {"home", "seen", "stdout", "stderr", "conf.py", "__pycache__"}
KNOWN_NUMBERS = ("37", "200", "404", "500", "503", "400")
OF_SERVER = re.compile(r"\[\d{4}-\d\d-\d\d [^]]*\] \[\d+\] \[(\w+)\] ")
_RULES = (
    (re.compile(r"^ - "), "- - "),  # the client of a unix socket has no address
    (re.compile(r"\[\d\d/\w{3}/\d{4}:[^]]*\]"), "[TIME]"),
    (re.compile(r"\d{4}-\d\d-\d\d[ T][\d:]+(?:[.,]\d+)?(?: ?[+-]\d{4}|Z)?"), "TIME"),
    (re.compile(r"\b\d\d:\d\d:\d\d\b"), "TIME"),
    (re.compile(r"<\d+>"), "<PID>"),
    (re.compile(r"(?<![\d.])\d+\.\d+(?![\d.])"), "DURATION"),
)
_PATH = re.compile(r"/(first|second|third|after)\b")
_NUMBER = re.compile(r"(?<![\w./:])\d+(?![\w./])")


@dataclass
class Observation:
    """Of one server in one case; each field is an aspect that is compared."""

    started: bool = False
    exit_code: object = None
    requests: list = field(default_factory=list)
    workers: int = 0
    access_log: dict = field(default_factory=dict)
    messages: dict = field(default_factory=dict)
    hooks: list = field(default_factory=list)
    files: dict = field(default_factory=dict)
    metrics: list = field(default_factory=list)
    reload: list = field(default_factory=list)
    left: list = field(default_factory=list)
    warnings: list = field(default_factory=list)
    """Lines of warnings and errors, which are not compared."""


def normalised(line):
    """A line of a log without its times, durations and process ids."""
    for pattern, name in _RULES:
        line = pattern.sub(name, line)
    return _NUMBER.sub(lambda match: match[0] if match[0] in KNOWN_NUMBERS else "N", line).strip()


def is_access(line):
    """Whether a line is the access log's: it names a path that the client asked for."""
    is_other = "case:" in line or OF_SERVER.match(line)
    return bool(_PATH.search(line)) and not is_other


def access_lines(sinks):
    """For each sink, the kinds of lines of the access log; workers write them in any order."""
    found = {}
    for name, text in sinks.items():
        lines = [normalised(line) for line in text.splitlines() if is_access(line)]
        if lines:
            found[name] = sorted(set(lines))
    return found


def messages(sinks):
    """For each sink, what the application logged, and whether the server logs there."""
    found = {}
    for name, text in sinks.items():
        lines = [line for line in text.splitlines() if not is_access(line)]
        cases = sorted({_without_server(line) for line in lines if "case:" in line})
        levels = {match[1] for line in lines if (match := OF_SERVER.match(line))}
        has_own = bool(levels & {"INFO", "DEBUG"})
        if cases or has_own:
            found[name] = [*cases, *(["the server's own"] if has_own else [])]
    return found


def _without_server(line):
    return normalised(OF_SERVER.sub(lambda match: f"[{match[1]}] ", line))


def hook_names(sinks):
    """The hooks that warnings so, in the order of their first calls."""
    text = "\n".join(sinks.values())
    return list(dict.fromkeys(re.findall(r"case: hook (\w+)", text)))


def warnings(sinks):
    """The lines in which a server warns, or says why it ends."""
    kept = []
    for name in ("stderr", "stdout", *sorted(set(sinks) - {"stdout", "stderr"})):
        for line in sinks.get(name, "").splitlines():
            match = OF_SERVER.match(line)
            is_plain = name == "stderr" and match is None and line.startswith("hookserve")
            if is_plain or (match and match[1] in ("WARNING", "ERROR", "CRITICAL")):
                kept.append(OF_SERVER.sub("", line))
    return [line for line in kept if "case:" not in line]


def files_of(folder, before):
    """What it made in its directory: kind and mode of each new path."""
    found = {}
    for path in sorted(folder.rglob("*")):
        name = str(path.relative_to(folder))
        if name in before or set(path.relative_to(folder).parts) & NOT_OURS:
            continue
        mode = path.lstat().st_mode
        found[name] = f"{stat.filemode(mode)}"
    return found


def seen_by_application(path, places):
    """The records of the application, each with the process id that made it."""
    if not path.exists():
        return []
    text = path.read_text()
    for value, place in places:
        text = text.replace(value, place)
    return [json.loads(line) for line in text.splitlines()]
