"""The public contract of protocols, held by HTTP."""

from hookserve.testing import ProtocolContract


class TestContract(ProtocolContract):
    protocol = "http"
    request = b"GET / HTTP/1.1\r\nHost: contract\r\n\r\n"
    upload = b"POST / HTTP/1.1\r\nHost: contract\r\nContent-Length: 5\r\n\r\nhello"
