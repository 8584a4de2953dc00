"""What tests do with plain sockets."""

import socket
from pathlib import Path

from hookserve.testing.waiting import DEADLINE
from tests.chaos.scene import opened_by


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


def free_address(host="127.0.0.2"):
    """An address at which no one listens.  Clients of other tests have their ports at 127.0.0.1."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with socket.create_server((host, 0), family=family) as free:
        return free.getsockname()


def leave_path(path):
    """A path as a server leaves it that ends without removing it."""
    with socket.socket(socket.AF_UNIX) as ended:
        ended.bind(str(path))


def listeners_of(pid):
    """The listening sockets that a process holds, one for each descriptor."""
    listening = {f"socket:[{inode}]" for inode in _listening_inodes()}
    return [link for link in opened_by(pid).values() if link in listening]


def _listening_inodes():
    for line in Path("/proc/net/tcp").read_text().splitlines()[1:]:
        columns = line.split()
        if columns[3] == "0A":
            yield columns[9]
    for line in Path("/proc/net/unix").read_text().splitlines()[1:]:
        columns = line.split()
        if columns[3] == "00010000":
            yield columns[6]
