"""The contract of all protocols, held by RESP, its exchanges that are suspended included."""

import itertools

from hookserve_resp.commands import array, bulk
from hookserve_resp.store import handle

from hookserve.testing import ProtocolContract
from hookserve.testing.fakes import Conversation


def command(*words):
    return array(*map(bulk, words))


class TestContract(ProtocolContract):
    protocol = "resp"
    request = command(b"PING")
    response = b"$4\r\nPONG\r\n"
    upload = command(b"ECHO", b"hello")
    upload_response = b"$5\r\nhello\r\n"
    closes_after_error = False
    suspended_request = command(b"SUBSCRIBE", b"news")
    end_request = command(b"UNSUBSCRIBE")
    numbers = itertools.count()

    def application(self):
        return handle

    def failing(self, error):
        def fail(command):
            raise error("on purpose")

        return fail

    def produce(self, protocol):
        message = b"message %d" % next(self.numbers)
        Conversation(protocol).feed(command(b"PUBLISH", b"news", message))
        return array(bulk(b"message"), bulk(b"news"), bulk(message))
