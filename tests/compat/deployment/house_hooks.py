"""Hooks that configuration files name or import."""


def post_fork(server, worker):
    """Runs in each worker."""
    server.log.info("case: hook post_fork")


def when_ready(server):
    """Runs in the arbiter."""
    server.log.info("case: hook when_ready")
