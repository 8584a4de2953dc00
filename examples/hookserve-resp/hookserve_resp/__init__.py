"""The protocol resp, as hookserve finds it: light, for every start imports this module.

In reading order:

commands
    RESP2 without I/O: commands from bytes, replies to bytes
exchange
    one command, as the scoreboard, the hooks and the access log are told of it
protocol
    a listener and its connections: a command, a call of the application, a reply
channels
    who has subscribed to what
subscription
    connections that publish, and that are sent what others publish
store
    an application: values by their keys
"""

from __future__ import annotations

from hookserve import ProtocolType, hookimpl

__version__ = "1.0"

hookserve_api = 1


@hookimpl
def protocol_types() -> list[ProtocolType]:
    """One protocol, ``resp``."""
    return [
        ProtocolType(
            "resp",
            "hookserve_resp.subscription:PublishingProtocol",
            "redis' protocol: commands for an application, SUBSCRIBE and PUBLISH",
        )
    ]
