"""How pytest-xdist shares the tests between its processes."""

from xdist.scheduler import LoadScopeScheduling

TOGETHER = tuple(
    f"tests/integration/test_{name}.py" for name in ("distributions", "http", "third_parties")
)
"""Files whose functions share what is slow to make."""
BY_MODEL = tuple(
    f"tests/integration/test_{name}.py"
    for name in ("corpus_over_sockets", "frameworks", "gunicorn_regressions_http")
)
"""Files whose functions share a server for each worker model, the first of their parameters."""


class ScopeScheduling(LoadScopeScheduling):
    """A class is one piece, for it may share a server; and so is a function with its parameters.

    A file of tests that start no process is one piece too: there are many, and they take no time.
    """

    def _split_scope(self, nodeid):
        path, _, name = nodeid.partition("::")
        if name.startswith("Test"):
            return nodeid.rpartition("::")[0]
        starts_processes = path.startswith(("tests/integration/", "tests/chaos/", "tests/hostile/"))
        if path in BY_MODEL:
            return f"{path}[{nodeid.rpartition('[')[2].partition('-')[0].rstrip(']')}]"
        if starts_processes and path not in TOGETHER:
            return nodeid.partition("[")[0]
        return path
