"""A suspended exchange whose client floods it has its turn, and no more."""

import socket
import time

from support.reactors import Elsewhere, turn_until

from hookserve.protocol.seam import READY, SUSPENDED


class Answering(Elsewhere):
    """Answers what arrives at once, which takes a millisecond of the processor for every KiB."""

    __slots__ = ()
    made = []

    def feed(self, data):
        super().feed(data)
        if self.state == SUSPENDED:
            end = time.thread_time() + len(data) / 1024 * 0.001
            while time.thread_time() < end:
                pass
            self.responses.append(b".")
            self.state = READY
        return self.state


def test_a_client_that_is_answered_at_once_has_one_turn_like_the_others(setting):
    """As one does that floods a websocket with pings."""
    worker, reactor = setting.make(float("inf"), Answering)
    flooding = setting.connect(worker)
    flooding.sendall(b"begin\n")
    turn_until(reactor, lambda: Answering.made and Answering.made[-1].state == SUSPENDED)
    (connection,) = Answering.made
    flooding.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    flooding.sendall(b"x" * 200_000)
    quick = setting.connect(worker)
    turn_until(reactor, lambda: len(connection.received) > 3)

    quick.sendall(b"begin\n")
    turn_until(reactor, lambda: Answering.made[-1].state == SUSPENDED)

    assert Answering.made[-1] is not connection
    assert sum(map(len, connection.received)) < 100_000
