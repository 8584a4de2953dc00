"""gunicorn's ``ssl_context(config, default_factory)`` as the hook `make_tls_context`."""

from __future__ import annotations

from collections.abc import Callable, Generator
from typing import TYPE_CHECKING, Any

from hookserve import HookserveError, hookimpl

if TYPE_CHECKING:
    from hookserve.config.resolved import Config


class TlsContextMaker:
    """A plugin that makes the TLS context with a function of the configuration file."""

    def __init__(
        self,
        context: Callable[..., Any],  # Any: the file's own type
        view: Callable[[Config], object],
    ) -> None:
        self._context = context
        self._view = view

    @hookimpl(wrapper=True)
    def make_tls_context(self, config: Config) -> Generator[None, object, Any]:  # Any: as above
        """Call the function; its default factory returns, or raises, what the settings give."""
        try:
            made = yield
        except HookserveError as error:
            # The settings are wrong: that matters only to a function that asks for their context.
            failure = error

            def default_factory() -> object:
                raise failure

        else:

            def default_factory() -> object:
                return made

        return self._context(self._view(config), default_factory)
