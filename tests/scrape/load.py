"""The clients, a process of their own: so many requests at once, each on a fresh connection, so
that every worker gets its share; until the process is ended."""

import contextlib
import select
import socket
import sys

REQUEST = b"GET / HTTP/1.1\r\nHost: shop\r\nConnection: close\r\n\r\n"


def run(address, at_once):
    """Send requests for ever."""
    clients, poller = {}, select.epoll()
    while True:
        while len(clients) < at_once:
            client = socket.create_connection(address, 30)
            with contextlib.suppress(ConnectionError):  # its worker was killed already
                client.sendall(REQUEST)
            poller.register(client, select.EPOLLIN)
            clients[client.fileno()] = client
        for fd, _ in poller.poll(30):
            with clients.pop(fd) as client, contextlib.suppress(ConnectionError):  # it was killed
                client.recv(4096)


if __name__ == "__main__":
    run((sys.argv[1], int(sys.argv[2])), int(sys.argv[3]))
