"""What is refused, and understood once a setting permits it."""

import pytest
import support.corpus_driver as driver

GET = b"GET /x?y HTTP/1.1\r\nHost: h\r\n\r\n"


def sent_for(app, data, **settings):
    transport, _connection = driver.converse(driver.make_protocol(app, **settings), [data])
    return transport.sent


@pytest.mark.parametrize(
    ("header_map", "status", "key"),
    [("drop", 200, None), ("refuse", 400, None), ("dangerous", 200, "HTTP_X_A")],
)
def test_underscore_names_are_treated_as_asked(header_map, status, key):
    app = driver.Recorder()
    data = GET.replace(b"\r\n\r\n", b"\r\nX_A: 1\r\n\r\n")

    sent = sent_for(app, data, header_map=header_map)

    assert sent.startswith(b"HTTP/1.1 %d " % status)
    if status == 200:
        assert (app.environs[0].get("HTTP_X_A") == "1") == (key is not None)


@pytest.mark.parametrize(
    ("setting", "data", "key", "value"),
    [
        (
            "permit_obsolete_folding",
            b"GET / HTTP/1.1\r\nHost: h\r\nX-A: b\r\n  c\r\n\r\n",
            "HTTP_X_A",
            "b c",
        ),
        ("strip_header_spaces", b"GET / HTTP/1.1\r\nHost: h\r\nX-A : b\r\n\r\n", "HTTP_X_A", "b"),
        ("casefold_http_method", b"get / HTTP/1.1\r\nHost: h\r\n\r\n", "REQUEST_METHOD", "GET"),
        (
            "permit_unconventional_http_method",
            b"go / HTTP/1.1\r\nHost: h\r\n\r\n",
            "REQUEST_METHOD",
            "go",
        ),
        (
            "permit_unconventional_http_version",
            b"GET / HTTP/1.7\r\nHost: h\r\n\r\n",
            "SERVER_PROTOCOL",
            "HTTP/1.7",
        ),
    ],
)
def test_what_is_permitted_is_understood(setting, data, key, value):
    app = driver.Recorder()

    refused = sent_for(app, data)
    sent_for(app, data, **{setting: True})

    assert refused.split()[1] in (b"400", b"505")
    assert [each[key] for each in app.environs] == [value]


def test_a_fold_of_the_request_line_is_refused_whatever_is_permitted():
    app = driver.Recorder()

    sent = sent_for(
        app,
        b"GET / HTTP/1.1\r\n X-A: b\r\nHost: h\r\n\r\n",
        permit_obsolete_folding=True,
        strip_header_spaces=True,
    )

    assert sent.startswith(b"HTTP/1.1 400 ")
    assert app.environs == []
