"""The tables that `make chaos` and `make hostile` end with."""

import sys
from pathlib import Path


def rows_of(found, what, field_of):
    """The lines of a table: a row for each `what`, an attribute of all results, and a column for
    each model; `field_of` gets a result or `None`."""
    models = list(dict.fromkeys(each.model for each in found))
    by_place = {(getattr(each, what), each.model): each for each in found}
    yield f"| {what} | {' | '.join(models)} |"
    yield f"|---|{'---|' * len(models)}"
    for name in dict.fromkeys(getattr(each, what) for each in found):
        fields = [field_of(by_place.get((name, model))) for model in models]
        yield f"| {name} | {' | '.join(fields)} |"


def conclude(found, what, path, text):
    """Write the tables to a file, and what went wrong to the standard error; the exit code."""
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Path(path).write_text(text)
    wrong = [each for each in found if each.verdict]
    for each in wrong:
        print(f"{each.model}, {getattr(each, what)}: {each.verdict}", file=sys.stderr)
    return 1 if wrong else 0
