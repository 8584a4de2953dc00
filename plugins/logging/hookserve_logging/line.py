"""A line of the access log, compiled once into a function of a record."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, NamedTuple, cast

from hookserve import AccessRecord
from hookserve_logging.clock import Clock

Log = Callable[[AccessRecord], None]
Write = Callable[[str], object]

_REMEMBERED = 1024
_REMEMBERED_SIZE = 512


class Field(NamedTuple):
    """A part of a line that is another in each, and the text that follows it."""

    source: str
    """An expression of Python: of `record`, its `environ`, the environ's `get`, `clock`, and
    whatever functions its author lends."""
    convert: Callable[[Any], str] | None = None  # Any: what the expression gives
    """Makes text of it, and is asked once for what is said again; `None`: it is taken as it is."""
    text: str = ""


class Memory:
    """What was written of something, within bounds: clients say the same again and again."""

    def __init__(self, convert: Callable[[Any], str], text: str) -> None:
        self._convert = convert
        self._text = text
        self.texts: dict[Any, str] = {}

    def learn(self, said: Any) -> str:
        """What is to be written of it, remembered unless it is long."""
        found = self._convert(said) + self._text
        if len(found) <= _REMEMBERED_SIZE:
            if len(self.texts) >= _REMEMBERED:
                self.texts.clear()
            self.texts[said] = found
        return found


def compile_line(
    text: str,
    fields: Sequence[Field],
    functions: Mapping[str, Callable[..., object]],
    clock: Clock,
    write: Write,
) -> Log:
    """A function that makes one line of a record, and has it written: `text`, then the fields."""
    names: dict[str, object] = {**functions, "clock": clock, "write": write}
    statements = []
    pieces = [repr(text)]
    # One function, as a call for each field would cost more than all the rest; and few pieces:
    # what is remembered is so with the text that follows it.
    for number, field in enumerate(fields):
        pieces.append(f"f'{{field{number}}}'")
        if field.convert is None:
            statements.append(f"field{number} = {field.source}")
            pieces.append(repr(field.text))
        else:
            memory = Memory(field.convert, field.text)
            # Not a dict that learns by itself: CPython looks for a subclass's method each time.
            names[f"texts{number}"], names[f"learn{number}"] = memory.texts, memory.learn
            statements.append(f"said = {field.source}")
            statements.append("try:")
            statements.append(f"    field{number} = texts{number}[said]")
            statements.append("except KeyError:")
            statements.append(f"    field{number} = learn{number}(said)")
    exec(_SOURCE.format("\n    ".join(statements), " ".join(pieces)), names)
    return cast("Log", names["log"])


_SOURCE = """
def log(record):
    environ = record.environ
    get = environ.get
    if record.ended >= clock.ends:
        clock.set(record.ended)
    {}
    write({})
"""
