"""What the plugin does when there is a certificate."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING

from hookserve import hookimpl, hooks
from hookserve.errors import ConfigError
from hookserve_tls.layer import TlsProtocol

if TYPE_CHECKING:
    import ssl

    from hookserve.config import Config
    from hookserve.plugins import PluginHost
    from hookserve.protocol import Protocol
    from hookserve.worker import Worker


class TlsPlugin:
    """Makes the context where it can fail the start or the reload, which is in the arbiter, with
    its privileges; every worker inherits it, so that a session of one is resumed by any other."""

    def __init__(self, config: Config, host: PluginHost) -> None:
        context = hooks.fire(host.hook.make_tls_context, config)
        if not hasattr(context, "wrap_bio"):
            raise ConfigError("make_tls_context: the answer is no ssl.SSLContext")
        self._context: ssl.SSLContext = context  # type: ignore[assignment]  # it does what one does

    @hookimpl
    def connection_layers(self, worker: Worker) -> list[Callable[[Protocol], Protocol]]:
        """One layer of TLS."""
        return [partial(TlsProtocol, context=self._context)]
