"""What TLS tells an application, by the names of Apache's mod_ssl."""

from __future__ import annotations

import ssl
from typing import Any


def connection_info(tls: ssl.SSLObject) -> dict[str, object]:
    """The entries for the environ of each request of a connection, once the handshake is done.

    ``SSL_CLIENT_VERIFY`` is ``SUCCESS`` when the client has shown a certificate that an authority
    of `ca_certs` has signed, and ``NONE`` when it has shown none; a bad one ends the handshake.
    """
    cipher = tls.cipher()
    info: dict[str, object] = {
        "wsgi.url_scheme": "https",
        "HTTPS": "on",
        "SSL_PROTOCOL": tls.version() or "",
        "SSL_CIPHER": cipher[0] if cipher else "",
        "SSL_CLIENT_VERIFY": "NONE",
    }
    certificate = tls.getpeercert(binary_form=True)
    if certificate:
        info["SSL_CLIENT_CERT"] = ssl.DER_cert_to_PEM_cert(certificate)
        info |= _describe(tls.getpeercert() or {})
    return info


def _describe(certificate: Any) -> dict[str, object]:  # Any: a table as `ssl` gives it
    return {
        "SSL_CLIENT_VERIFY": "SUCCESS",
        "SSL_CLIENT_S_DN": _name(certificate.get("subject", ())),
        "SSL_CLIENT_I_DN": _name(certificate.get("issuer", ())),
        "SSL_CLIENT_M_SERIAL": certificate.get("serialNumber", ""),
        "SSL_CLIENT_V_START": certificate.get("notBefore", ""),
        "SSL_CLIENT_V_END": certificate.get("notAfter", ""),
    }


_SHORT = {
    "commonName": "CN",
    "countryName": "C",
    "localityName": "L",
    "organizationName": "O",
    "organizationalUnitName": "OU",
    "stateOrProvinceName": "ST",
    "emailAddress": "emailAddress",
    "domainComponent": "DC",
}


def _name(parts: tuple[tuple[tuple[str, str], ...], ...]) -> str:
    """A distinguished name as text, the most specific part first (RFC 4514)."""
    pairs = [f"{_SHORT.get(key, key)}={_escape(value)}" for part in parts for key, value in part]
    return ",".join(reversed(pairs))


def _escape(value: str) -> str:
    """RFC 4514, 2.4: what would end a part is escaped, and a space or # at an edge."""
    text = "".join(f"\\{each}" if each in ',+"\\<>;' else each for each in value)
    if text.endswith(" "):
        text = f"{text[:-1]}\\ "
    return f"\\{text}" if text[:1] in (" ", "#") else text
