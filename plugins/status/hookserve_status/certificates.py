"""When the certificates of a PEM file expire."""

from __future__ import annotations

import calendar
import ssl
import time
from collections.abc import Iterator

_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
_SEQUENCE, _VERSION, _UTC_TIME = 0x30, 0xA0, 0x17


def days_left(path: str, now: float | None = None) -> float | None:
    """Days until the first certificate of a chain in that file expires; `None` when the file
    cannot be read."""
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            moments = list(_expiries(file.read()))
    except (OSError, ValueError, IndexError):
        return None
    now = time.time() if now is None else now
    return (min(moments) - now) / 86400 if moments else None


def _expiries(text: str) -> Iterator[float]:
    """The ends of validity, in seconds since the epoch."""
    for part in text.split(_BEGIN)[1:]:
        yield _not_after(ssl.PEM_cert_to_DER_cert(f"{_BEGIN}{part.partition(_END)[0]}{_END}"))


def _not_after(certificate: bytes) -> float:
    """RFC 5280, 4.1: Certificate, TBSCertificate, then [version], serial number, signature,
    issuer, validity."""
    _, body, _ = _element(_element(certificate, 0)[1], 0)
    at = 0
    kind, _, after = _element(body, at)
    at = after if kind == _VERSION else 0
    for _ in range(3):
        at = _element(body, at)[2]
    validity = _element(body, at)[1]
    kind, moment, _ = _element(validity, _element(validity, 0)[2])
    digits = moment.decode("ascii").rstrip("Z")
    if kind == _UTC_TIME:  # 4.1.2.5.1: the century by the year
        digits = ("19" if digits >= "50" else "20") + digits
    return calendar.timegm(time.strptime(digits, "%Y%m%d%H%M%S"))


def _element(data: bytes, at: int) -> tuple[int, bytes, int]:
    """Kind, contents, and where the next one begins (X.690, DER)."""
    kind, size, at = data[at], data[at + 1], at + 2
    if size & 0x80:
        count = size & 0x7F
        size, at = int.from_bytes(data[at : at + count], "big"), at + count
    return kind, data[at : at + size], at + size
