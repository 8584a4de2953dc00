"""The grammar of HTTP/1.1, each expression under the rule that it implements."""

from __future__ import annotations

import re

# RFC 9110, 5.6.2: token = 1*tchar
TOKEN = re.compile(rb"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")
TOKEN_TEXT = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+")

# RFC 9110, 9.1: a method is a token, by convention upper-case letters.  Other tokens are refused
# unless permit_unconventional_http_method is on: most are garbage or attacks.
CONVENTIONAL_METHOD = re.compile(rb"[A-Z$%&'*+\-.^_`|~0-9]{3,20}")

# RFC 9112, 2.3: HTTP-version = HTTP-name "/" DIGIT "." DIGIT
VERSION = re.compile(rb"HTTP/[0-9]\.[0-9]")

# RFC 9110, 5.5: field values hold no CR, LF or NUL; a recipient may refuse other control
# characters, and this one does.  HTAB and obs-text (0x80 to 0xff) are allowed.
FORBIDDEN_IN_VALUE = re.compile(rb"[\x00-\x08\x0a-\x1f\x7f]")
FORBIDDEN_IN_VALUE_TEXT = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")

# RFC 9110, 7.2: Host = uri-host [ ":" port ].  RFC 3986, 3.2.2: reg-name, IPv4 or a bracketed
# literal, which nothing but a port may follow.  Unreserved characters have the underscore.
HOST = re.compile(
    r"(?:\[[0-9A-Fa-f:.]+\]|(?:[A-Za-z0-9\-._~!$&'()*+,;=]|%[0-9A-Fa-f]{2})+)(?::[0-9]*)?|"
)

# RFC 9110, 8.6: Content-Length = 1*DIGIT
DIGITS = re.compile(r"[0-9]{1,19}")

# RFC 9112, 7.1: chunk-size = 1*HEXDIG.  Sixteen digits hold any 64-bit size.
CHUNK_SIZE = re.compile(rb"[0-9A-Fa-f]{1,16}")

# A size line without an extension, of at most 65,535 bytes, of a chunk that is not the last.
SMALL_CHUNK = re.compile(rb"(?!0+\r)([0-9A-Fa-f]{1,4})\r\n")

# RFC 9112, 7.1.1: chunk-ext = *( BWS ";" BWS chunk-ext-name [ BWS "=" BWS chunk-ext-val ] )
# with chunk-ext-val = token / quoted-string (RFC 9110, 5.6.4).
CHUNK_EXTENSION = re.compile(
    rb"(?:[ \t]*;[ \t]*[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
    rb"(?:[ \t]*=[ \t]*(?:[!#$%&'*+\-.^_`|~0-9A-Za-z]+"
    rb'|"(?:[\t \x21\x23-\x5b\x5d-\x7e\x80-\xff]|\\[\t \x21-\x7e\x80-\xff])*"))?)*'
)

# RFC 9112, 4: status-line = HTTP-version SP status-code SP [ reason-phrase ]; PEP 3333 wants the
# code, a space and a phrase.  An interim status (RFC 9110, 15.2) is not a response to the request:
# the client would take the next response for it.
STATUS = re.compile(r"[2-9][0-9]{2}(?: [\t\x20-\x7e\x80-\xff]*)?")

# RFC 9112, 3.2.3 and RFC 3986, 3.2: authority = host ":" port, without user information.
AUTHORITY = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9\-._~]+):([0-9]{1,5})")

# RFC 9110, 6.5.1: fields about framing, routing or authentication must not be trailers.
FORBIDDEN_TRAILERS = frozenset(
    b"authorization connection content-encoding content-length content-range content-type cookie"
    b" host set-cookie te trailer transfer-encoding".split()
)

# RFC 9110, 7.6.1: hop-by-hop fields are the server's, not the application's (PEP 3333).
HOP_BY_HOP = frozenset(
    [
        "connection",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "te",
        "trailer",
        "trailers",
        "transfer-encoding",
        "upgrade",
    ]
)

# RFC 9110, 5.3: a field that is not a list must not be sent twice.
SINGLETONS = frozenset({"HTTP_HOST", "CONTENT_TYPE", "CONTENT_LENGTH", "HTTP_CONTENT_LENGTH"})
