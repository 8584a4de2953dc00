"""Stands in for ``gunicorn.app.base``."""

from hookserve_gunicorn.applications import Application, BaseApplication

__all__ = ["Application", "BaseApplication"]
