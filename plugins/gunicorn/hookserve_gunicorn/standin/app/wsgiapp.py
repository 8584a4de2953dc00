"""Stands in for ``gunicorn.app.wsgiapp``."""

from hookserve_gunicorn.applications import WSGIApplication

__all__ = ["WSGIApplication", "run"]


def run(prog: str | None = None) -> None:
    """Run the command line."""
    WSGIApplication(prog=prog).run()
