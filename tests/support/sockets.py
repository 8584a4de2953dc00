"""What tests do with plain sockets."""

import socket

from hookserve.testing.waiting import DEADLINE


def read_to_end(client):
    """All bytes until the other side closes its half."""
    client.settimeout(DEADLINE)
    parts = []
    while data := client.recv(65536):
        parts.append(data)
    return b"".join(parts)


def talk(server, *pieces):
    """Send the pieces on a new connection; what the server sends until it closes."""
    with socket.create_connection(server.address, timeout=DEADLINE) as client:
        for piece in pieces:
            client.sendall(piece)
        return read_to_end(client)
