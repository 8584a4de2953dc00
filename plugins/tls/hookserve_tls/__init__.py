"""TLS on every listener, under every worker model.

plugin
    what the plugin does when there is a certificate
context
    the TLS context that the settings ask for
wrapper, transport
    TLS around a protocol, without I/O; the transport within
lent
    the socket of a connection that an application has taken over
connection_info
    what an application sees of TLS, by the names of mod_ssl
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from hookserve import Setting, hookimpl
from hookserve.config.values import one_of, optional_text
from hookserve.errors import ConfigError

if TYPE_CHECKING:
    import ssl

    from hookserve.config.resolved import Config
    from hookserve.plugins.host import PluginHost

VERIFICATIONS = ("none", "optional", "required")


def verification(value: object) -> str:
    """One of ``none``, ``optional``, ``required``; or its number, as in `ssl.VerifyMode`."""
    given = value.strip().lower() if isinstance(value, str) else value
    for number, name in enumerate(VERIFICATIONS):
        if given in (name, str(number)) or (given == number and not isinstance(given, bool)):
            return name
    raise ValueError(f"expected one of {', '.join(VERIFICATIONS)}")


SETTINGS: tuple[Setting, ...] = (
    Setting(
        "certfile",
        None,
        optional_text,
        "speak TLS, with the certificate chain in this PEM file; read anew at each reload",
        metavar="FILE",
    ),
    Setting(
        "keyfile",
        None,
        optional_text,
        "the private key, where it is not in certfile",
        metavar="FILE",
    ),
    Setting(
        "ca_certs",
        None,
        optional_text,
        "the authorities whose client certificates are accepted, in a PEM file",
        metavar="FILE",
        needs=("cert_reqs",),
    ),
    Setting(
        "cert_reqs",
        "none",
        verification,
        "whether clients show a certificate; it is checked, and passed to the application"
        " as SSL_CLIENT_*",
    ),
    Setting(
        "ciphers",
        None,
        optional_text,
        "the ciphers of TLS 1.2, in OpenSSL's notation",
        needs=("tls_minimum_version=1.2",),
    ),
    Setting(
        "tls_minimum_version",
        "1.2",
        one_of("1.2", "1.3"),
        "the oldest version of TLS that is spoken",
    ),
)


@hookimpl
def settings() -> tuple[Setting, ...]:
    """Certificates, and what is asked of clients."""
    return SETTINGS


@hookimpl
def configured_plugins(config: Config, host: PluginHost) -> list[object]:
    """The wrapper, when there is a certificate."""
    if not config.certfile:
        for setting in SETTINGS[1:]:
            name = setting.name
            if config.get(name) != setting.default:
                raise ConfigError(
                    f"{name} ({config.origin(name)}): there is no certfile, so nothing is encrypted"
                    f" (set certfile, or take {name} away)"
                )
        return []
    from hookserve_tls.plugin import TlsPlugin

    return [TlsPlugin(config, host)]


@hookimpl(trylast=True)
def make_tls_context(config: Config) -> ssl.SSLContext:
    """A context of what the settings say."""
    from hookserve_tls.context import make_context

    return make_context(config)
