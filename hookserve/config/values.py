"""The kinds of values that settings have.

A kind takes a raw value (a string from the command line, the environment or a TOML file, any
value from a Python file) and returns a value of its own type.  It raises ValueError with
what it expected; the caller adds the setting's name, where the value came from, and the value:
`explain_rejected`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TypeVar

from hookserve.wording import shown

T = TypeVar("T")

_TRUE = frozenset({"1", "true", "yes", "on", "y"})
_FALSE = frozenset({"0", "false", "no", "off", "n", ""})
_NO_CHANGE = (1 << 32) - 1
_SIZES = {"k": 1 << 10, "m": 1 << 20, "g": 1 << 30}
_MOST_SECONDS = 10**9
_MOST = (1 << 31) - 1
"""What the system calls take that some of them are for."""
MOST_WORKERS = 4096
"""That may be wanted."""
LEAST_INTERVAL = 0.01
"""Seconds; what runs more often than that would occupy a processor."""


class Rejected(ValueError):
    """Its text names the wrong value already, as of one in a list: the caller does not add it."""


def explain_rejected(error: Exception, given: object) -> str:
    """What a kind expected, and what it was given."""
    return str(error) if isinstance(error, Rejected) else f"{error}, got {shown(given)}"


def convert_each(kind: Callable[[str], T], given: Iterable[str]) -> tuple[T, ...]:
    """The strings of a list, converted; raises Rejected, which names the one that is wrong."""
    found = []
    for one in given:
        try:
            found.append(kind(one))
        except ValueError as error:
            raise Rejected(explain_rejected(error, one)) from None
    return tuple(found)


def text(value: object) -> str:
    """A string."""
    if "\0" in _string(value):
        raise ValueError("expected a string without NUL")  # no path or name has one
    return _string(value)


def _string(value: object) -> str:
    if isinstance(value, list | tuple):  # as settings are that take several
        raise ValueError("expected one string, without a list around it")
    if not isinstance(value, str):
        raise ValueError("expected a string")
    return value


def optional_text(value: object) -> str | None:
    """A string, or nothing."""
    return None if value is None or value == "" else text(value)


def boolean(value: object) -> bool:
    """True or false."""
    if isinstance(value, bool):
        return value
    if isinstance(value, str):
        lowered = value.strip().lower()
        if lowered in _TRUE:
            return True
        if lowered in _FALSE:
            return False
    if value in (0, 1):
        return bool(value)
    raise ValueError("expected true or false")


def optional_boolean(value: object) -> bool | None:
    """True or false, or nothing."""
    return None if value is None or value == "" else boolean(value)


def integer(value: object) -> int:
    """A whole number, 0 or more; strings may be decimal, hexadecimal (0x) or octal (0o)."""
    number = _integer(value)
    if number < 0:
        raise ValueError("expected a whole number, 0 or more")
    return number


def _integer(value: object) -> int:
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    if isinstance(value, str):
        try:
            return int(value.strip(), 0)
        except ValueError:
            pass
    raise ValueError("expected a whole number")


def positive(value: object) -> int:
    """A whole number, 1 or more."""
    try:
        number = _integer(value)
    except ValueError:
        number = 0
    if number < 1:
        raise ValueError("expected a whole number, 1 or more")
    if number > _MOST:
        raise ValueError(f"expected a whole number, {_MOST} at most")
    return number


def seconds(value: object) -> float:
    """A duration in seconds, 0 or more, fractions allowed."""
    found = number(value)
    if not 0 <= found < float("inf"):
        raise ValueError("expected seconds, 0 or more")
    return _limited(found)


def interval(value: object) -> float:
    """How often something is done, in seconds: 0.01 or more."""
    found = number(value)
    if not LEAST_INTERVAL <= found < float("inf"):
        raise ValueError(f"expected seconds, {LEAST_INTERVAL:g} or more")
    return _limited(found)


def optional_interval(value: object) -> float:
    """How often something is done, in seconds: 0.01 or more, or 0, whose meaning is the setting's
    own."""
    found = number(value)
    if found and not LEAST_INTERVAL <= found < float("inf"):
        raise ValueError(f"expected seconds, 0, or {LEAST_INTERVAL:g} or more")
    return _limited(found)


def _limited(duration: float) -> float:
    if duration > _MOST_SECONDS:
        raise ValueError(f"expected {_MOST_SECONDS} seconds at most")
    return duration


def number(value: object) -> float:
    """The number; not-a-number for any other value, so that the caller words the error."""
    if isinstance(value, (int, float, str)) and not isinstance(value, bool):
        try:
            return float(value)
        except ValueError:
            pass
    return float("nan")


def size(value: object) -> int:
    """A size in bytes; strings may end in K, M or G (powers of 1024)."""
    if isinstance(value, str) and value.strip()[-1:].lower() in _SIZES:
        return integer(value.strip()[:-1]) * _SIZES[value.strip()[-1].lower()]
    try:
        return integer(value)
    except ValueError:
        raise ValueError("expected bytes, 0 or more (K, M and G may follow)") from None


def octal(value: object) -> int:
    """File mode bits: a number, or a string of octal digits such as ``022``."""
    if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 0o7777:
        return value
    if isinstance(value, str):
        try:
            number = int(value.strip(), 8)
        except ValueError:
            number = -1
        if 0 <= number <= 0o7777:
            return number
    raise ValueError("expected octal mode bits such as 022")


def one_of(*names: str, **aliases: str) -> Callable[[object], str]:
    """One of a few names, in capitals or not; an alias stands for the name that it is given."""
    known = {**aliases, **{name.lower(): name for name in names}}

    def choice(value: object) -> str:
        found = known.get(value.strip().lower()) if isinstance(value, str) else None
        if found is None:
            raise ValueError(f"expected one of {', '.join(names)}")
        return found

    choice.__doc__ = f"One of {', '.join(f'``{name}``' for name in names)}."
    return choice


def items(value: object) -> tuple[str, ...]:
    """Strings: a list, or one string with commas."""
    if isinstance(value, str):
        return tuple(part.strip() for part in value.split(",") if part.strip())
    if isinstance(value, Iterable) and not isinstance(value, (bytes, dict)):
        return convert_each(_string, value)
    raise ValueError("expected a list of strings")


def paths(value: object) -> tuple[str, ...]:
    """Paths: a list, or one string with commas."""
    return convert_each(text, items(value))


def lines(value: object) -> tuple[str, ...]:
    """Strings: a list, or one string; commas are part of a string."""
    return (value,) if isinstance(value, str) else items(value)


def addresses(value: object) -> tuple[str, ...]:
    """Addresses: a list, or one string; commas separate them in both."""
    return tuple(address for each in lines(value) for address in items(each))


def variables(value: object) -> tuple[str, ...]:
    """Environment variables ``KEY=VALUE``: a list, or one string; a comma is part of a value."""
    return convert_each(_variable, lines(value))


def _variable(word: str) -> str:
    name, sign, _ = text(word).partition("=")
    if not (name and sign):  # environ(7)
        raise ValueError("expected KEY=VALUE")
    return word


def mapping(value: object) -> dict[str, object]:
    """A table with string keys."""
    if isinstance(value, dict) and all(isinstance(key, str) for key in value):
        return dict(value)
    raise ValueError("expected a table")


def anything(value: object) -> object:
    """Any Python value."""
    return value


def worker_count(value: object) -> int | str:
    """A whole number, 1 or more, or ``auto``: what the cgroup's quota and the affinity allow."""
    if value == "auto":
        return "auto"
    try:
        count = positive(value)
    except ValueError:
        raise ValueError("expected a whole number, 1 or more, or auto") from None
    if count > MOST_WORKERS:
        raise ValueError(f"expected {MOST_WORKERS} workers at most, or auto")
    return count


def optional_octal(value: object) -> int | None:
    """File mode bits, or nothing."""
    return None if value is None else octal(value)


def account(value: object) -> str | None:
    """A name or a number, or nothing."""
    name = str(value) if isinstance(value, int) else optional_text(value)
    # All ones stand for "no change" in setresuid(2); more does not fit.
    if name is not None and name.lstrip("-").isdecimal() and not 0 <= int(name) < _NO_CHANGE:
        raise ValueError(f"expected a name, or a number from 0 to {_NO_CHANGE - 1}")
    return name
