"""The table."""

from tests.hostile.attacker import IDLE
from tests.support.tables import rows_of

_COLUMNS = (
    "attack",
    "model",
    "requests",
    "failures",
    "p50 ms",
    "p99 ms",
    "most ms",
    "before MB",
    "most MB",
    "verdict",
)
_WIDTHS = (18, 9, 8, 8, 7, 8, 8, 9, 8, 0)
HEAD = "  ".join(name.ljust(width) for name, width in zip(_COLUMNS, _WIDTHS, strict=True))


def row(result):
    """A line for the terminal."""
    texts = [
        result.attack,
        result.model,
        str(len(result.latencies)),
        str(len(result.failures)),
        *(f"{result.percentile(share) * 1000:.1f}" for share in (0.5, 0.99, 1.0)),
        f"{result.before / 1e6:.1f}",
        f"{result.most / 1e6:.1f}",
        _verdict(result),
    ]
    return "  ".join(text.ljust(width) for text, width in zip(texts, _WIDTHS, strict=True)).rstrip()


def _verdict(result):
    turns = f" in turn {result.turns}" if result.turns > 1 and not result.verdict else ""
    return (result.verdict or "good") + turns


def markdown(found, seconds):
    """The whole table: a row for each attack, a column for each model."""
    lines = [
        f"{len(found)} attacks of {seconds} s. Each field: the visitor's requests, failures, p50"
        " and p99 in ms, and the most memory of all processes in MB.",
        "",
        *rows_of(found, "attack", _field),
    ]
    idle = [each for each in found if each.attack == "idle"]
    if idle:
        costs = ", ".join(f"{each.model} {idle_cost(each):.0f}" for each in idle)
        lines += ["", f"Bytes for each of {IDLE:,} idle connections: {costs}."]
    return "\n".join(lines) + "\n"


def idle_cost(result):
    """Bytes of the server's own memory for each idle connection."""
    return (result.most - result.before) / IDLE


def _field(result):
    if result is None:
        return "-"
    p50, p99 = (result.percentile(share) * 1000 for share in (0.5, 0.99))
    text = (
        f"{len(result.latencies)}, {len(result.failures)}, {p50:.1f}, {p99:.1f},"
        f" {result.most / 1e6:.0f}"
    )
    return f"**{text}**" if result.verdict else text
