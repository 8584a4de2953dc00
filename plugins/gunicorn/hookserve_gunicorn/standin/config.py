"""Stands in for ``gunicorn.config``."""

from hookserve_gunicorn.objects.configuration import Config

__all__ = ["Config"]
