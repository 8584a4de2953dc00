"""Text from clients and applications, made safe to print.

What a terminal or a reader of logs acts on and does not show is written out: control characters,
those that reorder text (Unicode's bidirectional controls), those that end a line elsewhere (U+0085,
U+2028, U+2029) and those without a width.
"""

from __future__ import annotations

_ESCAPES = {"\n": "\\n", "\r": "\\r", "\t": "\\t", '"': '\\"', "\\": "\\\\"}


def visible(text: str) -> str:
    """The text with whatever is not printable (`str.isprintable`) as an escape of Python's."""
    if text.isprintable():
        return text
    return "".join(each if each.isprintable() else _escaped(each) for each in text)


def quotable(text: str) -> str:
    """The same for a text between quotes: quotes and backslashes are escaped too."""
    if text.isprintable() and '"' not in text and "\\" not in text:
        return text
    return "".join(
        each if each.isprintable() and each not in _ESCAPES else _escaped(each) for each in text
    )


def single_word(text: str) -> str:
    """The same for a text that stands without quotes: blanks are escaped too."""
    return quotable(text).replace(" ", "\\x20")


def visible_lines(text: str) -> str:
    """A text of several lines, tabs kept; none but the first begins with a bracket, as records
    of the error log do."""
    if text.isprintable():
        return text
    first, *others = ("\t".join(map(visible, line.split("\t"))) for line in text.split("\n"))
    return "\n".join([first, *(f"  {line}" if line[:1] == "[" else line for line in others)])


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    number = ord(character)
    if number < 0x100:
        return f"\\x{number:02x}"
    return f"\\u{number:04x}" if number < 0x10000 else f"\\U{number:08x}"
