"""When the certificates of a PEM file expire."""

from __future__ import annotations

import calendar
import ssl
import time
from collections.abc import Iterator

_BEGIN, _END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
_DAY = 86400
_SEQUENCE, _VERSION, _UTC_TIME = 0x30, 0xA0, 0x17


class Certificate:
    """The file of a certificate, made when what reads it is: at the start, and at each reload.

    Workers read the file when they boot, so that one may serve what stood in it then.
    """

    def __init__(self, path: str) -> None:
        self._path = path
        self._first = expiry(path)

    def describe(self) -> dict[str, object]:
        """As a snapshot has it: ``file``, ``days_left`` until what is served expires (`None`: it
        cannot be read), ``is_replaced`` whether another has come into its place since."""
        found = expiry(self._path)
        moments = [each for each in (self._first, found) if each is not None]
        return {
            "file": self._path,
            "days_left": (min(moments) - time.time()) / _DAY if found is not None else None,
            "is_replaced": found is not None and self._first not in (None, found),
        }


def expiry(path: str) -> float | None:
    """When the first certificate of a chain in that file expires, in seconds since the epoch;
    `None` when the file cannot be read."""
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            return min(_expiries(file.read()), default=None)
    except (OSError, ValueError, IndexError):
        return None


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
