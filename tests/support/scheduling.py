"""How pytest-xdist shares the tests between its processes."""

from xdist.scheduler import LoadScopeScheduling

TOGETHER = ("tests/integration/test_distributions.py", "tests/integration/test_third_parties.py")
"""Files whose functions share what is slow to make."""


class ScopeScheduling(LoadScopeScheduling):
    """A class is one piece, for it may share a server; and so is a function with its parameters.

    A file of tests that start no process is one piece too: there are many, and they take no time.
    """

    def _split_scope(self, nodeid):
        path, _, name = nodeid.partition("::")
        if name.startswith("Test"):
            return nodeid.rpartition("::")[0]
        starts_processes = path.startswith(("tests/integration/", "tests/chaos/", "tests/hostile/"))
        if starts_processes and path not in TOGETHER:
            return nodeid.partition("[")[0]
        return path
