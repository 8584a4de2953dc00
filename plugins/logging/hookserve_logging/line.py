"""A line of the access log, compiled once into a function of a record."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any, NamedTuple, cast

from hookserve import AccessRecord
from hookserve_logging.clock import Clock, Stamp

Log = Callable[[AccessRecord], None]
Write = Callable[[str], object]

_REMEMBERED = 1024
_REMEMBERED_SIZE = 512


class Field(NamedTuple):
    """A part of a line that is another in each."""

    source: str
    """An expression of Python: of `record`, its `environ`, and whatever functions its author
    lends.  What the environ should have and has not is `None`."""
    convert: Callable[[Any], str] | None = None  # Any: what the expression gives
    """Makes text of it, and is asked once for what is said again; `None`: Python formats it."""
    form: str = ""
    """How Python does: a format specification."""


class Memory:
    """What was written of something, within bounds: clients say the same again and again."""

    def __init__(self, convert: Callable[[Any], str], before: str) -> None:
        self._convert = convert
        self._before = before
        self.after = ""
        """What is written after it each time; `before` stands before it."""
        self.texts: dict[Any, str] = {}

    def learn(self, said: Any) -> str:
        """What is to be written of it, remembered unless it is long."""
        found = f"{self._before}{self._convert(said)}{self.after}"
        if len(found) <= _REMEMBERED_SIZE:
            if len(self.texts) >= _REMEMBERED:
                self.texts.clear()
            self.texts[said] = found
        return found


class _Partial(dict[str, Any]):
    """The environ of a request that was killed or refused, or that an application has emptied."""

    def __missing__(self, _: str) -> None: ...


def compile_line(
    parts: Iterable[str | Stamp | Field],
    functions: Mapping[str, Callable[..., object]],
    clock: Clock,
    write: Write,
) -> Log:
    """A function that makes one line of a record, and has it written.

    It is one function, as a call for each field would cost more than all the rest; and it joins
    few pieces: a text goes with the field beside it where that is remembered, and what is the
    same for a second is the clock's.
    """
    names: dict[str, object] = {
        **functions,
        "clock": clock,
        "texts": clock.texts,
        "write": write,
        "Partial": _Partial,
    }
    statements: list[str] = []
    pieces: list[str] = []
    memory: Memory | None = None
    text = ""
    for number, part in enumerate(_merge(parts)):
        if isinstance(part, str):
            if memory is not None:
                memory.after = part
            else:
                text = part
            continue
        if not isinstance(part, Field):
            memory = None
            pieces.append(f"f'{{texts[{clock.add(part)}]}}'")
            continue
        name = f"field{number}"
        if part.convert is None:
            memory = None
            if text:
                pieces.append(repr(text))
            statements.append(f"{name} = {part.source}")
        else:
            memory = Memory(part.convert, text)
            # Not a dict that learns by itself: CPython looks for a subclass's method each time.
            names[f"{name}_texts"], names[f"{name}_learn"] = memory.texts, memory.learn
            statements += _RECALL.format(name=name, source=part.source).splitlines()
        text = ""
        pieces.append(f"f'{{{name}:{part.form}}}'" if part.form else f"f'{{{name}}}'")
    pieces.append(repr(text))
    body = "\n        ".join(statements) or "pass"
    exec(_LOG.format(body=body, pieces=" ".join(pieces)), names)
    return cast("Log", names["log"])


def _merge(parts: Iterable[str | Stamp | Field]) -> Iterator[Field | str | list[str | Stamp]]:
    """The fields, and one text between two of them; where it is so for a second only, its parts."""
    for is_field, run in groupby(parts, lambda part: isinstance(part, Field)):
        if is_field:
            yield from cast("Iterable[Field]", run)
            continue
        constants = cast("list[str | Stamp]", list(run))
        texts = [each for each in constants if isinstance(each, str)]
        yield "".join(texts) if len(texts) == len(constants) else constants


_RECALL = """\
said = {source}
try:
    {name} = {name}_texts[said]
except KeyError:
    {name} = {name}_learn(said)
"""

_LOG = """
def log(record):
    environ = record.environ
    if record.ended >= clock.ends:
        clock.set(record.ended)
    try:
        {body}
    except KeyError:
        environ = Partial(environ)
        {body}
    write({pieces})
"""
