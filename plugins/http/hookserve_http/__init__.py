"""HTTP/1.1 and HTTP/1.0 to WSGI, without I/O.

In reading order:

protocol, endpoint
    HTTP on one listener; what its connections share
connection, persistence
    one client's connection, and whether it stays open
incomplete
    a head that arrives in pieces
head, lines, target, grammar, rules
    from the bytes of a head to the environ, by the expressions of the RFC and the settings
forwarded, profiles, insecure, diagnoses
    what is believed of a trusted proxy; `--behind`; settings that believe clients; what
    ``hookserve doctor`` says of it
framing, body
    where a body ends; ``wsgi.input``
fields, repeated
    header fields as pairs of bytes; heads that clients repeat
exchange, outgoing, response, file_wrapper
    one request and its response: the request cycle; framing; heads; files
suspending, suspendable_connection, suspendable, suspension, request_body
    the same for interfaces whose applications wait: exchanges that are suspended, and the body of
    a request as it arrives
takeover
    an application of WSGI takes its connection over
handshake, frames
    websockets: the opening handshake, and what follows it
mount, server_name
    the application below a path of its own; the server's name over a unix socket
request, observers, request_ids
    what hooks see of a request, and when; the ids of requests
server_paths, hooks
    paths that the server itself answers; the hook by which plugins bring them
errors, error_page, refusal, disconnected, saturation
    errors with their status; the server's own responses; a client that has gone; what has waited
    too long
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING

from hookserve import Diagnosis, ProtocolType, Setting, hookimpl
from hookserve.config.values import (
    boolean,
    integer,
    items,
    mapping,
    one_of,
    optional_boolean,
    seconds,
    size,
)
from hookserve.protocol.trust import trusted_proxies
from hookserve_http.mount import mount_path
from hookserve_http.profiles import PROFILES, describe_profiles

if TYPE_CHECKING:
    from hookserve.config.resolved import Config
    from hookserve.plugins.host import PluginHost


def header_name(value: object) -> str:
    """The name of a header."""
    if isinstance(value, str):
        parts = value.split("-") if value else []
        if all(part.isascii() and part.isalnum() for part in parts):
            return value
    raise ValueError("expected the name of a header")


_TAKEN = frozenset({"cookie", "date", "expect", "host", "server", "set-cookie"})
_FAMILIES = ("content-", "forwarded", "sec-", "x-forwarded-")


def id_header(value: object) -> str:
    """The name of a header that has no meaning of its own."""
    name = header_name(value)
    if not name:
        return name
    from hookserve_http.grammar import HOP_BY_HOP

    lowered = name.lower()
    if lowered in _TAKEN or lowered in HOP_BY_HOP or lowered.startswith(_FAMILIES):
        raise ValueError("expected a header without a meaning of its own, such as X-Request-ID")
    return name


SETTINGS: tuple[Setting, ...] = (
    Setting("limit_request_line", 4094, integer, "bytes that a request line may have; 0: 65536"),
    Setting("limit_request_fields", 100, integer, "header fields that a request may have"),
    Setting(
        "limit_request_field_size",
        8190,
        integer,
        "bytes that a header line may have",
        ("--limit-request-field_size",),
    ),
    Setting("limit_request_body", 0, size, "bytes that a request body may have; 0: no limit"),
    Setting(
        "spool_size",
        524288,
        size,
        "bytes of a buffered request body that stay in memory; a larger one goes to a temporary"
        " file",
        needs=("buffer_bodies",),
    ),
    Setting(
        "buffer_bodies",
        None,
        optional_boolean,
        "have a whole request body before the application runs; without a value the models do in"
        " which a slow client would hold a process or a thread (sync, gthread), and event loops",
        switch=True,
        details="Off, sync and gthread run the application after the first 64 KiB, or at once when"
        " the client sends ``Expect: 100-continue``, and it reads the rest while it arrives. epoll"
        " and tornado always have the whole body first.",
    ),
    Setting(
        "forwarded_allow_ips",
        ("127.0.0.1", "::1", "unix:"),
        trusted_proxies,
        "proxies that are believed when they speak for a client: addresses, networks,"
        " unix: for unix sockets, or *",
        metavar="ADDRESSES",
    ),
    Setting(
        "client_header",
        "",
        header_name,
        "the header by which a trusted proxy names the client, for REMOTE_ADDR:"
        " X-Forwarded-For, Forwarded, X-Real-IP, ...",
        metavar="NAME",
        details="Lists are read from their end, past the proxies that are trusted themselves."
        " Of Forwarded (RFC 7239) proto and host are taken too.",
        needs=("forwarded_allow_ips",),
    ),
    Setting(
        "proxy_hops",
        0,
        integer,
        "how many elements of client_header are believed, counted from its end: as many as there"
        " are proxies; 0: those that trusted proxies added, and one where all are trusted",
        needs=("client_header",),
    ),
    Setting(
        "behind",
        "none",
        one_of("none", *PROFILES),
        "the proxy in front: sets what suits it where nothing else is set",
        metavar="NAME",
        implies=PROFILES,
        details=describe_profiles(),
    ),
    Setting(
        "secure_scheme_headers",
        {"X-FORWARDED-PROTOCOL": "ssl", "X-FORWARDED-PROTO": "https", "X-FORWARDED-SSL": "on"},
        mapping,
        "headers, and the value of each, by which a trusted proxy says that the client"
        " came by https",
        hidden=True,
        needs=("forwarded_allow_ips",),
    ),
    Setting(
        "forwarder_headers",
        ("SCRIPT_NAME", "PATH_INFO"),
        items,
        "headers with an underscore that a trusted proxy may send; * for all",
        metavar="NAMES",
        needs=("forwarded_allow_ips",),
    ),
    Setting(
        "header_map",
        "drop",
        one_of("drop", "refuse", "dangerous"),
        "what to do with other headers whose name has an underscore",
    ),
    Setting("permit_obsolete_folding", False, boolean, "accept folded header lines", switch=True),
    Setting(
        "strip_header_spaces",
        False,
        boolean,
        "accept white space before a header's colon",
        switch=True,
    ),
    Setting(
        "permit_unconventional_http_method",
        False,
        boolean,
        "accept any token as a method",
        switch=True,
    ),
    Setting(
        "permit_unconventional_http_version", False, boolean, "accept every HTTP/1.x", switch=True
    ),
    Setting(
        "queue_timeout",
        0.0,
        seconds,
        "refuse with 503 a request that has waited this long before it could run; 0: never",
        details="What waits in the accept queue counts, within TLS too, and on an open connection."
        " A unix socket"
        " tells nothing of that: there, and for what has waited in a proxy, the header"
        " ``X-Request-Start`` of a trusted proxy says since when.",
    ),
    Setting(
        "request_id",
        "",
        id_header,
        "the header by which a request has an id, X-Request-ID as a rule: taken from a trusted"
        " proxy, made for other requests, and sent with the response",
        metavar="NAME",
        details="A proxy of `forwarded_allow_ips` is believed, if its id has 1 to 128 letters,"
        " digits and ``._~:;/+=@|-``. The application has the id in the request's header, which is"
        " replaced; ``ctl requests``, reports and logs name the request by it.",
    ),
    Setting("sendfile", True, boolean, "send files with sendfile(2)", switch=True),
    Setting("server_header", True, boolean, "send the header Server", switch=True),
    Setting(
        "script_name",
        "",
        mount_path,
        "the path below which the application is, where a proxy forwards requests with it:"
        " SCRIPT_NAME",
        metavar="PATH",
    ),
    Setting("casefold_http_method", False, boolean, "put methods in upper case", switch=True),
)


@hookimpl
def settings() -> tuple[Setting, ...]:
    """Limits, trust and strictness."""
    return SETTINGS


@hookimpl
def configured_plugins(host: PluginHost) -> list[object]:
    """None; what the plugin has a hook for may be configured now."""
    from hookserve_http.hooks import HttpHooks

    host.specify(HttpHooks)
    return []


@hookimpl
def config_warnings(config: Config) -> Iterable[str]:
    """Settings that believe clients."""
    from hookserve_http.insecure import find_insecure

    return find_insecure(config)


@hookimpl
def diagnoses(config: Config) -> Iterable[Diagnosis]:
    """What the server believes of a proxy, and whether the two agree."""
    from hookserve_http.diagnoses import check_proxy

    return check_proxy(config)


@hookimpl
def protocol_types() -> list[ProtocolType]:
    """One protocol, ``http``."""
    return [
        ProtocolType("http", "hookserve_http.protocol:HttpProtocol", "HTTP/1.1 and 1.0 to WSGI")
    ]
