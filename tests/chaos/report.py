"""The table."""

from statistics import median

from tests.support.tables import rows_of

_COLUMNS = (
    "fault",
    "model",
    "requests",
    "rate",
    "failures",
    "allowed",
    "gap ms",
    "client ms",
    "verdict",
)
_WIDTHS = (21, 9, 8, 6, 8, 8, 7, 9, 0)
HEAD = "  ".join(name.ljust(width) for name, width in zip(_COLUMNS, _WIDTHS, strict=True))


def row(cell):
    """A line for the terminal."""
    return "  ".join(
        text.ljust(width) for text, width in zip(_texts(cell), _WIDTHS, strict=True)
    ).rstrip()


def markdown(found, seconds):
    """The whole table: a row for each fault, a column for each model."""
    lines = [
        f"{len(found)} cells, {sum(_answered(each) for each in found)} requests, {seconds:.0f} s;"
        f" the application's import takes {median(each.import_time for each in found):.2f} s."
        " Each field: requests, failures (of those that killed workers held), longest gap in ms.",
        "",
        *rows_of(found, "fault", _field),
    ]
    return "\n".join(lines) + "\n"


def keep_log(directory, cell):
    """Write a cell's log, and each failure with its moment, to a file."""
    directory.mkdir(parents=True, exist_ok=True)
    name = "".join(each if each.isalnum() else "-" for each in f"{cell.fault} {cell.model}")
    failed = cell.outcome.failed if cell.outcome else []
    lines = [cell.verdict, *map(str, failed), cell.log]
    (directory / f"{name}.txt").write_text("\n".join(lines))


def _field(cell):
    if cell is None:
        return "-"
    if cell.outcome is None:
        return f"**{cell.verdict}**"
    failures = str(cell.outcome.failures) + (f" of {cell.most_lost}" if cell.most_lost else "")
    text = f"{cell.outcome.answered}, {failures}, {cell.outcome.gap * 1000:.0f}"
    return f"**{text}**" if cell.verdict else text


def _answered(cell):
    return cell.outcome.answered if cell.outcome else 0


def _texts(cell):
    outcome, allowed = cell.outcome, str(cell.most_lost or "-")
    if outcome is None:
        return [cell.fault, cell.model, "-", "-", "-", allowed, "-", "-", cell.verdict]
    rate = outcome.answered / outcome.seconds
    return [
        cell.fault,
        cell.model,
        str(outcome.answered),
        f"{rate:.0f}",
        str(outcome.failures),
        allowed,
        f"{outcome.gap * 1000:.0f}",
        f"{outcome.hiccup * 1000:.0f}",
        cell.verdict or "good",
    ]
