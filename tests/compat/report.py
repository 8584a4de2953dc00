"""The table and the totals."""

from tests.compat.corpus import KINDS

WIDTH = 34


def row(verdict):
    """The lines for one case."""
    name = f"{verdict.case.kind[:-1]} {verdict.case.name}"
    lines = [f"{name:{WIDTH}} {verdict.word}"]
    for aspect, difference in verdict.differences.items():
        line = verdict.lines.get(aspect)
        lines.append(f"    {aspect}: {line if line is not None else difference}")
    if verdict.word == "FAILS":
        lines += [f"    hookserve says: {line}" for line in verdict.warnings[:4]]
    return "\n".join(lines)


def total(verdicts):
    """How many of each kind are alike, differ and fail."""
    lines = []
    for kind in KINDS:
        words = [verdict.word for verdict in verdicts if verdict.case.kind == kind]
        if words:
            lines.append(
                f"{kind}: {words.count('alike')} of {len(words)} alike,"
                f" {words.count('differs')} differ and say so, {words.count('FAILS')} fail"
            )
    return "\n".join(lines)
