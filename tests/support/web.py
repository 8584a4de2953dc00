"""httpx's functions for a server on loopback, without the certificates of the world.

Each call of httpx's own reads them anew, which takes longer than a worker does to start.
"""

import ssl
from functools import partial

import httpx

_CONTEXT = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
"""It has no certificate to trust."""

get = partial(httpx.get, verify=_CONTEXT)
post = partial(httpx.post, verify=_CONTEXT)
Client = partial(httpx.Client, verify=_CONTEXT)
