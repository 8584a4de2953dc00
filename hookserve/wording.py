"""How errors, names and numbers are put into words: an exception in one line, the nearest known
name, one thing or several."""

from __future__ import annotations

import importlib
import re
from collections.abc import Iterable
from types import CodeType

from hookserve.errors import HookserveError

_FRAME = re.compile(r'\s+File ".*", line \d+')


def describe(error: BaseException) -> str:
    """An exception in one line: type, message, and the place that raised it; a `HookserveError` is
    its message alone."""
    if isinstance(error, HookserveError):
        return str(error)
    where = ""
    traceback = error.__traceback__
    while traceback is not None:
        if not _imports(traceback.tb_frame.f_code):
            where = f" at {traceback.tb_frame.f_code.co_filename}:{traceback.tb_lineno}"
        traceback = traceback.tb_next
    if isinstance(error, SyntaxError) and error.filename:
        where = f" at {error.filename}:{error.lineno}"
    text = str(error.msg if isinstance(error, SyntaxError) else error)
    message = _visible(" ".join(text.split()))
    name = type(error).__name__
    return f"{name}: {message}{where}" if message else f"{name}{where}"


def exception_in(report: str) -> str:
    """The exception at the end of a traceback, its message as one line; of a text without a
    traceback, the last line."""
    lines = report.strip().splitlines() or [""]
    frames = [number for number, line in enumerate(lines) if _FRAME.match(line)]
    if not frames:
        return lines[-1].strip()
    indent = _indent(lines[frames[-1]])
    at = range(frames[-1] + 1, len(lines))
    first = next((number for number in at if _indent(lines[number]) < indent), len(lines) - 1)
    return " ".join(" ".join(lines[first:]).split())


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip())


def split_remedy(line: str) -> tuple[str, str]:
    """A warning without its remedy, and the remedy: what is in parentheses at its end."""
    if line.endswith(")"):
        depth = 0
        for place in range(len(line) - 1, 0, -1):
            depth += (line[place] == ")") - (line[place] == "(")
            if not depth:
                return line[:place].rstrip(), line[place + 1 : -1]
    return line, ""


def _imports(code: CodeType) -> bool:
    """Whether it is of the import system, or a finder's."""
    name = code.co_filename
    is_importlib = name.startswith("<frozen importlib") or name == importlib.__file__
    return is_importlib or code.co_name == "find_spec"


_SHORTEST = 3
"""Letters; a shorter name is near to everything."""


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` probably meant, or `None` when none is near.

    The nearest is the one that differs in case or separators alone, then the shortest that `name`
    begins, then the one with the fewest slips of the keyboard (at most one in three letters), then
    the longest that `name` begins or ends with.
    """
    ranked = [(rank, each) for each in known if (rank := _distance(name, each)) is not None]
    return min(ranked)[1] if ranked else None


def _distance(name: str, known: str) -> tuple[int, int] | None:
    """How far apart two names are, to be compared with that of others; `None`: too far."""
    typed, other = _bare(name), _bare(known)
    # Without the separators: log-level is loglevel.
    letters, others = typed.replace("_", ""), other.replace("_", "")
    if letters == others:
        return 0, name != known
    shorter = min(len(letters), len(others))
    if shorter < _SHORTEST:
        return None
    if others.startswith(letters):
        return 1, len(others)
    slips = _count_slips(letters, others, (shorter + 1) // 3)
    if slips is not None:
        return 2, slips
    if letters.startswith(others) or typed.endswith(f"_{other}"):
        return 3, -len(others)
    return None


def _bare(name: str) -> str:
    """A name without what all flags or all variables have in front: it makes none of them near."""
    return name.removeprefix("HOOKSERVE_").lstrip("-").replace("-", "_").lower()


def _count_slips(name: str, known: str, most: int) -> int | None:
    """How many letters are left out, added or transposed, one for another being two of these;
    `None` for more than `most`."""
    if abs(len(name) - len(known)) > most or len({*name} ^ {*known}) > most:
        return None  # as nearly always, and known in a tenth of the time
    before, row = [], list(range(len(known) + 1))
    for i, letter in enumerate(name):
        before, above, row = row, before, [i + 1]
        for j, other in enumerate(known):
            slips = before[j] if letter == other else min(before[j + 1], row[j]) + 1
            if i and j and name[i - 1] == other and letter == known[j - 1]:
                slips = min(slips, above[j - 1] + 1)
            row.append(slips)
    return row[-1] if row[-1] <= most else None


def shown(value: object) -> str:
    """A value that is rejected, short enough for one line."""
    if callable(value):
        kind = "class" if isinstance(value, type) else "function"
        return f"the {kind} {getattr(value, '__qualname__', type(value).__name__)}"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."


def did_you_mean(name: str, known: Iterable[str]) -> str:
    """A phrase for an error message, with the nearest match when there is one."""
    match = nearest(name, known)
    return f" (did you mean '{match}'?)" if match else ""


def counted(number: int, noun: str) -> str:
    """A number of things: ``1 worker``, ``3 workers``."""
    return f"{number} {noun}" if number == 1 else f"{number} {noun}s"


def printable(stored: bytes) -> str:
    """The first line of a text that came from a client, with nothing that moves a cursor."""
    return _visible(stored.partition(b"\r")[0].rstrip(b"\0").decode("latin-1"))


def one_line(text: str, limit: int = 200) -> str:
    """A text that a worker sent or a client caused, as one line of at most `limit` characters."""
    return _visible(" ".join(text[: 2 * limit].split()))[:limit]


def indented(text: str, limit: int = 1 << 16) -> str:
    """A text of several lines that a worker sent, cut to `limit` characters.

    Each line but the first begins with two blanks: none can pass for a record of the log.
    """
    return "\n  ".join(_visible(line.expandtabs(4)) for line in text[:limit].splitlines())


def _visible(text: str) -> str:
    return "".join(character if character.isprintable() else "?" for character in text)
