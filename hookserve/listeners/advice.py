"""What is said of an address that cannot be listened on: one line, with the remedy."""

from __future__ import annotations

import _socket
import errno
import os
from collections.abc import Iterable

from hookserve.errors import ListenError
from hookserve.listeners.address import Address, Endpoint, TcpAddress, UnixAddress

_NO_HOST = "there is no host of that name (bind an address, or 0.0.0.0 for all)"
_ADVICE = {
    errno.EADDRINUSE: "address already in use (another server is there: stop it, or choose"
    " another address with {flag})",
    errno.EACCES: "permission denied (try a port above 1023, or a capability)",
    errno.EADDRNOTAVAIL: "this machine has no such address (bind its own, or 0.0.0.0 for all)",
    **dict.fromkeys((_socket.EAI_NONAME, _socket.EAI_AGAIN), _NO_HOST),
}
_OWN = (
    "address already in use (this server itself listens at {held}: choose another address with"
    " {flag}, or reload twice, first without the one that is there)"
)
_PATH_ADVICE = {
    errno.ENOENT: "no such file or directory (make {directory}, or choose another path with"
    " {flag})",
    errno.ENOTDIR: "not a directory (choose another path with {flag})",
    errno.EACCES: "permission denied (let this user write to {directory}, or choose another path"
    " with {flag})",
}
"""Of a unix socket's."""
_WILDCARDS = ("0.0.0.0", "::")


def listen_error(
    address: Address, error: OSError, flag: str, held: Iterable[Endpoint]
) -> ListenError:
    """The error of an address; its remedy may name the `flag`, and `held` is where this server
    listens already."""
    number = error.errno or 0
    text = (error.strerror or str(error)).lower()
    if number == errno.EADDRINUSE:
        found = next((each for each in held if _exclude_each_other(address, each)), None)
        text = _ADVICE[number] if found is None else _OWN.replace("{held}", _shown(found))
    elif isinstance(address, UnixAddress):
        directory = os.path.dirname(os.path.abspath(address.path))
        text = _PATH_ADVICE.get(number, text).replace("{directory}", directory)
    else:
        text = _ADVICE.get(number, text)
    return ListenError(f"cannot listen on {address}: {text.replace('{flag}', flag)}")


def _exclude_each_other(address: Address, other: Endpoint) -> bool:
    if isinstance(address, UnixAddress):
        return other.unix and os.path.abspath(address.path) == os.path.abspath(other.host)
    if other.unix or not isinstance(address, TcpAddress):
        return False
    hosts = address.host, other.host
    overlap = hosts[0] == hosts[1] or any(each in _WILDCARDS for each in hosts)
    return overlap and str(address.port) == other.port


def _shown(endpoint: Endpoint) -> str:
    if endpoint.unix:
        return str(UnixAddress(endpoint.host))
    return str(TcpAddress(endpoint.host, int(endpoint.port)))
