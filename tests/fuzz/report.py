"""The table."""

from dataclasses import dataclass, field

_COLUMNS = ("target", "executions", "per second", "edges", "new", "corpus", "findings")
_WIDTHS = (14, 11, 11, 7, 6, 8, 0)


@dataclass(frozen=True, slots=True)
class Row:
    """What fuzzing one target came to."""

    target: str
    executions: int
    seconds: float
    coverage: int = 0
    """Edges of the code that were reached; 0 where nothing counts them."""
    new: int = 0
    """Those of them that what the run began with did not reach."""
    corpus: int = 0
    """Inputs that each reach something of their own."""
    findings: list[str] = field(default_factory=list)


def head():
    """The line above the rows."""
    return _line(_COLUMNS)


def line(row):
    """A line for the terminal."""
    rate = row.executions / max(row.seconds, 0.001)
    counted = [str(each or "-") for each in (row.coverage, row.new, row.corpus)]
    return _line([row.target, str(row.executions), f"{rate:.0f}", *counted, str(len(row.findings))])


def _line(texts):
    return "".join(text.ljust(width) for text, width in zip(texts, _WIDTHS, strict=True)).rstrip()
