"""The TLS context that the settings ask for."""

from __future__ import annotations

import ssl
from typing import TYPE_CHECKING

from hookserve.errors import ConfigError

if TYPE_CHECKING:
    from hookserve.config.resolved import Config

_VERIFICATIONS = {
    "none": ssl.CERT_NONE,
    "optional": ssl.CERT_OPTIONAL,
    "required": ssl.CERT_REQUIRED,
}
_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def make_context(config: Config) -> ssl.SSLContext:
    """A server's context; raises ConfigError that names the setting and what is wrong with it."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = _VERSIONS[config.tls_minimum_version]
    # OpenSSL before 3.0 lets a client ask for new handshakes without end.
    context.options |= ssl.OP_NO_RENEGOTIATION | ssl.OP_NO_COMPRESSION
    context.set_alpn_protocols(["http/1.1"])  # RFC 7301
    _load_certificate(context, config)
    if config.ciphers:
        try:
            context.set_ciphers(config.ciphers)
        except ssl.SSLError:
            raise ConfigError(f"ciphers: OpenSSL knows none in {config.ciphers!r}") from None
    context.verify_mode = _VERIFICATIONS[config.cert_reqs]
    if config.ca_certs:
        _load_authorities(context, config.ca_certs)
    elif config.cert_reqs != "none":
        raise ConfigError(
            f"cert_reqs is {config.cert_reqs!r}, but ca_certs names no authority to check against"
        )
    return context


def _load_certificate(context: ssl.SSLContext, config: Config) -> None:
    def refuse_to_ask() -> str:
        raise ConfigError(
            f"keyfile: {key} is encrypted (decrypt it, or implement the hook make_tls_context)"
        )

    chain, key = config.certfile, config.keyfile or config.certfile
    for name, path in (("certfile", chain), ("keyfile", key)):
        _check_readable(name, path)
    try:
        context.load_cert_chain(chain, key, refuse_to_ask)
    except ssl.SSLError as error:
        if error.reason == "KEY_VALUES_MISMATCH":
            reason = f"the key in {key} is not that of the certificate in {chain}"
        else:
            reason = f"{chain} and {key} hold no certificate with its key, in PEM"
        raise ConfigError(f"certfile: {reason}") from None


def _load_authorities(context: ssl.SSLContext, path: str) -> None:
    _check_readable("ca_certs", path)
    try:
        context.load_verify_locations(path)
    except ssl.SSLError:
        raise ConfigError(f"ca_certs: {path} holds no certificates in PEM") from None


def _check_readable(name: str, path: str) -> None:
    try:
        with open(path, "rb"):
            pass
    except OSError as error:
        text = (error.strerror or str(error)).lower()
        raise ConfigError(f"{name}: cannot read {path}: {text}") from None
