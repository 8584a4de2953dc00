"""A line of the access log, compiled once into a function of a record.

The compiled function is generated code: a call for each field would cost more than all the rest.
`format_plainly` makes the same line without; the tests compare the two.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any, NamedTuple, cast

from hookserve import AccessRecord
from hookserve_logging.clock import Clock, PerSecond

Log = Callable[[AccessRecord], object]
Write = Callable[[str], object]

_CACHE_SIZE = 1024
"""Texts of one field."""
_LONGEST_CACHED = 512
"""Characters."""


class Field(NamedTuple):
    """A part of a line that differs between records."""

    source: str
    """An expression of Python: of `record`, its `environ`, and the functions that come with the
    parts.  A key that the environ lacks gives `None`."""
    convert: Callable[[Any], str] | None = None  # Any: what the expression gives
    """Makes the text of a value, and is cached by value; `None`: Python formats the value."""
    form: str = ""
    """The format specification that Python formats it with."""


Part = str | PerSecond | Field
Functions = Mapping[str, Callable[..., object]]
"""What the fields' expressions may call, by name."""


class TextCache:
    """The texts of one field by value, within bounds: clients send the same values again."""

    def __init__(self, convert: Callable[[Any], str], before: str) -> None:
        self._convert = convert
        self._before = before
        self.after = ""
        """The constant text that follows the field; `before` precedes it."""
        self.texts: dict[Any, str] = {}

    def add(self, value: Any) -> str:
        """The text of a value that is not cached; caches it unless it is long."""
        text = f"{self._before}{self._convert(value)}{self.after}"
        if len(text) <= _LONGEST_CACHED:
            if len(self.texts) >= _CACHE_SIZE:
                self.texts.clear()
            self.texts[value] = text
        return text


class Partial(dict[str, Any]):
    """The environ of a request that was killed or refused, or that an application has emptied."""

    def __missing__(self, _: str) -> None: ...


def format_plainly(
    parts: Iterable[Part], functions: Functions, record: AccessRecord, day: time.struct_time
) -> str:
    """The line of a record, at that time of day; what `compile_line`'s function writes."""
    scope = {**functions, "record": record, "environ": Partial(record.environ)}
    pieces = []
    for part in parts:
        if isinstance(part, str):
            pieces.append(part)
        elif not isinstance(part, Field):
            pieces.append(part(day))
        else:
            value = eval(part.source, scope)
            pieces.append(part.convert(value) if part.convert else format(value, part.form))
    return "".join(pieces)


def compile_line(parts: Iterable[Part], functions: Functions, clock: Clock, write: Write) -> Log:
    """A function that makes one line of a record, and returns what `write` returns for it."""
    compiler = _Compiler(functions, clock, write)
    for part in _merge(parts):
        if isinstance(part, str):
            compiler.add_text(part)
        elif isinstance(part, Field):
            compiler.add_field(part)
        else:
            compiler.add_constants(part)
    return compiler.compile()


class _Compiler:
    """Writes the function part by part.

    The function joins few pieces: a constant text goes with the field beside it where that is
    cached, and what is the same for a second is the clock's.
    """

    def __init__(self, functions: Functions, clock: Clock, write: Write) -> None:
        self._clock = clock
        self._names: dict[str, object] = {
            **functions,
            "clock": clock,
            "texts": clock.texts,
            "write": write,
            "Partial": Partial,
        }
        self._statements: list[str] = []
        self._pieces: list[str] = []
        self._cache: TextCache | None = None
        """Of the field just before."""
        self._text = ""
        """Constant text that is in no piece yet."""

    def add_text(self, text: str) -> None:
        """Constant text; it goes with the cached field before it, or with the field after it."""
        if self._cache is not None:
            self._cache.after = text
        else:
            self._text = text

    def add_constants(self, run: list[str | PerSecond]) -> None:
        """Texts that are the same for a second."""
        self._cache = None
        self._pieces.append(f"f'{{texts[{self._clock.add(run)}]}}'")

    def add_field(self, field: Field) -> None:
        """A field, and the constant text before it."""
        name = f"field{len(self._pieces)}"
        if field.convert is None:
            self._cache = None
            if self._text:
                self._pieces.append(repr(self._text))
            self._statements.append(f"{name} = {field.source}")
        else:
            self._cache = cache = TextCache(field.convert, self._text)
            # Not a dict with __missing__: CPython looks for a subclass's method each time.
            self._names[f"{name}_texts"], self._names[f"{name}_add"] = cache.texts, cache.add
            self._statements += _LOOK_UP.format(name=name, source=field.source).splitlines()
        self._text = ""
        self._pieces.append(f"f'{{{name}:{field.form}}}'" if field.form else f"f'{{{name}}}'")

    def compile(self) -> Log:
        """The function."""
        pieces = " ".join([*self._pieces, repr(self._text)])
        body = "\n        ".join(self._statements) or "pass"
        exec(_LOG.format(body=body, pieces=pieces), self._names)
        return cast("Log", self._names["log"])


def _merge(parts: Iterable[Part]) -> Iterator[Field | str | list[str | PerSecond]]:
    """The fields, and one text between two of them; the parts of a text that is the same for a
    second only."""
    for is_field, run in groupby(parts, lambda part: isinstance(part, Field)):
        if is_field:
            yield from cast("Iterable[Field]", run)
            continue
        constants = cast("list[str | PerSecond]", list(run))
        texts = [each for each in constants if isinstance(each, str)]
        yield "".join(texts) if len(texts) == len(constants) else constants


_LOOK_UP = """\
value = {source}
try:
    {name} = {name}_texts[value]
except KeyError:
    {name} = {name}_add(value)
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
    return write({pieces})
"""
