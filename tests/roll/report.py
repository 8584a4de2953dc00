"""The table."""

HEAD = (
    "| behind | what happens | requests | lost | allowed | longest gap, ms | s | |\n"
    "|---|---|--:|--:|--:|--:|--:|---|"
)


def line(row):
    """A row in Markdown; what is wrong is bold."""
    outcome = row.outcome
    figures = ["-"] * 5
    if outcome is not None:
        figures = [
            f"{outcome.answered:,}",
            str(outcome.failures),
            str(row.most_lost),
            f"{outcome.gap * 1000:.0f}",
            f"{outcome.seconds:.0f}",
        ]
    words = f"**{row.verdict}**" if row.verdict else row.notes
    return f"| {' | '.join([row.balancer, row.phase, *figures, words])} |"


def total(rows):
    """The line under the table."""
    answered = sum(row.outcome.answered for row in rows if row.outcome)
    lost = sum(row.outcome.failures for row in rows if row.outcome)
    return f"{answered:,} requests, {lost} lost."
