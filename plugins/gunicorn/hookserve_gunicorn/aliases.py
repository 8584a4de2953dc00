"""The logger ``gunicorn.error`` as an application finds it: it logs where the server does."""

from __future__ import annotations

import logging

_OWN, _ALIAS = "hookserve", "gunicorn.error"


def share_handlers() -> None:
    """Give ``gunicorn.error`` the handlers, the level and the propagation of the error log.

    Applications take them over (``app.logger.handlers = gunicorn_logger.handlers``).  A logger that
    a logging configuration or a logger class has set up is left alone.
    """
    own, alias = logging.getLogger(_OWN), logging.getLogger(_ALIAS)
    if alias.handlers and alias.handlers is not own.handlers:
        return
    if any(getattr(each, "is_forward", False) for each in own.handlers):
        return  # a logger class is in use, and the alias is its own
    alias.handlers = own.handlers  # the same list: what is added later is shared too
    alias.setLevel(own.level)
    alias.propagate = own.propagate
