"""What the plugin does when there is a certificate."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from hookserve import hookimpl
from hookserve.errors import ConfigError
from hookserve.plugins import calling
from hookserve_tls.wrapper import TlsProtocol

if TYPE_CHECKING:
    import ssl

    from hookserve.config.resolved import Config
    from hookserve.plugins.host import PluginHost
    from hookserve.protocol.seam import Protocol
    from hookserve.worker.base import Worker


class TlsPlugin:
    """Makes the context where it can fail the start or the reload, which is in the arbiter, with
    its privileges; every worker inherits it, so that a session of one is resumed by any other."""

    def __init__(self, config: Config, host: PluginHost) -> None:
        context = calling.fire(host.hook.make_tls_context, config)
        if not hasattr(context, "wrap_bio"):
            raise ConfigError("make_tls_context: the result is not an ssl.SSLContext")
        self._context: ssl.SSLContext = context  # type: ignore[assignment]  # it does what one does

    @hookimpl
    def connection_wrappers(self, worker: Worker) -> list[Callable[[Protocol], Protocol]]:
        """One TLS wrapper."""
        return [partial(TlsProtocol, context=self._context)]
