"""Heads: where they end, and that it does not matter how their bytes arrive."""

import corpus_driver as driver
import pytest
from hypothesis import example, given
from hypothesis import strategies as st

LINES = (
    b"Host: h", b"Accept: */*", b"Cookie: a=1", b"Cookie: b=2", b"X_Dropped: 1",
    b"Connection: close", b"Content-Length: 8", b"Content-Length: 2",
    b"Transfer-Encoding: chunked", b"X-A: \t b ",
    b"bad", b"Expect: 100-continue", b"X-Forwarded-Proto: https", b"SCRIPT_NAME: /x", b"",
)  # fmt: skip
TARGETS = (b"/", b"/x/y?z", b"http://other/", b"*", b"/%41")
ENDS = (
    b"",
    b"\r\n\r\n",
    b"body\r\n\r\n",
    b"GET / HTTP/1.1\r\nHost: h\r\n\r\n",
    b"3\r\nabc\r\n0\r\n\r\n",
)


def outcome(protocol, pieces):
    """What the application was given and what the client got, the Date apart."""
    app = protocol.app
    del app.environs[:], app.bodies[:]
    transport, connection = driver.converse(protocol, pieces)
    environs = [
        {key: value for key, value in environ.items() if type(value) is str}
        for environ in app.environs
    ]
    # Whether 100 Continue is needed does depend on what has arrived.
    sent = transport.sent.replace(b"HTTP/1.1 100 Continue\r\n\r\n", b"")
    replies = [line for line in sent.split(b"\r\n") if not line.startswith(b"Date:")]
    return environs, list(app.bodies), replies, connection.state


requests = st.builds(
    lambda method, target, lines, end: (
        b"\r\n".join((method + b" " + target + b" HTTP/1.1", *lines)) + b"\r\n\r\n" + end
    ),
    st.sampled_from((b"GET", b"POST", b"OPTIONS")),
    st.sampled_from(TARGETS),
    st.lists(st.sampled_from(LINES), max_size=6),
    st.sampled_from(ENDS),
)


@pytest.mark.parametrize("buffered", [False, True], ids=["streamed", "buffered"])
@pytest.mark.parametrize("settings", [{}, {"forwarded_allow_ips": ("*",)},
                                      {"permit_obsolete_folding": True}])  # fmt: skip
def test_bytes_mean_the_same_whatever_came_before_and_however_they_are_split(buffered, settings):
    seasoned = driver.make_protocol(driver.Recorder(), buffered, **settings)

    @given(st.lists(requests, min_size=1, max_size=3).map(b"".join))
    @example(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 8\r\n\r\nbody\r\n\r\n")
    @example(b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 4\r\n\r\n\r\n\r\n")
    @example(b"GET / HTTP/1.1\r\nHost: h\r\n\r\n\r\n\r\n")
    @example(b"GET / HTTP/1.1\r\nHost: h\r\n\r\nGET /2 HTTP/1.1\r\nHost: h\r\nAccept: */*\r\n\r\n")
    def check(data):
        fresh = driver.make_protocol(driver.Recorder(), buffered, **settings)
        expected = outcome(fresh, [data[at : at + 1] for at in range(len(data))])

        for _ in range(3):
            assert outcome(seasoned, [data]) == expected

    check()


def test_the_fields_of_a_body_are_not_counted_with_the_heads():
    app = driver.Recorder()
    body = b"X: y\r\n" * 200 + b"\r\n"
    data = b"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: %d\r\n\r\n" % len(body) + body

    driver.converse(driver.make_protocol(app, limit_request_fields=2), [data])

    assert app.bodies == [body]
