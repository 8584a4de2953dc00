"""What a worker has dumped, as an operator reads it: threads that do the same are shown once."""

from __future__ import annotations

import re

from hookserve.worker.running import MARK

_THREAD = r"(?m)^(?:Current t|T)hread 0x[0-9a-f]+[^\n]*\n((?:  [^\n]*\n)+)\n*"
"""As faulthandler writes a thread: https://docs.python.org/3/library/faulthandler.html."""
_REQUEST = rf"(?m)^{MARK}(\d+)$"


def render_dump(dumped: str) -> str:
    """The stacks of threads, those that several threads share once and last; then the rest.

    Threads of a pool that wait for work all have one stack.  The thread that runs a request is not
    to be looked for among them.
    """
    threads: dict[str, list[str]] = {}
    for match in re.finditer(_THREAD, f"{dumped.rstrip()}\n"):
        threads.setdefault(match[1], []).append(match[0].rstrip())
    alone = [found[0] for found in threads.values() if len(found) == 1]
    shared = [
        f"{len(found)} threads, each (most recent call first):\n{stack.rstrip()}"
        for stack, found in threads.items()
        if len(found) > 1
    ]
    rest = re.sub(_THREAD, "", f"{dumped.rstrip()}\n").strip("\n")  # not of `MARK`, a space too
    rest = re.sub(_REQUEST, r"The request in slot \1 (most recent call last):", rest)
    return "\n\n".join(each for each in (*alone, *shared, rest) if each)
