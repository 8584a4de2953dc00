"""Stands in for ``gunicorn.app.wsgiapp``."""

from hookserve_gunicorn.applications import WSGIApplication, run

__all__ = ["WSGIApplication", "run"]
